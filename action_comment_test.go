package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/github/githubtest"
	"github.com/slogate/slogate/result"
)

const (
	headSHA = "1111111111111111111111111111111111111111"
	baseSHA = "2222222222222222222222222222222222222222"
)

// job is a job of a workflow in githubtest's repository, with a service that
// answers everything.
type job struct {
	github *githubtest.Server
	dir    string
	env    map[string]string
	target string
}

func newJob(t *testing.T) *job {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(service.Close)
	j := &job{github: githubtest.New(), dir: t.TempDir(), target: service.URL}
	address := githubtest.Start(t, j.github)
	j.env = map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": j.dir, "GITHUB_REPOSITORY": githubtest.Repository,
		"GITHUB_API_URL": address, "GITHUB_GRAPHQL_URL": address + "/graphql", "GITHUB_SERVER_URL": "https://github.com",
		"GITHUB_RUN_ID": "42", "GITHUB_JOB": "gate", "GITHUB_WORKFLOW_REF": githubtest.Repository + "/.github/workflows/gate.yml@refs/pull/7/merge",
		"GITHUB_OUTPUT": filepath.Join(j.dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(j.dir, "summary"),
		"GITHUB_EVENT_PATH": filepath.Join(j.dir, "event.json"),
		"INPUT_CONFIG":      filepath.Join(j.dir, "slo.yaml"), "INPUT_OUT": filepath.Join(j.dir, "out"), "INPUT_NETWORK": "bridge",
		"INPUT_GITHUB-TOKEN": "ghs_x", "INPUT_JOB-CHECK-RUN-ID": "77", "INPUT_JOB-MATRIX": "null",
	}
	j.event(t, "pull_request", pullEvent(githubtest.RepositoryID))
	j.config(t, "iris", "p95 <= 30s")
	return j
}

// pullEvent is the payload of a pull request whose head is in a repository.
func pullEvent(head int64) string {
	return fmt.Sprintf(`{"repository":{"id":%d,"default_branch":"main"},"pull_request":{"number":7,"title":"TITLE of the pull request",
		"head":{"sha":%q,"ref":"faster","repo":{"id":%d,"owner":{"login":"ann"}}},"base":{"sha":%q,"ref":"main"}}}`, githubtest.RepositoryID, headSHA, head, baseSHA)
}

func (j *job) event(t *testing.T, name, payload string) {
	t.Helper()
	j.env["GITHUB_EVENT_NAME"] = name
	j.write(t, "event.json", payload)
}

