//go:build linux

// Command findings measures how often the findings of a run are right: it loads
// services of known behaviour on loopback, healthy ones too, and compares what
// slogate finds with what each service was made to do.
//
//	go run ./bench/findings              three rounds of every case, some 20 minutes
//	go run ./bench/findings -rounds 0    only the report, of what was measured before
//	go run ./bench/findings -only leak   one case, and what was found in it
//
// Every case is a run of slogate's own stations, kept as a result file in the
// cache of the user; rules are applied to the files when the report is written.
// Whoever changes a rule looks at earlier files, and reports on new ones: -data.
// The report is written to bench/FINDINGS.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/cost"
	"github.com/slogate/slogate/diagnose"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

// settings are the command's flags.
type settings struct {
	rounds int
	beside int
	only   string
	data   string
	out    string
}

func main() {
	// The services that are started end with the thread that starts them: the
	// main one, which lives as long as this process.
	runtime.LockOSThread()
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "findings:", err)
		os.Exit(1)
	}
}

// start runs the command itself, or one of the processes that it starts.
func start(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch {
	case len(args) == 2 && args[0] == "serve":
		return serve(args[1])
	case len(args) == 1 && args[0] == "disturb":
		loopback.Disturb(loopback.Seeded(rand.Uint64()), busy)
	case len(args) == 3 && args[0] == "case":
		return measureOnce(ctx, args[1], args[2])
	}
	var s settings
	flag.IntVar(&s.rounds, "rounds", 3, "`rounds` of all cases to measure at most")
	flag.IntVar(&s.beside, "beside", 2, "how many `cases` are measured at a time")
	flag.StringVar(&s.only, "only", "", "`names` of cases, by comma; what is found in them is printed, and no report written")
	flag.StringVar(&s.data, "data", loopback.DataFolder("slogate-findings"), "`folder` for the result files")
	flag.StringVar(&s.out, "out", "bench/FINDINGS.md", "`file` for the report")
	flag.Parse()
	chosen, err := choose(s.only)
	if err != nil {
		return err
	}
	if err := measure(ctx, s, chosen); err != nil {
		return err
	}
	if s.only != "" {
		return printFindings(s, chosen)
	}
	return writeReport(s)
}

func choose(only string) ([]testCase, error) {
	if only == "" {
		return cases, nil
	}
	var chosen []testCase
	for name := range strings.SplitSeq(only, ",") {
		c, ok := byName(name)
		if !ok {
			return nil, fmt.Errorf("-only: there is no case %q", name)
		}
		chosen = append(chosen, c)
	}
	return chosen, nil
}

func byName(name string) (testCase, bool) {
	i := slices.IndexFunc(cases, func(c testCase) bool { return c.name == name })
	if i < 0 {
		return testCase{}, false
	}
	return cases[i], true
}

// measure makes the runs that are missing, some at a time.
func measure(ctx context.Context, s settings, chosen []testCase) error {
	if err := os.MkdirAll(s.data, 0o755); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	free := make(chan struct{}, max(s.beside, 1))
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for round := range s.rounds {
		for i, c := range chosen {
			path := s.path(c, round)
			if _, err := os.Stat(path); err == nil || ctx.Err() != nil {
				continue
			}
			free <- struct{}{}
			fmt.Fprintf(os.Stderr, "round %d of %d, case %d of %d: %s\n", round+1, s.rounds, i+1, len(chosen), c.name)
			wg.Go(func() {
				defer func() { <-free }()
				if err := loopback.Alone(ctx, "case", c.name, path); err != nil {
					mu.Lock()
					defer mu.Unlock()
					errs = append(errs, err)
				}
			})
		}
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

func (s settings) path(c testCase, round int) string {
	return filepath.Join(s.data, fmt.Sprintf("%s_%02d.json", c.name, round))
}

// measureOnce starts the service of a case, loads it and writes the result.
func measureOnce(ctx context.Context, name, path string) error {
	c, ok := byName(name)
	if !ok {
		return fmt.Errorf("there is no case %q", name)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if c.disturbed {
		if err := loopback.Beside(ctx, loopback.AnyCore, "disturb"); err != nil {
			return err
		}
	}
	target, cluster, err := c.begin(ctx)
	if err != nil {
		return err
	}
	r, err := c.conduct(ctx, target, cluster)
	if err != nil {
		return err
	}
	if r.Cancelled {
		return ctx.Err()
	}
	return result.WriteFile(path, r)
}

// begin starts the service: in a process of its own, or, where its pods are
// watched, in this one.
func (c testCase) begin(ctx context.Context) (target string, cluster run.Cluster, err error) {
	if c.pods != nil {
		return c.pods(ctx)
	}
	target, err = loopback.Launch(ctx, "serve", c.service)
	return target, nil, err
}

func (c testCase) conduct(ctx context.Context, target string, cluster run.Cluster) (*result.Run, error) {
	file, err := slo.Parse([]byte(c.file(target)), slo.Options{Path: "slo.yaml"})
	if err != nil {
		return nil, err
	}
	seed := rand.Uint64()
	l, err := loader.New(file, loader.Options{Seed: seed})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	if err := l.Ready(ctx, nil); err != nil {
		return nil, err
	}
	opts := run.Options{Cluster: cluster}
	if cluster == nil { // else the process is this one
		source, refused := cost.Find(ctx, cost.Place{Addresses: l.Addresses()})
		if source == nil {
			return nil, errors.Join(refused...)
		}
		opts.Cost.Source = source
	}
	r := run.Conduct(ctx, file, l, opts)
	r.Seed = seed
	r.Machine = result.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: loopback.CPUModel(), Cores: runtime.NumCPU()}
	return r, nil
}

// printFindings shows what is found in the chosen cases.
func printFindings(s settings, chosen []testCase) error {
	for _, c := range chosen {
		runs, err := load(s, c)
		if err != nil {
			return err
		}
		for i, r := range runs {
			fmt.Printf("%s, round %d, wanted: %s\n", c.name, i+1, strings.Join(c.want, ", "))
			for _, f := range diagnose.Find(r) {
				fmt.Printf("  %s in %s (%s, since %v): %s\n", f.Rule, f.Stage, f.Confidence, f.Since, f.Title)
				for _, e := range f.Evidence {
					fmt.Printf("    - %s\n", e)
				}
			}
		}
	}
	return nil
}
