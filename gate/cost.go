package gate

import (
	"math"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// isCost reports whether the indicator is what the service itself used.
func isCost(ind slo.Indicator) bool {
	switch ind.Kind {
	case slo.CPUPerRequest, slo.CPU, slo.MemoryMax, slo.Throttled:
		return true
	}
	return false
}

// costOf computes an indicator of what the service used. It reports false
// where that is not known.
func costOf(ind slo.Indicator, s *result.Stage) (float64, bool) {
	c, finished := s.Cost, s.Counters.Finished()
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
	return b.around(value)
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
