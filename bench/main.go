//go:build linux

// Command bench compares slogate with the load generators that one could use
// in its place, and with its own promises: what a request costs, how right the
// times are under stalls, how punctual the sends, how large the process.
//
//	go run ./bench                         everything, about 30 minutes
//	go run ./bench -only closed64,rate5k   some of it
//
// README.md says what each cell does and what to distrust. The result is
// written to bench/RESULTS.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are the command's flags.
type settings struct {
	rounds  int
	seconds int
	only    string
	out     string
	tools   string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		if err := serve(os.Args[2:]); err != nil {
			fatal(err)
		}
		return
	}
	var s settings
	flag.IntVar(&s.rounds, "rounds", 10, "`rounds`; in each one every tool is measured once")
	flag.IntVar(&s.seconds, "seconds", 3, "length of most measurements, in `seconds`")
	flag.StringVar(&s.only, "only", "", "`cells` to measure, by comma; all by default")
	flag.StringVar(&s.out, "out", "bench/RESULTS.md", "`file` for the results")
	flag.StringVar(&s.tools, "tools", defaultTools(), "`folder` for the peers' programs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func defaultTools() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "slogate-bench")
}

// run measures every chosen cell in every round and writes the results, also
// those of an interrupted run.
func run(ctx context.Context, s settings) error {
	cells, err := choose(s.only)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	data := results{}
	total, done := 0, 0
	for _, c := range cells {
		total += len(c.tools) * s.rounds
	}
	started := time.Now()
	for round := range s.rounds {
		for _, c := range cells {
			for _, tool := range rotated(c.tools, round) {
				if ctx.Err() != nil {
					break
				}
				got, err := c.measure(ctx, b, tool)
				done++
				progress(done, total, started, c.name, tool, got, err)
				if err == nil && ctx.Err() == nil {
					data.add(c.name, tool, round, got)
				}
			}
		}
	}
	if len(data) == 0 {
		return fmt.Errorf("nothing was measured")
	}
	text := write(data, describe(ctx, b), s, cells)
	if err := os.WriteFile(s.out, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	fmt.Fprintln(os.Stderr, "written:", s.out)
	return nil
}

// choose finds cells by their names.
func choose(only string) ([]cell, error) {
	if only == "" {
		return allCells, nil
	}
	var chosen []cell
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(allCells, func(c cell) bool { return c.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no cell %q", name)
		}
		chosen = append(chosen, allCells[i])
	}
	return chosen, nil
}

// rotated begins a list at another place in each round, so that no tool always
// follows the same one.
func rotated(tools []string, round int) []string {
	n := round % len(tools)
	return append(slices.Clone(tools[n:]), tools[:n]...)
}

func progress(done, total int, started time.Time, cell, tool string, got sample, err error) {
	left := time.Duration(float64(time.Since(started)) / float64(done) * float64(total-done)).Round(time.Second)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%d/%d, %v left: %s, %s: %v\n", done, total, left, cell, tool, err)
		return
	}
	fmt.Fprintf(os.Stderr, "%d/%d, %v left: %s, %s: %v\n", done, total, left, cell, tool, got)
}
