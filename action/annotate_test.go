package action

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

var update = flag.Bool("update", false, "rewrite the golden files and the tables of docs/action.md")

func against(o result.JudgedObjective) string {
	if o.Comparison == nil {
		return ""
	}
	return fmt.Sprintf("base %g", o.Comparison.Baseline)
}

func judgement() *result.Judgement {
	return &result.Judgement{
		Verdict: result.Fail,
		Reason:  `p95 is 612 ms in "high", over 450 ms`,
		Objectives: []result.JudgedObjective{
			{Text: "p95 <= 450ms", Indicator: "p95", Unit: "duration", Stage: "high", Verdict: result.Fail, Measured: new(612000.0), From: 90 * time.Second, Until: 100 * time.Second, Samples: 100, Line: 14, Column: 9},
			{Text: "p99.9 <= 1s", Indicator: "p99.9", Unit: "duration", Stage: "high", Verdict: result.Inconclusive, Reason: "needs 1000 samples", Line: 15, Column: 9},
			{Text: "p99 <= 500ms", Indicator: "p99", Unit: "duration", Stage: "high", Verdict: result.Warn, Measured: new(1e7), AtLeast: true, Samples: 100, Line: 16},
			{Text: "p99 <= baseline + 10%", Indicator: "p99", Unit: "duration", Stage: "high", Verdict: result.Fail, Reason: "slower", Measured: new(5e5), Samples: 100, Line: 19, Comparison: &result.Comparison{Baseline: 4e5}},
			{Text: "success_rate >= 99%", Indicator: "success_rate", Unit: "share", Stage: "high", Verdict: result.Warn, Measured: new(0.97), Samples: 100},
			{Text: "throughput >= 10/s", Indicator: "throughput", Unit: "rate", Stage: "high", Verdict: result.Pass, Measured: new(33.0), Samples: 100, Line: 17},
			{Text: "p50", Indicator: "p50", Unit: "duration", Stage: "high", Verdict: result.Shown, Measured: new(5000.0), Samples: 100, Line: 18},
		},
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestAnnotate(t *testing.T) {
	s := newStep(t, nil)
	if err := s.Annotate("./ci/slo.yaml", judgement(), against); err != nil {
		t.Fatal(err)
	}
	golden(t, "annotations.golden", s.log.String())
}

func TestAnnotateKeepsWithinTheRunnersLimits(t *testing.T) {
	s := newStep(t, nil)
	j := &result.Judgement{}
	for i := range 12 {
		j.Objectives = append(j.Objectives, result.JudgedObjective{Verdict: result.Fail, Line: i + 1, Reason: strings.Repeat("ü", 5000)})
	}
	for range 10 {
		j.Objectives = append(j.Objectives, result.JudgedObjective{Verdict: result.Warn})
	}
	if err := s.Annotate("slo.yaml", j, against); err != nil {
		t.Fatal(err)
	}
	levels := map[string]int{}
	for _, c := range commands(s.log.String()) {
		levels[c.Name]++
		if len(c.Message) > 4096 {
			t.Errorf("message of %d bytes", len(c.Message))
		}
	}
	if diff := cmp.Diff(map[string]int{"error": 10, "warning": 10}, levels); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if log := s.log.String(); !strings.Contains(log, "::error title=slogate::3 more,") || !strings.Contains(log, "::warning title=slogate::1 more,") {
		t.Errorf("no annotation says how many more there are: %.300s", log)
	}
}

func TestAnnotationsCannotBecomeOthers(t *testing.T) {
	s := newStep(t, nil)
	hostile := "x,line=1::boo\r\n::add-mask::a%0A::error::b ##[group]\x1b[2J"
	j := &result.Judgement{Objectives: []result.JudgedObjective{{Text: hostile, Indicator: hostile, Unit: hostile, Stage: hostile, Reason: hostile, Verdict: result.Fail, Line: 3}}}
	if err := s.Annotate("a:b,c\n::error::.yaml", j, against); err != nil {
		t.Fatal(err)
	}
	golden(t, "hostile.golden", s.log.String())
	if got := commands(s.log.String()); len(got) != 1 {
		t.Errorf("one objective made the commands %+v", got)
	}
}

func TestAnnotateFileOutsideOfTheWorkspace(t *testing.T) {
	s := newStep(t, nil)
	j := &result.Judgement{Objectives: []result.JudgedObjective{{Text: "p95 <= 1s", Indicator: "p95", Stage: "a", Verdict: result.Fail, Line: 3}}}
	if err := s.Annotate("/etc/slo.yaml", j, against); err != nil {
		t.Fatal(err)
	}
	if want := "::error title=p95 failed in stage a::p95 <= 1s: nothing was measured\n"; s.log.String() != want {
		t.Errorf("annotation = %q, want %q", s.log.String(), want)
	}
}

// A file in a folder that a repository was checked out to has the repository's
// path: the runner's means nothing there.
func TestAnnotateFileOfACheckout(t *testing.T) {
	workspace := t.TempDir()
	if err := os.MkdirAll(filepath.Join(workspace, "head", ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := newStep(t, map[string]string{"GITHUB_WORKSPACE": workspace})
	j := &result.Judgement{Objectives: []result.JudgedObjective{{Text: "p95 <= 1s", Indicator: "p95", Stage: "a", Verdict: result.Fail, Line: 3}}}
	if err := s.Annotate("head/ci/slo.yaml", j, against); err != nil {
		t.Fatal(err)
	}
	if want := "::error file=ci/slo.yaml,line=3,title=p95 failed in stage a::p95 <= 1s: nothing was measured\n"; s.log.String() != want {
		t.Errorf("annotation = %q, want %q", s.log.String(), want)
	}
}

type fault struct{ line int }

func (f fault) Error() string             { return fmt.Sprintf("slo.yaml:%d:9: SLO012: unknown key", f.line) }
func (f fault) Place() (string, int, int) { return "slo.yaml", f.line, 9 }

func TestError(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"plain": {
			errors.New("slo.yaml: no such file\nhint"),
			"::error title=slogate::slo.yaml: no such file%0Ahint\n",
		},
		"with places": {
			fmt.Errorf("read: %w", errors.Join(fault{3}, errors.New("no place"), fault{5})),
			"::error col=9,file=slo.yaml,line=3,title=slogate::slo.yaml:3:9: SLO012: unknown key\n" +
				"::error col=9,file=slo.yaml,line=5,title=slogate::slo.yaml:5:9: SLO012: unknown key\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStep(t, nil)
			if err := s.Error(tt.err); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, s.log.String()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}
