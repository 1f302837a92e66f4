package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/service"
	"github.com/slogate/slogate/slo"
)

// fileFlags name the SLO file and what overrides it.
type fileFlags struct {
	File   []string `arg:"" optional:"" name:"file" help:"SLO files, or patterns such as 'slo/*.yaml' (default: slo.yaml)." placeholder:"FILE" complete:".yaml,.yml"`
	Target string   `help:"Base URL of the service, instead of the file's." placeholder:"URL"`
	profileFlag
	// BaseTarget makes the run a comparison.
	BaseTarget string `help:"Base URL of a second service, loaded in turn with the first and compared with it." placeholder:"URL"`
	limitFlags `embed:"" group:"Limits:"`
}

// profileFlag chooses among the stages of a file.
type profileFlag struct {
	Profile string `help:"Load the stages of this profile of the file alone." placeholder:"NAME" complete:"profile"`
}

// limitFlags are limits besides those of the file. The lower one counts.
type limitFlags struct {
	MaxRate      string `help:"Requests a second at most, such as 100/s. A plan of more is an error; workers are held back to it." placeholder:"RATE"`
	MaxDuration  string `help:"How long the run may last, such as 10m." placeholder:"TIME"`
	AllowedHosts string `help:"Hosts that may be loaded: localhost,*.example.com." placeholder:"HOSTS"`
}

// options are what the flags say besides the file.
func (f fileFlags) options(env func(string) (string, bool)) (slo.Options, error) {
	limits, err := slo.ParseLimits(f.MaxRate, f.MaxDuration, f.AllowedHosts)
	return slo.Options{Target: f.Target, BaseTarget: f.BaseTarget, Limits: limits, Profile: f.Profile, Env: env}, err
}

// runFlags are the flags that run, demo and the action share.
type runFlags struct {
	reportFlags
	Seed uint64 `group:"Generator:" help:"Seed of random arrivals and values (default: random, printed)." placeholder:"N"`
}

// reportFlags say where results go and what becomes of a verdict.
type reportFlags struct {
	Out string `group:"Report and verdict:" default:"slogate-out" help:"Folder for result and reports (default: ${default})." placeholder:"DIR" complete:"/"`
	verdictFlags
}

// verdictFlags say what is shown of a verdict and what becomes of it.
type verdictFlags struct {
	Format         string `group:"Report and verdict:" enum:"text,markdown,json" default:"text" help:"What standard output shows (default: ${default})." placeholder:"text|markdown|json"`
	Gate           string `group:"Report and verdict:" enum:"enforce,report" default:"enforce" help:"report: the same verdict, but exit 0 instead of 1 and 3." placeholder:"enforce|report"`
	OnInconclusive string `group:"Report and verdict:" enum:"auto,fail,warn" default:"auto" help:"auto exits 3 where an objective with a value is inconclusive, fail also where a comparison alone is, warn exits 0." placeholder:"auto|fail|warn"`
}

func (f verdictFlags) settings(out string) settings {
	return settings{Out: out, Format: f.Format, Gate: f.Gate, OnInconclusive: f.OnInconclusive}
}

func (f reportFlags) settings() settings { return f.verdictFlags.settings(f.Out) }

func (f runFlags) settings() settings {
	s := f.reportFlags.settings()
	s.Seed = f.Seed
	return s
}

// engineFlags choose how the load is made.
type engineFlags struct {
	Engine      string `group:"Generator:" enum:"auto,epoll,portable" default:"auto" help:"epoll is for clear-text HTTP/1.1 on Linux; auto takes the best that fits." placeholder:"auto|epoll|portable"`
	Threads     int    `group:"Generator:" help:"Threads of the epoll engine (default: one for 40,000 arrivals a second or 64 workers, at most one for four cores)." placeholder:"N"`
	Connections int    `group:"Generator:" default:"1000" help:"Connections at most; arrivals that find none wait (default: ${default})." placeholder:"N"`
	Priority    string `group:"Generator:" enum:"auto,normal" default:"auto" help:"auto raises that of the epoll engine while it starts arrivals, where it may (root, CAP_SYS_NICE)." placeholder:"auto|normal"`
}

// options are the loader's settings that the flags stand for.
func (f engineFlags) options() loader.Options {
	engine := f.Engine
	if engine == "auto" {
		engine = ""
	}
	return loader.Options{Engine: engine, Threads: f.Threads, NormalPriority: f.Priority == "normal", MaxConnections: f.Connections}
}

// runCommand loads a service and judges it.
type runCommand struct {
	fileFlags
	runFlags
	kubeFlags
	judgeFlags
	engineFlags
	shardFlags
	spreadFlags
	AllowCommands bool `help:"Build and start the service by the file's service block."`
	Once          bool `help:"Print requests and answers of one iteration of each scenario; nothing is judged."`

	// NoWatch leaves the cluster to whoever started the shards in it.
	NoWatch bool `hidden:""`

	together together `kong:"-"` // what the flags of shards say
}

// planned is a run that is ready to begin.
type planned struct {
	file     *slo.File
	settings settings
	port     int // of the service that slogate starts itself; 0: it starts none
	read     readByRun
}

// Run does the runs of all files, one after the other. All that can be wrong
// with files and flags is found before the first one is loaded.
func (c *runCommand) Run(ctx context.Context, p *program) (int, error) {
	options, err := c.fileFlags.options(p.lookupEnv)
	if err != nil {
		return exitUsage, err
	}
	if c.AllowCommands && c.Target != "" {
		return exitUsage, errors.New("--target and --allow-commands exclude each other: the target is the service that is started")
	}
	if c.together, err = c.shardFlags.read(c.Seed, time.Now()); err != nil {
		return exitUsage, err
	}
	options.Shards = c.together.shard.Count
	if c.On != "" {
		options.Shards = c.Workers
	}
	paths, err := expand(c.File)
	if err == nil {
		err = errors.Join(c.against.of(paths), c.alone(len(paths)), c.spreadFlags.check(c, len(paths)))
	}
	if err != nil {
		return exitUsage, err
	}
	plans, err := c.plans(p, paths, options)
	if err != nil {
		return exitUsage, err
	}
	if len(plans) > 1 {
		return c.several(ctx, p, plans)
	}
	e := c.do(ctx, p, plans[0])
	return e.code, e.err
}

