package report

import (
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

func TestWhatIf(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ran := func(replicas int, success, failed int64) *result.Run {
		stage := result.Stage{Name: "high|\x1b[31m", State: result.Completed, Start: start, Duration: 10 * time.Second}
		stage.Counters.Success, stage.Counters.BadStatus = success, failed
		return &result.Run{
			Stages:   []result.Stage{stage, {Name: "never", State: result.NotRun}},
			Timeline: &result.Timeline{Samples: []result.ClusterSample{{At: start.Add(-time.Second), Ready: 9}, {At: start, Ready: 1}, {At: start.Add(time.Second), Ready: replicas}}},
		}
	}
	var out strings.Builder
	if err := WhatIf(&out, []Ceiling{{3, ran(3, 990, 10)}, {1, ran(1, 240, 60)}}, TermOptions{}); err != nil {
		t.Fatal(err)
	}
	const want = `
What if
  stage          max replicas  had  throughput  successful  mean  p50  p95  p99  success
  high|\x1b[31m             3    3       100/s        99/s     –    –    –    –     99 %
  high|\x1b[31m             1    1        30/s        24/s     –    –    –    –     80 %
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
