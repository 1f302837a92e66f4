//go:build linux && e2e

package faults

import (
	"os"
	"os/exec"
	"path/filepath"
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
			got := f.inject(t, newBed(t, binary))
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
