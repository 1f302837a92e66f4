//go:build linux

package loopback

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Launch starts this program as a service and returns its address.
func Launch(ctx context.Context, args ...string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the program: %w", err)
	}
	cmd := child(ctx, self, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", fmt.Errorf("start %s: %w", args[0], err)
	}
	if err := begin(cmd, args[0]); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("start a service: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// Beside starts this program as a neighbour, on a core of its own choice or, with
// a session of its own, on a given one: Linux shares a core out among sessions
// first.
func Beside(ctx context.Context, core int, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	if core == AnyCore {
		return begin(child(ctx, self, args...), args[0])
	}
	cmd := child(ctx, "taskset", append([]string{"-c", strconv.Itoa(core), self}, args...)...)
	cmd.SysProcAttr.Setsid = true
	return begin(cmd, args[0])
}

// AnyCore ties a neighbour to no other core than the one that starts it.
const AnyCore = -1

// child ends with ctx, or with the thread that started it.
func child(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	return cmd
}

func begin(cmd *exec.Cmd, what string) error {
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", what, err)
	}
	go func() { _ = cmd.Wait() }()
	return nil
}

// OnCore runs this program to its end, tied to a core. A session of its own
// shares that core with other sessions, and not with all that its parent runs.
func OnCore(ctx context.Context, core int, session bool, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", strconv.Itoa(core), self}, args...)...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(args[:min(len(args), 2)], " "), err)
	}
	return nil
}

// Alone runs this program to its end, on whichever core is free.
func Alone(ctx context.Context, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	cmd := child(ctx, self, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(args[:min(len(args), 2)], " "), err)
	}
	return nil
}

// DataFolder is where a command keeps what it has measured: in the cache of the
// user.
func DataFolder(name string) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, name)
}
