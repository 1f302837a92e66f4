package report

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

func TestChange(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{change(100, 112), "+12 %"},
		{change(100, 95.5), "−4.5 %"},
		{change(100, 100.01), "+0.01 %"},
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
