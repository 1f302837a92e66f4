//go:build linux

// Command verdicts measures how often slogate's verdicts are wrong, on real
// HTTP services on loopback: base against head, unchanged and slowed down, on
// an idle machine and beside a busy neighbour; success rates; the intervals of
// percentiles on queues; and earlier results.
//
//	go run ./bench/verdicts            everything that is missing, some hours
//	go run ./bench/verdicts -rounds 0  only the report, of what was measured before
//	go run ./bench/verdicts -rounds 0 -pack
//	                                   the same, and all runs into the repository
//
// Every run is one of slogate's own stations, kept in the cache of the user, so
// that an interrupted measurement goes on where it ended; what lies in
// bench/verdicts/data counts too. Each comparison uses one core: base, head,
// the generator and the neighbour share it, and as many comparisons run at a
// time as there are cores. Queues cost next to nothing and run side by side.
// The report is written to bench/VERDICTS.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/slogate/slogate/bench/loopback"
)

// workTime is what a request of base costs of a core.
const workTime = 2 * time.Millisecond

// settings are the command's flags.
type settings struct {
	rounds int
	only   string
	data   string
	packed string
	out    string
	pack   bool
}

// wants reports whether runs of this name are to be measured.
func (s settings) wants(name string) bool {
	return s.only == "" || slices.Contains(strings.Split(s.only, ","), name)
}

func main() {
	// The processes that are started end with the thread that starts them: the
	// main one, which lives as long as this process.
	runtime.LockOSThread()
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "verdicts:", err)
		os.Exit(1)
	}
}

// parts are the processes that the command starts of itself, and how many
// arguments each takes.
var parts = map[string]struct {
	run  func(ctx context.Context, args []string) error
	args int
}{
	"serve":   {serve, 1},
	"disturb": {disturb, 1},
	"answer":  {answer, 2},
	"queue":   {serveQueue, 2},
	"compare": {compareOnce, 3},
	"measure": {queueOnce, 2},
}

// start runs the command itself, or one of the processes that it starts.
func start(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) > 0 {
		if p, ok := parts[args[0]]; ok && len(args) == 1+p.args {
			return p.run(ctx, args[1:])
		}
	}
	var s settings
	flag.IntVar(&s.rounds, "rounds", 1_000_000, "`rounds` to measure at most")
	flag.StringVar(&s.only, "only", "", "`names` of what to measure, by comma: "+strings.Join(names(), ", "))
	flag.StringVar(&s.data, "data", loopback.DataFolder("slogate-verdicts"), "`folder` for what is measured")
	flag.StringVar(&s.packed, "packed", "bench/verdicts/data", "`folder` of the runs that the repository keeps")
	flag.BoolVar(&s.pack, "pack", false, "put all runs into that folder")
	flag.StringVar(&s.out, "out", "bench/VERDICTS.md", "`file` for the report")
	flag.Parse()
	for name := range strings.SplitSeq(s.only, ",") {
		if name != "" && !slices.Contains(names(), name) {
			return fmt.Errorf("-only: there is no %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	err := measure(ctx, s)
	stop() // what is there is reported, unless it is interrupted once more
	return errors.Join(err, finish(s))
}

// finish packs what is known and reports it.
func finish(s settings) error {
	m, err := load(s)
	if err != nil {
		return err
	}
	if s.pack {
		if err := pack(s, m); err != nil {
			return err
		}
	}
	return writeReport(s, m)
}

// names of everything that can be measured.
func names() []string {
	var out []string
	for _, t := range trials {
		out = append(out, t.name)
	}
	for _, k := range answering {
		out = append(out, k.name)
	}
	for _, q := range queues {
		out = append(out, q.name())
	}
	return out
}

// session is a measurement that goes on.
type session struct {
	settings
	done map[string]int // runs of each name, in the cache and in the repository
	next map[string]int // number of the next file of each name
}

// measure makes the runs that are missing, round by round: first comparisons,
// then what disturbs the least.
func measure(ctx context.Context, s settings) error {
	if s.rounds == 0 {
		return nil
	}
	if err := os.MkdirAll(s.data, 0o755); err != nil {
		return fmt.Errorf("make the folder of data: %w", err)
	}
	known, err := load(s)
	if err != nil {
		return err
	}
	now := &session{settings: s, done: map[string]int{}, next: map[string]int{}}
	for name, runs := range known {
		now.done[name] = len(runs)
	}
	for range s.rounds {
		more, err := now.round(ctx)
		if err != nil || !more || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// round measures the next thing that is missing and reports false where
// nothing is.
func (s *session) round(ctx context.Context) (bool, error) {
	for _, next := range []func(context.Context) (bool, error){s.compareMore, s.answerMore, s.queueMore} {
		if more, err := next(ctx); more || err != nil {
			return more, err
		}
	}
	return false, nil
}

// path of the next file of this name that is not there yet.
func (s *session) path(name, end string) string {
	for {
		path := filepath.Join(s.data, fmt.Sprintf("%s_%03d%s", name, s.next[name], end))
		s.next[name]++
		if _, err := os.Stat(path); err != nil {
			return path
		}
	}
}

// keep writes runs that have no result file.
func (s *session) keep(name string, runs []kept) error {
	if len(runs) == 0 {
		return nil
	}
	path := s.path(name, packedEnd)
	s.done[name] += len(runs)
	return writePacked(path, runs)
}

// compareMore makes one comparison on each core.
func (s *session) compareMore(ctx context.Context) (bool, error) {
	chosen := s.missing(runtime.NumCPU())
	if len(chosen) == 0 {
		return false, nil
	}
	rounds, err := loopback.Rounds(s.data, workTime)
	if err != nil {
		return false, err
	}
	errs := make([]error, len(chosen))
	var wg sync.WaitGroup
	for core, t := range chosen {
		wg.Go(func() {
			errs[core] = loopback.OnCore(ctx, core, false, "compare", t.name, strconv.Itoa(rounds), t.path)
		})
	}
	wg.Wait()
	return true, errors.Join(errs...)
}
