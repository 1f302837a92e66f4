//go:build e2e

// Package e2e runs the action as GitHub does: its Dockerfile is built, a
// workflow runs it in a container, and what the workflow sees is compared. It
// needs root, a Docker daemon's binaries, jq and act; see README.md.
package e2e

import (
	"bufio"
	"bytes"
	stdcmp "cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/slogate/slogate/e2e/secrets"
)

// target is the demo service on the runner, as the SLO file of a user names it.
const target = "http://localhost:8000"

func TestAction(t *testing.T) {
	b := newBed(t)
	b.serve("0.0.0.0:8000")
	b.serve("127.0.0.1:8001")
	b.serve("0.0.0.0:8002", "--regress")
	t.Run("image", b.testImage)
	fork := job{event: "pull_request", payload: "testdata/fork.json"}
	for _, tt := range []struct {
		name string
		job
		exit        int               // of the action
		outputs     map[string]string // those that are the same in every run
		figures     bool              // p95, success_rate and throughput are numbers
		summary     []string          // texts in it
		log         []string          // texts in the log
		annotations []string          // "level file:line title"
	}{
		{
			name: "pass", job: job{config: "pass"},
			outputs: outputs("pass", "true", 0, 0),
			figures: true,
			summary: []string{"e2e-pass", "p95 <= 10s", "success_rate >= 99%", "steady"},
		},
		{
			name: "pass in the runner's network", job: job{config: "pass", target: "http://localhost:8001"},
			outputs: outputs("pass", "true", 0, 0),
			figures: true,
			summary: []string{"e2e-pass", "in the runner's network"},
		},
		{
			name: "pass, started in the runner's network", job: job{config: "pass", target: "http://localhost:8001", network: "host"},
			outputs: outputs("pass", "true", 0, 0),
			figures: true,
			summary: []string{"e2e-pass", "127.0.0.1:8001"},
		},
		{
			name: "fail", job: job{config: "fail"}, exit: 1,
			outputs: outputs("fail", "false", 1, 0),
			figures: true,
			summary: []string{"e2e-fail", "p50 <= 1us", "p95 <= 2us"},
			annotations: []string{
				"error e2e/testdata/fail.yaml:9 p50 failed in stage steady",
				"warning e2e/testdata/fail.yaml:10 p95 missed in stage steady",
			},
		},
		{
			name: "fail, started in the runner's network", job: job{config: "fail", network: "host"}, exit: 1,
			outputs: outputs("fail", "false", 1, 0),
			figures: true,
			annotations: []string{
				"error e2e/testdata/fail.yaml:9 p50 failed in stage steady",
				"warning e2e/testdata/fail.yaml:10 p95 missed in stage steady",
			},
		},
		{
			name: "fail but only report", job: job{config: "fail", gate: "report"},
			outputs: outputs("fail", "false", 1, 0),
			figures: true,
			summary: []string{"e2e-fail"},
			annotations: []string{
				"error e2e/testdata/fail.yaml:9 p50 failed in stage steady",
				"warning e2e/testdata/fail.yaml:10 p95 missed in stage steady",
			},
		},
		{
			name: "inconclusive", job: job{config: "inconclusive"}, exit: 3,
			outputs:     outputs("inconclusive", "false", 0, 1),
			figures:     true,
			summary:     []string{"❔ Inconclusive: e2e-inconclusive", "p99.9 <= 2s"},
			annotations: []string{"warning e2e/testdata/inconclusive.yaml:9 p99.9 inconclusive in stage steady"},
		},
		{
			name: "head is slower than base", job: job{config: "compare", target: "http://localhost:8002", base: "http://localhost:8000"}, exit: 1,
			outputs:     outputs("fail", "false", 1, 0),
			figures:     true,
			summary:     []string{"Compared with base at http:", "| Side |", "| base |", "| head |", "p95 of base", "--base-target"},
			log:         []string{"compared with http://localhost:8000"},
			annotations: []string{"error e2e/testdata/compare.yaml:9 p50 failed in stage steady"},
		},
		{
			name: "fork passes", job: fork.with("pass", target),
			outputs: outputs("pass", "true", 0, 0),
			figures: true,
			summary: []string{"e2e-pass", "0123456789012345678901234567890123456789"},
			// act has no token: nothing can be said on the pull request.
			log:         []string{"no comment on the pull request"},
			annotations: []string{"notice : slogate"},
		},
		{
			name: "fork fails", job: fork.with("fail", target), exit: 1,
			outputs: outputs("fail", "false", 1, 0),
			figures: true,
			annotations: []string{
				"error e2e/testdata/fail.yaml:9 p50 failed in stage steady",
				"warning e2e/testdata/fail.yaml:10 p95 missed in stage steady",
				"notice : slogate",
			},
		},
		{
			name: "fork is not started in the runner's network", job: fork.with("pass", "http://localhost:8001"), exit: 3,
			outputs:     map[string]string{"passed": "false"},
			summary:     []string{"never by itself for a pull request of a fork"},
			annotations: []string{"notice : slogate", "error : slogate"},
		},
		{
			name: "dead target", job: job{config: "pass", target: "http://172.17.0.1:9"}, exit: 3,
			outputs:     map[string]string{"passed": "false"},
			annotations: []string{"error : slogate"},
		},
		{
			name: "wrong file", job: job{config: "wrong"}, exit: 2,
			outputs:     map[string]string{"passed": "false"},
			summary:     []string{"wokers"},
			annotations: []string{"error e2e/testdata/wrong.yaml:6 slogate"},
		},
		{
			name: "wrong input", job: job{config: "pass", gate: "enforced"}, exit: 2,
			outputs:     map[string]string{"passed": "false"},
			annotations: []string{"error : slogate"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := b.workflow(t, tt.job, tt.outputs["passed"])
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
			holds(t, "summary", got.summary, tt.summary)
			holds(t, "log", got.log, tt.log)
			if diff := cmp.Diff(tt.annotations, got.annotations); diff != "" {
				t.Errorf("annotations (-want +got):\n%s", diff)
			}
			noSecrets(t, got.out)
			if _, err := os.Stat(filepath.Join(got.out, "slogate-out", "slogate-result.json")); tt.figures && err != nil {
				t.Errorf("what the action left was not looked through: %v", err)
			}
			if t.Failed() {
				t.Log(got.log)
			}
		})
	}
	t.Run("matrix", b.testMatrix)
	t.Run("cancelled", func(t *testing.T) { b.testCancelled(t, "") })
	t.Run("cancelled in the runner's network", func(t *testing.T) { b.testCancelled(t, "host") })
}

