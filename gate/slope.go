package gate

import (
	"math"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

const (
	// slopeParts is in how many parts of its time a stage is cut, at least, to say
	// how a value changes: with fewer, two bad ones make a trend.
	slopeParts = 8
	// mostSlopeParts bounds the pairs of parts. More parts are shorter than what
	// disturbs a service, and then not independent of each other.
	mostSlopeParts = 60
	// meanSamples is how many requests a part needs for a mean.
	meanSamples = 20
)

// slopeSamples is how many requests a slope needs: in each of the fewest parts
// as many as what it is the slope of.
func slopeSamples(ind slo.Indicator) int64 {
	each := int64(meanSamples)
	if ind.Quantile.Den > 0 {
		each = percentileSamples(ind.Quantile)
	}
	if each > math.MaxInt64/slopeParts {
		return math.MaxInt64
	}
	return slopeParts * each
}

// slopeOf is how fast a percentile or the mean of the response time changes, in
// microseconds a minute, with its interval. The stage is cut into as many equal
// parts as have enough requests each.
func slopeOf(ind slo.Indicator, s *result.Stage) (value float64, iv interval, ok bool) {
	of := slo.Indicator{Kind: slo.Mean}
	if ind.Quantile.Den > 0 {
		of = slo.Indicator{Kind: slo.Percentile, Quantile: ind.Quantile}
	}
	enough := slopeSamples(ind) / slopeParts
	parts := min(s.Response.Total()/max(enough, 1), mostSlopeParts, int64(len(s.Slices)))
	if parts < slopeParts {
		return 0, interval{}, false
	}
	var minutes, values []float64
	for i := range int(parts) {
		from, to := i*len(s.Slices)/int(parts), (i+1)*len(s.Slices)/int(parts)
		part := joinBlocks(s.Slices[from:to])
		if v, ok := latency(of, part.Response); ok {
			minutes = append(minutes, (part.Offset + part.Width/2).Minutes())
			values = append(values, v)
		}
	}
	if len(values) < slopeParts {
		return 0, interval{}, false
	}
	value, lower, upper, ok := stats.Slope(minutes, values, confidence)
	return value, interval{lower: lower, upper: upper}, ok
}
