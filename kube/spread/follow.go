package spread

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slogate/slogate/kube"
	"github.com/slogate/slogate/quantity"
)

const (
	every = time.Second
	// patience is how long an API server may not answer before it is given up.
	patience = time.Minute
	// late is how long after the start a pod may come: it is refused by itself.
	late = 15 * time.Second
	// farewell is what the workers get to print what they measured when the user
	// cancels. A stage that is cut needs up to three seconds.
	farewell = 5 * time.Second
)

// patient calls until it succeeds, fails for good, or ctx ends.
func (r *run) patient(ctx context.Context, call func() error) error {
	for began := time.Now(); ; {
		err := call()
		if !kube.IsPassing(err) || time.Since(began) > patience/3 || !pause(ctx, every) {
			return err
		}
	}
}

// pause reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// create makes an object. One that is there already is ours: an answer was lost
// on its way, and the name is random.
func (r *run) create(ctx context.Context, group, kind string, o object, into any) error {
	return r.patient(ctx, func() error {
		err := r.api.Do(ctx, kube.Call{Method: http.MethodPost, Path: r.path(group, kind, ""), Body: o}, into)
		switch {
		case kube.Status(err) != http.StatusConflict:
			return err
		case into == nil:
			return nil
		}
		return r.api.Do(ctx, kube.Call{Path: r.path(group, kind, r.name)}, into)
	})
}

