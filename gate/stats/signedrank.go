package stats

import (
	"math"
	"slices"
)

// exactPairs is up to how many pairs the signed-rank distribution is computed
// exactly. Above, the normal distribution is as good to four digits.
const exactPairs = 60

// SignedRankP is the one-sided p-value of Wilcoxon's signed-rank test: how
// probable differences at least as far above zero are, had nothing changed.
// Differences of zero are left out and equal ones share their mid-rank. Up to
// 60 pairs it is exact; above, it is the normal distribution with corrections
// for ties and continuity. Without any difference it is 1.
func SignedRankP(d []float64) float64 {
	size, positive := magnitudes(d)
	if len(size) == 0 {
		return 1
	}
	ranks, ties := doubledRanks(size)
	sum := 0
	for i, rank := range ranks {
		if positive[i] {
			sum += rank
		}
	}
	if len(ranks) > exactPairs {
		return normalSignedRank(float64(sum)/2, float64(len(ranks)), ties)
	}
	tail := 0.0
	for _, p := range signedRanks(ranks)[sum:] {
		tail += p
	}
	return min(tail, 1)
}

// magnitudes splits the differences other than zero into size and sign.
func magnitudes(d []float64) (size []float64, positive []bool) {
	for _, v := range d {
		if v != 0 {
			size = append(size, math.Abs(v))
			positive = append(positive, v > 0)
		}
	}
	return size, positive
}

// signedRanks is the distribution of the sum of ranks that get a positive sign,
// each with probability one half: out[s] is the probability of s.
func signedRanks(ranks []int) []float64 {
	total := 0
	for _, rank := range ranks {
		total += rank
	}
	p := make([]float64, total+1)
	p[0] = 1
	for _, rank := range ranks {
		for s := total; s >= 0; s-- {
			p[s] /= 2
			if s >= rank {
				p[s] += p[s-rank] / 2
			}
		}
	}
	return p
}

func normalSignedRank(sum, n, ties float64) float64 {
	mean := n * (n + 1) / 4
	variance := n*(n+1)*(2*n+1)/24 - ties/48
	return normalAbove((sum - mean - 0.5) / math.Sqrt(variance))
}

// averages are the Walsh averages of n differences, ascending: the n(n+1)/2
// means of all pairs of values, each with itself included. They are built once
// for all that is asked of them: of 1,000 differences they are half a million.
type averages struct {
	sorted []float64
	n      int
}

func walsh(d []float64) averages {
	w := averages{make([]float64, 0, len(d)*(len(d)+1)/2), len(d)}
	for i := range d {
		for j := i; j < len(d); j++ {
			w.sorted = append(w.sorted, (d[i]+d[j])/2)
		}
	}
	slices.Sort(w.sorted)
	return w
}

// centre estimates the centre of the differences: the median of their Walsh
// averages (Hodges and Lehmann, Annals of Mathematical Statistics 1963).
func (w averages) centre() float64 { return quantileOf(w.sorted, 0.5) }

// limits inverts the two-sided signed-rank test: the range of centres that the
// differences do not refute at the level, such as 0.95. An end is infinite where
// there are too few differences for the level.
func (w averages) limits(level float64) (lower, upper float64) {
	k := walshRank(w.n, (1-level)/2)
	if k < 1 {
		return math.Inf(-1), math.Inf(1)
	}
	return w.sorted[k-1], w.sorted[len(w.sorted)-k]
}

// standardError of the centre, from its 95 % interval.
func (w averages) standardError() float64 {
	lower, upper := w.limits(0.95)
	return (upper - lower) / 2 / StudentQuantile(0.975, float64(w.n-1))
}

// walshRank is the rank of the Walsh average that is the lower limit of a
// one-sided interval: the highest k with P(rank sum < k) ≤ alpha.
func walshRank(n int, alpha float64) int {
	if n > exactPairs {
		m := float64(n)
		z := NormalQuantile(1 - alpha)
		return int(math.Floor(m*(m+1)/4 - z*math.Sqrt(m*(m+1)*(2*m+1)/24)))
	}
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = i + 1
	}
	below, k := 0.0, 0
	for _, p := range signedRanks(ranks) {
		if below += p; below > alpha {
			break
		}
		k++
	}
	return k
}
