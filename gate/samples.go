package gate

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/slogate/slogate/slo"
)

const (
	// tailSamples is how many requests must be expected above a percentile. With
	// fewer, one slow request more or less decides.
	tailSamples = 5
	// shareSamples is the least for any share. Below, one request is more than
	// five points.
	shareSamples = 20
)

// Enough is how many requests an objective needs before it can be met: with
// fewer it is inconclusive. For a latency indicator the requests are those of
// its clock, such as new connections.
func Enough(o slo.Objective) int64 {
	ind := o.Indicator
	switch {
	case ind.Kind == slo.Percentile:
		return percentileSamples(ind.Quantile)
	case ind.Kind == slo.Slope:
		return slopeSamples(ind)
	case ind.Kind == slo.StdDev:
		return 2
	case isShare(ind):
		return shareSamplesFor(tolerated(o))
	}
	return 1
}

// percentileSamples is the smallest N with N·(1−q) ≥ 5: 10 for p50, 100 for
// p95, 5,000 for p99.9. It is computed in integers, so that no rounding asks for one
// more.
func percentileSamples(q slo.Quantile) int64 {
	above := q.Den - q.Num
	if above <= 0 {
		return math.MaxInt64
	}
	hi, lo := bits.Mul64(tailSamples, uint64(q.Den))
	if hi > 0 {
		return math.MaxInt64
	}
	return int64(min((lo-1)/uint64(above)+1, math.MaxInt64))
}

// tolerated is the part of the requests that may miss what a share asks for.
func tolerated(o slo.Objective) float64 {
	if upward(o.Cmp) {
		return o.Bound
	}
	return 1 - o.Bound
}

// shareSamplesFor is max(20, 1/part): with fewer requests the first one that
// misses breaks the objective. Where none may miss, it is a count, and any
// number shows a break.
func shareSamplesFor(part float64) int64 {
	const rounding = 1e-9
	if part <= rounding {
		return shareSamples
	}
	return max(shareSamples, int64(math.Ceil(1/part*(1-rounding))))
}

// tooFew says what an objective is short of.
func tooFew(o slo.Objective, have int64) string {
	return fmt.Sprintf("too few %s: %s needs %d, there were %d", sampled(o.Indicator), o.Indicator, Enough(o), have)
}

// sampled names what an indicator's samples are.
func sampled(ind slo.Indicator) string {
	switch {
	case ind.Clock == slo.IterationTime:
		return "iterations"
	case ind.Kind == slo.Metric:
		return "values"
	case !isLatency(ind):
		return "requests"
	case ind.Clock == slo.MeasuredNumber:
		return "measured answers"
	case ind.Clock == slo.Connect:
		return "new connections"
	case ind.Clock == slo.TLSTime:
		return "TLS handshakes"
	case ind.Clock == slo.OK:
		return "successful requests"
	case ind.Clock == slo.TTFB:
		return "answers"
	case ind.Clock == slo.FirstEvent:
		return "answers with an event"
	case ind.Clock == slo.EventGap:
		return "gaps between events"
	case ind.Clock == slo.RoundTrip:
		return "round trips"
	}
	return "requests"
}
