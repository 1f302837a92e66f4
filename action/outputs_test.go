package action

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

// run is a judged run of three stages, the last of which is not judged.
func run() *result.Run {
	var times result.Recorder
	for i := range 100 {
		times.Record(time.Duration(i+1) * time.Millisecond)
	}
	measured := result.Requests{
		Counters: result.Counters{Success: 97, Timeout: 2, BadStatus: 1},
		Response: times.Histogram(),
	}
	return &result.Run{
		Judgement: judgement(),
		Stages: []result.Stage{
			{Name: "normal", Judged: true, Duration: time.Second},
			{Name: "high", Judged: true, Duration: 3 * time.Second, Requests: measured},
			{Name: "cool-down", Duration: time.Second, Requests: measured},
		},
	}
}

// readOutputs reads a file of outputs as the runner does.
func readOutputs(t testing.TB, text string) map[string]string {
	t.Helper()
	all := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for len(lines) > 0 {
		name, delimiter, ok := strings.Cut(lines[0], "<<")
		if !ok {
			t.Fatalf("not the beginning of an output: %q", lines[0])
		}
		end := 1
		for lines[end] != delimiter {
			end++
		}
		all[name] = strings.Join(lines[1:end], "\n")
		lines = lines[end+1:]
	}
	return all
}

func TestSetOutputs(t *testing.T) {
	s := newStep(t, nil)
	if err := s.SetOutputs(run(), Files{Result: "out/slogate-result.json", Report: "out/slogate-report.md"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"verdict": "fail", "passed": "false", "failed-count": "2", "inconclusive-count": "1",
		"result-file": "out/slogate-result.json", "report-file": "out/slogate-report.md",
		"summary": `fail: p95 is 612 ms in "high", over 450 ms`, "baseline-sha": "",
		"p95": "95.039", "success_rate": "0.97", "throughput": "33.3333",
	}
	if diff := cmp.Diff(want, readOutputs(t, s.file(t, "output"))); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
}

func TestBaselineOutput(t *testing.T) {
	sha := strings.Repeat("a1", 20)
	earlier := []result.Earlier{{Source: result.Source{Commit: strings.Repeat("b2", 20)}}, {Source: result.Source{Commit: sha}}}
	for name, tt := range map[string]struct {
		use     *result.BaselineUse
		earlier []result.Earlier
		want    string
	}{
		"compared":       {&result.BaselineUse{Runs: 2, Covered: 1, Relative: 1}, earlier, sha},
		"nothing judged": {nil, earlier, ""},
		"in one run":     {&result.BaselineUse{Covered: 1, Relative: 1}, nil, ""},
		"no commit":      {&result.BaselineUse{Runs: 1, Covered: 1, Relative: 1}, []result.Earlier{{Source: result.Source{Commit: "x\npassed=true"}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStep(t, nil)
			r := &result.Run{Judgement: &result.Judgement{Verdict: result.Pass, Baseline: tt.use, Earlier: tt.earlier}}
			if err := s.SetOutputs(r, Files{}); err != nil {
				t.Fatal(err)
			}
			if got := readOutputs(t, s.file(t, "output"))["baseline-sha"]; got != tt.want {
				t.Errorf("baseline-sha = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPassedOutput(t *testing.T) {
	for name, tt := range map[string]struct {
		verdict   result.Verdict
		cancelled bool
		want      string
	}{
		"pass": {result.Pass, false, "true"}, "warn": {result.Warn, false, "true"},
		"fail": {result.Fail, false, "false"}, "inconclusive": {result.Inconclusive, false, "false"},
		"cancelled": {result.Pass, true, "false"}, "no verdict": {"", false, "false"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStep(t, nil)
			if err := s.SetOutputs(&result.Run{Cancelled: tt.cancelled, Judgement: &result.Judgement{Verdict: tt.verdict}}, Files{}); err != nil {
				t.Fatal(err)
			}
			if got := readOutputs(t, s.file(t, "output"))["passed"]; got != tt.want {
				t.Errorf("passed = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestNothingLoadedIsNotPassed(t *testing.T) {
	s := newStep(t, nil)
	if err := s.SetOutputs(nil, Files{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"passed": "false"}, readOutputs(t, s.file(t, "output"))); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
}

func TestOutputsCannotSetOthers(t *testing.T) {
	s := newStep(t, nil)
	r := run()
	r.Judgement.Reason = "x\n_GitHubActionsFileCommandDelimeter_\npassed=true\npassed<<E\ntrue\nE"
	hostile := "a\npassed=true\nslogate_\npassed<<E\ntrue\nE"
	if err := s.SetOutputs(r, Files{Result: hostile}); err != nil {
		t.Fatal(err)
	}
	got := readOutputs(t, s.file(t, "output"))
	if got["passed"] != "false" || got["result-file"] != hostile || strings.Contains(got["summary"], "\n") {
		t.Errorf("outputs = %q", got)
	}
	if first, second := block("a", "b"), block("a", "b"); first == second {
		t.Errorf("the delimiter of %q can be foreseen", first)
	}
}

func TestFilesThatTheRunnerDidNotGive(t *testing.T) {
	s := newStep(t, map[string]string{"GITHUB_OUTPUT": "", "GITHUB_STEP_SUMMARY": filepath.Join(t.TempDir(), "no", "such", "folder")})
	if err := s.SetOutputs(run(), Files{}); err == nil || err.Error() != "outputs: the runner did not set GITHUB_OUTPUT" {
		t.Errorf("outputs: error = %v", err)
	}
	if err := s.WriteSummary([]byte("# x")); err == nil || !strings.HasPrefix(err.Error(), "job summary: GITHUB_STEP_SUMMARY: open ") {
		t.Errorf("summary: error = %v", err)
	}
}

func TestWriteSummary(t *testing.T) {
	s := newStep(t, nil)
	for _, text := range []string{"# one\n", "two\n"} {
		if err := s.WriteSummary([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.file(t, "summary"); got != "# one\ntwo\n" {
		t.Errorf("summary = %q", got)
	}
	if err := s.WriteSummary(make([]byte, summaryBudget+1)); err == nil {
		t.Error("a summary that the runner drops was written")
	}
	if got := s.file(t, "summary"); got != "# one\ntwo\n" {
		t.Errorf("after the summary that is too large there are %d bytes", len(got))
	}
	// A runner counts what is in the file together.
	if err := s.WriteSummary(make([]byte, s.SummaryRoom())); err != nil {
		t.Error(err)
	}
	if err := s.WriteSummary([]byte("more")); err == nil || len(s.file(t, "summary")) != summaryBudget {
		t.Errorf("error %v, %d bytes", err, len(s.file(t, "summary")))
	}
}

func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		path, rel string
		inside    bool
	}{
		{"slo.yaml", "slo.yaml", true},
		{"./a/../slo.yaml", "slo.yaml", true},
		{"/ws/a/slo.yaml", "a/slo.yaml", true},
		{"/ws", ".", true},
		{"/ws2/slo.yaml", "../ws2/slo.yaml", false},
		{"../slo.yaml", "../slo.yaml", false},
		{"/etc/passwd", "../etc/passwd", false},
	} {
		if rel, inside := Within("/ws", tt.path); rel != tt.rel || inside != tt.inside {
			t.Errorf("Within(%q) = %q, %v; want %q, %v", tt.path, rel, inside, tt.rel, tt.inside)
		}
	}
	if _, inside := Within("", "/etc/passwd"); inside {
		t.Error("an absolute path is inside of an unknown workspace")
	}
}
