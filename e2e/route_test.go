//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRoute runs the image as a runner does, "docker run" with its options,
// because act starts no services where the action has a network of its own.
func TestRoute(t *testing.T) {
	b := newBed(t)
	b.serve("0.0.0.0:8000")
	b.serve("127.0.0.1:8001")
	b.docker("build", "--tag", "slogate", "..")
	b.docker("network", "create", "job")
	demo := func(addr string, options ...string) string {
		args := append([]string{"run", "--detach", "--network", "job"}, options...)
		return strings.TrimSpace(b.docker(append(args, "slogate", "demo", "--serve", "--addr", addr)...))
	}
	demo("0.0.0.0:8080", "--network-alias", "api", "--publish", "8003:8080")
	container := demo("0.0.0.0:8004")
	services := `{"api": {"id": "0", "network": "job", "ports": {"8080": "8003"}}, "db": {"ports": {"5432": "5432"}}}`
	noSocket := func(s *stepRun) { s.socket = false }
	in := func(network string) func(*stepRun) { return func(s *stepRun) { s.network = network } }
	input := func(name, value string) func(*stepRun) {
		return func(s *stepRun) { s.env = append(s.env, "INPUT_"+name+"="+value) }
	}
	for _, tt := range []struct {
		name  string
		port  int
		with  []func(*stepRun)
		exit  int
		route string   // a regular expression for the result's
		log   []string // texts in it
	}{
		{
			name: "server on 0.0.0.0", port: 8000,
			route: `^localhost:8000 via bridge gateway 172\.17\.0\.1$`,
		},
		{
			name: "server on 127.0.0.1", port: 8001,
			route: `^127\.0\.0\.1:8001 in the runner's network$`, log: []string{"once more, in the runner's network"},
		},
		{
			name: "server on 127.0.0.1, bridge", port: 8001, with: []func(*stepRun){input("NETWORK", "bridge")}, exit: 3,
			log: []string{
				"tried localhost:8001, the address as given: connection refused",
				"tried 172.17.0.1:8001, bridge gateway 172.17.0.1: connection refused",
				"the input network is bridge", "0.0.0.0:8001", "http://LABEL:8001", "network: host",
			},
		},
		{
			name: "server on 127.0.0.1, no socket", port: 8001, with: []func(*stepRun){noSocket}, exit: 3,
			log: []string{"docker socket /var/run/docker.sock", "no such file"},
		},
		{
			name: "server on 127.0.0.1, fork", port: 8001, with: []func(*stepRun){func(s *stepRun) { s.fork = true }}, exit: 3,
			log: []string{"never by itself for a pull request of a fork"},
		},
		{
			name: "network host", port: 8000, with: []func(*stepRun){input("NETWORK", "host")},
			route: `^127\.0\.0\.1:8000 in the runner's network$`,
		},
		{
			name: "network host, no socket", port: 8000, with: []func(*stepRun){input("NETWORK", "host"), noSocket}, exit: 2,
			log: []string{"network host: docker socket"},
		},
		{
			name: "started in the host's network", port: 8001, with: []func(*stepRun){in("host")},
			route: `^127\.0\.0\.1:8001$`,
		},
		{
			name: "service", port: 8003, with: []func(*stepRun){in("job"), input("JOB-SERVICES", services)},
			route: `^localhost:8003 via service api:8080$`,
		},
		{
			name: "published port of a service that is not told", port: 8003, with: []func(*stepRun){in("job")},
			route: `^localhost:8003 via bridge gateway 172\.\d+\.0\.1$`,
		},
		{
			name: "job container", port: 8004, with: []func(*stepRun){in("job"), input("JOB-CONTAINER-ID", container)},
			route: `^localhost:8004 via job container ` + container[:12] + `$`,
		},
		{
			name: "in the job container's network, as act has it", port: 8004, with: []func(*stepRun){in("container:" + container)},
			route: `^127\.0\.0\.1:8004$`,
		},
		{
			name: "out of the job container's network", port: 8001, with: []func(*stepRun){in("container:" + container)},
			route: `^127\.0\.0\.1:8001 in the runner's network$`,
		},
		{
			name: "nothing", port: 9, exit: 3,
			log: []string{"in the runner's network; before that", "tried 172.17.0.1:9, bridge gateway", "http://LABEL:9"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := b.step(t, tt.port, tt.with...)
			if exit := s.run(); exit != tt.exit {
				t.Errorf("exit code = %d, want %d", exit, tt.exit)
			}
			if route := s.route(); !regexp.MustCompile(tt.route).MatchString(route) || tt.route == "" && route != "" {
				t.Errorf("route = %q, want %s", route, tt.route)
			}
			for _, text := range tt.log {
				if !strings.Contains(s.log(), text) {
					t.Errorf("the log lacks %q", text)
				}
				if summary := s.read("summary"); tt.exit == 3 && !strings.Contains(summary, text) {
					t.Errorf("the summary lacks %q:\n%s", text, summary)
				}
			}
			if strings.Contains(s.log(), "hunter2") && !strings.Contains(s.log(), "::add-mask::hunter2") {
				t.Error("a secret is in the log")
			}
			if left := s.containers(); len(left) > 0 {
				t.Errorf("containers are left: %v", left)
			}
			if t.Failed() {
				t.Log(s.log())
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) { b.testEnd(t, "INT", 130) })
	t.Run("killed", func(t *testing.T) { b.testEnd(t, "KILL", 137) })
}

// testEnd signals the action while its twin loads the service: nothing may be
// left behind.
func (b *bed) testEnd(t *testing.T, signal string, want int) {
	s := b.step(t, 8001, func(s *stepRun) {
		s.config = "long.yaml"
		s.env = append(s.env, "INPUT_NETWORK=host")
	})
	ended := make(chan int)
	go func() { ended <- s.run() }()
	s.until("the twin loads", func() bool { return strings.Contains(s.log(), "seed") && len(s.containers()) == 2 })
	b.docker("kill", "--signal", signal, s.name)
	if exit := <-ended; exit != want {
		t.Errorf("exit code = %d, want %d:\n%s", exit, want, s.log())
	}
	s.until("no container is left", func() bool { return len(s.containers()) == 0 })
	if summary := s.read("summary"); signal == "INT" && !strings.Contains(summary, "Cancelled") {
		t.Errorf("the summary does not say that the run was cancelled:\n%s", summary)
	}
}

// stepRun is one start of the action's container.
type stepRun struct {
	t       *testing.T
	b       *bed
	name    string
	dir     string // what the runner mounts
	config  string
	network string
	socket  bool
	fork    bool
	env     []string
}

// slos are the SLO files of the steps.
var slos = map[string]string{
	"short.yaml": `stages: [{name: short, requests: 200, workers: 2}]`,
	"long.yaml":  `stages: [{name: long, duration: 2m, workers: 1}]`,
}

func (b *bed) step(t *testing.T, port int, with ...func(*stepRun)) *stepRun {
	t.Helper()
	s := &stepRun{
		t: t, b: b, dir: t.TempDir(), config: "short.yaml", network: "bridge", socket: true,
		name: regexp.MustCompile(`\W`).ReplaceAllString(t.Name(), "_"),
		env: []string{
			"GITHUB_ACTIONS=true", "GITHUB_WORKSPACE=/github/workspace", "GITHUB_EVENT_NAME=pull_request",
			"GITHUB_OUTPUT=/github/files/output", "GITHUB_STEP_SUMMARY=/github/files/summary", "GITHUB_EVENT_PATH=/github/files/event.json",
			fmt.Sprintf("INPUT_TARGET=http://localhost:%d", port), "INPUT_ENV=TOKEN", "TOKEN=hunter2",
		},
	}
	for _, change := range with {
		change(s)
	}
	s.env = append(s.env, "INPUT_CONFIG="+s.config)
	head := 1
	if s.fork {
		head = 2
	}
	s.write("event.json", fmt.Sprintf(`{"repository": {"id": 1}, "pull_request": {"head": {"repo": {"id": %d}}}}`, head))
	for name, stages := range slos {
		s.write(name, `version: 1
target: http://localhost:1
wait_for: {request: GET /health, timeout: 8s}
scenarios: [{request: GET /health, headers: {authorization: "${secret.TOKEN}"}}]
`+stages+"\n")
	}
	return s
}

func (s *stepRun) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// run starts the container with the options that a runner has, waits for its
// end and returns its exit code.
func (s *stepRun) run() int {
	args := []string{
		"docker", "run", "--rm", "--name", s.name, "--label", "step=" + s.name, "--workdir", "/github/workspace", "--network", s.network,
		"-v", s.dir + ":/github/workspace", "-v", s.dir + ":/github/files",
	}
	if s.socket {
		args = append(args, "-v", filepath.Join(s.b.dir, "docker", "docker.sock")+":/var/run/docker.sock")
	}
	for _, e := range s.env {
		args = append(args, "-e", e)
	}
	c := exec.Command("docker/in.sh", append(args, "--entrypoint", "/slogate", "slogate", "action")...)
	c.Env = s.b.env
	out, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		s.t.Error(err)
		return -1
	}
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		s.t.Error(err)
	}
	return c.ProcessState.ExitCode()
}

// read is the text of a file of the step, empty where there is none.
func (s *stepRun) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, name))
	return string(text)
}

func (s *stepRun) log() string { return s.read("log") }

// route is the route in the result file, empty where there is none.
func (s *stepRun) route() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "slogate-out", "slogate-result.json"))
	if err != nil {
		return ""
	}
	var r struct{ Route string }
	if err := json.Unmarshal(text, &r); err != nil {
		s.t.Error(err)
	}
	return r.Route
}

// containers are those of this step: a twin has the labels of its original.
func (s *stepRun) containers() []string {
	return strings.Fields(s.b.docker("ps", "--all", "--quiet", "--filter", "label=step="+s.name))
}

// until polls a condition, and shows the log where it never holds.
func (s *stepRun) until(what string, holds func() bool) {
	s.t.Helper()
	defer func() {
		if s.t.Failed() {
			s.t.Log(s.log())
		}
	}()
	until(s.t, what, holds)
}
