package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

// calibrateCommand compares the target with itself, to say what this machine
// can see.
type calibrateCommand struct {
	File   string `arg:"" optional:"" default:"slo.yaml" help:"The SLO file (default: ${default})." placeholder:"FILE" complete:".yaml,.yml"`
	Target string `help:"Base URL of the service, instead of the file's." placeholder:"URL"`
	profileFlag
	Runs int    `default:"3" help:"How often each stage is loaded; more see more of the spread between runs (default: ${default})." placeholder:"N"`
	Out  string `help:"Folder to keep the result of each run in." placeholder:"DIR" complete:"/"`
	Seed uint64 `group:"Generator:" help:"Seed of random arrivals and values (default: random, printed)." placeholder:"N"`
	engineFlags
}

// Run compares and prints.
func (c *calibrateCommand) Run(ctx context.Context, p *program) (int, error) {
	if c.Runs < 1 {
		return exitUsage, fmt.Errorf("--runs %d: want at least 1", c.Runs)
	}
	file, err := readSLO(c.File, slo.Options{Target: c.Target, Profile: c.Profile, Env: p.lookupEnv})
	if err != nil {
		return exitUsage, err
	}
	file, err = againstItself(file)
	if err != nil {
		return exitUsage, err
	}
	if c.Out != "" {
		if err := makeWritable(c.Out); err != nil {
			return exitUsage, err
		}
	}
	runs, err := c.compare(ctx, p, file)
	if len(runs) == 0 {
		if ctx.Err() != nil {
			return exitCancelled, errors.New("cancelled before the first comparison was complete")
		}
		return exitInconclusive, err
	}
	all := gate.Calibrate(file, runs)
	if len(all) == 0 && err == nil {
		return exitInconclusive, hinted{errors.New("no two blocks of the comparison had the requests that an objective needs"), "make the stages longer, or their load higher"}
	}
	if code, unprinted := p.print(calibrationText(file, all, len(runs)) + unknownText(file, all, len(runs))); unprinted != nil {
		return code, errors.Join(err, unprinted)
	}
	if err != nil {
		return exitInconclusive, err
	}
	if ctx.Err() != nil {
		return exitCancelled, nil
	}
	return exitPass, nil
}

// againstItself makes a file's target its own base, keeps the stages that both
// sides can be loaded with, and gives them the usual relative objectives where
// they have none.
func againstItself(file *slo.File) (*slo.File, error) {
	own := *file
	own.Baseline.BaseTarget, own.Baseline.Max, own.Confirm = file.Target, 0, false
	own.Stages = nil
	for _, s := range file.Stages {
		if gate.Alone(s) == "" {
			own.Stages = append(own.Stages, s)
		}
	}
	if !slices.ContainsFunc(own.Stages, func(s slo.Stage) bool { return s.Judge }) {
		return nil, hinted{
			fmt.Errorf("%s has nothing to calibrate: no judged stage has a constant load, and only such stages compare two services", file.Path),
			"add one: stages: [{name: steady, rate: 50/s, duration: 60s}]",
		}
	}
	if !slices.ContainsFunc(own.Stages, gate.Extends) {
		for i := range own.Stages {
			own.Stages[i].Objectives = append(own.Stages[i].Objectives, usualComparisons(slo.Fail)...)
		}
	}
	return &own, nil
}

