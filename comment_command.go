package main

import (
	"context"
	"errors"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/github"
)

// commentCommand comments on a pull request from a result file that may come
// from a stranger: from the workflow of a fork's pull request, whose own token
// cannot write.
type commentCommand struct {
	Result      string `arg:"" help:"A result file; it may come from anybody." placeholder:"RESULT" complete:".json"`
	PullRequest int    `help:"Its number (default: that of the workflow's event)." placeholder:"N"`
	Comment     string `enum:"always,on-failure" default:"always" help:"on-failure: a first comment only when the run did not pass." placeholder:"always|on-failure"`
}

// Help says where the rest comes from.
func (c *commentCommand) Help() string {
	return "The token is read from GITHUB_TOKEN, everything else from what a workflow's runner sets: GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_EVENT_PATH. Exits 2 when no comment could be written."
}

// Run writes the comment.
func (c *commentCommand) Run(ctx context.Context, p *program) (int, error) {
	a := action.New(p.getenv, p.stdout)
	pr := newPullRequest(a, action.Inputs{Mode: "comment", Comment: c.Comment, Token: p.getenv("GITHUB_TOKEN")})
	if c.PullRequest > 0 {
		pr.number = c.PullRequest
	}
	r, err := pr.readForeign(c.Result)
	if err != nil {
		return exitUsage, err
	}
	err = pr.forward(ctx, p, r)
	if refused, ok := errors.AsType[*github.Error](err); ok && refused.Needs != "" {
		err = hinted{err, "the workflow's permissions need " + refused.Needs}
	}
	if errors.Is(err, errNoToken) {
		err = hinted{err, "put one that may write to pull requests into GITHUB_TOKEN; in a workflow env: {GITHUB_TOKEN: ${{ github.token }}}"}
	}
	if err != nil {
		return exitUsage, err
	}
	return exitPass, nil
}
