package action

import (
	"fmt"
	"io"
	"os"

	"github.com/slogate/slogate/github"
)

// largestEvent in bytes: GitHub sends no larger payload.
const largestEvent = 25 << 20

// Event returns what started the job. Where the runner's file does not hold
// it, it has a name only, and may be a fork's.
func (a *Action) Event() github.Event {
	e, _ := a.ReadEvent()
	return e
}

// ReadEvent is [Action.Event] with the reason where the runner's file does not
// hold it.
func (a *Action) ReadEvent() (github.Event, error) {
	name := a.getenv("GITHUB_EVENT_NAME")
	e, err := a.payload(name)
	if err != nil {
		unknown := github.Event{Name: name, Fork: github.MayBeFork(name)}
		return unknown, fmt.Errorf("the event's payload cannot be read: %w", err)
	}
	if sha := a.getenv("GITHUB_SHA"); name == "workflow_dispatch" && digest.MatchString(sha) {
		e.Head.SHA = sha // its payload has only the branch
	}
	return e, nil
}

func (a *Action) payload(name string) (github.Event, error) {
	f, err := os.Open(a.getenv("GITHUB_EVENT_PATH"))
	if err != nil {
		return github.Event{}, fmt.Errorf("GITHUB_EVENT_PATH: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestEvent))
	if err != nil {
		return github.Event{}, fmt.Errorf("GITHUB_EVENT_PATH: %w", err)
	}
	return github.ParseEvent(name, text)
}
