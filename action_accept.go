package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/action"
)

// acceptTimeout bounds what asking for the labels may cost a run.
const acceptTimeout = 20 * time.Second

// accepted says what accepts a regression against the baseline in this job,
// empty where nothing does. The labels are those that the pull request has now,
// and the event's where the API does not tell.
func (pr *pullRequest) accepted(ctx context.Context, p *program) string {
	if pr.inputs.Accept {
		return "by the input accept"
	}
	const byLabel = "by the label " + action.AcceptLabel
	who, set, err := pr.labelled(ctx)
	switch {
	case err != nil:
		fmt.Fprintf(p.stderr, "the pull request's labels are taken from the event: %v\n", err)
		if !pr.action.Labelled() {
			return ""
		}
	case !set:
		return ""
	case who != "":
		return byLabel + ", set by " + who
	}
	return byLabel
}

// login is what GitHub, Gitea and Forgejo accept as one.
var login = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}(\[bot\])?$`)

// labelled asks whether the pull request has the label, and who has set it,
// which not every server tells. What is on the default branch belongs to none,
// though one from there to another branch may be open.
func (pr *pullRequest) labelled(ctx context.Context) (who string, set bool, err error) {
	if pr.action.Job().OnBase() {
		return "", false, nil
	}
	client, err := pr.client()
	if err != nil {
		return "", false, err
	}
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	if err := pr.find(ctx, client); err != nil || pr.number == 0 {
		return "", false, err
	}
	labels, err := client.Labels(ctx, pr.number)
	if err != nil || !slices.ContainsFunc(labels, func(l string) bool { return strings.EqualFold(l, action.AcceptLabel) }) {
		return "", false, err
	}
	last, found, err := client.LabelledBy(ctx, pr.number, action.AcceptLabel)
	if err != nil || !found || !login.MatchString(last.By) {
		return "", true, nil
	}
	return last.By, true, nil
}
