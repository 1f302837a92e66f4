package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// baseTimeout bounds what reading the base's SLO file may cost before the run.
const baseTimeout = 20 * time.Second

// gateChange is what a change did to its own gate.
type gateChange struct {
	loosened  []result.Loosening
	notices   []string
	elsewhere bool // the file that judges is not the one in the checkout
}

// note adds what the change did to the judgement of its run.
func (c gateChange) note(j *result.Judgement) {
	j.Loosened = c.loosened
	j.Notices = append(j.Notices, c.notices...)
}

// errNoBaseFile says that there is no file to compare a change's with.
var errNoBaseFile = errors.New("the base has no such SLO file")

// errNoJudge says that there is no file to judge a change by.
var errNoJudge = fmt.Errorf("objectives-from base: %w, and a change does not judge itself", errNoBaseFile)

// file reads the SLO file that judges this job, and what the change does to it.
func (pr *pullRequest) file(ctx context.Context, p *program) (*slo.File, gateChange, error) {
	file, change, err := pr.compared(ctx, p)
	change.notices = append(change.notices, pr.lostFiles...)
	return file, change, err
}

// compared reads the SLO file that judges this job, and compares the change's
// with its base's. That nothing could be compared is a notice: a change can
// cause it, to hide what it loosens.
func (pr *pullRequest) compared(ctx context.Context, p *program) (*slo.File, gateChange, error) {
	head, err := pr.read(p)
	if pr.inputs.ObjectivesFrom == "base" && !pr.isBases(p) {
		return pr.judgedByBase(ctx, p, head, err)
	}
	if err != nil || !pr.mayBeChange() {
		return head, gateChange{}, err
	}
	var base *slo.File
	if err = errNoBaseCommit; pr.hasBase() {
		base, err = pr.baseFile(ctx, p)
	}
	if err != nil {
		why := cutLine(veil("not compared with the base's SLO file: "+err.Error(), head), longestNotice)
		fmt.Fprintln(p.stderr, why)
		return head, gateChange{notices: []string{why}}, nil
	}
	return head, gateChange{loosened: loosened(base, head)}, nil
}

// longestNotice in characters is what says what is wrong with a file, and not
// all of it.
const longestNotice = 300

// loosened lists what a change's file asks less of than its base's, without the
// secrets of either: it is written wherever a report is.
func loosened(base, head *slo.File) []result.Loosening {
	both := &slo.File{Secrets: slices.Concat(base.Secrets, head.Secrets)}
	all := gate.Loosened(base, head)
	for i, l := range all {
		all[i].Before, all[i].After = veil(l.Before, both), veil(l.After, both)
	}
	return all
}

// judgedByBase returns the base's file as the one that judges. Whatever keeps it
// from being read is an error: else a change could choose its own judge. Head is
// the change's own, nil where it is wrong.
func (pr *pullRequest) judgedByBase(ctx context.Context, p *program, head *slo.File, wrong error) (*slo.File, gateChange, error) {
	base, err := pr.baseFile(ctx, p)
	switch {
	case errors.Is(err, errNoBaseFile) && wrong != nil:
		return nil, gateChange{}, wrong
	case errors.Is(err, errNoBaseFile):
		return nil, gateChange{}, hinted{errNoJudge, "it judges once it is merged; until then, objectives-from: head in the workflow does without"}
	case err != nil:
		return nil, gateChange{}, errors.Join(wrong, fmt.Errorf("objectives-from base: %w", err))
	case head == nil:
		return base, gateChange{elsewhere: true, notices: []string{"judged by the base's SLO file; this change's own is wrong"}}, nil
	}
	c := gateChange{loosened: loosened(base, head)}
	if base.Digest != head.Digest {
		c.elsewhere, c.notices = true, []string{"judged by the base's SLO file, which this change alters: its own is not used"}
		pr.action.Mask(head.Secrets...)
	}
	return base, c, nil
}

// errNoBaseCommit says that what a change starts from is not known.
var errNoBaseCommit = errors.New("the event does not name the base's commit")

// mayBeChange reports whether the job may be about a change that is not on the
// default branch yet, which not every event tells.
func (pr *pullRequest) mayBeChange() bool {
	e := pr.event
	switch e.Name {
	case "issue_comment":
		return e.Number != 0 || pr.noEvent != nil
	case "workflow_run", "deployment", "deployment_status":
		return e.Fork || e.Head.Ref == "" || e.Head.Ref != e.DefaultBranch
	}
	return e.ForChange() || pr.hasBase()
}

// hasBase reports whether the event names the commit that a change starts from.
func (pr *pullRequest) hasBase() bool { return pr.event.Base.SHA != "" && pr.event.Name != "push" }

// isBases reports whether the SLO file in the checkout is the base's own: the job
// runs for the default branch, and what is checked out is its commit.
func (pr *pullRequest) isBases(p *program) bool {
	workspace, commit := p.getenv("GITHUB_WORKSPACE"), p.getenv("GITHUB_SHA")
	rel, inside := action.Within(workspace, pr.inputs.Config)
	return inside && commit != "" && pr.action.Job().OnBase() && action.HeadOf(filepath.Join(workspace, action.Checkout(workspace, rel))) == commit
}

// baseCommit is the commit whose SLO file is the base's: the one that the event
// of a pull request or a merge queue names, or the default branch's.
func (pr *pullRequest) baseCommit(ctx context.Context, client *github.Client) (string, error) {
	switch {
	case pr.hasBase():
		return pr.event.Base.SHA, nil
	case pr.event.ForChange():
		return "", errNoBaseCommit
	case pr.event.DefaultBranch == "":
		return "", errors.New("the event names neither the base's commit nor the default branch")
	case pr.action.Job().OnBase() && pr.action.Source().Commit != "":
		return pr.action.Source().Commit, nil
	}
	return client.Tip(ctx, pr.event.DefaultBranch)
}

// base gives the API's client and the base's commit.
func (pr *pullRequest) base(ctx context.Context) (*github.Client, string, error) {
	client, err := pr.client()
	if err != nil {
		return nil, "", err
	}
	commit, err := pr.baseCommit(ctx, client)
	return client, commit, err
}

// baseFile reads the SLO file as the base has it, through the API: a checkout
// rarely holds the base's commit. The same rules of trust hold for it.
func (pr *pullRequest) baseFile(ctx context.Context, p *program) (*slo.File, error) {
	path, ours := action.RepositoryPath(p.getenv("GITHUB_WORKSPACE"), pr.inputs.Config)
	if !ours {
		return nil, fmt.Errorf("%s lies outside of the workspace", pr.inputs.Config)
	}
	ctx, cancel := context.WithTimeout(ctx, baseTimeout)
	defer cancel()
	client, commit, err := pr.base(ctx)
	if err != nil {
		return nil, err
	}
	text, found, err := client.File(ctx, path, commit)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errNoBaseFile
	}
	options, err := pr.options(p)
	if err != nil {
		return nil, err
	}
	file, err := slo.Parse(text, options)
	if err != nil {
		// As text: its places are not those of the file in the checkout.
		return nil, errors.New("the base's SLO file is wrong: " + err.Error())
	}
	return file, nil
}
