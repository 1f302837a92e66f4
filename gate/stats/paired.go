package stats

import "math"

// Outcome says what a paired comparison has shown of one objective.
type Outcome string

// The outcomes of a paired comparison.
const (
	Regressed Outcome = "regressed" // proven, and beyond the tolerance
	Held      Outcome = "held"      // not proven, where a change that matters would have been seen
	Unseen    Outcome = "unseen"    // the comparison could not have seen such a change
	Uneven    Outcome = "uneven"    // proven, but beyond the tolerance as a whole only, because of some windows
)

// Pairs is one objective of a comparison of base and head in one run: for each
// window the difference head − base on the ln scale, positive where head is
// worse, and the difference that the objective tolerates.
type Pairs struct {
	Differences []float64
	Tolerance   float64
	Whole       float64 // the difference of both sides as a whole
	Points      bool    // differences of shares, not of logarithms
	Requests    float64 // of a share: how many head was measured by
}

// Paired is what the pairs of one objective show. All values but P are on the
// scale of the differences.
type Paired struct {
	Outcome      Outcome
	Estimate     float64 // of Hodges and Lehmann; of a share, the whole difference
	Lower, Upper float64 // 95 % interval of it
	P            float64 // of no change, corrected for the family
	Detectable   float64
}

// ComparePairs judges a family of objectives that together fail one unchanged
// run in 100. An objective regressed where its corrected p-value is at most
// 1 % and the estimate lies beyond the tolerance. It is unseen where there are
// fewer than [MinPairs], or where the smallest detectable change exceeds the
// larger of three times the tolerance and 30 %, or 5 points of a share.
//
// Where most windows do not differ the estimate of Hodges and Lehmann is 0, and
// as long as fewer than three in ten are worse it stays there, however much worse
// these are and however sure that is. So where the change is proven, and beyond
// the tolerance as a whole, neighbouring pairs are averaged to as few as the
// family can be judged by, and the estimate is theirs. An objective is uneven
// where even that is within the tolerance. None of this can fail a run whose
// p-value is above 1 %.
func ComparePairs(family []Pairs) []Paired {
	p := make([]float64, len(family))
	for i, pairs := range family {
		p[i] = SignedRankP(pairs.Differences)
	}
	p = Holm(p)
	out := make([]Paired, len(family))
	for i, pairs := range family {
		out[i] = pairs.judge(p[i], len(family))
	}
	return out
}

func (p Pairs) judge(corrected float64, family int) Paired {
	w := walsh(p.Differences)
	out := p.estimated(w)
	out.P, out.Detectable = corrected, p.detectable(w, family)
	proven := corrected <= level
	if proven && out.Estimate <= p.Tolerance && p.Whole > p.Tolerance {
		longer := p.estimated(walsh(averaged(p.Differences, MinPairs(family))))
		if longer.Estimate > p.Tolerance {
			out.Estimate, out.Lower, out.Upper = longer.Estimate, longer.Lower, longer.Upper
		}
	}
	switch n := len(p.Differences); {
	case proven && out.Estimate > p.Tolerance:
		out.Outcome = Regressed
	case proven && p.Whole > p.Tolerance:
		out.Outcome = Uneven
	case n < MinPairs(family) || out.Detectable > p.matters():
		out.Outcome = Unseen
	default:
		out.Outcome = Held
	}
	return out
}

// estimated is the change with its interval. That of a share is the whole: how
// many requests were lost is a sum, of which a few windows may hold all.
func (p Pairs) estimated(w averages) Paired {
	if p.Points && w.n < 2 {
		return Paired{Estimate: p.Whole, Lower: math.Inf(-1), Upper: math.Inf(1)}
	}
	if p.Points {
		half := StudentQuantile(0.975, float64(w.n-1)) * p.meanError()
		return Paired{Estimate: p.Whole, Lower: p.Whole - half, Upper: p.Whole + half}
	}
	lower, upper := w.limits(0.95)
	return Paired{Estimate: w.centre(), Lower: lower, Upper: upper}
}

// meanError is the standard error of the mean difference.
func (p Pairs) meanError() float64 {
	return Deviation(p.Differences) / math.Sqrt(float64(len(p.Differences)))
}

// averaged are the means of as many stretches of neighbouring differences, of
// nearly equal lengths.
func averaged(d []float64, stretches int) []float64 {
	stretches = min(stretches, len(d))
	out := make([]float64, stretches)
	for i := range out {
		out[i] = Mean(d[i*len(d)/stretches : (i+1)*len(d)/stretches])
	}
	return out
}

// matters is the difference from which on a comparison must not be blind.
func (p Pairs) matters() float64 {
	if p.Points {
		return max(3*p.Tolerance, 0.05)
	}
	return math.Log1p(max(3*math.Expm1(p.Tolerance), 0.30))
}
