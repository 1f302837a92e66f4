//go:build linux

// Command verdicts measures how often slogate's verdicts on base against head
// are wrong: on real HTTP services on loopback, unchanged and slowed down, on
// an idle machine and beside a busy neighbour.
//
//	go run ./bench/verdicts            everything that is missing, some two hours
//	go run ./bench/verdicts -rounds 0  only the report, of what was measured before
//
// Every comparison is a run of slogate's own stations, kept as a result file in
// the cache of the user, so that an interrupted measurement goes on where it
// ended. Each uses one core: base, head, the generator and the neighbour share
// it. As many comparisons run at a time as there are cores. The report is
// written to bench/VERDICTS.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// workTime is what a request of base costs of a core.
const workTime = 2 * time.Millisecond

// settings are the command's flags.
type settings struct {
	rounds int
	only   string
	data   string
	out    string
}

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "verdicts:", err)
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
			return serve(n)
		case args[0] == "disturb":
			disturb(uint64(n))
		}
	}
	if len(args) == 4 && args[0] == "compare" {
		return compareOnce(ctx, args[1], args[2], args[3])
	}
	var s settings
	flag.IntVar(&s.rounds, "rounds", 1_000_000, "`rounds` of comparisons to measure at most")
	flag.StringVar(&s.only, "only", "", "`trials` to measure, by comma; all by default")
	flag.StringVar(&s.data, "data", defaultData(), "`folder` for the result files")
	flag.StringVar(&s.out, "out", "bench/VERDICTS.md", "`file` for the report")
	flag.Parse()
	return errors.Join(measure(ctx, s), writeReport(s))
}

func defaultData() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "slogate-verdicts")
}

// measure makes the comparisons that are missing, one on each core at a time.
func measure(ctx context.Context, s settings) error {
	if err := os.MkdirAll(s.data, 0o755); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	rounds, err := roundsOf(s.data)
	if err != nil {
		return err
	}
	for range s.rounds {
		chosen, err := missing(s, runtime.NumCPU())
		if err != nil || len(chosen) == 0 || ctx.Err() != nil {
			return err
		}
		errs := make([]error, len(chosen))
		var wg sync.WaitGroup
		for core, t := range chosen {
			wg.Go(func() { errs[core] = onCore(ctx, core, t, rounds) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

// roundsOf is the work of base, which is measured once for all comparisons.
func roundsOf(data string) (int, error) {
	path := filepath.Join(data, "rounds")
	text, err := os.ReadFile(path)
	if err == nil {
		return strconv.Atoi(string(text))
	}
	rounds := calibrate(workTime)
	return rounds, os.WriteFile(path, []byte(strconv.Itoa(rounds)), 0o644)
}

// onCore makes one comparison in a process that is tied to a core.
func onCore(ctx context.Context, core int, t task, rounds int) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	cmd := exec.CommandContext(ctx, "taskset", "-c", strconv.Itoa(core), self, "compare", t.name, strconv.Itoa(rounds), t.path)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("compare %s: %w", t.name, err)
	}
	return nil
}
