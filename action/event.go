package action

import (
	"io"
	"os"

	"github.com/slogate/slogate/github"
)

// largestEvent in bytes: GitHub sends no larger payload.
const largestEvent = 25 << 20

// Event returns what started the job. Where the runner's file does not hold
// it, it has a name only, and may be a fork's.
func (a *Action) Event() github.Event {
	name := a.getenv("GITHUB_EVENT_NAME")
	unknown := github.Event{Name: name, Fork: github.MayBeFork(name)}
	f, err := os.Open(a.getenv("GITHUB_EVENT_PATH"))
	if err != nil {
		return unknown
	}
	defer f.Close()
	payload, err := io.ReadAll(io.LimitReader(f, largestEvent))
	if err != nil {
		return unknown
	}
	e, err := github.ParseEvent(name, payload)
	if err != nil {
		return unknown
	}
	if sha := a.getenv("GITHUB_SHA"); name == "workflow_dispatch" && digest.MatchString(sha) {
		e.Head.SHA = sha // its payload has only the branch
	}
	return e
}
