package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogate/slogate/result"
)

// A cancelled run writes and reports what it measured until then.
func TestCancelledRunKeepsWhatWasMeasured(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var seen atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if seen.Add(1) == 50 {
			cancel() // as SIGINT and SIGTERM do
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "slo.yaml")
	text := fmt.Sprintf(`version: 1
target: %s
scenarios:
  - request: GET /
stages:
  - {name: long, rate: 200/s, duration: 10m}
  - {name: never, rate: 200/s, duration: 10m}
`, server.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	var stdout, stderr bytes.Buffer
	out := filepath.Join(dir, "out")
	code := Main(ctx, []string{"run", "--out", out, file}, os.LookupEnv, &stdout, &stderr)
	if code != exitCancelled {
		t.Errorf("exit code = %d, want %d\n%s%s", code, exitCancelled, &stdout, &stderr)
	}
	r, err := result.ReadFile(filepath.Join(out, resultFile))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Cancelled || r.Judgement.Verdict != result.Inconclusive {
		t.Errorf("cancelled = %v, verdict = %q", r.Cancelled, r.Judgement.Verdict)
	}
	first, second := r.Stages[0], r.Stages[1]
	if first.State != result.Cancelled || first.Counters.Success < 40 {
		t.Errorf("first stage: state %q, %d successes", first.State, first.Counters.Success)
	}
	if second.State != result.NotRun {
		t.Errorf("second stage: state %q", second.State)
	}
	if !strings.Contains(stdout.String(), "cancelled") {
		t.Errorf("the report does not say that the run was cancelled:\n%s", &stdout)
	}
}

// onText calls do when a text is written.
type onText struct {
	said strings.Builder
	text string
	do   func()
}

func (w *onText) Write(b []byte) (int, error) {
	if strings.Contains(string(b), w.text) {
		w.do()
	}
	return w.said.Write(b)
}

// What before has made is taken away again where the run ends before its first
// stage, and what that lacks is said.
func TestAfterRunsWhereNoStageDid(t *testing.T) {
	var calls []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			calls = append(calls, r.URL.Path)
		}
		if r.URL.Path == "/forget" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "slo.yaml")
	text := fmt.Sprintf(`version: 1
target: %s
before: [{name: create, request: POST /create}]
after: [{name: delete, request: POST /delete}, {name: forget, request: POST /forget}]
scenarios: [{request: GET /}]
stages: [{name: steady, rate: 20/s, duration: 1s}]
`, server.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stderr := &onText{text: "the load begins at", do: cancel}
	code := Main(ctx, []string{"run", "--start-at", "+1h", "--out", t.TempDir(), file}, os.LookupEnv, io.Discard, stderr)
	if code != exitCancelled {
		t.Errorf("exit code = %d, want %d", code, exitCancelled)
	}
	if want := []string{"/create", "/delete", "/forget"}; !slices.Equal(calls, want) {
		t.Errorf("requests of before and after = %v, want %v", calls, want)
	}
	for _, want := range []string{"warning: after: step forget: ", "error: cancelled before the first stage"} {
		if !strings.Contains(stderr.said.String(), want) {
			t.Errorf("%q is not said:\n%s", want, stderr.said.String())
		}
	}
}

// What before has made is taken away again where it fails part-way: on the side
// where it did, and on the one before.
func TestAfterRunsWhereBeforeFailed(t *testing.T) {
	var calls []string
	side := func(name, fails string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				calls = append(calls, name+r.URL.Path)
			}
			if r.URL.Path == fails {
				w.WriteHeader(http.StatusTeapot)
			}
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	file := filepath.Join(t.TempDir(), "slo.yaml")
	text := `version: 1
before: [{name: create, request: POST /create}, {name: fill, request: POST /fill}]
after: [{name: delete, request: POST /delete}]
scenarios: [{request: GET /}]
stages: [{name: steady, rate: 20/s, duration: 1s}]
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fails map[string]string
		want  []string
	}{
		"head": {map[string]string{"head": "/fill"}, []string{"base/create", "base/fill", "head/create", "head/fill", "base/delete", "head/delete"}},
		"base": {map[string]string{"base": "/fill"}, []string{"base/create", "base/fill", "base/delete"}},
	} {
		t.Run(name, func(t *testing.T) {
			calls = nil
			args := []string{"run", "--out", t.TempDir(), "--target", side("head", c.fails["head"]), "--base-target", side("base", c.fails["base"]), file}
			var stderr bytes.Buffer
			if code := Main(t.Context(), args, os.LookupEnv, io.Discard, &stderr); code != exitInconclusive {
				t.Errorf("exit code %d\n%s", code, &stderr)
			}
			if !slices.Equal(calls, c.want) {
				t.Errorf("requests of before and after = %v, want %v", calls, c.want)
			}
		})
	}
}

// Steps of after that are under way when the run is cancelled have as long as
// those that begin then.
func TestOutlasting(t *testing.T) {
	for _, cancelled := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			parent, cancel := context.WithTimeout(t.Context(), cancelled)
			defer cancel()
			ctx, stop := outlasting(parent, time.Second)
			defer stop()
			<-ctx.Done()
			if took := time.Since(began); took != cancelled+time.Second {
				t.Errorf("cancelled after %v it ends after %v", cancelled, took)
			}
		})
	}
}
