package report

import (
	"math"
	"slices"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// Cost is what the service used in a stage; the zero value where that is not
// known.
type Cost struct {
	PerRequest string // CPU time of a finished request
	Cores      string // CPU time a second
	Memory     string // the most
	Throttled  string // "12 % of the time", empty where no limit was met
}

func newCost(s result.Stage) Cost {
	c := s.Cost
	if c == nil {
		return Cost{}
	}
	out := Cost{PerRequest: none, Cores: orNone(cores(c), quantity.Number), Memory: none}
	if n := s.Counters.Finished(); n > 0 {
		out.PerRequest = quantity.Duration(c.CPU / time.Duration(n))
	}
	if c.Memory > 0 {
		out.Memory = quantity.Bytes(float64(c.Memory))
	}
	if t := c.Throttling; t != nil && t.Throttled > 0 && t.Periods > 0 {
		out.Throttled = quantity.Share(float64(t.Throttled) / float64(t.Periods))
	}
	return out
}

// cores is the CPU time a second, NaN where no time passed.
func cores(c *result.Cost) float64 {
	if c == nil || c.Span <= 0 {
		return math.NaN()
	}
	return c.CPU.Seconds() / c.Span.Seconds()
}

// Costed reports whether the cost of the service is known of any stage.
func (v View) Costed() bool {
	return slices.ContainsFunc(v.Stages, func(s Stage) bool { return s.Cost != Cost{} })
}

// MemoryKnown reports whether the memory of the service is known in any stage.
func (v View) MemoryKnown() bool {
	return slices.ContainsFunc(v.Stages, func(s Stage) bool { return s.Cost.Memory != "" && s.Cost.Memory != none })
}

// limited says that the service waited for its CPU limit.
func (c Cost) limited() string {
	if c.Throttled == "" {
		return ""
	}
	return "used up its CPU limit in " + c.Throttled + " of the scheduler's periods"
}

// costSource says where the cost was read, and why not at a better place.
func costSource(c result.CostSource) string {
	switch {
	case c.Source == "":
		return ""
	case c.Missing == "":
		return c.Source
	}
	return c.Source + " (" + c.Missing + ")"
}

// partCores is the CPU time a second of neighbouring slices, NaN where it is
// not known of any.
func partCores(list []result.Slice) float64 {
	var sum result.Cost
	for _, s := range list {
		if s.Cost != nil {
			sum.CPU += s.Cost.CPU
			sum.Span += s.Cost.Span
		}
	}
	return cores(&sum)
}

func baseCostSource(b *result.Base) string {
	if b == nil {
		return ""
	}
	return costSource(b.Cost)
}
