package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// actionCommand is the entry of the container action.
type actionCommand struct{}

// Run reads the inputs, gates, and hands the results to the workflow.
func (c *actionCommand) Run(ctx context.Context, p *program) (int, error) {
	a := action.New(p.getenv, p.stdout)
	// The log of a step is a stream of commands to the runner: what a target or
	// a file says must not become one.
	log := &program{lookupEnv: p.lookupEnv, stdout: a.LogWriter(p.stdout), stderr: a.LogWriter(p.stderr)}
	n := newNetwork(p)
	if n.twin {
		ctx = untilAbandoned(ctx, os.Stdin)
	}
	if !n.twin {
		n.announce(ctx, log)
	}
	code, err := gateAction(ctx, log, a, n)
	if _, missing := errors.AsType[missingComment](err); missing && code == exitPass {
		code = exitUsage
	}
	if err != nil {
		log.fail(err, "")
		if noteErr := a.Error(err); noteErr != nil {
			log.fail(noteErr, "")
		}
	}
	return code, nil
}

// gateAction is the run of an action. Its error is one that kept the run from
// its end; a missed objective is none.
func gateAction(ctx context.Context, p *program, a *action.Action, n *network) (int, error) {
	inputs, err := a.Inputs()
	if err != nil {
		return exitUsage, errors.Join(err, a.SetOutputs(nil, action.Files{}))
	}
	a.Mask(inputs.Token)
	pr := newPullRequest(a, inputs)
	if err := pr.warnOfTarget(); err != nil {
		return exitUsage, err
	}
	if inputs.Mode == "comment" {
		return pr.comment(ctx, p)
	}
	paths, err := configs(inputs)
	if err != nil {
		return exitUsage, errors.Join(err, refused(a, err))
	}
	if inputs.Mode == "check" {
		return checkAction(ctx, p, a, inputs, paths)
	}
	n.trust = pr.trust
	if inputs.Network == "host" && !n.twin {
		if code, done, err := n.demandHost(ctx, p); done {
			return code, err
		} else if err != nil {
			return exitUsage, errors.Join(err, refused(a, err))
		}
	}
	if len(paths) > 1 {
		return gateFiles(ctx, p, a, n, inputs, paths)
	}
	pr.inputs.Config = paths[0]
	return gateFile(ctx, p, a, n, pr)
}

// gateFile is the run of one SLO file.
func gateFile(ctx context.Context, p *program, a *action.Action, n *network, pr *pullRequest) (int, error) {
	inputs := pr.inputs
	file, change, err := pr.file(ctx, p)
	if err != nil {
		return pr.unread(err), errors.Join(err, refused(a, err))
	}
	a.Mask(file.Secrets...)
	if asksForArtifacts(inputs) {
		onlyArtifacts(file, inputs)
	}
	kept := newHistory(a, inputs, file)
	s := pr.settings()
	s.Change, s.Docker = change, n.socket
	if s.Baseline, err = baselineOptions(file, filesOf(inputs.Baseline)); err != nil {
		return exitUsage, errors.Join(err, refused(a, err))
	}
	if pr.several && len(filesOf(inputs.Baseline)) > 0 {
		s.Baseline.Baseline = ofName(s.Baseline.Baseline, file.Name)
	}
	if code, done, err := n.findAll(ctx, p, file, inputs, &s); err != nil {
		code, err = s.unready(ctx, err)
		return code, pr.refuse(ctx, p, file, err)
	} else if done {
		pr.elsewhere = true
		return code, nil
	}
	s.Baseline.BaseBranch = kept.isBase()
	if kept.compares {
		s.Baseline.Accepted = pr.accepted(ctx, p)
	}
	kept.earlierResults(ctx, &s.Baseline)
	r, code, err := p.gateRun(ctx, file, s)
	pr.judged = r
	if r == nil {
		return code, pr.refuse(ctx, p, file, n.explain(err))
	}
	return code, errors.Join(err, pr.deliver(r, change), kept.keepResult(ctx, p, a, r, inputs.Out),
		pr.checkRun(ctx, p, r, code, change), pr.report(ctx, p, r))
}

// settings are those that the inputs make.
func (pr *pullRequest) settings() settings {
	in := pr.inputs
	return settings{
		Out: in.Out, Seed: in.Seed, Gate: in.Gate, OnInconclusive: in.OnInconclusive,
		Source: pr.action.Source(), Trust: &pr.trust, Kube: clusterOf(in, pr.trust.stranger),
	}
}

// unread is the exit code of a job whose SLO file could not be read: without
// one to judge by, it is as inconclusive as a run without data.
func (pr *pullRequest) unread(err error) int {
	if errors.Is(err, errNoBaseFile) {
		return pr.settings().excuse(exitInconclusive)
	}
	return exitUsage
}

