package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/secret"
)

// again makes every source due.
func (w *Watcher) again() {
	for _, s := range w.sources {
		s.next = time.Time{}
	}
}

func watch(t *testing.T, c *Client, target Target) *Watcher {
	t.Helper()
	w, err := Watch(t.Context(), c, target)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// look takes a sample of everything.
func look(t *testing.T, w *Watcher) result.ClusterSample {
	t.Helper()
	w.again()
	s, err := w.Sample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var noTimes = cmpopts.IgnoreTypes(time.Time{})

func TestWatchSeesAnAutoscalerAndItsPods(t *testing.T) {
	a, c := newAPI(t)
	w := watch(t, c, Target{HPA: "web"})
	a.change(func() {
		a.desired, a.usage, a.limited = 3, 140, true
		a.pods = append(a.pods, aPod("web-3", false), aPod("web-2", true))
	})
	want := result.ClusterSample{
		Ready: 2, Replicas: 3, Desired: 3, Wanted: 6, UsageMilli: 270, CPU: 0.9, MemoryBytes: 3 * 64 << 20, AtCeiling: true,
		Pods: []result.ClusterPod{
			{Name: "web-1", Phase: "Running", Ready: true, UsageMilli: 90, MemoryBytes: 64 << 20},
			{Name: "web-2", Phase: "Running", Ready: true, UsageMilli: 90, MemoryBytes: 64 << 20},
			{Name: "web-3", Phase: "Running", UsageMilli: 90, MemoryBytes: 64 << 20},
		},
	}
	if diff := cmp.Diff(want, look(t, w), noTimes, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	got := w.Timeline()
	limits := result.ClusterLimits{MinReplicas: 1, MaxReplicas: 3, TargetCPU: 0.5, RequestMilli: 100, LimitMilli: 200}
	if got.Source != "kubernetes" || got.Name != "shop/web" || got.Limits != limits || len(got.Missing) > 0 {
		t.Errorf("got %+v", got)
	}
}

func TestWatchSeesADeployment(t *testing.T) {
	a, c := newAPI(t)
	w := watch(t, c, Target{Deployment: "web"})
	a.change(func() { a.desired = 2 })
	got := look(t, w)
	if got.Ready != 1 || got.Replicas != 1 || got.Desired != 2 || got.Wanted != 2 || got.CPU != 0.9 {
		t.Errorf("got %+v", got)
	}
	if n := a.times(hpaPath); n != 0 {
		t.Errorf("asked for an autoscaler %d times", n)
	}
}

// What happened before the load is no news; what happens to pods that go away
// afterwards is kept.
func TestWatchCountsRestartsKillsAndEvictions(t *testing.T) {
	a, c := newAPI(t)
	a.pods = []map[string]any{ended(aPod("web-1", true), 4, "OOMKilled", "2026-01-01T00:00:00Z")}
	w := watch(t, c, Target{HPA: "web"})
	counts := func(s result.ClusterSample) [3]int { return [3]int{s.Restarts, s.OOMKills, s.Evictions} }
	if got := counts(look(t, w)); got != [3]int{} {
		t.Errorf("before: %v", got)
	}
	a.change(func() {
		evicted := aPod("web-3", false)
		evicted["status"].(map[string]any)["phase"] = "Failed"
		evicted["status"].(map[string]any)["reason"] = "Evicted"
		a.pods = []map[string]any{
			ended(aPod("web-1", true), 6, "OOMKilled", "2026-01-01T00:00:09Z"),
			ended(aPod("web-2", true), 1, "Error", "2026-01-01T00:00:08Z"),
			evicted,
		}
	})
	s := look(t, w)
	if got := counts(s); got != [3]int{3, 1, 1} || s.Replicas != 2 {
		t.Errorf("got %v of %d pods, want 3 restarts, a kill and an eviction of 2", got, s.Replicas)
	}
	a.change(func() { a.pods = []map[string]any{aPod("web-4", true)} })
	if got := counts(look(t, w)); got != [3]int{3, 1, 1} {
		t.Errorf("after the pods: %v", got)
	}
}

func TestWatchKeepsNotableEvents(t *testing.T) {
	a, c := newAPI(t)
	c.Mask = secret.NewMask([]string{"hunter2hunter2"})
	w := watch(t, c, Target{HPA: "web"})
	later := w.began.Add(2 * time.Second).Truncate(time.Second)
	a.change(func() {
		a.events = []map[string]any{
			anEvent(later, "HorizontalPodAutoscaler", "web", "Normal", "SuccessfulRescale", "New size: 3"),
			anEvent(later, "Pod", "web-1", "Warning", "BackOff", strings.Repeat("x", 195)+"hunter2hunter2"),
			anEvent(later, "Pod", "web-1", "Normal", "Pulled", "an image"),
			anEvent(later, "Pod", "other-1", "Warning", "BackOff", "of others"),
			anEvent(later, "Pod", "web-api-7d9f8b6c5x-q2w4z", "Warning", "BackOff", "of another Deployment"),
			anEvent(later, "Pod", "web-db-0", "Warning", "BackOff", "of another StatefulSet"),
			anEvent(later, "Pod", "web-7d9f8b6c5x-q2w4z", "Warning", "BackOff", "hunter2hunter2 of its own"),
			anEvent(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "Pod", "web-1", "Warning", "Unhealthy", "of the future"),
			anEvent(later.Add(-time.Hour), "Pod", "web-1", "Warning", "Unhealthy", "before"),
		}
	})
	look(t, w)
	want := []result.ClusterEvent{
		{Object: "HorizontalPodAutoscaler/web", Reason: "SuccessfulRescale", Message: "New size: 3", Count: 3},
		{Object: "Pod/web-1", Reason: "BackOff", Message: strings.Repeat("x", 195) + "***", Count: 3},
		{Object: "Pod/web-7d9f8b6c5x-q2w4z", Reason: "BackOff", Message: "*** of its own", Count: 3},
	}
	if diff := cmp.Diff(want, w.Timeline().Events, noTimes); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	a.change(func() {
		for i := range 1000 {
			a.events = append(a.events, anEvent(later, "Pod", "web-1", "Warning", fmt.Sprint("Reason", i), ""))
		}
	})
	look(t, w)
	if n := len(w.Timeline().Events); n != result.MaxClusterEvents {
		t.Errorf("%d events", n)
	}
}

// A namespace has more events than a page, in no order of time.
func TestWatchReadsAllPagesOfEvents(t *testing.T) {
	a, c := newAPI(t)
	w := watch(t, c, Target{HPA: "web"})
	pages, endless := 0, false
	a.answer(eventsPath, func(out http.ResponseWriter, r *http.Request) {
		pages++
		more, reason := "next", fmt.Sprint("Page", pages)
		if r.URL.Query().Get("continue") == "next" && !endless {
			more = ""
		}
		_ = json.NewEncoder(out).Encode(map[string]any{
			"metadata": map[string]any{"continue": more},
			"items":    []any{anEvent(w.began.Add(2*time.Second), "Pod", "web-1", "Warning", reason, "")},
		})
	})
	look(t, w)
	if got := w.Timeline(); len(got.Events) != 2 || len(got.Missing) > 0 {
		t.Errorf("got %+v, missing %q", got.Events, got.Missing)
	}
	pages, endless = 0, true
	look(t, w)
	if got := w.Timeline(); pages != eventPages || len(got.Missing) != 1 || !strings.Contains(got.Missing[0], "were not looked at") {
		t.Errorf("%d pages, missing %q", pages, got.Missing)
	}
}

// What a cluster tells with its own time is put into this machine's.
func TestWatchKnowsTheClustersClock(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, -time.Hour} {
		a, c := newAPI(t)
		serve := c.http.Transport
		c.http.Transport = dated{serve, ahead}
		w := watch(t, c, Target{HPA: "web"})
		at := w.began.Add(10 * time.Second).Truncate(time.Second)
		a.change(func() {
			a.events = []map[string]any{
				anEvent(at.Add(ahead), "Pod", "web-1", "Warning", "BackOff", "now"),
				anEvent(at.Add(ahead-10*time.Minute), "Pod", "web-1", "Warning", "Unhealthy", "before"),
			}
		})
		look(t, w)
		got := w.Timeline().Events
		if len(got) != 1 || got[0].Message != "now" || got[0].At.Sub(at).Abs() > 20*time.Second {
			t.Errorf("%v ahead: got %+v, want one at %v", ahead, got, at)
		}
	}
}

// dated is a transport to a server whose clock is ahead.
type dated struct {
	http.RoundTripper
	ahead time.Duration
}

func (d dated) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := d.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Header.Set("Date", time.Now().UTC().Add(d.ahead).Format(http.TimeFormat))
	}
	return answer, err
}

