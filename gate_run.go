package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/diagnose"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/kube"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

// The files that a run leaves in its output folder.
const (
	resultFile   = "slogate-result.json"
	markdownFile = "slogate-report.md"
	htmlFile     = "slogate-report.html"
	junitFile    = "slogate-junit.xml"
	metricsFile  = "slogate-metrics.txt"
)

// settings are the choices of a run that the command line, the action and the
// demo share.
type settings struct {
	Out            string
	Workspace      string // that Out does not leave over links; empty: it may
	Format         string // of standard output: text, markdown, json
	Seed           uint64 // 0: a random one
	Gate           string // enforce, report
	OnInconclusive string // auto, fail, warn
	Source         result.Source
	BaseSource     result.Source
	Notes          []string     // what a reader of the result must know
	Own            *ownServices // nil: somebody else has started what is loaded
	Demo           *result.Demo // nil: another service is loaded
	Change         gateChange   // what a change did to its own gate
	Baseline       gate.Options // earlier results that relative objectives compare with
	Coverage       *result.Coverage
	Cluster        run.Cluster    // that is watched whatever the file says; nil: the file's, if any
	Kube           *cluster       // that the file may watch; nil: the user's own
	WhatIf         bool           // the autoscaler is meant to be changed
	Cost           run.Cost       // of the target, where it is known better than it could be found
	Docker         string         // socket of the engine that may run the service; empty: none
	Loader         loader.Options // but for seed, version, address and shard
	Together       together       // with other generators
	Way            way            // to the target
	BaseWay        way            // to the base target
	Trust          *trust         // nil: every target is the user's own
}

// options are the loader's options to load a target over a way.
func (s settings) options(seed uint64, target string, w way) loader.Options {
	o := s.Loader
	o.Seed, o.Version, o.Address, o.Shard = seed, version(), w.address, s.Together.shard
	if s.Trust != nil {
		o.Guard = s.Trust.guard(target, w)
	}
	return o
}

// gateRun is the whole way of a run: load, judge, diagnose, report. It returns
// the judged run, nil where nothing was loaded, and the exit code.
func (p *program) gateRun(ctx context.Context, file *slo.File, s settings) (*result.Run, int, error) {
	if err := s.makeWritable(); err != nil {
		return nil, exitUsage, err
	}
	for s.Seed == 0 {
		s.Seed = randomSeed()
	}
	r, err := p.measure(ctx, file, s)
	if err != nil {
		code, err := s.unready(ctx, err)
		return nil, code, err
	}
	// The reports need other memory than the load did.
	debug.FreeOSMemory()
	s.describe(r, file)
	if r.Shard.IsPart() {
		return r, partCode(r), p.write(r, s)
	}
	code, err := p.judge(file, r, s)
	return r, code, err
}

// misuse is an error of files, flags or environment that shows only when the
// target is ready.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// measure makes the target ready, loads it and takes down what it has set up.
func (p *program) measure(ctx context.Context, file *slo.File, s settings) (*result.Run, error) {
	pods, notes, err := s.watched(ctx, p, file)
	if err != nil {
		return nil, err
	}
	to, err := s.loaders(file, s.Seed)
	if err != nil {
		return nil, misuse{err}
	}
	defer to.close()
	progress := p.progress()
	defer progress.Close()
	for _, note := range notes {
		progress.Note(veil(note, file))
	}
	if err := s.ready(ctx, to, progress.Note); err != nil {
		return nil, err
	}
	var r *result.Run
	if err = to.before(ctx); err == nil {
		r, err = s.load(ctx, file, &to, pods, progress)
	}
	// What before has made is there, whether or not all of it succeeded and a stage
	// was loaded.
	warnings := to.finish(ctx)
	if err != nil {
		for _, w := range warnings {
			progress.Note("warning: " + w)
		}
		return nil, err
	}
	r.Warnings = append(r.Warnings, warnings...)
	progress.Close() // stopping a service takes its time
	s.Own.stop()
	return r, nil
}

// load is what lies between the before steps and the after steps.
func (s settings) load(ctx context.Context, file *slo.File, to *loaders, pods run.Cluster, progress *report.Progress) (*result.Run, error) {
	route := s.Way.describe(to.head)
	s.announce(file, to, route, progress.Note)
	cost, baseCost, err := to.costs(ctx, file, s, progress.Note)
	if err != nil {
		return nil, misuse{err}
	}
	series, err := to.series(file, s)
	if err != nil {
		return nil, misuse{err}
	}
	late, err := s.Together.await(ctx, progress.Note)
	if err != nil {
		return nil, err
	}
	r := run.Conduct(ctx, file, to.head, run.Options{
		Cluster: pods, Observer: progress, Pair: to.pair(), Cost: cost, BaseCost: baseCost, Series: series,
		Shard:   s.Together.shard,
		Profile: profiler(to.head, s.Own.side(0), file, s.folder, "head"), BaseProfile: profiler(to.base, s.Own.side(1), file.AtBase(), s.folder, "base"),
		Ended: s.Own.ends(), Restart: s.Own.restarter(),
	})
	r.Route = veil(route, file)
	if r.Base != nil {
		r.Base.Route = veil(s.BaseWay.describe(to.base), file)
	}
	if late != "" {
		r.Warnings = append(r.Warnings, late)
	}
	return r, nil
}

