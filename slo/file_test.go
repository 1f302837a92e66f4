package slo

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// ignorePlaces leaves positions and compiled programs out of a comparison.
var ignorePlaces = cmp.Options{cmpopts.IgnoreTypes(Pos{}), cmpopts.IgnoreUnexported(Check{})}

// parseText reads a file that must be right. head is put before it.
func parseText(t *testing.T, text string) *File {
	t.Helper()
	file, err := Parse([]byte(text), testOptions("slo.yaml"))
	if err != nil {
		t.Fatalf("Parse:\n%s\n%s", text, pretty(t, err))
	}
	return file
}

const (
	head     = "version: 1\ntarget: http://localhost:8000\n"
	oneGet   = "scenarios: [{request: GET /}]\n"
	oneStage = "stages: [{name: steady, rate: 10/s, duration: 5s}]\n"
)

func TestParseFile(t *testing.T) {
	got := parseText(t, `version: 1
target: https://Example.com:8443/
http: {timeout: 5s, headers: {authorization: "Bearer ${secret.API_TOKEN}", x-a: file}}
wait_for: {request: get /health, headers: {x-a: wait}}
scenarios:
  - request: GET /a?b=c
  - name: shop
    weight: 3
    steps:
      - {request: GET /a, checks: [status == 200], timeout: 1s}
      - pause: 100ms..500ms
      - {request: GET /a, headers: {X-A: step}, accept: [200, 5xx]}
      - {name: order, request: POST /order, json: {n: 1}}
stages:
  - {name: steady, rate: 10/s, duration: 5s, idle_before: 2s, stop_on_dead: off, judge: false}
  - {name: closed, workers: 0..5, duration: 1m}
objectives: [p95 <= 450ms, success_rate >= 98%]
`)
	auth := Header{Name: "Authorization", Value: Template{{Literal: "Bearer s3cr3t"}}}
	header := func(name, value string) Header { return Header{Name: name, Value: Template{{Literal: value}}} }
	usual := []StatusRange{{200, 399}}
	path := func(s string) Template { return Template{{Literal: s}} }
	want := &File{
		Path: "slo.yaml", Digest: got.Digest, Name: "slo", Target: "https://Example.com:8443",
		HTTP: HTTP{Timeout: 5 * time.Second, Headers: []Header{auth, header("X-A", "file")}, Protocol: AutoProtocol, Streams: 100},
		WaitFor: &WaitFor{Timeout: time.Minute, Request: Request{
			Name: "GET /health", Written: "GET /health", Method: "GET", Path: path("/health"), Headers: []Header{auth, header("X-A", "wait")},
			Timeout: 5 * time.Second, Accept: usual,
		}},
		Scenarios: []Scenario{
			{Name: "GET /a", Weight: 1, Steps: []Step{{Request: &Request{
				Name: "GET /a", Written: "GET /a", Method: "GET", Path: path("/a?b=c"), Headers: []Header{auth, header("X-A", "file")},
				Timeout: 5 * time.Second, Accept: usual,
			}}}},
			{Name: "shop", Weight: 3, Steps: []Step{
				{Request: &Request{
					Name: "GET /a", Written: "GET /a", Method: "GET", Path: path("/a"), Headers: []Header{auth, header("X-A", "file")},
					Timeout: time.Second, Accept: usual, Checks: []Check{{Text: "status == 200"}},
				}},
				{Pause: Pause{Min: 100 * time.Millisecond, Max: 500 * time.Millisecond}},
				{Request: &Request{
					Name: "GET /a #2", Written: "GET /a", Method: "GET", Path: path("/a"), Headers: []Header{auth, header("X-A", "step")},
					Timeout: 5 * time.Second, Accept: []StatusRange{{200, 200}, {500, 599}},
				}},
				{Request: &Request{
					Name: "order", Written: "POST /order", Method: "POST", Path: path("/order"),
					Headers: []Header{auth, header("X-A", "file"), header("Content-Type", "application/json")},
					Body:    Template{{Literal: `{"n":1}`}}, Timeout: 5 * time.Second, Accept: usual,
				}},
			}},
		},
		Baseline: Baseline{Last: 20, MaxAge: 90 * 24 * time.Hour, Schedule: Alternate, Max: 3 * time.Minute},
		Confirm:  true,
		Stages: []Stage{
			{
				Name: "steady", Workload: Workload{Model: Open, Duration: 5 * time.Second, RateFrom: 10, RateTo: 10, Arrivals: Uniform, Pacing: AutoPacing},
				IdleBefore: 2 * time.Second, Longest: 3,
			},
			{
				Name: "closed", Workload: Workload{Model: Closed, Duration: time.Minute, WorkersTo: 5}, Judge: true, StopOnDead: true, Longest: 3,
				Objectives: []Objective{
					{Text: "p95 <= 450ms", Indicator: Indicator{Kind: Percentile, Quantile: Quantile{19, 20}}, Cmp: LE, Bound: 450_000, Severity: Fail},
					{Text: "success_rate >= 98%", Indicator: Indicator{Kind: SuccessRate}, Cmp: GE, Bound: 0.98, Severity: Fail},
				},
			},
		},
		Secrets: []string{"s3cr3t"},
	}
	if diff := cmp.Diff(want, got, ignorePlaces); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

func TestParseDefaults(t *testing.T) {
	got := parseText(t, head+oneGet+oneStage)
	if got.HTTP.Timeout != 10*time.Second || got.WaitFor != nil || got.Name != "slo" {
		t.Errorf("got timeout %v, wait_for %v, name %q", got.HTTP.Timeout, got.WaitFor, got.Name)
	}
	if len(got.Digest) != len("sha256:")+64 {
		t.Errorf("digest is %q", got.Digest)
	}
	for path, want := range map[string]string{"": "slo", "-": "slo", "perf/iris.slo.yaml": "iris.slo", ".yaml": "slo", "a": "a"} {
		if name := nameOf(path); name != want {
			t.Errorf("nameOf(%q) = %q, want %q", path, name, want)
		}
	}
}

func TestParsePositions(t *testing.T) {
	got := parseText(t, `version: 1
target: http://localhost:8000
scenarios:
  - request: GET /
    headers: {x-a: 1}
    checks:
      - status == 200
stages:
  - name: steady
    rate: 10/s
    duration: 5s
objectives:
  - p95 <= 450ms
  - warn: p99 <= 1s
`)
	r := got.Scenarios[0].Steps[0].Request
	objectives := got.Stages[0].Objectives
	want := []Pos{{4, 5}, {4, 14}, {5, 15}, {7, 9}, {9, 5}, {13, 5}, {14, 11}, {}}
	places := []Pos{
		got.Scenarios[0].Pos, r.Pos, r.Headers[0].Pos, r.Checks[0].Pos, got.Stages[0].Pos,
		objectives[0].Pos, objectives[1].Pos, objectives[2].Pos,
	}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("positions (-want +got):\n%s", diff)
	}
}