// A sample is of the moment in which its pods were listed, however long the
// server took.
func TestSampleHasTheTimeOfItsPods(t *testing.T) {
	a, c := newAPI(t)
	w := watch(t, c, Target{HPA: "web"})
	var listed time.Time
	a.answer(podsPath, func(out http.ResponseWriter, _ *http.Request) {
		time.Sleep(20 * time.Millisecond)
		listed = time.Now()
		list(out, []map[string]any{aPod("web-1", true)})
	})
	if s := look(t, w); s.At.Before(listed) {
		t.Errorf("it is of %s before", listed.Sub(s.At))
	}
}

func TestWatchListsThePodsThatAreNotWell(t *testing.T) {
	a, c := newAPI(t)
	a.pods = nil
	for i := range 50 {
		a.pods = append(a.pods, aPod(fmt.Sprintf("web-%02d", i), i != 40))
	}
	s := look(t, watch(t, c, Target{HPA: "web"}))
	if s.Replicas != 50 || s.Ready != 49 || len(s.Pods) != result.MaxPods || s.Pods[result.MaxPods-1].Name != "web-40" {
		t.Errorf("got %d of %d ready, listed %d, the last one %v", s.Ready, s.Replicas, len(s.Pods), s.Pods[len(s.Pods)-1])
	}
}

