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

// configs are the SLO files that the input config names: paths and patterns,
// one a line.
func configs(in action.Inputs) ([]string, error) {
	var named []string
	for line := range strings.Lines(in.Config) {
		if line = strings.TrimSpace(line); line != "" {
			named = append(named, line)
		}
	}
	if in.ObjectivesFrom == "base" && slices.ContainsFunc(named, func(name string) bool { return strings.ContainsAny(name, "*?[") }) {
		return nil, errors.New("config: with objectives-from base every SLO file is named by its path: a change could take a file out of a pattern")
	}
	return expand(named)
}

// eachFile gives every SLO file of a job a place of its own for its results and
// its comment. All that is wrong with the files is found here.
func eachFile(ctx context.Context, p *program, a *action.Action, in action.Inputs, paths []string) ([]*pullRequest, []*slo.File, error) {
	var all []*pullRequest
	var files []*slo.File
	var wrong joined
	for _, path := range paths {
		in := in
		in.Config = path
		pr := newPullRequest(a, in)
		pr.several = true
		file, _, err := pr.file(ctx, p)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		a.Mask(file.Secrets...)
		pr.inputs.Out = filepath.Join(in.Out, folderOf(file))
		all, files = append(all, pr), append(files, file)
	}
	if len(wrong) == 0 {
		if err := distinct(files); err != nil {
			wrong = joined{err}
		}
	}
	if len(wrong) > 0 {
		return nil, nil, wrong
	}
	return all, files, nil
}

// gateFiles gates several SLO files one after the other. Each has a section of
// the job summary and a comment; the step has the outputs and the exit code of
// the worst.
func gateFiles(ctx context.Context, p *program, a *action.Action, n *network, in action.Inputs, paths []string) (int, error) {
	each, files, err := eachFile(ctx, p, a.WithoutOutputs(), in, paths)
	if err != nil {
		return exitUsage, joinedWith(err, refused(a, err))
	}
	var all []ended
	uncommented := false
	for i, pr := range each {
		e := ended{file: files[i], code: exitCancelled}
		if ctx.Err() == nil {
			e.code, e.err = gateFile(ctx, p, pr.action, n, pr)
			e.run = pr.judged
		}
		if pr.elsewhere {
			return e.code, e.err
		}
		if e.err != nil {
			_, missing := errors.AsType[missingComment](e.err)
			uncommented = uncommented || missing
			p.fail(e.err, "")
			e.err = errors.Join(e.err, a.Error(e.err))
		}
		all = append(all, e)
		if in.Network == "auto" {
			in.Network = networkFound
		}
		if i+1 < len(each) {
			each[i+1].inputs.Network = in.Network
		}
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