// announce says what will be loaded, and how.
func (s settings) announce(file *slo.File, to *loaders, route string, note func(string)) {
	note(veil(fmt.Sprintf("%s: %s at %s, seed %d", file.Name, file.Target, route, s.Seed), file))
	if engine := to.head.EngineNote(); engine != "" {
		note(engine)
	}
	if to.base != nil {
		note(veil(fmt.Sprintf("compared with %s at %s", file.Baseline.BaseTarget, s.BaseWay.describe(to.base)), file))
	}
}

// describe writes into a result what only its maker knows.
func (s settings) describe(r *result.Run, file *slo.File) {
	r.Slogate, r.Seed, r.Own, r.Demo = version(), s.Seed, s.Own != nil, s.Demo
	r.Target, r.Source, r.Machine, r.Coverage = veil(r.Target, file), s.Source, machine(), s.Coverage
	if r.Base != nil {
		r.Base.Target, r.Base.Source = veil(r.Base.Target, file), s.BaseSource
	}
	r.Warnings = append(r.Warnings, s.Notes...)
	r.Shard = s.Together.inResult()
}

// judge judges and diagnoses what was measured, and reports it.
func (p *program) judge(file *slo.File, r *result.Run, s settings) (int, error) {
	r.Judgement = gate.Judge(file, r, s.Baseline)
	s.Change.note(r.Judgement)
	r.Findings = diagnose.Find(r)
	return exitCode(r, s), p.write(r, s)
}

// partCode is the exit code of a shard, which is not judged by itself.
func partCode(r *result.Run) int {
	if r.Cancelled {
		return exitCancelled
	}
	return exitPass
}

// ready starts what slogate starts itself, and waits for all that is loaded.
func (s settings) ready(ctx context.Context, to loaders, note func(string)) error {
	own, err := s.Own.up(ctx, to, note)
	if err != nil {
		return err
	}
	return to.ready(ctx, own, note)
}

// loaders load the target of a file and, in a comparison, its base target.
type loaders struct {
	head *loader.Loader
	base *loader.Loader // nil: nothing is compared in this run

	engines []func() // close what else was opened for them
}

func (s settings) loaders(file *slo.File, seed uint64) (loaders, error) {
	head, err := loader.New(file, s.options(seed, file.Target, s.Way))
	if err != nil || file.Baseline.BaseTarget == "" {
		return loaders{head: head}, err
	}
	base, err := loader.New(file.AtBase(), s.options(seed, file.Baseline.BaseTarget, s.BaseWay))
	if err != nil {
		head.Close()
		return loaders{}, fmt.Errorf("base: %w", err)
	}
	return loaders{head: head, base: base}, nil
}

// ready waits for the sides that are not among the first own, head and base,
// which are ready already.
func (l loaders) ready(ctx context.Context, own int, note func(string)) error {
	if own < 1 {
		if err := l.head.Ready(ctx, note); err != nil {
			return err
		}
	}
	if l.base != nil && own < 2 {
		if err := l.base.Ready(ctx, note); err != nil {
			return fmt.Errorf("base: %w", err)
		}
	}
	return nil
}

// before does the file's before steps on both sides.
func (l loaders) before(ctx context.Context) error {
	if l.base != nil {
		if err := l.base.Before(ctx); err != nil {
			return fmt.Errorf("base: %w", err)
		}
	}
	return l.head.Before(ctx)
}

// afterCancel is how long the after steps of a cancelled run may take: it must
// have written its report five seconds after the cancel, and requests in flight
// get three.
const afterCancel = time.Second

// outlasting is a context that ends some time after its parent does.
func outlasting(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	out, stop := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(by, stop) })
	return out, stop
}

// finish does the file's after steps on both sides, and returns what the reader
// of the result should know of them.
func (l loaders) finish(ctx context.Context) []string {
	ctx, stop := outlasting(ctx, afterCancel)
	defer stop()
	var warnings []string
	if l.base != nil {
		for _, w := range l.base.After(ctx) {
			warnings = append(warnings, "base: "+w)
		}
	}
	return append(warnings, l.head.After(ctx)...)
}

// pair couples the two sides, nil where there is one.
func (l loaders) pair() run.Comparer {
	if l.base == nil {
		return nil
	}
	return loader.NewPair(l.base, l.head)
}

func (l *loaders) close() {
	l.head.Close()
	if l.base != nil {
		l.base.Close()
	}
	for _, closeEngine := range l.engines {
		closeEngine()
	}
}

