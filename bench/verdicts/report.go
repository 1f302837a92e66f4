//go:build linux

package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// window is one block of base and one of head.
type window struct{ base, head result.Slice }

// lengths are the comparisons that the curve is made of, in seconds.
var lengths = []int{60, 120, 180}

const (
	resamples  = 2000
	chunk      = 5 // windows that stay together when runs are resampled: noise lasts longer than one
	windowTime = 2 // seconds
)

// measured are the windows of every comparison by its trial.
type measured map[string][][]window

// load reads the result files.
func load(data string) (measured, error) {
	all := measured{}
	for _, t := range trials {
		paths, err := filepath.Glob(filepath.Join(data, t.name+"_*.json"))
		if err != nil {
			return nil, fmt.Errorf("list results: %w", err)
		}
		for _, path := range paths {
			r, err := result.ReadFile(path)
			if err != nil {
				return nil, err
			}
			base, head := r.Base.Stages[0].Slices, r.Stages[0].Slices
			var windows []window
			for i := range min(len(base), len(head)) {
				windows = append(windows, window{base[i], head[i]})
			}
			all[t.name] = append(all[t.name], windows)
		}
	}
	return all, nil
}

// cuts gives the parts of so many seconds that the comparisons can be cut
// into.
func cuts(runs [][]window, seconds int) [][]window {
	var parts [][]window
	for _, r := range runs {
		n := seconds / windowTime
		for ; len(r) >= n; r = r[n:] {
			parts = append(parts, r[:n])
		}
	}
	return parts
}

// resampled makes runs of so many seconds from chunks of neighbouring windows,
// drawn with a fixed seed.
func resampled(runs [][]window, seconds, n int) [][]window {
	if len(runs) == 0 {
		return nil
	}
	random := seededRand(uint64(seconds))
	out := make([][]window, n)
	for i := range out {
		for len(out[i]) < seconds/windowTime {
			out[i] = append(out[i], piece(random, runs)...)
		}
		out[i] = out[i][:seconds/windowTime]
	}
	return out
}

func piece(random *rand.Rand, runs [][]window) []window {
	r := runs[random.IntN(len(runs))]
	from := random.IntN(max(len(r)-chunk, 0) + 1)
	return r[from:min(from+chunk, len(r))]
}

// judge judges windows as a run of their own and returns its objectives.
func judge(file *slo.File, windows []window) *result.Judgement {
	sides := [2]result.Stage{}
	for i := range sides {
		sides[i] = result.Stage{Name: "steady", Judged: true, State: result.Completed}
	}
	for _, w := range windows {
		for i, block := range []result.Slice{w.base, w.head} {
			s := &sides[i]
			block.Offset = s.Duration
			s.Slices = append(s.Slices, block)
			s.Duration += block.Width
			s.Counters.Add(block.Counters)
			s.Response = s.Response.Merge(block.Response)
		}
	}
	for i := range sides {
		sides[i].OK, sides[i].OnTime = sides[i].Response, sides[i].Response
	}
	r := &result.Run{Stages: sides[1:], Base: &result.Base{Stages: sides[:1]}}
	return gate.Judge(file, r, gate.Options{})
}

// tally counts verdicts: of the whole runs and of each objective.
type tally struct {
	runs, failed, unclear, improved, blind int
	failedOf, unclearOf                    map[string]int
	detectable                             map[string][]float64
}

func judgeAll(runs [][]window) (tally, error) {
	t := tally{failedOf: map[string]int{}, unclearOf: map[string]int{}, detectable: map[string][]float64{}}
	file, err := sloFile("http://base", "http://head", 60)
	if err != nil {
		return t, err
	}
	for _, windows := range runs {
		t.add(judge(file, windows))
	}
	return t, nil
}

