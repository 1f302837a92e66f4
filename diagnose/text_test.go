package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// The reports' tables write 1763 of 2000 as 88.1 %, and 237 as 11.8 %.
func TestSharesAreWrittenAsInTables(t *testing.T) {
	for got, want := range map[string]string{
		percent(1763. / 2000): "88.1 %", percent(237. / 2000): "11.8 %", percent(1): "100 %", percent(0): "0 %", percent(0.333): "33.3 %",
		fell(1, 0.982): "1.8 points", fell(0.982, 0.873): "10.9 points",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Workers ask for what they are given: it says nothing of what they would need.
func TestWorkersSayNothingOfTheCoresThatTheyNeed(t *testing.T) {
	s := at(10, 50, 200*ms, 0.9)
	s.Cost = &result.Cost{CPU: s.Duration / 2, Span: s.Duration, Throttling: &result.Throttling{Periods: 300, Throttled: 100, Waited: 6 * time.Second}}
	if text := written(Find(run(s))); !strings.Contains(text, "raise the CPU limit") || strings.Contains(text, "cores") {
		t.Error(text)
	}
}
