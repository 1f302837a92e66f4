//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	runtimepprof "runtime/pprof"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/pprof"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// A change adds a hot function: the profiles of base and head, taken while both
// are loaded, tell which.
func TestProfilesNameTheHotFunction(t *testing.T) {
	newRepository(t, `version: 1
name: hot
scenarios: [{request: GET /}]
stages: [{name: steady/1, workers: 1, duration: 10s}]
objectives: [success_rate >= 50%]
service: {start: exec testservice, ready: GET /ready}
metrics: {cpu_profile: {path: /debug/pprof/profile, duration: 10s}}
`, "compute 1", "compute-more 1")
	var out bytes.Buffer
	if code := Main(t.Context(), []string{"compare", "--out", "out", "main..HEAD"}, os.LookupEnv, &out, &out); code != exitPass && code != exitInconclusive {
		t.Fatalf("exit code %d:\n%s", code, out.String())
	}
	r, err := result.ReadFile(filepath.Join("out", resultFile))
	if err != nil {
		t.Fatal(err)
	}
	grown := r.Stages[0].Profile.Grown(r.Base.Stages[0].Profile)
	if len(grown) == 0 || !strings.HasSuffix(grown[0].Name, "computeMore") || !grown[0].InItself {
		t.Errorf("grown: %+v\nhead: %+v\nbase: %+v", grown, r.Stages[0].Profile, r.Base.Stages[0].Profile)
	}
	found := false
	for _, f := range r.Findings {
		found = found || f.Rule == "hotter-function" && strings.Contains(f.Title, "computeMore")
	}
	if !found {
		t.Errorf("findings: %+v", r.Findings)
	}
	for side, name := range map[string]string{"head": "computeMore", "base": "compute"} {
		text, err := os.ReadFile("out/profile-" + side + "-steady-1.pb.gz")
		if err != nil {
			t.Fatal(err)
		}
		p, err := pprof.Read(text)
		if err != nil || len(p.Functions) == 0 || !bytes.Contains(fmt.Append(nil, p.Functions), []byte(name)) {
			t.Errorf("%s: %+v, %v", side, p, err)
		}
	}
	if !strings.Contains(out.String(), "CPU profile: steady/1") || !strings.Contains(out.String(), "computeMore") {
		t.Errorf("the output has no profile:\n%s", out.String())
	}
}

// A profile that cannot be had loses no run, and one of one service lists what
// takes most.
func TestProfileOfOneService(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		missing string
	}{
		"no endpoint": {http.NotFound, "GET /debug/pprof/profile: status 404"},
		"no profile":  {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<script>")) }, "GET /debug/pprof/profile: the answer is no profile in pprof's format"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan string, 1)
			mux := http.NewServeMux()
			mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
			mux.HandleFunc("/debug/", func(w http.ResponseWriter, r *http.Request) {
				asked <- r.URL.RawQuery
				c.answer(w, r)
			})
			server := httptest.NewServer(mux)
			defer server.Close()
			r, code, printed := runFile(t, "version: 1\ntarget: "+server.URL+`
scenarios: [{request: GET /}]
stages: [{name: warm-up, rate: 20/s, duration: 1s, judge: false}, {name: steady, workers: 1, duration: 1s}]
objectives: [requests >= 1]
metrics: {cpu_profile: {path: "/debug/pprof/profile?x=1"}}
`)
			if p := r.Stages[1].Profile; p == nil || strings.ReplaceAll(p.Missing, "?x=1", "") != c.missing || r.Stages[0].Profile != nil || code != exitPass {
				t.Errorf("exit code %d, profile %+v", code, p)
			}
			if got := <-asked; got != "x=1&seconds=1" { // as long as the stage
				t.Errorf("asked for %q", got)
			}
			if !strings.Contains(printed, "CPU profile in stage steady: ") {
				t.Errorf("the output does not say it:\n%s", printed)
			}
		})
	}
}

// A command profiles the service that slogate has started, and no other.
func TestProfileByACommand(t *testing.T) {
	newRepository(t, `version: 1
target: http://127.0.0.1:1
wait_for: {request: GET /, timeout: 30s}
scenarios: [{request: GET /}]
stages: [{name: steady, workers: 1, duration: 1s}]
objectives: [success_rate >= 50%]
service: {start: exec testservice, ready: GET /ready}
metrics: {cpu_profile: {command: 'echo "$PROFILE_SECONDS s" >&2 && kill -0 $SERVICE_PID && cat ../profile'}}
`, "delay 1ms", "delay 1ms")
	slogate := func(args ...string) (*result.Run, string) {
		t.Helper()
		var out bytes.Buffer
		code := Main(t.Context(), append(args, "--out", "out"), os.LookupEnv, &out, &out)
		r, err := result.ReadFile(filepath.Join("out", resultFile))
		if err != nil || code != exitPass && code != exitInconclusive {
			t.Fatalf("exit code %d, %v:\n%s", code, err, out.String())
		}
		return r, out.String()
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "profile"), profileOf(t), 0o644); err != nil {
		t.Fatal(err)
	}
	r, out := slogate("run", "--allow-commands", "slo.yaml")
	if p := r.Stages[0].Profile; p == nil || p.Missing != "" {
		t.Errorf("profile %+v\n%s", p, out)
	}
	if said, err := os.ReadFile("out/service-profile.log"); err != nil || string(said) != "1 s\n" {
		t.Errorf("the command said %q, %v", said, err)
	}
	if _, err := os.Stat("out/profile-head-steady.pb.gz"); err != nil {
		t.Error(err)
	}
	os.Remove(filepath.Join(filepath.Dir(dir), "profile"))
	if r, out = slogate("run", "--allow-commands", "slo.yaml"); !strings.Contains(r.Stages[0].Profile.Missing, "command: exit status 1") {
		t.Errorf("profile %+v\n%s", r.Stages[0].Profile, out)
	}
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	if r, out = slogate("run", "--target", server.URL, "slo.yaml"); !strings.Contains(r.Stages[0].Profile.Missing, "slogate has not started the service") {
		t.Errorf("profile %+v\n%s", r.Stages[0].Profile, out)
	}
}

// Stages whose names differ in what a file name cannot hold have files of their
// own.
func TestStageNames(t *testing.T) {
	stages := []slo.Stage{{Name: "a b"}, {Name: "a-b"}, {Name: "a/b"}, {Name: "a-b-2"}, {Name: "…"}}
	want := map[string]string{"a b": "a-b", "a-b": "a-b-2", "a/b": "a-b-3", "a-b-2": "a-b-2-2", "…": "stage"}
	if diff := cmp.Diff(want, stageNames(stages)); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// profileOf is a profile of this process.
func profileOf(t *testing.T) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := runtimepprof.StartCPUProfile(&file); err != nil {
		t.Skip(err) // the tests themselves are profiled
	}
	runtimepprof.StopCPUProfile()
	return file.Bytes()
}
