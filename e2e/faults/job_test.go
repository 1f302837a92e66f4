//go:build linux

package faults

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slogate/slogate/baseline/artifacttest"
	"github.com/slogate/slogate/github/githubtest"
)

const (
	headCommit = "1111111111111111111111111111111111111111"
	baseCommit = "2222222222222222222222222222222222222222"
	apiToken   = "ghs_of_the_job"
)

// job is a job of a workflow on a runner: the environment that the runner gives
// to the action, a GitHub that can be broken, and a service that answers
// everything.
type job struct {
	*bed
	github *githubtest.Server
	// breaks answers in the place of GitHub where it reports true.
	breaks func(w http.ResponseWriter, r *http.Request) bool
	env    map[string]string
	target string
	peak   int64  // memory of the last action, in bytes
	out    string // folder of its files; empty: out
}

// newJob is the job of a pull request of the repository, number 7.
func newJob(t *testing.T, b *bed) *job {
	t.Helper()
	j := &job{bed: b, github: githubtest.New()}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if j.breaks == nil || !j.breaks(w, r) {
			j.github.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(api.Close)
	j.github.Files = map[string]map[string]string{baseCommit: {}}
	j.prepare(t, githubtest.Repository, api.URL)
	j.event(t, "pull_request", pullRequest(githubtest.RepositoryID))
	return j
}

// prepare makes the workspace and what a runner sets for a job of a repository.
func (j *job) prepare(t *testing.T, repository, api string) {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(service.Close)
	j.target = service.URL
	j.env = map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": j.dir, "GITHUB_REPOSITORY": repository,
		"GITHUB_API_URL": api, "GITHUB_GRAPHQL_URL": api + "/graphql", "GITHUB_SERVER_URL": "https://github.com",
		"GITHUB_RUN_ID": "42", "GITHUB_JOB": "gate", "GITHUB_WORKFLOW_REF": repository + "/" + artifacttest.Workflow + "@refs/pull/7/merge",
		"GITHUB_SHA": headCommit, "GITHUB_REF": "", "GITHUB_BASE_REF": "", "GITHUB_ACTOR": "ann",
		"GITHUB_OUTPUT": j.path("outputs"), "GITHUB_STEP_SUMMARY": j.path("summary"), "GITHUB_EVENT_PATH": j.path("event.json"),
		"ACTIONS_RESULTS_URL": "", "ACTIONS_RUNTIME_TOKEN": "",
		"INPUT_CONFIG": "slo.yaml", "INPUT_OUT": "out", "INPUT_NETWORK": "bridge",
		"INPUT_GITHUB-TOKEN": apiToken, "INPUT_JOB-CHECK-RUN-ID": "77", "INPUT_JOB-MATRIX": "null",
	}
	j.objectives(t, "p95 <= 30s")
}

// pullRequest is the payload of a pull request whose head is in a repository.
func pullRequest(head int64) string {
	return fmt.Sprintf(`{"repository":{"id":%d,"default_branch":"main"},"pull_request":{"number":7,
		"head":{"sha":%q,"ref":"faster","repo":{"id":%d,"owner":{"login":"ann"}}},"base":{"sha":%q,"ref":"main"}}}`,
		githubtest.RepositoryID, headCommit, head, baseCommit)
}

func (j *job) event(t *testing.T, name, payload string) {
	t.Helper()
	j.env["GITHUB_EVENT_NAME"] = name
	j.write(t, "event.json", payload)
}

// objectives writes the SLO file of one short stage.
func (j *job) objectives(t *testing.T, objectives ...string) {
	t.Helper()
	j.write(t, "slo.yaml", short(j.target, objectives...))
}

// short is an SLO file of one stage with 200 requests.
func short(target string, objectives ...string) string {
	return fmt.Sprintf("version: 1\nname: iris\ntarget: %s\nconfirm: off\nscenarios: [{request: GET /}]\nstages: [{name: steady, requests: 200, workers: 2}]\nobjectives:\n  - %s\n",
		target, strings.Join(objectives, "\n  - "))
}

