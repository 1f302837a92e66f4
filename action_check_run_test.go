package main

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/github/githubtest"
)

// The verdict is a check run of its own where the workflow asks for one.
func TestOwnCheckRun(t *testing.T) {
	for name, tt := range map[string]struct {
		objective  string
		env        map[string]string
		exit       int
		conclusion string
		noted      bool // the objective is marked at its line
	}{
		"pass":                 {"p95 <= 30s", nil, exitPass, "success", false},
		"warn":                 {"warn: p95 <= 1us", nil, exitPass, "success", true},
		"fail":                 {"p95 <= 1us", nil, exitFail, "failure", true},
		"fail, reported only":  {"p95 <= 1us", map[string]string{"INPUT_GATE": "report"}, exitPass, "neutral", true},
		"inconclusive":         {"p99.99 <= 30s", nil, exitInconclusive, "failure", true},
		"inconclusive, passes": {"p99.99 <= 30s", map[string]string{"INPUT_ON-INCONCLUSIVE": "warn"}, exitPass, "neutral", true},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.config(t, "iris", tt.objective)
			env := map[string]string{"INPUT_CHECK-RUN": "true", "INPUT_JOB-MATRIX": `{"b":1,"a":2}`}
			maps.Copy(env, tt.env)
			code, log := j.run(t, env)
			if code != tt.exit || len(j.github.Checks) != 1 {
				t.Fatalf("exit %d, check runs %+v\n%s", code, j.github.Checks, log)
			}
			got := j.github.Checks[0]
			if got.Name != `slogate: iris (gate / gate) {"a":2,"b":1}` || got.HeadSHA != headSHA || got.Status != "completed" || got.Conclusion != tt.conclusion ||
				got.DetailsURL != "https://github.com/acme/iris/actions/runs/42#summary-77" || !strings.Contains(got.Output.Summary, "iris") || got.Output.Title == "" {
				t.Errorf("check run %+v, want conclusion %s", got, tt.conclusion)
			}
			notes := got.Output.Annotations
			if (len(notes) == 1) != tt.noted || tt.noted && (notes[0].Path != "slo.yaml" || notes[0].From != 9 || notes[0].To != 9 || !strings.Contains(notes[0].Message, "measured")) {
				t.Errorf("annotations %+v, want one: %v", notes, tt.noted)
			}
		})
	}
}

// The check run of a cancelled run says so.
func TestOwnCheckRunOfACancelledRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var seen atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if seen.Add(1) == 150 {
			cancel()
		}
	}))
	t.Cleanup(service.Close)
	j := newJob(t)
	j.target = service.URL
	j.write(t, "slo.yaml", strings.NewReplacer("requests: 200", "duration: 10m", "100ms", "20s").Replace(sloFile("iris", j.target, "p95 <= 30s")))
	env := maps.Clone(j.env)
	env["INPUT_CHECK-RUN"] = "true"
	var log bytes.Buffer
	code := Main(ctx, []string{"action"}, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, &log, &log)
	if code != exitCancelled || len(j.github.Checks) != 1 || j.github.Checks[0].Conclusion != "cancelled" {
		t.Errorf("exit %d, check runs %+v\n%s", code, j.github.Checks, log.String())
	}
}