func TestWatchSeesThrottling(t *testing.T) {
	a, c := newAPI(t)
	counters := func(periods, throttled int) string {
		labels := `{container="web",id="/x",image="i, } n",name="n",namespace="shop",pod="web-1"}`
		other := `{container="web",id="/y",namespace="other",pod="web-1"}`
		return fmt.Sprintf("# HELP container_cpu_cfs_periods_total x\ncontainer_cpu_cfs_periods_total%s %d 1700000000000\ncontainer_cpu_cfs_throttled_periods_total%s %d\ncontainer_cpu_cfs_periods_total%s 9999\n",
			strings.Replace(labels, "i, } n", "i", 1), periods, strings.Replace(labels, "i, } n", "i", 1), throttled, other)
	}
	a.cadvisor = counters(100, 10)
	w := watch(t, c, Target{HPA: "web"})
	look(t, w)
	a.change(func() { a.cadvisor = counters(200, 90) })
	look(t, w)
	if got := look(t, w).Throttled; got != 0 {
		t.Errorf("nothing since the last time: got %v", got)
	}
	a.change(func() { a.cadvisor = counters(300, 170) })
	if got := look(t, w).Throttled; got != 0.8 {
		t.Errorf("got %v, want 0.8", got)
	}
}

func TestWatchDegradesAndSaysWhy(t *testing.T) {
	garbage := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"items": 7`)) }
	huge := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"items": [`))
		for range maxAnswer / 1000 {
			_, _ = w.Write([]byte(strings.Repeat(" ", 1100)))
		}
	}
	for _, test := range []struct {
		name   string
		path   string
		answer http.HandlerFunc
		want   string
		seen   bool // there are samples all the same
	}{
		{"no right to the autoscaler", hpaPath, forbidden, `autoscaler: forbidden, the role lacks the rule - {apiGroups: ["autoscaling"], resources: [horizontalpodautoscalers], verbs: [get]}`, false},
		{"no right to the pods", podsPath, forbidden, `pods: forbidden, the role lacks the rule - {apiGroups: [""], resources: [pods], verbs: [list]}`, true},
		{"no metrics server", usagePath, says(404, "NotFound", "the server could not find the requested resource"), "usage of CPU and memory: the cluster has no metrics server (metrics.k8s.io)", true},
		{"a broken metrics server", usagePath, says(503, "ServiceUnavailable", "the server is currently unable"), "usage of CPU and memory: the metrics server does not answer (metrics.k8s.io)", true},
		{"expired credentials", hpaPath, says(401, "Unauthorized", "Unauthorized"), "autoscaler: the credentials are not accepted, or have expired", false},
		{"no right to kubelets", cadvisorPath, forbidden, "throttling: forbidden, the role lacks the rule - {apiGroups: [\"\"], resources: [nodes/proxy], verbs: [get]}, in a ClusterRole", true},
		{"garbage", eventsPath, garbage, "events: GET " + eventsPath + ": not the JSON that was asked for", true},
		{"too much", podsPath, huge, fmt.Sprintf("pods: GET %s: the answer has more than %d bytes", podsPath, maxAnswer), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, c := newAPI(t)
			a.answer(test.path, test.answer)
			w := watch(t, c, Target{HPA: "web"})
			w.again()
			s, err := w.Sample(t.Context())
			if seen := err == nil; seen != test.seen || seen && (s.Replicas != 1 || s.Ready != 1) {
				t.Errorf("got %+v, %v", s, err)
			}
			missing := w.Timeline().Missing
			if len(missing) != 1 || !strings.HasPrefix(missing[0], test.want) {
				t.Errorf("got %q, want %q", missing, test.want)
			}
		})
	}
}