// outputs are those that do not depend on what was measured.
func outputs(verdict, passed string, failed, inconclusive int) map[string]string {
	return map[string]string{
		"verdict": verdict, "passed": passed,
		"failed-count": strconv.Itoa(failed), "inconclusive-count": strconv.Itoa(inconclusive),
	}
}

// noSecrets looks for the secrets of testdata/workflow.yml in all that a run
// leaves: act's log with summary, outputs and annotations, the action's files,
// kept artifacts.
func noSecrets(t *testing.T, paths ...string) {
	t.Helper()
	leaks, err := secrets.New("hunter2-of-the-e2e-test", "must-not-be-read").Files(paths...)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leaks {
		t.Error(l)
	}
}

// holds compares the texts that something has to hold.
func holds(t *testing.T, what, text string, want []string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the %s lacks %q:\n%s", what, w, text)
		}
	}
}

// job is a job of testdata/workflow.yml.
type job struct {
	config  string // name of a file in testdata
	target  string // empty: the demo on 0.0.0.0
	base    string // base target
	gate    string
	network string // of the action's container: bridge (default) or host
	event   string // default: push
	payload string // file of the event
	overlay string // folder of files to put over the repository
}

func (j job) with(config, target string) job {
	j.config, j.target = config, target
	return j
}

