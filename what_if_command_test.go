package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// What is left of a run that was cancelled is nothing to compare with.
func TestWhatIfAgainstARunThatWasCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "result.json")
	r := &result.Run{Version: result.Version, Slogate: "v1", Name: "a", SLO: result.SLO{Digest: "d"}, Cancelled: true}
	if err := result.WriteFile(path, r); err != nil {
		t.Fatal(err)
	}
	c := whatIfCommand{Against: path}
	if _, code, err := c.without(t.Context(), &program{}, planned{file: &slo.File{Digest: "d"}}); code != exitUsage || err == nil || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("exit code %d, %v", code, err)
	}
}

// The two runs are like any other: they say what of the service is not loaded,
// and find what it uses where a run would.
func TestWhatIfRunsLikeARun(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer target.Close()
	t.Chdir(t.TempDir())
	write(t, "openapi.yaml", "openapi: 3.0.3\ninfo: {title: a, version: '1'}\npaths: {/a: {get: {responses: {'200': {description: ok}}}}, /b: {get: {responses: {'200': {description: ok}}}}}\n")
	write(t, "slo.yaml", fmt.Sprintf("version: 1\ntarget: %s\nopenapi: openapi.yaml\nscenarios: [{request: GET /a}]\nstages: [{name: steady, requests: 10, workers: 1}]\n", target.URL))
	c := whatIfCommand{fileFlags: fileFlags{File: []string{"slo.yaml"}}, runFlags: runFlags{reportFlags: reportFlags{Out: "out"}}}
	p := &program{lookupEnv: func(string) (string, bool) { return "", false }, stdout: io.Discard, stderr: io.Discard}
	file, err := c.read(p)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := c.plan(p, file)
	if err != nil {
		t.Fatal(err)
	}
	if plan.settings.Docker == "" {
		t.Error("the service is not looked for among containers")
	}
	r, _, err := c.without(t.Context(), p, plan)
	if err != nil {
		t.Fatal(err)
	}
	if want := (&result.Coverage{Document: "openapi.yaml", Operations: 2, Loaded: 1, Missing: []string{"GET /b"}}); !cmp.Equal(want, r.Coverage) {
		t.Errorf("coverage %+v, want %+v", r.Coverage, want)
	}
}