func (j *job) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(j.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sloFile is a file of one short stage.
func sloFile(name, target string, objectives ...string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\nname: %q\ntarget: %q\nwait_for: {request: GET /, timeout: 20s}\nconfirm: off\nscenarios: [{request: GET /}]\nstages: [{name: steady, requests: 200, workers: 2}]\nobjectives:\n", name, target)
	for _, o := range objectives {
		text.WriteString("  - " + o + "\n")
	}
	return text.String()
}

func (j *job) config(t *testing.T, name string, objectives ...string) {
	t.Helper()
	j.write(t, "slo.yaml", sloFile(name, j.target, objectives...))
}

// run runs the action and returns its exit code and its log.
func (j *job) run(t *testing.T, env map[string]string, args ...string) (int, string) {
	t.Helper()
	all := maps.Clone(j.env)
	maps.Copy(all, env)
	if len(args) == 0 {
		args = []string{"action"}
	}
	var log bytes.Buffer
	code := Main(t.Context(), args, func(name string) (string, bool) { v, ok := all[name]; return v, ok }, &log, &log)
	return code, log.String()
}

func (j *job) summary(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(j.dir, "summary"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (j *job) key(name string) github.Key {
	return github.Key{Workflow: ".github/workflows/gate.yml", Job: "gate", Name: name}
}

// One comment is created, then updated in place, and another job's is its own.
func TestActionKeepsOneComment(t *testing.T) {
	j := newJob(t)
	code, log := j.run(t, nil)
	if code != exitPass || len(j.github.Comments) != 1 {
		t.Fatalf("exit %d, %d comments\n%s", code, len(j.github.Comments), log)
	}
	first := j.github.Comments[0].Body
	for _, want := range []string{
		j.key("iris").Marker() + "<!-- run:42 -->\n## ✅ Pass: iris\n", "(<https://github.com/acme/iris/actions/runs/42#summary-77>)", "Measured at commit 111111111111.",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("the comment lacks %q:\n%s", want, first)
		}
	}
	j.config(t, "iris", "p95 <= 1us")
	if code, log := j.run(t, nil); code != exitFail || len(j.github.Comments) != 1 || !strings.Contains(j.github.Comments[0].Body, "## ❌ Fail: iris") {
		t.Errorf("exit %d, comments %+v\n%s", code, j.github.Comments, log)
	}
	j.run(t, map[string]string{"INPUT_JOB-MATRIX": `{ "size": 2 }`})
	j.run(t, map[string]string{"INPUT_JOB-MATRIX": `{"size":2}`})
	if len(j.github.Comments) != 2 {
		t.Errorf("%d comments for two cells of a matrix", len(j.github.Comments))
	}
}

func TestCommentModes(t *testing.T) {
	for name, tt := range map[string]struct {
		mode      string
		earlier   bool
		objective string
		want      string // begin of the comment's text; empty: none
	}{
		"never":                           {"never", false, "p95 <= 1us", ""},
		"on failure, passed":              {"on-failure", false, "p95 <= 30s", ""},
		"on failure, passed again":        {"on-failure", true, "p95 <= 30s", "## ✅ Pass"},
		"on failure, failed":              {"on-failure", false, "p95 <= 1us", "## ❌ Fail"},
		"on failure, inconclusive":        {"on-failure", false, "p99.99 <= 30s", "## ❔ Inconclusive"},
		"on failure, missed a warn only":  {"on-failure", false, "warn: p95 <= 1us", ""},
		"always, with an earlier comment": {"always", true, "p95 <= 30s", "## ✅ Pass"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.config(t, "iris", tt.objective)
			if tt.earlier {
				j.github.Comments = []githubtest.Comment{{ID: 5, Pull: 7, Login: githubtest.Bot, Body: j.key("iris").Marker() + "\nearlier"}}
			}
			_, log := j.run(t, map[string]string{"INPUT_COMMENT": tt.mode})
			got := ""
			if len(j.github.Comments) == 1 {
				_, got, _ = strings.Cut(j.github.Comments[0].Body, "\n")
			}
			if len(j.github.Comments) > 1 || !strings.HasPrefix(got, tt.want) || (tt.want == "") != (got == "") {
				t.Errorf("comments %+v, want one that begins with %q\n%s", j.github.Comments, tt.want, log)
			}
		})
	}
}

// Whatever keeps a comment from being written, the verdict decides how the step
// ends, the summary is there, and one notice says why.
func TestCommentTroubleChangesNoVerdict(t *testing.T) {
	for name, tt := range map[string]struct {
		server func(*githubtest.Server)
		event  string // payload; empty: a pull request of the repository
		env    map[string]string
		notice string
	}{
		"read-only token": {func(s *githubtest.Server) { s.ReadOnly = true }, "", nil, "the token lacks the permission pull-requests: write (status 403)"},
		"fork":            {func(s *githubtest.Server) { s.ReadOnly = true }, pullEvent(2002), nil, "the token of a fork's pull request, or of Dependabot's, can only read, and this needs pull-requests: write"},
		"Dependabot":      {func(s *githubtest.Server) { s.ReadOnly = true }, "", map[string]string{"GITHUB_ACTOR": "dependabot[bot]"}, "or of Dependabot's, can only read"},
		"locked":          {func(s *githubtest.Server) { s.Locked = true }, "", nil, "its conversation is locked"},
		"no token":        {func(*githubtest.Server) {}, "", map[string]string{"INPUT_GITHUB-TOKEN": ""}, "there is no token"},
		"no repository":   {func(*githubtest.Server) {}, "", map[string]string{"GITHUB_REPOSITORY": ""}, `repository "" is not owner/name`},
	} {
		for objective, exit := range map[string]int{"p95 <= 30s": exitPass, "p95 <= 1us": exitFail} {
			t.Run(fmt.Sprint(name, ", exit ", exit), func(t *testing.T) {
				j := newJob(t)
				tt.server(j.github)
				if tt.event != "" {
					j.event(t, "pull_request", tt.event)
				}
				j.config(t, "iris", objective)
				code, log := j.run(t, tt.env)
				if code != exit || len(j.github.Comments) != 0 {
					t.Errorf("exit %d, want %d; comments %+v", code, exit, j.github.Comments)
				}
				if n := strings.Count(log, "::notice "); n != 1 || !strings.Contains(log, tt.notice) {
					t.Errorf("%d notices, want one with %q:\n%s", n, tt.notice, log)
				}
				if !strings.Contains(j.summary(t), "### Objectives") {
					t.Error("the summary is missing")
				}
				if strings.Contains(strings.ReplaceAll(log, "::add-mask::ghs_x", ""), "ghs_x") {
					t.Error("the token is in the log")
				}
			})
		}
	}
}

// An outage of the API ends at the time limit.
func TestCommentDuringAnOutage(t *testing.T) {
	j := newJob(t)
	j.github.Down = true
	var log bytes.Buffer
	p := &program{lookupEnv: func(name string) (string, bool) { v, ok := j.env[name]; return v, ok }, stdout: &log, stderr: &log}
	a := action.New(p.getenv, &log)
	in, err := a.Inputs()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	pr := newPullRequest(a, in)
	r := &result.Run{Name: "iris", Judgement: &result.Judgement{Verdict: result.Pass}}
	cancel() // the limit, reached
	if err := pr.report(ctx, p, r); err != nil || !strings.Contains(log.String(), "::notice ") {
		t.Errorf("%v\n%s", err, log.String())
	}
}

// What others write cannot lead to another comment, become markup, or end up
// in the log as a command.
func TestCommentTrustsNobody(t *testing.T) {
	j := newJob(t)
	victim := j.key("victim").Marker()
	name := "x " + victim + " <img src=x> @ann ::error::y"
	j.config(t, name, "p95 <= 30s")
	mine := j.key(name).Marker()
	j.github.Comments = []githubtest.Comment{
		{ID: 1, Pull: 7, Login: githubtest.Bot, Body: victim + "\nof the victim"},
		{ID: 2, Pull: 7, Login: "eve", Body: mine + "\npasted by eve"},
		{ID: 3, Pull: 7, Login: githubtest.Bot, Body: "> " + mine + "\nquoted"},
		{ID: 4, Pull: 7, Login: githubtest.Bot, Body: mine + "\nhidden", Minimized: true},
	}
	before := fmt.Sprint(j.github.Comments)
	code, log := j.run(t, nil)
	if code != exitPass || len(j.github.Comments) != 5 || fmt.Sprint(j.github.Comments[:4]) != before {
		t.Fatalf("exit %d, comments %+v\n%s", code, j.github.Comments, log)
	}
	body := j.github.Comments[4].Body
	if !strings.HasPrefix(body, mine+"<!-- run:42 -->\n## ✅ Pass: x &lt;!-- slogate:") {
		t.Errorf("the comment begins with %.200q", body)
	}
	if strings.Count(body, "<!--") != 2 || strings.Contains(body, "<img") || strings.Contains(body, "@ann") {
		t.Errorf("markup of the name is in the comment:\n%s", body)
	}
	for _, text := range []string{body, log, j.summary(t)} {
		if strings.Contains(text, "TITLE") {
			t.Errorf("the title of the pull request is in\n%s", text)
		}
	}
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "::error") {
			t.Errorf("the name became a command: %s", line)
		}
	}
}

