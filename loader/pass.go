package loader

import (
	"time"

	"github.com/slogate/slogate/result"
)

// pass is one iteration: a user's way through a scenario. Times are offsets
// from the stage's start.
type pass struct {
	due    time.Duration // intended start of the first request
	ended  time.Duration // end of the latest request
	own    time.Duration // the part in between that the generator lost
	failed result.Class  // of the first request without success; empty: none yet
	open   bool          // it has begun and not been counted
}

// enter begins an iteration.
func enter(due time.Duration) pass { return pass{due: due, ended: due, open: true} }

// add takes the outcome of a request, which ended at a moment.
func (p *pass) add(o *outcome, ended time.Duration) {
	p.ended = ended
	p.own += o.own
	if o.class != result.Success && p.failed == "" {
		p.failed = o.class
	}
}

// class is how an iteration ended. One that did not come to its end was cut by
// the stage's.
func (p *pass) class(whole bool) result.Class {
	switch {
	case p.failed != "":
		return p.failed
	case !whole:
		return result.CancelledBy
	}
	return result.Success
}

// passes accumulates the iterations of one scenario.
type passes struct {
	counters         result.Counters
	took, ok, onTime result.Recorder
	slices           slicePart
}

// add counts an iteration. One without success counts with the longest time
// that the scenario may take, or its own where that is longer: to fail early is
// not to be fast.
func (t *passes) add(p *pass, class result.Class, longest time.Duration) {
	*t.counters.Of(class)++
	took := p.ended - p.due
	onTime := took - min(p.own, took)
	if class != result.Success {
		took, onTime = max(took, longest), max(onTime, longest)
	}
	t.slices.put(p.due, class, took)
	if class == result.CancelledBy {
		return
	}
	t.took.Record(took)
	t.onTime.Record(onTime)
	if class == result.Success {
		t.ok.Record(took)
	}
}

// passed counts an iteration that has come to its end, or that was cut by the
// stage's if it had begun.
func (s *stage) passed(sh *shard, sc *scenario, p *pass, whole bool) {
	if !p.open || sh.passes == nil {
		return
	}
	p.open = false
	if !whole && p.ended == p.due {
		return
	}
	sh.mu.Lock()
	sh.passes[sc.number].add(p, p.class(whole), sc.longest)
	sh.mu.Unlock()
}

// keepPasses makes the shards count iterations, where an objective looks at
// them and nothing else ends them than the stage: in a comparison that would be
// every turn of the other side.
func (s *stage) keepPasses(planned time.Duration) {
	if !s.spec.Iterations || s.part != nil {
		return
	}
	for range s.loader.plan.scenarios {
		s.passes = append(s.passes, newStepSlices(planned))
	}
	for _, sh := range s.shards {
		for _, set := range s.passes {
			sh.passes = append(sh.passes, passes{slices: slicePart{width: set.width}})
		}
	}
}

// iterationsUntil publishes the iterations of every scenario.
func (s *stage) iterationsUntil(elapsed time.Duration) []result.Iterations {
	var all []result.Iterations
	for i, set := range s.passes {
		sc := s.loader.plan.scenarios[i]
		if !s.spec.Loads(sc.name) {
			continue
		}
		out := result.Iterations{Scenario: sc.name, Slices: set.ofStep(elapsed)}
		for _, sh := range s.shards {
			sh.mu.Lock()
			t := &sh.passes[i]
			out.Counters.Add(t.counters)
			out.Duration = out.Duration.Merge(t.took.Histogram())
			out.OK = out.OK.Merge(t.ok.Histogram())
			out.OnTime = out.OnTime.Merge(t.onTime.Histogram())
			sh.mu.Unlock()
		}
		all = append(all, out)
	}
	return all
}
