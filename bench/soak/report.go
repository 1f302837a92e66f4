//go:build linux

package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
)

// figure is one thing that must not grow.
type figure struct {
	name, unit string
	scale      float64 // of a value to the unit
	of         func(sample) float64
	kept       float64 // how often it holds what is kept of each second
}

// A histogram is kept of each second, for the charts. On the heap it takes up to
// one and a half of its size, as their list grows; the memory of the process
// may be twice the heap before Go collects its garbage.
var figures = []figure{
	{"resident memory", "MB", 1e-6, func(s sample) float64 { return float64(s.RSS) }, 3},
	{"live heap", "MB", 1e-6, func(s sample) float64 { return float64(s.Heap) }, 1.5},
	{"open files", "", 1, func(s sample) float64 { return float64(s.Files) }, 0},
	{"goroutines", "", 1, func(s sample) float64 { return float64(s.Goroutines) }, 0},
	{"lateness, p99 of 10 s", "µs", 1e-3, func(s sample) float64 { return float64(s.Late) }, 0},
}

// settled is when the pools of connections and buffers are filled.
const settled = time.Minute

// course is how a figure went.
type course struct {
	figure
	most                float64 // how much it may grow an hour
	first, last         float64 // medians of the first and the last tenth
	slope, lower, upper float64 // an hour
	known               bool
}

// held reports whether nothing proves that the figure grows by more than it may.
func (c course) held() bool { return c.known && c.lower <= c.most }

func courses(m measured) []course {
	var all []course
	samples := slices.DeleteFunc(slices.Clone(m.samples), func(s sample) bool { return s.At < settled })
	tenth := max(len(samples)/10, 1)
	for _, f := range figures {
		var x, y []float64
		for _, s := range samples {
			x, y = append(x, s.At.Hours()), append(y, f.of(s)*f.scale)
		}
		c := course{figure: f}
		if hours := m.duration.Hours(); hours > 0 {
			c.most = f.kept * f.scale * float64(m.end.Kept) / hours
		}
		if len(y) > 0 {
			c.first, c.last = median(y[:tenth]), median(y[len(y)-tenth:])
		}
		c.slope, c.lower, c.upper, c.known = stats.Slope(x, y, 0.95)
		all = append(all, c)
	}
	return all
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// report writes what was measured, and reports whether it held.
func report(m measured) (string, bool) {
	var w strings.Builder
	fmt.Fprintf(&w, "# %v at %d requests a second\n\nWritten by `go run ./bench/soak`; not edited by hand.\n\n", m.duration, m.rate)
	held := m.end.Verdict == result.Pass
	all := courses(m)
	for _, c := range all {
		held = held && c.held()
	}
	answer := "Nothing grows."
	if !held {
		answer = "**Not held.**"
	}
	c := m.end.Counters
	fmt.Fprintf(&w, "%s The run ended as %s: %d of %d requests succeeded, %d were not sent. p99 of the lateness was %v, slogate used %.1f %% of %d processors (%s), and its result file has %.2f MB.\n\n",
		answer, m.end.Verdict, c.Success, c.Due(), c.Unsent, m.end.Late, 100*m.end.CPU, runtime.NumCPU(), loopback.CPUModel(), float64(m.end.File)/1e6)
	w.WriteString("A sample every 10 s, from the second minute on. The slope is the median of all pairs of samples (Theil and Sen) with its 95 % interval; what grows is what is proven to grow by more than it may.\n\n")
	w.WriteString("| what | first tenth | last tenth | an hour | may grow an hour | held |\n| --- | --: | --: | --: | --: | --- |\n")
	for _, c := range all {
		may := "0"
		if c.most > 0 {
			may = fmt.Sprintf("%.3g %s", c.most, c.unit)
		}
		yes := "yes"
		if !c.held() {
			yes = "**no**"
		}
		fmt.Fprintf(&w, "| %s | %s | %s | %+.2f (%+.2f to %+.2f) %s | %s | %s |\n", c.name, c.write(c.first), c.write(c.last), c.slope, c.lower, c.upper, c.unit, may, yes)
	}
	fmt.Fprintf(&w, "\nOf every second a histogram is kept for the charts: %.2f MB altogether. Memory may grow by them, the heap by 1.5 and the process by 3 times as much.\n", float64(m.end.Kept)/1e6)
	return w.String(), held
}

func (f figure) write(v float64) string { return strings.TrimSpace(fmt.Sprintf("%.4g %s", v, f.unit)) }
