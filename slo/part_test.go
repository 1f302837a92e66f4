package slo

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const shopFile = head + `scenarios:
  - {name: health, request: GET /health}
  - name: order
    weight: 3
    steps:
      - {name: search, request: GET /search}
      - pause: 10ms
      - {name: buy, request: POST /orders}
  - name: browse
    steps:
      - {name: search, request: GET /search}
`

// textsOf gives the objectives of a stage, as reports name them.
func textsOf(s Stage) []string {
	var texts []string
	for _, o := range s.Objectives {
		texts = append(texts, o.Text)
	}
	return texts
}

// An objective for each step stands once for each, and a stage's own one of a
// step takes the place of that step's.
func TestObjectivesOfSteps(t *testing.T) {
	file := parseText(t, shopFile+`stages:
  - {name: steady, rate: 50/s, duration: 60s}
  - {name: own, rate: 50/s, duration: 60s, objectives: [{warn: p99 <= 2s, step: buy, scenario: order}, p99 <= 3s]}
objectives:
  - {fail: p99 <= 1s, each: step}
  - {fail: p99 <= 1s, scenario: order, for: 10s}
  - success_rate >= 98%
`)
	for i, want := range [][]string{
		{
			"p99 <= 1s, step GET /health", "p99 <= 1s, step search of order", "p99 <= 1s, step buy", "p99 <= 1s, step search of browse",
			"p99 <= 1s, scenario order, for 10s", "success_rate >= 98%",
		},
		{
			"p99 <= 1s, step GET /health", "p99 <= 1s, step search of order", "p99 <= 1s, step search of browse",
			"p99 <= 1s, scenario order, for 10s", "success_rate >= 98%", "p99 <= 2s, step buy", "p99 <= 3s",
		},
	} {
		if diff := cmp.Diff(want, textsOf(file.Stages[i])); diff != "" {
			t.Errorf("stage %s (-want +got):\n%s", file.Stages[i].Name, diff)
		}
	}
	want := []Scope{{Step: "GET /health"}, {"order", "search"}, {Step: "buy"}, {"browse", "search"}, {Scenario: "order"}}
	if diff := cmp.Diff(want, file.Stages[0].Apart); diff != "" {
		t.Errorf("kept apart (-want +got):\n%s", diff)
	}
}

// What is only shown takes the place of what is shown, and of no bound, wherever
// it stands.
func TestShowRemovesNoBound(t *testing.T) {
	const text = head + oneGet + `stages:
  - {name: named, rate: 10/s, duration: 5s}
  - {name: own, rate: 10/s, duration: 5s, objectives: [show: p95, show: success_rate, p99 <= 2s]}
  - name: mixed
    objectives: [p50 <= 1s]
    parallel:
      - {name: a, rate: 10/s, duration: 5s, objectives: [show: p50]}
      - {name: b, rate: 10/s, duration: 5s}
objectives:
  - p95 <= 450ms
  - success_rate >= 98%
  - show: p99
  - {show: p95, stage: named}
profiles:
  shown: {objectives: [show: p95, show: success_rate, show: p99, {show: p99, stage: own}]}
`
	for profile, want := range map[string][]string{
		"": {
			"p95 <= 450ms, success_rate >= 98%, p99, p95",
			"p95 <= 450ms, success_rate >= 98%, p99, p95, success_rate, p99 <= 2s",
			"p95 <= 450ms, success_rate >= 98%, p99, p50, p50 <= 1s",
			"p95 <= 450ms, success_rate >= 98%, p99, p50 <= 1s",
		},
		"shown": {
			"p95 <= 450ms, success_rate >= 98%, success_rate, p99, p95",
			"p95 <= 450ms, success_rate >= 98%, p95, success_rate, p99 <= 2s, p99",
			"p95 <= 450ms, success_rate >= 98%, p95, success_rate, p99, p50, p50 <= 1s",
			"p95 <= 450ms, success_rate >= 98%, p95, success_rate, p99, p50 <= 1s",
		},
	} {
		opts := testOptions("slo.yaml")
		opts.Profile = profile
		file, err := Parse([]byte(text), opts)
		if err != nil {
			t.Errorf("%q: %s", profile, pretty(t, err))
			continue
		}
		var got []string
		for _, s := range file.Stages {
			got = append(got, strings.Join(textsOf(s), ", "))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("profile %q (-want +got):\n%s", profile, diff)
		}
	}
}

