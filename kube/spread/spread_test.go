package spread

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/kube"
)

// cluster plays the API of a cluster whose pods do as they are told.
type cluster struct {
	mu      sync.Mutex
	objects map[string]map[string]any // by kind
	deleted []string                  // kinds
	workers int
	begun   time.Time // the Job is not suspended any more
	hiccups int       // calls that fail before they are done
	lost    int       // calls that are done and not answered
	gone    chan struct{}
	pod     func(i int, age time.Duration) (phase, log string) // and how it fares; no phase: no pod
}

func newCluster(pod func(i int, age time.Duration) (string, string)) *cluster {
	return &cluster{objects: map[string]map[string]any{}, gone: make(chan struct{}), pod: pod}
}

func (c *cluster) Do(ctx context.Context, call kube.Call, into any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if call.Query.Get("follow") == "true" && c.isRunning(call) { // prints until its pod is deleted
		select {
		case <-c.gone:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hiccups > 0 {
		c.hiccups--
		return &kube.StatusError{Status: 503, Message: "etcd leader changed"}
	}
	answer, err := c.answer(call)
	if err == nil && c.lost > 0 && call.Method != "" {
		c.lost--
		return errors.New("connection reset")
	}
	if err != nil || into == nil {
		return err
	}
	if raw, isRaw := into.(*[]byte); isRaw {
		*raw = []byte(answer.(string))
		return nil
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func (c *cluster) isRunning(call kube.Call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	phase, _ := c.podOf(call)
	return phase == "Running"
}

// podOf is the pod whose log is asked for.
func (c *cluster) podOf(call kube.Call) (phase, log string) {
	var i int
	_, _ = fmt.Sscanf(call.Path[strings.Index(call.Path, "/pods/"):], "/pods/pod-%d", &i)
	return c.pod(i, time.Since(c.begun))
}

func (c *cluster) answer(call kube.Call) (any, error) {
	parts := strings.Split(call.Path[strings.Index(call.Path, "/namespaces/shop/")+len("/namespaces/shop/"):], "/")
	kind := parts[0]
	switch {
	case call.Method == "POST":
		if c.objects[kind] != nil {
			return nil, &kube.StatusError{Status: 409}
		}
		var o map[string]any
		text, _ := json.Marshal(call.Body)
		_ = json.Unmarshal(text, &o)
		meta := o["metadata"].(map[string]any)
		meta["uid"], meta["creationTimestamp"] = "u-1", time.Now()
		c.objects[kind] = o
		return o, nil
	case call.Method == "PATCH":
		c.workers = int(c.objects["jobs"]["spec"].(map[string]any)["completions"].(float64))
		c.begun = time.Now()
		return nil, nil
	case call.Method == "DELETE":
		if c.objects[kind] == nil {
			return nil, &kube.StatusError{Status: 404}
		}
		delete(c.objects, kind)
		c.deleted = append(c.deleted, kind)
		if kind == "jobs" {
			close(c.gone)
		}
		return nil, nil
	case kind == "jobs":
		if c.objects[kind] == nil {
			return nil, &kube.StatusError{Status: 404, Message: "no such job"}
		}
		return c.job(), nil
	case len(parts) == 1:
		return c.pods(), nil
	}
	_, log := c.podOf(call)
	return log, nil
}

func (c *cluster) job() any {
	done := 0
	for i := range c.workers {
		if phase, _ := c.pod(i, time.Since(c.begun)); phase != "Running" && phase != "Pending" && phase != refused && phase != lost {
			done++
		}
	}
	o := c.objects["jobs"]
	if c.workers > 0 && done == c.workers {
		o["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Failed", "status": "True"}}}
	}
	return o
}

func (c *cluster) pods() any {
	var items []any
	for i := range c.workers {
		phase, _ := c.pod(i, time.Since(c.begun))
		if phase == "" || phase == refused {
			continue
		}
		meta := map[string]any{"name": fmt.Sprintf("pod-%d", i), "annotations": map[string]any{"batch.kubernetes.io/job-completion-index": fmt.Sprint(i)}}
		if phase == lost {
			phase, meta["deletionTimestamp"] = "Running", c.begun.Add(time.Minute)
		}
		var state any = map[string]any{"running": map[string]any{}}
		switch phase {
		case "Pending":
			state = map[string]any{"waiting": map[string]any{"reason": "ImagePullBackOff", "message": "no such image"}}
		case "Failed":
			state = map[string]any{"terminated": map[string]any{"reason": "OOMKilled", "exitCode": 137}}
		}
		items = append(items, map[string]any{
			"metadata": meta,
			"status":   map[string]any{"phase": phase, "containerStatuses": []any{map[string]any{"state": state}}},
		})
	}
	return map[string]any{"items": items}
}

// Phases of pods that the cluster may not make, and of those whose node has
// gone. The Job does not end by them.
const (
	refused = "Refused"
	lost    = "Lost"
)

func framed(payload string) string {
	var log bytes.Buffer
	_ = Print(&log, []byte(payload)) // into memory
	return log.String()
}

func failed(why string) string {
	var log bytes.Buffer
	_ = PrintError(&log, why)
	return log.String()
}

// finished is a worker that is done after a minute.
func finished(i int, age time.Duration) (string, string) {
	if age < time.Minute {
		return "Running", "normal  100 requests"
	}
	return "Succeeded", framed(fmt.Sprintf("result %d", i))
}

var example = Job{
	Namespace: "shop", Image: "slogate:1", Workers: 3, Args: []string{"--seed=7", "slo.yaml"},
	Files:  map[string][]byte{"slo.yaml": []byte("version: 1"), "data/rows.csv": {0xff, 0}},
	Values: map[string]string{"TOKEN": "hidden"}, StartIn: 20 * time.Second, Most: time.Hour,
}

func TestRun(t *testing.T) {
	whole := []Answer{{Index: 0, Payload: []byte("result 0")}, {Index: 1, Payload: []byte("result 1")}, {Index: 2, Payload: []byte("result 2")}}
	with := func(a Answer) []Answer {
		all := slices.Clone(whole)
		all[a.Index] = a
		return all
	}
	but := func(other func(age time.Duration) (string, string)) func(int, time.Duration) (string, string) {
		return func(i int, age time.Duration) (string, string) {
			if i == 1 {
				return other(age)
			}
			return finished(i, age)
		}
	}
	for _, tt := range []struct {
		name          string
		pod           func(int, time.Duration) (string, string)
		hiccups, lost int
		want          []Answer
		notes         []string
	}{
		{name: "all answer", pod: finished, want: whole},
		{name: "the API hiccups", pod: finished, hiccups: 5, want: whole},
		{name: "answers are lost", pod: finished, lost: 5, want: whole},
		{
			name: "one dies",
			pod:  but(func(time.Duration) (string, string) { return "Failed", "fatal" }),
			want: with(Answer{Index: 1, Why: "OOMKilled, exit code 137; it printed no result"}),
		},
		{
			name: "one has a reason",
			pod:  but(func(time.Duration) (string, string) { return "Succeeded", failed("no target") }),
			want: with(Answer{Index: 1, Why: "no target"}),
		},
		{
			name: "one vanishes",
			pod: but(func(age time.Duration) (string, string) {
				if age < 30*time.Second {
					return "Running", ""
				}
				return "", ""
			}),
			want: with(Answer{Index: 1, Why: "its pod has gone"}),
		},
		{
			name: "one is never made",
			pod:  but(func(time.Duration) (string, string) { return refused, "" }),
			want: with(Answer{Index: 1, Why: "the cluster made no pod for it: does a quota or a policy forbid it?"}),
		},
		{
			name: "a node is lost",
			pod:  but(func(time.Duration) (string, string) { return lost, "" }),
			want: with(Answer{Index: 1, Why: "its node does not answer any more"}),
		},
		{
			name:  "one never starts",
			pod:   but(func(time.Duration) (string, string) { return "Pending", "" }),
			want:  with(Answer{Index: 1, Why: "it did not run at the start: ImagePullBackOff: no such image"}),
			notes: []string{"1 of 3 workers wait: ImagePullBackOff: no such image"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(tt.pod)
				c.hiccups, c.lost = tt.hiccups, tt.lost
				var notes []string
				got, err := Run(t.Context(), c, example, func(s string) { notes = append(notes, s) })
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
				if len(notes) == 0 || !cmp.Equal(append([]string{}, notes[1:]...), append([]string{}, tt.notes...)) {
					t.Errorf("notes %q, want %q after the first", notes, tt.notes)
				}
				if len(c.objects) > 0 {
					t.Errorf("left behind: %v", c.objects)
				}
			})
		})
	}
}

