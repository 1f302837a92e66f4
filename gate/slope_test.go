package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// rising is a stage of so many seconds whose response time begins at 100 ms and
// rises by so much a minute, with a bad second in it.
func rising(seconds, each int, aMinute time.Duration) result.Stage {
	var p population
	for second := range seconds {
		for i := range each {
			at := time.Duration(second)*time.Second + time.Duration(i)*time.Second/time.Duration(each)
			took := 100*time.Millisecond + time.Duration(at.Minutes()*float64(aMinute))
			if second == 30 {
				took = 3 * time.Second
			}
			p.add(at, took, result.Success)
		}
	}
	return p.stage("high", time.Duration(seconds)*time.Second)
}

func TestJudgeSlope(t *testing.T) {
	slope := func(text string) slo.Objective { return relative(t, text) }
	for _, tt := range []struct {
		name, text string
		s          result.Stage
		want       result.Verdict
		reason     string
	}{
		{"steady", "p95.slope <= 1ms/m", rising(120, 20, 0), result.Pass, ""},
		{"rising within the bound", "p95.slope <= 60ms/m", rising(120, 20, 50*time.Millisecond), result.Pass, ""},
		{"rising", "p95.slope <= 40ms/m", rising(120, 20, 50*time.Millisecond), result.Fail, ""},
		{"rising, in an hour", "mean.slope <= 2400ms/h", rising(120, 20, 50*time.Millisecond), result.Fail, ""},
		{"falling", "p50.slope <= 0", rising(120, 20, -20*time.Millisecond), result.Pass, ""},
		{"too few requests", "p95.slope <= 1ms/m", rising(120, 6, 0), result.Inconclusive, "too few requests: p95.slope needs 800, there were 720"},
		{"too short", "p50.slope <= 1ms/m", rising(5, 100, 0), result.Inconclusive, "a slope needs 8 parts"},
	} {
		got := only(t, slope(tt.text), tt.s)
		if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s: %s (%s) at %v, want %s (%s)", tt.name, got.Verdict, got.Reason, got.Measured, tt.want, tt.reason)
		}
		if got.Measured != nil && (got.Lower == nil || *got.Lower > *got.Measured || *got.Upper < *got.Measured) {
			t.Errorf("%s: %v of %v to %v", tt.name, *got.Measured, got.Lower, got.Upper)
		}
	}
	j := judge(plan(slope("p95.slope <= 40ms/m")), rising(120, 20, 50*time.Millisecond))
	if want := `p95.slope of "high" was 50`; !strings.HasPrefix(j.Reason, want) || !strings.Contains(j.Reason, "over 40 ms/min") {
		t.Errorf("the reason is %q", j.Reason)
	}
}
