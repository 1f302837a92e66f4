package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/kube/spread"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

func TestWorkersGetWhatTheFileReads(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "load/slo.yaml", "version: 1")
	write(t, "rows.csv", "id\n1\n")
	write(t, "large.csv", strings.Repeat("1", largestFile+1))
	outside := filepath.Join(t.TempDir(), "slo.yaml")
	write(t, outside, "version: 1")
	for _, tt := range []struct {
		name  string
		path  string
		reads []string
		at    string
		files []string
		err   string
	}{
		{name: "with rows", path: "load/slo.yaml", reads: []string{"rows.csv", "rows.csv"}, at: "load/slo.yaml", files: []string{"load/slo.yaml", "rows.csv"}},
		{name: "by its whole path", path: filepath.Join(dir, "load/slo.yaml"), at: "load/slo.yaml", files: []string{"load/slo.yaml"}},
		{name: "alone, from elsewhere", path: outside, at: "slo.yaml", files: []string{"slo.yaml"}},
		{name: "with rows, from elsewhere", path: outside, reads: []string{"rows.csv"}, err: "outside of the working directory"},
		{name: "too large", path: "load/slo.yaml", reads: []string{"large.csv"}, err: "must fit into a Secret"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := readByRun{files: tt.reads}
			files, at, err := r.contents(tt.path)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q in it", err, tt.err)
				}
				return
			}
			if err != nil || at != tt.at {
				t.Fatalf("at %q, %v; want %q", at, err, tt.at)
			}
			if diff := cmp.Diff(tt.files, slices.Sorted(maps.Keys(files))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestValuesAreThoseThatTheFileReads(t *testing.T) {
	env := map[string]string{"TOKEN": "t", "OTHER": "o"}
	var r readByRun
	o := r.watch(slo.Options{Env: func(name string) (string, bool) { value, set := env[name]; return value, set }})
	o.Env("TOKEN")
	o.Env("UNSET")
	if diff := cmp.Diff(map[string]string{"TOKEN": "t"}, r.values); diff != "" {
		t.Error(diff)
	}
}

func TestTargetsOfPods(t *testing.T) {
	for target, refused := range map[string]bool{
		"http://web": false, "https://web.shop.svc:8443/api": false, "http://10.96.0.50": false,
		"http://localhost": true, "http://a.localhost:80": true, "http://127.0.0.1:8000": true, "http://[::1]:80": true, "http://0.0.0.0:8000": true, "http://LOCALHOST.": true, "unix:run/app.sock": true,
	} {
		if err := checkTarget(target); (err != nil) != refused {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// shard is the result file of one of three workers.
func shard(t *testing.T, index int) []byte {
	t.Helper()
	r := &result.Run{
		Version: result.Version, Slogate: "v1", Name: "a", Target: "http://web", Seed: 7,
		Shard: result.Shard{Index: index, Count: 3},
	}
	path := filepath.Join(t.TempDir(), "result.json")
	if err := result.WriteFile(path, r); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestLostWorkersAreNamed(t *testing.T) {
	file := &slo.File{Path: "slo.yaml"}
	r, err := merged([]spread.Answer{{Index: 0, Payload: shard(t, 1)}, {Index: 1, Why: "OOMKilled, exit code 137"}, {Index: 2, Payload: []byte("{")}}, file)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Gaps) != 2 || len(r.Warnings) != 2 || !strings.Contains(r.Warnings[0], "worker 2 of 3 has no result: OOMKilled") {
		t.Errorf("gaps %q, warnings %q", r.Gaps, r.Warnings)
	}
	_, err = merged([]spread.Answer{{Index: 0, Why: "no target\n::error::"}, {Index: 1, Why: "b"}}, file)
	if err == nil || !strings.Contains(err.Error(), "no target") || strings.Contains(err.Error(), "\n") {
		t.Errorf("without any result: %q", err)
	}
}

func TestTailKeepsTheError(t *testing.T) {
	var said tail
	for i := range 1000 {
		fmt.Fprintf(&said, "line %d\n", i)
	}
	fmt.Fprint(&said, "error: target was not ready\nhint: start it\n")
	if got, want := said.String(), "target was not ready\nhint: start it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A result that no log holds is not lost without a word.
func TestWorkerSaysWhyItsResultIsNotPrinted(t *testing.T) {
	random := make([]byte, 9<<20)
	_, _ = rand.Read(random)
	path := filepath.Join(t.TempDir(), "result.json")
	write(t, path, string(random))
	var log bytes.Buffer
	if err := printed(&log, path, ""); err == nil || !strings.Contains(log.String(), "slogate-worker error ") {
		t.Errorf("%v, printed %.80q", err, log.String())
	}
}

// A worker watches nothing, and has nothing to say of that.
func TestWorkerDoesNotWatch(t *testing.T) {
	s := settings{Kube: (&runCommand{NoWatch: true}).cluster(&program{})}
	if pods, notes, err := s.watched(t.Context(), &program{}, &slo.File{Kubernetes: &slo.Kubernetes{HPA: "web"}}); pods != nil || notes != nil || err != nil {
		t.Errorf("got %v, %q, %v", pods, notes, err)
	}
}

// What was seen of a cluster is told by its own clock.
func TestClusterInItsTime(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := inItsTime{seenAt(at), time.Hour}
	s, err := c.Sample(t.Context())
	if want := at.Add(time.Hour); err != nil || !s.At.Equal(want) || !c.Timeline().Events[0].At.Equal(want) {
		t.Errorf("got %v and %v, %v", s.At, c.Timeline().Events[0].At, err)
	}
}

type seenAt time.Time

func (s seenAt) Sample(context.Context) (result.ClusterSample, error) {
	return result.ClusterSample{At: time.Time(s)}, nil
}

func (s seenAt) Timeline() result.Timeline {
	return result.Timeline{Events: []result.ClusterEvent{{At: time.Time(s)}}}
}

// A worker's flags are those of run.
func TestWorkerArguments(t *testing.T) {
	c := runCommand{fileFlags: fileFlags{Target: "http://web", BaseTarget: "http://old", limitFlags: limitFlags{MaxRate: "100/s"}}, runFlags: runFlags{Seed: 7}, engineFlags: engineFlags{Engine: "portable", Threads: 2, Connections: 9, Priority: "normal"}}
	args := c.workerArgs("load/slo.yaml")
	want := []string{"--no-watch", "--seed", "7", "--engine", "portable", "--threads", "2", "--connections", "9", "--priority", "normal", "--target", "http://web", "--base-target", "http://old", "--max-rate", "100/s", "--", "load/slo.yaml"}
	if diff := cmp.Diff(want, args); diff != "" {
		t.Error(diff)
	}
	var out bytes.Buffer
	none := func(string) (string, bool) { return "", false }
	t.Chdir(t.TempDir())
	if code := Main(t.Context(), append([]string{"run"}, args...), none, &out, &out); code != exitUsage || !strings.Contains(out.String(), "read SLO file") {
		t.Errorf("exit code %d: %s", code, &out)
	}
}
