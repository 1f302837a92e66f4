//go:build !unix

package service

import "os/exec"

// Where there are no process groups, the command alone is stopped.

func isolate(*exec.Cmd) {}

func terminate(cmd *exec.Cmd) { kill(cmd) }

func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func lives(*exec.Cmd) bool { return false }