// remove deletes the Job, and with it all that belongs to it. The cluster's
// collector may take its time, so the files and the values go first.
func (r *run) remove(ctx context.Context) {
	if r.refused {
		return
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	_ = r.erase(ctx, "/api/v1", "secrets") // it goes with the Job, too
	if err := r.erase(ctx, "/apis/batch/v1", "jobs"); err != nil {
		r.note(fmt.Sprintf("job/%s may still be there: %v. The cluster deletes it %s after its end, unless it is suspended; or do: kubectl --namespace %s delete job %s",
			r.name, err, quantity.Duration(afterEnd), r.Namespace, r.name))
	}
}

func (r *run) erase(ctx context.Context, group, kind string) error {
	err := r.patient(ctx, func() error {
		return r.api.Do(ctx, kube.Call{
			Method: http.MethodDelete, Path: r.path(group, kind, r.name), Query: url.Values{"propagationPolicy": {"Background"}},
		}, nil)
	})
	if kube.Status(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// follow collects answers until every worker has one or can have none.
func (r *run) follow(ctx context.Context) {
	seen := time.Now()
	for {
		ended, err := r.look(ctx)
		switch {
		case ctx.Err() != nil:
			r.dismiss(context.WithoutCancel(ctx))
			return
		case err == nil:
			seen = time.Now()
		case !kube.IsPassing(err) || time.Since(seen) > patience:
			r.blame(err)
			return
		}
		if ended || len(r.answers) == r.Workers {
			return
		}
		pause(ctx, every)
	}
}

// blame says of every worker without an answer that it is lost.
func (r *run) blame(err error) {
	for i := range r.Workers {
		if _, known := r.answers[i]; !known {
			r.answers[i] = Answer{Why: err.Error()}
		}
	}
}

// pod is what is read of a worker's.
type pod struct {
	Metadata struct {
		Name              string
		Annotations       map[string]string
		DeletionTimestamp *time.Time // when it shall have gone
	}
	Status struct {
		Phase, Reason, Message string
		Conditions             []struct{ Type, Status, Reason, Message string }
		ContainerStatuses      []struct {
			State struct {
				Waiting    *struct{ Reason, Message string }
				Terminated *struct {
					Reason   string
					ExitCode int
				}
			}
		}
	}
}

func (p pod) index() (int, bool) {
	i, err := strconv.Atoi(p.Metadata.Annotations["batch.kubernetes.io/job-completion-index"])
	return i, err == nil && i >= 0
}

func (p pod) isDone() bool { return p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed" }

// waits says why a pod does not run yet.
func (p pod) waits() string {
	for _, c := range p.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && w.Reason != "ContainerCreating" {
			return strings.TrimSuffix(w.Reason+": "+w.Message, ": ")
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == "PodScheduled" && c.Status == "False" {
			return strings.TrimSuffix(c.Reason+": "+c.Message, ": ")
		}
	}
	return starting
}

// starting is a pod that fares as it should.
const starting = "it is being started"

// died says how a pod ended without an answer.
func (p pod) died() string {
	why := strings.TrimSuffix(cmp.Or(p.Status.Reason, "ended")+": "+p.Status.Message, ": ")
	for _, c := range p.Status.ContainerStatuses {
		if t := c.State.Terminated; t != nil {
			why = fmt.Sprintf("%s, exit code %d", cmp.Or(t.Reason, why), t.ExitCode)
		}
	}
	return why
}

func (r *run) pods(ctx context.Context) ([]pod, error) {
	var list struct{ Items []pod }
	err := r.api.Do(ctx, kube.Call{
		Path: r.path("/api/v1", "pods", ""), Most: 64 << 20, Within: 30 * time.Second,
		Query: url.Values{"labelSelector": {"batch.kubernetes.io/job-name=" + r.name}},
	}, &list)
	return list.Items, err
}

// look looks once, and reports whether the Job has ended: no pod comes any more.
func (r *run) look(ctx context.Context) (ended bool, err error) {
	var job struct {
		Status struct {
			Conditions []struct{ Type, Status, Reason, Message string }
		}
	}
	// First: pods that are missing in a list from before the end may still come.
	if err := r.api.Do(ctx, kube.Call{Path: r.path("/apis/batch/v1", "jobs", r.name)}, &job); err != nil {
		return false, err
	}
	pods, err := r.pods(ctx)
	if err != nil {
		return false, err
	}
	for _, p := range pods {
		r.hear(ctx, p)
	}
	r.miss(pods)
	r.tell()
	for _, c := range job.Status.Conditions {
		if (c.Type == "Complete" || c.Type == "Failed") && c.Status == "True" {
			return !r.isSilent(), nil
		}
	}
	return false, nil
}

// isSilent reports whether a log is still asked for.
func (r *run) isSilent() bool {
	for i := range r.silent {
		if _, known := r.answers[i]; !known {
			return true
		}
	}
	return false
}

// hear takes a pod's answer, where it has one.
func (r *run) hear(ctx context.Context, p pod) {
	i, ours := p.index()
	if _, known := r.answers[i]; known || !ours || i >= r.Workers {
		return
	}
	delete(r.waiting, i)
	r.met[i] = true
	gone := p.Metadata.DeletionTimestamp
	switch {
	case p.isDone():
		a, err := r.answer(ctx, p, false)
		if r.silent[i].IsZero() {
			r.silent[i] = time.Now()
		}
		// The others are heard meanwhile.
		if !kube.IsPassing(err) || time.Since(r.silent[i]) > patience {
			r.answers[i] = a
		}
	case p.Status.Phase == "Pending":
		r.waiting[i] = p.waits()
		if r.isPast(r.start.Add(late)) {
			r.answers[i] = Answer{Why: "it did not run at the start: " + r.waiting[i]}
		}
	case gone != nil && r.isPast(gone.Add(patience)):
		r.answers[i] = Answer{Why: "its node does not answer any more"}
	}
}

// isPast reports whether a moment of the cluster's clock is over.
func (r *run) isPast(moment time.Time) bool { return time.Now().Add(r.ahead).After(moment) }

// miss gives up the workers that have no pod after the start: nothing ends the
// Job where the cluster cannot make them.
func (r *run) miss(pods []pod) {
	if !r.isPast(r.start.Add(late)) {
		return
	}
	there := map[int]bool{}
	for _, p := range pods {
		if i, ours := p.index(); ours {
			there[i] = true
		}
	}
	for i := range r.Workers {
		if _, known := r.answers[i]; known || there[i] {
			continue
		}
		why := "its pod has gone"
		if !r.met[i] {
			why = "the cluster made no pod for it: does a quota or a policy forbid it?"
		}
		r.answers[i] = Answer{Why: why}
	}
}

// answer reads what a pod has printed, or prints until it ends.
func (r *run) answer(ctx context.Context, p pod, follow bool) (Answer, error) {
	var log []byte
	within := 30 * time.Second
	if follow {
		within = farewell
	}
	err := r.api.Do(ctx, kube.Call{
		Path: r.path("/api/v1", "pods", p.Metadata.Name) + "/log", Most: 2 * maxLog, Within: within,
		Query: url.Values{"container": {"slogate"}, "follow": {strconv.FormatBool(follow)}},
	}, &log)
	if err != nil {
		return Answer{Why: p.died() + "; its log: " + err.Error()}, err
	}
	kind, payload, err := read(log)
	switch {
	case err != nil:
		return Answer{Why: p.died() + "; " + err.Error()}, nil
	case kind == kindError:
		return Answer{Why: string(payload)}, nil
	}
	return Answer{Payload: payload}, nil
}

// tell notes once why workers do not run yet.
func (r *run) tell() {
	reasons := map[string]int{}
	for _, why := range r.waiting {
		if why != starting {
			reasons[why]++
		}
	}
	var all []string
	for why, n := range reasons {
		all = append(all, fmt.Sprintf("%d of %d workers wait: %s", n, r.Workers, why))
	}
	slices.Sort(all)
	if text := strings.Join(all, "; "); text != "" && text != r.told {
		r.told = text
		r.note(text)
	}
}

// dismiss ends the workers of a cancelled run, and hears what they measured: a
// pod that is deleted can be listened to until it ends.
func (r *run) dismiss(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, 2*farewell)
	defer stop()
	r.blame(errors.New("cancelled"))
	pods, err := r.pods(ctx)
	if err != nil {
		return
	}
	pods = slices.DeleteFunc(pods, func(p pod) bool {
		i, ours := p.index()
		return !ours || i >= r.Workers || r.answers[i].Payload != nil || p.Status.Phase == "Pending"
	})
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, p := range pods {
		wg.Go(func() {
			i, _ := p.index()
			a, _ := r.answer(ctx, p, true)
			mu.Lock()
			defer mu.Unlock()
			r.answers[i] = a
		})
	}
	// The listeners are there before the pods go.
	pause(ctx, every/4)
	_ = r.erase(ctx, "/apis/batch/v1", "jobs") // it is tried again at the end
	wg.Wait()
}