// testMatrix runs two cells of a matrix: one passes, one fails, and neither
// sees anything of the other.
func (b *bed) testMatrix(t *testing.T) {
	out := t.TempDir()
	c := b.act(out, job{}, "e2e/testdata/matrix.yml", "--var", "TARGET="+target)
	log, err := c.CombinedOutput()
	if err == nil {
		t.Error("one of two cells fails, and the workflow does not")
	}
	defer func() {
		if t.Failed() {
			t.Log(string(log))
		}
	}()
	cells := readLog(t, filepath.Join(out, "log.jsonl"))
	for config, want := range map[string]outcome{
		"pass": {outputs: outputs("pass", "true", 0, 0)},
		"fail": {outputs: outputs("fail", "false", 1, 0), exit: 1},
	} {
		got := cells[config]
		if got == nil {
			t.Errorf("no cell %s in %v", config, cells)
			continue
		}
		if diff := cmp.Diff(want.outputs, pick(got.outputs, want.outputs)); diff != "" || got.exit != want.exit {
			t.Errorf("cell %s: exit %d, want %d; outputs (-want +got):\n%s", config, got.exit, want.exit, diff)
		}
		holds(t, "summary of "+config, got.summary, []string{"e2e-" + config})
	}
}

// testCancelled stops the action's container in the middle of its second
// stage, as a runner does: what was measured until then is in the summary
// before the runner, ten seconds later, would kill it. The stage has minutes to
// go.
func (b *bed) testCancelled(t *testing.T, network string) {
	out := t.TempDir()
	log := filepath.Join(out, "log.jsonl")
	c := b.act(out, job{network: network}, "e2e/testdata/workflow.yml",
		"--var", "CONFIG=e2e/testdata/long.yaml", "--var", "TARGET="+target, "--var", "BASE=", "--var", "GATE=", "--var", "PASSED=false")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the second stage", func() bool {
		text, _ := os.ReadFile(log)
		return strings.Contains(string(text), "long      1 worker")
	})
	container := strings.TrimSpace(b.docker("ps", "--quiet"))
	began := time.Now()
	b.docker("kill", "--signal", "INT", container)
	until(t, "the container's end", func() bool { return b.docker("ps", "--quiet") == "" })
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the action took %v to end", took)
	}
	if err := c.Wait(); err == nil {
		t.Error("the workflow of a cancelled action succeeds")
	}
	got := readLog(t, log)[""]
	if got == nil || got.exit != 130 {
		t.Fatalf("got %v, want an exit code of 130", got)
	}
	holds(t, "summary", got.summary, []string{"⏹️ Cancelled: e2e-long", "| **first** |", "300 requests by 3 workers", "<sub>cancelled"})
	if diff := cmp.Diff(map[string]string{"passed": "false"}, pick(got.outputs, map[string]string{"passed": ""})); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
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
	// namespace is the network namespace that plays the runner.
	namespace string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("root is needed to start a Docker daemon")
	}
	b := &bed{t: t, dir: t.TempDir(), namespace: fmt.Sprintf("slogate-e2e-%d", os.Getpid())}
	b.env = append(os.Environ(), "DOCKER_STATE="+filepath.Join(b.dir, "docker"), "DOCKER_NS="+b.namespace)
	overlay := filepath.Join(b.dir, "go")
	b.slogate = filepath.Join(overlay, "prebuilt", "slogate")
	tags := b.base("TAGS")
	b.must(exec.Command("go", "build", "-C", "..", "-trimpath", "-tags", tags, "-ldflags", "-s -w", "-o", b.slogate, "."), "CGO_ENABLED=0")
	if err := os.WriteFile(filepath.Join(overlay, "prebuilt", "tags"), []byte(tags), 0o644); err != nil {
		t.Fatal(err)
	}
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
	found := regexp.MustCompile(`(?m)^ARG ` + argument + `="?([^"\n]+)"?$`).FindSubmatch(dockerfile)
	if found == nil {
		b.t.Fatalf("the Dockerfile has no argument %s", argument)
	}
	return string(found[1])
}