func (t *tally) add(j *result.Judgement) {
	t.runs++
	if j.Verdict == result.Fail {
		t.failed++
	}
	unclear, improved := false, false
	for _, o := range j.Objectives {
		if !o.Relative || o.Comparison == nil {
			continue
		}
		c := o.Comparison
		t.detectable[o.Indicator] = append(t.detectable[o.Indicator], c.Detectable)
		improved = improved || c.Upper != nil && *c.Upper < 0
		switch o.Verdict {
		case result.Fail:
			t.failedOf[o.Indicator]++
		case result.Inconclusive:
			unclear = true
			t.unclearOf[o.Indicator]++
		case result.Pass:
			if c.Detectable > 0.30 {
				t.blind++
			}
		}
	}
	if unclear {
		t.unclear++
	}
	if improved {
		t.improved++
	}
}

// share writes a number of runs as a part with its 95 % interval (Clopper and
// Pearson 1934).
func share(k, n int) string {
	if n == 0 {
		return "–"
	}
	low, high := 0.0, 1.0
	if k > 0 {
		low = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(0.025)
	}
	if k < n {
		high = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(0.975)
	}
	return fmt.Sprintf("%.1f %% (%d of %d; %.1f to %.1f)", 100*float64(k)/float64(n), k, n, 100*low, 100*high)
}

