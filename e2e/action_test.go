//go:build e2e

// Package e2e runs the action as GitHub does: its Dockerfile is built, a
// workflow runs it in a container, and what the workflow sees is compared. It
// needs root, a Docker daemon's binaries, jq and act; see README.md.
package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// target is the demo service on the runner, as the SLO file of a user names it.
const target = "http://localhost:8000"

func TestAction(t *testing.T) {
	b := newBed(t)
	b.serve("0.0.0.0:8000")
	b.serve("127.0.0.1:8001")
	t.Run("image", b.testImage)
	for _, tt := range []struct {
		name        string
		config      string
		target      string
		gate        string
		exit        int               // of the action
		outputs     map[string]string // those that are the same in every run
		figures     bool              // p95, success_rate and throughput are numbers
		summary     []string          // texts in it
		annotations []string          // "level file:line title"
	}{
		{
			name: "pass", config: "e2e/testdata/pass.yaml", target: target,
			outputs: map[string]string{"verdict": "pass", "passed": "true", "failed-count": "0", "inconclusive-count": "0"},
			figures: true,
			summary: []string{"e2e-pass", "p95 <= 2s", "success_rate >= 99%", "steady"},
		},
		{
			name: "pass in the runner's network", config: "e2e/testdata/pass.yaml", target: "http://localhost:8001",
			outputs: map[string]string{"verdict": "pass", "passed": "true", "failed-count": "0", "inconclusive-count": "0"},
			figures: true,
			summary: []string{"e2e-pass", "in the runner's network"},
		},
		{
			name: "fail", config: "e2e/testdata/fail.yaml", target: target, exit: 1,
			outputs: map[string]string{"verdict": "fail", "passed": "false", "failed-count": "1", "inconclusive-count": "0"},
			figures: true,
			summary: []string{"e2e-fail", "p50 <= 1us", "p95 <= 2us"},
			annotations: []string{
				"error e2e/testdata/fail.yaml:9 p50 failed in stage steady",
				"warning e2e/testdata/fail.yaml:10 p95 missed in stage steady",
			},
		},
		{
			name: "fail but only report", config: "e2e/testdata/fail.yaml", target: target, gate: "report",
			outputs: map[string]string{"verdict": "fail", "passed": "false", "failed-count": "1", "inconclusive-count": "0"},
			figures: true,
			summary: []string{"e2e-fail"},
			annotations: []string{
				"error e2e/testdata/fail.yaml:9 p50 failed in stage steady",
				"warning e2e/testdata/fail.yaml:10 p95 missed in stage steady",
			},
		},
		{
			name: "dead target", config: "e2e/testdata/pass.yaml", target: "http://172.17.0.1:9", exit: 3,
			outputs:     map[string]string{"passed": "false"},
			annotations: []string{"error : slogate"},
		},
		{
			name: "wrong file", config: "e2e/testdata/wrong.yaml", target: target, exit: 2,
			outputs:     map[string]string{"passed": "false"},
			summary:     []string{"wokers"},
			annotations: []string{"error e2e/testdata/wrong.yaml:6 slogate", "error e2e/testdata/wrong.yaml:6 slogate"},
		},
		{
			name: "wrong input", config: "e2e/testdata/pass.yaml", target: target, gate: "enforced", exit: 2,
			outputs:     map[string]string{"passed": "false"},
			annotations: []string{"error : slogate"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := b.workflow(t, tt.config, tt.target, tt.gate, tt.outputs["passed"])
			if got.exit != tt.exit {
				t.Errorf("exit code = %d, want %d", got.exit, tt.exit)
			}
			if diff := cmp.Diff(tt.outputs, pick(got.outputs, tt.outputs)); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			for _, name := range []string{"p95", "success_rate", "throughput"} {
				if v, err := strconv.ParseFloat(got.outputs[name], 64); tt.figures && (err != nil || v <= 0) {
					t.Errorf("output %s = %q, want a number above 0", name, got.outputs[name])
				}
			}
			for _, text := range tt.summary {
				if !strings.Contains(got.summary, text) {
					t.Errorf("the summary lacks %q:\n%s", text, got.summary)
				}
			}
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

func pick(from, names map[string]string) map[string]string {
	picked := map[string]string{}
	for name := range names {
		if value, ok := from[name]; ok {
			picked[name] = value
		}
	}
	return picked
}

// bed is a runner: a network namespace with a Docker daemon and the images
// that the Dockerfile begins with.
type bed struct {
	t       *testing.T
	dir     string
	slogate string // the binary, for the runner and for the image
	env     []string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("root is needed to start a Docker daemon")
	}
	b := &bed{t: t, dir: t.TempDir()}
	b.env = append(os.Environ(), "DOCKER_STATE="+filepath.Join(b.dir, "docker"), fmt.Sprintf("DOCKER_NS=slogate-e2e-%d", os.Getpid()))
	overlay := filepath.Join(b.dir, "go")
	b.slogate = filepath.Join(overlay, "prebuilt", "slogate")
	b.must(exec.Command("go", "build", "-C", "..", "-trimpath", "-ldflags", "-s -w", "-o", b.slogate, "."), "CGO_ENABLED=0")
	b.copy("testdata/go.sh", filepath.Join(overlay, "bin", "go"))
	t.Cleanup(func() { b.must(exec.Command("docker/down.sh")) })
	b.must(exec.Command("docker/up.sh"))
	b.must(exec.Command("docker/base-image.sh", b.base("BASE_IMAGE")))
	b.must(exec.Command("docker/base-image.sh", b.base("GO_IMAGE"), overlay))
	return b
}

// must runs a command that has to succeed.
func (b *bed) must(c *exec.Cmd, env ...string) string {
	b.t.Helper()
	c.Env = append(b.env[:len(b.env):len(b.env)], env...)
	// To a file: a daemon that the command starts would hold a pipe open.
	out, err := os.CreateTemp(b.dir, "out")
	if err != nil {
		b.t.Fatal(err)
	}
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	err = c.Run()
	text, _ := os.ReadFile(out.Name())
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", strings.Join(c.Args, " "), err, text)
	}
	return string(text)
}

func (b *bed) copy(from, to string) {
	b.t.Helper()
	text, err := os.ReadFile(from)
	if err := errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, text, 0o755)); err != nil {
		b.t.Fatal(err)
	}
}