// serve starts the demo service on the runner. Nobody waits for it here: the
// action does.
func (b *bed) serve(address string, more ...string) {
	b.t.Helper()
	c := exec.Command("docker/in.sh", append([]string{b.slogate, "demo", "--serve", "--addr", address}, more...)...)
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
	docker("build", "--build-arg", "VERSION=v1.2.3", "--tag", "slogate", "..")
	labels := docker("image", "inspect", "--format", "{{json .Config.Labels}}", "slogate")
	for _, want := range []string{`"org.opencontainers.image.version":"v1.2.3"`, `"org.opencontainers.image.source":"https://github.com/slogate/slogate"`, `"org.opencontainers.image.base.name":"` + b.base("BASE_IMAGE") + `"`} {
		if !strings.Contains(labels, want) {
			t.Errorf("labels %s lack %s", labels, want)
		}
	}
	docker("run", "--rm", "--user", "1000:1000", "--read-only", "slogate", "--version")
	docker("run", "--rm", "--entrypoint", "sh", "slogate", "-c", "for c in sh env tail tar find; do command -v $c || exit 1; done; test -s /etc/ssl/certs/ca-certificates.crt")
	kubernetes := "version: 1\ntarget: http://localhost:1\nkubernetes: {hpa: x}\nscenarios: [{request: GET /}]\nstages: [{name: one, rate: 1/s, duration: 1s}]\n"
	if err := os.WriteFile(filepath.Join(b.dir, "kubernetes.yaml"), []byte(kubernetes), 0o644); err != nil {
		t.Fatal(err)
	}
	said := docker("run", "--rm", "--entrypoint", "sh", "--volume", b.dir+"/kubernetes.yaml:/kubernetes.yaml", "slogate", "-c", "/slogate run /kubernetes.yaml 2>&1; test $? = 2")
	if !strings.Contains(said, "kubeconfig") || strings.Contains(said, "built without") {
		t.Errorf("a cluster is looked for by: %s", said)
	}
	t.Logf("size of the image on the local base: %s bytes", strings.TrimSpace(docker("image", "inspect", "--format", "{{.Size}}", "slogate")))
	var engine, program []time.Duration
	for i := range 9 {
		started, requested := b.firstRequest(t, 8100+i)
		engine, program = append(engine, started), append(program, requested)
	}
	slices.Sort(engine)
	slices.Sort(program)
	t.Logf("from docker run to the start of the program: median %v of %v", engine[4], engine)
	t.Logf("from there to its first request: median %v of %v", program[4], program)
}

// firstRequest starts the image as a runner does. It returns how long the engine
// takes to start the program, and the program until a server on the runner has a
// request of it.
func (b *bed) firstRequest(t *testing.T, port int) (engine, program time.Duration) {
	t.Helper()
	listener := b.listen(t, fmt.Sprintf("0.0.0.0:%d", port))
	requested := make(chan time.Time, 100)
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requested <- time.Now() })}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	file := fmt.Sprintf("version: 1\ntarget: http://localhost:%d\nscenarios: [{request: GET /}]\nstages: [{name: one, requests: 1, workers: 1}]\n", port)
	if err := os.WriteFile(filepath.Join(b.dir, "first.yaml"), []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	// A runner's name server says at once that it knows no host.docker.internal.
	// Here none answers; one that refuses stands in for it.
	b.docker("run", "--name", "first", "--dns", "127.0.0.1", "--workdir", "/github/workspace", "--volume", b.dir+":/github/workspace",
		"--volume", filepath.Join(b.dir, "docker", "docker.sock")+":/var/run/docker.sock",
		"--env", "GITHUB_ACTIONS=true", "--env", "GITHUB_OUTPUT=/dev/null", "--env", "GITHUB_STEP_SUMMARY=/dev/null",
		"--env", "INPUT_CONFIG=first.yaml", "--env", "INPUT_GATE=report", "--env", "INPUT_ON_INCONCLUSIVE=warn", "slogate", "action")
	if len(requested) == 0 {
		t.Fatal("no request has come")
	}
	started, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(b.docker("inspect", "--format", "{{.State.StartedAt}}", "first")))
	if err != nil {
		t.Fatal(err)
	}
	b.docker("rm", "first")
	return started.Sub(began), (<-requested).Sub(started)
}

