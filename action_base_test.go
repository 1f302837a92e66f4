package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A folder that a change makes a link of does not lead to another file of the
// base, whoever judges.
func TestAForkLeadsToAnotherBase(t *testing.T) {
	for name, tt := range map[string]struct {
		base map[string]string // objective by file
		from string
		exit int
		want string // in the summary
	}{
		"listed":                     {map[string]string{"perf/slo.yaml": "p95 <= 1us"}, "head", exitPass, "asks less of"},
		"judged by base":             {map[string]string{"perf/slo.yaml": "p95 <= 1us"}, "base", exitFail, "judged by the base's SLO file"},
		"judged by base, two of one": {map[string]string{"perf/slo.yaml": "p95 <= 1us", "slo.yaml": "p95 <= 30s"}, "base", exitFail, "judged by the base's SLO file"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			t.Chdir(j.dir)
			j.checkOut(t, headSHA, headSHA)
			if err := os.Symlink(".", filepath.Join(j.dir, "perf")); err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for path, objective := range tt.base {
				files[path] = sloFile("iris", j.target, objective)
			}
			j.github.Files = map[string]map[string]string{baseSHA: files}
			code, log := j.run(t, map[string]string{"INPUT_CONFIG": "perf/slo.yaml", "INPUT_OBJECTIVES-FROM": tt.from})
			if code != tt.exit || !strings.Contains(j.summary(t), tt.want) {
				t.Errorf("exit %d, want %d; want %q in\n%s\n%s", code, tt.exit, tt.want, j.summary(t), log)
			}
		})
	}
}

// What keeps a change from being compared with its base stands where the verdict
// does: a change can cause it, to hide what it loosens.
func TestAForkIsNotCompared(t *testing.T) {
	withBody := func(target string) string {
		return strings.Replace(sloFile("iris", target, "p95 <= 20s"), "{request: GET /}]", "{request: POST /, body_file: order.json}]", 1)
	}
	for name, tt := range map[string]struct {
		base   func(target string) map[string]string
		config string
		env    map[string]string
		want   string
	}{
		"a body that it takes away": {
			func(target string) map[string]string { return map[string]string{"slo.yaml": withBody(target)} }, "slo.yaml", nil,
			"not compared with the base's SLO file: the base's SLO file is wrong",
		},
		"a new name": {
			func(target string) map[string]string {
				return map[string]string{"old.yaml": sloFile("iris", target, "p95 <= 20s")}
			}, "slo.yaml", nil,
			"not compared with the base's SLO file: the base has no such SLO file",
		},
		"no token": {
			func(target string) map[string]string { return nil }, "slo.yaml",
			map[string]string{"INPUT_GITHUB-TOKEN": ""},
			"not compared with the base's SLO file: there is no token",
		},
		"a file out of a pattern": {func(target string) map[string]string {
			return map[string]string{"slo.yaml": sloFile("iris", target, "p95 <= 20s"), "slow.yaml": sloFile("slow", target, "p95 <= 20s"), "else/slo.yaml": ""}
		}, "slo*.yaml", nil, "not judged: the base's slow.yaml, which this change takes away"},
		"a pattern that cannot be looked at": {
			func(target string) map[string]string { return nil }, "slo*.yaml",
			map[string]string{"INPUT_GITHUB-TOKEN": ""},
			"not looked for SLO files that this change takes away: there is no token",
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			t.Chdir(j.dir)
			j.github.Files = map[string]map[string]string{baseSHA: tt.base(j.target)}
			env := map[string]string{"INPUT_CONFIG": tt.config}
			maps.Copy(env, tt.env)
			code, log := j.run(t, env)
			texts := []string{j.summary(t)}
			for _, c := range j.github.Comments {
				texts = append(texts, c.Body)
			}
			for _, text := range texts {
				if code != exitPass || !strings.Contains(text, tt.want) {
					t.Errorf("exit %d, want %q in\n%s\n%s", code, tt.want, text, log)
				}
			}
			os.Remove(filepath.Join(j.dir, "summary"))
			env["INPUT_MODE"] = "check"
			if code, log := j.run(t, env); code != exitPass || !strings.Contains(log, tt.want) {
				t.Errorf("mode check: exit %d, want %q in\n%s", code, tt.want, log)
			}
		})
	}
}

