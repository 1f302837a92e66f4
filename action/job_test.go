package action

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJob(t *testing.T) {
	merge, head := strings.Repeat("b", 40), strings.Repeat("a", 40)
	const repository = `"repository": {"id": 1001, "default_branch": "main"}`
	env := func(more map[string]string) map[string]string {
		all := map[string]string{
			"GITHUB_API_URL": "https://api.github.com", "GITHUB_REPOSITORY": "o/r", "GITHUB_JOB": "gate", "GITHUB_RUN_ID": "42",
			"GITHUB_RUN_ATTEMPT": "2", "GITHUB_WORKFLOW_REF": "o/r/.github/workflows/gate.yml@refs/heads/main", "GITHUB_SHA": merge,
			"ACTIONS_RESULTS_URL": "https://results.example/", "ACTIONS_RUNTIME_TOKEN": "t",
		}
		maps.Copy(all, more)
		return all
	}
	known := Job{
		APIURL: "https://api.github.com", Repository: "o/r", Number: 1001, Workflow: ".github/workflows/gate.yml", Name: "gate",
		Run: 42, Attempt: 2, Commit: merge, Base: "main", Default: "main", ResultsURL: "https://results.example/", RuntimeToken: "t",
	}
	with := func(change func(*Job)) Job {
		j := known
		change(&j)
		return j
	}
	for name, tt := range map[string]struct {
		event string
		env   map[string]string
		head  string // of the workspace
		want  Job
	}{
		"push": {
			`{` + repository + `}`,
			map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"},
			"",
			with(func(j *Job) { j.Branch = "main" }),
		},
		"a tag is no branch": {
			`{` + repository + `}`,
			map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/tags/v1"},
			"",
			known,
		},
		"pull request": {
			`{` + repository + `, "pull_request": {"base": {"ref": "release/1.x"}, "head": {"ref": "fix", "repo": {"id": 1001}}}}`,
			map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"},
			"ref: refs/heads/x\n",
			with(func(j *Job) { j.Change, j.Base, j.Own = true, "release/1.x", "fix" }),
		},
		"pull request of a fork, head checked out": {
			`{` + repository + `, "pull_request": {"base": {"ref": "main"}, "head": {"ref": "main", "repo": {"id": 2002}}}}`,
			map[string]string{"GITHUB_EVENT_NAME": "pull_request"},
			head + "\n",
			with(func(j *Job) { j.Change, j.Commit = true, head }),
		},
		"merge group": {
			`{` + repository + `, "merge_group": {"base_ref": "refs/heads/main"}}`,
			map[string]string{"GITHUB_EVENT_NAME": "merge_group"},
			"",
			with(func(j *Job) { j.Change = true }),
		},
		"without a payload": {
			`[]`,
			map[string]string{"GITHUB_EVENT_NAME": "schedule", "GITHUB_REF": "refs/heads/main", "GITHUB_REPOSITORY_ID": "1001", "GITHUB_RUN_ATTEMPT": "x"},
			"",
			with(func(j *Job) { j.Branch, j.Base, j.Default, j.Attempt = "main", "", "", 1 }),
		},
		"workflow of another repository": {
			`{` + repository + `}`,
			map[string]string{"GITHUB_WORKFLOW_REF": "org/rules/.github/workflows/gate.yml@main"},
			"",
			with(func(j *Job) { j.Workflow = "" }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, text string) string {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			all := env(tt.env)
			all["GITHUB_ACTIONS"], all["GITHUB_WORKSPACE"] = "true", dir
			all["GITHUB_EVENT_PATH"] = write("event.json", tt.event)
			if tt.head != "" {
				write(".git/HEAD", tt.head)
			}
			got := New(func(name string) string { return all[name] }, io.Discard).Job()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServersOfArtifacts(t *testing.T) {
	for name, tt := range map[string]struct {
		env          map[string]string
		gitea, takes bool
	}{
		"GitHub":            {map[string]string{"GITHUB_API_URL": "https://api.github.com"}, false, true},
		"Enterprise Cloud":  {map[string]string{"GITHUB_API_URL": "https://api.acme.ghe.com"}, false, true},
		"Enterprise Server": {map[string]string{"GITHUB_API_URL": "https://github.acme.com/api/v3/"}, false, false},
		"Gitea":             {map[string]string{"GITHUB_API_URL": "https://gitea.acme.com/api/v1/"}, true, false},
		"Gitea by its name": {map[string]string{"GITEA_ACTIONS": "true"}, true, false},
		"Forgejo":           {map[string]string{"FORGEJO_ACTIONS": "true"}, true, false},
		"no service":        {map[string]string{"GITHUB_API_URL": "https://api.github.com", "ACTIONS_RESULTS_URL": ""}, false, false},
	} {
		env := map[string]string{"GITHUB_ACTIONS": "true", "ACTIONS_RESULTS_URL": "https://x", "ACTIONS_RUNTIME_TOKEN": "t"}
		maps.Copy(env, tt.env)
		j := New(func(name string) string { return env[name] }, io.Discard).Job()
		if j.Gitea != tt.gitea || j.TakesArtifacts() != tt.takes {
			t.Errorf("%s: Gitea %v, takes artifacts %v", name, j.Gitea, j.TakesArtifacts())
		}
	}
}
