package gate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

// What is not the whole run has no verdict but inconclusive, whatever its
// objectives say.
func TestPartsOfARunAreInconclusive(t *testing.T) {
	for _, test := range []struct {
		name string
		run  result.Run
		want string // of the reason
	}{
		{"a shard", result.Run{Shard: result.Shard{Index: 3, Count: 8}}, "this is shard 3 of 8, which says nothing of the whole run"},
		{"a gap", result.Run{Shard: result.Shard{Count: 2}, Gaps: []string{"shard 1 of 2 is missing"}}, "the run is not whole: shard 1 of 2 is missing"},
		{"gaps", result.Run{Gaps: []string{"a", "b", "c", "d"}}, "the run is not whole: a; b; c"},
	} {
		if len(test.run.Gaps) > 0 && Usable(&test.run) {
			t.Errorf("%s may be a baseline", test.name)
		}
		for _, verdict := range []result.Verdict{result.Pass, result.Fail, result.Warn} {
			v, reason := runVerdict(&test.run, nil, []result.JudgedObjective{{Severity: "fail", Verdict: verdict, Text: "p95 <= 1s", Reason: "x"}}, false)
			if v != result.Inconclusive || !strings.HasPrefix(reason, test.want) {
				t.Errorf("%s with an objective that is %s: %s, %q, want %q", test.name, verdict, v, reason, test.want)
			}
		}
	}
	v, _ := runVerdict(&result.Run{Shard: result.Shard{Count: 8}}, nil, []result.JudgedObjective{{Severity: "fail", Verdict: result.Pass}}, false)
	if v != result.Pass {
		t.Errorf("all shards merged: %s", v)
	}
}

// The sentence names some of what is missing, the notices all of it.
func TestNoticesNameEveryGap(t *testing.T) {
	for n, want := range map[int]int{shownGaps: 0, shownGaps + 1: shownGaps + 1} {
		r := &result.Run{}
		for i := range n {
			r.Gaps = append(r.Gaps, fmt.Sprintf("shard %d of %d is missing", i+1, n))
		}
		if got := Judge(plan(), r, Options{}).Notices; len(got) != want {
			t.Errorf("%d gaps: notices %q, want %d", n, got, want)
		}
	}
}
