//go:build linux

package main

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/slogate/slogate/gate/stats"
)

// sharpRuns is how many runs are resampled for each change that is tried: the
// power is known to 2 points then.
const sharpRuns = 400

// changes that head is slowed down by: from half the tolerance on in steps
// of 6 %.
var changes = func() []float64 {
	var out []float64
	for change := 0.05; change < 1.5; change *= 1.06 {
		out = append(out, change)
	}
	return out
}()

// precision sets the smallest detectable change that is printed beside the
// change that four of five runs do find, in windows of the unchanged service
// whose head is slowed down by calculation.
func precision(b *strings.Builder, m measured) error {
	fmt.Fprintf(b, "\n## The smallest detectable change\n\nThe median of what is printed, and the change that fails in 80 %% of the runs: of the unchanged service, head's times multiplied. "+
		"*Real* are the runs as they were measured, each with what base and head differ by from one start to the next; *resampled* are %d runs that are put together of pieces of all of them. Every run counts twice, the second time with base and head exchanged. "+
		"Runs differ in what they can see, and where they differ a lot it is the noisy ones that 80 %% wait for; so the last column tells how many fail when each is slowed down by what it has printed itself: 80 %% should. "+
		"\"Nothing\" are too few pairs to prove a change of this objective alone; beside others that have failed it takes fewer.\n\n", sharpRuns)
	fmt.Fprintf(b, "| machine | runs | objective | printed | found in 80 %% | printed ÷ found (must be 0.75 to 1.25) | fail at their own |\n| --- | --- | --- | --- | --- | --- | --- |\n")
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
	p := powers{runs: runs, known: map[int]tally{}}
	for _, o := range objectives {
		found, err := p.found(o)
		if err != nil {
			return err
		}
		own, err := failAtOwn(runs, unchanged.detectable[o], o)
		if err != nil {
			return err
		}
		printed := stats.Median(unchanged.detectable[o])
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", machineText(machine), of, o, seenText(printed), seenText(found), ratio(printed, found), own)
	}
	return nil
}

// failAtOwn is how many of the runs fail when each is slowed down by the change
// that it can see, as it says.
func failAtOwn(runs [][]window, sees []float64, objective string) (string, error) {
	var slower [][]window
	for i, change := range sees {
		if change > 0 {
			slower = append(slower, slowed(runs[i:i+1], change)...)
		}
	}
	if len(slower) == 0 {
		return "–", nil
	}
	t, err := judgeAll(slower)
	return fmt.Sprintf("%.0f %%", 100*float64(t.failedOf[objective])/float64(len(slower))), err
}

// powers are what changes of head do to runs, each of [changes] judged once.
type powers struct {
	runs  [][]window
	known map[int]tally
}

// found is the change that fails in 80 % of the runs, NaN where none does: a
// larger one fails more often.
func (p powers) found(objective string) (float64, error) {
	var failed error
	power := func(i int) float64 {
		t, ok := p.known[i]
		if !ok {
			var err error
			if t, err = judgeAll(slowed(p.runs, changes[i])); err != nil {
				failed = err
			}
			p.known[i] = t
		}
		return float64(t.failedOf[objective]) / float64(t.runs)
	}
	const level = 0.8
	i := sort.Search(len(changes), func(i int) bool { return power(i) >= level })
	switch i {
	case len(changes):
		return math.NaN(), failed
	case 0:
		return changes[0], failed
	}
	below, above := power(i-1), power(i)
	return changes[i-1] + (changes[i]-changes[i-1])*(level-below)/(above-below), failed
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
