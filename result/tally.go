package result

import (
	"fmt"
	"time"
)

// A tally adds up what a run holds, of all its stages, steps, slices, iterations
// and of base. One sum of everything is enough: no real run comes near, and any
// part of it that is added up, in whatever order, stays below.
type tally struct {
	counts int64
	spans  time.Duration // and bytes
}

// count checks counts that are added up somewhere.
func (t *tally) count(counts ...int64) error {
	for _, n := range counts {
		if err := checkCounts(n); err != nil {
			return err
		}
		if t.counts += n; t.counts > maxCount {
			return fmt.Errorf("with the count %d, all counts add up to more than a result can hold", n)
		}
	}
	return nil
}

// span checks durations and sizes that are added up somewhere.
func (t *tally) span(spans ...time.Duration) error {
	for _, d := range spans {
		if err := checkSpans(d); err != nil {
			return err
		}
		if t.spans += d; t.spans > maxSpan {
			return fmt.Errorf("with one of %d, the sum of all durations and sizes is out of range", int64(d))
		}
	}
	return nil
}
