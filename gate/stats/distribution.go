package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// The distributions come from mathext's special functions and not from
// gonum/stat/distuv: that one brings all of LAPACK along, a tenth of the program.

// NormalQuantile is the value below which the standard normal distribution
// lies with probability p, 0 < p < 1.
func NormalQuantile(p float64) float64 { return mathext.NormalQuantile(p) }

// normalAbove is the probability of a standard normal value above z.
func normalAbove(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

// StudentQuantile is the value below which Student's t with df degrees of
// freedom, 0 < df, lies with probability p, 0 < p < 1. With x the quantile of
// the beta distribution of df/2 and 1/2, t² = df·(1−x)/x (Abramowitz and
// Stegun, Handbook of Mathematical Functions, 26.7.1).
func StudentQuantile(p, df float64) float64 {
	x := mathext.InvRegIncBeta(df/2, 0.5, 2*min(p, 1-p))
	return math.Copysign(math.Sqrt(df*(1-x)/x), p-0.5)
}

// studentAbove is the probability of a value of Student's t above t.
func studentAbove(t, df float64) float64 {
	tail := mathext.RegIncBeta(df/2, 0.5, df/(df+t*t)) / 2
	if t < 0 {
		return 1 - tail
	}
	return tail
}
