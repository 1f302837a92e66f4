package action

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestInputs(t *testing.T) {
	defaults := Inputs{Config: "slo.yaml", Out: "slogate-out", Gate: "enforce", OnInconclusive: "auto", Network: "auto", Mode: "run", ObjectivesFrom: "head", Comment: "always", Charts: true, Shards: []string{"shards"}}
	with := func(change func(*Inputs)) Inputs {
		in := defaults
		change(&in)
		return in
	}
	for name, tt := range map[string]struct {
		env  map[string]string
		want Inputs
	}{
		"none":               {nil, defaults},
		"blank":              {map[string]string{"INPUT_CONFIG": "  ", "INPUT_GATE": "", "INPUT_SEED": "\n"}, defaults},
		"trimmed":            {map[string]string{"INPUT_CONFIG": " a/slo.yaml\n"}, with(func(in *Inputs) { in.Config = "a/slo.yaml" })},
		"with a dash":        {map[string]string{"INPUT_ON-INCONCLUSIVE": "warn"}, with(func(in *Inputs) { in.OnInconclusive = "warn" })},
		"with an underscore": {map[string]string{"INPUT_ON_INCONCLUSIVE": "warn"}, with(func(in *Inputs) { in.OnInconclusive = "warn" })},
		"the dash wins": {
			map[string]string{"INPUT_ON-INCONCLUSIVE": "fail", "INPUT_ON_INCONCLUSIVE": "warn"},
			with(func(in *Inputs) { in.OnInconclusive = "fail" }),
		},
		"all": {
			map[string]string{
				"INPUT_CONFIG": "a.yaml", "INPUT_TARGET": "http://api:8080", "INPUT_OUT": "o", "INPUT_GATE": "report",
				"INPUT_ON-INCONCLUSIVE": "warn", "INPUT_SEED": "18446744073709551615", "INPUT_ENV": "A, B\nC_1\t_d",
				"INPUT_SHARD": "3/8", "INPUT_START-AT": "+30s", "INPUT_SHARDS": "a\nb c",
				"INPUT_NETWORK": "host", "INPUT_JOB-SERVICES": "{}", "INPUT_JOB-CONTAINER-ID": "0123456789ab",
				"INPUT_BASELINE": "results/\n  a b.json \n\n",
				"INPUT_MODE":     "comment", "INPUT_RESULT": "r.json", "INPUT_OBJECTIVES-FROM": "base", "INPUT_COMMENT": "on-failure",
				"INPUT_COMMENT-REQUIRED": "true", "INPUT_CHARTS": "false", "INPUT_CHECK-RUN": "true",
				"INPUT_GITHUB-TOKEN": "ghs_x", "INPUT_JOB-MATRIX": "null", "INPUT_JOB-CHECK-RUN-ID": "42",
			},
			Inputs{
				Config: "a.yaml", Target: "http://api:8080", Out: "o", Gate: "report",
				OnInconclusive: "warn", Seed: 1<<64 - 1, Env: []string{"A", "B", "C_1", "_d"},
				Shard: "3/8", StartAt: "+30s", Shards: []string{"a", "b c"},
				Network: "host", Services: "{}", Container: "0123456789ab",
				Baseline: []string{"results/", "a b.json"},
				Mode:     "comment", Result: "r.json", ObjectivesFrom: "base", Comment: "on-failure", CommentRequired: true, OwnCheckRun: true,
				Token: "ghs_x", Matrix: "null", CheckRun: "42",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newStep(t, tt.env).Inputs()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("inputs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongInputsAreNamedTogether(t *testing.T) {
	_, err := newStep(t, map[string]string{
		"INPUT_GATE": "enforced\n::error::x", "INPUT_ON-INCONCLUSIVE": "Warn", "INPUT_SEED": "-1", "INPUT_ENV": "A TOKEN=hunter2",
		"INPUT_NETWORK": "none", "INPUT_MODE": "test", "INPUT_OBJECTIVES-FROM": "main", "INPUT_COMMENT": "true",
	}).Inputs()
	want := `input gate: "enforced\n::error::x" is not accepted, only enforce or report
input on-inconclusive: "Warn" is not accepted, only auto or fail or warn
input seed: "-1" is not a whole number from 0 to 18446744073709551615
input env: entry 2 is not the name of an environment variable; list names alone, their values go into the step's env
input network: "none" is not accepted, only auto or bridge or host
input mode: "test" is not accepted, only run or check or merge or comment
input objectives-from: "main" is not accepted, only head or base
input comment: "true" is not accepted, only always or on-failure or never`
	if err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
}

func TestEnvLookupKnowsOnlyListedNames(t *testing.T) {
	environment := map[string]string{"API_URL": "http://x", "EMPTY": "", "GITHUB_TOKEN": "secret"}
	lookup := newStep(t, nil).EnvLookup([]string{"API_URL", "EMPTY", "UNSET"}, func(name string) (string, bool) {
		value, ok := environment[name]
		return value, ok
	})
	for name, want := range map[string]struct {
		value string
		ok    bool
	}{"API_URL": {"http://x", true}, "EMPTY": {"", true}, "UNSET": {}, "GITHUB_TOKEN": {}, "api_url": {}} {
		if value, ok := lookup(name); value != want.value || ok != want.ok {
			t.Errorf("lookup(%s) = %q, %v; want %q, %v", name, value, ok, want.value, want.ok)
		}
	}
}
