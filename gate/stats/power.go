package stats

import (
	"math"
	"math/bits"
)

const (
	// level is the chance of a wrong fail that a whole family of objectives may
	// have in one comparison.
	level = 0.01
	// power is how often a change of the smallest detectable size is noticed.
	power = 0.8
)

// MinPairs is the fewest pairs from which a family of m objectives can reach
// the level of 1 % at all, which is where every pair agrees: ⌈log₂(100·m)⌉.
func MinPairs(m int) int { return bits.Len(uint(100*max(m, 1) - 1)) }

// Detectable is the smallest change, on the ln scale, that n pairs whose
// differences have the standard deviation s show in four of five comparisons:
//
//	(t⁻¹(1 − 0.01/m, n−1) + t⁻¹(0.8, n−1))·s/√n
//
// for the strictest test of m objectives, and at least tolerance + t⁻¹(0.8)·s/√n,
// since the estimate must exceed the tolerance too. It serves the plan, with an
// s from earlier runs, as well as the result. Fewer than two pairs see nothing.
func Detectable(s float64, n, m int, tolerance float64) float64 {
	if n < 2 {
		return math.Inf(1)
	}
	df := float64(n - 1)
	se := s / math.Sqrt(float64(n))
	noticed := student(power, df) * se
	proven := student(1-level/float64(max(m, 1)), df) * se
	return max(proven+noticed, tolerance+noticed)
}

// Enough reports whether a comparison may stop extending: what it can detect
// is at most one and a half times the tolerance, as changes. It looks at the
// spread alone, never at the effect, so that stopping spends no error.
func Enough(s float64, n, m int, tolerance float64) bool {
	return math.Expm1(Detectable(s, n, m, tolerance)) <= 1.5*math.Expm1(tolerance)
}
