package action

import (
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
	for name, tt := range map[string]struct {
		event string
		env   map[string]string
		want  result.Source
	}{
		"pull request": {
			`{"number": 7, "pull_request": {"head": {"sha": "` + head + `"}}}`,
			map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_SHA": merge, "GITHUB_HEAD_REF": "feature/x", "GITHUB_REF_NAME": "7/merge"},
			result.Source{Commit: head, Branch: "feature/x"},
		},
		"push": {
			`{"ref": "refs/heads/main", "pull_request": null}`,
			map[string]string{
				"GITHUB_SHA": merge, "GITHUB_REF_NAME": "main", "GITHUB_SERVER_URL": "https://github.com/",
				"GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "42",
			},
			result.Source{Commit: merge, Branch: "main", RunURL: "https://github.com/o/r/actions/runs/42"},
		},
		"no event":            {"", map[string]string{"GITHUB_SHA": merge}, result.Source{Commit: merge}},
		"event is no object":  {`[1, 2]`, map[string]string{"GITHUB_SHA": merge}, result.Source{Commit: merge}},
		"event is cut":        {`{"pull_request": {"head": {"sha": "` + head, map[string]string{"GITHUB_SHA": merge}, result.Source{Commit: merge}},
		"head is no digest":   {`{"pull_request": {"head": {"sha": "$(id)"}}}`, map[string]string{"GITHUB_SHA": merge}, result.Source{Commit: merge}},
		"branch is a command": {"", map[string]string{"GITHUB_HEAD_REF": "x\n::error::y"}, result.Source{Branch: "x : :error::y"}},
		"nothing known":       {"", nil, result.Source{}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "event.json")
			if tt.event != "" {
				if err := os.WriteFile(path, []byte(tt.event), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			env := map[string]string{"GITHUB_EVENT_PATH": path}
			maps.Copy(env, tt.env)
			if diff := cmp.Diff(tt.want, newStep(t, env).Source()); diff != "" {
				t.Errorf("source (-want +got):\n%s", diff)
			}
		})
	}
}
