package main

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/github/githubtest"
)

// several writes three SLO files that a pattern finds.
func (j *job) several(t *testing.T) string {
	t.Helper()
	if err := os.Mkdir(filepath.Join(j.dir, "slo"), 0o755); err != nil {
		t.Fatal(err)
	}
	j.write(t, "slo/a.yaml", sloFile("first", j.target, "p95 <= 30s"))
	j.write(t, "slo/b.yaml", sloFile("second", j.target, "p95 <= 1us"))
	j.write(t, "slo/c.yaml", sloFile("third", j.target, "p99.99 <= 30s"))
	return filepath.Join(j.dir, "slo", "*.yaml")
}

func (j *job) outputs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(j.dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each file has a comment, a section of the summary and a folder; the outputs
// and the exit code are those of the worst.
func TestActionGatesSeveralFiles(t *testing.T) {
	j := newJob(t)
	code, log := j.run(t, map[string]string{"INPUT_CONFIG": j.several(t)})
	if code != exitFail || len(j.github.Comments) != 3 {
		t.Errorf("exit %d, %d comments\n%s", code, len(j.github.Comments), log)
	}
	for name, want := range map[string]string{"first": "Pass: first", "second": "Fail: second", "third": "Inconclusive: third"} {
		if !strings.Contains(j.summary(t), want) {
			t.Errorf("the summary lacks %q", want)
		}
		if !exists(filepath.Join(j.dir, "out", name, resultFile)) {
			t.Errorf("there is no result of %s", name)
		}
	}
	out := j.outputs(t)
	if strings.Count(out, "verdict<<") != 1 || !strings.Contains(out, "\nfail\n") || !strings.Contains(out, filepath.Join("out", "second", resultFile)) {
		t.Errorf("outputs:\n%s", out)
	}
	if !strings.Contains(log, "FILE") || !strings.Contains(log, "b.yaml") {
		t.Errorf("no line for each file:\n%s", log)
	}
}

// Where the exit code lets all of them pass, the outputs are those of the worst
// verdict.
func TestOutputsOfSeveralFilesThatPass(t *testing.T) {
	const pass, warn, inconclusive, fail = "p95 <= 30s", "warn: p95 <= 1us", "p99.99 <= 30s", "p95 <= 1us"
	for name, tt := range map[string]struct {
		objectives []string // empty: a target that is not ready
		want       string   // the outputs have this line
	}{
		"one fails":           {[]string{pass, fail, inconclusive}, "fail"},
		"one is inconclusive": {[]string{warn, inconclusive, ""}, "inconclusive"},
		"one warns":           {[]string{pass, warn}, "warn"},
		"one was not loaded":  {[]string{warn, ""}, "false"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			var paths []string
			for i, objective := range tt.objectives {
				text := sloFile(fmt.Sprint("file", i), j.target, objective)
				if objective == "" {
					text = strings.Replace(sloFile(fmt.Sprint("file", i), "http://"+deadAddress, pass), "timeout: 20s", "timeout: 100ms", 1)
				}
				path := fmt.Sprintf("%d.yaml", i)
				j.write(t, path, text)
				paths = append(paths, filepath.Join(j.dir, path))
			}
			code, log := j.run(t, map[string]string{"INPUT_CONFIG": strings.Join(paths, "\n"), "INPUT_GATE": "report"})
			if out := j.outputs(t); code != exitPass || !strings.Contains(out, "\n"+tt.want+"\n") || strings.Count(out, "passed<<") != 1 {
				t.Errorf("exit %d, outputs, want %s:\n%s\n%s", code, tt.want, out, log)
			}
		})
	}
}

