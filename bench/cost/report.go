//go:build linux

package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// load reads the result files of a trial.
func load(data string, t trial) ([]*result.Run, error) {
	paths, err := filepath.Glob(filepath.Join(data, t.name+"_*.json"))
	if err != nil {
		return nil, fmt.Errorf("list results: %w", err)
	}
	var runs []*result.Run
	for _, path := range paths {
		r, err := result.ReadFile(path)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// tally counts the verdicts of one objective.
type tally struct {
	runs, failed, unclear int
	detectable, spread    []float64
}

// judge judges every run by one objective alone.
func judge(runs []*result.Run, objective string) (tally, error) {
	var t tally
	file, err := sloFile("http://base", "http://head", slo.Alternate, objective+tolerance)
	if err != nil {
		return t, err
	}
	for _, r := range runs {
		for _, o := range gate.Judge(file, r, gate.Options{}).Objectives {
			if !o.Relative {
				continue
			}
			t.runs++
			switch o.Verdict {
			case result.Fail:
				t.failed++
			case result.Inconclusive:
				t.unclear++
			}
			if c := o.Comparison; c != nil {
				if c.Detectable > 0 { // 0: too few pairs see nothing
					t.detectable = append(t.detectable, c.Detectable)
				}
				t.spread = append(t.spread, c.Spread)
			}
		}
	}
	return t, nil
}

// inTicks gives the runs as a source would have read them that counts in
// hundredths of a second.
func inTicks(runs []*result.Run) []*result.Run {
	out := make([]*result.Run, len(runs))
	for i, r := range runs {
		coarse := *r
		base := *r.Base
		base.Stages = []result.Stage{ticked(r.Base.Stages[0])}
		coarse.Base, coarse.Stages = &base, []result.Stage{ticked(r.Stages[0])}
		out[i] = &coarse
	}
	return out
}

func ticked(s result.Stage) result.Stage {
	const tick = 10 * time.Millisecond
	var sum, counted time.Duration
	s.Slices = append([]result.Slice(nil), s.Slices...)
	for i, slice := range s.Slices {
		if slice.Cost == nil {
			continue
		}
		c := *slice.Cost
		sum += c.CPU
		c.CPU = sum.Truncate(tick) - counted
		counted += c.CPU
		s.Slices[i].Cost = &c
	}
	whole := *s.Cost
	whole.CPU, whole.Resolution = counted, tick
	s.Cost = &whole
	return s
}

// pair are the comparisons of one schedule.
type pair struct {
	schedule   slo.Schedule
	same, more []*result.Run
}

// writeReport writes the tables of what has been measured so far.
func writeReport(s settings) error {
	var pairs []pair
	var all []*result.Run
	for i := 0; i < len(trials); i += 2 {
		p := pair{schedule: trials[i].schedule}
		var err error
		if p.same, err = load(s.data, trials[i]); err != nil {
			return err
		}
		if p.more, err = load(s.data, trials[i+1]); err != nil {
			return err
		}
		pairs = append(pairs, p)
		all = append(append(all, p.same...), p.more...)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# How often verdicts on CPU per request are wrong\n\nWritten by `go run ./bench/cost`; not edited by hand.\n\n")
	fmt.Fprintf(&b, "Base and head are the same HTTP service on loopback, %v of computing for a request, %d requests a second, compared for %d s: in turn, or mixed with half of the rate each. "+
		"A neighbour computes for 1 to 6 s and rests for 2 to 12 s on the same core, and so do the services of other comparisons, some four at a time, each started anew. "+
		"What else ran on the machine was not kept away; the last table shows how busy it was. CPU time is read from the processes' clocks. %s, %s.\n\n",
		workTime, rate, seconds, loopback.CPUModel(), runtime.GOOS)
	for _, section := range []func(*strings.Builder, []pair) error{verdicts, precision} {
		if err := section(&b, pairs); err != nil {
			return err
		}
	}
	steadiness(&b, all)
	if err := os.WriteFile(s.out, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// tolerance of every objective that is set beside the others.
const tolerance = " <= baseline + 5%"

// verdicts are the promises.
func verdicts(b *strings.Builder, pairs []pair) error {
	fmt.Fprintf(b, "## Verdicts at +5 %%\n\nEach objective judged alone. In brackets: runs, and the 95 %% interval of the rate.\n\n")
	fmt.Fprintf(b, "| schedule | objective | unchanged: fails | inconclusive | 8 %% more work: fails | inconclusive |\n| --- | --- | --- | --- | --- | --- |\n")
	fmt.Fprintf(b, "| *must* | *cpu_per_request* | *0 of at least 60* | | *≥ 95 %%* | |\n")
	for _, p := range pairs {
		for _, row := range []struct {
			title, objective string
			read             func([]*result.Run) []*result.Run
		}{
			{"cpu_per_request", "cpu_per_request", asRead},
			{"cpu_per_request, in ticks of 10 ms", "cpu_per_request", inTicks},
			{"p50", "p50", asRead},
			{"p95", "p95", asRead},
		} {
			same, err := judge(row.read(p.same), row.objective)
			if err != nil {
				return err
			}
			more, err := judge(row.read(p.more), row.objective)
			if err != nil {
				return err
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", p.schedule, row.title,
				loopback.Share(same.failed, same.runs), loopback.Share(same.unclear, same.runs), loopback.Share(more.failed, more.runs), loopback.Share(more.unclear, more.runs))
		}
	}
	return nil
}

func asRead(runs []*result.Run) []*result.Run { return runs }

// precision is what the comparisons of the unchanged service could see.
func precision(b *strings.Builder, pairs []pair) error {
	fmt.Fprintf(b, "\n## What a comparison sees\n\nOf the unchanged service, medians: the standard deviation of a pair's difference, and the smallest change that is noticed in four of five comparisons.\n\n")
	fmt.Fprintf(b, "| schedule | objective | spread of pairs | smallest detectable change |\n| --- | --- | --- | --- |\n")
	for _, p := range pairs {
		for _, indicator := range []string{"cpu_per_request", "p50", "p95"} {
			t, err := judge(p.same, indicator)
			if err != nil {
				return err
			}
			seen := "none"
			if len(t.detectable) > 0 {
				seen = fmt.Sprintf("+%.1f %%", 100*stats.Median(t.detectable))
			}
			fmt.Fprintf(b, "| %s | %s | %.1f %% | %s |\n", p.schedule, indicator, 100*stats.Median(t.spread), seen)
		}
	}
	return nil
}

// steadiness is how much base varied from one comparison to the next.
func steadiness(b *strings.Builder, runs []*result.Run) {
	fmt.Fprintf(b, "\n## From run to run\n\nBase is the same in all %d comparisons.\n\n| indicator | lowest | median | highest | coefficient of variation |\n| --- | --- | --- | --- | --- |\n", len(runs))
	for _, name := range []string{"cpu_per_request", "p50", "p95"} {
		indicator, err := slo.ParseIndicator(name)
		if err != nil {
			panic("cost: " + err.Error())
		}
		var values []float64
		for _, r := range runs {
			if v, ok := gate.Measure(indicator, &r.Base.Stages[0]); ok {
				values = append(values, v/1000)
			}
		}
		if len(values) < 2 {
			continue
		}
		mean := 0.0
		for _, v := range values {
			mean += v / float64(len(values))
		}
		fmt.Fprintf(b, "| %s | %.2f ms | %.2f ms | %.2f ms | %.1f %% |\n", name, stats.Quantile(values, 0), stats.Median(values), stats.Quantile(values, 1),
			100*math.Abs(stats.Deviation(values)/mean))
	}
}
