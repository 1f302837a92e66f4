package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// mermaidChart is a chart as Mermaid draws it. Mermaid writes no legend, so
// one stands beside the title, in squares of the series' colours.
type mermaidChart struct {
	Title   string
	Legend  string
	Mermaid string // a whole fenced block
}

// mermaidSeries is one row of bars or one line with its colour, which must be told from
// its neighbours on white and on black, and its square for the legend.
type mermaidSeries struct {
	kind   string // bar or line
	name   string
	colour string
	square string
	values Series
}

// The colours of series, each with its square.
var (
	inOrange = [2]string{"#db6d28", "🟧"}
	inBlue   = [2]string{"#2f81f7", "🟦"}
	inGreen  = [2]string{"#2da44e", "🟩"}
)

func series(kind, name string, colour [2]string, values Series) mermaidSeries {
	return mermaidSeries{kind, name, colour[0], colour[1], values}
}

// latencySeries are percentiles. Bars of one chart are drawn over each other,
// so the longest come first: p99, then p95 in front of it, then p50.
func latencySeries(kind string, p50, p95, p99 Series) []mermaidSeries {
	return []mermaidSeries{
		series(kind, "p99", inOrange, p99),
		series(kind, "p95", inBlue, p95),
		series(kind, "p50", inGreen, p50),
	}
}

// mermaidStages is how many names have room below a chart.
const mermaidStages = 12

// stageCharts draws the stages side by side; one alone has nothing to be
// compared with.
func stageCharts(c StageChart) []mermaidChart {
	if c.Base != nil {
		return sideCharts(c)
	}
	if len(c.Stage) < 2 || len(c.Stage) > mermaidStages {
		return nil
	}
	axis := categories(c.Stage)
	return []mermaidChart{
		mermaid("Response time by stage (ms)", axis, "ms", latencySeries("bar", c.P50, c.P95, c.P99)),
		mermaid("Throughput by stage (requests a second)", axis, "requests a second",
			[]mermaidSeries{series("bar", "throughput", inBlue, c.Throughput)}),
	}
}

// sideCharts draws base's bar of each stage beside head's.
func sideCharts(c StageChart) []mermaidChart {
	var names []string
	for i, stage := range c.Stage {
		if c.twoSided(i) {
			names = append(names, stage+" "+baseSide)
		}
		names = append(names, stage+" "+headSide)
	}
	if len(names) > mermaidStages {
		return nil
	}
	// Mermaid draws the two series over each other: each has nothing where the
	// other has its bar.
	bars := func(head, base Series) []mermaidSeries {
		var left, right Series
		for i := range c.Stage {
			if c.twoSided(i) {
				left, right = append(left, base[i]), append(right, 0)
			}
			left, right = append(left, 0), append(right, head[i])
		}
		return []mermaidSeries{series("bar", baseSide, inOrange, left), series("bar", headSide, inBlue, right)}
	}
	axis := categories(names)
	return []mermaidChart{
		mermaid("p95 by stage (ms)", axis, "ms", bars(c.P95, c.Base.P95)),
		mermaid("Throughput by stage (requests a second)", axis, "requests a second", bars(c.Throughput, c.Base.Throughput)),
	}
}

// twoSided reports whether base was loaded in a stage.
func (c StageChart) twoSided(i int) bool { return !math.IsNaN(c.Base.Throughput[i]) }

// categories is an axis of names.
func categories(names []string) string {
	labels := make([]string, len(names))
	for i, name := range names {
		labels[i] = mermaidLabel(name)
	}
	return `x-axis [` + strings.Join(labels, ", ") + `]`
}

// mermaidMoments is how many points a chart over time has room for.
const mermaidMoments = 60

// timeCharts draws the run over time. Lines, because Mermaid makes bars as wide
// as the numbers below the axis are apart: sixty of them cover each other.
func timeCharts(r *result.Run) []mermaidChart {
	c, step := evenly(r, mermaidMoments)
	if len(c.At) < 2 {
		return nil
	}
	// The first value stands at the beginning of the axis, the last at its end.
	axis := fmt.Sprintf(`x-axis "seconds" 0 --> %d`, (len(c.At)-1)*step)
	const finished = "Finished requests a second over time"
	if c.Base != nil {
		lines := func(head, base Series) []mermaidSeries {
			return []mermaidSeries{series("line", baseSide, inOrange, base), series("line", headSide, inBlue, head)}
		}
		return []mermaidChart{
			mermaid("p95 over time (ms)", axis, "ms", lines(c.P95, c.Base.P95)),
			mermaid(finished, axis, "requests a second", lines(c.Rate, c.Base.Rate)),
		}
	}
	return []mermaidChart{
		// Without p99: in the requests of one step it is mostly their maximum.
		mermaid("Response time over time (ms)", axis, "ms", latencySeries("line", c.P50, c.P95, c.P99)[1:]),
		mermaid(finished, axis, "requests a second", []mermaidSeries{series("line", "finished requests a second", inBlue, c.Rate)}),
	}
}

