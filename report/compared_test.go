package report

import (
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

// Where an objective was compared with earlier results, every form shows the
// baseline, the change and what can be seen; elsewhere there are no such
// columns.
func TestFormsShowTheBaseline(t *testing.T) {
	value := 472_000.0
	o := result.JudgedObjective{
		Text: "p95 <= baseline + 10%", Indicator: "p95", Unit: "duration", Stage: "high", Severity: "fail",
		Verdict: result.Inconclusive, Measured: &value, Cmp: "<=", Bound: 462_000, Relative: true,
		Comparison: &result.Comparison{Baseline: 420_000, Runs: 7, Change: 0.124, Tolerance: 0.1, Limit: 0.25},
	}
	share := o
	share.Text, share.Unit = "success_rate >= baseline - 1%", "share"
	share.Comparison = &result.Comparison{Baseline: 1, Runs: 1, Points: true, Change: -0.005, Limit: -0.02}
	r := &result.Run{Judgement: &result.Judgement{Verdict: result.Warn, Objectives: []result.JudgedObjective{o, share}}}

	for name, text := range everyForm(t, r) {
		plain := strings.ReplaceAll(text, "&nbsp;", " ")
		for _, want := range []string{"420 ms (7 runs)", "12.4 %", "25.0 %", "(1 run)", "−0.5 points"} {
			if !strings.Contains(plain, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, text)
			}
		}
	}
	r.Judgement.Objectives = []result.JudgedObjective{{Text: "p95 <= 1s", Unit: "duration", Severity: "fail", Verdict: result.Pass, Measured: &value, Cmp: "<=", Bound: 1e6}}
	for name, text := range everyForm(t, r) {
		if strings.Contains(strings.ToLower(text), ">baseline<") || strings.Contains(text, "| Baseline |") {
			t.Errorf("%s has a column without a baseline", name)
		}
	}
}

func everyForm(t *testing.T, r *result.Run) map[string]string {
	t.Helper()
	var page, text, html strings.Builder
	if err := Markdown(&page, r); err != nil {
		t.Fatal(err)
	}
	if err := Terminal(&text, r, TermOptions{Width: 200}); err != nil {
		t.Fatal(err)
	}
	if err := HTML(&html, r); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"markdown": page.String(), "terminal": text.String(), "page": strings.ReplaceAll(html.String(), "&#43;", "+")}
}

// Of a comparison of revisions every form names both, and how to do it again.
func TestFormsShowRevisions(t *testing.T) {
	r := &result.Run{
		Seed: 7, SLO: result.SLO{Path: "my slo.yaml"}, Source: result.Source{Commit: "2222222222", Ref: "HEAD", Branch: "feature"},
		Base: &result.Base{Target: "http://127.0.0.1:20001", Starts: 3, Source: result.Source{Commit: "1111111111", Ref: "main"}},
	}
	forms := everyForm(t, r)
	delete(forms, "terminal") // has no facts
	for name, text := range forms {
		for _, want := range []string{"2222222222", "1111111111", "feature", "3 of each", "slogate compare --seed 7 --slo", "1111111111..2222222222"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, text)
			}
		}
	}
}
