package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

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
