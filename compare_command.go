package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slogate/slogate/diagnose"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/revision"
	"github.com/slogate/slogate/slo"
)

// compareCommand judges one result against another, which loads nothing, or
// builds, starts and loads two revisions of a service.
type compareCommand struct {
	A   string `arg:"" name:"a" help:"The result file to compare with, or two revisions: main..HEAD, or main...HEAD for what they have in common." placeholder:"A" complete:".json"`
	B   string `arg:"" optional:"" name:"b" help:"The result file to judge." placeholder:"B" complete:".json"`
	SLO string `name:"slo" help:"SLO file with the objectives (default: the one that B names, for revisions slo.yaml)." placeholder:"FILE" complete:".yaml,.yml"`
	profileFlag
	Out string `group:"Report and verdict:" help:"Folder for result and reports (default: slogate-out for revisions, none for two results)." placeholder:"DIR" complete:"/"`
	verdictFlags
	Seed   uint64 `group:"Generator:" help:"For revisions: seed of random arrivals and values (default: random, printed)." placeholder:"N"`
	Accept bool   `help:"Accept regressions: they only warn, and the report says so."`
	Keep   bool   `help:"For revisions: keep their worktrees, to look into them."`
}

func (c *compareCommand) settings() settings {
	s := c.verdictFlags.settings(c.Out)
	s.Seed = c.Seed
	return s
}

// accepted says who has accepted a regression.
func (c *compareCommand) accepted() string {
	if c.Accept {
		return "by the flag --accept"
	}
	return ""
}

// Run compares what the arguments are.
func (c *compareCommand) Run(ctx context.Context, p *program) (int, error) {
	for _, arg := range []string{c.A, c.B} {
		names, isRange := revision.ParseRange(arg)
		switch {
		case arg == "" || exists(arg):
		case isRange && c.B == "":
			c.Out = cmp.Or(c.Out, defaultOut)
			return c.revisions(ctx, p, names)
		case isRange:
			return exitUsage, hinted{fmt.Errorf("%q names two revisions and stands alone", arg), compareHint}
		default:
			return exitUsage, hinted{fmt.Errorf("%q is neither a result file nor a range of revisions", arg), compareHint}
		}
	}
	if c.B == "" {
		return exitUsage, hinted{fmt.Errorf("%q is a file, and there is none to compare it with", c.A), compareHint}
	}
	return c.results(p)
}

