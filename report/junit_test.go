package report

import (
	"encoding/xml"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

func junitText(t testing.TB, r *result.Run) string {
	t.Helper()
	var b strings.Builder
	if err := JUnit(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJUnitGolden(t *testing.T) {
	for name, r := range sampleRuns() {
		t.Run(name, func(t *testing.T) {
			golden(t, filepath.Join("junit", name+".xml"), junitText(t, r))
		})
	}
}

// A failure or an error is there exactly where the run did not pass, whatever
// its objectives say.
func TestJUnitIsRedWhereTheRunIs(t *testing.T) {
	verdicts := []result.Verdict{result.Pass, result.Warn, result.Fail, result.Inconclusive, result.Skipped, result.Shown}
	for _, run := range verdicts[:4] {
		for _, objective := range verdicts {
			r := sampleRun(run)
			r.Judgement.Objectives = []result.JudgedObjective{{Text: "p95 <= 1s", Stage: "normal", Severity: "fail", Verdict: objective}}
			if objective == result.Fail && run != result.Fail {
				continue // cannot be
			}
			var got junitSuites
			if err := xml.Unmarshal([]byte(junitText(t, r)), &got); err != nil {
				t.Fatal(err)
			}
			red := got.Failures+got.Errors > 0
			if want := run == result.Fail || run == result.Inconclusive; red != want {
				t.Errorf("run %s, objective %s: red is %t, want %t", run, objective, red, want)
			}
		}
	}
}

func TestJUnitOfARunWithoutJudgement(t *testing.T) {
	text := junitText(t, sampleCancelled())
	if !strings.Contains(text, `<error message="cancelled: `) {
		t.Errorf("a cancelled run has no error:\n%s", text)
	}
}