// An objective on what only some steps give is for the stages that load such a
// step.
func TestObjectivesOfWhatStepsGive(t *testing.T) {
	file := parseText(t, head+`scenarios:
  - name: browse
    steps: [{name: list, request: GET /a, measure: {id: $.id}}, {name: show, request: GET /b}]
  - {name: order, request: POST /b}
  - {name: follow, request: GET /events, stream: lines}
  - {name: chat, websocket: /chat, messages: [{send: a, expect: events > 0}]}
stages:
  - {name: browsers, rate: 10/s, duration: 5s, scenarios: [browse]}
  - {name: buyers, rate: 10/s, duration: 5s, scenarios: [order]}
  - {name: followers, rate: 10/s, duration: 5s, scenarios: [follow]}
  - {name: chats, rate: 10/s, duration: 5s, scenarios: [chat, order]}
  - {name: all, rate: 10/s, duration: 5s}
objectives:
  - success_rate >= 98%
  - measure.id.mean >= 5
  - {fail: measure.id.max <= 9, each: step}
  - first_event.p50 <= 1s
  - round_trip.p50 <= 1s
  - events >= 1
`)
	for i, want := range []string{
		"success_rate >= 98%, measure.id.mean >= 5, measure.id.max <= 9, step list",
		"success_rate >= 98%",
		"success_rate >= 98%, first_event.p50 <= 1s, events >= 1",
		"success_rate >= 98%, first_event.p50 <= 1s, round_trip.p50 <= 1s, events >= 1",
		"success_rate >= 98%, measure.id.mean >= 5, measure.id.max <= 9, step list, first_event.p50 <= 1s, round_trip.p50 <= 1s, events >= 1",
	} {
		if got := strings.Join(textsOf(file.Stages[i]), ", "); got != want {
			t.Errorf("stage %s has %s, want %s", file.Stages[i].Name, got, want)
		}
	}
}

// An objective of a part of the requests or of the time leaves the one on
// success in its place, and file-wide decide does not reach a window.
func TestScopeOfSuccess(t *testing.T) {
	file := parseText(t, shopFile+`decide: sure
stages:
  - {name: steady, rate: 50/s, duration: 60s}
objectives:
  - {fail: success_rate >= 98%, step: buy}
  - {fail: p95 <= 1s, for: 10s}
`)
	objectives := file.Stages[0].Objectives
	if last := objectives[len(objectives)-1]; !last.Implicit || last.Scope != (Scope{}) {
		t.Errorf("the last objective is %+v, want the one that is added", last)
	}
	if o := objectives[1]; o.Decide != "" || o.Window != 10*time.Second {
		t.Errorf("decide is %q for a window of %v", o.Decide, o.Window)
	}
}

func TestTooManyStepObjectives(t *testing.T) {
	var src strings.Builder
	src.WriteString(head + "scenarios:\n  - name: long\n    steps:\n")
	for range 150 {
		src.WriteString("      - {request: GET /a}\n")
	}
	src.WriteString("stages: [{name: a, rate: 1/s, duration: 5s}]\nobjectives:\n")
	for range 4 {
		src.WriteString("  - {fail: p50 <= 1s, each: step}\n")
	}
	_, err := Parse([]byte(src.String()), testOptions("slo.yaml"))
	if err == nil || !strings.Contains(err.Error(), "slo.yaml:161:5: SLO018: with each step there are more than 500 objectives") {
		t.Errorf("Parse: %v", err)
	}
}

