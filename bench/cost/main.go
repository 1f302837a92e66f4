//go:build linux

// Command cost measures how often a verdict on the CPU time of a request is
// wrong where base and head are compared beside a neighbour that comes and
// goes: of an unchanged service, and of one that does 8 % more work, in turn and
// mixed.
//
//	go run ./bench/cost            everything that is missing, some 80 minutes
//	go run ./bench/cost -rounds 0  only the report, of what was measured before
//
// Every comparison is a run of slogate's own stations, kept as a result file in
// the cache of the user, so that an interrupted measurement goes on where it
// ended. Several run at a time on one core, beside a neighbour and each other:
// CPU time does not need an idle machine. The report is written to
// bench/COST.md.
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
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/cost"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

const (
	// workTime is what a request of base costs of a core.
	workTime = 3 * time.Millisecond
	// seconds is how long a comparison lasts, both sides together.
	seconds = 60
	// rate is how many requests a second each side gets in its turn: a twentieth
	// of a core, so that several comparisons and what disturbs them fit on one.
	rate = 15
)

// trial is a kind of comparison.
type trial struct {
	name     string
	change   float64 // how much more head works than base
	schedule slo.Schedule
	wanted   int
}

var trials = []trial{
	{"same", 0, slo.Alternate, 64},
	{"more8", 0.08, slo.Alternate, 64},
	{"same-mixed", 0, slo.Mixed, 64},
	{"more8-mixed", 0.08, slo.Mixed, 64},
}

// busy is for how long the neighbour computes at a time: 1 to 6 s.
func busy(random *rand.Rand) time.Duration {
	return time.Duration((1 + 5*random.Float64()) * float64(time.Second))
}

// settings are the command's flags.
type settings struct {
	rounds int
	beside int
	core   int
	data   string
	out    string
}

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

// start runs the command itself, or one of the processes that it starts.
func start(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) == 2 {
		n, err := strconv.Atoi(args[1])
		switch {
		case err != nil:
		case args[0] == "serve":
			return loopback.Serve(n)
		case args[0] == "disturb":
			loopback.Disturb(loopback.Seeded(uint64(n)), busy)
		}
	}
	if len(args) == 4 && args[0] == "compare" {
		return compareOnce(ctx, args[1], args[2], args[3])
	}
	var s settings
	flag.IntVar(&s.rounds, "rounds", 1_000_000, "`rounds` of comparisons to measure at most")
	flag.IntVar(&s.beside, "beside", 4, "how many `comparisons` share the core")
	flag.IntVar(&s.core, "core", 0, "the `core` that all of them run on")
	flag.StringVar(&s.data, "data", loopback.DataFolder("slogate-cost"), "`folder` for the result files")
	flag.StringVar(&s.out, "out", "bench/COST.md", "`file` for the report")
	flag.Parse()
	return errors.Join(measure(ctx, s), writeReport(s))
}

