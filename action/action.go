// Package action talks to GitHub Actions: in come the inputs of a workflow's
// step and the context of its job, out go masks, annotations, outputs and the
// job summary.
//
// The runner reads a step's log as a stream of commands ("::error file=…::…")
// and its files as "name<<delimiter" blocks. Everything that this package
// writes is escaped, so that a service, an SLO file or the name of a branch
// cannot make one of either; [Action.LogWriter] does the same for the rest of
// the log. The encoding of commands is that of go-githubactions; its functions
// that write are not used, because they panic.
//
// Outside of GitHub Actions every method that writes does nothing: there is
// nobody to read a command, and a mask would print the secret.
//
// The package knows results, and nothing of how they were measured or judged.
package action

import (
	"fmt"
	"io"

	"github.com/sethvargo/go-githubactions"

	"github.com/slogate/slogate/github"
)

// Detect reports whether the program runs as a step of GitHub Actions, or of
// a server that behaves alike.
func Detect(getenv func(string) string) bool { return getenv("GITHUB_ACTIONS") == "true" }

// Action is the step that this program runs as.
type Action struct {
	getenv func(string) string
	stdout io.Writer
	active bool // in GitHub Actions
	silent bool // no outputs are set
	api    *api
}

// api is the client of a job's server: what one part of the job has learned of a
// server that does not answer, the others need not.
type api struct{ client *github.Client }

// New returns the step that the environment describes. Commands go to stdout,
// each in one write.
func New(getenv func(string) string, stdout io.Writer) *Action {
	return &Action{getenv: getenv, stdout: stdout, active: Detect(getenv), api: new(api)}
}

// command writes one workflow command.
func (a *Action) command(name string, properties githubactions.CommandProperties, message string) error {
	if !a.active {
		return nil
	}
	c := githubactions.Command{Name: name, Properties: properties, Message: message}
	if _, err := io.WriteString(a.stdout, c.String()+"\n"); err != nil {
		return fmt.Errorf("workflow command %s: %w", name, err)
	}
	return nil
}
