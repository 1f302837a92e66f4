package loader

import (
	"context"
	"time"

	"github.com/slogate/slogate/slo"
)

// Shard is one of several generators of one run. They need not know of each
// other: each has the whole plan and the same seed, and does its part of it.
// Together they send what one generator would have sent.
//
//   - Of an open stage, shard i of n does the arrivals i, i+n, i+2n, … of the
//     whole schedule, which keep their times, scenarios, rows and values.
//   - Of a closed stage it has the workers i, i+n, …, which work when they would
//     in the whole. A count of requests is split by the workers.
//   - Limits on rate and connections are split like workers.
//
// The zero value is the only generator.
type Shard struct {
	Index int // from 0
	Count int
}

func (s Shard) count() int { return max(s.Count, 1) }

// at is the shard's j-th of what is dealt out in turn.
func (s Shard) at(j int) int { return s.Index + j*s.count() }

// of is how many of n the shard gets.
func (s Shard) of(n int) int { return (n - s.Index + s.count() - 1) / s.count() }

// before is how many of n the shards before this one get.
func (s Shard) before(n int) int { return s.Index*(n/s.count()) + min(s.Index, n%s.count()) }

// Part is the shard's part of a workload.
func (s Shard) Part(w slo.Workload) slo.Workload {
	if s.count() == 1 {
		return w
	}
	w.RateFrom, w.RateTo = w.RateFrom/float64(s.Count), w.RateTo/float64(s.Count)
	first, n := s.requests(w)
	if w.Requests > 0 {
		w.Requests = n - first
	}
	w.WorkersFrom, w.WorkersTo = s.of(w.WorkersFrom), s.of(w.WorkersTo)
	return w
}

// requests are the shard's of a counted stage: those from first until end, as
// many as are its workers'.
func (s Shard) requests(w slo.Workload) (first, end int64) {
	all := workersOf(w)
	if all == 0 {
		return 0, 0
	}
	before := s.before(all)
	return w.Requests * int64(before) / int64(all), w.Requests * int64(before+s.of(all)) / int64(all)
}

// limits are those of the shard: on the rate, its workers' part.
func (s Shard) limits(whole slo.Limits, plans ...slo.Stage) slo.Limits {
	all, own := 0, 0
	for _, plan := range plans {
		if plan.Workload.Model == slo.Closed {
			all += workersOf(plan.Workload)
			own += s.of(workersOf(plan.Workload))
		}
	}
	if s.count() > 1 && all > 0 {
		whole.Rate *= float64(own) / float64(all)
	}
	return whole
}

// iteration is the number of a closed stage's i-th iteration among those of all
// shards. Where their number is known, as it is of counted stages, each shard
// has a row of them, so that together they need no more rows of data than one
// generator.
func (s *stage) iteration(i int64) int64 {
	shard := s.loader.opts.Shard
	switch {
	case shard.count() == 1:
		return i
	case s.load.Requests == 0:
		return int64(shard.Index) + i*int64(shard.Count)
	}
	first, _ := shard.requests(s.load)
	return first + int64(shard.before(workersOf(s.load))) + i
}

// inStep waits for the planned end of a stage whose workers have left before it,
// or of which the shard has none: all shards begin the next stage together. So
// does the part of a comparison whose workers are all busy with parts before.
func (s *stage) inStep(ctx context.Context) {
	isAlone := s.loader.opts.Shard.count() == 1 && workersOf(s.load) > 0
	if isAlone || s.load.Model != slo.Closed || !s.timed() {
		return
	}
	left := time.NewTimer(time.Until(s.start.Add(s.load.Duration)))
	defer left.Stop()
	select {
	case <-left.C:
	case <-ctx.Done():
	}
}

// isOwn reports whether an arrival is the shard's, and which of its own.
func (s *stage) isOwn(arrival int64) (number int64, own bool) {
	shard := s.loader.opts.Shard
	if shard.count() == 1 {
		return arrival, true
	}
	n := int64(shard.Count)
	return arrival / n, arrival%n == int64(shard.Index)
}
