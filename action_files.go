package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/slo"
)

// named are the lines of the input config: paths and patterns.
func named(in action.Inputs) []string {
	var all []string
	for line := range strings.Lines(in.Config) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// configs are the SLO files that the input config names.
func configs(in action.Inputs) ([]string, error) {
	all := named(in)
	if in.ObjectivesFrom == "base" && slices.ContainsFunc(all, isPattern) {
		return nil, errors.New("config: with objectives-from base every SLO file is named by its path: a change could take a file out of a pattern")
	}
	return expand(all)
}

// prepareGates prepares the gates of all SLO files of a job, each with a folder
// of its own for its results. All that is wrong with any is found here; code is
// the exit code where something is. Lost is what the change took away.
func prepareGates(ctx context.Context, p *program, a *action.Action, in action.Inputs, paths, lost []string) (all []*fileGate, code int, err error) {
	var files []*slo.File
	var codes []int
	var wrong joined
	for _, path := range paths {
		own := in
		own.Config = path
		pr := newPullRequest(a, own)
		pr.lostFiles = lost
		g, err := prepareGate(ctx, p, pr)
		if err != nil {
			wrong, codes = append(wrong, err), append(codes, pr.unread(err))
			continue
		}
		g.pr.inputs.Out = filepath.Join(in.Out, folderOf(g.file))
		g.settings.Out = g.pr.inputs.Out
		if len(filesOf(in.Baseline)) > 0 { // those that a file names are its own
			g.settings.Baseline.Baseline = ofName(g.settings.Baseline.Baseline, g.file.Name)
		}
		all, files = append(all, g), append(files, g.file)
	}
	if len(wrong) > 0 {
		return nil, worst(codes), wrong
	}
	if err := distinct(files); err != nil {
		return nil, exitUsage, joined{err}
	}
	return all, exitPass, nil
}

// gateFiles gates several SLO files one after the other. Each has a section of
// the job summary and a comment; the step has the outputs and the exit code of
// the worst.
func gateFiles(ctx context.Context, p *program, pr *pullRequest, n *network, paths []string) (int, error) {
	a, in := pr.action, pr.inputs
	gates, code, err := prepareGates(ctx, p, a.WithoutOutputs(), in, paths, pr.lostFiles)
	if err != nil {
		return code, pr.refuseAll(ctx, p, paths, code, err)
	}
	if code, done := n.findAll(ctx, p, gates...); done {
		return code, nil
	}
	var all []ended
	uncommented := false
	for i, g := range gates {
		g.pr.sections = len(gates) - i
		e := ended{file: g.file, code: exitCancelled}
		if ctx.Err() == nil {
			e.run, e.code, e.err = g.run(ctx, p, n)
		}
		if e.err != nil {
			_, missing := errors.AsType[missingComment](e.err)
			uncommented = uncommented || missing
			p.fail(e.err, "")
			e.err = errors.Join(e.err, a.Error(e.err))
		}
		all = append(all, e)
	}
	w := worstOf(all)
	if uncommented && w.code == exitPass {
		w.code = exitUsage
	}
	return w.code, errors.Join(a.SetOutputs(w.run, filesIn(filepath.Join(in.Out, folderOf(w.file)))), printEnds(p.stdout, all))
}

// joinedWith adds an error to those of several files.
func joinedWith(err, other error) error {
	if other == nil {
		return err
	}
	return joined{err, other}
}

// filesIn are the files that a run leaves in a folder, for the outputs.
func filesIn(out string) action.Files {
	return action.Files{Result: filepath.Join(out, resultFile), Report: filepath.Join(out, markdownFile)}
}
