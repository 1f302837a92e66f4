package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/slogate/slogate/kube/ceiling"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// whatIfCommand loads a service whose autoscaler has another ceiling, and
// compares that with the same run without.
type whatIfCommand struct {
	fileFlags
	runFlags
	engineFlags
	kubeFlags
	namespaceFlag
	HPA         string `group:"Kubernetes:" name:"hpa" help:"The HorizontalPodAutoscaler, instead of the file's." placeholder:"NAME"`
	MaxReplicas int    `group:"Kubernetes:" help:"The ceiling to try while the service is loaded. It is put back in every case." placeholder:"N"`
	Against     string `help:"Result of the run without, instead of loading twice." placeholder:"FILE" complete:".json"`
	Restore     bool   `group:"Kubernetes:" help:"Only put back what a killed what-if has left."`
}

const restoreHint = "slogate what-if --restore"

// Run loads twice, or restores.
func (c *whatIfCommand) Run(ctx context.Context, p *program) (int, error) {
	file, err := c.read(p)
	if err != nil {
		return exitUsage, err
	}
	a, err := c.autoscaler(ctx, p, file)
	if err != nil {
		return exitUsage, err
	}
	if c.Restore {
		return c.restoreOnly(ctx, p, a)
	}
	state, err := a.Read(ctx)
	if err != nil {
		return exitUsage, helpful(err)
	}
	if err := c.check(a, state); err != nil {
		return exitUsage, err
	}
	plan, err := c.plan(p, file)
	if err != nil {
		return exitUsage, err
	}
	without, code, err := c.without(ctx, p, plan)
	if without == nil || without.Cancelled || err != nil {
		return code, err
	}
	with, code, err := c.with(ctx, p, plan, a, state)
	if with == nil {
		return code, err
	}
	all := []report.Ceiling{{MaxReplicas: state.MaxReplicas, Run: without}, {MaxReplicas: c.MaxReplicas, Run: with}}
	switch err = errors.Join(err, report.WhatIf(p.stdout, all, p.shows())); {
	case with.Cancelled:
		return exitCancelled, err
	case err != nil:
		return code, err
	}
	return exitPass, nil
}

// read reads the SLO file. To restore, it need not be valid in every part that
// the environment fills.
func (c *whatIfCommand) read(p *program) (*slo.File, error) {
	options, err := c.fileFlags.options(p.lookupEnv)
	if err != nil {
		return nil, err
	}
	if c.Restore && c.HPA != "" {
		return &slo.File{}, nil
	}
	paths, err := expand(c.File)
	if err != nil {
		return nil, err
	}
	if len(paths) > 1 {
		return nil, hinted{fmt.Errorf("what-if loads one SLO file, these are %d", len(paths)), "call slogate once for each"}
	}
	return readSLO(paths[0], options)
}

// autoscaler is the one of the flag, else of the file.
func (c *whatIfCommand) autoscaler(ctx context.Context, p *program, file *slo.File) (ceiling.Autoscaler, error) {
	name := c.HPA
	if name == "" && file.Kubernetes != nil {
		name = file.Kubernetes.HPA
	}
	if name == "" {
		return ceiling.Autoscaler{}, hinted{errors.New("no autoscaler is named"), "name it in the file, kubernetes: {hpa: NAME}, or with --hpa NAME"}
	}
	client, err := connect(ctx, p.cluster(c.kubeFlags), cmp.Or(c.Namespace, namespaceOf(file)), file)
	if err != nil {
		return ceiling.Autoscaler{}, err
	}
	return ceiling.Autoscaler{API: client, Namespace: client.Namespace, Name: name}, nil
}

// check refuses what would say nothing, or lose the bounds of before.
func (c *whatIfCommand) check(a ceiling.Autoscaler, s ceiling.State) error {
	switch {
	case s.Before != nil:
		return hinted{fmt.Errorf("%s: %w", a, ceiling.ErrPutAside), restoreHint}
	case c.MaxReplicas < 1 || c.MaxReplicas > ceiling.MaxReplicas:
		return hinted{fmt.Errorf("--max-replicas is %d, want 1 to %d", c.MaxReplicas, ceiling.MaxReplicas), "slogate what-if --max-replicas 1 slo.yaml"}
	case c.MaxReplicas == s.MaxReplicas && c.Against == "":
		return fmt.Errorf("--max-replicas %d: it is the maximum of %s already", c.MaxReplicas, a)
	}
	return nil
}

// plan is what both runs have in common.
func (c *whatIfCommand) plan(p *program, file *slo.File) (planned, error) {
	s := c.settings()
	s.Loader, s.Docker, s.Kube = c.engineFlags.options(), p.dockerSocket(), p.cluster(c.kubeFlags)
	var err error
	s.Coverage, err = coverageOf(file)
	return planned{file: file, settings: s}, err
}

// The folders of the two runs, below the output folder.
const (
	withoutFolder = "as-it-is"
	withFolder    = "what-if"
)