// A wrong file among several: nothing is loaded, and each mistake is marked.
func TestActionReadsAllFilesFirst(t *testing.T) {
	j := newJob(t)
	pattern := j.several(t)
	j.write(t, "slo/b.yaml", "version: 1\nname: 7x\nstagez: []\n")
	j.write(t, "slo/c.yaml", "version: 2\n")
	code, log := j.run(t, map[string]string{"INPUT_CONFIG": pattern})
	if code != exitUsage || exists(filepath.Join(j.dir, "out")) || strings.Contains(j.outputs(t), "verdict") {
		t.Errorf("exit %d, outputs %s\n%s", code, j.outputs(t), log)
	}
	for _, want := range []string{"b.yaml:3:1: SLO012", "c.yaml:1:10: SLO008"} {
		if strings.Count(log, want) != 2 { // once for a reader, once as an annotation
			t.Errorf("%q stands %d times in\n%s", want, strings.Count(log, want), log)
		}
	}
	code, log = j.run(t, map[string]string{"INPUT_CONFIG": pattern, "INPUT_MODE": "check"})
	if code != exitUsage || !strings.Contains(log, "a.yaml is valid") {
		t.Errorf("check: exit %d\n%s", code, log)
	}
}

// A profile's stages are loaded and no others, and its comment is its own.
func TestActionLoadsAProfile(t *testing.T) {
	j := newJob(t)
	j.write(t, "slo.yaml", sloFile("iris", j.target, "p95 <= 30s")+"profiles: {smoke: {objectives: [p95 <= 1us]}, full: {}}\n")
	for profile, want := range map[string]int{"": exitPass, "full": exitPass, "smoke": exitFail, "none": exitUsage} {
		if code, log := j.run(t, map[string]string{"INPUT_PROFILE": profile}); code != want {
			t.Errorf("profile %q: exit %d, want %d\n%s", profile, code, want, log)
		}
	}
	if len(j.github.Comments) != 3 {
		t.Errorf("%d comments, want one of the file and one of each profile", len(j.github.Comments))
	}
}

// A change could take a file out of a pattern, and with it out of the gate.
func TestBaseJudgesNoPattern(t *testing.T) {
	j := newJob(t)
	code, log := j.run(t, map[string]string{"INPUT_CONFIG": j.several(t), "INPUT_OBJECTIVES-FROM": "base"})
	if code != exitUsage || !strings.Contains(log, "every SLO file is named by its path") || exists(filepath.Join(j.dir, "out")) {
		t.Errorf("exit %d\n%s", code, log)
	}
}

// One required comment that is missing is an error, among several, too.
func TestCommentRequiredOfSeveralFiles(t *testing.T) {
	for objective, want := range map[string]int{"p95 <= 30s": exitUsage, "p95 <= 1us": exitFail} {
		j := newJob(t)
		j.write(t, "a.yaml", sloFile("first", j.target, "p95 <= 30s"))
		j.write(t, "b.yaml", sloFile("second", j.target, objective))
		j.github.Handle("POST /repos/acme/iris/issues/7/comments", func(w http.ResponseWriter, _ *http.Request) {
			githubtest.Refuse(w, http.StatusForbidden, "Resource not accessible by integration")
		})
		config := filepath.Join(j.dir, "a.yaml") + "\n" + filepath.Join(j.dir, "b.yaml")
		if code, log := j.run(t, map[string]string{"INPUT_CONFIG": config, "INPUT_COMMENT-REQUIRED": "true"}); code != want {
			t.Errorf("%s: exit %d, want %d\n%s", objective, code, want, log)
		}
	}
}

// The mode check refuses what a run would: two files of one name.
func TestCheckTellsFilesApart(t *testing.T) {
	j := newJob(t)
	j.write(t, "a.yaml", sloFile("same", j.target, "p95 <= 30s"))
	j.write(t, "b.yaml", sloFile("same", j.target, "p95 <= 30s"))
	config := filepath.Join(j.dir, "a.yaml") + "\n" + filepath.Join(j.dir, "b.yaml")
	if code, log := j.run(t, map[string]string{"INPUT_CONFIG": config, "INPUT_MODE": "check"}); code != exitUsage {
		t.Errorf("exit %d\n%s", code, log)
	}
}

// All that is wrong is found before the first file is loaded, also in what a
// later one names: results, and a document.
func TestActionChecksAllInputsFirst(t *testing.T) {
	for name, more := range map[string]string{"broken.json": "baseline: {files: broken.json}\n", "openapi.yaml": "openapi: openapi.yaml\n"} {
		j := newJob(t)
		t.Chdir(j.dir)
		requests := j.counts(t)
		j.write(t, "openapi.yaml", "openapi: 3.0.0\npaths: 7\n")
		j.write(t, "broken.json", "{")
		j.write(t, "a.yaml", sloFile("first", j.target, "p95 <= 30s"))
		j.write(t, "b.yaml", sloFile("second", j.target, "p95 <= 30s")+more)
		if code, log := j.run(t, map[string]string{"INPUT_CONFIG": "a.yaml\nb.yaml"}); code != exitUsage || requests() > 0 || !strings.Contains(log, name) {
			t.Errorf("%s: exit %d, %d requests\n%s", name, code, requests(), log)
		}
	}
}

