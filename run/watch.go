package run

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slogate/slogate/result"
)

// Cluster tells the state of the service's replicas.
type Cluster interface {
	// Sample asks for the state of now. An error is a moment that was not seen.
	Sample(ctx context.Context) (result.ClusterSample, error)
	// Timeline is what is known besides samples so far: of what, its limits,
	// events and what could not be seen.
	Timeline() result.Timeline
}

const (
	// sampleEvery is how often the cluster is asked.
	sampleEvery = time.Second
	// listEvery is how often samples list pods that have not changed: their usage
	// is a mean of many seconds anyway.
	listEvery = 10 * time.Second
)

// watcher samples a cluster beside the load, which never waits for it. Nil
// watches nothing.
type watcher struct {
	cluster Cluster
	stop    context.CancelFunc
	done    sync.WaitGroup

	mu      sync.Mutex
	samples []result.ClusterSample
	failed  error // why the last moment that was not seen was not
}

// watch samples until finish. The run's context does not end it: what happens
// while a cancelled stage comes to its end belongs to the run.
func watch(ctx context.Context, c Cluster) *watcher {
	if c == nil {
		return nil
	}
	w := &watcher{cluster: c}
	ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx))
	w.done.Go(func() {
		every := time.NewTicker(sampleEvery)
		defer every.Stop()
		for ctx.Err() == nil {
			s, err := c.Sample(ctx)
			if ctx.Err() == nil {
				w.keep(s, err)
			}
			select {
			case <-ctx.Done():
			case <-every.C:
			}
		}
	})
	return w
}

// Watch samples a cluster while others make the load, until what it returns is
// called: that writes what was seen into the run and its stages. The run may be
// nil, and so may the cluster.
func Watch(ctx context.Context, c Cluster) (finish func(r *result.Run)) {
	w := watch(ctx, c)
	return func(r *result.Run) {
		if w == nil {
			return
		}
		w.stop()
		w.done.Wait()
		if r == nil {
			return
		}
		for i := range r.Stages {
			if s := &r.Stages[i]; s.State != result.NotRun {
				s.Cluster = result.ClusterUseOf(w.samples, s.Start, s.Start.Add(s.Duration))
			}
		}
		w.finish(r)
	}
}

func (w *watcher) keep(s result.ClusterSample, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.failed = err
		return
	}
	w.samples = append(w.samples, s)
}

// latest is the last sample.
func (w *watcher) latest() (result.ClusterSample, bool) {
	if w == nil {
		return result.ClusterSample{}, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.samples) == 0 {
		return result.ClusterSample{}, false
	}
	return w.samples[len(w.samples)-1], true
}

// charge writes what was seen into stages that ran at the same time.
func (w *watcher) charge(all []*result.Stage) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range all {
		if s.State != result.NotRun {
			s.Cluster = result.ClusterUseOf(w.samples, s.Start, time.Now())
		}
	}
}

// finish ends the watching and writes it into the run. A cluster that cannot be
// asked is one warning, not a failed run.
func (w *watcher) finish(r *result.Run) {
	if w == nil {
		return
	}
	w.stop()
	w.done.Wait()
	t := w.cluster.Timeline()
	t.Samples = ordered(thinned(w.samples))
	r.Timeline = &t
	if w.failed != nil {
		r.Warnings = append(r.Warnings, fmt.Sprintf("watch %s %s: %v", t.Source, t.Name, w.failed))
	}
}

// ordered takes care of a clock that was set back meanwhile: a result whose
// samples are not in order is not read.
func ordered(samples []result.ClusterSample) []result.ClusterSample {
	var latest time.Time
	for i := range samples {
		at := &samples[i].At
		if *at = at.Round(0); at.Before(latest) {
			*at = latest
		}
		latest = *at
	}
	return samples
}

// thinned takes the pods out of samples that say nothing new of them.
func thinned(samples []result.ClusterSample) []result.ClusterSample {
	var listed result.ClusterSample
	for i, s := range samples {
		if len(s.Pods) == 0 {
			continue
		}
		if i > 0 && s.At.Sub(listed.At) < listEvery && slices.EqualFunc(s.Pods, listed.Pods, sameState) {
			samples[i].Pods = nil
			continue
		}
		listed = s
	}
	return samples
}

// sameState compares pods but for their usage, which moves all the time.
func sameState(a, b result.ClusterPod) bool {
	return a.Name == b.Name && a.Phase == b.Phase && a.Ready == b.Ready && a.Restarts == b.Restarts
}
