package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/slogate/slogate/kube/spread"
)

// workerCommand is one shard of a load that is spread over a cluster: it does
// the run of its plan and prints the result to its log.
type workerCommand struct {
	Folder string `arg:"" help:"Folder with the plan and the files."`
}

// Run does the run. The program's own output is the log that is read: what the
// run prints itself goes to the other one.
func (c *workerCommand) Run(ctx context.Context, p *program) (int, error) {
	index, _ := p.lookupEnv(spread.IndexVariable)
	plan, i, err := spread.ReadPlan(c.Folder, index)
	if err != nil {
		return exitUsage, err
	}
	out, err := os.MkdirTemp("", "slogate-")
	if err != nil {
		return exitUsage, fmt.Errorf("worker: %w", err)
	}
	defer os.RemoveAll(out)
	args := append([]string{
		"run", "--out", out, "--format", "json",
		"--shard", fmt.Sprintf("%d/%d", i+1, plan.Workers), "--start-at", fmt.Sprint(plan.Start.Unix()),
	}, plan.Args...)
	var said tail
	code := Main(ctx, args, p.lookupEnv, io.Discard, io.MultiWriter(p.stderr, &said))
	return code, printed(p.stdout, filepath.Join(out, resultFile), said.String())
}

// printed prints the result, else why there is none.
func printed(w io.Writer, path, said string) error {
	measured, err := os.ReadFile(path)
	if err != nil {
		return spread.PrintError(w, said)
	}
	if err := spread.Print(w, measured); err != nil {
		return errors.Join(err, spread.PrintError(w, err.Error()))
	}
	return nil
}

// tail keeps the end of what is written.
type tail struct{ text []byte }

// tailSize holds the errors that a run ends with.
const tailSize = 2000

func (t *tail) Write(text []byte) (int, error) {
	t.text = append(t.text, text...)
	if over := len(t.text) - tailSize; over > 0 {
		t.text = bytes.Clone(t.text[over:])
	}
	return len(text), nil
}

// String is the last of the errors and what follows, else everything.
func (t *tail) String() string {
	text := string(t.text)
	if at := strings.LastIndex(text, "error: "); at >= 0 {
		text = text[at+len("error: "):]
	}
	return strings.TrimSpace(text)
}
