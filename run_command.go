package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/service"
	"github.com/slogate/slogate/slo"
)

// fileFlags name the SLO file and what overrides it.
type fileFlags struct {
	File   string `arg:"" optional:"" default:"slo.yaml" help:"The SLO file (default: ${default})." placeholder:"FILE"`
	Target string `help:"Base URL of the service, instead of the file's target." placeholder:"URL"`
	profileFlag
	// BaseTarget makes the run a comparison.
	BaseTarget string `help:"Base URL of a second service to compare with: both are loaded in this run, in turn." placeholder:"URL"`
	limitFlags
}

// profileFlag chooses among the stages of a file.
type profileFlag struct {
	Profile string `help:"One of the file's profiles: its stages are loaded, and no others." placeholder:"NAME"`
}

// limitFlags are limits besides those of the file. The lower one counts.
type limitFlags struct {
	MaxRate      string `help:"Requests a second at most; a plan of more is an error, workers are held back to it." placeholder:"RATE"`
	MaxDuration  string `help:"How long the run may last." placeholder:"TIME"`
	AllowedHosts string `help:"Hosts that may be loaded, separated by commas, such as localhost,*.example.com." placeholder:"HOSTS"`
}

// options are what the flags say besides the file.
func (f fileFlags) options(env func(string) (string, bool)) (slo.Options, error) {
	limits, err := slo.ParseLimits(f.MaxRate, f.MaxDuration, f.AllowedHosts)
	return slo.Options{Target: f.Target, BaseTarget: f.BaseTarget, Limits: limits, Profile: f.Profile, Env: env}, err
}

// against names the SLO file that a change starts from.
type against struct {
	Against string `help:"SLO file of the base, such as the main branch's: what FILE asks less of is listed." placeholder:"FILE"`
}

// compare reads the base's file, by the same options, and lists what the other
// one asks less of.
func (a against) compare(file *slo.File, options slo.Options) (*slo.File, []result.Loosening, error) {
	base, err := readSLO(a.Against, options)
	if err != nil {
		return nil, nil, err
	}
	return base, gate.Loosened(base, file), nil
}

// runFlags are the flags that run, demo and the action share.
type runFlags struct {
	Out            string `default:"slogate-out" help:"Folder for the result file and the reports (default: ${default})." placeholder:"DIR"`
	Format         string `enum:"text,markdown,json" default:"text" help:"What standard output shows: text, markdown or json." placeholder:"text|markdown|json"`
	Seed           uint64 `help:"Seed of random arrivals and values; a printed random one by default." placeholder:"N"`
	Gate           string `enum:"enforce,report" default:"enforce" help:"enforce, or report: the same verdict, but exit 0 instead of 1 and 3." placeholder:"enforce|report"`
	OnInconclusive string `enum:"auto,fail,warn" default:"auto" help:"What an inconclusive run does: auto exits 3 where an absolute objective is, fail also where only comparisons are, warn exits 0." placeholder:"auto|fail|warn"`
}

func (f runFlags) settings() settings {
	return settings{Out: f.Out, Format: f.Format, Seed: f.Seed, Gate: f.Gate, OnInconclusive: f.OnInconclusive}
}

// engineFlags choose how the load is made.
type engineFlags struct {
	Engine      string `enum:"auto,epoll,portable" default:"auto" help:"The load engine: epoll (clear-text HTTP/1.1 on Linux), portable, or auto for the best that fits." placeholder:"auto|epoll|portable"`
	Threads     int    `help:"Threads of the epoll engine; by default one for each 40,000 arrivals a second or 64 workers, at most one for every four cores." placeholder:"N"`
	Connections int    `default:"1000" help:"Connections at the same time at most; arrivals that find none wait (default: ${default})." placeholder:"N"`
	Priority    string `enum:"auto,normal" default:"auto" help:"auto raises the scheduling priority of the epoll engine while it starts arrivals, where that is allowed (root, CAP_SYS_NICE) and below 40 % of a core; normal never does." placeholder:"auto|normal"`
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
	Baseline []string `help:"Earlier result file, or folder of them, to compare with instead of the file's baseline; repeatable. none compares with nothing." placeholder:"FILE" sep:"none"`
	against
	ObjectivesFrom string `enum:"head,base" default:"head" help:"head, or base: FILE of --against judges, whatever the SLO file says." placeholder:"head|base"`
	Accept         bool   `help:"Accept regressions against the baseline: they only warn, and the report says so."`
	engineFlags
	AllowCommands bool `help:"Build and start the service by the commands of the file's service block, in the file's folder, and load it."`
	Once          bool `help:"Run one iteration of each scenario and print requests and answers; nothing is judged."`
}