func TestParseTargetOption(t *testing.T) {
	src := []byte("version: 1\ntarget: ${env.UNSET}\n" + oneGet + oneStage)
	opts := testOptions("slo.yaml")
	opts.Target = "http://127.0.0.1:9000"
	got, err := Parse(src, opts)
	if err != nil {
		t.Fatalf("the target of the file is looked at: %v", err)
	}
	if got.Target != opts.Target {
		t.Errorf("target is %q, want %q", got.Target, opts.Target)
	}
	opts.Target = "127.0.0.1:9000"
	_, err = Parse(src, opts)
	if want := `SLO030: the target that overrides the file's: the target "127.0.0.1:9000" has no scheme`; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestParseWithoutEnvironment(t *testing.T) {
	_, err := Parse([]byte("version: 1\ntarget: ${env.HOME}\n"+oneGet+oneStage), Options{Path: "slo.yaml"})
	if want := "slo.yaml:2:9: SLO052: the environment variable HOME is not set"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestStaircase(t *testing.T) {
	got := parseText(t, head+oneGet+`stages:
  - {name: stairs, rate: [50/s, 30/m], duration: 30s}
  - {name: crowd, workers: [5, 10], requests: 100}
  - {name: ramp, rate: 0/s..600/m, duration: 30s, arrivals: poisson}
`)
	var names []string
	var loads []Workload
	for _, s := range got.Stages {
		names, loads = append(names, s.Name), append(loads, s.Workload)
	}
	if diff := cmp.Diff([]string{"stairs/50", "stairs/0.5", "crowd/5", "crowd/10", "ramp"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	want := []Workload{
		{Model: Open, Duration: 30 * time.Second, RateFrom: 50, RateTo: 50, Arrivals: Uniform, Pacing: AutoPacing},
		{Model: Open, Duration: 30 * time.Second, RateFrom: 0.5, RateTo: 0.5, Arrivals: Uniform, Pacing: AutoPacing},
		{Model: Closed, Requests: 100, WorkersFrom: 5, WorkersTo: 5},
		{Model: Closed, Requests: 100, WorkersFrom: 10, WorkersTo: 10},
		{Model: Open, Duration: 30 * time.Second, RateTo: 10, Arrivals: Poisson, Pacing: AutoPacing},
	}
	if diff := cmp.Diff(want, loads); diff != "" {
		t.Errorf("loads (-want +got):\n%s", diff)
	}
}

func TestObjectivesOfStages(t *testing.T) {
	for name, c := range map[string]struct {
		stages, objectives string
		want               map[string][]string // by stage: severity, text, + when implicit
	}{
		"implicit": {
			stages:     "[{name: a, rate: 10/s, duration: 5s}]",
			objectives: "[p95 <= 1s]",
			want:       map[string][]string{"a": {"fail p95 <= 1s", "warn success_rate >= 99% +"}},
		},
		"shown success is not judged": {
			stages:     "[{name: a, rate: 10/s, duration: 5s}]",
			objectives: "[{show: success_rate}]",
			want:       map[string][]string{"a": {"show success_rate", "warn success_rate >= 99% +"}},
		},
		"errors are success": {
			stages:     "[{name: a, rate: 10/s, duration: 5s}]",
			objectives: "[errors <= 0]",
			want:       map[string][]string{"a": {"fail errors <= 0"}},
		},
		"not judged": {
			stages:     "[{name: warm-up, rate: 10/s, duration: 5s, judge: false}, {name: a, rate: 10/s, duration: 5s}]",
			objectives: "[error_rate <= 1%]",
			want:       map[string][]string{"warm-up": nil, "a": {"fail error_rate <= 1%"}},
		},
		"a stage's replace and add": {
			stages:     "[{name: a, rate: 10/s, duration: 5s, objectives: [{warn: p95 <= 2s}, max <= 5s]}, {name: b, rate: 10/s, duration: 5s}]",
			objectives: "[p95 <= 1s, {warn: p95 <= 900ms}, ok.p95 <= 1s, error_rate <= 1%]",
			want: map[string][]string{
				"a": {"fail ok.p95 <= 1s", "fail error_rate <= 1%", "warn p95 <= 2s", "fail max <= 5s"},
				"b": {"fail p95 <= 1s", "warn p95 <= 900ms", "fail ok.p95 <= 1s", "fail error_rate <= 1%"},
			},
		},
		"stage key": {
			stages:     "[{name: stairs, rate: [10/s, 20/s], duration: 5s}, {name: b, rate: 10/s, duration: 5s}]",
			objectives: "[p95.0 <= 1s, error_rate <= 1%, {fail: p95 <= 2s, stage: stairs}, {fail: p99 <= 3s, stage: stairs/20}]",
			want: map[string][]string{
				"stairs/10": {"fail error_rate <= 1%", "fail p95 <= 2s"},
				"stairs/20": {"fail error_rate <= 1%", "fail p95 <= 2s", "fail p99 <= 3s"},
				"b":         {"fail p95.0 <= 1s", "fail error_rate <= 1%"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := parseText(t, head+oneGet+"stages: "+c.stages+"\nobjectives: "+c.objectives+"\n")
			got := map[string][]string{}
			for _, s := range file.Stages {
				got[s.Name] = nil
				for _, o := range s.Objectives {
					text := string(o.Severity) + " " + o.Text
					if o.Implicit {
						text += " +"
					}
					got[s.Name] = append(got[s.Name], text)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("objectives (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAbort(t *testing.T) {
	file := parseText(t, head+oneGet+oneStage+"objectives: [{fail: success_rate >= 50%, abort: true, grace: 10s, stage: steady}]\n")
	want := []Objective{{
		Text: "success_rate >= 50%", Indicator: Indicator{Kind: SuccessRate}, Cmp: GE, Bound: 0.5,
		Severity: Fail, Stage: "steady", Abort: true, Grace: 10 * time.Second,
	}}
	if diff := cmp.Diff(want, file.Stages[0].Objectives, ignorePlaces); diff != "" {
		t.Errorf("objectives (-want +got):\n%s", diff)
	}
}
