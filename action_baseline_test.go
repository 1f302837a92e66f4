package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/baseline/artifacttest"
)

// workflowStep runs the action in a workspace of its own, as a runner of the
// server does.
type workflowStep struct {
	exit                   int
	log, outputs, summary  string
	objectives             string
	more                   string            // of the SLO file
	event, payload, apiURL string            // empty: that of the server
	env                    map[string]string // besides
	files                  map[string]string // besides, in the workspace
}

const pullRequestEvent = `{"repository": {"id": 1001, "default_branch": "main"}, "pull_request": {"base": {"ref": "main"}, "head": {"ref": "fix", "sha": "` + artifacttest.Tested + `", "repo": {"id": 1001}}}}`

func (s workflowStep) run(t *testing.T, f *artifacttest.Server, runID int64) workflowStep {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(service.Close)
	dir := t.TempDir()
	t.Chdir(dir)
	config := fmt.Sprintf("version: 1\nname: iris\ntarget: %s\nscenarios: [{request: GET /}]\nstages: [{name: steady, requests: 200, workers: 2}]\nobjectives: [%s]\n%s\n", service.URL, s.objectives, s.more)
	for name, text := range map[string]string{"slo.yaml": config, "event.json": s.payload} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range s.files {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": dir, "GITHUB_OUTPUT": filepath.Join(dir, "outputs"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"),
		"GITHUB_EVENT_NAME": s.event, "GITHUB_EVENT_PATH": filepath.Join(dir, "event.json"), "GITHUB_REPOSITORY": "o/r",
		"GITHUB_API_URL": f.URL + s.apiURL, "GITHUB_WORKFLOW_REF": "o/r/" + artifacttest.Workflow + "@refs/heads/main", "GITHUB_JOB": "gate",
		"GITHUB_RUN_ID": strconv.FormatInt(runID, 10), "GITHUB_SHA": artifacttest.Tested,
		"INPUT_GITHUB-TOKEN": artifacttest.Token, "INPUT_JOB-MATRIX": "null", "INPUT_NETWORK": "bridge", "INPUT_COMMENT": "never",
		"ACTIONS_RESULTS_URL": f.URL + "/", "ACTIONS_RUNTIME_TOKEN": artifacttest.JobToken(runID, "job"),
	}
	maps.Copy(env, s.env)
	var log bytes.Buffer
	s.exit = Main(t.Context(), []string{"action"}, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, &log, &log)
	s.log = log.String()
	for path, text := range map[string]*string{"outputs": &s.outputs, "summary": &s.summary} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		*text = string(content)
	}
	return s
}

func (s workflowStep) wants(t *testing.T, exit int, inSummary, inOutputs, inLog string) {
	t.Helper()
	if s.exit != exit {
		t.Errorf("exit code %d, want %d", s.exit, exit)
	}
	for _, c := range []struct{ what, text, want string }{{"summary", s.summary, inSummary}, {"outputs", s.outputs, inOutputs}, {"log", s.log, inLog}} {
		if !strings.Contains(c.text, c.want) {
			t.Errorf("the %s lacks %q", c.what, c.want)
		}
	}
	for line := range strings.Lines(s.log) {
		if (strings.Contains(line, artifacttest.Token) || strings.Contains(line, "eyJhbGci")) && !strings.HasPrefix(line, "::add-mask::") {
			t.Errorf("a token is in the log: %s", line)
		}
	}
	if t.Failed() {
		t.Logf("%s\n%s", s.log, s.outputs)
	}
}