func TestWhyAPodWaits(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: starting,
		`{"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}`:                                                    starting,
		`{"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]}`:                                                         "ErrImagePull",
		`{"conditions": [{"type": "PodScheduled", "status": "True"}]}`:                                                                        starting,
		`{"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: Insufficient cpu."}]}`: "Unschedulable: 0/1 nodes: Insufficient cpu.",
	} {
		var p pod
		if err := json.Unmarshal([]byte(`{"status": `+text+`}`), &p); err != nil {
			t.Fatal(err)
		}
		if got := p.waits(); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestObjectsBelongToTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(finished)
		kept := map[string]map[string]any{}
		go func() {
			time.Sleep(30 * time.Second)
			c.mu.Lock()
			defer c.mu.Unlock()
			maps.Copy(kept, c.objects)
		}()
		if _, err := Run(t.Context(), c, example, func(string) {}); err != nil {
			t.Fatal(err)
		}
		owner := fmt.Sprint(kept["secrets"]["metadata"].(map[string]any)["ownerReferences"])
		if !strings.Contains(owner, "uid:u-1") {
			t.Errorf("the Secret is owned by %s", owner)
		}
		if all := fmt.Sprint(kept["jobs"]); strings.Contains(all, "hidden") || strings.Contains(all, "aGlkZGVu") {
			t.Error("a secret stands in the Job")
		}
		// Files may be keys, and rows hold passwords.
		if len(kept) != 2 {
			t.Errorf("there are %v, want a Job and a Secret", slices.Sorted(maps.Keys(kept)))
		}
		spec := kept["jobs"]["spec"].(map[string]any)
		if spec["completionMode"] != "Indexed" || spec["completions"] != 3.0 || spec["ttlSecondsAfterFinished"] != 600.0 || spec["backoffLimitPerIndex"] != 0.0 {
			t.Errorf("the Job is %v", spec)
		}
	})
}

func TestCancelKeepsWhatWasMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(func(i int, _ time.Duration) (string, string) {
			if i == 2 {
				return "Pending", ""
			}
			return "Running", framed(fmt.Sprintf("half of %d", i))
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began := time.Now()
		got, err := Run(ctx, c, example, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		want := []Answer{{Index: 0, Payload: []byte("half of 0")}, {Index: 1, Payload: []byte("half of 1")}, {Index: 2, Why: "cancelled"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if len(c.objects) > 0 || time.Since(began) > 35*time.Second {
			t.Errorf("after %s these are left: %v", time.Since(began), c.objects)
		}
	})
}

// Workers that have ended in the last moment are heard beside each other.
func TestCancelHearsThoseThatHaveEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(func(i int, age time.Duration) (string, string) {
			if age < 29500*time.Millisecond {
				return "Running", ""
			}
			return "Succeeded", framed(fmt.Sprintf("result %d", i))
		})
		ctx, cancel := context.WithTimeout(t.Context(), 29600*time.Millisecond)
		defer cancel()
		job := example
		job.Workers = 50
		got, err := Run(ctx, c, job, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range got {
			if string(a.Payload) != fmt.Sprintf("result %d", i) {
				t.Errorf("worker %d: %q, %s", i, a.Payload, a.Why)
			}
		}
	})
}

func TestJobThatIsTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(finished)
		go func() {
			time.Sleep(30 * time.Second)
			c.mu.Lock()
			defer c.mu.Unlock()
			delete(c.objects, "jobs")
		}()
		got, err := Run(t.Context(), c, example, func(string) {})
		if err != nil || len(got) != 3 || !strings.Contains(got[0].Why, "no such job") {
			t.Errorf("got %v %v", got, err)
		}
	})
}

func TestForbidden(t *testing.T) {
	forbidden := apiFunc(func(context.Context, kube.Call, any) error {
		return &kube.StatusError{Status: 403, Message: "jobs is forbidden"}
	})
	var notes []string
	if _, err := Run(t.Context(), forbidden, example, func(s string) { notes = append(notes, s) }); kube.Status(err) != 403 || notes != nil {
		t.Errorf("got %v, noted %q", err, notes)
	}
}

type apiFunc func(context.Context, kube.Call, any) error

func (f apiFunc) Do(ctx context.Context, c kube.Call, into any) error { return f(ctx, c, into) }

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Job)
		want   string
	}{
		{"as it is", func(*Job) {}, ""},
		{"no workers", func(j *Job) { j.Workers = 0 }, "0 workers"},
		{"too many workers", func(j *Job) { j.Workers = 1001 }, "1 to 1000"},
		{"large files", func(j *Job) { j.Files = map[string][]byte{"a.csv": make([]byte, 800_000)} }, "a Secret holds 1048576"},
		{"a file outside", func(j *Job) { j.Files = map[string][]byte{"../a": nil} }, `"../a"`},
		{"large values", func(j *Job) { j.Values = map[string]string{"A": strings.Repeat("a", 800_000)} }, "a Secret holds 1048576"},
		{"the index", func(j *Job) { j.Values = map[string]string{IndexVariable: "1"} }, "another one for each worker"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := example
			tt.change(&j)
			if err := j.Check(); tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestReadPlan(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := ReadPlan(dir, "0"); err == nil || !strings.Contains(err.Error(), "--on kubernetes") {
		t.Errorf("without a plan: %v", err)
	}
	text, _ := json.Marshal(Plan{Workers: 3, Start: time.Unix(100, 0), Args: []string{"slo.yaml"}})
	path := filepath.Join(dir, filepath.FromSlash(planFile))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644)); err != nil {
		t.Fatal(err)
	}
	if p, i, err := ReadPlan(dir, "2"); err != nil || i != 2 || p.Workers != 3 || p.Start.Unix() != 100 || !cmp.Equal(p.Args, []string{"slo.yaml"}) {
		t.Errorf("got %+v, %d, %v", p, i, err)
	}
	for _, index := range []string{"", "x", "-1", "3"} {
		if _, _, err := ReadPlan(dir, index); err == nil {
			t.Errorf("index %q is taken", index)
		}
	}
}