// A target that never gets ready is told too: an earlier comment would go on
// saying pass. No secret is in it.
func TestCommentOnARefusal(t *testing.T) {
	j := newJob(t)
	host, port, _ := strings.Cut(deadAddress, ":")
	j.target = "http://" + host + ":${secret.PORT}"
	j.write(t, "slo.yaml", strings.Replace(sloFile("iris", j.target, "p95 <= 30s"), "timeout: 20s", "timeout: 100ms", 1))
	code, log := j.run(t, map[string]string{"INPUT_ENV": "PORT", "PORT": port})
	if code != exitInconclusive || len(j.github.Comments) != 1 {
		t.Fatalf("exit %d, comments %+v\n%s", code, j.github.Comments, log)
	}
	if body := j.github.Comments[0].Body; !strings.Contains(body, "## ⛔ slogate could not run") || strings.Contains(body, port) {
		t.Errorf("the comment is\n%s", body)
	}
}

// A file that cannot be read takes back what an earlier comment says, of itself
// and of those beside it that are not loaded either. It begins no comment.
func TestCommentOnAWrongFile(t *testing.T) {
	for name, tt := range map[string]struct {
		text string // of the wrong file
		of   string // the name by which its comment is known
	}{
		"wrong":          {"version: 1\nname: second\nstagez: []\n", "second"},
		"without a name": {"version: 1\n", "b"},
		"no YAML":        {"name: second\n{", "b"},
		"empty":          {"", "b"},
		"of a variable":  {"name: ${env.NAME}\n", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.write(t, "a.yaml", sloFile("first", j.target, "p95 <= 30s"))
			j.write(t, "b.yaml", tt.text)
			env := map[string]string{"INPUT_CONFIG": filepath.Join(j.dir, "a.yaml") + "\n" + filepath.Join(j.dir, "b.yaml")}
			if code, log := j.run(t, env); code != exitUsage || len(j.github.Comments) > 0 {
				t.Errorf("exit %d, comments %+v\n%s", code, j.github.Comments, log)
			}
			for i, name := range []string{"first", tt.of, "third"} {
				j.github.Comments = append(j.github.Comments, githubtest.Comment{ID: int64(i + 1), Pull: 7, Login: githubtest.Bot, Body: j.key(name).Marker() + "\n## Pass"})
			}
			_, log := j.run(t, env)
			for i, c := range j.github.Comments {
				if refused := strings.Contains(c.Body, "slogate could not run"); refused != (i < 2) {
					t.Errorf("comment %d is %s\n%s", i, c.Body, log)
				}
			}
		})
	}
}