// A push to main keeps its result, and a pull request is compared with it.
func TestBaselineOfAWorkflow(t *testing.T) {
	f := artifacttest.New(t)
	f.Parted = artifacttest.SHA(5)
	push := f.Push(5, time.Now().Add(-time.Hour))
	push.Result = ""
	first := workflowStep{
		objectives: "p95 <= baseline + 900% or + 5s", event: "push", payload: `{"repository": {"id": 1001, "default_branch": "main"}}`,
		env: map[string]string{"GITHUB_REF": "refs/heads/main"},
	}
	first.run(t, f, push.ID).wants(t, exitPass, "no earlier run of main has kept a result yet", "warn", "kept for later runs: artifact slogate-result_iris_gate\n")
	push.Result = "success"

	change := workflowStep{objectives: "p95 <= baseline + 900% or + 5s", event: "pull_request", payload: pullRequestEvent}
	change.run(t, f, 6000).wants(t, exitPass, "Compared with 1 result of `main`, newest [`0000000`](<https://github.com/o/r/actions/runs/5000>), less than an hour old. The baseline covers 1 of 1 comparison.",
		artifacttest.SHA(5), "written: ")
	if len(f.Artifacts) != 1 {
		t.Errorf("%d artifacts are kept, want that of the push alone", len(f.Artifacts))
	}

	// Neither a failing run nor a pull request becomes a baseline.
	failing := first
	failing.objectives = "p95 <= 0.001ms"
	failing.run(t, f, f.Push(6, time.Now()).ID).wants(t, exitFail, "p95", "fail", "")
	if len(f.Artifacts) != 1 {
		t.Errorf("%d artifacts are kept, want that of the first push alone", len(f.Artifacts))
	}
}

// What keeps a baseline from being found never decides.
func TestWorkflowWithoutABaseline(t *testing.T) {
	const objectives = "p95 <= 10s, p95 <= baseline + 10%"
	denied := func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message": "Resource not accessible by integration"}`)
		return true
	}
	for name, tt := range map[string]struct {
		step   workflowStep
		fail   func(http.ResponseWriter, *http.Request) bool
		notice string // in the summary
		calls  bool
	}{
		"first pull request": {notice: "For that, add to the workflow on: \\{push: \\{branches: \\[main\\]\\}\\}, and permissions: \\{contents: read, actions: read\\}", calls: true},
		"denied":             {fail: denied, notice: "the token needs the permission actions: read", calls: true},
		"switched off":       {step: workflowStep{env: map[string]string{"INPUT_BASELINE": "none"}}, notice: "there is no baseline to compare with"},
		"off in the file":    {step: workflowStep{more: "baseline: none"}, notice: "there is no baseline to compare with"},
		"files instead":      {step: workflowStep{more: "baseline: {files: results/}"}, notice: "there is no baseline to compare with"},
		"own branch":         {step: workflowStep{more: "baseline: {branch: fix}"}, notice: "a pull request is not compared with runs of its own branch fix"},
		"Gitea":              {step: workflowStep{apiURL: "/api/v1"}, notice: "Gitea and Forgejo keep no artifacts"},
		"unknown workflow":   {step: workflowStep{env: map[string]string{"GITHUB_WORKFLOW_REF": ""}}, notice: "the runner does not say which repository, workflow and branch this is"},
	} {
		t.Run(name, func(t *testing.T) {
			f := artifacttest.New(t)
			f.Fail = tt.fail
			s := tt.step
			s.objectives, s.event, s.payload = objectives, "pull_request", pullRequestEvent
			s = s.run(t, f, 6000)
			s.wants(t, exitPass, tt.notice, "pass", "")
			if slices.ContainsFunc(f.Asked, func(call string) bool { return strings.Contains(call, "/actions/") }) != tt.calls {
				t.Errorf("calls %q", f.Asked)
			}
			if n := strings.Count(s.log, "::notice "); n > 1 || tt.calls && n == 0 {
				t.Errorf("%d notices", n)
			}
		})
	}
}

