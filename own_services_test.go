//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/revision"
	"github.com/slogate/slogate/service"
	"github.com/slogate/slogate/slo"
)

const ownSLO = `version: 1
scenarios: [{request: GET /}]
stages: [{name: steady, rate: 50/s, duration: 10m}]
objectives: [p50 <= baseline + 50%]
service: {start: testservice & wait, ready: GET /ready}
`

// newRepository makes a repository in the working directory, with a branch
// main and a branch feature that is checked out.
func newRepository(t *testing.T, slo, before, after string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	t.Chdir(t.TempDir())
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_SYSTEM": os.DevNull,
		"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
	} {
		t.Setenv(name, value)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("slo.yaml", slo)
	write("behaviour", before)
	git(t, "init", "--quiet", "--initial-branch=main")
	git(t, "add", ".")
	git(t, "commit", "--quiet", "--message=before")
	git(t, "checkout", "--quiet", "-b", "feature")
	write("behaviour", after)
	git(t, "commit", "--quiet", "--all", "--allow-empty", "--message=after")
	git(t, "branch", "alone", strings.TrimSpace(git(t, "commit-tree", "-m", "alone", "HEAD^{tree}")))
}

func git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = revision.Outside(os.Environ())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// startedServices gives a folder in which testservice notes what it does, as
// far as its name begins with what.
func startedServices(t *testing.T) (found func(what string) []int) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("STARTED", dir)
	return func(what string) []int {
		paths, err := filepath.Glob(filepath.Join(dir, what+"-*"))
		if err != nil {
			t.Fatal(err)
		}
		var pids []int
		for _, path := range paths {
			_, number, _ := strings.Cut(filepath.Base(path), "-")
			pid, err := strconv.Atoi(number)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
		return pids
	}
}

// leavesNothing fails where a process or a worktree is left.
func leavesNothing(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if !isGone(pid) {
			t.Errorf("process %d is still there", pid)
		}
	}
	if list := git(t, "worktree", "list"); strings.Count(list, "\n") != 1 {
		t.Errorf("worktrees are\n%s", list)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "slogate-compare-*")); err != nil || len(left) > 0 {
		t.Errorf("left in the folder for temporary files: %q, %v", left, err)
	}
}

// isGone reports whether a process has ended, as what its parent has not
// looked at yet, too.
func isGone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, found := strings.Cut(string(stat), ") ")
	return err == nil && found && strings.HasPrefix(state, "Z")
}

