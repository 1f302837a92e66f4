package stats

import (
	"math"
)

// RankSumP is the exact two-sided p-value of the Wilcoxon-Mann-Whitney test:
// how probable rank sums of x among x and y are that lie at least as far from
// their mean, had both the same distribution. Equal values share their
// mid-rank. Meant for histories of a few dozen values: time grows with the
// fourth power.
func RankSumP(x, y []float64) float64 {
	if len(x) == 0 || len(y) == 0 {
		return 1
	}
	all := append(append([]float64{}, x...), y...)
	ranks, _ := doubledRanks(all)
	sum := 0
	for _, rank := range ranks[:len(x)] {
		sum += rank
	}
	p := rankSums(ranks, len(x))
	mean := len(x) * (len(all) + 1) // of doubled ranks
	distance := max(sum-mean, mean-sum)
	tail := 0.0
	for s, probability := range p {
		if s-mean >= distance || mean-s >= distance {
			tail += probability
		}
	}
	return min(tail, 1)
}

// rankSums is the distribution of the sum of n of the ranks, every choice
// equally probable.
func rankSums(ranks []int, n int) []float64 {
	total := 0
	for _, rank := range ranks {
		total += rank
	}
	ways := make([][]float64, n+1) // ways[j][s]: choices of j ranks with the sum s
	for j := range ways {
		ways[j] = make([]float64, total+1)
	}
	ways[0][0] = 1
	for _, rank := range ranks {
		for j := n; j >= 1; j-- {
			for s := rank; s <= total; s++ {
				ways[j][s] += ways[j-1][s-rank]
			}
		}
	}
	var all float64
	for _, w := range ways[n] {
		all += w
	}
	for s := range ways[n] {
		ways[n][s] /= all
	}
	return ways[n]
}

const (
	stepHistory = 8     // values that a step is looked for in, at least
	stepSide    = 4     // values on each side of it, at least
	stepLevel   = 0.001 // p-value of a step, at most
)

// Step finds where a history, oldest first, moved to another level: the index
// of the first value of the newer part. Of all splits with at least four
// values on each side it takes the one with the least distances from the
// medians of both; the greatest difference of medians would not tell the
// right split from its neighbours. It is a step where the exact rank-sum test
// gives at most 0.1 %. Histories of fewer than eight values have none.
func Step(history []float64) (at int, found bool) {
	if len(history) < stepHistory {
		return 0, false
	}
	least := math.Inf(1)
	for i := stepSide; i <= len(history)-stepSide; i++ {
		if d := distances(history[:i]) + distances(history[i:]); d < least {
			least, at = d, i
		}
	}
	if RankSumP(history[:at], history[at:]) > stepLevel {
		return 0, false
	}
	return at, true
}

// distances sums how far the values lie from their median.
func distances(x []float64) float64 {
	centre, sum := Median(x), 0.0
	for _, v := range x {
		sum += math.Abs(v - centre)
	}
	return sum
}
