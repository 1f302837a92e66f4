package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/slogate/slogate/gate"
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

// file reads the SLO file that judges this job, and compares the change's file
// with its base's. Without the base's file nothing is compared; where that one
// is to judge, it is an error: else a change could choose its own judge by
// keeping the base's file from being read.
func (pr *pullRequest) file(ctx context.Context, p *program) (*slo.File, gateChange, error) {
	head, err := pr.read(p)
	fromBase := pr.inputs.ObjectivesFrom == "base"
	if err != nil && !fromBase || !pr.hasBase() {
		return head, gateChange{}, err
	}
	base, baseErr := pr.baseFile(ctx, p)
	switch {
	case fromBase && errors.Is(baseErr, fs.ErrNotExist) && err == nil:
		return head, gateChange{notices: []string{"the base has no such SLO file yet: this change's own judges it"}}, nil
	case fromBase && baseErr != nil:
		return nil, gateChange{}, errors.Join(err, fmt.Errorf("objectives-from base: %w", baseErr))
	case fromBase && head == nil:
		return base, gateChange{elsewhere: true, notices: []string{"judged by the base's SLO file; this change's own is wrong"}}, nil
	case errors.Is(baseErr, fs.ErrNotExist):
		return head, gateChange{}, nil
	case baseErr != nil:
		fmt.Fprintf(p.stderr, "not compared with the base's SLO file: %v\n", baseErr)
		return head, gateChange{}, nil
	}
	c := gateChange{loosened: gate.Loosened(base, head)}
	if !fromBase || base.Digest == head.Digest {
		return head, c, nil
	}
	c.elsewhere, c.notices = true, []string{"judged by the base's SLO file, which this change alters: its own is not used"}
	pr.action.Mask(head.Secrets...)
	return base, c, nil
}

// hasBase reports whether the job is about a change that is not on its base
// yet.
func (pr *pullRequest) hasBase() bool { return pr.event.Base.SHA != "" && pr.event.Name != "push" }

// baseFile reads the SLO file as the base has it, through the API: a checkout
// rarely holds the base's commit. The same rules of trust hold for it.
func (pr *pullRequest) baseFile(ctx context.Context, p *program) (*slo.File, error) {
	path, ours := repositoryPath(p.getenv("GITHUB_WORKSPACE"), pr.inputs.Config)
	if !ours {
		return nil, fmt.Errorf("%s lies outside of the workspace", pr.inputs.Config)
	}
	client, err := pr.client()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, baseTimeout)
	defer cancel()
	text, found, err := client.File(ctx, path, pr.event.Base.SHA)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fs.ErrNotExist
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

// repositoryPath is a file's path as its repository has it: below the folder
// that it was checked out to, which may be one of several in the workspace.
func repositoryPath(workspace, path string) (string, bool) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(workspace, path)
	}
	rel, err := filepath.Rel(workspace, path)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	for dir := filepath.Dir(rel); dir != "."; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(workspace, dir, ".git")); err == nil {
			rel, _ = filepath.Rel(dir, rel) // below it, as found
			break
		}
	}
	return filepath.ToSlash(rel), true
}
