package action

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// inEvent is the action of a job that an event has started.
func inEvent(t *testing.T, name, ref, payload string) *Action {
	t.Helper()
	path := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(path, []byte(payload), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": path, "GITHUB_REF": ref}
	return New(func(key string) string { return env[key] }, io.Discard)
}

func TestLabelled(t *testing.T) {
	for payload, want := range map[string]bool{
		`{"pull_request": {"labels": []}}`:                                            false,
		`{"pull_request": {"labels": [{"name": "slogate"}]}}`:                         false,
		`{"pull_request": {"labels": [{"name": "bug"}, {"name": "slogate-accept"}]}}`: true,
		`{"labels": [{"name": "slogate-accept"}]}`:                                    false,
		`"slogate-accept"`: false,
	} {
		if got := inEvent(t, "pull_request", "refs/pull/7/merge", payload).Labelled(); got != want {
			t.Errorf("%s: %v, want %v", payload, got, want)
		}
	}
}

func TestOnBase(t *testing.T) {
	const payload = `{"repository": {"id": 1, "default_branch": "main"}}`
	tests := []struct {
		event, ref, payload string
		want                bool
	}{
		{"push", "refs/heads/main", payload, true},
		{"schedule", "refs/heads/main", payload, true},
		{"workflow_dispatch", "refs/heads/main", payload, true},
		{"push", "refs/heads/feature", payload, false},
		{"push", "refs/tags/main", payload, false},
		{"release", "refs/heads/main", payload, false},
		{"workflow_run", "refs/heads/main", payload, false},
		{"issue_comment", "refs/heads/main", payload, false},
		{"deployment_status", "refs/heads/main", payload, false},
		{"pull_request", "refs/heads/main", payload, false},
		{"merge_group", "refs/heads/gh-readonly-queue/main/pr-7", payload, false},
		{"push", "refs/heads/", `{}`, false},
	}
	for _, tt := range tests {
		if got := inEvent(t, tt.event, tt.ref, tt.payload).Job().OnBase(); got != tt.want {
			t.Errorf("%s of %s: %v, want %v", tt.event, tt.ref, got, tt.want)
		}
	}
}
