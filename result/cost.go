package result

import (
	"cmp"
	"fmt"
	"time"
)

// Cost is what the service under test used during a part of a run, as far as
// it could be read.
type Cost struct {
	CPU        time.Duration `json:"cpu_ns"`                  // processor time, of all cores together
	Span       time.Duration `json:"span_ns"`                 // in which it was used
	Memory     int64         `json:"memory,omitempty"`        // resident bytes, the most that was read; 0: not known
	Throttling *Throttling   `json:"throttling,omitempty"`    // nil: not known
	Resolution time.Duration `json:"resolution_ns,omitempty"` // in which the source counts CPU; 0 in slices, which have the stage's
}

// Throttling is how the service's CPU limit slowed it down.
type Throttling struct {
	Periods   int64         `json:"periods"`   // of the scheduler in which the limit counted; 0: there is none
	Throttled int64         `json:"throttled"` // periods of which the service used up its limit
	Waited    time.Duration `json:"waited_ns"` // for the next period
}

// CostSource says where the cost of a service was read.
type CostSource struct {
	Source  string `json:"source,omitempty"`  // "process 4711 (api) and 3 children, from /proc"; empty: nowhere
	Missing string `json:"missing,omitempty"` // why it could not be read, there at times or at a better place
}

// Add returns the cost of two parts of a run that follow each other. Where one
// is not known, neither is the sum.
func (c *Cost) Add(next *Cost) *Cost {
	if c == nil || next == nil {
		return nil
	}
	sum := &Cost{
		CPU:        c.CPU + next.CPU,
		Span:       c.Span + next.Span,
		Memory:     max(c.Memory, next.Memory),
		Resolution: max(c.Resolution, next.Resolution),
	}
	if t, u := c.Throttling, next.Throttling; t != nil && u != nil {
		sum.Throttling = &Throttling{
			Periods:   t.Periods + u.Periods,
			Throttled: t.Throttled + u.Throttled,
			Waited:    t.Waited + u.Waited,
		}
	}
	return sum
}

// mergeCosts joins what two generators read of the same service at the same
// time. Each read all that it used, whoever caused it: the larger one was there
// longer.
func mergeCosts(a, b *Cost) *Cost {
	if a == nil || b != nil && compareCosts(a, b) < 0 {
		return b
	}
	return a
}

func compareCosts(a, b *Cost) int {
	var none Throttling
	t, u := cmp.Or(a.Throttling, &none), cmp.Or(b.Throttling, &none)
	return cmp.Or(
		cmp.Compare(a.CPU, b.CPU),
		cmp.Compare(a.Span, b.Span),
		cmp.Compare(a.Memory, b.Memory),
		cmp.Compare(a.Resolution, b.Resolution),
		cmp.Compare(t.Periods, u.Periods),
		cmp.Compare(t.Throttled, u.Throttled),
		cmp.Compare(t.Waited, u.Waited),
		compareBools(a.Throttling != nil, b.Throttling != nil),
	)
}

// mergeCostSources keeps one of two places where the same service was read.
func mergeCostSources(a, b CostSource) CostSource {
	return CostSource{max(a.Source, b.Source), max(a.Missing, b.Missing)}
}

func (t *tally) checkCost(c *Cost) error {
	if c == nil {
		return nil
	}
	limit := cmp.Or(c.Throttling, &Throttling{})
	if err := cmp.Or(
		t.span(c.CPU, c.Span, limit.Waited),
		checkSpans(c.Resolution, time.Duration(c.Memory)),
		t.count(limit.Periods, limit.Throttled),
	); err != nil {
		return fmt.Errorf("cost: %w", err)
	}
	return nil
}