// Where nothing is loaded a check run says so: one of a run before would go on
// saying that the commit passes.
func TestOwnCheckRunOfARefusal(t *testing.T) {
	const dead, wrong = "http://" + deadAddress, "p95 =< 30s"
	for name, tt := range map[string]struct {
		target, objective string
		env               map[string]string
		exit              int
		conclusion, title string
	}{
		"not ready":                {dead, "p95 <= 30s", nil, exitInconclusive, "failure", "slogate: iris"},
		"not ready, reported only": {dead, "p95 <= 30s", map[string]string{"INPUT_GATE": "report"}, exitPass, "neutral", "slogate: iris"},
		"not ready, passes":        {dead, "p95 <= 30s", map[string]string{"INPUT_ON-INCONCLUSIVE": "warn"}, exitPass, "neutral", "slogate: iris"},
		"wrong":                    {dead, wrong, nil, exitUsage, "failure", "slogate: iris"},
		"wrong, reported only":     {dead, wrong, map[string]string{"INPUT_GATE": "report"}, exitUsage, "failure", "slogate: iris"},
		"wrong, of a profile":      {dead, "p95 <= 30s", map[string]string{"INPUT_PROFILE": "smoke"}, exitUsage, "failure", "slogate: iris, smoke"},
		"no file":                  {dead, "p95 <= 30s", map[string]string{"INPUT_CONFIG": "else.yaml"}, exitUsage, "failure", "slogate: else"},
		"base's file is wrong":     {dead, "p95 <= 30s", map[string]string{"INPUT_OBJECTIVES-FROM": "base"}, exitUsage, "failure", "slogate: iris"},
		"no shards":                {dead, "p95 <= 30s", map[string]string{"INPUT_MODE": "merge"}, exitUsage, "failure", "slogate: iris"},
		"mode check":               {dead, wrong, map[string]string{"INPUT_MODE": "check"}, exitUsage, "", ""},
		"a shard":                  {dead, "p95 <= 30s", map[string]string{"INPUT_SHARD": "1/2", "INPUT_SEED": "1"}, exitInconclusive, "", ""},
		"a shard of a wrong file":  {dead, wrong, map[string]string{"INPUT_SHARD": "1/2", "INPUT_SEED": "1"}, exitUsage, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.base(baseSHA, wrong)
			j.write(t, "slo.yaml", strings.Replace(sloFile("iris", tt.target, tt.objective), "timeout: 20s", "timeout: 100ms", 1))
			env := map[string]string{"INPUT_CHECK-RUN": "true"}
			maps.Copy(env, tt.env)
			code, log := j.run(t, env)
			if code != tt.exit || len(j.github.Checks) != 1 && tt.conclusion != "" {
				t.Fatalf("exit %d, want %d; check runs %+v\n%s", code, tt.exit, j.github.Checks, log)
			}
			for _, got := range j.github.Checks {
				if got.Name != tt.title+" (gate / gate)" || got.HeadSHA != headSHA || got.Conclusion != tt.conclusion ||
					!strings.HasPrefix(got.Output.Title, "not run: ") || !strings.Contains(got.Output.Summary, "slogate could not run") {
					t.Errorf("check run %+v, want %s, %s", got, tt.title, tt.conclusion)
				}
			}
		})
	}
}

// So does one where the workflow asks for a network that is not there.
func TestOwnCheckRunWithoutTheRunnersNetwork(t *testing.T) {
	j := newJob(t)
	env := maps.Clone(j.env)
	maps.Copy(env, map[string]string{"INPUT_CHECK-RUN": "true", "INPUT_NETWORK": "host"})
	n, p, log := testNetwork(t)
	p.lookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	code, err := gateAction(t.Context(), p, action.New(p.getenv, p.stdout), n)
	if code != exitUsage || err == nil || len(j.github.Checks) != 1 || j.github.Checks[0].Conclusion != "failure" {
		t.Errorf("exit %d, %v, check runs %+v\n%s", code, err, j.github.Checks, log)
	}
}

// Two jobs, two workflows and two cells have check runs of their own.
func TestCheckNamesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range []github.Key{
		{Workflow: ".github/workflows/gate.yml", Job: "a", Name: "iris"},
		{Workflow: ".github/workflows/gate.yml", Job: "b", Name: "iris"},
		{Workflow: ".github/workflows/night.yaml", Job: "a", Name: "iris"},
		{Workflow: "Gate v1.2", Job: "a", Name: "iris"},
		{Workflow: "Gate v1.3", Job: "a", Name: "iris"},
		{Workflow: "Gate v1.3", Job: "a", Name: "iris, smoke"},
		{Workflow: "Gate v1.3", Job: "a", Name: "iris", Matrix: `{"go":1}`},
	} {
		name := checkName(k)
		if seen[name] || !strings.HasPrefix(name, "slogate: iris") {
			t.Errorf("%+v has the name %q", k, name)
		}
		seen[name] = true
	}
}