// Without a pull request there is no comment and no notice.
func TestNoPullRequest(t *testing.T) {
	for name, tt := range map[string]struct{ payload, ref string }{
		"push":              {`{"ref":"refs/heads/main","after":"` + headSHA + `","repository":{"id":1001,"default_branch":"main"}}`, "refs/heads/main"},
		"schedule":          {`{"schedule":"0 0 * * *","repository":{"id":1001,"default_branch":"main"}}`, "refs/heads/main"},
		"workflow_dispatch": {`{"ref":"refs/heads/main","repository":{"id":1001}}`, "refs/heads/main"},
		"release":           {`{"action":"published","release":{"tag_name":"v1"},"repository":{"id":1001}}`, "refs/tags/v1"},
		"merge_group":       {`{"action":"checks_requested","merge_group":{"head_sha":"` + headSHA + `","head_ref":"refs/heads/gh-readonly-queue/main/x","base_sha":"` + baseSHA + `"},"repository":{"id":1001}}`, "refs/heads/main"},
		"workflow_run":      {`{"workflow_run":{"id":5,"head_sha":"` + headSHA + `","head_branch":"x","head_repository":{"id":9,"owner":{"login":"ann"}}},"repository":{"id":1001}}`, "refs/heads/main"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.event(t, name, tt.payload)
			code, log := j.run(t, map[string]string{"GITHUB_REF": tt.ref, "GITHUB_SHA": headSHA})
			if code != exitPass || len(j.github.Comments) > 0 || strings.Contains(log, "::notice") || strings.Contains(log, "::error") {
				t.Errorf("exit %d, comments %+v\n%s", code, j.github.Comments, log)
			}
		})
	}
}

// The pull request of an event that does not name it is found by its commit.
func TestPullRequestOfEvent(t *testing.T) {
	for name, payload := range map[string]string{
		"push":              `{"ref":"refs/heads/faster","after":"` + headSHA + `","repository":{"id":1001}}`,
		"workflow_dispatch": `{"ref":"refs/heads/faster","repository":{"id":1001}}`,
		"deployment_status": `{"deployment":{"sha":"` + headSHA + `","ref":"faster"},"deployment_status":{"state":"success","environment_url":"TARGET/?preview#x"},"repository":{"id":1001}}`,
		"merge_group":       `{"merge_group":{"head_sha":"` + baseSHA + `","head_ref":"refs/heads/gh-readonly-queue/main/pr-7-` + baseSHA + `"},"repository":{"id":1001}}`,
		"issue_comment":     `{"issue":{"number":7,"pull_request":{"url":"x"}},"comment":{"body":"/slogate"},"repository":{"id":1001}}`,
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.github.Pulls = []githubtest.Pull{{Number: 7, State: "open", Head: githubtest.Side{SHA: headSHA, Ref: "faster", Owner: "acme", RepositoryID: githubtest.RepositoryID}}}
			if name == "deployment_status" { // its address is the target, where the workflow names none
				payload = strings.Replace(payload, "TARGET", j.target, 1)
				j.target = "http://127.0.0.1:9"
				j.config(t, "iris", "p95 <= 30s")
			}
			j.event(t, name, payload)
			code, log := j.run(t, map[string]string{"GITHUB_REF": "refs/heads/faster", "GITHUB_SHA": headSHA})
			if code != exitPass || len(j.github.Comments) != 1 || j.github.Comments[0].Pull != 7 {
				t.Errorf("exit %d, comments %+v\n%s", code, j.github.Comments, log)
			}
		})
	}
}

// pull_request_target hands a fork's change a token that can write.
func TestPullRequestTargetWarns(t *testing.T) {
	for head, want := range map[int64]bool{githubtest.RepositoryID: false, 2002: true} {
		j := newJob(t)
		j.event(t, "pull_request_target", pullEvent(head))
		if code, log := j.run(t, nil); code != exitPass || strings.Contains(log, "::warning ") != want {
			t.Errorf("head in %d: exit %d, want a warning: %v\n%s", head, code, want, log)
		}
	}
}

