package loader

import (
	"slices"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

const (
	sliceWidth = time.Second
	sliceCount = slo.SliceCount
	// A stage whose length is not known before is recorded in fine slices until
	// it is certain that it lasts sliceCount seconds.
	fineWidth = 100 * time.Millisecond
)

// slicePart holds one shard's share of the slices that were written to since
// they were last collected.
type slicePart struct {
	width time.Duration
	open  []openSlice // few: the ones of now, and of requests that took long
}

type openSlice struct {
	index    int
	counters result.Counters
	response result.Recorder
}

func (p *slicePart) add(o *outcome) { p.put(o.due, o.class, o.judged(o.response)) }

// put counts what was due at a moment, with the time that it counts with.
func (p *slicePart) put(due time.Duration, class result.Class, judged time.Duration) {
	s := p.at(int(max(due, 0) / p.width))
	*s.counters.Of(class)++
	if class != result.CancelledBy {
		s.response.Record(judged)
	}
}

func (p *slicePart) at(index int) *openSlice {
	for i := len(p.open) - 1; i >= 0; i-- {
		if p.open[i].index == index {
			return &p.open[i]
		}
	}
	p.open = append(p.open, openSlice{index: index})
	return &p.open[len(p.open)-1]
}

// sliceSet is the slices of a stage, collected from all shards.
type sliceSet struct {
	width   time.Duration
	planned time.Duration // 0: not known before
	fine    bool          // published as they are: another shard may end at another time
	list    []result.Slice
	flying  []int // in flight at the end of each slice
}

func newSliceSet(planned time.Duration) *sliceSet {
	if planned == 0 {
		return &sliceSet{width: fineWidth}
	}
	return &sliceSet{width: slo.SliceWidth(planned), planned: planned}
}

// newStepSlices makes the slices of a single step.
func newStepSlices(planned time.Duration) *sliceSet {
	s := newSliceSet(planned)
	if planned > 0 {
		s.width = slo.StepSliceWidth(planned)
	}
	return s
}

// collect moves what a shard recorded into the set.
func (s *sliceSet) collect(p *slicePart) {
	for i := range p.open {
		o := &p.open[i]
		s.reach(o.index)
		to := &s.list[o.index]
		to.Counters.Add(o.counters)
		to.Response = to.Response.Merge(o.response.Histogram())
	}
	p.open = nil
}

// reach makes the list long enough for an index.
func (s *sliceSet) reach(index int) {
	for i := len(s.list); i <= index; i++ {
		s.list = append(s.list, result.Slice{Offset: time.Duration(i) * s.width, Width: s.width})
	}
}

// mark notes the number of requests in flight for every slice that has ended.
func (s *sliceSet) mark(elapsed time.Duration, inFlight int) {
	ended := int(elapsed / s.width)
	if s.planned > 0 && elapsed >= s.planned {
		ended = int((s.planned-1)/s.width) + 1
	}
	for len(s.flying) < ended {
		s.flying = append(s.flying, inFlight)
	}
}

// widen turns fine slices into slices of a second.
func (s *sliceSet) widen() {
	const n = int(sliceWidth / fineWidth)
	joined := make([]result.Slice, 0, len(s.list)/n+1)
	for i := 0; i < len(s.list); i += n {
		one := result.Joined(s.list[i:min(i+n, len(s.list))])
		one.Width = sliceWidth
		joined = append(joined, one)
	}
	var flying []int
	for i := n - 1; i < len(s.flying); i += n {
		flying = append(flying, s.flying[i])
	}
	s.list, s.flying, s.width = joined, flying, sliceWidth
}

// result returns the slices until elapsed as they are published: those of a
// stage of unknown length that was short are joined into sliceCount ones of
// nearly equal width. Those of a shard are joined when all are merged.
func (s *sliceSet) result(elapsed time.Duration) ([]result.Slice, []int) {
	if s.planned > 0 {
		elapsed = min(elapsed, s.planned)
	}
	count := 0
	if elapsed > 0 {
		count = int((elapsed-1)/s.width) + 1
		s.reach(count - 1)
	}
	list, flying := slices.Clone(s.list), slices.Clone(s.flying)
	for len(list) > count && list[len(list)-1].Counters.Due() == 0 {
		list = list[:len(list)-1]
	}
	for len(flying) < len(list) {
		flying = append(flying, 0) // the stage ended within this slice
	}
	flying = flying[:len(list)]
	if last := len(list) - 1; last >= 0 && elapsed > list[last].Offset {
		list[last].Width = min(list[last].Width, elapsed-list[last].Offset)
	}
	if s.fine || s.width != fineWidth || s.planned > 0 {
		return list, flying
	}
	return result.JoinInto(list, flying, sliceCount)
}

// ofStep returns the slices of a single step as they are published: in a long
// stage whose length was not known before they are joined now.
func (s *sliceSet) ofStep(elapsed time.Duration) []result.Slice {
	list, _ := s.result(elapsed)
	n := 1
	if len(list) > slo.StepSliceCount && s.width != fineWidth {
		n = max(int((slo.StepSliceWidth(elapsed)+s.width-1)/s.width), 1)
	}
	joined := make([]result.Slice, 0, len(list)/n+1)
	for i := 0; i < len(list); i += n {
		joined = append(joined, result.Joined(list[i:min(i+n, len(list))]))
	}
	return joined
}

// apart are the steps of a stage whose slices are kept, each with a number of
// its own; -1 for the others.
type apart struct {
	numbers []int // by the number of the step; nil: none is kept
	count   int
}

// newApart finds the steps that are to be kept apart. Where these are all
// steps, or there is only one, the stage's slices say the same.
func newApart(p *plan, scopes []slo.Scope) apart {
	numbers, count := make([]int, len(p.steps)), 0
	for i, st := range p.steps {
		numbers[i] = -1
		if len(p.steps) > 1 && coveredBy(scopes, st.scenario, st.request.Name) {
			numbers[i] = count
			count++
		}
	}
	if count == 0 {
		return apart{}
	}
	return apart{numbers, count}
}

// coveredBy reports whether a step belongs to one of the scopes.
func coveredBy(scopes []slo.Scope, scenario, step string) bool {
	return slices.ContainsFunc(scopes, func(s slo.Scope) bool { return s.Covers(scenario, step) })
}

// sets makes the slices of every step that is kept apart.
func (a apart) sets(planned time.Duration) []*sliceSet {
	sets := make([]*sliceSet, a.count)
	for i := range sets {
		sets[i] = newStepSlices(planned)
	}
	return sets
}

// of gives the number of a step that is kept apart, -1 for another.
func (a apart) of(st *step) int {
	if a.numbers == nil {
		return -1
	}
	return a.numbers[st.number]
}
