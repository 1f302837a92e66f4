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

// actionCommand is the entry of both actions.
type actionCommand struct {
	Host bool `help:"The job's steps run here, too: localhost is theirs, and there is no other network to go to."`
}

// Run reads the inputs, gates, and hands the results to the workflow.
func (c *actionCommand) Run(ctx context.Context, p *program) (int, error) {
	a := action.New(p.getenv, p.stdout)
	// The log of a step is a stream of commands to the runner: what a target or
	// a file says must not become one.
	log := &program{lookupEnv: p.lookupEnv, stdout: a.LogWriter(p.stdout), stderr: a.LogWriter(p.stderr)}
	n := newNetwork(p)
	n.direct = c.Host
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
	if pr.noEvent != nil && pr.event.Name != "" {
		fmt.Fprintf(p.stderr, "warning: %v\n", pr.noEvent)
	}
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
	pr.lostFiles = pr.lost(ctx, p, paths)
	if inputs.Mode == "check" {
		return checkAction(ctx, p, a, inputs, paths, pr.lostFiles)
	}
	if inputs.Mode == "merge" {
		return mergeAction(ctx, p, a, pr, paths)
	}
	if err := pr.readTogether(len(paths)); err != nil {
		return exitUsage, errors.Join(err, refused(a, err))
	}
	n.trust = pr.trust
	if inputs.Network == "host" && !n.twin && !n.direct {
		if code, done, err := n.demandHost(ctx, p); done {
			return code, err
		} else if err != nil {
			return exitUsage, pr.refuseAll(ctx, p, paths, exitUsage, err)
		}
	}
	if len(paths) > 1 {
		return gateFiles(ctx, p, pr, n, paths)
	}
	pr.inputs.Config = paths[0]
	g, err := prepareGate(ctx, p, pr)
	if err != nil {
		return pr.unread(err), pr.refuseAll(ctx, p, paths, pr.unread(err), err)
	}
	if code, done := n.findAll(ctx, p, g); done {
		return code, nil
	}
	_, code, err := g.run(ctx, p, n)
	return code, err
}

// fileGate is the gate of one SLO file of a job, with all that it needs.
type fileGate struct {
	pr       *pullRequest
	file     *slo.File
	settings settings
	unfound  error // why there is no way to the target
}

// prepareGate reads an SLO file and what it is judged by: all that can be wrong
// with files and inputs is found here, before anything is loaded.
func prepareGate(ctx context.Context, p *program, pr *pullRequest) (*fileGate, error) {
	file, change, err := pr.file(ctx, p)
	if err != nil {
		return nil, err
	}
	pr.action.Mask(file.Secrets...)
	s := pr.settings()
	if s.Coverage, err = coverageOf(file); err != nil {
		return nil, veiled(err, file)
	}
	if pr.isPart() {
		return &fileGate{pr: pr, file: file, settings: s}, nil
	}
	if asksForArtifacts(pr.inputs) {
		onlyArtifacts(file, pr.inputs)
	}
	s.Change = change
	if s.Baseline, err = baselineOptions(file, filesOf(pr.inputs.Baseline)); err != nil {
		return nil, veiled(err, file)
	}
	return &fileGate{pr: pr, file: file, settings: s}, nil
}

// run loads and judges, and hands the results to the workflow. The run is nil
// where nothing was loaded.
func (g *fileGate) run(ctx context.Context, p *program, n *network) (*result.Run, int, error) {
	pr := g.pr
	g.settings.Docker = n.socket
	if g.unfound != nil {
		code, err := g.settings.unready(ctx, g.unfound)
		return nil, code, pr.refuse(ctx, p, g.file, code, err)
	}
	var kept *history
	if !pr.isPart() {
		kept = g.history(ctx, p)
	}
	r, code, err := p.gateRun(ctx, g.file, g.settings)
	switch {
	case r == nil:
		return nil, code, pr.refuse(ctx, p, g.file, code, n.explain(err))
	case pr.isPart():
		return r, code, errors.Join(err, pr.handOverPart(r))
	}
	return r, code, errors.Join(err, g.conclude(ctx, p, kept, r, code))
}

// history finds the results of earlier runs.
func (g *fileGate) history(ctx context.Context, p *program) *history {
	h, b := newHistory(g.pr.action, g.pr.inputs, g.file), &g.settings.Baseline
	b.BaseBranch = h.isBase()
	if h.compares {
		b.Accepted = g.pr.accepted(ctx, p)
	}
	h.earlierResults(ctx, b)
	return h
}

// conclude tells of a judged run wherever a reader looks.
func (g *fileGate) conclude(ctx context.Context, p *program, kept *history, r *result.Run, code int) error {
	pr, change := g.pr, g.settings.Change
	return errors.Join(pr.deliver(r, change), kept.keepResult(ctx, p, pr.action, r, pr.inputs.Out),
		pr.checkRun(ctx, p, r, code, change), pr.report(ctx, p, r))
}

