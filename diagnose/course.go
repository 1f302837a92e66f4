package diagnose

import (
	"math"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// A course is how a number developed within a stage, with one point for each
// slice in which it is known, or for some neighbours of them.
type course struct {
	slices []int // of the stage; the first one of a point
	at     []float64
	value  []float64
}

const (
	// courseSlices is how many points a rule needs that looks at a course.
	courseSlices = 12
	// sliceRequests is how many requests make the median of a slice.
	sliceRequests = 5
)

// even reports whether one load was offered all through a stage, so that its
// slices can be compared: not so in a ramp, where base and head take turns, and
// where two runs of a stage were joined.
func (l level) even() bool {
	return !ramp(l.Workload) && !l.inTurns && l.Runs <= 1
}

// course collects a number of each slice of a stage that has one.
func (l level) course(number func(result.Slice) (float64, bool)) course {
	var c course
	for i, s := range l.Slices {
		if v, ok := number(s); ok {
			c.slices = append(c.slices, i)
			c.at = append(c.at, (s.Offset + s.Width/2).Seconds())
			c.value = append(c.value, v)
		}
	}
	return c.thinned()
}

// coursePoints is how many points of a course are looked at: tests of trends take
// the square of it in time, and an hour has 3600 slices.
const coursePoints = 240

// thinned makes one point of several neighbours, their median, where there are
// more than coursePoints.
func (c course) thinned() course {
	n := (c.len() + coursePoints - 1) / coursePoints
	if n <= 1 {
		return c
	}
	var out course
	for i := 0; i < c.len(); i += n {
		end := min(i+n, c.len())
		out.slices = append(out.slices, c.slices[i])
		out.at = append(out.at, stats.Median(c.at[i:end]))
		out.value = append(out.value, stats.Median(c.value[i:end]))
	}
	return out
}

// lnMedian is the logarithm of a slice's median response time, lnLongest of its
// longest one, in seconds.
func lnMedian(s result.Slice) (float64, bool) {
	d, ok := s.Response.Quantile(1, 2)
	return math.Log(d.Seconds()), ok && d > 0 && s.Response.Total() >= sliceRequests
}

func lnLongest(s result.Slice) (float64, bool) {
	d, ok := s.Response.Max()
	return math.Log(d.Seconds()), ok && d > 0
}

// work is the processor time of a slice's request, in milliseconds.
func work(s result.Slice) (float64, bool) {
	n := s.Counters.Finished()
	if s.Cost == nil || n < sliceRequests || s.Cost.CPU <= 0 {
		return 0, false
	}
	return 1e3 * s.Cost.CPU.Seconds() / float64(n), true
}

// memory is what a slice's service held at most, in megabytes.
func memory(s result.Slice) (float64, bool) {
	if s.Cost == nil || s.Cost.Memory <= 0 {
		return 0, false
	}
	return float64(s.Cost.Memory) / 1e6, true
}

func (c course) len() int { return len(c.value) }

// part is the course from one point to before another.
func (c course) part(from, to int) course {
	return course{c.slices[from:to], c.at[from:to], c.value[from:to]}
}

// within returns the medians of the points in the first so many slices, and of
// the others.
func (c course) within(slices int) (first, rest float64, ok bool) {
	n := 0
	for n < c.len() && c.slices[n] < slices {
		n++
	}
	if n == 0 || n == c.len() {
		return 0, 0, false
	}
	return stats.Median(c.value[:n]), stats.Median(c.value[n:]), true
}

// thirds returns the medians of the first and of the last third.
func (c course) thirds() (first, last float64) {
	n := c.len() / 3
	return stats.Median(c.value[:n]), stats.Median(c.value[c.len()-n:])
}

// growth is the slope of a course that rises, in its unit a second, with the
// limits of 95 %.
func (c course) growth() (slope, lower, upper float64, ok bool) {
	return stats.Slope(c.at, c.value, 0.95)
}

// sum adds up slices.
func sum(slices []result.Slice) (c result.Counters, all result.Histogram) {
	for _, s := range slices {
		c.Add(s.Counters)
		all = all.Merge(s.Response)
	}
	return c, all
}

// failed is the share of requests without success.
func failed(c result.Counters) float64 {
	if c.Judged() == 0 {
		return 0
	}
	return 1 - float64(c.Success)/float64(c.Judged())
}

// end is where a slice ends.
func end(s result.Slice) time.Duration { return s.Offset + s.Width }

func seconds(s float64) string { return quantity.Micros(1e6 * s) }

func millis(ms float64) string { return quantity.Micros(1e3 * ms) }

func size(mega float64) string { return quantity.Bytes(1e6 * mega) }