// compare loads the target against itself again and again. What was measured
// before an error or a cancel is returned.
func (c *calibrateCommand) compare(ctx context.Context, p *program, file *slo.File) ([]*result.Run, error) {
	s := settings{Loader: c.options(), Docker: p.dockerSocket()}
	var runs []*result.Run
	for i := range c.Runs {
		seed := c.Seed + uint64(i)
		for c.Seed == 0 && seed == uint64(i) {
			seed = randomSeed()
		}
		to, err := s.loaders(file, seed)
		if err != nil {
			return runs, err
		}
		progress := p.progress()
		err = to.ready(ctx, 0, progress.Note)
		var head, base run.Cost
		if err == nil {
			head, base, err = to.costs(ctx, file, s, progress.Note)
		}
		if err == nil {
			err = to.before(ctx)
		}
		if err == nil {
			progress.Note(fmt.Sprintf("run %d of %d: %s against itself, seed %d", i+1, c.Runs, veil(file.Target, file), seed))
			r := run.Conduct(ctx, file, to.head, run.Options{Observer: progress, Pair: to.pair(), Cost: head, BaseCost: base})
			r.Warnings = append(r.Warnings, to.finish(ctx)...)
			s.Seed = seed
			s.describe(r, file)
			if !r.Cancelled {
				runs = append(runs, r)
			}
			if c.Out != "" {
				err = result.WriteFile(filepath.Join(c.Out, fmt.Sprintf("calibration-%d.json", i+1)), r)
			}
		}
		progress.Close()
		to.close()
		if err != nil || ctx.Err() != nil {
			return runs, err
		}
	}
	return runs, nil
}

// calibrationText says what the comparisons have shown.
func calibrationText(file *slo.File, all []gate.Calibration, runs int) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s against itself, %s\n\n", veil(file.Target, file), times(runs))
	t := tabwriter.NewWriter(&w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STAGE\tOBJECTIVE\tPAIRS\tSPREAD OF PAIRS\tOF RUNS\tWRONG FAILS\tBY MEASURE ALONE\tSMALLEST THERE\tSEEN\tNEEDED\tBY EARLIER RESULTS")
	for _, c := range all {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Stage, c.Objective, c.Pairs,
			change(c.PairSpread, c.Points), change(c.RunSpread, c.Points),
			part(c.Wrong, c.Trials), part(c.WrongMeasured, c.Trials), change(c.Smallest, c.Points),
			change(c.Seen, c.Points), lasting(c.Needed), change(c.Earlier, c.Points))
	}
	t.Flush()
	w.WriteString(`
Wrong fails: of 1,000 unchanged runs drawn from these pairs, how many fail at
the objective's tolerance; by measure alone: if the measured change against the
tolerance decided, and the smallest tolerance that holds 1 % there. Seen: the
change that four of five such runs notice. Needed: how long a stage has to be
to notice one and a half times the tolerance. By earlier results: the smallest
tolerance that so many result files can judge, one run against them.
`)
	return w.String()
}

// unknownText says what the comparisons cannot say, and what it would take.
func unknownText(file *slo.File, all []gate.Calibration, runs int) string {
	var lines []string
	if runs == 1 {
		lines = append(lines, "One run says nothing of how runs differ: OF RUNS is unknown and BY EARLIER RESULTS\nis an assumption. --runs 3 and more measure it.")
	}
	needed := gate.PairsNeeded(gate.Family(file))
	for _, c := range all {
		if c.Pairs < needed {
			lines = append(lines, fmt.Sprintf("%s, %s: %d pairs cannot prove any change, %d can: WRONG FAILS is 0 because\nnothing can fail. Make the stage longer, or its load higher.", c.Stage, c.Objective, c.Pairs, needed))
		}
	}
	for _, s := range file.Stages {
		for _, o := range s.Objectives {
			isOf := func(c gate.Calibration) bool { return c.Stage == s.Name && c.Objective == o.Text }
			if s.Judge && o.Relative != nil && !slices.ContainsFunc(all, isOf) {
				lines = append(lines, fmt.Sprintf("%s, %s: it was not measured in any two blocks.", s.Name, o.Text))
			}
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return "\nNot known:\n" + strings.Join(lines, "\n") + "\n"
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// change writes the size of a change, which may not be known.
func change(v float64, points bool) string {
	if points {
		return quantity.Points(v)
	}
	return quantity.Share(v)
}

func part(n, of int) string { return quantity.Share(float64(n) / float64(max(of, 1))) }

func lasting(d time.Duration) string {
	if d == 0 {
		return "over a day"
	}
	return quantity.Duration(d)
}