// Without the base's file nobody judges, one file or several; a wrong file
// beside it is wrong.
func TestSeveralFilesWithoutTheBases(t *testing.T) {
	for other, want := range map[string]int{sloFile("second", "http://127.0.0.1:9", "p95 <= 30s"): exitInconclusive, "version: 2": exitUsage} {
		for _, mode := range []string{"run", "check"} {
			j := newJob(t)
			j.github.Files = map[string]map[string]string{baseSHA: {}}
			j.write(t, "a.yaml", sloFile("first", j.target, "p95 <= 30s"))
			j.write(t, "b.yaml", other)
			config := filepath.Join(j.dir, "a.yaml") + "\n" + filepath.Join(j.dir, "b.yaml")
			if code, log := j.run(t, map[string]string{"INPUT_CONFIG": config, "INPUT_OBJECTIVES-FROM": "base", "INPUT_MODE": mode}); code != want {
				t.Errorf("%s: exit %d, want %d\n%s", mode, code, want, log)
			}
		}
	}
}

// The mode check needs no target where slogate starts the service itself.
func TestCheckOfAnOwnService(t *testing.T) {
	j := newJob(t)
	own := strings.Replace(sloFile("iris", "x", "p95 <= 30s"), "target: \"x\"\n", "service: {start: 'exec ./server -port $PORT'}\n", 1)
	j.write(t, "slo.yaml", own)
	if code, log := j.run(t, map[string]string{"INPUT_MODE": "check"}); code != exitPass || !strings.Contains(log, "slo.yaml is valid") {
		t.Errorf("check: exit %d\n%s", code, log)
	}
	if code, log := j.run(t, nil); code != exitUsage || !strings.Contains(log, "SLO014") {
		t.Errorf("run: exit %d\n%s", code, log)
	}
}

// A file whose target only the runner's network reaches is found before another
// one is loaded: the second start does all of them.
func TestAllFilesAreFoundFirst(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	j := newJob(t)
	requests := j.counts(t)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(j.target, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	j.write(t, "a.yaml", strings.Replace(sloFile("first", "http://service.test:"+port, "p95 <= 30s"), "100ms", "20s", 1)+"http: {resolve: {service.test: 127.0.0.1}}\n")
	j.write(t, "b.yaml", sloFile("second", "http://localhost:9", "p95 <= 30s"))
	started := int64(-1) // requests when a twin was asked for
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1.47/containers/"+id+"/json", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Id": %q, "Image": "sha256:77", "Path": "/slogate", "Args": ["action"], "State": {"Running": true}}`, id)
	})
	mux.HandleFunc("POST /v1.47/containers/create", func(w http.ResponseWriter, _ *http.Request) {
		started = requests()
		http.Error(w, `{"message": "not in this test"}`, http.StatusForbidden)
	})
	env := maps.Clone(j.env)
	maps.Copy(env, map[string]string{"INPUT_NETWORK": "auto", "INPUT_CONFIG": filepath.Join(j.dir, "a.yaml") + "\n" + filepath.Join(j.dir, "b.yaml")})
	n, p, log := testNetwork(t)
	p.lookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	n.socket = serveEngine(t, mux)
	n.system.Files = fstest.MapFS{
		"proc/1/cmdline":      {Data: []byte("/slogate\x00action\x00")},
		"proc/self/mountinfo": {Data: []byte("1 2 0:3 /containers/" + id + "/hostname /etc/hostname rw\n")},
	}
	code, err := gateAction(t.Context(), p, action.New(p.getenv, p.stdout), n)
	if code != exitInconclusive || err != nil || started != 0 || requests() < 200 {
		t.Errorf("exit %d, %v; %d requests when a twin was asked for, %d at the end\n%s", code, err, started, requests(), log)
	}
}