// without is the run with the autoscaler as it is.
func (c *whatIfCommand) without(ctx context.Context, p *program, plan planned) (*result.Run, int, error) {
	if c.Against != "" {
		r, err := result.ReadFile(c.Against)
		switch {
		case err != nil:
		case r.SLO.Digest != plan.file.Digest:
			err = hinted{fmt.Errorf("%s was measured with another SLO file than %s", c.Against, plan.file.Path), "leave --against out to load twice"}
		case r.Cancelled:
			err = hinted{fmt.Errorf("%s is what was left of a run that was cancelled", c.Against), "leave --against out to load twice"}
		}
		return r, exitUsage, err
	}
	s := plan.settings
	s.Out = filepath.Join(s.Out, withoutFolder)
	return p.gateRun(ctx, plan.file, s)
}

// with is the run with the other ceiling, which is put back whatever happens.
func (c *whatIfCommand) with(ctx context.Context, p *program, plan planned, a ceiling.Autoscaler, was ceiling.State) (r *result.Run, code int, err error) {
	if err := a.Set(ctx, c.MaxReplicas, time.Now()); err != nil {
		if ctx.Err() != nil {
			return nil, exitCancelled, fmt.Errorf("cancelled before the second run: %w", err)
		}
		return nil, exitUsage, helpful(fmt.Errorf("set maxReplicas of %s: %w", a, err))
	}
	defer func() {
		if restoreErr := c.restore(ctx, p, a); restoreErr != nil {
			code, err = exitInconclusive, errors.Join(err, restoreErr)
		}
	}()
	fmt.Fprintf(p.stderr, "%s: maxReplicas %d instead of %d\n", a, c.MaxReplicas, was.MaxReplicas)
	notes, err := c.settle(ctx, p, a, was.Replicas)
	if err != nil {
		return nil, exitCancelled, errors.New("cancelled before the second run")
	}
	s := plan.settings
	s.Out, s.WhatIf = filepath.Join(s.Out, withFolder), true
	s.Notes = append(notes, fmt.Sprintf("what if: the autoscaler's maxReplicas was %d instead of %d", c.MaxReplicas, was.MaxReplicas))
	r, code, err = p.gateRun(ctx, plan.file, s)
	if now, readErr := a.Read(context.WithoutCancel(ctx)); r != nil && readErr == nil && now.MaxReplicas != c.MaxReplicas {
		fmt.Fprintf(p.stderr, "warning: somebody set maxReplicas to %d meanwhile: the second run does not show what it should\n", now.MaxReplicas)
	}
	return r, code, err
}

// settling is how long replicas of the first run are waited for to go: an
// autoscaler keeps them for five minutes, unless it says otherwise.
const settling = 6 * time.Minute

// settle waits until the service has as many replicas as the first run began
// with, or as the ceiling allows. It returns what the reader must know.
func (c *whatIfCommand) settle(ctx context.Context, p *program, a ceiling.Autoscaler, began int) ([]string, error) {
	want := max(1, min(began, c.MaxReplicas))
	told := false
	seen := "an unknown number of"
	for deadline := time.Now().Add(settling); ; {
		s, err := a.Read(ctx)
		if err == nil {
			seen = fmt.Sprint(s.Replicas)
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil && s.Replicas <= want:
			return nil, nil
		case time.Now().After(deadline):
			return []string{fmt.Sprintf("the service had %s replicas when this run began, the one before began with %d", seen, began)}, nil
		case err == nil && !told:
			told = true
			fmt.Fprintf(p.stderr, "waiting until the autoscaler has taken replicas away: %d now, %d when the run before began\n", s.Replicas, want)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// restoring is how long the cluster may be out of reach.
const restoring = time.Minute

// restore puts the bounds back, also when the user has cancelled.
func (c *whatIfCommand) restore(ctx context.Context, p *program, a ceiling.Autoscaler) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), restoring)
	defer stop()
	b, were, err := a.Restore(ctx)
	if err != nil {
		return hinted{fmt.Errorf("maxReplicas of %s is not put back: %w", a, err), restoreHint}
	}
	if were {
		fmt.Fprintf(p.stderr, "%s: maxReplicas is %d again\n", a, b.MaxReplicas)
	}
	return nil
}

// restoreOnly puts back what a what-if has left that was killed.
func (c *whatIfCommand) restoreOnly(ctx context.Context, p *program, a ceiling.Autoscaler) (int, error) {
	s, err := a.Read(ctx)
	if err != nil {
		return exitUsage, helpful(err)
	}
	if s.Before == nil {
		fmt.Fprintf(p.stderr, "%s: nothing to put back, maxReplicas is %d\n", a, s.MaxReplicas)
		return exitPass, nil
	}
	if err := c.restore(ctx, p, a); err != nil {
		return exitUsage, helpful(err)
	}
	return exitPass, nil
}
