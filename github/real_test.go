package github

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every example payload that GitHub's SDK publishes is read, and what the
// action depends on is what the payload says. They are the npm package
// @octokit/webhooks-examples, which is not kept in the repository.
func TestRealPayloads(t *testing.T) {
	folder := os.Getenv("OCTOKIT")
	if folder == "" {
		t.Skip("OCTOKIT does not name the folder of the npm packages @octokit/openapi and @octokit/webhooks-examples: see e2e/README.md")
	}
	text, err := os.ReadFile(filepath.Join(folder, "webhooks-examples", "api.github.com", "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var events []struct {
		Name     string
		Examples []json.RawMessage
	}
	if err := json.Unmarshal(text, &events); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, event := range events {
		for i, payload := range event.Examples {
			got, err := ParseEvent(event.Name, payload)
			if err != nil {
				t.Errorf("%s %d: %v", event.Name, i, err)
				continue
			}
			seen[event.Name]++
			checkPayload(t, got, payload)
		}
	}
	for _, name := range []string{"pull_request", "pull_request_review", "push", "merge_group", "workflow_dispatch", "deployment_status", "release", "workflow_run", "issue_comment"} {
		if seen[name] == 0 {
			t.Errorf("no example of %s", name)
		}
	}
}

// at returns a value in a payload by its path, nil where there is none.
func at(payload any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		object, ok := payload.(map[string]any)
		if !ok {
			return nil
		}
		payload = object[name]
	}
	return payload
}

func checkPayload(t *testing.T, got Event, text []byte) {
	t.Helper()
	var payload any
	if err := json.Unmarshal(text, &payload); err != nil {
		t.Fatal(err)
	}
	check := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %v, the payload says %v", what, got, want)
		}
	}
	home := at(payload, "repository.id")
	switch got.Name {
	case "pull_request", "pull_request_review", "pull_request_review_comment":
		check("number", float64(got.Number), at(payload, "pull_request.number"))
		check("head", got.Head.SHA, at(payload, "pull_request.head.sha"))
		check("base", got.Base.SHA, at(payload, "pull_request.base.sha"))
		check("fork", got.Fork, at(payload, "pull_request.head.repo.id") != home)
		check("labels", len(got.Labels), len(at(payload, "pull_request.labels").([]any)))
	case "push":
		check("head", got.Head.SHA, at(payload, "after"))
		check("fork", got.Fork, false)
	case "merge_group":
		check("number", got.Number, 104)
		check("head", got.Head.SHA, at(payload, "merge_group.head_sha"))
		check("base", got.Base.Ref, "main")
	case "workflow_run":
		check("run", float64(got.RunID), at(payload, "workflow_run.id"))
		check("head", got.Head.SHA, at(payload, "workflow_run.head_sha"))
		check("owner", got.Head.Owner, at(payload, "workflow_run.head_repository.owner.login"))
		check("fork", got.Fork, at(payload, "workflow_run.head_repository.id") != home)
	case "deployment_status":
		check("head", got.Head.SHA, at(payload, "deployment.sha"))
	case "issue_comment":
		check("fork", got.Fork, at(payload, "issue.pull_request") != nil)
	case "release", "workflow_dispatch":
		check("number", got.Number, 0)
	}
}
