//go:build linux

package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stepping runs a slogate whose wall clock is set in the middle of a stage.
// Nothing but a machine of its own could have another wall clock (time
// namespaces move the other ones), so this slogate is built with another
// time.Now, which adds what a signal has set. The kernel's clock stays as it is:
// its times of arrival are off by the step, as they are right after a real one.
func stepping(by time.Duration) func(*testing.T, *bed) ending {
	return func(t *testing.T, b *bed) ending {
		b.binary = buildStepping(t)
		var run *process
		started := make(chan struct{})
		s := serve(t, after(100, func(s *server, c net.Conn, n int64) bool {
			if n == 101 {
				<-started
				run.signal(t, syscall.SIGUSR1)
			}
			return good(s, c, n)
		}))
		b.via = []string{"env", "FAULTS_STEP=" + strconv.Itoa(int(by.Seconds()))}
		p := counted(s.url)
		p.objectives = append(p.objectives, "max <= 10m")
		run = b.load(t, p)
		close(started)
		e := run.wait(t)
		if !strings.Contains(e.said, "stepped") {
			t.Error("the clock was not set")
		}
		return e
	}
}

// What the build adds to package time and to the program.
const (
	steppedNow = "sec, nsec, mono := runtimeNow()\n\tsec += Step\n"
	stepFile   = `package main

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func init() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	go func() {
		<-c
		time.Step, _ = strconv.ParseInt(os.Getenv("FAULTS_STEP"), 10, 64)
		os.Stderr.WriteString("the clock was stepped\n")
	}()
}
`
)

// stepped is the build, made once by the first row that needs it.
var stepped = sync.OnceValues(makeStepping)

func buildStepping(t *testing.T) string {
	t.Helper()
	binary, err := stepped()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// makeStepping builds the program over a changed time.go, in the scratch folder.
func makeStepping() (string, error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	clock := filepath.Join(strings.TrimSpace(string(goroot)), "src", "time", "time.go")
	text, err := os.ReadFile(clock)
	if err != nil {
		return "", err
	}
	before, after, found := strings.Cut(string(text), "sec, nsec, mono := runtimeNow()\n")
	if !found {
		return "", errors.New("time.Now is not what it was: steppedNow does not fit into it")
	}
	dir := filepath.Join(scratch, "stepping")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		clock:                             filepath.Join(dir, "time.go"),
		filepath.Join(root, "stepped.go"): filepath.Join(dir, "stepped.go"),
	}})
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for name, text := range map[string]string{
		"time.go":      before + steppedNow + after + "\n// Step is added to the wall clock.\nvar Step int64\n",
		"stepped.go":   stepFile,
		"overlay.json": string(overlay),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	binary := filepath.Join(dir, "slogate")
	cmd := exec.Command("nice", "-n", "19", "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-trimpath", "-ldflags", "-s -w", "-o", binary, root)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}
