//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/slogate/slogate/bench/loopback"
)

// lengths are the comparisons that the curve is made of, in seconds.
var lengths = []int{60, 120, 180}

// bound is what a rate must keep to.
type bound struct {
	sign string // ≤, ≥, or empty where nothing is promised
	rate float64
}

func atMost(rate float64) bound  { return bound{"≤", rate} }
func atLeast(rate float64) bound { return bound{"≥", rate} }

func (b bound) String() string {
	if b.sign == "" {
		return "–"
	}
	return fmt.Sprintf("%s %g %%", b.sign, 100*b.rate)
}

// row is how often something happened in a number of runs.
type row struct {
	what, of       string
	must           bound
	happened, runs int
}

func (r row) String() string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", r.what, r.of, r.must, loopback.Share(r.happened, r.runs), r.kept())
}

// kept says whether the rate keeps the bound: "within chance" is one that does
// not, while its 95 % interval reaches it.
func (r row) kept() string {
	if r.must.sign == "" || r.runs == 0 {
		return "–"
	}
	rate := float64(r.happened) / float64(r.runs)
	lower, upper := loopback.Limits(r.happened, r.runs)
	good, chance := rate <= r.must.rate, lower <= r.must.rate
	if r.must.sign == "≥" {
		good, chance = rate >= r.must.rate, upper >= r.must.rate
	}
	switch {
	case good:
		return "yes"
	case chance:
		return "within chance"
	}
	return "**no**"
}

