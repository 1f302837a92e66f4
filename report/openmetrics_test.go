package report

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

func metricsText(t testing.TB, r *result.Run) string {
	t.Helper()
	var b strings.Builder
	if err := OpenMetrics(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestOpenMetricsGolden(t *testing.T) {
	for name, r := range sampleRuns() {
		t.Run(name, func(t *testing.T) {
			text := metricsText(t, r)
			golden(t, filepath.Join("openmetrics", name+".txt"), text)
			if err := checkOpenMetrics(text); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTwoDigits(t *testing.T) {
	for in, want := range map[float64]string{
		0: "0", 0.45129: "0.45", 0.000038: "0.000038", 12.6: "13", 738: "740", 99.6: "100", 1e6: "1000000",
	} {
		if got := twoDigits(in); got != want {
			t.Errorf("twoDigits(%v) = %s, want %s", in, got, want)
		}
	}
}

// Two objectives that read the same, and a stage's name with quotes.
func TestOpenMetricsKeepsLinesApart(t *testing.T) {
	r := sampleRun(result.Pass)
	same := r.Judgement.Objectives[0]
	same.Stage = `a"b\c`
	r.Judgement.Objectives = []result.JudgedObjective{same, same, same}
	text := metricsText(t, r)
	if err := checkOpenMetrics(text); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		`slogate_objective_met{stage="a'b/c",objective="p95 <= 600ms"} 1`,
		`slogate_objective_met{stage="a'b/c",objective="p95 <= 600ms",n="3"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("missing: %s\n%s", want, text)
		}
	}
}

var (
	metaLine   = regexp.MustCompile(`^# (TYPE|UNIT|HELP) ([a-z_]+) (.+)$`)
	sampleLine = regexp.MustCompile(`^([a-z_]+)(\{[a-z_]+="[^"\\\n]*"(?:,[a-z_]+="[^"\\\n]*")*\})? (-?[0-9]+(?:\.[0-9]+)?)$`)
)

// checkOpenMetrics holds a text against the rules of OpenMetrics 1.0 as far as
// this package uses the format: families in one piece, described before their
// samples, units as the end of the name, counters as _total, no line twice,
// and an end.
func checkOpenMetrics(text string) error {
	body, ended := strings.CutSuffix(text, "# EOF\n")
	if !ended {
		return fmt.Errorf("no # EOF at the end")
	}
	kinds, seen, current := map[string]string{}, map[string]bool{}, ""
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if m := metaLine.FindStringSubmatch(line); m != nil {
			if m[1] == "TYPE" {
				if kinds[m[2]] != "" {
					return fmt.Errorf("family %s comes twice", m[2])
				}
				kinds[m[2]], current = m[3], m[2]
			}
			if m[2] != current || m[1] == "UNIT" && !strings.HasSuffix(current, "_"+m[3]) {
				return fmt.Errorf("misplaced: %s", line)
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			return fmt.Errorf("neither description nor sample: %q", line)
		}
		want := current
		if kinds[current] == "counter" {
			want += "_total"
		}
		if m[1] != want || seen[m[1]+m[2]] {
			return fmt.Errorf("wrong name or a second line: %s", line)
		}
		seen[m[1]+m[2]] = true
	}
	return nil
}
