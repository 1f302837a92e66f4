package report

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 ms"},
		{38 * time.Microsecond, "38 µs"},
		{999 * time.Microsecond, "999 µs"},
		{999_900 * time.Nanosecond, "1 ms"},
		{1234 * time.Microsecond, "1.23 ms"},
		{45_670 * time.Microsecond, "45.7 ms"},
		{450 * time.Millisecond, "450 ms"},
		{999_700 * time.Microsecond, "1 s"},
		{1200 * time.Millisecond, "1.2 s"},
		{59_940 * time.Millisecond, "59.9 s"},
		{59_960 * time.Millisecond, "1 min"},
		{125 * time.Second, "2 min 5 s"},
		{time.Hour, "1 h"},
		{125 * time.Minute, "2 h 5 min"},
		{-90 * time.Second, "-1 min 30 s"},
		{math.MaxInt64, "2" + string(narrow) + "562" + string(narrow) + "047 h 47 min"},
	} {
		if got := duration(c.d); got != c.want {
			t.Errorf("duration(%v) = %q, want %q", c.d, got, c.want)
		}
	}
}

func TestQuantity(t *testing.T) {
	for _, c := range []struct {
		unit string
		v    float64
		want string
	}{
		{"duration", 450_000, "450 ms"},
		{"duration", 38, "38 µs"},
		{"duration", 1e300, "277 777 h 47 min"}, // 1e15 µs: what a time.Duration surely holds
		{"share", 0.982, "98.2 %"},
		{"share", 1, "100 %"},
		{"share", 0, "0 %"},
		{"share", 0.999999, "99.9999 %"},
		{"share", 0.000001, "0.0001 %"},
		{"share", 1 - 1e-12, "> 99.999999 %"},
		{"share", 1e-12, "< 0.000001 %"},
		{"share", 1e308, none},
		{"rate", 38, "38/s"},
		{"rate", 0.25, "0.25/s"},
		{"rate", 12345, "12 345/s"},
		{"count", 1234567, "1 234 567"},
		{"count", 3, "3"},
		{"bytes", 0, "0 B"},
		{"bytes", 999, "999 B"},
		{"bytes", 1234, "1.23 kB"},
		{"bytes", 5e15, "5 000 TB"},
		{"score", 0.945, "0.945"},
		{"score", math.NaN(), none},
		{"rate", math.Inf(1), none},
		{"", 0.0001, "0"},
	} {
		got := strings.ReplaceAll(quantity(c.unit, c.v), string(narrow), " ")
		if got != c.want {
			t.Errorf("quantity(%q, %v) = %q, want %q", c.unit, c.v, got, c.want)
		}
	}
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{change(100, 112), "+12 %"},
		{change(100, 95.5), "−4.5 %"},
		{change(100, 100.01), "±0 %"},
		{change(0, 5), none},
		{change(math.NaN(), 5), none},
		{points(1, 0.986), "−1.4 points"},
		{points(0.9, 0.9), "±0 points"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		v, full float64
		want    string
	}{
		{10, 10, "████"},
		{5, 10, "██"},
		{20, 10, "████"},
		{3, 10, "█▎"},
		{0.001, 10, "▏"},
		{0, 10, ""},
		{5, 0, ""},
		{math.NaN(), 10, ""},
	} {
		if got := bar(c.v, c.full, 4); got != c.want {
			t.Errorf("bar(%v, %v, 4) = %q, want %q", c.v, c.full, got, c.want)
		}
	}
}

func TestSparkline(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, "▁▂▃▄▅▆▇█"},
		{[]float64{1, math.NaN(), 1}, "█ █"},
		{[]float64{0, 0}, "  "},
		{nil, ""},
		{[]float64{math.Inf(1), -1, 2}, "  █"},
	} {
		if got := sparkline(c.values); got != c.want {
			t.Errorf("sparkline(%v) = %q, want %q", c.values, got, c.want)
		}
	}
}