// A branch besides the default one keeps results only where the SLO file names
// it, which the advice says; what it says works.
func TestBaselineOfAnotherBranch(t *testing.T) {
	into := strings.ReplaceAll(pullRequestEvent, `"ref": "main"`, `"ref": "develop"`)
	push := workflowStep{event: "push", payload: `{"repository": {"id": 1001, "default_branch": "main"}}`, env: map[string]string{"GITHUB_REF": "refs/heads/develop"}}
	for _, tt := range []struct {
		more, notice string
		kept         int
	}{
		{"", "runs of this workflow on develop keep no results, because it is not the default branch. For that, set baseline: {branch: develop} in the SLO file, and add to the workflow on: {push: {branches: [develop]}}, and permissions", 0},
		{"baseline: {branch: develop}", "successful runs of this workflow on develop keep their results, and none has. For that, add to the workflow on: {push: {branches: [develop]}}, and permissions", 1},
	} {
		f := artifacttest.New(t)
		change := workflowStep{event: "pull_request", payload: into}
		for _, s := range []*workflowStep{&change, &push} {
			s.objectives, s.more = "p95 <= 10s, p95 <= baseline + 10%", tt.more
		}
		change.run(t, f, 6000).wants(t, exitPass, "", "pass", tt.notice)
		push.run(t, f, f.Push(5, time.Now()).ID).wants(t, exitPass, "", "pass", "")
		if len(f.Artifacts) != tt.kept {
			t.Errorf("%q: %d artifacts are kept, want %d", tt.more, len(f.Artifacts), tt.kept)
		}
	}
}

// Where slogate cannot keep the result, a notice says how.
func TestResultThatIsNotKept(t *testing.T) {
	for name, tt := range map[string]struct {
		env    map[string]string
		apiURL string
		notice string
	}{
		"no service":        {map[string]string{"ACTIONS_RESULTS_URL": ""}, "", "with: {name: slogate-result_iris_gate_"},
		"Enterprise Server": {nil, "/api/v3", "uses: actions/upload-artifact"},
		"no token":          {map[string]string{"ACTIONS_RUNTIME_TOKEN": "x"}, "", "the token of the artifact service names no run and job"},
	} {
		t.Run(name, func(t *testing.T) {
			f := artifacttest.New(t)
			env := map[string]string{"GITHUB_REF": "refs/heads/main", "INPUT_JOB-MATRIX": `{"os":"linux"}`}
			maps.Copy(env, tt.env)
			s := workflowStep{
				objectives: "p95 <= 10s, {warn: p99 <= baseline + 900%}", event: "push", payload: `{"repository": {"id": 1001, "default_branch": "main"}}`, apiURL: tt.apiURL, env: env,
			}
			s = s.run(t, f, f.Push(5, time.Now()).ID)
			s.wants(t, exitPass, "", "pass", tt.notice)
			if !strings.Contains(s.log, "::notice title=slogate::the result was not kept") {
				t.Errorf("no notice:\n%s", s.log)
			}
			if len(f.Artifacts) > 0 {
				t.Error("the result was kept")
			}
		})
	}
}

// With baseline artifact, what the change itself would be compared with does not
// count.
func TestArtifactsReplaceTheFilesOfTheChange(t *testing.T) {
	for name, more := range map[string]string{
		"files": "baseline: {files: lax.json}", "pinned": "baseline: {ref: lax.json}", "none": "baseline: none", "base target": "baseline: {base_target: http://127.0.0.1:9}",
	} {
		t.Run(name, func(t *testing.T) {
			f := artifacttest.New(t)
			s := workflowStep{
				objectives: "p95 <= 10s, p95 <= baseline + 10%", more: more, event: "pull_request", payload: pullRequestEvent,
				env: map[string]string{"INPUT_BASELINE": "artifact"},
			}
			// A file that cannot be read would be an error.
			s.files = map[string]string{"lax.json": "{"}
			s.run(t, f, 6000).wants(t, exitPass, "there is no baseline yet: successful runs of this workflow on main", "pass", "")
			if len(f.Asked) == 0 {
				t.Error("no artifact was looked for")
			}
		})
	}
}
