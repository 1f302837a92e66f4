package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/slogate/slogate/result"
)

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		name      string
		verdict   result.Verdict
		cancelled bool
		settings  settings
		want      int
	}{
		{"pass", result.Pass, false, settings{}, 0},
		{"warn", result.Warn, false, settings{}, 0},
		{"fail", result.Fail, false, settings{}, 1},
		{"inconclusive", result.Inconclusive, false, settings{OnInconclusive: "fail"}, 3},
		{"inconclusive allowed", result.Inconclusive, false, settings{OnInconclusive: "warn"}, 0},
		{"cancelled", result.Inconclusive, true, settings{}, 130},
		{"fail while adopting", result.Fail, false, settings{Gate: "report"}, 0},
		{"inconclusive while adopting", result.Inconclusive, false, settings{Gate: "report"}, 0},
		{"cancelled while adopting", result.Inconclusive, true, settings{Gate: "report"}, 130},
		{"fail is not excused as inconclusive", result.Fail, false, settings{OnInconclusive: "warn"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &result.Run{Cancelled: c.cancelled, Judgement: &result.Judgement{Verdict: c.verdict}}
			if got := exitCode(r, c.settings); got != c.want {
				t.Errorf("exitCode = %d, want %d", got, c.want)
			}
		})
	}
}

// A comparison that can fail the run and is inconclusive leaves a warning:
// --on-inconclusive=fail makes it count.
func TestExitCodeOfAnInconclusiveComparison(t *testing.T) {
	hidden := result.JudgedObjective{Severity: "fail", Verdict: result.Inconclusive, Relative: true}
	told := result.JudgedObjective{Severity: "warn", Verdict: result.Inconclusive, Relative: true}
	for _, c := range []struct {
		name      string
		objective result.JudgedObjective
		settings  settings
		want      int
	}{
		{"auto", hidden, settings{OnInconclusive: "auto"}, 0},
		{"fail", hidden, settings{OnInconclusive: "fail"}, 3},
		{"warn", hidden, settings{OnInconclusive: "warn"}, 0},
		{"fail while adopting", hidden, settings{OnInconclusive: "fail", Gate: "report"}, 0},
		{"one that only warns", told, settings{OnInconclusive: "fail"}, 0},
	} {
		r := &result.Run{Judgement: &result.Judgement{Verdict: result.Warn, Objectives: []result.JudgedObjective{c.objective}}}
		if got := exitCode(r, c.settings); got != c.want {
			t.Errorf("%s: exitCode = %d, want %d", c.name, got, c.want)
		}
	}
}

// full is standard output on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// What a command is called for and cannot print is no success.
func TestExitWhereNothingCanBePrinted(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("slo.yaml", []byte(suggestSLO), 0o600); err != nil {
		t.Fatal(err)
	}
	writeResults(t, suggestSLO, 1, 1.02)
	if err := os.WriteFile("other.yaml", []byte(suggestSLO+"x-more: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"schema"},
		{"schema", "--result"},
		{"explain"},
		{"explain", "SLO012"},
		{"completion", "bash"},
		{"check"},
		{"check", "--against", "other.yaml"},
		{"suggest", "run-1.json", "run-2.json"},
		{"suggest", "--slo", "other.yaml", "run-1.json", "run-2.json"},
		{"report", "run-1.json"},
		{"report", "run-1.json", "--format", "markdown"},
		{"--help"},
		{"help"},
		{"version"},
		{"suggest", "--help"},
	} {
		var said strings.Builder
		code := Main(t.Context(), args, os.LookupEnv, full{}, &said)
		if code != exitUsage || !strings.Contains(said.String(), "no space left on device") {
			t.Errorf("%s: exit code %d, said %q", strings.Join(args, " "), code, said.String())
		}
	}
}
