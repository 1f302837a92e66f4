package gate

import (
	"math"
	"slices"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Block is how long one side of a comparison is loaded before it is the other
// one's turn. Short alternation is what makes both meet the same machine.
const Block = time.Second

// The standard deviation of a pair's difference before any was measured.
const (
	assumedSpread     = 0.15
	assumedCostSpread = 0.08 // bench/COST.md
)

// Alone says why a stage of a comparison is loaded on head alone; empty where
// base and head take turns.
func Alone(stage slo.Stage) string {
	w := stage.Workload
	if w.Search {
		return "a search finds its own load"
	}
	if stage.Parallel != "" {
		return "its workloads run at the same time"
	}
	if w.RateFrom != w.RateTo || w.WorkersFrom != w.WorkersTo {
		return "a ramp gives base and head other loads"
	}
	return ""
}

// Pairs is how many pairs a comparison of so long makes of an objective. It is
// known for open stages; of closed ones it is the most that there can be.
func Pairs(file *slo.File, o slo.Objective, stage slo.Stage, total time.Duration) int {
	return Windows(total) / perPair(file, o, stage)
}

// perPair is how many windows of an objective make a pair: of closed stages, of
// whose requests nothing is known before, each one.
func perPair(file *slo.File, o slo.Objective, stage slo.Stage) int {
	if stage.Workload.Model != slo.Open {
		return 1
	}
	inBlock := stage.Workload.RateFrom * Block.Seconds() * file.In(stage).PerArrival(o)
	return windowsPerPair(o.Indicator, inBlock)
}

// PairsNeeded is the fewest pairs that can prove a change among so many
// objectives.
func PairsNeeded(family int) int { return stats.MinPairs(family) }

// Needed is how long a stage has to be for an objective to have the pairs that
// can prove a change, of closed ones at least; 0 where that is longer than
// anybody would wait.
func Needed(file *slo.File, o slo.Objective, stage slo.Stage, family int) time.Duration {
	needed := float64(perPair(file, o, stage)) * float64(stats.MinPairs(family)) * float64(2*Block)
	if needed > float64(longestAdvice) {
		return 0
	}
	return time.Duration(needed)
}

// Compares reports whether base and head can be compared by an indicator: by
// what each block keeps.
func Compares(ind slo.Indicator) bool { return isWindowed(ind) }

// Extends reports whether a comparison of a stage goes on until an objective is
// decided: one that is judged by base and head.
func Extends(stage slo.Stage) bool {
	return stage.Judge && slices.ContainsFunc(stage.Objectives, func(o slo.Objective) bool {
		return o.Relative != nil && o.Severity != slo.Show && Compares(o.Indicator)
	})
}

// Windows is how many windows of two blocks fit into a stage's time, at least
// one.
func Windows(total time.Duration) int { return max(int(total/(2*Block)), 1) }

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

// PlannedDetectable is the smallest change, as a fraction, that so many pairs
// show in four of five comparisons, if their differences spread as those of the
// indicator commonly do; tolerance is the objective's, as a fraction too.
func PlannedDetectable(ind slo.Indicator, pairs, family int, tolerance float64) float64 {
	spread := assumedSpread
	if isCost(ind) {
		spread = assumedCostSpread
	}
	return math.Expm1(stats.Detectable(spread, pairs, family, math.Log1p(tolerance)))
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
		if isCost(o.Indicator) && (base.Cost == nil || head.Cost == nil) {
			continue // no time makes it known
		}
		p := pairsOf(o, base, head)
		p.Tolerance = max(p.Tolerance, finest(o))
		if !stats.Enough(p.Detectable(family), p.Tolerance) {
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
