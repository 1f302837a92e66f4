package slo

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPause(t *testing.T) {
	const second = time.Second
	for text, want := range map[string]Pause{
		"200ms":                                 {Min: 200 * time.Millisecond, Max: 200 * time.Millisecond},
		"100ms..500ms":                          {Min: 100 * time.Millisecond, Max: 500 * time.Millisecond},
		"{mean: 1s, distribution: exponential}": {Max: 11 * second, Distribution: Exponential, Mean: second, StdDev: second},
		"{mean: 1s, distribution: exponential, min: 200ms, max: 5s}": {Min: 200 * time.Millisecond, Max: 5 * second, Distribution: Exponential, Mean: second, StdDev: second},
		"{mean: 4s, distribution: normal, stddev: 1s, min: 0}":       {Max: 14 * second, Distribution: Normal, Mean: 4 * second, StdDev: second},
		"{mean: 12h, distribution: lognormal, stddev: 12h}":          {Max: 24 * time.Hour, Distribution: LogNormal, Mean: 12 * time.Hour, StdDev: 12 * time.Hour},
	} {
		file := parseText(t, head+oneStage+"scenarios: [{name: a, steps: [{request: GET /}, {pause: "+text+"}]}]\n")
		if diff := cmp.Diff(want, file.Scenarios[0].Steps[1].Pause); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}
