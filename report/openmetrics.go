package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/slogate/slogate/result"
)

// metricFamily is one metric in OpenMetrics' text format: its samples stand
// together below its description.
type metricFamily struct {
	name, kind, unit, help string
	samples                []metricSample
	seen                   map[string]int // labels, and how often they came
}

// metricSample is one line of a family: suffix is "_total" for a counter.
type metricSample struct {
	suffix string
	labels string // {…} or empty
	value  string
}

// OpenMetrics writes the run as OpenMetrics text: whether it passed, which
// objectives were met, and for each judged stage its response times,
// throughput and successes, of base and of head where both were loaded.
//
// GitLab's metrics report compares the texts of values between two branches,
// so that times and rates have two significant digits, names and labels hold
// nothing of one run alone (no commit, no time), and a value that was not
// measured is left out.
func OpenMetrics(w io.Writer, r *result.Run) error {
	var b strings.Builder
	for _, f := range metricFamilies(r) {
		f.write(&b)
	}
	b.WriteString("# EOF\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write OpenMetrics: %w", err)
	}
	return nil
}

func metricFamilies(r *result.Run) []metricFamily {
	stages := judgedSides(r)
	return []metricFamily{
		passedFamily(r),
		objectiveFamily(r),
		responseFamily(stages),
		throughputFamily(stages),
		successFamily(stages),
		requestFamily(stages),
		metricFamilyOf(stages),
	}
}

// judgedSides are the stages that a build is judged by: without a warm-up.
func judgedSides(r *result.Run) []sided {
	return slices.DeleteFunc(sides(r), func(s sided) bool { return !s.Judged })
}

// labels are what tells a stage from the others, followed by more.
func (s sided) labels(more ...string) []string {
	out := []string{"stage", s.Name}
	if s.side != "" {
		out = append(out, "side", s.side)
	}
	return append(out, more...)
}

func passedFamily(r *result.Run) metricFamily {
	f := metricFamily{name: "slogate_passed", kind: "gauge", help: "1 where the run passed, with or without warnings."}
	f.add("", oneOrZero(builder{run: r}.passed()))
	return f
}

func objectiveFamily(r *result.Run) metricFamily {
	f := metricFamily{name: "slogate_objective_met", kind: "gauge", help: "1 where an objective is met, 0 where it is missed; undecided ones are left out."}
	if r.Judgement == nil {
		return f
	}
	for _, o := range r.Judgement.Objectives {
		switch o.Verdict {
		case result.Pass, result.Warn, result.Fail:
			f.add("", oneOrZero(o.Verdict == result.Pass), "stage", o.Stage, "objective", o.Text)
		}
	}
	return f
}

func responseFamily(stages []sided) metricFamily {
	f := metricFamily{
		name: "slogate_response_time_seconds", kind: "summary", unit: "seconds",
		help: "Response times; a failed request counts with its timeout.",
	}
	for _, s := range stages {
		for _, q := range []struct {
			name     string
			num, den int64
		}{{"0.5", 50, 100}, {"0.95", 95, 100}, {"0.99", 99, 100}} {
			if d, ok := s.Response.Quantile(q.num, q.den); ok {
				f.add("", twoDigits(d.Seconds()), s.labels("quantile", q.name)...)
			}
		}
	}
	return f
}

func throughputFamily(stages []sided) metricFamily {
	f := metricFamily{name: "slogate_throughput", kind: "gauge", help: "Finished requests a second."}
	for _, s := range stages {
		if v := throughput(*s.Stage); !math.IsNaN(v) {
			f.add("", twoDigits(v), s.labels()...)
		}
	}
	return f
}

func successFamily(stages []sided) metricFamily {
	f := metricFamily{
		name: "slogate_success_ratio", kind: "gauge", unit: "ratio",
		help: "Share of successful requests, rounded down to a tenth of a percent: 1 means all.",
	}
	for _, s := range stages {
		if n := s.Counters.Judged(); n > 0 {
			thousandths := math.Floor(float64(s.Counters.Success) * 1000 / float64(n))
			f.add("", metricNumber(thousandths/1000), s.labels()...)
		}
	}
	return f
}

func metricFamilyOf(stages []sided) metricFamily {
	f := metricFamily{name: "slogate_metric", kind: "gauge", help: "What a query of a Prometheus server gave during a stage."}
	for _, s := range stages {
		for i := range s.Metrics {
			m := &s.Metrics[i]
			for _, k := range []struct {
				statistic string
				of        func() (float64, bool)
			}{{"mean", m.Mean}, {"min", m.Min}, {"max", m.Max}, {"last", m.Last}} {
				if v, ok := k.of(); ok {
					f.add("", twoDigits(v), s.labels("metric", m.Name, "statistic", k.statistic)...)
				}
			}
		}
	}
	return f
}

func requestFamily(stages []sided) metricFamily {
	f := metricFamily{name: "slogate_requests", kind: "counter", help: "Requests by outcome."}
	for _, s := range stages {
		c := s.Counters
		for _, k := range []struct {
			outcome string
			n       int64
		}{{"success", c.Success}, {"error", c.Errors()}, {"unsent", c.Unsent}, {"cancelled", c.Cancelled}} {
			f.add("_total", strconv.FormatInt(k.n, 10), s.labels("outcome", k.outcome)...)
		}
	}
	return f
}

// add appends a sample with labels as pairs of a name and a value. Two lines
// with the same labels are not allowed: where two objectives of a stage read
// the same, or names differ beyond what is shown, later ones are numbered.
func (f *metricFamily) add(suffix, value string, pairs ...string) {
	if f.seen == nil {
		f.seen = map[string]int{}
	}
	labels := metricLabels(pairs)
	f.seen[labels]++
	if n := f.seen[labels]; n > 1 {
		labels = metricLabels(append(pairs, "n", strconv.Itoa(n)))
	}
	f.samples = append(f.samples, metricSample{suffix, labels, value})
}

func (f *metricFamily) write(b *strings.Builder) {
	if len(f.samples) == 0 {
		return
	}
	fmt.Fprintf(b, "# TYPE %s %s\n", f.name, f.kind)
	if f.unit != "" {
		fmt.Fprintf(b, "# UNIT %s %s\n", f.name, f.unit)
	}
	fmt.Fprintf(b, "# HELP %s %s\n", f.name, f.help)
	for _, s := range f.samples {
		fmt.Fprintf(b, "%s%s%s %s\n", f.name, s.suffix, s.labels, s.value)
	}
}

// metricLabels writes pairs of names and values as {name="value",…}.
func metricLabels(pairs []string) string {
	if len(pairs) == 0 {
		return ""
	}
	var labels []string
	for i := 0; i < len(pairs); i += 2 {
		labels = append(labels, fmt.Sprintf(`%s="%s"`, pairs[i], metricLabel(pairs[i+1])))
	}
	return "{" + strings.Join(labels, ",") + "}"
}

// metricLabel writes a label's value. The format has escapes for quotes and
// backslashes, but GitLab finds the end of the labels by counting quotes.
func metricLabel(s string) string {
	return strings.NewReplacer(`"`, "'", `\`, "/").Replace(visible(shorten(s, nameLimit)))
}

func oneOrZero(v bool) string {
	if v {
		return "1"
	}
	return "0"
}

// twoDigits rounds to two significant digits; whole numbers above keep theirs
// as zeros.
func twoDigits(v float64) string {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 1, 64), 64)
	return metricNumber(rounded)
}

// metricNumber writes a number without an exponent.
func metricNumber(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
