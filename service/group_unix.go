//go:build unix

package service

import (
	"errors"
	"os/exec"
	"syscall"
)

// isolate gives a command a process group of its own, which bears its number.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(cmd *exec.Cmd) { signal(cmd, syscall.SIGTERM) }

func kill(cmd *exec.Cmd) { signal(cmd, syscall.SIGKILL) }

// lives reports whether the command's group has any process. One that has
// ended and whose parent does not look counts, too.
func lives(cmd *exec.Cmd) bool {
	return !errors.Is(syscall.Kill(-cmd.Process.Pid, 0), syscall.ESRCH)
}

// signal reaches the whole group. There is nothing to be done where it cannot.
func signal(cmd *exec.Cmd, s syscall.Signal) { _ = syscall.Kill(-cmd.Process.Pid, s) }
