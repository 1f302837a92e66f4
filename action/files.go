package action

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// appendTo adds text to one of the files that the runner reads after the step,
// named by an environment variable.
func (a *Action) appendTo(variable string, text []byte) error {
	path := a.getenv(variable)
	if path == "" {
		return fmt.Errorf("the runner did not set %s", variable)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	return nil
}

// block is a value in the form of the runner's files. A fixed delimiter, as
// go-githubactions has it, would let a value that holds it set further outputs.
func block(name, value string) string {
	delimiter := "slogate_" + rand.Text()
	for strings.Contains(value, delimiter) {
		delimiter = "slogate_" + rand.Text()
	}
	return name + "<<" + delimiter + "\n" + value + "\n" + delimiter + "\n"
}

// summaryBudget is the largest summary that is written. A runner drops one of
// more than 1 MiB as a whole and says so in an error; the difference is for
// the masks that it puts in.
const summaryBudget = 1_000_000

// SummaryRoom is how many bytes the job summary of the step still takes.
func (a *Action) SummaryRoom() int {
	info, err := os.Stat(a.getenv("GITHUB_STEP_SUMMARY"))
	if err != nil || !info.Mode().IsRegular() {
		return summaryBudget
	}
	return int(max(summaryBudget-info.Size(), 0))
}

// WriteSummary adds markdown to the job summary. More than there is room for is
// an error, and nothing is written.
func (a *Action) WriteSummary(markdown []byte) error {
	if !a.active {
		return nil
	}
	if room := a.SummaryRoom(); len(markdown) > room {
		return fmt.Errorf("job summary: %d bytes are more than the %d that a runner would show", len(markdown), room)
	}
	if err := a.appendTo("GITHUB_STEP_SUMMARY", markdown); err != nil {
		return fmt.Errorf("job summary: %w", err)
	}
	return nil
}

// HandOver gives files in the workspace, and the folders that lead to them,
// to the workspace's owner. The container runs as root, and on a self-hosted
// runner the next job could not delete them. It does what it may, and follows
// no link out of the workspace.
func (a *Action) HandOver(paths ...string) {
	workspace := a.getenv("GITHUB_WORKSPACE")
	if !a.active || workspace == "" {
		return
	}
	root, err := os.OpenRoot(workspace)
	if err != nil {
		return
	}
	defer root.Close()
	for _, path := range paths {
		for rel, inside := Within(workspace, path); inside && rel != "."; rel = filepath.Dir(rel) {
			giveToOwner(root, rel)
		}
	}
}

// Within returns the path relative to the workspace. A relative path is one
// already: the runner starts a step there.
func Within(workspace, path string) (rel string, inside bool) {
	if filepath.IsAbs(path) {
		var err error
		if path, err = filepath.Rel(workspace, path); err != nil {
			return "", false
		}
	}
	path = filepath.Clean(path)
	return path, filepath.IsLocal(path)
}