// base returns the default of a build argument of the Dockerfile.
func (b *bed) base(argument string) string {
	b.t.Helper()
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		b.t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^ARG ` + argument + `=(\S+)$`).FindSubmatch(dockerfile)
	if found == nil {
		b.t.Fatalf("the Dockerfile has no argument %s", argument)
	}
	return string(found[1])
}

// serve starts the demo service on the runner. Nobody waits for it here: the
// action does.
func (b *bed) serve(address string) {
	b.t.Helper()
	c := exec.Command("docker/in.sh", b.slogate, "demo", "--serve", "--addr", address)
	c.Env = b.env
	if err := c.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := errors.Join(c.Process.Signal(syscall.SIGTERM), c.Wait()); err != nil {
			b.t.Errorf("demo service: %v", err)
		}
	})
}

// testImage looks at the image as runners other than GitHub's use it.
func (b *bed) testImage(t *testing.T) {
	docker := b.docker
	docker("build", "--tag", "slogate", "..")
	docker("run", "--rm", "--user", "1000:1000", "--read-only", "slogate", "--version")
	docker("run", "--rm", "--entrypoint", "sh", "slogate", "-c", "for c in sh env tail tar find; do command -v $c || exit 1; done; test -s /etc/ssl/certs/ca-certificates.crt")
	t.Logf("size of the image on the local base: %s bytes", strings.TrimSpace(docker("image", "inspect", "--format", "{{.Size}}", "slogate")))
}

func (b *bed) docker(args ...string) string {
	b.t.Helper()
	return b.must(exec.Command("docker/in.sh", append([]string{"docker"}, args...)...))
}

// outcome is what a workflow sees of the action.
type outcome struct {
	exit        int
	outputs     map[string]string
	summary     string
	annotations []string
	log         string
}

// workflow runs testdata/workflow.yml on a copy of the working tree. The
// workflow's second step compares the output passed by itself. Options are
// act's.
func (b *bed) workflow(t *testing.T, config, target, gate, passed string, options ...string) outcome {
	t.Helper()
	out := t.TempDir()
	c := exec.Command("./act.sh", append([]string{
		"..", "e2e/testdata/workflow.yml", out,
		"--var", "CONFIG=" + config, "--var", "TARGET=" + target, "--var", "GATE=" + gate, "--var", "PASSED=" + passed,
	}, options...)...)
	c.Env = b.env
	log, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o := outcome{log: string(log), outputs: map[string]string{}}
	summary, _ := os.ReadFile(filepath.Join(out, "summary.md"))
	o.summary = string(summary)
	o.readLog(t, filepath.Join(out, "log.jsonl"))
	if (err != nil) != (o.exit != 0) {
		t.Errorf("the workflow ended with %v, the action with %d:\n%s", err, o.exit, log)
	}
	return o
}

// readLog takes outputs, annotations and the action's exit code from act's log.
func (o *outcome) readLog(t *testing.T, path string) {
	t.Helper()
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(log))
	lines.Buffer(nil, len(log)+1)
	for lines.Scan() {
		var e struct {
			Msg, Command, Name, Arg string
			KvPairs                 map[string]string
		}
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		switch e.Command {
		case "set-output":
			o.outputs[e.Name] = e.Arg
		case "error", "warning", "notice":
			o.annotations = append(o.annotations, fmt.Sprintf("%s %s:%s %s", e.Command, e.KvPairs["file"], e.KvPairs["line"], e.KvPairs["title"]))
		}
		if code := regexp.MustCompile(`exit with .FAILURE.: (\d+)`).FindStringSubmatch(e.Msg); code != nil {
			o.exit, _ = strconv.Atoi(code[1])
		}
	}
}
