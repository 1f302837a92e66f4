//go:build linux

package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/slogate/slogate/gate/stats"
)

// sharpRuns is how many runs are resampled for each change that is tried: the
// power is known to 2 points then.
const sharpRuns = 400

// changes that head is slowed down by: from half the tolerance on in steps
// of 6 %.
func changes() []float64 {
	var out []float64
	for change := 0.05; change < 1.5; change *= 1.06 {
		out = append(out, change)
	}
	return out
}

// precision sets the smallest detectable change that is printed beside the
// change that four of five runs do find, in windows of the unchanged service
// whose head is slowed down by calculation.
func precision(b *strings.Builder, m measured) error {
	fmt.Fprintf(b, "\n## The smallest detectable change\n\nThe median of what is printed, and the change that fails in 80 %% of the runs: of the unchanged service, head's times multiplied. "+
		"*Real* are the runs as they were measured, each with what base and head differ by from one start to the next; *resampled* are %d runs that are put together of pieces of all of them. Every run counts twice, the second time with base and head exchanged. "+
		"\"Nothing\" are too few pairs to prove a change of this objective alone; beside others that have failed it takes fewer.\n\n", sharpRuns)
	fmt.Fprintf(b, "| machine | runs | objective | printed | found in 80 %% | printed ÷ found (must be 0.75 to 1.25) |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, machine := range []string{"idle", "busy"} {
		runs := m.comparisons(machine + "-same")
		if real := cuts(runs, 60); len(real) > 0 {
			if err := sharpness(b, machine, fmt.Sprintf("%d real, 60 s", len(real)), bothWays(real)); err != nil {
				return err
			}
		}
		for _, seconds := range lengths {
			if len(runs) == 0 {
				continue
			}
			if err := sharpness(b, machine, fmt.Sprintf("resampled, %d s", seconds), bothWays(resampled(runs, seconds, sharpRuns/2))); err != nil {
				return err
			}
		}
	}
	return nil
}

// sharpness writes what is printed and found in these runs.
func sharpness(b *strings.Builder, machine, of string, runs [][]window) error {
	unchanged, err := judgeAll(runs)
	if err != nil {
		return err
	}
	tried := changes()
	tallies, errs := make([]tally, len(tried)), make([]error, len(tried))
	parallel(len(tried), func(i int) { tallies[i], errs[i] = judgeAll(slowed(runs, tried[i])) })
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	for _, o := range objectives {
		power := make([]float64, len(tried))
		for i, t := range tallies {
			power[i] = float64(t.failedOf[o]) / float64(t.runs)
		}
		printed, found := stats.Median(unchanged.detectable[o]), crossing(tried, power, 0.8)
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", machineText(machine), of, o, seenText(printed), seenText(found), ratio(printed, found))
	}
	return nil
}

// seenText writes a change, 0 or NaN where none is seen.
func seenText(change float64) string {
	if change == 0 || math.IsNaN(change) {
		return "nothing"
	}
	return fmt.Sprintf("+%.1f %%", 100*change)
}

func ratio(printed, found float64) string {
	if printed == 0 || math.IsNaN(found) {
		return "–"
	}
	return fmt.Sprintf("%.2f", printed/found)
}

// parallel calls do with 0 to n−1 on every core.
func parallel(n int, do func(int)) {
	var wg sync.WaitGroup
	workers := runtime.NumCPU()
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				do(i)
			}
		})
	}
	wg.Wait()
}

// crossing is where a curve first reaches a level, NaN where it does not.
func crossing(x, y []float64, level float64) float64 {
	i := slices.IndexFunc(y, func(v float64) bool { return v >= level })
	switch {
	case i < 0:
		return math.NaN()
	case i == 0:
		return x[0]
	}
	return x[i-1] + (x[i]-x[i-1])*(level-y[i-1])/(y[i]-y[i-1])
}