// An event about a change that does not name its base: nothing is compared, a
// notice says so, and the default branch's commit gets no check run of it.
func TestAChangeWithoutABase(t *testing.T) {
	const mainSHA = "3333333333333333333333333333333333333333"
	run := func(ref string, owner int64) string {
		return fmt.Sprintf(`{"workflow_run":{"id":5,"head_sha":%q,"head_branch":%q,"head_repository":{"id":%d}},"repository":{"id":1001,"default_branch":"main"}}`, headSHA, ref, owner)
	}
	deployed := func(sha, ref string) string {
		return fmt.Sprintf(`{"deployment":{"sha":%q,"ref":%q},"deployment_status":{"state":"success"},"repository":{"id":1001,"default_branch":"main"}}`, sha, ref)
	}
	const comment = `{"issue":{"number":7,"pull_request":{"url":"x"}},"repository":{"id":1001,"default_branch":"main"}}`
	for name, tt := range map[string]struct {
		event, payload string
		sha, head      string // of the event; what is checked out
		commit         string // of the check run; empty: there is none
		noted          bool
	}{
		"end of a run":                       {"workflow_run", run("faster", 1001), mainSHA, mainSHA, headSHA, true},
		"end of a run of the default branch": {"workflow_run", run("main", 1001), mainSHA, mainSHA, headSHA, false},
		"end of a run of a fork's like it":   {"workflow_run", run("main", 2002), mainSHA, mainSHA, headSHA, true},
		"end of a run that is not told":      {"workflow_run", "{", mainSHA, mainSHA, "", true},
		"deployment":                         {"deployment_status", deployed(headSHA, "faster"), headSHA, mainSHA, headSHA, true},
		"deployment of the default branch":   {"deployment_status", deployed(mainSHA, "main"), mainSHA, mainSHA, mainSHA, false},
		"comment":                            {"issue_comment", comment, mainSHA, mainSHA, "", true},
		"comment, the change is checked out": {"issue_comment", comment, mainSHA, headSHA, headSHA, true},
		"comment on an issue":                {"issue_comment", `{"issue":{"number":7},"repository":{"id":1001}}`, mainSHA, mainSHA, "", false},
		"comment that is not told":           {"issue_comment", "{", mainSHA, mainSHA, "", true},
		"pull request that is not told":      {"pull_request", "{", baseSHA, headSHA, baseSHA, true}, // its merge commit
		"pull request of a fork's, not told": {"pull_request_target", "{", baseSHA, baseSHA, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			t.Chdir(j.dir)
			j.event(t, tt.event, tt.payload)
			j.checkOut(t, tt.head, mainSHA)
			code, log := j.run(t, map[string]string{"INPUT_CHECK-RUN": "true", "INPUT_TARGET": j.target, "INPUT_CONFIG": "slo*.yaml", "GITHUB_SHA": tt.sha})
			if code != exitPass {
				t.Fatalf("exit %d\n%s", code, log)
			}
			for _, want := range []string{"not compared with the base's SLO file: the event does not name", "not looked for SLO files that this change takes away: the event does not name"} {
				if strings.Contains(j.summary(t), want) != tt.noted {
					t.Errorf("want %q: %v\n%s", want, tt.noted, j.summary(t))
				}
			}
			var got strings.Builder
			for _, c := range j.github.Checks {
				got.WriteString(c.HeadSHA)
			}
			if got.String() != tt.commit || strings.Contains(log, "no check run: neither the event nor the checkout says which commit this is") != (tt.commit == "") {
				t.Errorf("check run of %q, want %q\n%s", got.String(), tt.commit, log)
			}
		})
	}
}

// A file that no base's has been taken out of says nothing.
func TestNothingIsLost(t *testing.T) {
	j := newJob(t)
	t.Chdir(j.dir)
	j.base(baseSHA, "p95 <= 30s")
	if code, log := j.run(t, map[string]string{"INPUT_CONFIG": "slo*.yaml"}); code != exitPass || strings.Contains(j.summary(t), "not judged") || strings.Contains(j.summary(t), "not compared") {
		t.Errorf("exit %d\n%s\n%s", code, j.summary(t), log)
	}
}

// A target that comes from a secret is no part of what a change loosens, nor of
// the route to it.
func TestLoosenedTargetWithASecret(t *testing.T) {
	for _, mode := range []string{"run", "check"} {
		j := newJob(t)
		address := strings.TrimPrefix(j.target, "http://")
		j.write(t, "slo.yaml", sloFile("iris", "${secret.TARGET}", "p95 <= 30s"))
		base := strings.Replace(sloFile("iris", "${secret.BASE}", "p95 <= 30s"), "confirm: off", "confirm: off\nbaseline: {base_target: '${secret.OTHER}'}", 1)
		j.github.Files = map[string]map[string]string{baseSHA: {"slo.yaml": base}}
		code, log := j.run(t, map[string]string{
			"INPUT_MODE": mode, "INPUT_ENV": "TARGET, BASE, OTHER", "TARGET": j.target, "BASE": "http://localhost:4711", "OTHER": "http://localhost:4712",
		})
		var said strings.Builder
		said.WriteString(withoutMasks(log) + j.summary(t))
		for _, c := range j.github.Comments {
			said.WriteString(c.Body)
		}
		files, _ := filepath.Glob(filepath.Join(j.dir, "out", "*"))
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			said.WriteString(string(text))
		}
		if code != exitPass || !strings.Contains(said.String(), "target: ***") || !strings.Contains(said.String(), "base_target: ***") {
			t.Errorf("%s: exit %d\n%s", mode, code, said.String())
		}
		for _, secret := range []string{address, "4711", "4712"} {
			if at := strings.Index(said.String(), secret); at >= 0 {
				t.Errorf("%s: %q is in %q", mode, secret, said.String()[max(at-100, 0):at+40])
			}
		}
	}
}
