package gate

import (
	"math"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// The lengths of a comparison's blocks. Short alternation is what makes base
// and head meet the same machine; a block must still hold a few requests above
// the percentile that is compared.
const (
	shortestBlock = time.Second
	longestBlock  = 5 * time.Second
	// assumedSpread is the standard deviation of a window's difference before
	// any was measured.
	assumedSpread = 0.15
)

// Alone says why a stage of a comparison is loaded on head alone; empty where
// base and head take turns.
func Alone(stage slo.Stage) string {
	w := stage.Workload
	if w.RateFrom != w.RateTo || w.WorkersFrom != w.WorkersTo {
		return "a ramp gives base and head other loads"
	}
	return ""
}

// Block is how long one side of a comparison is loaded before the other one's
// turn: 1 s, or as long as the strictest percentile that is compared has five
// requests above it, at most 5 s. enough is false where even that is too
// short. How many requests a closed stage makes is not known before.
func Block(stage slo.Stage) (block time.Duration, enough bool) {
	block = shortestBlock
	if stage.Workload.Model != slo.Open {
		return block, true
	}
	for _, o := range stage.Objectives {
		if o.Relative != nil && o.Indicator.Kind == slo.Percentile {
			block = max(block, blockFor(o.Indicator.Quantile, stage.Workload.RateFrom))
		}
	}
	return min(block, longestBlock), block <= longestBlock
}

// Decidable reports whether the blocks of a stage can be long enough for an
// objective.
func Decidable(o slo.Objective, stage slo.Stage) bool {
	return o.Indicator.Kind != slo.Percentile || stage.Workload.Model != slo.Open ||
		blockFor(o.Indicator.Quantile, stage.Workload.RateFrom) <= longestBlock
}

// Compares reports whether base and head can be compared by an indicator: by
// what each block keeps.
func Compares(ind slo.Indicator) bool { return isWindowed(ind) }

func blockFor(q slo.Quantile, rate float64) time.Duration {
	above := rate * float64(q.Den-q.Num) / float64(q.Den)
	if above <= 0 {
		return math.MaxInt64
	}
	seconds := math.Ceil(tailSamples / above * 10) // to tenths
	return time.Duration(min(seconds, 1e6)) * time.Second / 10
}

// Windows is how many windows of two blocks fit into a stage's time, at least
// one.
func Windows(total, block time.Duration) int { return max(int(total/(2*block)), 1) }

// Family is how many relative objectives can fail the comparison together, in
// all stages that base and head are both loaded with.
func Family(file *slo.File) int {
	n := 0
	for _, stage := range file.Stages {
		if !stage.Judge || Alone(stage) != "" {
			continue
		}
		for _, o := range stage.Objectives {
			if o.Relative != nil && o.Severity == slo.Fail && isWindowed(o.Indicator) {
				n++
			}
		}
	}
	return n
}

// PlannedDetectable is the smallest change, as a fraction, that so many windows
// show in four of five comparisons, if a window's differences spread as they
// commonly do; tolerance is the objective's, as a fraction too.
func PlannedDetectable(windows, family int, tolerance float64) float64 {
	return math.Expm1(stats.Detectable(assumedSpread, windows, family, math.Log1p(tolerance)))
}

// Settled reports whether a comparison of two sides need not go on: what it can
// detect is at most one and a half times the tolerance, for every objective
// that can fail or warn. It looks at the spread between windows and never at
// the change, so that stopping here spends no error.
func Settled(stage slo.Stage, family int, base, head *result.Stage) bool {
	if base == nil || head == nil {
		return false
	}
	for _, o := range stage.Objectives {
		if o.Relative == nil || o.Severity == slo.Show || !isWindowed(o.Indicator) {
			continue
		}
		p := pairsOf(o, base, head)
		if !stats.Enough(stats.Deviation(p.Differences), len(p.Differences), family, max(p.Tolerance, finest(o))) {
			return false
		}
	}
	return true
}

// finest is the tolerance below which no comparison is extended for: half a
// point, or 5 %.
func finest(o slo.Objective) float64 {
	if scaleOf(o.Indicator).points {
		return 0.005
	}
	return math.Log1p(0.05)
}