// What a pull request asks less of than its base is listed, in the summary and
// the comment; and with objectives-from base it is the base's file that judges.
func TestLoosenedByThePullRequest(t *testing.T) {
	for name, tt := range map[string]struct {
		base, head []string // objectives; nil: no file
		env        map[string]string
		exit       int
		want, not  []string // in the comment
	}{
		"wider":                             {[]string{"p95 <= 20s"}, []string{"p95 <= 30s"}, nil, exitPass, []string{"### What this change asks less of", "| steady | `p95 <= 20s` | `p95 <= 30s` |"}, nil},
		"narrower":                          {[]string{"p95 <= 30s"}, []string{"p95 <= 20s"}, nil, exitPass, nil, []string{"asks less of"}},
		"new file":                          {nil, []string{"p95 <= 20s"}, nil, exitPass, nil, []string{"asks less of"}},
		"base is wrong":                     {[]string{"p95 =< 20s"}, []string{"p95 <= 30s"}, nil, exitPass, nil, []string{"asks less of"}},
		"judged by base":                    {[]string{"p95 <= 1us"}, []string{"p95 <= 30s"}, map[string]string{"INPUT_OBJECTIVES-FROM": "base"}, exitFail, []string{"## ❌ Fail", "`p95 <= 1us` | `p95 <= 30s`", "judged by the base's SLO file"}, nil},
		"judged by base, this one is wrong": {[]string{"p95 <= 20s"}, []string{"p95 =< 30s"}, map[string]string{"INPUT_OBJECTIVES-FROM": "base"}, exitPass, []string{"this change's own is wrong"}, nil},
		"judged by base, the same":          {[]string{"p95 <= 30s"}, []string{"p95 <= 30s"}, map[string]string{"INPUT_OBJECTIVES-FROM": "base"}, exitPass, nil, []string{"judged by the base"}},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.config(t, "iris", tt.head...)
			if tt.base != nil {
				j.github.Files = map[string]map[string]string{baseSHA: {"slo.yaml": sloFile("iris", j.target, tt.base...)}}
			}
			code, log := j.run(t, tt.env)
			if code != tt.exit || len(j.github.Comments) != 1 {
				t.Fatalf("exit %d, want %d; comments %+v\n%s", code, tt.exit, j.github.Comments, log)
			}
			for _, text := range []string{j.github.Comments[0].Body, j.summary(t)} {
				for _, want := range tt.want {
					if !strings.Contains(text, want) {
						t.Errorf("missing %q in\n%s", want, text)
					}
				}
				for _, not := range tt.not {
					if strings.Contains(text, not) {
						t.Errorf("%q is in\n%s", not, text)
					}
				}
			}
		})
	}
}

// Where the base's file is to judge and there is none to read, nothing is
// loaded: a change must not be able to choose its own judge.
func TestObjectivesFromBaseFailsClosed(t *testing.T) {
	without := strings.Replace(pullEvent(githubtest.RepositoryID), `"sha":"`+baseSHA+`",`, "", 1)
	status := func(code int) func(*job) {
		return func(j *job) {
			j.github.Handle("GET /repos/acme/iris/contents/slo.yaml", func(w http.ResponseWriter, _ *http.Request) { githubtest.Refuse(w, code, "no") })
		}
	}
	for name, tt := range map[string]struct {
		change func(*job)
		event  string // payload of a pull request; empty: one with all it has
		env    map[string]string
		exit   int
		want   string
	}{
		"base is wrong":              {func(j *job) { j.base(baseSHA, "p95 =< 20s") }, "", nil, exitUsage, "objectives-from base: the base's SLO file is wrong"},
		"no token":                   {func(*job) {}, "", map[string]string{"INPUT_GITHUB-TOKEN": ""}, exitUsage, "objectives-from base: there is no token"},
		"no such file":               {func(j *job) { j.github.Files = map[string]map[string]string{baseSHA: {}} }, "", nil, exitInconclusive, "the base has no such SLO file, and a change does not judge itself"},
		"no such file, let pass":     {func(j *job) { j.github.Files = map[string]map[string]string{baseSHA: {}} }, "", map[string]string{"INPUT_ON-INCONCLUSIVE": "warn"}, exitPass, "the base has no such SLO file"},
		"commit that is not there":   {func(*job) {}, "", nil, exitUsage, "objectives-from base: GET /repos/acme/iris/commits/" + baseSHA + ": status 422"},
		"denied":                     {status(403), "", nil, exitUsage, "status 403: no (needs the permission contents: read)"},
		"an error":                   {status(400), "", nil, exitUsage, "objectives-from base: GET /repos/acme/iris/contents/slo.yaml: status 400"},
		"outside of the workspace":   {func(j *job) { j.base(baseSHA, "p95 <= 20s") }, "", map[string]string{"GITHUB_WORKSPACE": "/nowhere"}, exitUsage, "lies outside of the workspace"},
		"event without a base":       {func(j *job) { j.base(baseSHA, "p95 <= 20s") }, without, nil, exitUsage, "objectives-from base: the event does not name the base's commit"},
		"event without a payload":    {func(j *job) { j.base(baseSHA, "p95 <= 20s") }, "{", nil, exitUsage, "objectives-from base: the event does not name the base's commit"},
		"an own file that is wrong":  {func(j *job) { os.WriteFile(filepath.Join(j.dir, "slo.yaml"), []byte("version: 1"), 0o644) }, "", nil, exitUsage, "SLO014"},
		"an own file that is absent": {func(j *job) { os.Remove(filepath.Join(j.dir, "slo.yaml")) }, "", nil, exitUsage, "objectives-from base: GET"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			loaded := j.counts(t)
			tt.change(j)
			if tt.event != "" {
				j.event(t, "pull_request", tt.event)
			}
			env := map[string]string{"INPUT_OBJECTIVES-FROM": "base"}
			maps.Copy(env, tt.env)
			code, log := j.run(t, env)
			if code != tt.exit || !strings.Contains(log, tt.want) || loaded() > 0 {
				t.Errorf("exit %d, want %d; %d requests; want %q in\n%s", code, tt.exit, loaded(), tt.want, log)
			}
			if text := j.summary(t); !strings.Contains(text, "Nothing was loaded, nothing was judged.") {
				t.Errorf("the summary is\n%s", text)
			}
		})
	}
}