// What keeps a check run from being written is a notice; without the input none
// is asked for.
func TestOwnCheckRunRefused(t *testing.T) {
	j := newJob(t)
	if code, log := j.run(t, nil); code != exitPass || len(j.github.Checks) > 0 {
		t.Errorf("exit %d, check runs %+v\n%s", code, j.github.Checks, log)
	}
	j.github.ReadOnly = true
	code, log := j.run(t, map[string]string{"INPUT_CHECK-RUN": "true", "INPUT_COMMENT": "never"})
	if code != exitPass || !strings.Contains(log, "::notice title=slogate::no check run: the token lacks the permission checks: write") {
		t.Errorf("exit %d\n%s", code, log)
	}
}

// A change that the base's file judges has no lines to mark.
func TestOwnCheckRunOfTheBasesFile(t *testing.T) {
	j := newJob(t)
	j.base(baseSHA, "p95 <= 1us")
	code, log := j.run(t, map[string]string{"INPUT_CHECK-RUN": "true", "INPUT_OBJECTIVES-FROM": "base"})
	if code != exitFail || len(j.github.Checks) != 1 || len(j.github.Checks[0].Output.Annotations) > 0 {
		t.Errorf("exit %d, check runs %+v\n%s", code, j.github.Checks, log)
	}
}

// A comment that the workflow requires and that cannot be written is an error;
// it never makes a failed gate look otherwise.
func TestCommentRequired(t *testing.T) {
	for name, tt := range map[string]struct {
		objective string
		env       map[string]string
		event     string
		exit      int
		level     string
	}{
		"by default":        {"p95 <= 30s", nil, "", exitPass, "notice"},
		"required":          {"p95 <= 30s", map[string]string{"INPUT_COMMENT-REQUIRED": "true"}, "", exitUsage, "error"},
		"required, failed":  {"p95 <= 1us", map[string]string{"INPUT_COMMENT-REQUIRED": "true"}, "", exitFail, "error"},
		"required, no pull": {"p95 <= 30s", map[string]string{"INPUT_COMMENT-REQUIRED": "true"}, `{"ref":"refs/heads/main","after":"` + headSHA + `","repository":{"id":1001}}`, exitPass, ""},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.config(t, "iris", tt.objective)
			if tt.event != "" {
				j.event(t, "push", tt.event)
			}
			j.github.Handle("POST /repos/acme/iris/issues/7/comments", func(w http.ResponseWriter, _ *http.Request) {
				githubtest.Refuse(w, http.StatusForbidden, "Resource not accessible by integration")
			})
			code, log := j.run(t, tt.env)
			if code != tt.exit || strings.Contains(log, "no comment on the pull request") != (tt.level != "") || tt.level != "" && !strings.Contains(log, "::"+tt.level+" title=slogate::no comment") {
				t.Errorf("exit %d, want %d and the level %q\n%s", code, tt.exit, tt.level, log)
			}
			if !strings.Contains(j.summary(t), ": iris") {
				t.Error("there is no summary")
			}
		})
	}
}

func TestSummaryWithoutCharts(t *testing.T) {
	for charts, want := range map[string]bool{"true": true, "false": false} {
		j := newJob(t)
		j.write(t, "slo.yaml", strings.Replace(sloFile("iris", j.target, "p95 <= 30s"), "stages: [", "stages: [{name: first, requests: 200, workers: 1}, ", 1))
		if code, log := j.run(t, map[string]string{"INPUT_CHARTS": charts}); code != exitPass {
			t.Fatal(log)
		}
		text := j.summary(t)
		if strings.Contains(text, "```mermaid") != want || !strings.Contains(text, "p95 as a bar") || !strings.Contains(text, "### Stages") {
			t.Errorf("charts %s: the summary is\n%s", charts, text)
		}
	}
}
