package result

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slogate/slogate/quantity"
)

// Shard says which of several generators of one run has measured a result. The
// zero value is a run with one generator.
type Shard struct {
	Index int `json:"index,omitempty"` // from 1; 0: all of them, merged
	Count int `json:"count"`
}

// MaxShards is how many generators a run may have.
const MaxShards = 1000

// String is "shard 3 of 8".
func (s Shard) String() string { return fmt.Sprintf("shard %d of %d", s.Index, s.Count) }

// IsPart reports whether the result is one generator's, which says nothing of
// the whole run.
func (s Shard) IsPart() bool { return s.Index > 0 }

func checkShard(s Shard) error {
	if s == (Shard{}) || s.Count > 0 && s.Count <= MaxShards && s.Index >= 0 && s.Index <= s.Count {
		return nil
	}
	return fmt.Errorf("shard %d of %d: want 1 to %d of at most %d", s.Index, s.Count, s.Count, MaxShards)
}

// MergeShards merges the shards of one run, in any order. What is missing for
// the whole run stands in the Gaps of the merged result: shards that are not
// there or there twice, of which the first one counts, and shards that did not
// load at the same time. The error says that the results are not shards of one
// run.
func MergeShards(shards []*Run) (*Run, error) {
	if len(shards) == 0 {
		return nil, errors.New("merge shards: there is none")
	}
	kept, gaps, err := each(shards)
	if err != nil {
		return nil, err
	}
	m := kept[0]
	for _, s := range kept[1:] {
		if m, err = Merge(m, s); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Shard, err)
		}
	}
	whole := *m
	whole.Shard.Index, whole.Judgement, whole.Findings = 0, nil, nil
	whole.Stages = slices.Clone(m.Stages)
	for i := range whole.Stages {
		whole.Stages[i].joinFine()
	}
	whole.Gaps = append(gaps, apart(kept)...)
	return &whole, nil
}

// wholeSlices are as many slices as one generator cuts a short stage into whose
// length it did not know before. Shards leave theirs finer, because each has a
// length of its own.
const wholeSlices = 16

// joinFine cuts a stage as one generator would have. Its slices are finer than
// a second where it is a short one.
func (s *Stage) joinFine() {
	if len(s.Slices) == 0 || s.Slices[0].Width >= time.Second {
		return
	}
	s.Slices, s.InFlight = JoinInto(s.Slices, s.InFlight, wholeSlices)
	s.Steps, s.Iterations = slices.Clone(s.Steps), slices.Clone(s.Iterations)
	for i := range s.Steps {
		s.Steps[i].Slices, _ = JoinInto(s.Steps[i].Slices, nil, wholeSlices)
	}
	for i := range s.Iterations {
		s.Iterations[i].Slices, _ = JoinInto(s.Iterations[i].Slices, nil, wholeSlices)
	}
}

// each gives each shard once, in order, and says which of them are missing and
// which are there twice.
func each(shards []*Run) (kept []*Run, gaps []string, err error) {
	first := shards[0]
	at := make([]*Run, first.Shard.Count+1)
	for i, s := range shards {
		switch {
		case !s.Shard.IsPart():
			return nil, nil, fmt.Errorf("result %d is not that of a shard", i+1)
		case s.Shard.Count != first.Shard.Count:
			return nil, nil, fmt.Errorf("shards of different runs: %s and %s", first.Shard, s.Shard)
		case s.Seed != first.Seed:
			return nil, nil, fmt.Errorf("shards of different runs: the seed of %s is %d, that of %s is %d", first.Shard, first.Seed, s.Shard, s.Seed)
		case at[s.Shard.Index] != nil:
			gaps = append(gaps, fmt.Sprintf("%s is there twice, the first one counts", s.Shard))
		default:
			at[s.Shard.Index] = s
		}
	}
	for i := 1; i < len(at); i++ {
		if at[i] != nil {
			kept = append(kept, at[i])
		} else {
			gaps = append(gaps, fmt.Sprintf("%s is missing", Shard{i, first.Shard.Count}))
		}
	}
	slices.Sort(gaps)
	return kept, slices.Compact(gaps), nil
}

// Shards load a stage together where they begin it within a tenth of its
// duration, or within what clocks and timers of machines differ by.
const (
	togetherPart  = 10
	togetherLeast = 500 * time.Millisecond
)

// apart names the stages that the shards did not load together: the load was
// never the planned one.
func apart(shards []*Run) []string {
	var gaps []string
	for i, stage := range shards[0].Stages {
		var first, last time.Time
		var longest time.Duration
		for _, r := range shards {
			s := &r.Stages[i] // they have the same stages, or they would not merge
			if s.State == NotRun || s.Counters == (Counters{}) {
				continue // it had no share of the stage
			}
			first, last, longest = earlier(first, s.Start), later(last, s.Start), max(longest, s.Duration)
		}
		if by := last.Sub(first); by > max(longest/togetherPart, togetherLeast) {
			gaps = append(gaps, fmt.Sprintf("the shards did not load stage %.80q together: they began it up to %s apart", stage.Name, quantity.Duration(by)))
		}
	}
	return gaps
}