// base puts an SLO file into a commit.
func (j *job) base(commit string, objectives ...string) {
	j.github.Files = map[string]map[string]string{commit: {"slo.yaml": sloFile("iris", j.target, objectives...)}}
}

// checkOut writes what Git knows of a checkout: its head, and the branch main.
func (j *job) checkOut(t *testing.T, head, main string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(j.dir, ".git", "refs", "heads"), 0o755); err != nil {
		t.Fatal(err)
	}
	j.write(t, ".git/HEAD", head+"\n")
	j.write(t, ".git/refs/heads/main", main+"\n")
}

// A job for the default branch may have checked out something else.
func TestJudgeOfAnotherCheckout(t *testing.T) {
	const other = "4444444444444444444444444444444444444444"
	for name, tt := range map[string]struct {
		head, main string // empty head: nothing is known
		exit       int
	}{
		"the branch":                      {"ref: refs/heads/main", headSHA, exitPass},
		"its commit":                      {headSHA, other, exitPass},
		"another commit":                  {other, headSHA, exitFail},
		"another repository's branch":     {"ref: refs/heads/main", other, exitFail},
		"a branch that is not there":      {"ref: refs/heads/faster", headSHA, exitFail},
		"a reference out of the checkout": {"ref: ../../../sha", headSHA, exitFail},
		"a checkout without Git":          {"", "", exitFail},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.base(headSHA, "p95 <= 1us")
			j.event(t, "workflow_dispatch", `{"ref":"refs/heads/main","repository":{"id":1001,"default_branch":"main"}}`)
			if tt.head != "" {
				j.checkOut(t, tt.head, tt.main)
			}
			code, log := j.run(t, map[string]string{"INPUT_OBJECTIVES-FROM": "base", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": headSHA})
			if code != tt.exit {
				t.Errorf("exit %d, want %d\n%s", code, tt.exit, log)
			}
		})
	}
}

// counts replaces the job's service by one that counts its requests.
func (j *job) counts(t *testing.T) func() int64 {
	t.Helper()
	var n atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) }))
	t.Cleanup(service.Close)
	j.target = service.URL
	j.config(t, "iris", "p95 <= 30s")
	return n.Load
}

// Who judges where objectives-from is base, by event: on the default branch its
// own file, elsewhere the base's, or the default branch's where no base is named.
func TestJudgeOfAnEvent(t *testing.T) {
	const mainSHA = "3333333333333333333333333333333333333333"
	repository := `"repository":{"id":1001,"default_branch":"main"}`
	for name, tt := range map[string]struct {
		event, payload, ref string
		by                  string // commit of the file that judges; empty: the checkout's own
		exit                int
	}{
		"push to the default branch":  {"push", `{"ref":"refs/heads/main","before":"` + baseSHA + `","after":"` + headSHA + `",` + repository + `}`, "refs/heads/main", "", exitPass},
		"push to another branch":      {"push", `{"ref":"refs/heads/faster","before":"` + baseSHA + `","after":"` + headSHA + `",` + repository + `}`, "refs/heads/faster", mainSHA, exitFail},
		"push of a tag":               {"push", `{"ref":"refs/tags/main","after":"` + headSHA + `",` + repository + `}`, "refs/tags/main", mainSHA, exitFail},
		"schedule":                    {"schedule", `{"schedule":"0 0 * * *",` + repository + `}`, "refs/heads/main", "", exitPass},
		"by hand":                     {"workflow_dispatch", `{"ref":"refs/heads/main",` + repository + `}`, "refs/heads/main", "", exitPass},
		"by hand, another branch":     {"workflow_dispatch", `{"ref":"refs/heads/faster",` + repository + `}`, "refs/heads/faster", mainSHA, exitFail},
		"merge queue":                 {"merge_group", `{"merge_group":{"head_sha":"` + headSHA + `","base_sha":"` + baseSHA + `","head_ref":"x"},` + repository + `}`, "refs/heads/x", baseSHA, exitFail},
		"pull request":                {"pull_request", pullEvent(githubtest.RepositoryID), "refs/pull/7/merge", baseSHA, exitFail},
		"comment":                     {"issue_comment", `{"issue":{"number":7,"pull_request":{"url":"x"}},` + repository + `}`, "refs/heads/main", mainSHA, exitFail},
		"release":                     {"release", `{"action":"published",` + repository + `}`, "refs/tags/v1", mainSHA, exitFail},
		"unknown default branch":      {"push", `{"ref":"refs/heads/main","after":"` + headSHA + `","repository":{"id":1001}}`, "refs/heads/main", mainSHA, exitUsage},
		"default branch without file": {"push", `{"ref":"refs/heads/faster","after":"` + headSHA + `",` + repository + `}`, "refs/heads/faster", "none", exitInconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.github.Branches = map[string]string{"main": mainSHA}
			j.base(tt.by, "p95 <= 1us")
			if tt.by != mainSHA {
				j.github.Files[mainSHA] = map[string]string{}
			}
			j.event(t, tt.event, tt.payload)
			j.checkOut(t, "ref: refs/heads/main", headSHA)
			code, log := j.run(t, map[string]string{"INPUT_OBJECTIVES-FROM": "base", "GITHUB_REF": tt.ref, "GITHUB_SHA": headSHA})
			if code != tt.exit {
				t.Errorf("exit %d, want %d\n%s", code, tt.exit, log)
			}
		})
	}
}

