// Package stats holds the formulas that compare runs: exact rank tests, robust
// estimates, prediction limits and the change that a comparison can see.
//
// In come plain numbers, out come plain numbers. Times and rates belong on the
// ln scale before they get here, so that a difference is a ratio. Nothing is
// random: the same numbers always give the same answer.
package stats

import (
	"math"
	"slices"
)

// Median returns the middle value, or the mean of the two middle ones; NaN of
// nothing.
func Median(x []float64) float64 { return Quantile(x, 0.5) }

// Quantile returns the q-quantile, 0 ≤ q ≤ 1, by linear interpolation between
// order statistics (type 7 of Hyndman and Fan, The American Statistician
// 1996); NaN of nothing.
func Quantile(x []float64, q float64) float64 {
	return quantileOf(slices.Sorted(slices.Values(x)), q)
}

func quantileOf(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	below := int(math.Floor(at))
	above := min(below+1, len(sorted)-1)
	if sorted[below] == sorted[above] {
		return sorted[below] // infinite ones have no difference
	}
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// Mean returns the mean, NaN of no value.
func Mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// Deviation returns the sample standard deviation, with n−1 in the
// denominator; 0 of fewer than two values.
func Deviation(x []float64) float64 {
	if len(x) < 2 {
		return 0
	}
	mean, squares := Mean(x), 0.0
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares / float64(len(x)-1))
}

// Holm returns p-values adjusted for being a family (Holm, Scandinavian
// Journal of Statistics 1979), in the order given and at most 1.
func Holm(p []float64) []float64 {
	order := ascending(p)
	adjusted := make([]float64, len(p))
	least := 0.0
	for k, i := range order {
		least = max(least, min(1, p[i]*float64(len(p)-k)))
		adjusted[i] = least
	}
	return adjusted
}

// ascending returns the indices of x in ascending order of its values.
func ascending(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	return order
}

// doubledRanks returns the mid-ranks of x, doubled so that ties stay whole, and
// the sum of t³−t over groups of t equal values, which corrects variances.
func doubledRanks(x []float64) (ranks []int, ties float64) {
	order := ascending(x)
	ranks = make([]int, len(x))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && x[order[to]] == x[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			ranks[i] = from + to + 1
		}
		t := float64(to - from)
		ties += t*t*t - t
		from = to
	}
	return ranks, ties
}
