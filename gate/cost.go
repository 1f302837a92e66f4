package gate

import (
	"fmt"
	"math"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// isCost reports whether the indicator is what the service itself used.
func isCost(ind slo.Indicator) bool {
	return ind.IsCost()
}

// costOf computes an indicator of what the service used. It reports false
// where that is not known. It is then that of its pods, where these are watched.
func costOf(ind slo.Indicator, s *result.Stage) (float64, bool) {
	c, finished := s.Cost, s.Counters.Finished()
	if s.Cluster != nil && (c == nil || ind.Kind == slo.MemoryMax && c.Memory == 0) {
		return podsCost(ind, s)
	}
	if c == nil {
		return 0, false
	}
	switch ind.Kind {
	case slo.CPUPerRequest:
		return micros(c.CPU) / float64(finished), finished > 0
	case slo.CPU:
		return c.CPU.Seconds() / c.Span.Seconds(), c.Span > 0
	case slo.MemoryMax:
		return float64(c.Memory), c.Memory > 0
	case slo.Throttled:
		t := c.Throttling
		if t == nil {
			return 0, false
		}
		return float64(t.Throttled) / float64(max(t.Periods, 1)), true
	}
	return 0, false
}

// podsCost computes an indicator from the usage of the pods: for CPU per request
// the mean usage of a long stage over its throughput.
func podsCost(ind slo.Indicator, s *result.Stage) (float64, bool) {
	use := s.Cluster
	switch ind.Kind {
	case slo.CPUPerRequest:
		each := use.Cores * micros(s.Duration) / float64(s.Counters.Finished())
		return each, use.Cores > 0 && s.Counters.Finished() > 0
	case slo.CPU:
		return use.Cores, use.Cores > 0
	case slo.MemoryMax:
		return float64(use.MemoryMax), use.MemoryMax > 0
	}
	return 0, false
}

// costInterval is the interval of the CPU per request or per second by batch
// means of the slices whose cost is known.
func costInterval(ind slo.Indicator, s *result.Stage) (interval, bool) {
	value, ok := costOf(ind, s)
	if !ok {
		return interval{}, false
	}
	var b batches
	for _, slice := range s.Slices {
		switch {
		case slice.Cost == nil:
		case ind.Kind == slo.CPUPerRequest:
			b.y = append(b.y, micros(slice.Cost.CPU))
			b.n = append(b.n, float64(slice.Counters.Finished()))
		default:
			b.y = append(b.y, slice.Cost.CPU.Seconds())
			b.n = append(b.n, slice.Cost.Span.Seconds())
		}
	}
	if len(b.y) < minBatches {
		return interval{}, false
	}
	iv, ok := b.around(value)
	unit := costUnit(ind, s)
	iv.lower, iv.upper = max(iv.lower-unit, 0), iv.upper+unit
	return iv, ok
}

// costUnit is what one unit of the source's counter is worth: a value that comes
// from two readings, each of whole units, lies up to so far from the true one.
func costUnit(ind slo.Indicator, s *result.Stage) float64 {
	c := s.Cost
	switch {
	case c == nil:
	case ind.Kind == slo.CPUPerRequest && s.Counters.Finished() > 0:
		return micros(c.Resolution) / float64(s.Counters.Finished())
	case ind.Kind == slo.CPU && c.Span > 0:
		return c.Resolution.Seconds() / c.Span.Seconds()
	}
	return 0
}

// tooCoarse says that the bound lies within one unit of what was counted, so
// that nobody can tell whether it was met.
func (t *trial) tooCoarse() string {
	unit := costUnit(t.Indicator, t.s)
	around := interval{lower: max(t.value-unit, 0), upper: t.value + unit}
	if unit == 0 || !around.near(t.Objective) {
		return ""
	}
	between := func(v float64) string { return quantity.Of(string(t.Indicator.Unit()), v) }
	return fmt.Sprintf("the service's CPU time is counted in units of %s: %s lies between %s and %s; a longer stage would tell",
		quantity.Duration(t.s.Cost.Resolution), t.Indicator, between(around.lower), between(around.upper))
}

// countedCPU is how many units of a source's resolution a window must hold: the
// error of two readings, each rounded down, is then below 3 % of it.
const countedCPU = 20

// windowsPerCost is how many windows make a pair of costs: as many as hold
// enough of what the source counts in.
func windowsPerCost(base, head *result.Stage) int {
	each := 1
	for _, s := range []*result.Stage{base, head} {
		if s.Cost == nil || len(s.Slices) == 0 {
			continue
		}
		window := s.Cost.CPU / time.Duration(len(s.Slices))
		if window <= 0 {
			return math.MaxInt32
		}
		least := countedCPU * s.Cost.Resolution
		each = max(each, int((least+window-1)/window))
	}
	return each
}
