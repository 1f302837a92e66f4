package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/slogate/slogate/result"
)

// mermaidChart is a chart as Mermaid draws it. Mermaid writes no legend, so
// one stands beside the title, in squares of the series' colours.
type mermaidChart struct {
	Title   string
	Legend  string
	Mermaid string // a whole fenced block
}

// mermaidSeries is one row of bars with its colour, which must be told from
// its neighbours on white and on black, and its square for the legend.
type mermaidSeries struct {
	name   string
	colour string
	square string
	values Series
}

// Bars of one chart are drawn over each other, so the longest come first:
// p99, then p95 in front of it, then p50.
func latencySeries(p50, p95, p99 Series) []mermaidSeries {
	return []mermaidSeries{
		{"p99", "#db6d28", "🟧", p99},
		{"p95", "#2f81f7", "🟦", p95},
		{"p50", "#2da44e", "🟩", p50},
	}
}

// mermaidStages is how many stages a chart can name below its axis.
const mermaidStages = 12

// stageCharts draws the stages side by side; one alone has nothing to be
// compared with.
func stageCharts(c StageChart) []mermaidChart {
	if len(c.Stage) < 2 || len(c.Stage) > mermaidStages {
		return nil
	}
	labels := make([]string, len(c.Stage))
	for i, name := range c.Stage {
		labels[i] = mermaidLabel(name)
	}
	axis := `x-axis [` + strings.Join(labels, ", ") + `]`
	return []mermaidChart{
		mermaid("bar", "Response time by stage (ms)", axis, "ms", latencySeries(c.P50, c.P95, c.P99)),
		mermaid("bar", "Throughput by stage (requests a second)", axis, "requests a second",
			[]mermaidSeries{{"throughput", "#2f81f7", "🟦", c.Throughput}}),
	}
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
	return []mermaidChart{
		// Without p99: in the requests of one step it is mostly their maximum.
		mermaid("line", "Response time over time (ms)", axis, "ms", latencySeries(c.P50, c.P95, c.P99)[1:]),
		mermaid("line", "Finished requests a second over time", axis, "requests a second",
			[]mermaidSeries{{"finished requests a second", "#2f81f7", "🟦", c.Rate}}),
	}
}

// evenly cuts the run into at most points steps of the same whole number of
// seconds, idle ones included: Mermaid places values side by side, not by time.
func evenly(r *result.Run, points int) (chart TimeChart, step int) {
	end := time.Duration(0)
	for _, s := range r.Stages {
		if len(s.Slices) > 0 {
			end = max(end, s.Start.Sub(r.Start)+stageEnd(s))
		}
	}
	total := int(math.Ceil(seconds(end)))
	if total <= 0 {
		return TimeChart{}, 0
	}
	step = (total + points - 1) / points
	steps := make([][]result.Slice, (total+step-1)/step)
	for _, s := range r.Stages {
		for _, slice := range s.Slices {
			i := int(seconds(s.Start.Sub(r.Start)+slice.Offset)) / step
			i = min(max(i, 0), len(steps)-1)
			steps[i] = append(steps[i], slice)
		}
	}
	for i, list := range steps {
		chart.add(float64(i*step), float64(step), list)
	}
	return chart, step
}

// mermaid writes a chart of bars or lines. Everything in it is a number, a fixed text
// or a label from mermaidLabel: one bad label breaks the whole chart.
func mermaid(kind, title, axis, unit string, series []mermaidSeries) mermaidChart {
	top, cut := scale(series)
	var colours, legend, rows []string
	for _, s := range series {
		colours = append(colours, s.colour)
		legend = append(legend, s.square+" "+s.name)
		rows = append(rows, "    "+kind+" ["+mermaidValues(s.values, top)+"]")
	}
	if slices.ContainsFunc(series[0].values, math.IsNaN) {
		legend = append(legend, "(0: nothing was measured)")
	}
	if cut {
		legend = append(legend, "(cut at "+number(top)+" "+unit+")")
	}
	text := fmt.Sprintf("```mermaid\n"+
		"%%%%{init: {\"themeVariables\": {\"xyChart\": {\"plotColorPalette\": \"%s\"}}}}%%%%\n"+
		"xychart-beta\n    %s\n    y-axis \"%s\" 0 --> %s\n%s\n```",
		strings.Join(colours, ", "), axis, unit, mermaidValue(top), strings.Join(rows, "\n"))
	return mermaidChart{Title: title, Legend: strings.Join(legend, " "), Mermaid: text}
}

// scale is the top of the axis. One series may stand three times as high as
// the next: above that, a few timeouts would press all others to the ground,
// and it is cut.
func scale(series []mermaidSeries) (top float64, cut bool) {
	var tops []float64
	for _, s := range series {
		highest := 0.0
		for _, v := range s.values {
			highest = max(highest, orZero(v))
		}
		tops = append(tops, highest)
	}
	slices.Sort(tops)
	top = tops[len(tops)-1]
	if len(tops) > 1 && tops[len(tops)-2] > 0 && top > 3*tops[len(tops)-2] {
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
	return trimZeros(fmt.Sprintf("%.2f", v))
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
