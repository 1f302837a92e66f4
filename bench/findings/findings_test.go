//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

func TestCasesAreValid(t *testing.T) {
	names := map[string]bool{}
	for _, c := range cases {
		if names[c.name] {
			t.Errorf("%s is there twice", c.name)
		}
		names[c.name] = true
		if _, err := slo.Parse([]byte(c.file("http://127.0.0.1:1")), slo.Options{Path: "slo.yaml"}); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if (c.service == "") == (c.pods == nil) {
			t.Errorf("%s needs a service or pods", c.name)
		}
		for part := range strings.SplitSeq(c.service, ",") {
			if name, _, _ := strings.Cut(part, "="); c.service != "" && builders[name] == nil {
				t.Errorf("%s: there is no behaviour %q", c.name, name)
			}
		}
	}
	if n := healthy(); n < 5 || len(cases) < 20 {
		t.Errorf("%d cases, %d of them healthy", len(cases), n)
	}
}

func TestValuesOfBehaviours(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"slots", "4x20ms", ""},
		{"slots", "4", "duration"},
		{"leak", "100kB", ""},
		{"leak", "much", "invalid syntax"},
		{"burst", "0.5/8s-12s", ""},
		{"burst", "0.5/8s", "duration"},
		{"stall", "400ms/4s", ""},
		{"sing", "", "no such behaviour"},
	} {
		err := (&service{}).add(tt.name, tt.value)
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s=%s: %v, want %q", tt.name, tt.value, err, tt.want)
		}
	}
}

// What is asked for and not found counts against recall, what is found and not
// asked for against precision.
func TestJudge(t *testing.T) {
	failing := &result.Run{Stages: []result.Stage{errorStage("a", 10, 0), errorStage("b", 20, 50)}}
	for _, tt := range []struct {
		name string
		testCase
		want map[string]tally
	}{
		{"asked for", testCase{want: []string{"errors"}}, map[string]tally{"errors": {found: 1, right: 1, hit: 1, wanted: 1}}},
		{"true too", testCase{also: []string{"errors"}}, map[string]tally{"errors": {found: 1, right: 1}}},
		{"wrong", testCase{}, map[string]tally{"errors": {found: 1}}},
		{"missed", testCase{want: []string{"errors", "outage"}}, map[string]tally{
			"errors": {found: 1, right: 1, hit: 1, wanted: 1}, "outage": {wanted: 1},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := judge(tt.testCase, []*result.Run{failing})
			if diff := cmp.Diff(tt.want, got.rules, cmp.AllowUnexported(tally{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func errorStage(name string, rate float64, failed int64) result.Stage {
	s := result.Stage{Name: name, Judged: true, State: result.Completed, Duration: 60e9}
	s.Workload = result.Workload{Model: "open", RateFrom: rate, RateTo: rate, Arrivals: "uniform"}
	s.Counters = result.Counters{Success: int64(60*rate) - failed, BadStatus: failed}
	var r result.Recorder
	for range s.Counters.Finished() {
		r.Record(10e6)
	}
	s.Response = r.Histogram()
	s.OK, s.Service, s.OnTime = s.Response, s.Response, s.Response
	return s
}