// plans prepares the runs of all files.
func (c *runCommand) plans(p *program, paths []string, options slo.Options) ([]planned, error) {
	var plans []planned
	var files []*slo.File
	var wrong joined
	for _, path := range paths {
		plan, err := c.plan(p, path, options)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		plans, files = append(plans, plan), append(files, plan.file)
	}
	switch {
	case len(wrong) == 1:
		return nil, wrong[0]
	case len(wrong) > 1:
		return nil, wrong
	case len(plans) > 1:
		for i := range plans {
			plans[i].settings.Out = filepath.Join(c.Out, folderOf(plans[i].file))
			if len(c.Baseline) > 0 { // those that a file names are its own
				plans[i].settings.Baseline.Baseline = ofName(plans[i].settings.Baseline.Baseline, plans[i].file.Name)
			}
		}
		return plans, distinct(files)
	}
	return plans, nil
}

// ofName leaves the results of other SLO files out.
func ofName(all []*result.Run, name string) []*result.Run {
	return slices.DeleteFunc(all, func(r *result.Run) bool { return r.Name != name })
}

// plan prepares the run of a file, whose service will be at a port of its own
// where slogate starts it.
func (c *runCommand) plan(p *program, path string, options slo.Options) (plan planned, err error) {
	if c.AllowCommands {
		ports, err := service.FreePorts(1)
		if err != nil {
			return plan, err
		}
		plan.port = ports[0]
		options.Target, options.Service = loopback(plan.port), true
	}
	if c.On != "" {
		options = plan.read.watch(options)
	}
	plan.file, plan.settings, err = c.prepare(p, path, options)
	if err == nil && c.AllowCommands {
		err = needService(plan.file)
	}
	return plan, err
}

// several does some runs, and says at the end how each fared.
func (c *runCommand) several(ctx context.Context, p *program, plans []planned) (int, error) {
	var all []ended
	for _, plan := range plans {
		e := ended{file: plan.file, code: exitCancelled}
		if ctx.Err() == nil {
			fmt.Fprintf(p.stderr, "\n%s\n", plan.file.Path)
			e = c.do(ctx, p, plan)
		}
		if e.err != nil {
			p.fail(e.err, "")
		}
		all = append(all, e)
	}
	if c.Once {
		return worstOf(all).code, nil
	}
	w := p.stdout
	if c.Format != "text" {
		w = p.stderr
	}
	fmt.Fprintln(w)
	return worstOf(all).code, printEnds(w, all)
}

// do starts the service of a file, if it shall, and loads it.
func (c *runCommand) do(ctx context.Context, p *program, plan planned) ended {
	e := ended{file: plan.file}
	load := func() (int, error) {
		if c.Once {
			return p.once(ctx, plan.file, plan.settings)
		}
		var code int
		var err error
		if c.On != "" {
			e.run, code, err = c.spreadRun(ctx, p, plan)
			return code, err
		}
		e.run, code, err = p.gateRun(ctx, plan.file, plan.settings)
		return code, err
	}
	if plan.port == 0 {
		e.code, e.err = load()
	} else {
		e.code, e.err = p.withOwn(ctx, plan.file, &plan.settings, plan.port, load)
	}
	return e
}

// prepare reads the file to load by and settles what it is judged by: all that
// can be wrong with files and flags is found here, before anything is started.
func (c *runCommand) prepare(p *program, path string, options slo.Options) (*slo.File, settings, error) {
	settings := c.settings()
	settings.Loader, settings.Docker, settings.Together = c.engineFlags.options(), p.dockerSocket(), c.together
	settings.Kube = c.cluster(p)
	file, err := readSLO(path, options)
	if err != nil || c.Once {
		return file, settings, err
	}
	file, err = c.judgeFlags.apply(file, options, &settings)
	return file, settings, err
}

// cluster is the one that the file may watch.
func (c *runCommand) cluster(p *program) *cluster {
	if c.NoWatch {
		return &cluster{off: true}
	}
	return p.cluster(c.kubeFlags)
}

// once shows one iteration of each scenario.
func (p *program) once(ctx context.Context, file *slo.File, s settings) (int, error) {
	l, err := loader.New(file, s.options(s.Seed, file.Target, s.Way))
	if err != nil {
		return exitUsage, err
	}
	defer l.Close()
	progress := p.progress()
	err = s.ready(ctx, loaders{head: l}, progress.Note)
	progress.Close()
	if err == nil {
		err = l.Once(ctx, p.stdout)
	}
	if ctx.Err() != nil {
		return exitCancelled, err
	}
	if err != nil {
		return exitInconclusive, err
	}
	return exitPass, nil
}

// readSLO reads and validates an SLO file.
func readSLO(path string, opts slo.Options) (*slo.File, error) {
	src, err := readSLOFile(path)
	if err != nil {
		return nil, unreadSLO(err)
	}
	opts.Path = path
	return slo.Parse(src, opts)
}

// unreadSLO explains why an SLO file could not be read; nil where it was.
func unreadSLO(err error) error {
	if err == nil {
		return nil
	}
	hint := ""
	if errors.Is(err, fs.ErrNotExist) {
		hint = "slogate init writes a first one"
	}
	return hinted{fmt.Errorf("read SLO file: %w", err), hint}
}
