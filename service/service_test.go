//go:build unix

package service

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newSpec(t *testing.T) Spec {
	return Spec{Name: "head", Dir: t.TempDir(), Env: os.Environ(), Port: 4711, Output: t.TempDir()}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A build runs in its folder with its port and its environment, and its output
// is kept.
func TestRun(t *testing.T) {
	s := newSpec(t)
	s.Env = append(s.Env, "COLOR=blue")
	if err := s.Run(t.Context(), `echo "$COLOR $PORT"; echo bad >&2; pwd > where`); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(s.Output, "head-build.log")); got != "blue 4711\nbad\n" {
		t.Errorf("output is %q", got)
	}
	if got := strings.TrimSpace(read(t, filepath.Join(s.Dir, "where"))); !sameFile(t, got, s.Dir) {
		t.Errorf("it ran in %s, want %s", got, s.Dir)
	}
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	return os.SameFile(x, y)
}

// A failed build says how it ended and what it said last, in a form that
// neither a terminal nor a CI obeys.
func TestRunFails(t *testing.T) {
	s := newSpec(t)
	s.Secrets = []string{"s3cr3t"}
	err := s.Run(t.Context(), `seq 100 200; printf '\033[31mred\033[0m\t\r\n::error::x\n##[group]s3cr3t\n\n\001\n'; exit 3`)
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error is %v", err)
	}
	want := []string{"195", "196", "197", "198", "199", "200", "red", "::error::x", "##(group]***", "\uFFFD"}
	if diff := cmp.Diff(want, failed.Last); diff != "" {
		t.Errorf("last lines (-want +got):\n%s", diff)
	}
	for line := range strings.Lines(err.Error()) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a line is a command: %q", line)
		}
	}
	if !strings.HasPrefix(err.Error(), `build head: "seq`) || !strings.Contains(err.Error(), "ended with exit status 3; "+failed.Log) {
		t.Errorf("error is %s", err)
	}
	if err, want := s.Run(t.Context(), "exit 1"), `build head: "exit 1" ended with exit status 1 and without output`; err.Error() != want {
		t.Errorf("error is %s, want %s", err, want)
	}
}

func TestRunCannotStart(t *testing.T) {
	s := newSpec(t)
	s.Dir = filepath.Join(s.Dir, "missing")
	if err := s.Run(t.Context(), "true"); err == nil || !strings.Contains(err.Error(), "build head: ") {
		t.Errorf("error is %v", err)
	}
	s.Output = filepath.Join(s.Output, "missing")
	if err := s.Run(t.Context(), "true"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

// family is a command that starts a child in the background and says both
// numbers, then stays. Neither ends by TERM where stubborn is set.
func family(stubborn bool) string {
	script := `sh -c 'TRAP while :; do sleep 0.05; done' & echo "$$ $!" > numbers.new; mv numbers.new numbers; TRAP while :; do sleep 0.05; done`
	trap := ""
	if stubborn {
		trap = `trap "" TERM;`
	}
	return strings.ReplaceAll(script, "TRAP", trap)
}

// numbers waits for the processes of a family.
func numbers(t *testing.T, s Spec, p *Process) []int {
	t.Helper()
	for {
		text, err := os.ReadFile(filepath.Join(s.Dir, "numbers"))
		if err == nil {
			var all []int
			for field := range strings.FieldsSeq(string(text)) {
				n, err := strconv.Atoi(field)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, n)
			}
			return all
		}
		select {
		case <-p.Done():
			t.Fatal(p.Failure("too early"))
		default:
		}
	}
}

// gone reports whether a process has ended, as what its parent has not looked
// at yet, too.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, state, found := strings.Cut(string(stat), ") ")
	return err == nil && found && strings.HasPrefix(state, "Z")
}

