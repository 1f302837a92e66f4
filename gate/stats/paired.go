package stats

import "math"

// Outcome says what a paired comparison has shown of one objective.
type Outcome string

// The outcomes of a paired comparison.
const (
	Regressed Outcome = "regressed" // proven, and beyond the tolerance
	Held      Outcome = "held"      // not proven, where a change that matters would have been seen
	Unseen    Outcome = "unseen"    // the comparison could not have seen such a change
)

// Pairs is one objective of a comparison of base and head in one run: for each
// window the difference head − base on the ln scale, positive where head is
// worse, and the difference that the objective tolerates.
type Pairs struct {
	Differences []float64
	Tolerance   float64
	Points      bool // differences of shares, not of logarithms
}

// Paired is what the pairs of one objective show. All values but P are on the
// scale of the differences.
type Paired struct {
	Outcome      Outcome
	Estimate     float64 // of Hodges and Lehmann
	Lower, Upper float64 // 95 % interval of it
	P            float64 // of no change, corrected for the family
	Detectable   float64
}

// ComparePairs judges a family of objectives that together fail one unchanged
// run in 100. An objective regressed where its corrected p-value is at most
// 1 % and the estimate lies beyond the tolerance. It is unseen where there are
// fewer than [MinPairs], or where the smallest detectable change exceeds the
// larger of three times the tolerance and 30 %, or 5 points of a share.
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
	n, w := len(p.Differences), walsh(p.Differences)
	out := Paired{
		Outcome:    Held,
		Estimate:   w.centre(),
		P:          corrected,
		Detectable: p.detectable(w, family),
	}
	out.Lower, out.Upper = w.limits(0.95)
	switch {
	case corrected <= level && out.Estimate > p.Tolerance:
		out.Outcome = Regressed
	case n < MinPairs(family) || out.Detectable > p.matters():
		out.Outcome = Unseen
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
