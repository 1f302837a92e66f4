package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// What the generator did not come to counts as unsuccessful and as slow as the
// timeout, but the service is not blamed for it.
func TestJudgeWhatTheGeneratorLeftUnsent(t *testing.T) {
	// at is 60 s of 200/s, the latest of which were not sent, and of those the
	// generator itself left so many.
	at := func(unsent int, own int64, took time.Duration) result.Stage {
		var p population
		for i := range 12000 {
			class := result.Success
			if i >= 12000-unsent {
				class = result.UnsentDue
			}
			p.add(time.Duration(i)*5*time.Millisecond, took, class)
		}
		s := p.stage("high", 60*time.Second)
		s.Generator.UnsentOwn = own
		return s
	}
	const fast, slow = 100 * time.Millisecond, 620 * time.Millisecond
	kind := func(k slo.Kind, c slo.Cmp, bound float64) slo.Objective {
		return objective(slo.Indicator{Kind: k}, c, bound)
	}
	success := kind(slo.SuccessRate, slo.GE, 1)
	most := kind(slo.Max, slo.LE, 450_000)
	for name, tt := range map[string]struct {
		o    slo.Objective
		s    result.Stage
		want result.Verdict
	}{
		"all succeed":                     {success, at(12, 12, fast), result.Inconclusive},
		"one of twelve is the service's":  {success, at(12, 11, fast), result.Fail},
		"no errors":                       {kind(slo.ErrorRate, slo.LE, 0), at(12, 12, fast), result.Inconclusive},
		"nothing unsent":                  {kind(slo.Unsent, slo.LE, 0), at(12, 12, fast), result.Inconclusive},
		"as many as were due":             {kind(slo.Requests, slo.GE, 12000), at(12, 12, fast), result.Inconclusive},
		"more than were due":              {kind(slo.Requests, slo.GE, 12001), at(12, 12, fast), result.Fail},
		"the rate that was due":           {kind(slo.Throughput, slo.GE, 200), at(12, 12, fast), result.Inconclusive},
		"a higher rate":                   {kind(slo.Goodput, slo.GE, 201), at(12, 12, fast), result.Fail},
		"the slowest":                     {most, at(12, 12, fast), result.Inconclusive},
		"the slowest, of a slow service":  {most, at(12, 12, slow), result.Fail},
		"the slowest, of two that waited": {most, at(12, 11, fast), result.Fail},
		"the mean":                        {kind(slo.Mean, slo.LE, 100_500), at(12, 12, fast), result.Inconclusive},
		"a percentile":                    {p95Within450ms, at(12, 12, fast), result.Pass},
		"a percentile of a second":        {inWindows(p95Within450ms, 1), at(12, 12, fast), result.Inconclusive},
		"successes in a second":           {inWindows(success98, 1), at(12, 12, fast), result.Inconclusive},
		"a second of a slow service":      {inWindows(p95Within450ms, 1), at(12, 12, slow), result.Fail},
		"spared once, not in each second": {inWindows(kind(slo.SuccessRate, slo.GE, 0.26), 2), at(300, 12, fast), result.Fail},
		"too many":                        {p95Within450ms, at(13, 13, fast), result.Inconclusive},
		"too many, of a slow service":     {p95Within450ms, at(13, 13, slow), result.Inconclusive},
		"none of the generator's":         {success, at(12, 0, fast), result.Fail},
	} {
		t.Run(name, func(t *testing.T) {
			got := only(t, tt.o, tt.s)
			if got.Verdict != tt.want || (got.Verdict == result.Inconclusive) != strings.HasPrefix(got.Reason, "generator limited: it left 0.1 % of the due requests unsent") {
				t.Errorf("%s (%s), want %s", got.Verdict, got.Reason, tt.want)
			}
		})
	}
}
