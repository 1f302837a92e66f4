package stats

import (
	"math"
	"slices"
)

// Slope is how fast a series rises: the median of the slopes of all pairs of
// its points (Theil, A Rank-Invariant Method of Linear and Polynomial
// Regression Analysis, 1950), which up to 29 % of wild points cannot turn, with
// the limits between which it lies with a confidence (Sen, Estimates of the
// Regression Coefficient Based on Kendall's Tau, JASA 1968). The limits take the
// points as independent. It reports false for fewer than three points of
// different x. Time grows with the square of the points.
func Slope(x, y []float64, confidence float64) (slope, lower, upper float64, ok bool) {
	var all []float64
	for i := range x {
		for j := range i {
			if x[i] != x[j] {
				all = append(all, (y[i]-y[j])/(x[i]-x[j]))
			}
		}
	}
	if len(all) < 3 {
		return 0, 0, 0, false
	}
	slices.Sort(all)
	n := float64(len(x))
	z := NormalQuantile((1 + confidence) / 2)
	c := z * math.Sqrt(n*(n-1)*(2*n+5)/18)
	pairs := float64(len(all))
	first := int(math.Floor((pairs - c) / 2))
	last := int(math.Ceil((pairs + c) / 2))
	return Median(all), all[max(first, 0)], all[min(last, len(all)-1)], true
}
