package action

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

func TestSource(t *testing.T) {
	head, merge := strings.Repeat("a", 40), strings.Repeat("b", 40)
	const comment = `{"issue": {"number": 7, "pull_request": {}}}`
	ofMain := func(event string) map[string]string {
		return map[string]string{"GITHUB_EVENT_NAME": event, "GITHUB_SHA": merge, "GITHUB_REF_NAME": "main"}
	}
	for name, tt := range map[string]struct {
		event string
		env   map[string]string
		head  string // what is checked out; empty: nothing
		want  result.Source
	}{
		"pull request": {
			`{"number": 7, "pull_request": {"head": {"sha": "` + head + `"}}}`,
			map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_SHA": merge, "GITHUB_HEAD_REF": "feature/x", "GITHUB_REF_NAME": "7/merge"},
			"",
			result.Source{Commit: head, Branch: "feature/x"},
		},
		"push": {
			`{"ref": "refs/heads/main", "pull_request": null}`,
			map[string]string{
				"GITHUB_SHA": merge, "GITHUB_REF_NAME": "main", "GITHUB_SERVER_URL": "https://github.com/",
				"GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "42",
			},
			"",
			result.Source{Commit: merge, Branch: "main", RunURL: "https://github.com/o/r/actions/runs/42"},
		},
		"no event":            {"", map[string]string{"GITHUB_SHA": merge}, "", result.Source{Commit: merge}},
		"event is no object":  {`[1, 2]`, map[string]string{"GITHUB_SHA": merge}, "", result.Source{Commit: merge}},
		"event is cut":        {`{"pull_request": {"head": {"sha": "` + head, map[string]string{"GITHUB_SHA": merge}, "", result.Source{Commit: merge}},
		"head is no digest":   {`{"pull_request": {"head": {"sha": "$(id)"}}}`, map[string]string{"GITHUB_SHA": merge}, "", result.Source{Commit: merge}},
		"branch is a command": {"", map[string]string{"GITHUB_HEAD_REF": "x\n::error::y"}, "", result.Source{Branch: "x : :error::y"}},
		"end of a run": {
			`{"workflow_run": {"head_sha": "` + head + `", "head_branch": "feature/x"}}`, ofMain("workflow_run"), merge,
			result.Source{Commit: head, Branch: "feature/x"},
		},
		"end of a run that is not told":            {`{`, ofMain("workflow_run"), merge, result.Source{}},
		"end of a run that is checked out":         {`{`, ofMain("workflow_run"), head, result.Source{Commit: head}},
		"comment":                                  {comment, ofMain("issue_comment"), "", result.Source{}},
		"comment, default branch checked out":      {comment, ofMain("issue_comment"), merge, result.Source{}},
		"comment, pull request checked out":        {comment, ofMain("issue_comment"), head, result.Source{Commit: head}},
		"base of a pull request that is not told":  {`{`, ofMain("pull_request_target"), merge, result.Source{}},
		"another commit than the push's is tested": {`{}`, ofMain("push"), head, result.Source{Commit: merge, Branch: "main"}},
		"nothing known":                            {"", nil, "", result.Source{}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "event.json")
			if tt.event != "" {
				if err := os.WriteFile(path, []byte(tt.event), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if tt.head != "" {
				if err := errors.Join(os.Mkdir(filepath.Join(dir, ".git"), 0o755), os.WriteFile(filepath.Join(dir, ".git", "HEAD"), []byte(tt.head+"\n"), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			env := map[string]string{"GITHUB_EVENT_PATH": path, "GITHUB_WORKSPACE": dir}
			maps.Copy(env, tt.env)
			if diff := cmp.Diff(tt.want, newStep(t, env).Source()); diff != "" {
				t.Errorf("source (-want +got):\n%s", diff)
			}
		})
	}
}