// act runs the action and returns what its user sees: the log, the job summary
// and the report.
func (j *job) act(t *testing.T) ending {
	t.Helper()
	return j.ended(t, j.begin(t))
}

// commented runs the action and wants one comment on the pull request.
func (j *job) commented(t *testing.T) ending {
	t.Helper()
	e := j.act(t)
	if n := len(j.github.Comments); n != 1 {
		t.Errorf("%d comments, want 1", n)
	}
	return e
}

// begin starts the action.
func (j *job) begin(t *testing.T) *process {
	t.Helper()
	var env []string
	for _, name := range slices.Sorted(maps.Keys(j.env)) {
		env = append(env, name+"="+j.env[name])
	}
	return j.start(t, call{args: []string{"action"}, env: env, out: j.out})
}

func (j *job) ended(t *testing.T, p *process) ending {
	t.Helper()
	e := p.wait(t)
	if usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		j.peak = usage.Maxrss << 10
	}
	for line := range strings.Lines(e.said) {
		if strings.Contains(line, apiToken) && !strings.HasPrefix(line, "::add-mask::") {
			t.Errorf("the token is in the log: %s", line)
		}
	}
	if summary, err := os.ReadFile(j.path("summary")); err == nil {
		e.said += "\n" + string(summary)
	}
	return e
}

// summarised fails where the job summary does not hold the report, or the notice
// that there is no comment does not say so.
func (j *job) summarised(t *testing.T, e ending) {
	t.Helper()
	text, err := os.ReadFile(j.path("summary"))
	if err != nil || !strings.Contains(string(text), "Pass: iris") {
		t.Errorf("the job summary does not hold the report: %v\n%s", err, text)
	}
	if !strings.Contains(e.said, "The job summary holds the report.") {
		t.Error("nothing says where the report is")
	}
}

// newHistory is a job whose repository keeps artifacts: its name is o/r. There
// are no comments.
func newHistory(t *testing.T, b *bed) (*job, *artifacttest.Server) {
	t.Helper()
	f := artifacttest.New(t)
	f.Parted = artifacttest.SHA(5)
	j := &job{bed: b}
	j.prepare(t, "o/r", f.URL)
	j.env["INPUT_COMMENT"], j.env["INPUT_GITHUB-TOKEN"] = "never", artifacttest.Token
	j.objectives(t, "p95 <= 30s", "p95 <= baseline + 900% or + 5s")
	return j, f
}

// change makes the job that of a pull request.
func (j *job) change(t *testing.T) {
	t.Helper()
	j.event(t, "pull_request", fmt.Sprintf(`{"repository":{"id":%d,"default_branch":"main"},"pull_request":{
		"base":{"ref":"main"},"head":{"ref":"faster","sha":%q,"repo":{"id":%[1]d}}}}`, artifacttest.Repository, artifacttest.Tested))
	j.env["GITHUB_SHA"], j.env["GITHUB_RUN_ID"] = artifacttest.Tested, "6000"
}

// push makes the job that of a push to the default branch, whose result becomes
// a baseline.
func (j *job) push(t *testing.T, f *artifacttest.Server) {
	t.Helper()
	r := f.Push(5, time.Now().Add(-time.Hour))
	j.event(t, "push", fmt.Sprintf(`{"repository":{"id":%d,"default_branch":"main"}}`, artifacttest.Repository))
	j.env["GITHUB_REF"], j.env["GITHUB_SHA"] = "refs/heads/main", r.SHA
	j.env["GITHUB_RUN_ID"] = strconv.FormatInt(r.ID, 10)
	j.env["ACTIONS_RESULTS_URL"], j.env["ACTIONS_RUNTIME_TOKEN"] = f.URL+"/", artifacttest.JobToken(r.ID, "job")
}
