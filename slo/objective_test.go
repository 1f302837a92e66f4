package slo

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseIndicator(t *testing.T) {
	p := func(num, den int64) Indicator { return Indicator{Kind: Percentile, Quantile: Quantile{num, den}} }
	with := func(i Indicator, c Clock) Indicator { i.Clock = c; return i }
	for text, c := range map[string]struct {
		want      Indicator
		unit      Unit
		canonical string // as String writes it; empty: the text itself
	}{
		"p50":                    {p(1, 2), UnitDuration, ""},
		"p95.0":                  {p(19, 20), UnitDuration, "p95"},
		"p99.9":                  {p(999, 1000), UnitDuration, ""},
		"p99.99":                 {p(9999, 10000), UnitDuration, ""},
		"p99.999999":             {p(99999999, 100000000), UnitDuration, ""},
		"p0.1":                   {p(1, 1000), UnitDuration, ""},
		"p5":                     {p(1, 20), UnitDuration, ""},
		"ok.p99.9":               {with(p(999, 1000), OK), UnitDuration, ""},
		"service.max":            {Indicator{Kind: Max, Clock: Service}, UnitDuration, ""},
		"connect.mean":           {Indicator{Kind: Mean, Clock: Connect}, UnitDuration, ""},
		"iteration.p95":          {with(p(19, 20), IterationTime), UnitDuration, ""},
		"iteration.throughput":   {Indicator{Kind: Throughput, Clock: IterationTime}, UnitRate, ""},
		"iteration.success_rate": {Indicator{Kind: SuccessRate, Clock: IterationTime}, UnitShare, ""},
		"iteration.requests":     {},
		"p99.9.slope":            {Indicator{Kind: Slope, Quantile: Quantile{999, 1000}}, UnitSlope, ""},
		"iteration.mean.slope":   {Indicator{Kind: Slope, Clock: IterationTime}, UnitSlope, ""},
		"max.slope":              {}, "p95.slope.slope": {}, ".slope": {}, "ok.p95.slope": {},
		"ttfb.stddev":    {Indicator{Kind: StdDev, Clock: TTFB}, UnitDuration, ""},
		"min":            {Indicator{Kind: Min}, UnitDuration, ""},
		"success_rate":   {Indicator{Kind: SuccessRate}, UnitShare, ""},
		"error_rate":     {Indicator{Kind: ErrorRate}, UnitShare, ""},
		"throughput":     {Indicator{Kind: Throughput}, UnitRate, ""},
		"goodput":        {Indicator{Kind: Goodput}, UnitRate, ""},
		"requests":       {Indicator{Kind: Requests}, UnitCount, ""},
		"errors":         {Indicator{Kind: Errors}, UnitCount, ""},
		"timeouts":       {Indicator{Kind: Timeouts}, UnitCount, ""},
		"unsent":         {Indicator{Kind: Unsent}, UnitCount, ""},
		"status(5xx)":    {Indicator{Kind: Status, Status: StatusRange{500, 599}}, UnitShare, ""},
		"status( 429 )":  {Indicator{Kind: Status, Status: StatusRange{429, 429}}, UnitShare, "status(429)"},
		"status(200..4)": {},
		"apdex(1500ms)":  {Indicator{Kind: Apdex, Apdex: 1500 * time.Millisecond}, UnitScore, ""},
		"apdex(2000ms)":  {Indicator{Kind: Apdex, Apdex: 2 * time.Second}, UnitScore, "apdex(2s)"},
		"apdex(1.5us)":   {Indicator{Kind: Apdex, Apdex: 1500}, UnitScore, ""},
		"bytes_in":       {Indicator{Kind: BytesIn}, UnitBytes, ""},
		"bytes_out":      {Indicator{Kind: BytesOut}, UnitBytes, ""},
		"":               {}, "p": {}, "p0": {}, "p100": {}, "p95.": {}, "p.5": {}, "p1e1": {}, "p-5": {}, "P95": {},
		"p99.9999999": {}, "ok.": {}, "ok.ok.p95": {}, "ok.requests": {}, "percentile": {}, "status": {}, "status()": {}, "status(5xx": {},
		"status(0xx)": {}, "apdex": {}, "apdex(0s)": {}, "apdex(2h)": {}, "apdex(5)": {}, "min(1)": {}, "p95 p99": {},
	} {
		got, err := ParseIndicator(text)
		if c.want == (Indicator{}) {
			if err == nil {
				t.Errorf("ParseIndicator(%q) = %v, want an error", text, got)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("ParseIndicator(%q) = %+v, %v, want %+v", text, got, err, c.want)
			continue
		}
		if c.canonical == "" {
			c.canonical = text
		}
		if got.String() != c.canonical || got.Unit() != c.unit {
			t.Errorf("%q is written as %q in %s, want %q in %s", text, got.String(), got.Unit(), c.canonical, c.unit)
		}
	}
}

func TestIndicatorNamesAreKnown(t *testing.T) {
	for _, name := range indicatorNames {
		if i, err := ParseIndicator(name); err != nil || i.String() != name || i.Unit() == "" {
			t.Errorf("%q: %v, %v, unit %q", name, i, err, i.Unit())
		}
	}
}

func TestParseObjective(t *testing.T) {
	indicator := func(s string) Indicator {
		i, err := ParseIndicator(s)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	for text, want := range map[string]Objective{
		"p95 <= 450ms":           {Text: "p95 <= 450ms", Indicator: indicator("p95"), Cmp: LE, Bound: 450_000},
		"p95<=1m30s":             {Text: "p95<=1m30s", Indicator: indicator("p95"), Cmp: LE, Bound: 90e6},
		"  p95   <   1.5 s ":     {Text: "p95 < 1.5 s", Indicator: indicator("p95"), Cmp: LT, Bound: 1.5e6},
		"success_rate >= 99.95%": {Text: "success_rate >= 99.95%", Indicator: indicator("success_rate"), Cmp: GE, Bound: 0.9995},
		"status(5xx) <= 0":       {Text: "status(5xx) <= 0", Indicator: indicator("status(5xx)"), Cmp: LE},
		"throughput > 1800/m":    {Text: "throughput > 1800/m", Indicator: indicator("throughput"), Cmp: GT, Bound: 30},
		"errors == 0":            {Text: "errors == 0", Indicator: indicator("errors"), Cmp: EQ},
		"apdex(500ms) >= 0.9":    {Text: "apdex(500ms) >= 0.9", Indicator: indicator("apdex(500ms)"), Cmp: GE, Bound: 0.9},
		"bytes_in <= 1.5KiB":     {Text: "bytes_in <= 1.5KiB", Indicator: indicator("bytes_in"), Cmp: LE, Bound: 1536},
		"p95.slope <= 5ms/m":     {Text: "p95.slope <= 5ms/m", Indicator: indicator("p95.slope"), Cmp: LE, Bound: 5000},
		"mean.slope < 0.3s/h":    {Text: "mean.slope < 0.3s/h", Indicator: indicator("mean.slope"), Cmp: LT, Bound: 5000},
		"p95 <= baseline":        {Text: "p95 <= baseline", Indicator: indicator("p95"), Cmp: LE, Relative: []Tolerance{{}}},
		"p95 <= baseline + 10%":  {Text: "p95 <= baseline + 10%", Indicator: indicator("p95"), Cmp: LE, Relative: []Tolerance{{0.1, true}}},
		"success_rate >= baseline - 1%": {
			Text: "success_rate >= baseline - 1%", Indicator: indicator("success_rate"), Cmp: GE, Relative: []Tolerance{{-0.01, false}},
		},
		"p95 <= baseline + 10% or + 5ms or baseline + 1s": {
			Text: "p95 <= baseline + 10% or + 5ms or baseline + 1s", Indicator: indicator("p95"), Cmp: LE,
			Relative: []Tolerance{{0.1, true}, {5000, false}, {1e6, false}},
		},
	} {
		want.Severity = Fail
		got, err := ParseObjective(text)
		if err != nil {
			t.Errorf("ParseObjective(%q): %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ParseObjective(%q) (-want +got):\n%s", text, diff)
		}
	}
}

// A number alone may be meant as a part of the baseline, or as a value.
func TestToleranceWithoutAUnit(t *testing.T) {
	for text, want := range map[string]string{
		"p95 <= baseline + 10":        "10% is a part of the baseline; a value has a unit, for example 10ms or 10s; the units are us ms s m h d",
		"throughput >= baseline - 10": "10% is a part of the baseline; a value has a unit, for example 10/s; the units are /s /m /h",
		"error_rate <= baseline + 1":  "a share is written in percent: 100%",
	} {
		_, err := ParseObjective(text)
		if e, ok := err.(*Error); !ok || e.Hint != want {
			t.Errorf("%s: error %+v, want the hint %q", text, err, want)
		}
	}
}

func TestParseObjectiveError(t *testing.T) {
	_, err := ParseObjective("  p95 <= 5")
	e, ok := err.(*Error)
	if !ok {
		t.Fatalf("error is %T, want *Error", err)
	}
	if e.Code != CodeBound || e.Error() != `SLO042: "5" has no unit` || e.Column != 10 {
		t.Errorf("error is %+v", e)
	}
}

func FuzzObjective(f *testing.F) {
	for _, seed := range []string{"p95 <= 450ms", "ok.p99.9 < 1s", "status(5xx) <= 0", "p95 <= baseline + 10% or + 5ms", "apdex(1.5us) >= .9", "errors==0", "success_rate >= 98%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := ParseObjective(text)
		if err != nil {
			_ = err.(*Error).Pretty()
			return
		}
		again, err := ParseObjective(o.Text)
		if diff := cmp.Diff(o, again); err != nil || diff != "" {
			t.Errorf("%q is read again as: %v\n%s", o.Text, err, diff)
		}
		i, err := ParseIndicator(o.Indicator.String())
		if err != nil || i != o.Indicator {
			t.Errorf("%q of %q is read again as %+v, %v", o.Indicator.String(), text, i, err)
		}
	})
}