// Run does the run.
func (c *runCommand) Run(ctx context.Context, p *program) (int, error) {
	options, err := c.fileFlags.options(p.lookupEnv)
	if err != nil {
		return exitUsage, err
	}
	if c.AllowCommands {
		return c.ownService(ctx, p, options)
	}
	file, settings, err := c.prepare(p, options)
	if err != nil {
		return exitUsage, err
	}
	return c.load(ctx, p, file, settings)
}

// ownService builds and starts the file's service, and loads it.
func (c *runCommand) ownService(ctx context.Context, p *program, options slo.Options) (int, error) {
	if c.Target != "" {
		return exitUsage, errors.New("--target and --allow-commands exclude each other: the target is the service that is started")
	}
	ports, err := service.FreePorts(1)
	if err != nil {
		return exitUsage, err
	}
	options.Target, options.Service = loopback(ports[0]), true
	file, settings, err := c.prepare(p, options)
	if err != nil {
		return exitUsage, err
	}
	if err := needService(file); err != nil {
		return exitUsage, err
	}
	return p.withOwn(ctx, file, &settings, ports[0], func() (int, error) { return c.load(ctx, p, file, settings) })
}

// prepare reads the file to load by and settles what it is judged by: all that
// can be wrong with files and flags is found here, before anything is started.
func (c *runCommand) prepare(p *program, options slo.Options) (*slo.File, settings, error) {
	settings := c.settings()
	settings.Loader, settings.Docker = c.engineFlags.options(), p.dockerSocket()
	file, err := readSLO(c.File, options)
	if err != nil || c.Once {
		return file, settings, err
	}
	if slices.Contains(c.Baseline, artifactBaseline) {
		return nil, settings, hinted{errors.New("--baseline artifact: results of earlier workflow runs are found in a workflow alone"), "download one (gh run download) and name the file; a file of that name is ./artifact"}
	}
	if c.ObjectivesFrom == "base" && c.Against == "" {
		return nil, settings, hinted{errors.New("--objectives-from base needs the file to judge by"), "name it with --against FILE"}
	}
	if c.Against != "" {
		base, loosened, err := c.compare(file, options)
		if err != nil {
			return nil, settings, err
		}
		settings.Change.loosened = loosened
		if c.ObjectivesFrom == "base" {
			file = base
		}
	}
	if settings.Baseline, err = baselineOptions(file, c.Baseline); err != nil {
		return nil, settings, err
	}
	if c.Accept {
		settings.Baseline.Accepted = "by the flag --accept"
	}
	return file, settings, nil
}

// load loads what is running.
func (c *runCommand) load(ctx context.Context, p *program, file *slo.File, settings settings) (int, error) {
	if c.Once {
		return p.once(ctx, file, settings)
	}
	_, code, err := p.gateRun(ctx, file, settings)
	return code, err
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
	src, err := os.ReadFile(path)
	return parseSLO(path, src, err, opts)
}

// parseSLO validates what was read of an SLO file, or explains why nothing was.
func parseSLO(path string, src []byte, err error, opts slo.Options) (*slo.File, error) {
	if err != nil {
		hint := ""
		if errors.Is(err, fs.ErrNotExist) {
			hint = "slogate init writes a first one"
		}
		return nil, hinted{fmt.Errorf("read SLO file: %w", err), hint}
	}
	opts.Path = path
	return slo.Parse(src, opts)
}