func TestReproduce(t *testing.T) {
	slo := result.SLO{Path: "perf/slo.yaml"}
	built := func(ref, commit string) result.Source { return result.Source{Ref: ref, Commit: commit} }
	for name, c := range map[string]struct {
		run  result.Run
		want string
	}{
		"a target": {
			result.Run{SLO: slo, Seed: 7, Target: "http://localhost:8000"},
			"slogate run --target http://localhost:8000 --seed 7 perf/slo.yaml",
		},
		"of a commit": {
			result.Run{SLO: slo, Seed: 7, Target: "http://localhost:8000", Source: result.Source{Commit: "3f2a9c1d5b7e"}},
			"git checkout 3f2a9c1d5b7e\nslogate run --target http://localhost:8000 --seed 7 perf/slo.yaml",
		},
		"of no commit": {
			result.Run{SLO: slo, Seed: 7, Target: "http://localhost:8000", Source: result.Source{Commit: "-b evil"}},
			"slogate run --target http://localhost:8000 --seed 7 perf/slo.yaml",
		},
		"a service that slogate started, at a port of that run": {
			result.Run{SLO: slo, Seed: 7, Target: "http://127.0.0.1:40123", Own: true},
			"slogate run --allow-commands --seed 7 perf/slo.yaml",
		},
		"the demo, at a port of that run": {
			result.Run{SLO: slo, Seed: 7, Target: "http://127.0.0.1:40123", Demo: &result.Demo{}},
			"slogate demo --seed 7",
		},
		"the slower demo": {
			result.Run{SLO: slo, Seed: 7, Target: "http://127.0.0.1:40123", Demo: &result.Demo{Regress: true}},
			"slogate demo --regress --seed 7",
		},
		"base and head": {
			result.Run{SLO: slo, Seed: 7, Target: "http://localhost:8000", Base: &result.Base{Target: "http://localhost:8001"}},
			"slogate run --target http://localhost:8000 --base-target http://localhost:8001 --seed 7 perf/slo.yaml",
		},
		"two revisions": {
			result.Run{SLO: slo, Seed: 7, Target: "http://127.0.0.1:40123", Own: true, Source: built("HEAD", "bbb"), Base: &result.Base{Target: "http://127.0.0.1:40124", Source: built("main", "aaa")}},
			"slogate compare --seed 7 --slo perf/slo.yaml aaa..bbb",
		},
	} {
		if got := reproduce(&c.run); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"slo.yaml":       "slo.yaml",
		"":               "''",
		"my slo.yaml":    "'my slo.yaml'",
		"it's":           `'it'\''s'`,
		"a;rm -rf $HOME": "'a;rm -rf $HOME'",
		"dir/ä.yaml":     "'dir/ä.yaml'",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q) = %q, want %q", in, got, want)
		}
	}
}

// That connections are renewed beside an autoscaler changes what a run measures:
// it is said, once for all stages.
func TestRenewedConnectionsAreTold(t *testing.T) {
	r := sampleRun(result.Pass)
	const said = "each carries requests for 10 s at most"
	for form, text := range everyForm(t, r) {
		if strings.Contains(text, said) {
			t.Errorf("%s: connections stay", form)
		}
	}
	r.Stages[1].Generator.ConnectionAge = 10 * time.Second
	told := 0
	for _, text := range everyForm(t, r) {
		told += strings.Count(text, said)
	}
	if told < 2 {
		t.Errorf("told %d times, want it in the summary and on the page", told)
	}
}

func TestCertainty(t *testing.T) {
	for want, f := range map[string]result.Finding{
		"":                     {},
		"note":                 {Note: true}, // of an earlier slogate
		"note: low confidence": {Note: true, Confidence: result.Low},
		"medium confidence":    {Confidence: result.Medium},
		"high confidence":      {Confidence: result.High},
	} {
		if got := certainty(f); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
}
