package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// Workers ask for what they are given: it says nothing of what they would need.
func TestWorkersSayNothingOfTheCoresThatTheyNeed(t *testing.T) {
	s := at(10, 50, 200*ms, 0.9)
	s.Cost = &result.Cost{CPU: s.Duration / 2, Span: s.Duration, Throttling: &result.Throttling{Periods: 300, Throttled: 100, Waited: 6 * time.Second}}
	if text := written(Find(run(s))); !strings.Contains(text, "raise the CPU limit") || strings.Contains(text, "cores") {
		t.Error(text)
	}
}
