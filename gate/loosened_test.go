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
		{"a baseline of its own", []string{"{strict: on, required: on}", "{strict: on, required: on, files: mine.json}"}, []result.Loosening{{Before: "baseline: files: none", After: "mine.json"}}},
		{"itself for a baseline", []string{"{strict: on, required: on}", "{strict: on, required: on, base_target: 'http://localhost'}"}, []result.Loosening{{Before: "baseline: base_target: none", After: "http://localhost"}}},
		{"reached is enough", []string{"p95 <= 450ms", "p95 < 450ms"}, nil},
		{"ended by its requests", []string{"duration: 30s", "requests: 1", "rate: 100/s", "workers: 100"}, []result.Loosening{{Stages: []string{"steady"}, Before: "rate: 100/s, duration: 30s", After: "requests: 1, workers: 100"}}},
		{"another check", []string{"latency < 2s", "latency < 3s"}, []result.Loosening{{Before: "the check latency < 2s of GET /", After: "latency < 3s"}}},
		{"one check more", []string{"latency < 2s", "latency < 2s, size > 10"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) { checkLoosened(t, looseBase, tt.edit, tt.want) })
	}
}

func checkLoosened(t *testing.T, text string, edit []string, want []result.Loosening) {
	t.Helper()
	base, head := parsed(t, text), parsed(t, strings.NewReplacer(edit...).Replace(text))
	if len(edit) > 0 && base.Digest == head.Digest {
		t.Fatal("the edit changes nothing")
	}
	if diff := cmp.Diff(want, Loosened(base, head)); diff != "" {
		t.Errorf("loosened (-want +got):\n%s", diff)
	}
}

const looseShop = `version: 1
target: http://localhost
confirm: off
limits: {rate: 5000/s}
baseline: {files: [a.json, b.json], ref: v1.json, last: 10, max_age: 30d, schedule: alternate, max: 60s}
scenarios:
  - name: buy
    weight: 3
    steps:
      - {name: list, request: 'GET /list?all=1', timeout: 2s}
      - pause: 100ms
      - {repeat: 10, steps: [{name: order, request: POST /orders, body: x}]}
  - {name: look, request: GET /look}
stages:
  - {name: steady, rate: 100/s, duration: 30s, arrivals: poisson, idle_before: 10s}
  - {name: crowd, duration: 30s, workers: 20}
objectives:
  - {fail: p95 <= 450ms, for: 5s}
  - {fail: errors < 5, abort: true, grace: 5s}
`

// listed is what a change loosens where it is one thing.
func listed(before, after string, stages ...string) []result.Loosening {
	return []result.Loosening{{Stages: stages, Before: before, After: after}}
}