// writeReport writes the tables of what has been measured so far.
func writeReport(s settings, m measured) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# How often verdicts are wrong\n\nWritten by `go run ./bench/verdicts`; not edited by hand. `-rounds 0` makes it again from the runs that lie in `bench/verdicts/data`.\n\n")
	fmt.Fprintf(&b, "Base and head are the same HTTP service on loopback, %v of computing for a request, %d requests a second to each in turn, objectives %s at `<= baseline + 10%%`. "+
		"Each comparison has one core for everything. Measured on: %s. The neighbour computes for 1 to 5 whole seconds and rests for 2 to 12 s on the same core. "+
		"No comparison is extended. In brackets: runs, and the 95 %% interval of the rate. *Resampled* runs are drawn from the measured windows, %d neighbouring ones at a time. "+
		"*Within chance* is a rate that misses what it must keep, while its interval reaches it.\n\n",
		workTime, rate, strings.Join(objectives, ", "), strings.Join(m.machines(), "; "), chunk)
	spread, err := earlier(m)
	if err != nil {
		return err
	}
	covers, err := coverage(m)
	if err != nil {
		return err
	}
	if err := promises(&b, m, spread, covers); err != nil {
		return err
	}
	if err := curve(&b, m); err != nil {
		return err
	}
	if err := precision(&b, m); err != nil {
		return err
	}
	history(&b, spread)
	intervals(&b, covers)
	if err := os.WriteFile(s.out, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// promises are all figures that must be reached.
func promises(b *strings.Builder, m measured, spread []falseAlarms, covers []covered) error {
	rows, err := comparedRows(m)
	if err != nil {
		return err
	}
	answered, err := answersRows(m)
	if err != nil {
		return err
	}
	rows = append(rows, answered...)
	rows = append(rows, coverageRows(covers)...)
	rows = append(rows, earlierRows(spread)...)
	fmt.Fprintf(b, "## What is promised\n\n| case | runs | must | measured | kept |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		b.WriteString(r.String())
	}
	alone, paired, err := judgingTime(m)
	if err != nil {
		return err
	}
	const most = 100
	for _, c := range []struct {
		what string
		took float64
	}{
		{"20 earlier results", millis(alone)},
		{"base and head", millis(paired)},
	} {
		took, kept := fmt.Sprintf("%.1f ms", c.took), "yes"
		switch {
		case c.took == 0:
			took, kept = "–", "–"
		case c.took > most:
			kept = "**no**"
		}
		fmt.Fprintf(b, "| judging %d stages × %d objectives, %s | median of %d | ≤ %d ms of one core | %s | %s |\n", costStages, len(costs), c.what, costTries, most, took, kept)
	}
	return nil
}

// comparedRows are the promises of base against head in one run.
func comparedRows(m measured) ([]row, error) {
	idle, busy := m.comparisons("idle-same"), m.comparisons("busy-same")
	slower, faster := m.comparisons("idle+20"), m.comparisons("idle-20")
	var out []row
	for _, c := range []struct {
		what, of string
		must     bound
		runs     [][]window
		count    func(tally) int
	}{
		{"unchanged, idle: fails", "real, 60 s", atMost(0.01), cuts(idle, 60), failed},
		{"unchanged, idle: fails", "real, 20 s", atMost(0.01), cuts(idle, 20), failed},
		{"unchanged, idle: fails", "resampled, 60 s", atMost(0.01), resampled(idle, 60, resamples), failed},
		{"unchanged, beside a neighbour: fails", "real, 60 s", atMost(0.02), cuts(busy, 60), failed},
		{"unchanged, beside a neighbour: fails", "resampled, 60 s", atMost(0.02), resampled(busy, 60, resamples), failed},
		{"unchanged, beside a neighbour: at least one objective inconclusive", "real, 60 s", bound{}, cuts(busy, 60), func(t tally) int { return t.unclear }},
		{"20 % slower, idle: p50 fails", "real, 60 s", atLeast(0.95), cuts(slower, 60), failedOf("p50")},
		{"20 % slower, idle: p95 fails", "real, 120 s", atLeast(0.90), cuts(slower, 120), failedOf("p95")},
		{"20 % slower, idle: p50 fails", "resampled, 60 s", atLeast(0.95), resampled(slower, 60, resamples), failedOf("p50")},
		{"20 % slower, idle: p95 fails", "resampled, 120 s", atLeast(0.90), resampled(slower, 120, resamples), failedOf("p95")},
		{"20 % faster, idle: fails", "real, 60 s", atMost(0), cuts(faster, 60), failed},
		{"20 % faster, idle: reported as improved", "real, 60 s", atLeast(1), cuts(faster, 60), func(t tally) int { return t.improved }},
	} {
		t, err := judgeAll(c.runs)
		if err != nil {
			return nil, err
		}
		out = append(out, row{c.what, c.of, c.must, c.count(t), t.runs})
	}
	for _, c := range []struct {
		machine string
		runs    [][]window
	}{{"idle", idle}, {"beside a neighbour", busy}} {
		hidden, passes, err := blind(cuts(c.runs, 60))
		if err != nil {
			return nil, err
		}
		out = append(out, row{"unchanged, " + c.machine + ": objectives that pass, also where head's times were 30 % longer", "real, 60 s", atMost(0.2), hidden, passes})
	}
	return out, nil
}

func failed(t tally) int { return t.failed }

func failedOf(indicator string) func(tally) int {
	return func(t tally) int { return t.failedOf[indicator] }
}

// curve is the power for each change and length, of real and of resampled
// runs.
func curve(b *strings.Builder, m measured) error {
	fmt.Fprintf(b, "\n## Power\n\nHow often each objective fails and, in brackets, is inconclusive, in percent. *Real* runs are few; %d resampled ones beside them.\n\n", resamples)
	fmt.Fprintf(b, "| machine | head | length | real runs | p50 | p95 | p99 | resampled: p50 | p95 | p99 |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, t := range trials {
		if t.change <= 0 {
			continue
		}
		machine := "idle"
		if t.busy {
			machine = "neighbour"
		}
		runs := m.comparisons(t.name)
		for _, seconds := range lengths {
			real, err := judgeAll(cuts(runs, seconds))
			if err != nil {
				return err
			}
			again, err := judgeAll(resampled(runs, seconds, resamples))
			if err != nil {
				return err
			}
			fmt.Fprintf(b, "| %s | +%.0f %% | %d s | %d |", machine, 100*t.change, seconds, real.runs)
			for _, of := range []tally{real, again} {
				for _, o := range objectives {
					fmt.Fprintf(b, " %s |", rates(of, o))
				}
			}
			fmt.Fprintln(b)
		}
	}
	return nil
}

func rates(t tally, indicator string) string {
	if t.runs == 0 {
		return "–"
	}
	part := func(n int) float64 { return 100 * float64(n) / float64(t.runs) }
	return fmt.Sprintf("%.0f (%.0f)", part(t.failedOf[indicator]), part(t.unclearOf[indicator]))
}

// thisMachine describes the machine that the command runs on.
func thisMachine() string {
	return fmt.Sprintf("%s, %d cores, %s", loopback.CPUModel(), runtime.NumCPU(), runtime.GOOS)
}