// settings are those that the inputs make.
func (pr *pullRequest) settings() settings {
	in := pr.inputs
	return settings{
		Out: in.Out, Workspace: pr.action.Workspace(), Seed: in.Seed, Gate: in.Gate, OnInconclusive: in.OnInconclusive,
		Source: pr.action.Source(), Trust: &pr.trust, Together: pr.together,
		Kube: clusterOf(in, pr.trust.stranger),
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

// findAll looks for the targets of all files, before any is loaded: where one
// is reached in the runner's network alone, a twin does the whole job there.
// Done says that it has, and code is its exit code.
func (n *network) findAll(ctx context.Context, p *program, all ...*fileGate) (code int, done bool) {
	for _, g := range all {
		w := n.findBoth(ctx, p, g)
		if w.done {
			return w.code, true
		}
	}
	return 0, false
}

// findBoth looks for a target and its base target, and returns the last way
// that it took.
func (n *network) findBoth(ctx context.Context, p *program, g *fileGate) way {
	s, in := &g.settings, g.pr.inputs
	if s.Way, g.unfound = n.find(ctx, p, g.file, in); g.unfound != nil || s.Way.done || g.file.Baseline.BaseTarget == "" {
		return s.Way
	}
	var err error
	if s.BaseWay, err = n.find(ctx, p, g.file.AtBase(), in); err != nil {
		g.unfound = fmt.Errorf("base: %w", err)
	}
	return s.BaseWay
}

// checkAction is the mode check of the action: nothing is sent.
func checkAction(ctx context.Context, p *program, a *action.Action, in action.Inputs, paths, lost []string) (int, error) {
	var wrong joined
	var codes []int
	var plans []string
	var files []*slo.File
	for _, path := range paths {
		in.Config = path
		pr := newPullRequest(a, in)
		pr.lostFiles = lost
		file, plan, err := checkFile(ctx, p, a, pr)
		if err != nil {
			wrong, codes = append(wrong, err), append(codes, pr.unread(err))
			continue
		}
		files, plans = append(files, file), append(plans, plan)
	}
	if err := distinct(files); err != nil {
		wrong, codes = append(wrong, err), append(codes, exitUsage)
	}
	switch len(wrong) {
	case 0:
		return exitPass, a.SetPlanned(strings.Join(plans, "; "))
	case 1:
		return codes[0], joinedWith(wrong[0], refused(a, wrong[0]))
	}
	return worst(codes), joinedWith(wrong, refused(a, wrong))
}

// checkFile prints the plan of an SLO file and returns it with its first line.
func checkFile(ctx context.Context, p *program, a *action.Action, pr *pullRequest) (*slo.File, string, error) {
	file, change, err := pr.file(ctx, p)
	if err != nil {
		return nil, "", err
	}
	a.Mask(file.Secrets...)
	text, err := planText(file, change.loosened, change.notices)
	if err != nil {
		return nil, "", err
	}
	marked := file.Path
	if change.elsewhere {
		marked = ""
	}
	if _, err := io.WriteString(p.stdout, text); err != nil {
		return nil, "", err
	}
	var page bytes.Buffer
	first, _, _ := strings.Cut(text, "\n")
	return file, first, errors.Join(
		report.Plan(&page, file.Name, text), a.WriteSummary(page.Bytes()),
		a.Remarks(marked, planNotes(file, change)),
	)
}

// planNotes are what a reader of a plan would want to know, at the objectives'
// lines.
func planNotes(file *slo.File, change gateChange) []action.Note {
	var notes []action.Note
	for _, text := range change.notices {
		notes = append(notes, action.Note{Title: "compared with its base", Text: text})
	}
	for _, l := range change.loosened {
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
		report.Refusal(&page, explained(why)),
		a.WriteSummary(page.Bytes()),
	)
}

// deliver hands a judged run to the workflow: all of it, also when a part
// fails.
func (pr *pullRequest) deliver(r *result.Run, c gateChange) error {
	a, marked := pr.action, r.SLO.Path
	if c.elsewhere {
		marked = ""
	}
	room := a.SummaryRoom() / max(pr.sections, 1)
	var page bytes.Buffer
	err := errors.Join(
		report.Summary(&page, r, room, pr.inputs.Charts),
		a.Annotate(marked, r.Judgement, report.Against),
	)
	if err = errors.Join(err, a.WriteSummary(page.Bytes()), pr.handOver(r)); err != nil {
		return fmt.Errorf("hand the results to the workflow: %w", err)
	}
	return nil
}

// handOver gives later steps the outputs and the files of a run.
func (pr *pullRequest) handOver(r *result.Run) error {
	out := pr.inputs.Out
	files := filesIn(out)
	err := pr.action.SetOutputs(r, files)
	pr.action.HandOver(out, files.Result, files.Report,
		filepath.Join(out, htmlFile), filepath.Join(out, junitFile), filepath.Join(out, metricsFile))
	return err
}
