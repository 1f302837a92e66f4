package slo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const profiled = head + oneGet + `
stages:
  - {name: warm-up, rate: 10/s, duration: 5s, judge: false}
  - {name: normal, rate: 10/s, duration: 5s, objectives: [p99 <= 9s]}
  - {name: stairs, rate: [20/s, 30/s], duration: 1h}
objectives:
  - p95 <= 1s
  - p99 <= 2s
  - {fail: throughput >= 5/s, stage: normal}
profiles:
  smoke:
    stages: [normal, warm-up, stairs/30]
    objectives: [p95 <= 3s, p99 <= 4s, throughput >= 1/s, errors <= 0]
  strict:
    stages: [normal]
    objectives: [{fail: p99 <= 5s, stage: normal}, {fail: throughput >= 9/s, stage: normal}]
  full: {}
`

func TestProfile(t *testing.T) {
	for name, want := range map[string][]string{
		"": {
			"warm-up:", "normal: p95 <= 1s, p99 <= 9s, throughput >= 5/s, success_rate >= 99%",
			"stairs/20: p95 <= 1s, p99 <= 2s, success_rate >= 99%", "stairs/30: p95 <= 1s, p99 <= 2s, success_rate >= 99%",
		},
		"smoke": {
			"warm-up:", "normal: p95 <= 3s, errors <= 0, p99 <= 9s, throughput >= 5/s",
			"stairs/30: p95 <= 3s, p99 <= 4s, throughput >= 1/s, errors <= 0",
		},
		"strict": {"normal: p95 <= 1s, p99 <= 5s, throughput >= 9/s, success_rate >= 99%"},
	} {
		opts := testOptions("slo.yaml")
		opts.Profile = name
		file, err := Parse([]byte(profiled), opts)
		if err != nil {
			t.Errorf("%q: %s", name, pretty(t, err))
			continue
		}
		var got []string
		for _, s := range file.Stages {
			got = append(got, strings.TrimSpace(s.Name+": "+strings.Join(textsOf(s), ", ")))
		}
		if diff := cmp.Diff(want, got); diff != "" || file.Profile != name {
			t.Errorf("profile %q, file has %q (-want +got):\n%s", name, file.Profile, diff)
		}
	}
}

// What a stage loads that the profile leaves out is no fault of an objective;
// with all stages loaded it is, whether one of them is parallel or not.
func TestProfileLeavesLoadedStagesOut(t *testing.T) {
	const text = head + `scenarios:
  - {name: browse, request: GET /}
  - {name: admin, request: GET /admin}
  - {name: rare, request: GET /rare}
stages:
  - name: mixed
    parallel:
      - {name: a, rate: 10/s, duration: 5s, scenarios: [browse]}
      - {name: b, rate: 10/s, duration: 5s, scenarios: [browse]}
  - {name: admins, rate: 10/s, duration: 5s, scenarios: [admin]}
profiles: {smoke: {stages: [mixed]}, full: {}}
`
	for _, test := range []struct {
		profile, scenario string
		want              Code
	}{
		{"", "admin", ""},
		{"smoke", "admin", ""},
		{"full", "admin", ""},
		{"", "rare", CodeUnloaded},
		{"smoke", "rare", ""},
		{"full", "rare", CodeUnloaded},
	} {
		opts := testOptions("slo.yaml")
		opts.Profile = test.profile
		_, err := Parse([]byte(text+"objectives: [{fail: p95 <= 2s, scenario: "+test.scenario+"}]\n"), opts)
		if codeOf(err) != test.want || (err == nil) != (test.want == "") {
			t.Errorf("profile %q, scenario %s: %v, want %q", test.profile, test.scenario, err, test.want)
		}
	}
}

// Limits are for what is loaded: the whole file takes two hours.
func TestProfileWithinLimits(t *testing.T) {
	for profile, want := range map[string]Code{"": CodeLimit, "full": CodeLimit, "strict": ""} {
		opts := testOptions("slo.yaml")
		opts.Profile = profile
		opts.Limits.Duration = 60e9
		if _, err := Parse([]byte(profiled), opts); codeOf(err) != want {
			t.Errorf("%q: %v, want %q", profile, err, want)
		}
	}
}

func TestUnknownProfile(t *testing.T) {
	for text, want := range map[string]string{
		profiled:                 "slo.yaml: SLO120: there is no profile \"smokey\", did you mean \"smoke\"?\nhint: the profiles are smoke, strict, full\n",
		head + oneGet + oneStage: "slo.yaml: SLO120: there is no profile \"smokey\"\nhint: the file has none: profiles: {smoke: {stages: [normal]}, full: {}}\n",
	} {
		opts := testOptions("slo.yaml")
		opts.Profile = "smokey"
		_, err := Parse([]byte(text), opts)
		if err == nil || pretty(t, err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// codeOf gives the code of a single error.
func codeOf(err error) Code {
	list, ok := err.(ErrorList)
	if !ok || len(list) != 1 {
		return ""
	}
	return list[0].Code
}
