package gate

import (
	"math"
	"time"

	"gonum.org/v1/gonum/mathext"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

const (
	// confidence of every interval, two-sided.
	confidence = 0.95
	// minBatches is how many batches a variance is estimated from, at least.
	// Fewer see longer disturbances, but Student's t of 3 degrees of freedom is
	// wide enough to say nothing.
	minBatches = 5
	// shortest is the stage below which there is no interval: sixteen slices of
	// it would be shorter than the requests of many services.
	shortest = 1600 * time.Millisecond
	// bunchedFrom is the design effect from which requests above the percentile,
	// or failures, are called bunched: the interval then rests on a few spells.
	bunchedFrom = 10
)

// interval is the range in which a value would lie with 95 % confidence, had
// this run gone on under the same conditions. It says nothing of other runs.
type interval struct {
	lower, upper float64
	open         bool    // no upper limit: too few requests lie above
	deff         float64 // how often larger the variance is than that of independent requests; 0 where not estimated
}

// within computes the interval of an indicator from the stage's slices. It
// reports false where there is none: counters, ends of a distribution, scores,
// clocks that are not kept by slice, and stages of fewer than five slices or
// 1.6 s.
func within(ind slo.Indicator, s *result.Stage) (interval, bool) {
	if ind.Kind == slo.Capacity {
		return capacityInterval(s)
	}
	if len(s.Slices) < minBatches || s.Duration < shortest {
		return interval{}, false
	}
	switch ind.Kind {
	case slo.SuccessRate, slo.ErrorRate:
		return shareInterval(ind, s)
	case slo.Throughput, slo.Goodput:
		return rateInterval(ind, s)
	case slo.Slope:
		_, iv, ok := slopeOf(ind, s)
		return iv, ok
	case slo.Percentile:
		if bySlice(ind.Clock) {
			return percentileInterval(ind, s)
		}
	case slo.Mean:
		if bySlice(ind.Clock) {
			return meanInterval(s)
		}
	case slo.CPUPerRequest, slo.CPU:
		return costInterval(ind, s)
	}
	return interval{}, false
}

// bySlice reports whether slices keep the times of a clock.
func bySlice(c slo.Clock) bool { return c == slo.Response || c == slo.IterationTime }

// percentileInterval inverts the interval of the share above the measured
// quantile x: [Q(1−hi), Q(1−lo)] (Woodruff, Confidence Intervals for Medians
// and Other Position Measures, JASA 1952). Where fewer than one request is
// expected above the upper limit there is none.
func percentileInterval(ind slo.Indicator, s *result.Stage) (interval, bool) {
	x, ok := s.Response.Quantile(ind.Quantile.Num, ind.Quantile.Den)
	if !ok {
		return interval{}, false
	}
	share, ok := proportion(above(s.Slices, x))
	if !ok {
		return interval{}, false
	}
	n := float64(s.Response.Total())
	out := interval{
		lower: micros(quantileOf(s.Response, 1-share.upper)),
		open:  share.lower*n < 1,
		deff:  share.deff,
	}
	if !out.open {
		out.upper = micros(quantileOf(s.Response, 1-share.lower))
	}
	return out, true
}

// above splits each slice into requests slower than x and all.
func above(slices []result.Slice, x time.Duration) batches {
	out := newBatches(len(slices))
	for i, slice := range slices {
		out.y[i] = float64(slice.Response.Above(x))
		out.n[i] = float64(slice.Response.Total())
	}
	return out
}

// quantileOf is the smallest value with a cumulative count of at least ⌈q·N⌉.
func quantileOf(h result.Histogram, q float64) time.Duration {
	total := h.Total()
	rank := int64(math.Ceil(q * float64(total)))
	d, _ := h.Quantile(min(max(rank, 0), total), total)
	return d
}

// shareInterval is the interval of success_rate or error_rate.
func shareInterval(ind slo.Indicator, s *result.Stage) (interval, bool) {
	out, ok := proportion(failures(s.Slices))
	if ok && ind.Kind == slo.SuccessRate {
		out.lower, out.upper = 1-out.upper, 1-out.lower
	}
	return out, ok
}

// failures splits each slice into unsuccessful requests and all.
func failures(slices []result.Slice) batches {
	out := newBatches(len(slices))
	for i, slice := range slices {
		out.y[i] = float64(unsuccessful(slice.Counters))
		out.n[i] = float64(slice.Counters.Judged())
	}
	return out
}

// meanInterval is the interval of the mean response time by batch means.
func meanInterval(s *result.Stage) (interval, bool) {
	b := newBatches(len(s.Slices))
	for i, slice := range s.Slices {
		mean, _ := slice.Response.Mean()
		b.n[i] = float64(slice.Response.Total())
		b.y[i] = micros(mean) * b.n[i]
	}
	mean, ok := s.Response.Mean()
	if !ok {
		return interval{}, false
	}
	return b.around(micros(mean))
}

// rateInterval is the interval of a stage's throughput or goodput by batch
// means. A ramp has none: its rate is meant to change.
func rateInterval(ind slo.Indicator, s *result.Stage) (interval, bool) {
	rate, ok := Measure(ind, s)
	w := s.Workload
	if !ok || !w.Search && w.RateFrom != w.RateTo || w.WorkersFrom != w.WorkersTo {
		return interval{}, false
	}
	b := newBatches(len(s.Slices))
	for i, slice := range s.Slices {
		// The last slice counts for as long as the stage lasted.
		width := min(slice.Width, s.Duration-slice.Offset)
		b.n[i] = max(width, 0).Seconds()
		b.y[i] = float64(paced(ind, slice.Counters))
	}
	return b.around(rate)
}

// batches holds a ratio Σy/Σn slice by slice.
type batches struct{ y, n []float64 }

func newBatches(slices int) batches {
	return batches{y: make([]float64, slices), n: make([]float64, slices)}
}

func (b batches) sums() (y, n float64) {
	for i := range b.y {
		y += b.y[i]
		n += b.n[i]
	}
	return y, n
}

// proportion is the interval of the share Σy/Σn: Clopper and Pearson's exact
// one with the effective sample of Korn and Graubard (Confidence Intervals for
// Proportions With Small Expected Number of Positive Counts Estimated From
// Survey Data, Survey Methodology 1998). Where no request or every one counts,
// slices cannot show a design effect and the sample stands as it is: the
// upper limit for no failure is 1 − 0.025^(1/N).
func proportion(b batches) (interval, bool) {
	y, n := b.sums()
	if n <= 0 || len(b.y) < minBatches {
		return interval{}, false
	}
	p, effective, deff := y/n, n, 1.0
	if y > 0 && y < n {
		v, df := b.variance()
		deff = max(1, v/(p*(1-p)/n))
		effective = effectiveSample(n, deff, df)
	}
	lower, upper := clopperPearson(p*effective, effective)
	return interval{lower: lower, upper: upper, deff: deff}, true
}

// around is the interval of a ratio by batch means, value ± t·√v.
func (b batches) around(value float64) (interval, bool) {
	if _, n := b.sums(); n <= 0 {
		return interval{}, false
	}
	v, df := b.variance()
	half := student(df) * math.Sqrt(v)
	return interval{lower: max(0, value-half), upper: value + half}, true
}

// variance estimates the variance of Σy/Σn from contiguous batches of 1, 2, 4,
// … slices while at least five remain, and returns the largest with its
// degrees of freedom. Requests of one run depend on their neighbours, and only
// a batch longer than a disturbance sees how much.
func (b batches) variance() (v float64, df int) {
	for size := 1; len(b.y)/size >= minBatches; size *= 2 {
		count := len(b.y) / size
		if w := b.varianceOf(count); w > v || df == 0 {
			v, df = w, count-1
		}
	}
	return v, df
}

// varianceOf is the ratio estimator's variance m/(m−1)·Σ(Σr)²/(Σn)² with
// residuals r = y − n·Σy/Σn summed over each of m nearly equal batches.
func (b batches) varianceOf(m int) float64 {
	y, n := b.sums()
	ratio, slices := y/n, len(b.y)
	var squares float64
	for j := range m {
		var r float64
		for i := j * slices / m; i < (j+1)*slices/m; i++ {
			r += b.y[i] - ratio*b.n[i]
		}
		squares += r * r
	}
	return float64(m) / float64(m-1) * squares / (n * n)
}

// effectiveSample is the number of independent requests that would tell as
// much: min(n, n/deff·(z/t)²).
func effectiveSample(n, deff float64, df int) float64 {
	z := stats.NormalQuantile((1 + confidence) / 2)
	ratio := z / student(df)
	return min(n, n/deff*ratio*ratio)
}

// student is the two-sided quantile of Student's distribution.
func student(df int) float64 {
	return stats.StudentQuantile((1+confidence)/2, float64(df))
}

// clopperPearson is the exact interval of a proportion y/n (The Use of
// Confidence or Fiducial Limits Illustrated in the Case of the Binomial,
// Biometrika 1934). Both counts may be fractions, as an effective sample is.
func clopperPearson(y, n float64) (lower, upper float64) {
	const tail = (1 - confidence) / 2
	lower, upper = 0, 1
	if y > 0 {
		lower = mathext.InvRegIncBeta(y, n-y+1, tail)
	}
	if y < n {
		upper = mathext.InvRegIncBeta(y+1, n-y, 1-tail)
	}
	return lower, upper
}

// spell finds the shortest stretch of a stage that holds nine in ten of the
// counted requests, and the share that it holds.
func (b batches) spell(slices []result.Slice) (share float64, width time.Duration) {
	const most = 0.9
	total, _ := b.sums()
	var sum float64
	first := 0
	for last := range b.y {
		sum += b.y[last]
		for first < last && sum-b.y[first] >= most*total {
			sum -= b.y[first]
			first++
		}
		stretch := slices[last].Offset + slices[last].Width - slices[first].Offset
		if sum >= most*total && (width == 0 || stretch < width) {
			share, width = sum/total, stretch
		}
	}
	return share, width
}