// unready is the end of a run whose target was not ready, or may not be loaded.
func (s settings) unready(ctx context.Context, err error) (int, error) {
	if wrong, ok := errors.AsType[misuse](err); ok {
		return exitUsage, wrong.error
	}
	if ctx.Err() != nil {
		return exitCancelled, errors.New("cancelled before the first stage, nothing was measured")
	}
	if _, barred := errors.AsType[*loader.AddressError](err); barred {
		return exitUsage, err // as a host that is not allowed
	}
	if _, wrong := errors.AsType[*kube.ConnectError](err); wrong {
		return exitUsage, err
	}
	return s.excuse(exitInconclusive), err
}

// exitCode is the table of the documentation: docs/verdicts.md.
func exitCode(r *result.Run, s settings) int {
	switch {
	case wasCancelled(r):
		return exitCancelled
	case r.Judgement.Verdict == result.Fail:
		return s.excuse(exitFail)
	case r.Judgement.Verdict == result.Inconclusive, s.OnInconclusive == "fail" && gate.Undecided(r.Judgement):
		return s.excuse(exitInconclusive)
	}
	return exitPass
}

// wasCancelled reports a judged run that was cancelled itself. Where its shards
// were, the merge was not: nobody but it tells of them.
func wasCancelled(r *result.Run) bool { return r.Cancelled && r.Shard == (result.Shard{}) }

// excuse applies what the user lets pass: --gate=report and
// --on-inconclusive=warn.
func (s settings) excuse(code int) int {
	if s.Gate == "report" || code == exitInconclusive && s.OnInconclusive == "warn" {
		return exitPass
	}
	return code
}

// write writes the files of the judged run and prints it.
func (p *program) write(r *result.Run, s settings) error {
	// The service, or who cleans up beside the run, may have taken the folder away,
	// or have put a link there.
	folder, err := s.folder()
	if err == nil {
		err = p.writeFiles(r, folder, s.Out)
		folder.Close()
	}
	// Last, so that the output ends in the verdict.
	return errors.Join(err, p.form(s.Format)(p.stdout, r))
}

// writeFiles tries every form, so that what one of them lacks takes no other away.
func (p *program) writeFiles(r *result.Run, folder *os.Root, out string) error {
	var errs []error
	var written []string
	for _, f := range []struct {
		name string
		form func(io.Writer, *result.Run) error
	}{
		{resultFile, result.Encode},
		{markdownFile, report.Markdown},
		{htmlFile, report.HTML},
		{junitFile, report.JUnit},
		{metricsFile, report.OpenMetrics},
	} {
		path := filepath.Join(out, f.name)
		written = append(written, path)
		// In the place of an earlier one, or of a link: who may write to the folder
		// must not choose another file to be written to.
		if err := result.ReplaceIn(folder, f.name, func(w io.Writer) error { return f.form(w, r) }); err != nil {
			errs = append(errs, fmt.Errorf("write %s: %w", path, err))
		}
	}
	if len(errs) == 0 {
		fmt.Fprintf(p.stderr, "written: %s\n\n", strings.Join(written, ", "))
	}
	return errors.Join(errs...)
}

// folder makes the run's folder and opens it: what is written there goes nowhere
// else, whatever the service puts in its place meanwhile. A change brings links
// along: over them it stays in the workspace, where the workflow names a folder
// there.
func (s settings) folder() (*os.Root, error) {
	rel, inside := action.Within(s.Workspace, s.Out)
	if s.Workspace == "" || !inside {
		if err := os.MkdirAll(s.Out, 0o755); err != nil {
			return nil, notWritable(s.Out, err)
		}
		folder, err := os.OpenRoot(s.Out)
		if err != nil {
			return nil, notWritable(s.Out, err)
		}
		return folder, nil
	}
	workspace, err := os.OpenRoot(s.Workspace)
	if err != nil {
		return nil, fmt.Errorf("open the workspace: %w", err)
	}
	defer workspace.Close()
	var folder *os.Root
	if err = workspace.MkdirAll(rel, 0o755); err == nil {
		folder, err = workspace.OpenRoot(rel)
	}
	if err != nil {
		return nil, hinted{fmt.Errorf("output folder %s: %w", s.Out, withoutPath(err)), "it may not be a link that leads out of the workspace; the input out names another one"}
	}
	return folder, nil
}

// makeWritable creates the output folder and tries to write there, so that a
// run of minutes does not end without its files.
func (s settings) makeWritable() error {
	folder, err := s.folder()
	if err != nil {
		return err
	}
	defer folder.Close()
	name := fmt.Sprintf(".slogate-%x", randomSeed())
	probe, err := folder.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = errors.Join(probe.Close(), folder.Remove(name))
	}
	if err != nil {
		return notWritable(s.Out, err)
	}
	return nil
}

// makeWritable does the same for a folder that the user of the command line names.
func makeWritable(dir string) error { return settings{Out: dir}.makeWritable() }

func notWritable(dir string, err error) error {
	return hinted{fmt.Errorf("output folder %s: %w", dir, withoutPath(err)), "name another folder with --out"}
}

// withoutPath is an error of a file whose path is said elsewhere.
func withoutPath(err error) error {
	for {
		path, ok := errors.AsType[*fs.PathError](err)
		if !ok {
			return err
		}
		err = path.Err
	}
}