// findAll looks for the target and the base target. Done says that a twin has
// done the whole run, and code is its exit code.
func (n *network) findAll(ctx context.Context, p *program, file *slo.File, in action.Inputs, s *settings) (code int, done bool, err error) {
	if s.Way, err = n.find(ctx, p, file, in); err != nil || s.Way.done {
		return s.Way.code, s.Way.done, err
	}
	if file.Baseline.BaseTarget == "" {
		return 0, false, nil
	}
	if s.BaseWay, err = n.find(ctx, p, file.AtBase(), in); err != nil {
		return 0, false, fmt.Errorf("base: %w", err)
	}
	return s.BaseWay.code, s.BaseWay.done, nil
}

// checkAction is the mode check of the action: nothing is sent.
func checkAction(ctx context.Context, p *program, a *action.Action, in action.Inputs, paths []string) (int, error) {
	var wrong joined
	var plans []string
	var files []*slo.File
	code := exitUsage
	for _, path := range paths {
		in.Config = path
		pr := newPullRequest(a, in)
		file, plan, err := checkFile(ctx, p, a, pr)
		if err != nil {
			code = pr.unread(err)
			wrong = append(wrong, err)
			continue
		}
		files, plans = append(files, file), append(plans, plan)
	}
	if err := distinct(files); err != nil {
		wrong = append(wrong, err)
	}
	switch len(wrong) {
	case 0:
		return exitPass, a.SetPlanned(strings.Join(plans, "; "))
	case 1:
		return code, joinedWith(wrong[0], refused(a, wrong[0]))
	}
	return exitUsage, joinedWith(wrong, refused(a, wrong))
}

// checkFile prints the plan of an SLO file and returns it with its first line.
func checkFile(ctx context.Context, p *program, a *action.Action, pr *pullRequest) (*slo.File, string, error) {
	file, change, err := pr.file(ctx, p)
	if err != nil {
		return nil, "", err
	}
	a.Mask(file.Secrets...)
	var plan, page bytes.Buffer
	if err := errors.Join(printPlan(&plan, file), printLoosened(&plan, change.loosened)); err != nil {
		return nil, "", err
	}
	text, marked := plan.String(), file.Path
	if change.elsewhere {
		marked = ""
	}
	if _, err := io.WriteString(p.stdout, text); err != nil {
		return nil, "", err
	}
	first, _, _ := strings.Cut(text, "\n")
	return file, first, errors.Join(
		report.Plan(&page, file.Name, text), a.WriteSummary(page.Bytes()),
		a.Remarks(marked, planNotes(file, change.loosened)),
	)
}

// planNotes are what a reader of a plan would want to know, at the objectives'
// lines.
func planNotes(file *slo.File, loosened []result.Loosening) []action.Note {
	var notes []action.Note
	for _, l := range loosened {
		notes = append(notes, action.Note{Title: "asks less than its base", Text: lessThanBase(l)})
	}
	for _, s := range file.Stages {
		for _, o := range s.Objectives {
			if text := remark(o, s, file); s.Judge && text != "" && !o.Implicit {
				text = strings.Replace(strings.Trim(text, " ()"), placeOf(o, file), "", 1)
				notes = append(notes, action.Note{
					Line: o.Pos.Line, Column: o.Pos.Column, Title: "objective in stage " + s.Name, Text: o.Text + ": " + text,
				})
			}
		}
	}
	return notes
}

// refused tells the workflow that nothing was loaded, and why.
func refused(a *action.Action, why error) error {
	var page bytes.Buffer
	return errors.Join(
		a.SetOutputs(nil, action.Files{}),
		report.Refusal(&page, why),
		a.WriteSummary(page.Bytes()),
	)
}

// deliver hands a judged run to the workflow: all of it, also when a part
// fails.
func (pr *pullRequest) deliver(r *result.Run, c gateChange) error {
	a, out, marked := pr.action, pr.inputs.Out, r.SLO.Path
	if c.elsewhere {
		marked = ""
	}
	form := report.Markdown
	if !pr.inputs.Charts {
		form = report.PlainMarkdown
	}
	files := filesIn(out)
	var page bytes.Buffer
	err := errors.Join(
		a.SetOutputs(r, files),
		form(&page, r),
		a.Annotate(marked, r.Judgement, words),
	)
	err = errors.Join(err, a.WriteSummary(page.Bytes()))
	a.HandOver(out, files.Result, files.Report,
		filepath.Join(out, htmlFile), filepath.Join(out, junitFile), filepath.Join(out, metricsFile))
	if err != nil {
		return fmt.Errorf("hand the results to the workflow: %w", err)
	}
	return nil
}