// measure makes the comparisons that are missing, several at a time.
func measure(ctx context.Context, s settings) error {
	if err := os.MkdirAll(s.data, 0o755); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	rounds, err := loopback.Rounds(s.data, workTime)
	if err != nil {
		return err
	}
	if s.rounds > 0 {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		runtime.LockOSThread() // the neighbour ends with it
		if err := loopback.Beside(ctx, s.core, "disturb", strconv.Itoa(os.Getpid())); err != nil {
			return err
		}
	}
	for range s.rounds {
		chosen, err := missing(s.data, s.beside)
		if err != nil || len(chosen) == 0 || ctx.Err() != nil {
			return err
		}
		errs := make([]error, len(chosen))
		var wg sync.WaitGroup
		for i, t := range chosen {
			// In a session of its own, as the neighbour is.
			wg.Go(func() {
				errs[i] = loopback.OnCore(ctx, s.core, true, "compare", t.name, strconv.Itoa(rounds), t.path)
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

// task is one comparison that is to be made, and where its result goes.
type task struct{ name, path string }

// missing chooses the next n comparisons: of the kind of which the smallest
// part is done.
func missing(data string, n int) ([]task, error) {
	done := map[string]int{}
	for _, t := range trials {
		found, err := filepath.Glob(filepath.Join(data, t.name+"_*.json"))
		if err != nil {
			return nil, fmt.Errorf("list results: %w", err)
		}
		done[t.name] = len(found)
	}
	var chosen []task
	for range n {
		best := slices.MinFunc(trials, func(a, b trial) int {
			return done[a.name]*b.wanted - done[b.name]*a.wanted
		})
		if done[best.name] >= best.wanted {
			break
		}
		path := filepath.Join(data, fmt.Sprintf("%s_%03d.json", best.name, done[best.name]))
		chosen = append(chosen, task{best.name, path})
		done[best.name]++
	}
	return chosen, nil
}

// sloFile is a file with one objective against base.
func sloFile(base, head string, schedule slo.Schedule, objective string) (*slo.File, error) {
	text := fmt.Sprintf(`version: 1
name: cost
target: %s
baseline: {base_target: %s, max: %ds, schedule: %[6]s}
scenarios: [{request: GET /}]
stages: [{name: steady, rate: %[4]d/s, duration: %[3]ds}]
objectives: ['%[5]s']
`, head, base, seconds, rate, objective, schedule)
	return slo.Parse([]byte(text), slo.Options{Path: "slo.yaml"})
}

// compareOnce starts base and head, compares the two and writes the result.
func compareOnce(ctx context.Context, name, rounds, path string) error {
	i := slices.IndexFunc(trials, func(t trial) bool { return t.name == name })
	work, err := strconv.Atoi(rounds)
	if i < 0 || err != nil {
		return fmt.Errorf("there is no trial %q with %q rounds", name, rounds)
	}
	// The processes that are started end with the thread that starts them: the
	// main one, which lives as long as this process.
	runtime.LockOSThread()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	base, err := loopback.Launch(ctx, "serve", strconv.Itoa(work))
	if err != nil {
		return err
	}
	head, err := loopback.Launch(ctx, "serve", strconv.Itoa(int(float64(work)*(1+trials[i].change))))
	if err != nil {
		return err
	}
	r, err := conduct(ctx, base, head, trials[i].schedule)
	if err != nil {
		return err
	}
	if r.Cancelled {
		return ctx.Err()
	}
	return result.WriteFile(path, r)
}

func conduct(ctx context.Context, base, head string, schedule slo.Schedule) (*result.Run, error) {
	file, err := sloFile(base, head, schedule, "cpu_per_request <= baseline + 5%")
	if err != nil {
		return nil, err
	}
	opts := loader.Options{Seed: rand.Uint64()}
	first, baseCost, err := open(ctx, file.AtBase(), opts)
	if err != nil {
		return nil, err
	}
	defer first.Close()
	second, headCost, err := open(ctx, file, opts)
	if err != nil {
		return nil, err
	}
	defer second.Close()
	r := run.Conduct(ctx, file, second, run.Options{
		Pair: loader.NewPair(first, second), Cost: run.Cost{Source: headCost}, BaseCost: run.Cost{Source: baseCost},
	})
	r.Seed = opts.Seed
	return r, nil
}

// open prepares the load of a service and finds its process.
func open(ctx context.Context, file *slo.File, opts loader.Options) (*loader.Loader, cost.Source, error) {
	l, err := loader.New(file, opts)
	if err != nil {
		return nil, nil, err
	}
	if err := l.Ready(ctx, nil); err != nil {
		l.Close()
		return nil, nil, err
	}
	source, refused := cost.Find(ctx, cost.Place{Addresses: l.Addresses()})
	if source == nil {
		l.Close()
		return nil, nil, errors.Join(refused...)
	}
	return l, source, nil
}
