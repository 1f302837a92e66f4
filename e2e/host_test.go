//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHost runs the action for the host as a release has it: with the digests
// of archives, which it downloads from a server on the runner. The target
// listens on the runner's 127.0.0.1, where no container reaches it.
func TestHost(t *testing.T) {
	b := newBed(t)
	b.serve("127.0.0.1:8001")
	releases, overlay := b.release(t)
	b.start(t, "busybox", "httpd", "-f", "-p", "127.0.0.1:8090", "-h", releases)
	for _, tt := range []struct {
		name string
		job
		exit        int
		outputs     map[string]string
		summary     []string
		log         []string
		annotations []string
	}{
		{
			name: "pass", job: job{config: "pass"},
			outputs: outputs("pass", "true", 0, 0),
			summary: []string{"e2e-pass", "p95 <= 10s", "success_rate >= 99%"},
			log:     []string{"downloaded http://127.0.0.1:8090/snapshot/", "not asked who built it", "slogate snapshot", "on the runner"},
		},
		{
			name: "fail", job: job{config: "fail"}, exit: 1,
			outputs: outputs("fail", "false", 1, 0),
			summary: []string{"e2e-fail"},
			annotations: []string{
				"error e2e/testdata/fail.yaml:9 p50 failed in stage steady",
				"warning e2e/testdata/fail.yaml:10 p95 missed in stage steady",
			},
		},
		{
			name: "wrong file", job: job{config: "wrong"}, exit: 2,
			outputs:     map[string]string{"passed": "false"},
			summary:     []string{"wokers"},
			annotations: []string{"error e2e/testdata/wrong.yaml:6 slogate"},
		},
		{
			name: "dead target", job: job{config: "pass", target: "http://localhost:9"}, exit: 3,
			outputs:     map[string]string{"passed": "false"},
			annotations: []string{"error : slogate"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.overlay = overlay
			if tt.target == "" {
				tt.target = "http://localhost:8001"
			}
			got := b.workflowOf(t, "host.yml", tt.job, tt.outputs["passed"], "--env", "SLOGATE_RELEASES=http://127.0.0.1:8090")
			if got.exit != tt.exit {
				t.Errorf("exit code = %d, want %d", got.exit, tt.exit)
			}
			if diff := cmp.Diff(tt.outputs, pick(got.outputs, tt.outputs)); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			holds(t, "summary", got.summary, tt.summary)
			holds(t, "log", got.log, tt.log)
			if diff := cmp.Diff(tt.annotations, got.annotations); diff != "" {
				t.Errorf("annotations (-want +got):\n%s", diff)
			}
			if strings.Contains(got.log, "hunter2") {
				t.Error("a secret is in the log")
			}
			if t.Failed() {
				t.Log(got.log)
			}
		})
	}
}

// release builds a snapshot for this machine. It returns a folder as the server
// of the releases has it, and the files that a tagged commit has besides.
func (b *bed) release(t *testing.T) (releases, overlay string) {
	t.Helper()
	releases, overlay = t.TempDir(), t.TempDir()
	dist := filepath.Join(releases, "snapshot")
	build := exec.Command("go", "run", "./release", "build", "--platform", "linux/"+runtime.GOARCH, "--out", dist)
	build.Dir = ".."
	b.must(build)
	sums, err := os.ReadFile(filepath.Join(dist, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	var archives strings.Builder
	for line := range strings.Lines(string(sums)) {
		if strings.Contains(line, "  slogate-full_") && strings.HasSuffix(line, ".tar.gz\n") {
			archives.WriteString(line)
		}
	}
	host := filepath.Join(overlay, "host")
	if err := os.MkdirAll(host, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(host, "SHA256SUMS"), []byte(archives.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return releases, overlay
}

// start runs a program on the runner until the test ends.
func (b *bed) start(t *testing.T, command ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command("docker/in.sh", command...)
	c.Env = b.env
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	return c
}
