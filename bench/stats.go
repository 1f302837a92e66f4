//go:build linux

package main

import (
	"math"
	"math/rand/v2"
	"slices"
)

// sample is what one measurement found, by the metric's name.
type sample map[string]float64

// results are the samples of every cell and tool, by round.
type results map[string]map[string]map[int]sample

func (r results) add(cell, tool string, round int, s sample) {
	if r[cell] == nil {
		r[cell] = map[string]map[int]sample{}
	}
	if r[cell][tool] == nil {
		r[cell][tool] = map[int]sample{}
	}
	r[cell][tool][round] = s
}

// values are a metric's values by round.
func (r results) values(cell, tool, metric string) map[int]float64 {
	out := map[int]float64{}
	for round, s := range r[cell][tool] {
		if v, ok := s[metric]; ok {
			out[round] = v
		}
	}
	return out
}

// estimate is a median, or a ratio of two, with its 95 % interval.
type estimate struct {
	value, low, high float64
	rounds           int
}

// resamples is how often the rounds are drawn anew.
const resamples = 2000

// compare estimates the ratio of the medians of a to b, of the rounds that have
// both; without b the median of a. The interval is the bootstrap's: rounds are
// drawn with replacement, both tools of a round together, because a busy
// neighbour meets both.
func compare(a, b map[int]float64) (estimate, bool) {
	var rounds []int
	for r := range a {
		if _, both := b[r]; both || b == nil {
			rounds = append(rounds, r)
		}
	}
	if len(rounds) == 0 {
		return estimate{}, false
	}
	slices.Sort(rounds)
	of := func(rounds []int) float64 {
		if b == nil {
			return median(pick(a, rounds))
		}
		return median(pick(a, rounds)) / median(pick(b, rounds))
	}
	e := estimate{value: of(rounds), rounds: len(rounds)}
	random := rand.New(rand.NewPCG(1, 2))
	drawn := make([]float64, resamples)
	again := make([]int, len(rounds))
	for i := range drawn {
		for j := range again {
			again[j] = rounds[random.IntN(len(rounds))]
		}
		drawn[i] = of(again)
	}
	slices.Sort(drawn)
	e.low, e.high = drawn[resamples*25/1000], drawn[resamples*975/1000-1]
	return e, true
}

func pick(values map[int]float64, rounds []int) []float64 {
	out := make([]float64, len(rounds))
	for i, r := range rounds {
		out[i] = values[r]
	}
	return out
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// quantile is the value of rank ⌈q·n⌉ of sorted values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(q*float64(len(sorted)) - 1e-9))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
