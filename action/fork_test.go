package action

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFork(t *testing.T) {
	for name, tt := range map[string]struct {
		event, payload string
		want           bool
	}{
		"own branch":                {"pull_request", `{"repository": {"id": 7}, "pull_request": {"head": {"repo": {"id": 7}}}}`, false},
		"fork":                      {"pull_request", `{"repository": {"id": 7}, "pull_request": {"head": {"repo": {"id": 8}}}}`, true},
		"fork, with base's token":   {"pull_request_target", `{"repository": {"id": 7}, "pull_request": {"head": {"repo": {"id": 8}}}}`, true},
		"fork that is gone":         {"pull_request", `{"repository": {"id": 7}, "pull_request": {"head": {"repo": null}}}`, true},
		"no repository":             {"pull_request", `{"pull_request": {"head": {"repo": null}}}`, true},
		"payload is not JSON":       {"pull_request_review", `{`, true},
		"run of a fork":             {"workflow_run", `{"repository": {"id": 7}, "workflow_run": {"head_repository": {"id": 8}}}`, true},
		"run of an own branch":      {"workflow_run", `{"repository": {"id": 7}, "workflow_run": {"head_repository": {"id": 7}}}`, false},
		"comment in a pull request": {"issue_comment", `{"repository": {"id": 7}, "issue": {"pull_request": {"url": "x"}}}`, true},
		"comment in an issue":       {"issue_comment", `{"repository": {"id": 7}, "issue": {"number": 1}}`, false},
		"push":                      {"push", `{"repository": {"id": 7}}`, false},
		"merge queue":               {"merge_group", `{"repository": {"id": 7}}`, false},
		"outside":                   {"", ``, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "event.json")
			if err := os.WriteFile(path, []byte(tt.payload), 0o644); err != nil {
				t.Fatal(err)
			}
			got := newStep(t, map[string]string{"GITHUB_EVENT_NAME": tt.event, "GITHUB_EVENT_PATH": path}).Event().Fork
			if got != tt.want {
				t.Errorf("Fork = %v, want %v", got, tt.want)
			}
		})
	}
}
