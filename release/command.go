package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// tool runs the Go tool in the root of the tree, and returns what it prints.
func (b *builder) tool(ctx context.Context, env []string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir, c.Env = b.root, env
	return run(c)
}

// output runs a command in the current folder, and returns what it prints.
func output(ctx context.Context, name string, args ...string) (string, error) {
	return run(exec.CommandContext(ctx, name, args...))
}

func run(c *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}
