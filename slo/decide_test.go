package slo

import "testing"

func TestDecideOfFileAndObjective(t *testing.T) {
	const text = `
version: 1
target: http://localhost:8000
decide: sure
scenarios: [{request: GET /}]
stages: [{name: steady, rate: 10/s, duration: 30s, objectives: [p50 <= 1s]}]
objectives:
  - p95 <= 1s
  - {warn: p99 <= 2s, decide: lenient}
  - p90 <= baseline + 10%
  - show: max
`
	want := map[string]Decide{"p50": Sure, "p95": Sure, "p99": Lenient, "p90": "", "max": ""}
	file, err := Parse([]byte(text), Options{Path: "slo.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range file.Stages[0].Objectives {
		if o.Implicit {
			continue
		}
		if got := o.Decide; got != want[o.Indicator.String()] {
			t.Errorf("%s: decide %q, want %q", o.Text, got, want[o.Indicator.String()])
		}
		delete(want, o.Indicator.String())
	}
	if len(want) > 0 {
		t.Errorf("no objective on %v", want)
	}
}