func TestPerIteration(t *testing.T) {
	file := parseText(t, shopFile+oneStage)
	for scope, want := range map[Scope]float64{
		{}:                                   8.0 / 5,
		{Scenario: "order"}:                  6.0 / 5,
		{Step: "search"}:                     4.0 / 5,
		{Scenario: "browse", Step: "search"}: 1.0 / 5,
		{Step: "GET /health"}:                1.0 / 5,
	} {
		if got := file.PerIteration(scope); got != want {
			t.Errorf("PerIteration(%+v) = %v, want %v", scope, got, want)
		}
	}
	// Of a stage that loads some of the scenarios, those alone count.
	if got := file.In(Stage{Scenarios: []string{"order"}}).PerIteration(Scope{}); got != 2 {
		t.Errorf("of the stage with order alone: %v, want 2", got)
	}
}

// What is planned of a stage follows from its scenarios and its load.
func TestPlannedOfAStage(t *testing.T) {
	file := parseText(t, head+`
scenarios:
  - {name: look, weight: 3, request: GET /}
  - name: buy
    start: [{request: GET /a}, {pause: 1s}, {request: POST /login}]
    steps: [{request: GET /list}, {repeat: 4, steps: [{name: put, request: POST /put}]}]
stages:
  - {name: mixed, rate: 10/s..30/s, duration: 10s}
  - {name: buy, rate: 10/s, duration: 10s, arrivals: poisson, scenarios: [buy]}
  - {name: counted, requests: 80, workers: 4}
  - {name: endless, workers: 4, duration: 10s}
`)
	if got := file.PerStart(); got != 0.5 {
		t.Errorf("a user begins with %v requests on average, want 2 of every fourth scenario", got)
	}
	objective := func(text string, scope Scope, window time.Duration) Objective {
		o, err := ParseObjective(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Scope, o.Window = scope, window
		return o
	}
	all, put := objective("p95 <= 1s", Scope{}, 0), objective("p95 <= 1s", Scope{Step: "put"}, 0)
	passes := objective("iteration.p95 <= 1s", Scope{Scenario: "buy"}, 0)
	window := objective("p95 <= 1s", Scope{}, 2*time.Second)
	type plan struct {
		requests                    int64 // 0: not known
		longest                     int
		most                        int64 // iterations; 0: not known
		all, put, passes, oneWindow float64
	}
	for i, want := range []plan{
		{0, 5, 200, 400, 200, 50, 48}, // each fourth iteration has five requests, four of them put; the first window 24 arrivals
		{500, 5, 160, 500, 400, 100, 100},
		{80, 5, 84, 80, 40, 10, 0},
		{0, 5, 0, 0, 0, 0, 0},
	} {
		s := file.Stages[i]
		var got plan
		got.requests, _ = file.Requests(s)
		got.longest = s.Longest
		if most, known := s.MostIterations(); known {
			got.most = most
		}
		got.all, _ = file.Expected(all, s)
		got.put, _ = file.Expected(put, s)
		got.passes, _ = file.Expected(passes, s)
		got.oneWindow, _ = file.Expected(window, s)
		if got != want {
			t.Errorf("%s: %+v, want %+v", s.Name, got, want)
		}
	}
}

// The slices of a stage and of a step are never fewer than an interval needs
// nor, of a step, more than a result should hold.
func TestSliceWidths(t *testing.T) {
	for planned := 100 * time.Millisecond; planned <= 24*time.Hour; planned += planned / 7 {
		whole, step := SliceWidth(planned), StepSliceWidth(planned)
		if step < whole || step > planned/15 || int64(planned/step) > StepSliceCount {
			t.Errorf("a stage of %v has slices of %v, its steps of %v", planned, whole, step)
		}
	}
	for planned, want := range map[time.Duration]time.Duration{
		8 * time.Second: 500 * time.Millisecond, 16 * time.Second: time.Second, 2 * time.Minute: time.Second,
		121 * time.Second: 2 * time.Second, 10 * time.Minute: 5 * time.Second, time.Hour: 30 * time.Second,
	} {
		if got := StepSliceWidth(planned); got != want {
			t.Errorf("StepSliceWidth(%v) = %v, want %v", planned, got, want)
		}
	}
}
