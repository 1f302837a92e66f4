package gate

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// encoded is a result file.
func encoded(f *testing.F, r *result.Run) string {
	f.Helper()
	var text strings.Builder
	if err := result.Encode(&text, r); err != nil {
		f.Fatal(err)
	}
	return text.String()
}

// FuzzJudge judges whatever a result file holds, alone and against another one:
// always in the same way, with words and numbers that a file can hold, and no
// pass without data.
func FuzzJudge(f *testing.F) {
	var p population
	for i := range 200 {
		p.add(time.Duration(i)*100*time.Millisecond, time.Duration(5+i%90)*time.Millisecond, result.Success)
	}
	stage := p.stage("high", duration)
	stage.Workload = result.Workload{Model: "open", RateFrom: 10, RateTo: 10, Duration: duration}
	run := func(stages ...result.Stage) *result.Run {
		return &result.Run{Version: result.Version, Name: "slo", Stages: stages}
	}
	whole := encoded(f, run(stage))
	if _, err := result.Decode(strings.NewReader(whole)); err != nil {
		f.Fatal(err)
	}
	f.Add(whole, whole)
	f.Add(whole, `{"version":1,"name":"slo","stages":[]}`)
	f.Add(`{"version":1,"stages":[{"name":"high","judged":true,"state":"completed","workload":{"model":"open","rate_to":1e308},"duration":1}]}`, whole)
	file, err := slo.Parse([]byte(`version: 1
target: http://localhost:8000
scenarios: [{name: main, steps: [{name: a, request: GET /}]}]
stages: [{name: high, rate: 10/s, duration: 20s}]
objectives: [p95 <= 450ms, p50 < 1s, mean <= 1s, success_rate >= 98%, errors <= 3, status(5xx) <= 1%, throughput >= 1/s, apdex(300ms) >= 0.8, p95 <= baseline + 10% or + 5ms, success_rate >= baseline - 1%, {fail: p95 <= 1s, for: 5s}, p95.slope <= 5ms/m, {show: max}, {warn: p99 <= 1s, step: a}, iteration.p95 <= 2s]
`), slo.Options{Path: "slo.yaml"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, head, base string) {
		r, err := result.Decode(strings.NewReader(head))
		if err != nil {
			return
		}
		var opts Options
		if b, err := result.Decode(strings.NewReader(base)); err == nil {
			opts.Baseline = []*result.Run{b}
		}
		j := Judge(file, r, opts)
		if diff := cmp.Diff(j, Judge(file, r, opts)); diff != "" {
			t.Errorf("judged again:\n%s", diff)
		}
		if len(j.Objectives) < len(file.Stages[0].Objectives) {
			t.Errorf("%d objectives of %d", len(j.Objectives), len(file.Stages[0].Objectives))
		}
		for _, o := range j.Objectives {
			if m := o.Measured; m != nil && (math.IsNaN(*m) || math.IsInf(*m, 0)) {
				t.Errorf("%s measured %v", o.Text, *m)
			}
			if o.Verdict == result.Pass && o.Measured == nil {
				t.Errorf("%s passes without a value", o.Text)
			}
		}
		r.Judgement = j
		var text strings.Builder
		if err := result.Encode(&text, r); err != nil {
			t.Fatal(err)
		}
		if _, err := result.Decode(strings.NewReader(text.String())); err != nil {
			t.Errorf("the judged result cannot be read: %v", err)
		}
	})
}
