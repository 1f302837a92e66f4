//go:build e2e

package kubernetes

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// steady is 20 requests a second with rows of a file and a secret.
const steady = `version: 1
name: spread
target: http://iris-classifier
kubernetes: {hpa: iris-classifier-hpa}
http:
  connections: new
  headers: {x-token: "${secret.E2E_TOKEN}"}
wait_for: {request: GET /health, timeout: 20s}
scenarios:
  - name: classify
    data: {file: flowers.csv, order: unique, at_end: repeat}
    steps:
      - name: predict
        request: POST /predict
        json: {sepal_length: "${row.length}", sepal_width: 3.0, petal_length: 5.1, petal_width: 1.8}
        timeout: 5s
stages:
  - {name: steady, rate: 21/s, duration: DURATION}
objectives:
  - success_rate >= 1%
`

// spread is a run of three workers.
func (d *deployment) spread(duration string) *exec.Cmd {
	d.write("slo.yaml", strings.Replace(steady, "DURATION", duration, 1))
	d.write("flowers.csv", "length\n5.1\n5.9\n6.3\n")
	c := d.slogate("run", "--on", "kubernetes", "--workers", "3", "--image", program, "--start-in", "15s", "--target", d.url, "slo.yaml")
	c.Dir = d.out
	c.Env = append(os.Environ(), "E2E_TOKEN=not-to-be-seen")
	return c
}

// wantNoTrace looks for what a spread run left behind.
func (d *deployment) wantNoTrace() {
	d.t.Helper()
	d.until(30*time.Second, "nothing is left", func() bool {
		return d.kubectl("get", "jobs,configmaps,secrets,pods", "-l", "app.kubernetes.io/managed-by=slogate", "-o", "name") == ""
	})
}

// Three pods make the load, and their results are one.
func (b *bed) testSpread(t *testing.T) {
	t.Parallel()
	d := b.deploy(t)
	d.as("slogate-watch", "slogate-spread")
	r, code := d.run(d.spread("10s"))
	if r == nil || !passed(r, code) {
		t.Fatalf("exit code %d", code)
	}
	s := r.Stages[0]
	if due := s.Counters.Due(); due != 210 || s.Workload.RateTo != 21 {
		t.Errorf("%d requests at %v/s", due, s.Workload.RateTo)
	}
	if s.Cluster == nil || s.Cluster.ReplicasMax == 0 {
		t.Errorf("slogate has seen nothing of the cluster: %+v", r.Timeline)
	}
	if s.Counters.Success == 0 {
		t.Error("no request was successful")
	}
	d.wantNoTrace()
}

// disturbed is why nothing was decided where other work on this machine, which is
// every node, kept workers from their schedule.
var disturbed = regexp.MustCompile("generator limited: it left|together: they began it")

// passed reports whether a run passed, or would have on a machine of its own.
func passed(r *result.Run, code int) bool {
	return code == 0 && r.Judgement.Verdict == result.Pass || code == 3 && disturbed.MatchString(r.Judgement.Reason)
}

// A cancelled run keeps what was measured and takes the Job away.
func (b *bed) testSpreadCancelled(t *testing.T) {
	t.Parallel()
	d := b.deploy(t)
	d.as("slogate-watch", "slogate-spread")
	c := d.spread("5m")
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	d.until(time.Minute, "the workers run", func() bool {
		return strings.Count(d.kubectl("get", "pods", "-l", "app.kubernetes.io/managed-by=slogate", "-o", "jsonpath={.items[*].status.phase}"), "Running") == 3
	})
	time.Sleep(20 * time.Second) // they have begun
	_ = c.Process.Signal(syscall.SIGINT)
	_ = c.Wait()
	t.Logf("%s", said.Bytes())
	r, err := result.ReadFile(filepath.Join(d.out, "slogate-result.json"))
	if err != nil || c.ProcessState.ExitCode() != 130 || !r.Cancelled {
		t.Fatalf("exit code %d, %v", c.ProcessState.ExitCode(), err)
	}
	if n := r.Stages[0].Counters.Finished(); n == 0 {
		t.Error("what was measured is lost")
	}
	d.wantNoTrace()
}

// A run that a worker is missing in decides nothing, and keeps the others.
func (b *bed) testSpreadDies(t *testing.T) {
	t.Parallel()
	d := b.deploy(t)
	d.as("slogate-watch", "slogate-spread")
	c := d.spread("15s")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 60 {
			time.Sleep(time.Second)
			pods := exec.Command("./in.sh", "kubectl", "--namespace", d.namespace, "get", "pods", "-l", "batch.kubernetes.io/job-completion-index=1", "-o", "name")
			if name, err := pods.Output(); err == nil && len(name) > 0 {
				time.Sleep(8 * time.Second)
				kill := exec.Command("./in.sh", "kubectl", "--namespace", d.namespace, "delete", "--force", "--grace-period=0", "--wait=false", strings.TrimSpace(string(name)))
				_ = kill.Run()
				return
			}
		}
	}()
	r, code := d.run(c)
	<-done
	if r == nil || code != 3 || r.Judgement.Verdict != result.Inconclusive {
		t.Fatalf("exit code %d", code)
	}
	if due := r.Stages[0].Counters.Due(); due < 2*105 || due == 3*105 {
		t.Errorf("%d requests are kept, want those of two workers and not of all", due)
	}
	d.wantNoTrace()
}

// Without rights nothing is loaded, and the error says so.
func (b *bed) testSpreadForbidden(t *testing.T) {
	t.Parallel()
	d := b.deploy(t)
	d.as("slogate-watch")
	if said, code := d.say(d.spread("10s")); code != 2 || !strings.Contains(said, "forbidden") || !strings.Contains(said, "docs/kubernetes.md") {
		t.Errorf("exit code %d", code)
	}
}