const (
	defaultOut  = "slogate-out" // of what loads
	compareHint = "slogate compare A.json B.json, or slogate compare main..HEAD"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// results compares two results.
func (c *compareCommand) results(p *program) (int, error) {
	if err := c.fitsResults(); err != nil {
		return exitUsage, err
	}
	earlier, err := result.ReadFile(c.A)
	if err != nil {
		return exitUsage, err
	}
	r, err := result.ReadFile(c.B)
	if err != nil {
		return exitUsage, err
	}
	file, notice, err := c.objectives(p, r)
	if err != nil {
		return exitUsage, err
	}
	// The user has chosen the result to compare with: it counts as it is.
	earlier.Judgement, file.Baseline.MaxAge = nil, 0
	r.DropBase() // A is the baseline, not what B was compared with when it ran
	r.Judgement = gate.Judge(file, r, gate.Options{Baseline: []*result.Run{earlier}, Accepted: c.accepted()})
	if notice != "" {
		r.Judgement.Notices = append(r.Judgement.Notices, notice)
	}
	r.Findings = diagnose.Find(r)
	s := c.settings()
	if c.Out == "" {
		return exitCode(r, s), p.form(c.Format)(p.stdout, r)
	}
	if err := p.write(r, s); err != nil {
		return exitUsage, err
	}
	return exitCode(r, s), nil
}

// fitsResults refuses flags that mean nothing where nothing is loaded, and an
// output folder whose result is one of the two: it would be lost.
func (c *compareCommand) fitsResults() error {
	if c.Seed != 0 || c.Keep {
		return hinted{errors.New("--seed and --keep are for revisions: two results are compared without load or worktrees"), compareHint}
	}
	for _, path := range []string{c.A, c.B} {
		if c.Out != "" && sameFileAs(path, filepath.Join(c.Out, resultFile)) {
			return hinted{fmt.Errorf("--out %s would replace %s", c.Out, path), "name another folder"}
		}
	}
	return nil
}

func sameFileAs(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// objectives finds what to judge: the SLO file that the user names, or that
// the result names where it can be read. Where no objective compares with a
// baseline, the usual indicators are shown instead, and a notice says so.
func (c *compareCommand) objectives(p *program, r *result.Run) (*slo.File, string, error) {
	file, notice, err := c.file(p, r)
	if err != nil {
		return nil, "", err
	}
	if comparesAny(file) {
		return file, notice, nil
	}
	if notice == "" {
		notice = file.Path + " has no objective that compares with a baseline"
	}
	showChanges(file)
	return file, notice + ": changes are shown, not judged", nil
}

// file reads the SLO file, or makes one of the result's stages.
func (c *compareCommand) file(p *program, r *result.Run) (*slo.File, string, error) {
	if c.SLO != "" {
		file, err := readSLO(c.SLO, slo.Options{Target: targetOf(r), Profile: c.Profile, Env: p.lookupEnv})
		return file, "", err
	}
	if !isOurs(r.SLO.Path) {
		return stagesOf(r), fmt.Sprintf("the SLO file %q lies elsewhere; --slo names it", r.SLO.Path), nil
	}
	file, err := readSLO(r.SLO.Path, slo.Options{Target: targetOf(r), Profile: cmp.Or(c.Profile, r.SLO.Profile), Env: p.lookupEnv})
	switch {
	case err == nil && file.Digest == r.SLO.Digest:
		return file, "", nil
	case err == nil:
		return file, r.SLO.Path + " has changed since the result was measured", nil
	case errors.Is(err, fs.ErrNotExist):
		return stagesOf(r), fmt.Sprintf("the SLO file %s is not here", r.SLO.Path), nil
	}
	return nil, "", err
}

// targetOf is the target of a result, to read its SLO file with. Where a secret
// was in it, it is nobody's.
func targetOf(r *result.Run) string {
	if strings.Contains(r.Target, "***") {
		return "http://masked.invalid"
	}
	return r.Target
}

// isOurs reports whether a result may name a file to read: results come from
// strangers too, and an error would show lines of the file.
func isOurs(path string) bool {
	ext := filepath.Ext(path)
	return filepath.IsLocal(path) && (ext == ".yaml" || ext == ".yml")
}

// stagesOf is a file with the stages that a result has judged.
func stagesOf(r *result.Run) *slo.File {
	file := &slo.File{Path: r.SLO.Path, Name: r.Name, Target: r.Target}
	for _, s := range r.Stages {
		file.Stages = append(file.Stages, slo.Stage{Name: s.Name, Judge: s.Judged})
	}
	return file
}

func comparesAny(file *slo.File) bool {
	for _, s := range file.Stages {
		for _, o := range s.Objectives {
			if s.Judge && o.Relative != nil {
				return true
			}
		}
	}
	return false
}

// showChanges adds the usual indicators to every judged stage, beside the
// baseline and without a verdict.
func showChanges(file *slo.File) {
	for i := range file.Stages {
		file.Stages[i].Objectives = append(file.Stages[i].Objectives, usualComparisons(slo.Show)...)
	}
}

// usualComparisons are relative objectives for a file that has none.
func usualComparisons(severity slo.Severity) []slo.Objective {
	var all []slo.Objective
	for _, text := range []string{"p50 <= baseline + 10%", "p95 <= baseline + 10%", "p99 <= baseline + 10%", "success_rate >= baseline - 1%", "throughput >= baseline - 5%"} {
		o, err := slo.ParseObjective(text)
		if err != nil {
			panic("slogate: " + err.Error())
		}
		if o.Severity = severity; severity == slo.Show {
			o.Text = o.Indicator.String()
		}
		all = append(all, o)
	}
	return all
}