func TestLoosenedLoadAndBaseline(t *testing.T) {
	both := []string{"steady", "crowd"}
	for _, tt := range []struct {
		name string
		edit []string
		want []result.Loosening
	}{
		{"nothing", nil, nil},
		{"another target", []string{"http://localhost", "http://localhost:81"}, listed("target: http://localhost", "http://localhost:81")},
		{"a second chance", []string{"confirm: off", "confirm: on"}, listed("confirm: off", "on")},
		{"held back", []string{"rate: 5000/s", "rate: 4000/s"}, listed("limits: rate: 5000/s", "4000/s, which holds workers back")},
		{"held back less", []string{"rate: 5000/s", "rate: 6000/s"}, nil},
		{"evenly", []string{", arrivals: poisson", ""}, listed("rate: 100/s, arrivals: poisson, duration: 30s", "rate: 100/s, duration: 30s", "steady")},
		{"no idle time", []string{", idle_before: 10s", ""}, listed("idle_before: 10s", "none", "steady")},
		{"loaded when dead", []string{"workers: 20", "workers: 20, stop_on_dead: off"}, listed("stop_on_dead: on", "off", "crowd")},
		{"requests for a time", []string{"duration: 30s, workers", "requests: 10, workers"}, listed("workers: 20, duration: 30s", "requests: 10, workers: 20", "crowd")},
		{"a lighter mixture", []string{"weight: 3", "weight: 1"}, listed("iterations of buy: 75 %", "50 %", both...)},
		{"a light scenario beside", []string{"  - {name: look,", "  - {name: ping, weight: 16, request: GET /ping}\n  - {name: look,"}, []result.Loosening{
			{Stages: both, Before: "iterations of buy: 75 %", After: "15 %"}, {Stages: both, Before: "iterations of look: 25 %", After: "5 %"},
		}},
		{"one scenario in a stage", []string{"workers: 20", "workers: 20, scenarios: [look]"}, listed("loaded with buy", "not loaded with it", "crowd")},
		{"a scenario is gone", []string{"  - {name: look, request: GET /look}\n", ""}, listed("the request GET /look", "removed")},
		{"fewer repetitions", []string{"repeat: 10", "repeat: 2"}, listed("order in an iteration of buy: 10 times", "2")},
		{"more repetitions", []string{"repeat: 10", "repeat: 12"}, nil},
		{"longer pauses", []string{"pause: 100ms", "pause: 1s..3s"}, listed("pauses in an iteration of buy: 100ms", "2s")},
		{"shorter pauses", []string{"pause: 100ms", "pause: 10ms"}, nil},
		{"another path", []string{"'GET /list?all=1'", "GET /health"}, listed("list requests GET /list", "GET /health")},
		{"another query", []string{"?all=1", "?all=0"}, listed("the query of list", "another one")},
		{"another body", []string{"body: x", "body: y"}, listed("the body of order", "another one")},
		{"without a body", []string{", body: x", ""}, listed("the body of order", "removed")},
		{"more time", []string{"timeout: 2s", "timeout: 5s"}, listed("timeout of list: 2s", "5s")},
		{"less time", []string{"timeout: 2s", "timeout: 1s"}, nil},
		{"failures do not matter", []string{"timeout: 2s", "timeout: 2s, on_fail: continue"}, listed("on_fail of list: stop", "continue")},
		{"one baseline less", []string{", b.json", ""}, listed("baseline: files: a.json, b.json", "a.json")},
		{"one baseline more", []string{", b.json", ", b.json, c.json"}, listed("baseline: files: a.json, b.json", "a.json, b.json, c.json")},
		{"the baselines in another order", []string{"a.json, b.json", "b.json, a.json"}, nil},
		{"a service of its own to compare with", []string{"ref: v1.json,", "ref: v1.json, base_target: 'http://localhost:9',"}, listed("baseline: base_target: none", "http://localhost:9")},
		{"other results", []string{"files: [a.json, b.json]", "branch: old"}, []result.Loosening{
			{Before: "baseline: files: a.json, b.json", After: "removed"}, {Before: "baseline: branch: the default one", After: "old"},
		}},
		{"no pinned result", []string{"ref: v1.json, ", ""}, listed("baseline: ref: v1.json", "removed")},
		{"fewer results", []string{"last: 10", "last: 2", "max_age: 30d", "max_age: 1d"}, []result.Loosening{
			{Before: "baseline: last: 10", After: "2"}, {Before: "baseline: max_age: 30d", After: "1d"},
		}},
		{"shorter comparisons, mixed", []string{"schedule: alternate, max: 60s", "schedule: mixed, max: 50s"}, []result.Loosening{
			{Before: "baseline: max: 1m", After: "50s"}, {Before: "baseline: schedule: alternate", After: "mixed"},
		}},
		{"nothing to compare with", []string{"{files: [a.json, b.json], ref: v1.json, last: 10, max_age: 30d, schedule: alternate, max: 60s}", "none"}, listed("baseline", "none")},
		{"longer windows", []string{"for: 5s", "for: 10s"}, listed("p95 <= 450ms, for 5s", "p95 <= 450ms, for 10s", both...)},
		{"windows that make up those", []string{"for: 5s", "for: 1s"}, nil},
		{"windows that do not", []string{"for: 5s", "for: 2s"}, listed("p95 <= 450ms, for 5s", "p95 <= 450ms, for 2s", both...)},
		{"one more", []string{"errors < 5", "errors <= 5"}, listed("errors < 5, abort, grace: 5s", "errors <= 5, abort, grace: 5s", both...)},
		{"goes on", []string{", abort: true, grace: 5s", ""}, listed("errors < 5, abort, grace: 5s", "errors < 5", both...)},
		{"stops later", []string{"grace: 5s", "grace: 8s"}, listed("errors < 5, abort, grace: 5s", "errors < 5, abort, grace: 8s", both...)},
		{"only when it is lost", []string{", grace: 5s", ""}, listed("errors < 5, abort, grace: 5s", "errors < 5, abort", both...)},
		{"stops earlier", []string{"grace: 5s", "grace: 2s"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) { checkLoosened(t, looseShop, tt.edit, tt.want) })
	}
}

// The success that a file asks for without saying so can be replaced, and
// another objective may stand for it.
func TestLoosenedImplicitSuccess(t *testing.T) {
	const text = `version: 1
target: http://localhost
scenarios: [{request: GET /}]
stages: [{name: steady, rate: 100/s, duration: 30s}]
objectives: [p95 <= 450ms]
`
	add := func(objective string) []string { return []string{"p95 <= 450ms", "p95 <= 450ms, " + objective} }
	const implicit = "warn: success_rate >= 99%"
	for _, tt := range []struct {
		objective string
		want      string // what stands in the place of the implicit one; empty: nothing is loosened
	}{
		{"success_rate >= 50%", "success_rate >= 50%"},
		{"success_rate >= 99%", ""},
		{"{warn: success_rate >= 99.9%}", ""},
		{"error_rate <= 1%", ""},
		{"error_rate <= 2%", "removed"},
		{"errors <= 0", ""},
		{"errors <= 100", "removed"},
	} {
		var want []result.Loosening
		if tt.want != "" {
			want = []result.Loosening{{Stages: []string{"steady"}, Before: implicit, After: tt.want}}
		}
		t.Run(tt.objective, func(t *testing.T) { checkLoosened(t, text, add(tt.objective), want) })
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