// Stop ends a command and what it has started, also what does not want to end.
func TestStopEndsTheGroup(t *testing.T) {
	for name, stubborn := range map[string]bool{"willing": false, "stubborn": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSpec(t)
			p, err := s.Start(family(stubborn))
			if err != nil {
				t.Fatal(err)
			}
			all := numbers(t, s, p)
			p.Stop()
			p.Stop() // once more does nothing
			if len(all) != 2 {
				t.Fatalf("numbers are %v", all)
			}
			for _, pid := range all {
				if !gone(pid) {
					t.Errorf("process %d is still there", pid)
				}
			}
			if p.Ended() {
				t.Error("it ended by itself")
			}
		})
	}
}

// What a command leaves behind when it ends by itself is ended, too.
func TestLeftBehind(t *testing.T) {
	s := newSpec(t)
	p, err := s.Start(`sh -c 'while :; do sleep 0.05; done' & echo $! > numbers; exit 7`)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if err := p.Failure("before it was ready"); err.Why != "exit status 7 before it was ready" || !p.Ended() {
		t.Errorf("ended %v, error %v", p.Ended(), err)
	}
	p.Stop()
	for _, pid := range numbers(t, s, p) {
		for !gone(pid) { // it has been killed, which takes a moment
			if t.Context().Err() != nil {
				t.Fatalf("process %d is still there", pid)
			}
		}
	}
}

func TestRunIsCancelled(t *testing.T) {
	s := newSpec(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, family(false)) }()
	for {
		if _, err := os.Stat(filepath.Join(s.Dir, "numbers")); err == nil {
			break
		}
	}
	cancel(cause)
	if err := <-done; !errors.Is(err, cause) {
		t.Errorf("error is %v", err)
	}
	for _, pid := range numbers(t, s, nil) {
		if !gone(pid) {
			t.Errorf("process %d is still there", pid)
		}
	}
}

// A service that is started again goes on in the same file.
func TestStartAgain(t *testing.T) {
	s := newSpec(t)
	for range 2 {
		p, err := s.Start("echo hello")
		if err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		p.Stop()
	}
	if got := read(t, filepath.Join(s.Output, "head-start.log")); got != "hello\nhello\n" {
		t.Errorf("output is %q", got)
	}
}

func TestOutputIsBounded(t *testing.T) {
	s := newSpec(t)
	if err := s.Run(t.Context(), "head -c "+strconv.Itoa(maxOutput+1<<20)+" /dev/zero; echo end; exit 0"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(s.Output, "head-build.log"))
	if err != nil || info.Size() < maxOutput || info.Size() > maxOutput+100 {
		t.Errorf("the output has %d bytes, %v", info.Size(), err)
	}
}

func TestFreePorts(t *testing.T) {
	ports, err := FreePorts(3)
	if err != nil || len(ports) != 3 {
		t.Fatal(ports, err)
	}
	for i, port := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			t.Errorf("port %d: %v", port, err)
			continue
		}
		defer l.Close()
		if port < lowestPort || port > highestPort || i > 0 && port == ports[i-1] {
			t.Errorf("ports are %v", ports)
		}
	}
}

// What a command prints is the profile, and what it complains of its output.
func TestProfile(t *testing.T) {
	s := newSpec(t)
	got, err := s.Profile(t.Context(), `printf 'a\000b'; echo bad >&2`, 3)
	if err != nil || string(got) != "a\x00b" {
		t.Errorf("%q, %v", got, err)
	}
	if said := read(t, filepath.Join(s.Output, "head-profile.log")); said != "bad\n" {
		t.Errorf("output is %q", said)
	}
	if _, err := s.Profile(t.Context(), "echo four", 4); err == nil || !strings.Contains(err.Error(), "printed more than 4 bytes") {
		t.Errorf("error %v", err)
	}
	failed, ok := errors.AsType[*Error](func() error { _, err := s.Profile(t.Context(), "echo gone; echo why >&2; exit 3", 10); return err }())
	if !ok || failed.Why != "exit status 3" || failed.Last[len(failed.Last)-1] != "why" {
		t.Errorf("error %+v", failed)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := s.Profile(ctx, "sleep 60", 10); err == nil || err.Error() != "enough" {
		t.Errorf("error %v", err)
	}
	left, err := filepath.Glob(filepath.Join(s.Output, ".profile-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