// On Gitea the comment works, with the names and lists that it has.
func TestCommentOnGitea(t *testing.T) {
	j := newJob(t)
	var posted string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/repos/acme/iris/issues/7/comments", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `[{"id":3,"body":"x","user":{"login":"ann"}},{"id":4,"body":%q,"user":{"login":"gitea-actions"}}]`, j.key("iris").Marker()+"\nearlier")
	})
	mux.HandleFunc("PATCH /api/v1/repos/acme/iris/issues/comments/4", func(w http.ResponseWriter, r *http.Request) {
		var sent struct{ Body string }
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		posted = sent.Body
		fmt.Fprint(w, `{"id":4,"html_url":"http://gitea/acme/iris/pulls/7#issuecomment-4"}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	code, log := j.run(t, map[string]string{"GITHUB_API_URL": server.URL + "/api/v1", "GITHUB_GRAPHQL_URL": "", "GITHUB_SERVER_URL": server.URL})
	if code != exitPass || !strings.Contains(posted, "## ✅ Pass") || !strings.Contains(posted, "(<"+server.URL+"/acme/iris/actions/runs/42>)") || strings.Contains(log, "::notice") {
		t.Errorf("exit %d, posted %.300q\n%s", code, posted, log)
	}
}

// The mode check validates, marks what it finds and sends nothing.
func TestActionChecks(t *testing.T) {
	output := func(j *job) string {
		text, err := os.ReadFile(j.env["GITHUB_OUTPUT"])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	j := newJob(t)
	j.target = "http://127.0.0.1:9"
	j.config(t, "iris", "p95 <= 30s", "p99.99 <= 30s")
	j.base(baseSHA, "p95 <= 20s", "p99.99 <= 30s")
	code, log := j.run(t, map[string]string{"INPUT_MODE": "check"})
	if code != exitPass || !strings.Contains(log, "1 stage on http://127.0.0.1:9") || !strings.Contains(j.summary(t), "## 📋 Plan: iris") || len(j.github.Comments) > 0 {
		t.Errorf("exit %d, comments %+v\n%s\n%s", code, j.github.Comments, log, j.summary(t))
	}
	for _, want := range []string{
		"::notice file=slo.yaml,title=asks less than its base::steady: p95 <= 20s → p95 <= 30s\n",
		"::notice col=5,file=slo.yaml,line=10,title=objective in stage steady::p99.99 <= 30s: ",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	if text := output(j); !strings.Contains(text, "\ntrue\n") || !strings.Contains(text, "is valid: 1 stage on http://127.0.0.1:9") {
		t.Errorf("outputs %s", text)
	}
	j = newJob(t)
	j.config(t, "iris", "p95 =< 30s")
	code, log = j.run(t, map[string]string{"INPUT_MODE": "check"})
	if code != exitUsage || !strings.Contains(log, "::error col=9,file=slo.yaml,line=9,title=slogate::") || !strings.Contains(j.summary(t), "Nothing was loaded") || !strings.Contains(output(j), "\nfalse\n") {
		t.Errorf("a wrong file: exit %d\n%s\n%s", code, log, output(j))
	}
}

// Neither outputs nor the summary of a plan hold a secret.
func TestActionChecksWithoutSecrets(t *testing.T) {
	j := newJob(t)
	j.target = "http://localhost:${secret.PORT}"
	j.config(t, "iris", "p95 <= 30s")
	code, log := j.run(t, map[string]string{"INPUT_MODE": "check", "INPUT_ENV": "PORT", "PORT": "54321"})
	text, err := os.ReadFile(j.env["GITHUB_OUTPUT"])
	if code != exitPass || err != nil || strings.Contains(string(text)+j.summary(t), "54321") || !strings.Contains(string(text), "localhost:***") {
		t.Errorf("exit %d, %v\n%s\n%s", code, err, text, log)
	}
}

// foreign is a job that comments for a fork's pull request, and the result file
// that the fork's workflow has left.
func foreign(t *testing.T, change func(*result.Run)) *job {
	t.Helper()
	j := newJob(t)
	if code, log := j.run(t, map[string]string{"INPUT_COMMENT": "never"}); code != exitPass {
		t.Fatal(log)
	}
	path := filepath.Join(j.dir, "out", resultFile)
	r, err := result.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	change(r)
	if err := result.WriteFile(path, r); err != nil {
		t.Fatal(err)
	}
	fork := githubtest.Side{SHA: headSHA, Ref: "fix", Owner: "ann", RepositoryID: 2002}
	other := githubtest.Side{SHA: headSHA, Ref: "fix", Owner: "bob", RepositoryID: 3003}
	j.github.Pulls = []githubtest.Pull{{Number: 6, State: "open", Head: other}, {Number: 7, State: "closed", Head: fork}, {Number: 8, State: "open", Head: fork}}
	j.event(t, "workflow_run", `{"repository":{"id":1001},"workflow_run":{"id":55,"head_sha":"`+headSHA+`","head_branch":"fix","head_repository":{"id":2002,"owner":{"login":"ann"}}}}`)
	return j
}

func TestCommentForAFork(t *testing.T) {
	for name, run := range map[string]func(t *testing.T, j *job) (int, string){
		"action": func(t *testing.T, j *job) (int, string) { return j.run(t, map[string]string{"INPUT_MODE": "comment"}) },
		"command line": func(t *testing.T, j *job) (int, string) {
			return j.run(t, map[string]string{"GITHUB_TOKEN": "ghs_x"}, "comment", filepath.Join(j.dir, "out", resultFile))
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := foreign(t, func(r *result.Run) {
				r.Name = "iris --> <script>"
				r.Source = result.Source{Commit: strings.Repeat("e", 40), RunURL: "https://evil.example/"}
				r.Judgement.Reason = "[click](https://evil.example) <!-- slogate:00 -->\n::error::x"
				r.Judgement.Objectives[0].Text = "| x | `<b>`"
				r.Judgement.Earlier = []result.Earlier{{Source: result.Source{Commit: "abcdef0123", Branch: "main", RunURL: "https://evil.example/session"}, Start: r.Start}}
			})
			code, log := run(t, j)
			if code != exitPass || len(j.github.Comments) != 1 || j.github.Comments[0].Pull != 8 {
				t.Fatalf("exit %d, comments %+v\n%s", code, j.github.Comments, log)
			}
			body := j.github.Comments[0].Body
			for _, want := range []string{"Measured at commit 111111111111.", "[another workflow run](<https://github.com/acme/iris/actions/runs/55>)", "of `main`, newest `abcdef0`, less than"} {
				if !strings.Contains(body, want) {
					t.Errorf("the comment lacks %q:\n%s", want, body)
				}
			}
			if strings.Contains(body, "evil.example/") || strings.Contains(body, "](https://evil") || strings.Count(body, "<!--") != 2 || strings.Contains(body, "<script>") {
				t.Errorf("the file's words act in\n%s", body)
			}
		})
	}
}

// A fork's file that is none is refused; what the API refuses is a notice.
func TestCommentForAForkRefused(t *testing.T) {
	j := foreign(t, func(*result.Run) {})
	path := filepath.Join(j.dir, "out", resultFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var parsed map[string]any
	if err := json.Unmarshal(text, &parsed); err != nil {
		t.Fatal(err)
	}
	delete(parsed, "judgement")
	unjudged, err := json.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(j.dir, "link.json")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	j.write(t, "cut.json", string(text[:len(text)/2]))
	j.write(t, "counts.json", strings.Replace(string(text), `"success": 200`, `"success": 201`, 1))
	j.write(t, "unjudged.json", string(unjudged))
	large, err := os.Create(filepath.Join(j.dir, "large.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := large.Truncate(largestForeign + 1); err != nil {
		t.Fatal(err)
	}
	large.Close()
	for name, want := range map[string]string{
		"link.json": "not a regular file", "cut.json": "truncated", "counts.json": "histogram holds", "unjudged.json": "was not judged", "large.json": "larger than 32 MiB", "none.json": "no such file",
	} {
		code, log := j.run(t, map[string]string{"INPUT_MODE": "comment", "INPUT_RESULT": filepath.Join(j.dir, name)})
		if code != exitUsage || !strings.Contains(log, want) || len(j.github.Comments) > 0 {
			t.Errorf("%s: exit %d, comments %+v, want %q in\n%s", name, code, j.github.Comments, want, log)
		}
	}
	j.github.ReadOnly = true
	if code, log := j.run(t, map[string]string{"INPUT_MODE": "comment"}); code != exitPass || !strings.Contains(log, "::notice ") {
		t.Errorf("a token that only reads: exit %d\n%s", code, log)
	}
	if code, log := j.run(t, map[string]string{"GITHUB_TOKEN": "ghs_x"}, "comment", path); code != exitUsage || !strings.Contains(log, "pull-requests: write") {
		t.Errorf("the command with a token that only reads: exit %d\n%s", code, log)
	}
}
