//go:build e2e

package kubernetes

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

const scaler = "iris-classifier-hpa"

// bounds are the autoscaler's maximum and what a what-if has put aside.
func (d *deployment) bounds() (maximum, aside string) {
	d.t.Helper()
	text := d.kubectl("get", "hpa", scaler, "-o", `jsonpath={.spec.maxReplicas}|{.metadata.annotations.slogate\.dev/what-if}`)
	maximum, aside, _ = strings.Cut(text, "|")
	return maximum, aside
}

// With one replica the service can do less, and afterwards it may have three
// again.
func (b *bed) testWhatIf(t *testing.T) {
	d := b.deploy(t)
	d.as("slogate-watch", "slogate-what-if")
	d.write("slo.yaml", high)
	c := d.slogate("what-if", "--max-replicas", "1", filepath.Join(d.out, "slo.yaml"))
	said, code := d.say(c)
	if code != 0 || !strings.Contains(said, "What if") {
		t.Fatalf("exit code %d", code)
	}
	var rates []float64
	for _, folder := range []string{"as-it-is", "what-if"} {
		r, err := result.ReadFile(filepath.Join(d.out, folder, "slogate-result.json"))
		if err != nil {
			t.Fatal(err)
		}
		s := r.Stages[0]
		rates = append(rates, float64(s.Counters.Success)/s.Duration.Seconds())
	}
	if rates[1] > 0.8*rates[0] {
		t.Errorf("%.1f successful requests a second with one replica, %.1f with up to three", rates[1], rates[0])
	}
	if maximum, aside := d.bounds(); maximum != "3" || aside != "" {
		t.Errorf("maxReplicas is %s, put aside %q", maximum, aside)
	}
}

// A what-if that is killed leaves what another one puts back.
func (b *bed) testWhatIfKilled(t *testing.T) {
	t.Parallel()
	d := b.deploy(t)
	d.as("slogate-watch", "slogate-what-if")
	d.write("slo.yaml", high)
	path := filepath.Join(d.out, "slo.yaml")
	if _, code := d.run(d.slogate("run", path)); code != 0 {
		t.Fatalf("the run before exits with %d", code)
	}
	c := d.slogate("what-if", "--max-replicas", "1", "--against", filepath.Join(d.out, "slogate-result.json"), path)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	d.until(time.Minute, "the ceiling is 1", func() bool {
		maximum, _ := d.bounds()
		return maximum == "1"
	})
	_ = c.Process.Kill() // nsenter has become slogate
	_ = c.Wait()
	if maximum, aside := d.bounds(); maximum != "1" || !strings.Contains(aside, `"max_replicas":3`) {
		t.Fatalf("maxReplicas is %s, put aside %q\n%s", maximum, aside, said.String())
	}
	if said, code := d.say(d.slogate("what-if", "--max-replicas", "2", path)); code != 2 || !strings.Contains(said, "--restore") {
		t.Errorf("another one exits with %d", code)
	}
	if said, _ := d.say(d.slogate("run", path)); !strings.Contains(said, "before a what-if that has not put it back") {
		t.Error("a run does not say that the autoscaler is changed")
	}
	if _, code := d.say(d.slogate("what-if", "--hpa", scaler, "--restore")); code != 0 {
		t.Errorf("--restore exits with %d", code)
	}
	if maximum, aside := d.bounds(); maximum != "3" || aside != "" {
		t.Errorf("maxReplicas is %s, put aside %q", maximum, aside)
	}
}

// high is a load that one replica is too small for.
const high = `version: 1
name: iris-classifier
target: ${env.TARGET_URL}
kubernetes: {hpa: iris-classifier-hpa}
http: {connections: new}
wait_for: {request: GET /health, timeout: 60s}
scenarios:
  - name: classify
    steps:
      - name: predict
        request: POST /predict
        json: {sepal_length: 5.9, sepal_width: 3.0, petal_length: 5.1, petal_width: 1.8}
        timeout: 5s
stages:
  - {name: high, workers: 15, duration: 18s}
objectives:
  - success_rate >= 1%
`

func (d *deployment) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.out, name), []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// say runs slogate, and gives what it printed and its exit code.
func (d *deployment) say(c *exec.Cmd) (string, int) {
	d.t.Helper()
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err := c.Run()
	d.t.Logf("%s\n%s", strings.Join(c.Args[2:], " "), said.Bytes())
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		d.t.Fatal(err)
	}
	return said.String(), c.ProcessState.ExitCode()
}

// until waits for something that will be.
func (d *deployment) until(most time.Duration, what string, is func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(most); !is(); time.Sleep(time.Second / 2) {
		if time.Now().After(deadline) {
			d.t.Fatalf("%s: not after %s", what, most)
		}
	}
}
