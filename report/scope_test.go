package report

import (
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// Every form names the step and the window of an objective, with the place of
// the worst one.
func TestFormsShowTheScope(t *testing.T) {
	value := 620_000.0
	r := &result.Run{Judgement: &result.Judgement{Verdict: result.Fail, Objectives: []result.JudgedObjective{{
		Text: "p95 <= 450ms, step buy, for 10s", Indicator: "p95", Unit: "duration", Stage: "high", Step: "buy", Severity: "fail",
		Verdict: result.Fail, Measured: &value, Cmp: "<=", Bound: 450_000,
		Window: 10 * time.Second, From: 12 * time.Second, Until: 22 * time.Second,
	}}}}
	for name, text := range everyForm(t, r) {
		plain := strings.ReplaceAll(strings.ReplaceAll(text, "&nbsp;", " "), "&lt;", "<")
		for _, want := range []string{"p95 <= 450ms, step buy, for 10s", "620 ms from 12 s"} {
			if !strings.Contains(plain, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, text)
			}
		}
	}
}
