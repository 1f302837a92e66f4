//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Cores: where there are two, the generator has one and the service the other.
const (
	serviceCore   = "0"
	generatorCore = "1"
)

// usage is what the kernel says about a finished process.
type usage struct {
	user, system time.Duration
	peak         int64 // bytes resident
	output       string
}

// finish runs a program to its end and returns what it used. It runs on the
// given core, on any where core is empty.
func finish(ctx context.Context, core string, env []string, name string, args ...string) (usage, error) {
	cmd := command(ctx, core, env, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w: %s", name, err, lastLine(errs.String()+out.String()))
	}
	r := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return usage{
		user: cmd.ProcessState.UserTime(), system: cmd.ProcessState.SystemTime(),
		peak: r.Maxrss << 10, output: out.String(),
	}, nil
}

// command is a program in a process group of its own, which ends with ctx.
// taskset replaces itself, so that the usage is the program's.
func command(ctx context.Context, core string, env []string, name string, args ...string) *exec.Cmd {
	if core != "" {
		name, args = "taskset", append([]string{"-c", core, name}, args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// cost is a usage for each of n requests.
func (u usage) cost(n float64) sample {
	each := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) / n }
	return sample{"cpu": each(u.user + u.system), "user": each(u.user), "system": each(u.system), "peak": float64(u.peak), "requests": n}
}
