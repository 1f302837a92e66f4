//go:build linux && e2e

package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every fault, injected for real. Rows wait more than they compute.
func TestFaults(t *testing.T) {
	binary := build(t)
	go stepped() // takes a while; the rows that need it wait
	for _, f := range faults() {
		t.Run(f.group+"/"+strings.ReplaceAll(f.name, "/", "_"), func(t *testing.T) {
			t.Parallel()
			got := f.injectCalmly(t, binary)
			if got.outcome != f.want {
				t.Errorf("got %+v, want %+v", got.outcome, f.want)
			}
			for _, text := range f.says {
				if !strings.Contains(got.said, text) {
					t.Errorf("nothing says %q", text)
				}
			}
			if t.Failed() {
				t.Logf("slogate said:\n%s", got.said)
			}
		})
	}
}

// injectCalmly injects the fault, and again while slogate says that other work on
// this machine kept it from its schedule, where that is not the fault's doing.
func (f fault) injectCalmly(t *testing.T, binary string) (got ending) {
	t.Helper()
	for range 3 {
		got = f.inject(t, newBed(t, binary))
		if f.want.verdict == "inconclusive" || !disturbed.MatchString(got.said) {
			break
		}
	}
	return got
}

// disturbed is said in the terminal, whose lines break anywhere, and the report.
var disturbed = regexp.MustCompile(`generator\s+limited:\s+it\s+left`)

// build makes the binary that users have.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(scratch, "slogate")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "../..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

func newBed(t *testing.T, binary string) *bed {
	t.Helper()
	return &bed{binary: binary, dir: t.TempDir()}
}
