package action

import (
	"maps"
	"testing"

	"github.com/slogate/slogate/github"
)

func TestKey(t *testing.T) {
	env := map[string]string{
		"GITHUB_REPOSITORY": "acme/iris", "GITHUB_WORKFLOW": "Gate", "GITHUB_JOB": "load",
		"GITHUB_WORKFLOW_REF": "acme/iris/.github/workflows/gate.yml@refs/pull/7/merge",
	}
	for name, tt := range map[string]struct {
		env    map[string]string
		matrix string
		want   github.Key
	}{
		"no matrix":            {nil, "null", github.Key{Workflow: ".github/workflows/gate.yml", Job: "load", Name: "iris"}},
		"matrix":               {nil, "{\n  \"size\": 2\n}", github.Key{Workflow: ".github/workflows/gate.yml", Job: "load", Matrix: `{"size":2}`, Name: "iris"}},
		"keys in any order":    {nil, `{"b": 1, "a": 2}`, github.Key{Workflow: ".github/workflows/gate.yml", Job: "load", Matrix: `{"a":2,"b":1}`, Name: "iris"}},
		"empty matrix":         {nil, "{}", github.Key{Workflow: ".github/workflows/gate.yml", Job: "load", Name: "iris"}},
		"not JSON":             {nil, "{", github.Key{Workflow: ".github/workflows/gate.yml", Job: "load", Matrix: "{", Name: "iris"}},
		"old runner":           {map[string]string{"GITHUB_WORKFLOW_REF": ""}, "", github.Key{Workflow: "Gate", Job: "load", Name: "iris"}},
		"another repository's": {map[string]string{"GITHUB_REPOSITORY": "acme/rose"}, "", github.Key{Workflow: "Gate", Job: "load", Name: "iris"}},
	} {
		all := maps.Clone(env)
		maps.Copy(all, tt.env)
		if got := newStep(t, all).Key(Inputs{Matrix: tt.matrix}, "iris"); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestSummaryURL(t *testing.T) {
	env := map[string]string{"GITHUB_SERVER_URL": "https://ghe.local/", "GITHUB_REPOSITORY": "acme/iris", "GITHUB_RUN_ID": "42"}
	for name, tt := range map[string]struct {
		env      map[string]string
		checkRun string
		want     string
	}{
		"job":          {nil, "77", "https://ghe.local/acme/iris/actions/runs/42#summary-77"},
		"rerun":        {map[string]string{"GITHUB_RUN_ATTEMPT": "3"}, "77", "https://ghe.local/acme/iris/actions/runs/42/attempts/3#summary-77"},
		"first":        {map[string]string{"GITHUB_RUN_ATTEMPT": "1"}, "77", "https://ghe.local/acme/iris/actions/runs/42#summary-77"},
		"old runner":   {nil, "", "https://ghe.local/acme/iris/actions/runs/42"},
		"no number":    {nil, "7#x", "https://ghe.local/acme/iris/actions/runs/42"},
		"Gitea":        {map[string]string{"GITHUB_API_URL": "https://ghe.local/api/v1/"}, "77", "https://ghe.local/acme/iris/actions/runs/42"},
		"not in a run": {map[string]string{"GITHUB_RUN_ID": ""}, "77", ""},
	} {
		all := maps.Clone(env)
		maps.Copy(all, tt.env)
		if got := newStep(t, all).SummaryURL(tt.checkRun); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestGitea(t *testing.T) {
	for name, tt := range map[string]struct {
		env  map[string]string
		want bool
	}{
		"GitHub":            {map[string]string{"GITHUB_API_URL": "https://api.github.com"}, false},
		"Enterprise Server": {map[string]string{"GITHUB_API_URL": "https://ghe.local/api/v3"}, false},
		"by its API":        {map[string]string{"GITHUB_API_URL": "https://codeberg.org/api/v1"}, true},
		"Gitea":             {map[string]string{"GITEA_ACTIONS": "true"}, true},
		"Forgejo":           {map[string]string{"FORGEJO_ACTIONS": "true"}, true},
	} {
		if got := newStep(t, tt.env).Gitea(); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
