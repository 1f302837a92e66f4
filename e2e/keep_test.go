//go:build e2e

package e2e

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

// TestKeptResult lets a push to the default branch keep its result by act's
// artifact service, from inside of the action's container.
func TestKeptResult(t *testing.T) {
	b := newBed(t)
	b.serve("0.0.0.0:8000")
	kept := t.TempDir()
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"repository": {"id": 1001, "default_branch": "main"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	// The service listens where a container on the bridge reaches the runner.
	options := []string{"--eventpath", event, "--artifact-server-path", kept, "--artifact-server-addr", "172.17.0.1", "--artifact-server-port", "34567"}
	got := b.workflow(t, job{config: "pass"}, "true", options...)
	const name = "slogate-result_e2e-pass_gate"
	if got.exit != 0 || !strings.Contains(got.log, "kept for later runs: artifact "+name) {
		t.Fatalf("exit code %d:\n%s", got.exit, got.log)
	}
	found, err := filepath.Glob(filepath.Join(kept, "*", name, name+".zip"))
	if err != nil || len(found) != 1 {
		t.Fatalf("archives %q, %v", found, err)
	}
	noSecrets(t, kept, got.out)
	z, err := zip.OpenReader(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open("slogate-result.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := result.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "e2e-pass" || r.Judgement.Verdict != result.Pass {
		t.Errorf("kept the result of %q with the verdict %s", r.Name, r.Judgement.Verdict)
	}
}