// A moment that was not seen is none in which nothing ran.
func TestWatchLeavesOutMomentsThatItDidNotSee(t *testing.T) {
	a, c := newAPI(t)
	w := watch(t, c, Target{HPA: "web"})
	a.answer(podsPath, says(500, "InternalError", "etcd"))
	w.again()
	if s, err := w.Sample(t.Context()); err == nil {
		t.Errorf("got %+v", s)
	}
	// Without the pods what is scaled says how many there are, of now as well.
	a.answer(podsPath, forbidden)
	deployed := watch(t, c, Target{Deployment: "web"})
	look(t, deployed)
	a.answer(deploymentPath, says(500, "InternalError", "etcd"))
	deployed.again()
	if s, err := deployed.Sample(t.Context()); err == nil {
		t.Errorf("got %+v", s)
	}
	a.answer(deploymentPath, nil)
	a.answer(podsPath, nil)
	look(t, w)
	if got := w.Timeline().Missing; len(got) != 1 || !strings.HasPrefix(got[0], "pods, 1 of 3 times: ") {
		t.Errorf("got %q", got)
	}
}

func TestWatchAsksNoMoreOftenThanItMust(t *testing.T) {
	a, c := newAPI(t)
	a.answer(usagePath, forbidden)
	w := watch(t, c, Target{HPA: "web"})
	for range 5 {
		if _, err := w.Sample(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := []int{a.times(hpaPath), a.times(podsPath), a.times(deploymentPath), a.times(usagePath), a.times(eventsPath)}
	if diff := cmp.Diff([]int{6, 6, 1, 1, 1}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A server that does not answer ends a sample with the run.
func TestWatchEndsWithTheRun(t *testing.T) {
	a, c := newAPI(t)
	w := watch(t, c, Target{HPA: "web"})
	entered := make(chan struct{})
	a.answer(hpaPath, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		<-entered
		stop()
	}()
	w.again()
	if _, err := w.Sample(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := w.Timeline().Missing; len(got) > 0 {
		t.Errorf("missing: %q", got)
	}
}

func TestWatchRefusesWhatIsNotThere(t *testing.T) {
	_, c := newAPI(t)
	for _, test := range []struct {
		target Target
		want   string
	}{
		{Target{HPA: "wep"}, `there is no HorizontalPodAutoscaler "wep" in the namespace "shop"`},
		{Target{Deployment: "wep"}, `there is no Deployment "wep" in the namespace "shop"`},
	} {
		_, err := Watch(t.Context(), c, test.target)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

// What an autoscaler scales becomes a part of a path.
func TestWatchLooksAtNoOtherPath(t *testing.T) {
	a, c := newAPI(t)
	for _, ref := range []string{
		`{"apiVersion": "../../api/v1", "kind": "Deployment", "name": "web"}`,
		`{"apiVersion": "apps/v1", "kind": "../secrets?x=", "name": "web"}`,
		`{"apiVersion": "v1", "kind": "Secret", "name": "web"}`,
	} {
		a.answer(hpaPath, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"spec": {"scaleTargetRef": %s}}`, ref) })
		w := watch(t, c, Target{HPA: "web"})
		if got := w.Timeline().Missing; len(got) != 1 || !strings.Contains(got[0], "cannot be looked at") {
			t.Errorf("%s: got %q", ref, got)
		}
	}
	a.answer(hpaPath, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "../../secrets/web"}}}`)
	})
	watch(t, c, Target{HPA: "web"})
	for path := range a.asked {
		if strings.HasSuffix(path, "/secrets/web") && !strings.Contains(path, "..") {
			t.Errorf("asked for %s", path)
		}
	}
}

func TestSelector(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "", // not every pod
		`{"matchLabels": {"tier": "front", "app": "web"}}`: "app=web,tier=front",
		`{"matchExpressions": [
			{"key": "a", "operator": "In", "values": ["1", "2"]}, {"key": "b", "operator": "NotIn", "values": ["3"]},
			{"key": "c", "operator": "Exists"}, {"key": "d", "operator": "DoesNotExist"}]}`: "!d,a in (1,2),b notin (3),c",
	} {
		var w workload
		if err := json.Unmarshal([]byte(`{"spec": {"selector": `+text+`}}`), &w); err != nil {
			t.Fatal(err)
		}
		if got := w.selector(); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// Without a selector every pod of the namespace would be the service's.
func TestWatchNeedsASelector(t *testing.T) {
	a, c := newAPI(t)
	a.answer(deploymentPath, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"spec": {"replicas": 1}}`) })
	w := watch(t, c, Target{HPA: "web"})
	if got := w.Timeline().Missing; len(got) != 1 || got[0] != "what is scaled: the Deployment has no selector of pods" || a.times(podsPath) > 0 {
		t.Errorf("got %q, asked %d times for pods", got, a.times(podsPath))
	}
}

// A pod has no limit where one of its containers has none.
func TestLimitOfAPod(t *testing.T) {
	for text, want := range map[string]float64{
		`[{"resources": {"limits": {"cpu": "200m"}}}, {"resources": {"limits": {"cpu": "1"}}}]`: 1200,
		`[{"resources": {"limits": {"cpu": "200m"}}}, {}]`:                                      0,
	} {
		var p pod
		if err := json.Unmarshal([]byte(`{"spec": {"containers": `+text+`}}`), &p); err != nil {
			t.Fatal(err)
		}
		if got := p.limit().milli(); got != want {
			t.Errorf("%s: got %vm, want %vm", text, got, want)
		}
	}
}

func TestWanted(t *testing.T) {
	for _, test := range []struct {
		name            string
		usage, replicas int
		want            int
	}{
		{name: "as it is", usage: 50, replicas: 2, want: 2},
		{name: "within the tolerance", usage: 54, replicas: 3, want: 3},
		{name: "more", usage: 56, replicas: 3, want: 4},
		{name: "twice", usage: 100, replicas: 3, want: 6},
		{name: "less", usage: 20, replicas: 3, want: 2},
		{name: "not known", usage: 0, replicas: 3, want: 7},
	} {
		t.Run(test.name, func(t *testing.T) {
			var a autoscaler
			m := metric{Type: "Resource", Resource: metricSource{Name: "cpu", Target: metricValue{AverageUtilization: 50}}}
			a.Spec.Metrics = []metric{m}
			m.Resource.Current.AverageUtilization = test.usage
			a.Status.CurrentMetrics = []metric{m}
			if got := a.wanted(test.replicas, 7); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
	var a autoscaler
	a.Spec.Metrics = []metric{{Type: "Pods", Pods: metricSource{Target: metricValue{AverageValue: 100}}}, {Type: "External", External: metricSource{Target: metricValue{Value: 10}}}}
	a.Status.CurrentMetrics = []metric{{Type: "Pods", Pods: metricSource{Current: metricValue{AverageValue: 150}}}, {Type: "External", External: metricSource{Current: metricValue{Value: 50}}}}
	if got := a.wanted(2, 1); got != 10 {
		t.Errorf("the most of several metrics: got %d, want 10", got)
	}
}

func TestQuantities(t *testing.T) {
	for text, want := range map[string]float64{
		"250m": 0.25, "1.5": 1.5, "12345678n": 0.012345678, "7u": 7e-6, "64Mi": 64 << 20, "1e3": 1000, "2k": 2000, "3Gi": 3 << 30,
		"": 0, "x": 0, "1Q": 0, "-1": 0, "NaN": 0, "1e400": 0, "9E999": 0, "i": 0,
	} {
		if got := float64(parseQuantity(text)); got < want*(1-1e-12) || got > want*(1+1e-12) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func FuzzQuantity(f *testing.F) {
	for _, s := range []string{"250m", "1.5Gi", "1e3", "", "-1", "Inf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if q := parseQuantity(s); !(q >= 0 && q < 1<<63) {
			t.Errorf("%q: %v", s, q)
		}
	})
}

// Whatever a server answers, a sample can be written and read again.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"items": [{"metadata": {"name": "web-1", "uid": "1"}, "status": {"phase": "Running"}}]}`)
	f.Add(`{"spec": {"replicas": -5, "selector": {"matchLabels": {"a": "b"}}}, "status": {"readyReplicas": -1}}`)
	f.Add(`{"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": -1, "minReplicas": -7}, "status": {"desiredReplicas": -3}}`)
	f.Add(`{"items": [{"metadata": {"name": "web-1"}, "containers": [{"usage": {"cpu": "9e18", "memory": "7Ei"}}, {"usage": {"memory": "7Ei"}}]}]}`)
	f.Add(`{"items": [{"metadata": {"uid": "1"}, "status": {"containerStatuses": [{"restartCount": 9223372036854775807}, {"restartCount": 9223372036854775807}]}}]}`)
	f.Add(`container_cpu_cfs_periods_total{pod="web-1"} 1e999`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, path := range []string{hpaPath, deploymentPath, podsPath, usagePath, eventsPath, cadvisorPath} {
			a := &api{asked: map[string]int{}, pods: []map[string]any{aPod("web-1", true)}}
			a.answers = map[string]http.HandlerFunc{path: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }}
			w := newWatcher(&Client{Namespace: "shop", Server: "http://api", http: &http.Client{Transport: direct(a.serve)}}, Target{HPA: "web"})
			var samples []result.ClusterSample
			for range 2 {
				w.again()
				if s, err := w.Sample(t.Context()); err == nil {
					samples = append(samples, s)
				}
			}
			timeline := w.Timeline()
			timeline.Samples = samples
			var file bytes.Buffer
			if err := result.Encode(&file, &result.Run{Version: result.Version, Stages: []result.Stage{}, Timeline: &timeline}); err != nil {
				t.Fatal(err)
			}
			if _, err := result.Decode(&file); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
}

// direct is a transport without a connection.
type direct http.HandlerFunc

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d(w, r)
	return w.Result(), nil
}
