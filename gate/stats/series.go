package stats

import (
	"math"
)

// KendallTau measures whether a series rises or falls with time: tau-b from −1
// to 1, and the two-sided p-value of no trend from the normal distribution with
// corrections for ties and continuity (Kendall 1970; the Mann-Kendall test). A
// series without any difference has the tau 0 and the p-value 1.
func KendallTau(x []float64) (tau, p float64) {
	score, pairs, untied := 0, 0, 0
	for i := range x {
		for j := range i {
			pairs++
			switch {
			case x[i] > x[j]:
				score++
				untied++
			case x[i] < x[j]:
				score--
				untied++
			}
		}
	}
	if untied == 0 {
		return 0, 1
	}
	tau = float64(score) / math.Sqrt(float64(pairs)*float64(untied))
	if score == 0 {
		return tau, 1
	}
	z := (math.Abs(float64(score)) - 1) / math.Sqrt(trendVariance(x))
	return tau, 2 * normalAbove(z)
}

// trendVariance is the variance of Kendall's score under no trend.
func trendVariance(x []float64) float64 {
	n := float64(len(x))
	variance := n * (n - 1) * (2*n + 5)
	groups := map[float64]float64{}
	for _, v := range x {
		groups[v]++
	}
	for _, t := range groups {
		variance -= t * (t - 1) * (2*t + 5)
	}
	return variance / 18
}

// WarmUp finds where a series of ln medians, one for each slice, has settled:
// the first of two slices in a row that lie at most max(3·1.4826·MAD, ln 1.1)
// above the median of the second half. It reports false where the first half
// never settles; settled is then half of the series.
func WarmUp(x []float64) (settled int, ok bool) {
	half := len(x) / 2
	rest := x[half:]
	centre := Median(rest)
	off := make([]float64, len(rest))
	for i, v := range rest {
		off[i] = math.Abs(v - centre)
	}
	const sigma = 1.4826 // standard deviations in a MAD of normal values
	limit := centre + max(3*sigma*Median(off), math.Log(1.1))
	for i := range half {
		if x[i] <= limit && x[i+1] <= limit {
			return i, true
		}
	}
	return half, len(x) == 0
}
