package main

import (
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