// listen opens a port on the runner. The thread that does it is in the runner's
// network for a moment; a socket stays where it was opened.
func (b *bed) listen(t *testing.T, address string) net.Listener {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err1 := os.Open("/proc/thread-self/ns/net")
	runner, err2 := os.Open("/run/netns/" + b.namespace)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	defer runner.Close()
	if err := unix.Setns(int(runner.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", address)
	if err := errors.Join(err, unix.Setns(int(own.Fd()), unix.CLONE_NEWNET)); err != nil {
		t.Fatal(err)
	}
	return listener
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
	out         string // folder of all that the run left
}

// act is the command that runs a workflow on a copy of the working tree.
func (b *bed) act(out string, j job, workflow string, more ...string) *exec.Cmd {
	c := exec.Command("./act.sh", append([]string{"..", workflow, out}, more...)...)
	c.Env = append(b.env[:len(b.env):len(b.env)], "ACTION_NET="+j.network, "EVENT="+j.event, "OVERLAY="+j.overlay)
	if j.payload != "" {
		path, err := filepath.Abs(j.payload)
		if err != nil {
			b.t.Fatal(err)
		}
		c.Env = append(c.Env, "EVENT_FILE="+path)
	}
	return c
}

// workflow runs testdata/workflow.yml, whose second step compares the output
// passed by itself. Options are act's.
func (b *bed) workflow(t *testing.T, j job, passed string, options ...string) outcome {
	t.Helper()
	return b.workflowOf(t, "workflow.yml", j, passed, options...)
}

// workflowOf runs a workflow in testdata that is like workflow.yml.
func (b *bed) workflowOf(t *testing.T, name string, j job, passed string, options ...string) outcome {
	t.Helper()
	out := t.TempDir()
	c := b.act(out, j, "e2e/testdata/"+name, append([]string{
		"--var", "CONFIG=e2e/testdata/" + j.config + ".yaml", "--var", "TARGET=" + stdcmp.Or(j.target, target), "--var", "BASE=" + j.base,
		"--var", "GATE=" + j.gate, "--var", "PASSED=" + passed, "--var", "KEEP=" + out,
	}, options...)...)
	log, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	path := filepath.Join(out, "log.jsonl")
	o := readLog(t, path)[""]
	if o == nil {
		t.Fatalf("nothing in act's log:\n%s", log)
	}
	withoutMasks(t, path)
	o.log, o.out = string(log), out
	if (err != nil) != (o.exit != 0) {
		t.Errorf("the workflow ended with %v, the action with %d:\n%s", err, o.exit, log)
	}
	return *o
}

// withoutMasks takes out of act's log what hands the runner the secrets to mask.
func withoutMasks(t *testing.T, path string) {
	t.Helper()
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept bytes.Buffer
	for line := range bytes.Lines(log) {
		var e entry
		if json.Unmarshal(line, &e) != nil || e.Command != "add-mask" {
			kept.Write(line)
		}
	}
	if err := os.WriteFile(path, kept.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readLog takes outputs, summary, annotations and the action's exit code from
// act's log, by the cell of the matrix; that of a job without a matrix is "".
func readLog(t *testing.T, path string) map[string]*outcome {
	t.Helper()
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cells := map[string]*outcome{}
	lines := bufio.NewScanner(bytes.NewReader(log))
	lines.Buffer(nil, len(log)+1)
	for lines.Scan() {
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.JobID == "" {
			continue
		}
		cell := e.Matrix.Config
		if cells[cell] == nil {
			cells[cell] = &outcome{outputs: map[string]string{}}
		}
		cells[cell].add(e)
	}
	return cells
}

// entry is a line of act's log.
type entry struct {
	JobID                            string
	Matrix                           struct{ Config string }
	Msg, Command, Name, Arg, Content string
	KvPairs                          map[string]string
}

// exitCode is how act says it of a container, and of a process on the runner.
var exitCode = regexp.MustCompile(`exit with .FAILURE.: (\d+)|^exit status (\d+)`)

func (o *outcome) add(e entry) {
	switch e.Command {
	case "set-output":
		o.outputs[e.Name] = e.Arg
	case "summary":
		o.summary += e.Content
	case "error", "warning", "notice":
		o.annotations = append(o.annotations, fmt.Sprintf("%s %s:%s %s", e.Command, e.KvPairs["file"], e.KvPairs["line"], e.KvPairs["title"]))
	}
	if code := exitCode.FindStringSubmatch(e.Msg); code != nil {
		o.exit, _ = strconv.Atoi(code[1] + code[2])
	}
}

// until polls a condition for as long as a busy machine may take.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out until %s", what)
		}
	}
}
