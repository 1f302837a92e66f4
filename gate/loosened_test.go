package gate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

const looseBase = `version: 1
target: http://localhost
scenarios: [{request: GET /, name: home, checks: [status == 200, latency < 2s]}]
baseline: {strict: on, required: on}
stages:
  - {name: warm-up, rate: 10/s, duration: 1s, judge: false}
  - {name: steady, rate: 100/s, duration: 30s}
  - {name: crowd, requests: 1000, workers: 20, objectives: [p99 <= 1s]}
objectives:
  - p95 <= 450ms
  - success_rate >= 98%
  - warn: p99 <= 720ms
  - p50 <= baseline + 10% or + 5ms
  - show: p99.9
  - {fail: max <= 5s, decide: sure}
`

func TestLoosened(t *testing.T) {
	both := []string{"steady", "crowd"}
	for _, tt := range []struct {
		name string
		edit []string // pairs of old and new
		want []result.Loosening
	}{
		{"nothing", nil, nil},
		{"wider", []string{"p95 <= 450ms", "p95 <= 900ms"}, []result.Loosening{{Stages: both, Before: "p95 <= 450ms", After: "p95 <= 900ms"}}},
		{"narrower", []string{"p95 <= 450ms", "p95 < 400ms"}, nil},
		{"the same in another unit", []string{"p95 <= 450ms", "p95 <= 0.45s"}, nil},
		{"lower", []string{"success_rate >= 98%", "success_rate >= 95%"}, []result.Loosening{{Stages: both, Before: "success_rate >= 98%", After: "success_rate >= 95%"}}},
		{"higher", []string{"success_rate >= 98%", "success_rate >= 99%"}, nil},
		{"removed", []string{"  - success_rate >= 98%\n", ""}, []result.Loosening{{Stages: both, Before: "success_rate >= 98%", After: "removed"}}},
		{"turned around", []string{"p95 <= 450ms", "p95 >= 450ms"}, []result.Loosening{{Stages: both, Before: "p95 <= 450ms", After: "removed"}}},
		{"of windows only", []string{"- p95 <= 450ms", "- {fail: p95 <= 450ms, for: 5s}"}, []result.Loosening{{Stages: both, Before: "p95 <= 450ms", After: "removed"}}},
		{"of one request only", []string{"- p95 <= 450ms", "- {fail: p95 <= 450ms, step: GET /}"}, []result.Loosening{{Stages: both, Before: "p95 <= 450ms", After: "removed"}}},
		{"only warns", []string{"- p95 <= 450ms", "- warn: p95 <= 450ms"}, []result.Loosening{{Stages: both, Before: "p95 <= 450ms", After: "warn: p95 <= 450ms"}}},
		{"only warns, and a wider one fails", []string{"- p95 <= 450ms", "- warn: p95 <= 450ms\n  - p95 <= 2s"}, []result.Loosening{{Stages: both, Before: "p95 <= 450ms", After: "p95 <= 2s"}}},
		{"only shown", []string{"- p95 <= 450ms", "- show: p95"}, []result.Loosening{{Stages: both, Before: "p95 <= 450ms", After: "show: p95"}}},
		{"fails now", []string{"warn: p99 <= 720ms", "fail: p99 <= 720ms"}, nil},
		{"a warning is wider", []string{"warn: p99 <= 720ms", "warn: p99 <= 730ms"}, []result.Loosening{{Stages: []string{"steady"}, Before: "warn: p99 <= 720ms", After: "warn: p99 <= 730ms"}}},
		{"what is shown does not matter", []string{"  - show: p99.9\n", ""}, nil},
		{"one stage takes an own bound", []string{"duration: 30s}", "duration: 30s, objectives: [p95 <= 1s]}"}, []result.Loosening{{Stages: []string{"steady"}, Before: "p95 <= 450ms", After: "p95 <= 1s"}}},
		{"decided more leniently", []string{"decide: sure", "decide: measured"}, []result.Loosening{{Stages: both, Before: "max <= 5s, decide: sure", After: "max <= 5s"}}},
		{"lenient throughout", []string{"version: 1", "version: 1\ndecide: lenient"}, []result.Loosening{
			{Stages: both, Before: "p95 <= 450ms", After: "p95 <= 450ms, decide: lenient"},
			{Stages: both, Before: "success_rate >= 98%", After: "success_rate >= 98%, decide: lenient"},
			{Stages: []string{"steady"}, Before: "warn: p99 <= 720ms", After: "warn: p99 <= 720ms, decide: lenient"},
			{Stages: []string{"crowd"}, Before: "p99 <= 1s", After: "p99 <= 1s, decide: lenient"},
		}},
		{"a wider tolerance", []string{"+ 10% or + 5ms", "+ 20% or + 5ms"}, []result.Loosening{{Stages: both, Before: "p50 <= baseline + 10% or + 5ms", After: "p50 <= baseline + 20% or + 5ms"}}},
		{"one tolerance less", []string{"+ 10% or + 5ms", "+ 10%"}, nil},
		{"one tolerance more", []string{"or + 5ms", "or + 5ms or + 8ms"}, []result.Loosening{{Stages: both, Before: "p50 <= baseline + 10% or + 5ms", After: "p50 <= baseline + 10% or + 5ms or + 8ms"}}},
		{"not judged any more", []string{"rate: 100/s, duration: 30s", "rate: 100/s, duration: 30s, judge: false"}, []result.Loosening{{Stages: []string{"steady"}, Before: "judged", After: "not judged"}}},
		{"a stage is gone", []string{"name: crowd", "name: many"}, []result.Loosening{{Stages: []string{"crowd"}, Before: "the stage", After: "removed"}}},
		{"a stage that was not judged is gone", []string{"  - {name: warm-up, rate: 10/s, duration: 1s, judge: false}\n", ""}, nil},
		{"less load", []string{"rate: 100/s", "rate: 50/s", "requests: 1000, workers: 20", "requests: 1000, workers: 2"}, []result.Loosening{
			{Stages: []string{"steady"}, Before: "rate: 100/s, duration: 30s", After: "rate: 50/s, duration: 30s"},
			{Stages: []string{"crowd"}, Before: "requests: 1000, workers: 20", After: "requests: 1000, workers: 2"},
		}},
		{"shorter", []string{"duration: 30s", "duration: 1500ms"}, []result.Loosening{{Stages: []string{"steady"}, Before: "rate: 100/s, duration: 30s", After: "rate: 100/s, duration: 1.5s"}}},
		{"more load", []string{"rate: 100/s", "rate: 200/s", "requests: 1000, workers: 20", "requests: 2000, workers: 30"}, nil},
		{"workers that wait, in the place of a rate", []string{"rate: 100/s", "workers: 100"}, []result.Loosening{{Stages: []string{"steady"}, Before: "rate: 100/s, duration: 30s", After: "workers: 100, duration: 30s"}}},
		{"a check is gone", []string{"status == 200, ", ""}, []result.Loosening{{Before: "the check status == 200 of GET /", After: "removed"}}},
		{"a request is gone", []string{"GET /", "GET /health"}, []result.Loosening{{Before: "the request GET /", After: "removed"}}},
		{"a scenario has another name", []string{"name: home", "name: other"}, nil},
		{"errors are accepted", []string{"name: home", "name: home, accept: [2xx, 503]"}, []result.Loosening{{Before: "status 503 of GET / is an error", After: "accepted"}}},
		{"less is accepted", []string{"name: home", "name: home, accept: [200]"}, nil},
		{"the baseline decides less", []string{"{strict: on, required: on}", "{allow_mismatch: on}"}, []result.Loosening{
			{Before: "baseline: strict: true", After: "false"}, {Before: "baseline: required: true", After: "false"}, {Before: "baseline: allow_mismatch: false", After: "true"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base, head := parsed(t, looseBase), parsed(t, strings.NewReplacer(tt.edit...).Replace(looseBase))
			if len(tt.edit) > 0 && base.Digest == head.Digest {
				t.Fatal("the edit changes nothing")
			}
			if diff := cmp.Diff(tt.want, Loosened(base, head)); diff != "" {
				t.Errorf("loosened (-want +got):\n%s", diff)
			}
		})
	}
}

func parsed(t *testing.T, text string) *slo.File {
	t.Helper()
	file, err := slo.Parse([]byte(text), slo.Options{Path: "slo.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return file
}