// clusterCharts draws the replicas and what they use over time. Nothing is drawn
// where they never changed: a table of two rows says that.
func clusterCharts(c *ClusterChart) []mermaidChart {
	if c == nil || len(c.At) < 2 || constant(c.Ready) && constant(c.Desired) && constant(c.CPU) {
		return nil
	}
	end := int(math.Ceil(c.At[len(c.At)-1]))
	step := max((end+mermaidMoments-1)/mermaidMoments, 1)
	at := func(values Series) Series { return c.every(step, end, values) }
	axis := fmt.Sprintf(`x-axis "seconds" 0 --> %d`, end/step*step)
	charts := []mermaidChart{mermaid("Replicas over time", axis, "replicas", []mermaidSeries{
		series("line", "desired", inOrange, at(c.Desired)), series("line", "ready", inBlue, at(c.Ready)),
	})}
	if cpu := at(c.CPU); highest(cpu) > 0 {
		for i := range cpu {
			cpu[i] *= 100
		}
		charts = append(charts, mermaid("CPU over time (percent of the request)", axis, "percent", []mermaidSeries{series("line", "CPU", inBlue, cpu)}))
	}
	return charts
}

func constant(values Series) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return v != values[0] })
}

// every gives the last value before each step of so many seconds.
func (c *ClusterChart) every(step, end int, values Series) Series {
	var out Series
	next := 0
	for t := 0; t <= end/step*step; t += step {
		for next < len(c.At)-1 && c.At[next+1] <= float64(t) {
			next++
		}
		out = append(out, values[next])
	}
	return out
}

// evenly cuts the run into at most points steps of the same whole number of
// seconds, idle ones included: Mermaid places values side by side, not by time.
func evenly(r *result.Run, points int) (chart TimeChart, step int) {
	tracks, _, end := tracksOf(r, slices.Concat(stagesApart(r)...))
	turns := slices.DeleteFunc(slices.Clone(tracks), func(t track) bool { return !t.turns })
	total := min(int(math.Ceil(seconds(end))), int(math.MaxInt64/time.Second))
	if total <= 0 {
		return TimeChart{}, 0
	}
	// Two windows, so that no step lies between them.
	step = min(max((total+points-1)/points, int(math.Ceil(2*seconds(widest(turns))))), total)
	chart = newTimeChart(r)
	chart.addSteps(newSteps(0, end, time.Duration(step)*time.Second), tracks)
	return chart, step
}

// mermaid writes a chart. Everything in it is a number, a fixed text
// or a label from mermaidLabel: one bad label breaks the whole chart.
func mermaid(title, axis, unit string, all []mermaidSeries) mermaidChart {
	top, cut := scale(all)
	var colours, legend, rows []string
	for _, s := range all {
		colours = append(colours, s.colour)
		legend = append(legend, s.square+" "+s.name)
		rows = append(rows, "    "+s.kind+" ["+mermaidValues(s.values, top)+"]")
	}
	if slices.ContainsFunc(all, mermaidSeries.hasGaps) {
		legend = append(legend, "(0: nothing was measured)")
	}
	if cut {
		legend = append(legend, "(cut at "+quantity.Number(top)+" "+unit+")")
	}
	text := fmt.Sprintf("```mermaid\n"+
		"%%%%{init: {\"themeVariables\": {\"xyChart\": {\"plotColorPalette\": \"%s\"}}}}%%%%\n"+
		"xychart-beta\n    %s\n    y-axis \"%s\" 0 --> %s\n%s\n```",
		strings.Join(colours, ", "), axis, unit, mermaidValue(top), strings.Join(rows, "\n"))
	return mermaidChart{Title: title, Legend: strings.Join(legend, " "), Mermaid: text}
}

func (s mermaidSeries) hasGaps() bool { return slices.ContainsFunc(s.values, math.IsNaN) }

// scale is the top of the axis. One series of bars may stand three times as high
// as the next: above that, a few timeouts would press all others to the ground,
// and it is cut. A line is never cut: its course would be lost.
func scale(all []mermaidSeries) (top float64, cut bool) {
	var tops []float64
	bars := true
	for _, s := range all {
		tops = append(tops, highest(s.values))
		bars = bars && s.kind == "bar"
	}
	slices.Sort(tops)
	top = tops[len(tops)-1]
	if bars && len(tops) > 1 && tops[len(tops)-2] > 0 && top > 3*tops[len(tops)-2] {
		top, cut = 3*tops[len(tops)-2], true
	}
	return roundUp(top), cut
}

// roundUp rounds up to two significant digits, at least to 1.
func roundUp(v float64) float64 {
	if v <= 1 {
		return 1
	}
	step := math.Pow(10, math.Floor(math.Log10(v))-1)
	return math.Ceil(v/step) * step
}

func mermaidValues(values Series, top float64) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = mermaidValue(min(v, top))
	}
	return strings.Join(texts, ", ")
}

// mermaidValue writes a number without an exponent, which Mermaid does not
// read. A gap is a bar of no height.
func mermaidValue(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}

// mermaidLabel quotes a name. Mermaid has no escape for a quote and reads
// Markdown, entities and directives inside of quotes, so that anything but
// letters, digits and a few harmless signs becomes an underscore.
func mermaidLabel(name string) string {
	safe := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" .-/+", r) {
			return r
		}
		return '_'
	}, name)
	if strings.TrimSpace(safe) == "" {
		safe = "_"
	}
	return `"` + safe + `"`
}
