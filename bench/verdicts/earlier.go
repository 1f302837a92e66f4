//go:build linux

package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// earlierObjectives compare a run with earlier ones.
var earlierObjectives = []string{
	"p50 <= baseline + 10%", "p95 <= baseline + 10%", "p99 <= baseline + 10%",
	"mean <= baseline + 10%", "throughput >= baseline - 10%",
}

// histories are the numbers of earlier results that are tried.
var histories = []int{1, 2, 3, 5, 7, 10, 15, 20}

const (
	earlierDraws = 1000 // judged runs for each number of earlier results
	narrow       = 0.10 // spread up to which an error rate is promised
)

// sides are the runs of one binary, unchanged: both sides of the comparisons
// on an idle machine or beside a neighbour, each a run of half the time.
func sides(runs []kept) [][2]result.Stage {
	var out [][2]result.Stage
	for _, k := range runs {
		out = append(out, [2]result.Stage{stageOf(k.base), stageOf(k.head)})
	}
	return out
}

// falseAlarms of one indicator on one machine.
type falseAlarms struct {
	machine, indicator string
	spread             float64 // standard deviation of ln between runs
	failed             []int   // of earlierDraws, by number of earlier results; empty where there are too few runs
}

// earlier judges unchanged runs by earlier ones, drawn with a fixed seed: each
// from another comparison, since both sides of one met the same moment.
func earlier(m measured) ([]falseAlarms, error) {
	file, err := slo.Parse(fmt.Appendf(nil, "version: 1\nname: earlier\ntarget: http://service\nbaseline: {files: [none.json], last: 20}\nscenarios: [{request: GET /}]\nstages: [{name: steady, rate: %d/s, duration: 30s}]\nobjectives: [%s]\n",
		rate, strings.Join(earlierObjectives, ", ")), slo.Options{Path: "slo.yaml"})
	if err != nil {
		return nil, err
	}
	var out []falseAlarms
	for _, machine := range []string{"idle", "busy"} {
		out = append(out, earlierOn(machine, file, sides(m[machine+"-same"]))...)
	}
	return out, nil
}

func earlierOn(machine string, file *slo.File, runs [][2]result.Stage) []falseAlarms {
	if len(runs) < 2 {
		return nil
	}
	objectives := file.Stages[0].Objectives[:len(earlierObjectives)]
	out := make([]falseAlarms, len(objectives))
	for i, o := range objectives {
		out[i] = falseAlarms{machine: machine, indicator: o.Indicator.String(), spread: spread(o.Indicator, runs)}
	}
	random := loopback.Seeded(3)
	for _, k := range histories {
		if len(runs) <= k {
			break
		}
		failed := make([]int, len(out))
		for range earlierDraws {
			for i, o := range drawn(random, file, runs, k).Objectives[:len(out)] {
				if o.Verdict == result.Fail {
					failed[i]++
				}
			}
		}
		for i := range out {
			out[i].failed = append(out[i].failed, failed[i])
		}
	}
	return out
}

// drawn judges one run by k earlier ones.
func drawn(random *rand.Rand, file *slo.File, runs [][2]result.Stage, k int) *result.Judgement {
	var all []*result.Run
	for n, i := range random.Perm(len(runs))[:k+1] {
		s := runs[i][random.IntN(2)]
		all = append(all, &result.Run{Start: time.Unix(int64(n)*60, 0), Seed: uint64(n), Stages: []result.Stage{s}})
	}
	return gate.Judge(file, all[k], gate.Options{Baseline: all[:k]})
}

// spread is the standard deviation of the ln of an indicator between runs.
func spread(ind slo.Indicator, runs [][2]result.Stage) float64 {
	var x []float64
	for _, both := range runs {
		for i := range both {
			if v, ok := gate.Measure(ind, &both[i]); ok {
				x = append(x, math.Log(v))
			}
		}
	}
	return stats.Deviation(x)
}

// earlierRows are the promise, for indicators that spread as little as it asks.
func earlierRows(all []falseAlarms) []row {
	r := row{what: fmt.Sprintf("unchanged fails against 1 to 20 earlier results, indicators with a spread of at most %.0f %%", 100*narrow), of: "drawn from real runs of 30 s", must: atMost(0.012)}
	for _, a := range all {
		for _, failed := range a.failed {
			if a.spread <= narrow {
				r.happened += failed
				r.runs += earlierDraws
			}
		}
	}
	return []row{r}
}

// history writes the error rate beside the spread.
func history(b *strings.Builder, all []falseAlarms) {
	fmt.Fprintf(b, "\n## Earlier results\n\n"+
		"Both sides of every comparison of the unchanged service are a run of it. Of these, a judged run and 1 to 20 earlier ones are drawn %d times, each from another comparison; objectives `+ 10%%`, throughput `- 10%%`. "+
		"Spread is the standard deviation of the ln between all runs; at most %.0f %% is where an error rate of 1.2 %% is promised. How often each fails, in percent, by the number of earlier results:\n\n", earlierDraws, 100*narrow)
	fmt.Fprintf(b, "| machine | indicator | spread |")
	for _, k := range histories {
		fmt.Fprintf(b, " %d |", k)
	}
	fmt.Fprintf(b, "\n| --- | --- | --- |%s\n", strings.Repeat(" --- |", len(histories)))
	for _, a := range all {
		fmt.Fprintf(b, "| %s | %s | %.1f %% |", machineText(a.machine), a.indicator, 100*a.spread)
		for i := range histories {
			if i < len(a.failed) {
				fmt.Fprintf(b, " %.1f |", 100*float64(a.failed[i])/earlierDraws)
			} else {
				fmt.Fprint(b, " – |")
			}
		}
		fmt.Fprintln(b)
	}
}

func machineText(name string) string {
	if name == "busy" {
		return "neighbour"
	}
	return name
}