// writeReport writes the tables of what has been measured so far.
func writeReport(s settings) error {
	all, err := load(s.data)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# How often verdicts are wrong\n\nWritten by `go run ./bench/verdicts`; not edited by hand.\n\n")
	fmt.Fprintf(&b, "Base and head are the same HTTP service on loopback, %v of computing for a request, %d requests a second to each in turn, objectives %s at `<= baseline + 10%%`. "+
		"Each comparison has one core for everything; %d at a time. %s, %d cores, %s. The neighbour computes for 1 to 6 s and rests for 2 to 12 s on the same core. "+
		"No comparison is extended. In brackets: runs, and the 95 %% interval of the rate. *Resampled* runs are drawn from the measured windows, %d neighbouring ones at a time.\n\n",
		workTime, rate, strings.Join(objectives, ", "), runtime.NumCPU(), cpuModel(), runtime.NumCPU(), runtime.GOOS, chunk)
	for _, section := range []func(*strings.Builder, measured) error{figures, curve, precision} {
		if err := section(&b, all); err != nil {
			return err
		}
	}
	if err := os.WriteFile(s.out, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// figures are the promises.
func figures(b *strings.Builder, all measured) error {
	fmt.Fprintf(b, "## Unchanged builds, and what must be found\n\n| case | runs | must | measured |\n| --- | --- | --- | --- |\n")
	for _, row := range []struct {
		title, of, must string
		runs            [][]window
		count           func(tally) int
	}{
		{"unchanged, idle: fails", "real, 60 s", "≤ 1 %", cuts(all["idle-same"], 60), failed},
		{"unchanged, idle: fails", "real, 20 s", "≤ 1 %", cuts(all["idle-same"], 20), failed},
		{"unchanged, idle: fails", "resampled, 60 s", "≤ 1 %", resampled(all["idle-same"], 60, resamples), failed},
		{"unchanged, beside a neighbour: fails", "real, 60 s", "≤ 2 %", cuts(all["busy-same"], 60), failed},
		{"unchanged, beside a neighbour: fails", "resampled, 60 s", "≤ 2 %", resampled(all["busy-same"], 60, resamples), failed},
		{"unchanged, beside a neighbour: at least one objective inconclusive", "real, 60 s", "", cuts(all["busy-same"], 60), func(t tally) int { return t.unclear }},
		{"unchanged, beside a neighbour: passes that could not have seen 30 %", "real, 60 s", "0 %", cuts(all["busy-same"], 60), func(t tally) int { return t.blind }},
		{"20 % slower, idle: p50 fails", "real, 60 s", "≥ 95 %", cuts(all["idle+20"], 60), failedOf("p50")},
		{"20 % slower, idle: p95 fails", "real, 120 s", "≥ 90 %", cuts(all["idle+20"], 120), failedOf("p95")},
		{"20 % slower, idle: p50 fails", "resampled, 60 s", "≥ 95 %", resampled(all["idle+20"], 60, resamples), failedOf("p50")},
		{"20 % slower, idle: p95 fails", "resampled, 120 s", "≥ 90 %", resampled(all["idle+20"], 120, resamples), failedOf("p95")},
		{"20 % faster, idle: fails", "real, 60 s", "0 %", cuts(all["idle-20"], 60), failed},
		{"20 % faster, idle: reported as improved", "real, 60 s", "100 %", cuts(all["idle-20"], 60), func(t tally) int { return t.improved }},
	} {
		t, err := judgeAll(row.runs)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", row.title, row.of, row.must, share(row.count(t), t.runs))
	}
	return nil
}

func failed(t tally) int { return t.failed }

func failedOf(indicator string) func(tally) int {
	return func(t tally) int { return t.failedOf[indicator] }
}

// curve is the power for each change and length, of real and of resampled
// runs.
func curve(b *strings.Builder, all measured) error {
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
		for _, seconds := range lengths {
			real, err := judgeAll(cuts(all[t.name], seconds))
			if err != nil {
				return err
			}
			again, err := judgeAll(resampled(all[t.name], seconds, resamples))
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

// precision sets the smallest detectable change that is printed beside the
// change that four of five runs do find, in windows of the unchanged service
// whose head is slowed down by calculation.
func precision(b *strings.Builder, all measured) error {
	fmt.Fprintf(b, "\n## The smallest detectable change\n\nThe median of what is printed, and the change that really fails in 80 %% of %d runs: resampled from the windows of the unchanged service, head's times multiplied.\n\n", resamples/4)
	fmt.Fprintf(b, "| machine | length | objective | printed | found in 80 %% | printed ÷ found (must 0.75 to 1.25) |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, machine := range []string{"idle", "busy"} {
		for _, seconds := range lengths {
			runs := all[machine+"-same"]
			if len(runs) == 0 {
				continue
			}
			if err := precisionOf(b, machine, runs, seconds); err != nil {
				return err
			}
		}
	}
	return nil
}

func precisionOf(b *strings.Builder, machine string, runs [][]window, seconds int) error {
	unchanged, err := judgeAll(resampled(runs, seconds, resamples/4))
	if err != nil {
		return err
	}
	power := map[string][]float64{}
	var steps []float64
	for change := 0.10; change < 0.90; change += 0.01 + change/20 {
		t, err := judgeAll(resampled(slowed(runs, change), seconds, resamples/4))
		if err != nil {
			return err
		}
		steps = append(steps, change)
		for _, o := range objectives {
			power[o] = append(power[o], float64(t.failedOf[o])/float64(t.runs))
		}
	}
	for _, o := range objectives {
		printed := stats.Median(unchanged.detectable[o])
		found := crossing(steps, power[o], 0.8)
		ratio := "–"
		if !math.IsNaN(found) {
			ratio = fmt.Sprintf("%.2f", printed/found)
		}
		fmt.Fprintf(b, "| %s | %d s | %s | +%.1f %% | +%.1f %% | %s |\n", machine, seconds, o, 100*printed, 100*found, ratio)
	}
	return nil
}

// slowed multiplies head's times.
func slowed(runs [][]window, change float64) [][]window {
	out := make([][]window, len(runs))
	for i, r := range runs {
		out[i] = slices.Clone(r)
		for j := range out[i] {
			out[i][j].head.Response = scaled(r[j].head.Response, 1+change)
		}
	}
	return out
}

func scaled(h result.Histogram, by float64) result.Histogram {
	var r result.Recorder
	for _, bucket := range h.Buckets() {
		for range bucket.Count {
			r.Record(time.Duration(by * float64(bucket.Low) * float64(time.Microsecond)))
		}
	}
	return r.Histogram()
}

// crossing is where a curve first reaches a level, NaN where it does not.
func crossing(x, y []float64, level float64) float64 {
	for i := range x {
		switch {
		case y[i] < level:
		case i == 0:
			return x[0]
		default:
			return x[i-1] + (x[i]-x[i-1])*(level-y[i-1])/(y[i]-y[i-1])
		}
	}
	return math.NaN()
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return runtime.GOARCH
}
