//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

// trial is a kind of comparison: how much more head works than base, for how
// long, and beside what.
type trial struct {
	name    string
	change  float64
	seconds int
	busy    bool // beside a neighbour
	wanted  int
}

// trials are all kinds, the most important ones first.
var trials = []trial{
	{"idle-same", 0, 60, false, 68},
	{"busy-same", 0, 60, true, 34},
	{"idle+20", 0.20, 180, false, 5},
	{"idle-20", -0.20, 180, false, 2},
	{"idle+10", 0.10, 180, false, 2},
	{"idle+15", 0.15, 180, false, 2},
	{"idle+30", 0.30, 180, false, 2},
	{"idle+5", 0.05, 180, false, 2},
	{"busy+20", 0.20, 180, true, 3},
	{"busy+30", 0.30, 180, true, 2},
	{"busy+10", 0.10, 180, true, 2},
	{"busy+15", 0.15, 180, true, 2},
	{"busy+5", 0.05, 180, true, 2},
}

// task is one comparison that is to be made, and where its result goes.
type task struct{ name, path string }

// missing chooses the next n comparisons: of the kind of which the smallest
// part is done.
func (s *session) missing(n int) []task {
	wanted := slices.DeleteFunc(slices.Clone(trials), func(t trial) bool { return !s.wants(t.name) })
	if len(wanted) == 0 {
		return nil
	}
	var chosen []task
	for range n {
		best := slices.MinFunc(wanted, func(a, b trial) int {
			return s.done[a.name]*b.wanted - s.done[b.name]*a.wanted
		})
		if s.done[best.name] >= best.wanted {
			break
		}
		chosen = append(chosen, task{best.name, s.path(best.name, ".json")})
		s.done[best.name]++
	}
	return chosen
}

// rate is how many requests a second each side gets in its turn: some 30 % of
// a core.
const rate = 150

// objectives of every comparison; all three can fail it.
var objectives = []string{"p50", "p95", "p99"}

// sloFile is the file that every comparison follows.
func sloFile(base, head string, seconds int) (*slo.File, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nname: verdicts\ntarget: %s\n", head)
	fmt.Fprintf(&b, "baseline: {base_target: %s, max: %ds}\n", base, seconds)
	fmt.Fprintf(&b, "scenarios: [{request: GET /}]\n")
	fmt.Fprintf(&b, "stages: [{name: steady, rate: %d/s, duration: %ds}]\nobjectives:\n", rate, seconds)
	for _, o := range objectives {
		fmt.Fprintf(&b, "  - %s <= baseline + 10%%\n", o)
	}
	return slo.Parse([]byte(b.String()), slo.Options{Path: "slo.yaml"})
}

// compareOnce starts base and head, compares them and writes the result.
func compareOnce(ctx context.Context, args []string) error {
	name, rounds, path := args[0], args[1], args[2]
	i := slices.IndexFunc(trials, func(t trial) bool { return t.name == name })
	work, err := strconv.Atoi(rounds)
	if i < 0 || err != nil {
		return fmt.Errorf("there is no trial %q with %q rounds", name, rounds)
	}
	t := trials[i]
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	base, err := loopback.Launch(ctx, "serve", strconv.Itoa(work))
	if err != nil {
		return err
	}
	head, err := loopback.Launch(ctx, "serve", strconv.Itoa(int(float64(work)*(1+t.change))))
	if err != nil {
		return err
	}
	if t.busy {
		if err := loopback.Beside(ctx, loopback.AnyCore, "disturb", strconv.Itoa(len(path)+os.Getpid())); err != nil {
			return err
		}
	}
	r, err := conduct(ctx, base, head, t.seconds)
	if err != nil {
		return err
	}
	if r.Cancelled {
		return ctx.Err()
	}
	return result.WriteFile(path, r)
}

func conduct(ctx context.Context, base, head string, seconds int) (*result.Run, error) {
	file, err := sloFile(base, head, seconds)
	if err != nil {
		return nil, err
	}
	opts := loader.Options{Seed: rand.Uint64()}
	first, err := loader.New(file.AtBase(), opts)
	if err != nil {
		return nil, err
	}
	defer first.Close()
	second, err := loader.New(file, opts)
	if err != nil {
		return nil, err
	}
	defer second.Close()
	r := run.Conduct(ctx, file, second, run.Options{Pair: loader.NewPair(first, second)})
	r.Seed = opts.Seed
	return r, nil
}
