package stats

import (
	"math"
	"math/bits"

	"gonum.org/v1/gonum/mathext"
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
// since the estimate must exceed the tolerance too. It serves plans, with an s
// that was assumed or measured before; pairs that are there say it better
// themselves: [Pairs.Detectable]. Fewer than [MinPairs] see nothing.
func Detectable(s float64, n, m int, tolerance float64) float64 {
	if n < MinPairs(m) {
		return math.Inf(1)
	}
	df := float64(n - 1)
	se := s / math.Sqrt(float64(n))
	return max(StudentQuantile(1-level/float64(max(m, 1)), df)*se, tolerance) + StudentQuantile(power, df)*se
}

// Detectable is the smallest change that pairs which spread like these show in
// four of five comparisons of m objectives, with their tolerance. It does not
// look at where they lie.
//
// A comparison fails where the estimate exceeds both the tolerance and the
// distance d from the estimate down to the limit that the test at 1 %/m leaves,
// a Walsh average. Four of five estimates lie above the change less 0.84 of
// their standard errors e, which the 95 % interval tells; d is estimated from
// the same pairs and varies as well, by about e·√((d/e)²/(2(n−1))):
//
//	max(tolerance + t·e, d + t·e·√(1 + (d/e)²/(2(n−1)))),  t = t⁻¹(0.8, n−1)
//
// Ranks hardly see the few pairs that lie far off, of which the standard
// deviation sees little else: [Detectable] then says several times what is
// found. Fewer than [MinPairs] see nothing.
//
// The estimate of a share is the whole difference. With e the standard error of
// the mean, d = t⁻¹(1 − 0.01/m, n−1)·e and N requests, whose further failures
// vary as well, it is
//
//	max(tolerance, d) + t·√(e² + max(tolerance, d)/N)
//
// and where nothing or little fails, so that the pairs hardly spread, at least
// [Pairs.rarest].
func (p Pairs) Detectable(m int) float64 { return p.detectable(walsh(p.Differences), m) }

func (p Pairs) detectable(w averages, m int) float64 {
	k := walshRank(w.n, level/float64(max(m, 1)))
	if k < 1 {
		return math.Inf(1)
	}
	df := float64(w.n - 1)
	if p.Points {
		e := p.meanError()
		proof := max(p.Tolerance, StudentQuantile(1-level/float64(max(m, 1)), df)*e)
		lost := proof / max(p.Requests, 1)
		return max(proof+StudentQuantile(power, df)*math.Sqrt(e*e+lost), p.rarest(m))
	}
	d, e := w.centre()-w.sorted[k-1], w.standardError()
	noticed := StudentQuantile(power, df) * e
	if d > 0 && e > 0 {
		d += noticed * math.Sqrt(1+d*d/(e*e)/(2*df))
	}
	return max(p.Tolerance+noticed, d)
}

// rarest is the share of requests that has to fail on head alone, where base
// fails none, to be noticed in four of five comparisons. By then as many windows
// must have a failure as the test needs at the least, k of n, and as many
// requests have failed as exceed the tolerance. With q = Beta⁻¹(0.8; k, n−k+1)
// four of five binomial counts of windows reach k, so that −n·ln(1−q) failures
// are to be expected; and with the quantile of the gamma distribution by Wilson
// and Hilferty (PNAS 1931) four of five Poisson counts exceed the tolerance.
func (p Pairs) rarest(m int) float64 {
	n, k := float64(len(p.Differences)), float64(MinPairs(m))
	if p.Requests <= 0 || n < k {
		return 0
	}
	windows := -n * math.Log1p(-mathext.InvRegIncBeta(k, n-k+1, power))
	more := math.Floor(p.Tolerance*p.Requests) + 1
	failures := more * math.Pow(1-1/(9*more)+NormalQuantile(power)/(3*math.Sqrt(more)), 3)
	return max(windows, failures) / p.Requests
}

// RankSpread is the standard deviation that normal differences would have whose
// centre is known as precisely as that of these: what [Detectable] takes. Fewer
// than six have no interval, and it is their standard deviation.
func RankSpread(d []float64) float64 {
	if walshRank(len(d), 0.025) < 1 {
		return Deviation(d)
	}
	return walsh(d).standardError() * math.Sqrt(float64(len(d)))
}

// Enough reports whether a comparison may stop extending: what it can detect
// is at most one and a half times the tolerance, as changes. It looks at the
// spread alone, never at the effect, so that stopping spends no error.
func Enough(detectable, tolerance float64) bool {
	return math.Expm1(detectable) <= 1.5*math.Expm1(tolerance)
}
