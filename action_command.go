package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
)

// actionCommand is the entry of the container action.
type actionCommand struct{}

// Run reads the inputs, gates, and hands the results to the workflow.
func (c *actionCommand) Run(ctx context.Context, p *program) (int, error) {
	a := action.New(p.getenv, p.stdout)
	// The log of a step is a stream of commands to the runner: what a target or
	// a file says must not become one.
	log := &program{lookupEnv: p.lookupEnv, stdout: a.LogWriter(p.stdout), stderr: a.LogWriter(p.stderr)}
	n := newNetwork(p, a)
	if n.twin {
		ctx = untilAbandoned(ctx, os.Stdin)
	}
	code, err := gateAction(ctx, log, a, n)
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
	switch inputs.Mode {
	case "comment":
		return pr.comment(ctx, p)
	case "check":
		return checkAction(ctx, p, a, pr)
	}
	if inputs.Network == "host" && !n.twin {
		if code, done, err := n.demandHost(ctx, p); done {
			return code, err
		} else if err != nil {
			return exitUsage, errors.Join(err, refused(a, err))
		}
	}
	file, change, err := pr.file(ctx, p)
	if err != nil {
		return exitUsage, errors.Join(err, refused(a, err))
	}
	a.Mask(file.Secrets...)
	kept := newHistory(a, inputs, file)
	earlier, err := baselineOptions(file, filesOf(inputs.Baseline))
	if err != nil {
		return exitUsage, errors.Join(err, refused(a, err))
	}
	earlier.Accepted, earlier.BaseBranch = a.Accepted(inputs), a.OnBaseBranch() || kept.isBase()
	s := settings{
		Out: inputs.Out, Seed: inputs.Seed, Gate: inputs.Gate, OnInconclusive: inputs.OnInconclusive,
		Source: a.Source(), Change: change, Docker: n.socket,
	}
	if s.Way, err = n.find(ctx, p, file, inputs); err != nil {
		code, err := s.unready(ctx, err)
		return code, errors.Join(err, refused(a, err), pr.refuse(ctx, p, file, err))
	}
	if file.Baseline.BaseTarget != "" && !s.Way.done {
		if s.BaseWay, err = n.find(ctx, p, file.AtBase(), inputs); err != nil {
			code, err := s.unready(ctx, fmt.Errorf("base: %w", err))
			return code, errors.Join(err, refused(a, err), pr.refuse(ctx, p, file, err))
		}
	}
	for _, w := range []way{s.Way, s.BaseWay} {
		if w.done {
			return w.code, nil
		}
	}
	kept.earlierResults(ctx, &earlier)
	s.Baseline = earlier
	r, code, err := p.gateRun(ctx, file, s)
	if r == nil {
		err = n.explain(err)
		return code, errors.Join(err, refused(a, err), pr.refuse(ctx, p, file, err))
	}
	return code, errors.Join(err, deliver(a, r, inputs.Out, change), kept.keepResult(ctx, p, a, r, inputs.Out), pr.report(ctx, p, r))
}

// checkAction is the mode check of the action: nothing is sent.
func checkAction(ctx context.Context, p *program, a *action.Action, pr *pullRequest) (int, error) {
	file, change, err := pr.file(ctx, p)
	if err != nil {
		return exitUsage, errors.Join(err, refused(a, err))
	}
	a.Mask(file.Secrets...)
	var plan, page bytes.Buffer
	if err := errors.Join(printPlan(&plan, file), printLoosened(&plan, change.loosened)); err != nil {
		return exitUsage, err
	}
	if _, err := p.stdout.Write(plan.Bytes()); err != nil {
		return exitUsage, err
	}
	return exitPass, errors.Join(report.Plan(&page, file.Name, plan.String()), a.WriteSummary(page.Bytes()))
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
func deliver(a *action.Action, r *result.Run, out string, c gateChange) error {
	marked := r.SLO.Path
	if c.elsewhere {
		marked = ""
	}
	files := action.Files{Result: filepath.Join(out, resultFile), Report: filepath.Join(out, markdownFile)}
	var page bytes.Buffer
	err := errors.Join(
		a.SetOutputs(r, files),
		report.Markdown(&page, r),
		a.Annotate(marked, r.Judgement, report.Quantity),
	)
	err = errors.Join(err, a.WriteSummary(page.Bytes()))
	a.HandOver(out, files.Result, files.Report,
		filepath.Join(out, htmlFile), filepath.Join(out, junitFile), filepath.Join(out, metricsFile))
	if err != nil {
		return fmt.Errorf("hand the results to the workflow: %w", err)
	}
	return nil
}