// A comparison that is cancelled reports what it has measured, and leaves
// neither a process nor a worktree.
func TestCancelledComparisonLeavesNothing(t *testing.T) {
	newRepository(t, ownSLO, "delay 0s", "delay 1ms")
	t.Setenv("TMPDIR", t.TempDir())
	found := startedServices(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for len(found("ready")) < 2 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	var stdout, stderr bytes.Buffer
	code := Main(ctx, []string{"compare", "main..", "--out", "out"}, os.LookupEnv, &stdout, &stderr)
	if code != exitCancelled {
		t.Errorf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	if n := len(found("started")); n != 2 {
		t.Errorf("%d services were started", n)
	}
	leavesNothing(t, found("started"))
}

// So does one that is cancelled while it builds.
func TestCancelledBuildLeavesNothing(t *testing.T) {
	slo := strings.Replace(ownSLO, "{start:", `{build: 'testservice & wait', start:`, 1)
	newRepository(t, slo, "delay 0s", "delay 1ms")
	t.Setenv("TMPDIR", t.TempDir())
	found := startedServices(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for len(found("started")) == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	var stdout, stderr bytes.Buffer
	if code := Main(ctx, []string{"compare", "main..", "--out", "out"}, os.LookupEnv, &stdout, &stderr); code != exitCancelled {
		t.Errorf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	leavesNothing(t, found("started"))
}

// A restart in the middle of a comparison replaces the processes of both sides,
// and no request fails by it.
func TestComparisonOverARestart(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("behaviour", []byte("delay 0s"), 0o644); err != nil {
		t.Fatal(err)
	}
	found := startedServices(t)
	ports, err := service.FreePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	file, err := slo.Parse([]byte(ownSLO), slo.Options{Path: "slo.yaml", Target: loopback(ports[0]), BaseTarget: loopback(ports[1]), Service: true})
	if err == nil {
		err = needService(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	own, err := newOwnServices(file, ".", place{"head", ".", ports[0]}, place{"base", ".", ports[1]})
	if err != nil {
		t.Fatal(err)
	}
	defer own.stop()
	to, err := settings{}.loaders(file, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer to.close()
	if sides, err := own.up(t.Context(), to, func(string) {}); err != nil || sides != 2 {
		t.Fatalf("%d sides are up, %v", sides, err)
	}

	turns := loader.Turns{Block: 100 * time.Millisecond, Windows: 4, Restarts: loader.Restarts{Every: 2, WarmUp: 1, Do: own.restarter()}}
	base, head := loader.NewPair(to.base, to.head).Run(t.Context(), file.Stages[0], turns)
	own.stop()
	for name, s := range map[string]*result.Stage{"base": base, "head": head} {
		if s.State != result.Completed || len(s.Slices) != 4 || s.Counters.Success == 0 || s.Counters.Errors() != 0 {
			t.Errorf("%s: %s, %d slices, %+v", name, s.State, len(s.Slices), s.Counters)
		}
	}
	started := found("started")
	if len(started) != 4 {
		t.Errorf("%d processes were started, want two of each side", len(started))
	}
	for _, pid := range started {
		if !isGone(pid) {
			t.Errorf("process %d is still there", pid)
		}
	}
	select {
	case why := <-own.ends():
		t.Errorf("a process that was stopped counts as one that ended by itself: %v", why)
	default:
	}
}

// However a comparison ends before anything was loaded, it says why with the
// right exit code and leaves nothing.
func TestFailedComparisonLeavesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		slo, before, after string
		args               []string
		code               int
		want               string
	}{
		"build of head": {
			strings.Replace(ownSLO, "{start:", "{build: 'cat behaviour; grep delay behaviour', start:", 1), "delay 0s", "die 0", nil, exitUsage,
			"build head: \"cat behaviour; grep delay behaviour\" ended with exit status 1; out/head-build.log has its output, which ends in\n    | die 0\n",
		},
		"build of base": {
			strings.Replace(ownSLO, "{start:", "{build: 'grep delay behaviour', start:", 1), "die 0", "delay 0s", nil, exitUsage,
			"build base: \"grep delay behaviour\" ended with exit status 1 and without output\n",
		},
		"head dies": {
			ownSLO, "delay 0s", "die 3", nil, exitInconclusive,
			"start head: \"testservice & wait\" ended with exit status 0 before it was ready; out/head-start.log has its output, which ends in\n    | no database ::error::x\n",
		},
		"base dies": {strings.Replace(ownSLO, " & wait", "", 1), "die 3", "delay 0s", nil, exitInconclusive, "start base: \"testservice\" ended with exit status 3 before it was ready"},
		"no block":  {strings.Split(ownSLO, "service:")[0], "", "", nil, exitUsage, "error: slo.yaml does not say how to start the service\nhint: add it: service:"},
		"same":      {ownSLO, "", "", []string{"compare", "feature..HEAD"}, exitUsage, "feature and HEAD are the same commit"},
		"unknown":   {ownSLO, "", "", []string{"compare", "nothing..HEAD"}, exitUsage, "error: revision \"nothing\" is not known in this repository\nhint: git fetch origin"},
		"apart":     {ownSLO, "", "", []string{"compare", "alone...HEAD"}, exitUsage, "have no commit in common here\nhint: a clone that is cut off lacks it"},
		"no folder": {ownSLO, "", "", []string{"compare", "main..", "--slo", "new/slo.yaml"}, exitUsage, "has no folder new, in which the SLO file lies"},
	} {
		t.Run(name, func(t *testing.T) {
			newRepository(t, test.slo, test.before, test.after)
			t.Setenv("TMPDIR", t.TempDir())
			if err := os.Mkdir("new", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile("new/slo.yaml", []byte(ownSLO), 0o644); err != nil {
				t.Fatal(err)
			}
			found := startedServices(t)
			args := test.args
			if args == nil {
				args = []string{"compare", "main..feature"}
			}
			var stdout, stderr bytes.Buffer
			code := Main(t.Context(), append(args, "--out", "out"), os.LookupEnv, &stdout, &stderr)
			if code != test.code || !strings.Contains(stderr.String(), test.want) {
				t.Errorf("exit code %d, want %d; said\n%swant\n%s", code, test.code, &stderr, test.want)
			}
			leavesNothing(t, found("started"))
		})
	}
}

// Services that are started anew know nobody: before and the start of each user
// are done again.
func TestRestartBeginsSessionsAnew(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := errors.Join(os.WriteFile("behaviour", []byte("login"), 0o644), makeWritable("out")); err != nil {
		t.Fatal(err)
	}
	ports, err := service.FreePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	const text = `version: 1
http: {headers: {authorization: "Bearer ${token}"}}
before: [{request: POST /login, capture: {token: $.token}, every: 1h}]
scenarios:
  - start: [{request: POST /login, capture: {mine: $.token}}]
    steps: [{request: GET /, headers: {x-user: "${mine}"}}]
stages: [{name: steady, requests: 20, workers: 2}]
service: {start: testservice, ready: GET /ready}
`
	file, err := slo.Parse([]byte(text), slo.Options{Path: "slo.yaml", Target: loopback(ports[0]), BaseTarget: loopback(ports[1]), Service: true})
	if err == nil {
		err = needService(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	var s settings
	to, err := s.loaders(file, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer to.close()
	if s.Own, err = newOwnServices(file, "out", place{"head", ".", ports[0]}, place{"base", ".", ports[1]}); err != nil {
		t.Fatal(err)
	}
	defer s.Own.stop()
	if err := errors.Join(s.ready(t.Context(), to, nil), to.before(t.Context())); err != nil {
		t.Fatal(err)
	}
	for start := range 2 {
		for name, l := range map[string]*loader.Loader{"base": to.base, "head": to.head} {
			if out := l.Run(t.Context(), file.Stages[0]); out.Counters.Success != 20 {
				t.Errorf("start %d of %s: %+v %+v", start+1, name, out.Counters, out.Failures)
			}
		}
		if err := s.Own.restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// The action runs no command of an SLO file, and needs none of its variables.
func TestActionRunsNoCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	slo := "version: 1\ntarget: http://" + deadAddress + `
wait_for: {request: GET /, timeout: 100ms}
scenarios: [{request: GET /}]
stages: [{name: steady, rate: 50/s, duration: 1s}]
service: {build: touch built, start: touch started, env: {A: "${env.NOT_LISTED}", B: "${secret.NOT_LISTED}"}}
`
	if err := os.WriteFile("slo.yaml", []byte(slo), 0o644); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"INPUT_CONFIG": "slo.yaml", "GITHUB_WORKSPACE": ".", "INPUT_NETWORK": "bridge"}
	lookup := func(name string) (string, bool) { value, ok := settings[name]; return value, ok }
	var stdout, stderr bytes.Buffer
	code := Main(t.Context(), []string{"action"}, lookup, &stdout, &stderr)
	if code != exitInconclusive || !strings.Contains(stdout.String(), "not ready") && !strings.Contains(stderr.String(), "not ready") {
		t.Errorf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	for _, name := range []string{"built", "started"} {
		if exists(name) {
			t.Errorf("the action has run a command: %s", name)
		}
	}
}
