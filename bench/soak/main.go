//go:build linux

// Command soak loads a service for half an hour at a constant rate and measures
// whether slogate stays as it is: memory, open files and goroutines flat, and
// arrivals as punctual at the end as at the beginning.
//
//	go run ./bench/soak                                    30 minutes at 1,000/s
//	go run ./bench/soak -duration 2m -out /tmp/soak.md     a try
//
// It is slogate's own stations that load, in a process of their own that tells
// what it uses; the service is a third process. The report is written to
// bench/SOAK.md, and the command fails where something grows.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

// settings are the command's flags.
type settings struct {
	duration time.Duration
	rate     int
	out      string
}

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// start runs the command itself, or one of the processes that it starts.
func start(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) == 1 && args[0] == "serve" {
		return loopback.Serve(1)
	}
	if len(args) == 4 && args[0] == "load" {
		return load(ctx, args[1], args[2], args[3])
	}
	var s settings
	flag.DurationVar(&s.duration, "duration", 30*time.Minute, "how long the stage lasts")
	flag.IntVar(&s.rate, "rate", 1000, "requests a `second`")
	flag.StringVar(&s.out, "out", "bench/SOAK.md", "`file` for the report")
	flag.Parse()
	return soak(ctx, s)
}

// soak starts the service and the generator, and reports what the latter told.
func soak(ctx context.Context, s settings) error {
	runtime.LockOSThread() // the processes end with it
	address, err := loopback.Launch(ctx, "serve")
	if err != nil {
		return err
	}
	m, err := watch(ctx, address, s)
	if err != nil {
		return err
	}
	text, held := report(m)
	if err := os.WriteFile(s.out, []byte(text), 0o644); err != nil {
		return err
	}
	if !held {
		return errors.New("something grows, or the run did not pass: see " + s.out)
	}
	return nil
}

// measured is what the generator told.
type measured struct {
	settings
	samples []sample
	end     end
}

// sample is what the generator used at a moment. Late is of the time since the
// sample before.
type sample struct {
	At         time.Duration `json:"at"`
	RSS        int64         `json:"rss"`  // bytes
	Heap       int64         `json:"heap"` // bytes of live objects after the last collection
	Goroutines int           `json:"goroutines"`
	Files      int           `json:"files"`
	Late       time.Duration `json:"late"` // p99
	Requests   int64         `json:"requests"`
}

// end is how the run ended.
type end struct {
	Verdict  result.Verdict  `json:"verdict"`
	Reason   string          `json:"reason"`
	Counters result.Counters `json:"counters"`
	File     int64           `json:"file"` // size of the result file
	Kept     int64           `json:"kept"` // bytes of the seconds' histograms
	CPU      float64         `json:"cpu"`
	Late     time.Duration   `json:"late"` // p99 of the whole stage
}

// watch runs the generator to its end and reads what it prints: samples, one a
// line, and the end.
func watch(ctx context.Context, address string, s settings) (measured, error) {
	m := measured{settings: s}
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, self, "load", address, strconv.Itoa(s.rate), s.duration.String())
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return m, err
	}
	if err := cmd.Start(); err != nil {
		return m, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Fprintln(os.Stderr, lines.Text())
		var line struct {
			Sample *sample
			End    *end
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return m, fmt.Errorf("read the generator's figures: %w", err)
		}
		if line.Sample != nil {
			m.samples = append(m.samples, *line.Sample)
		}
		if line.End != nil {
			m.end = *line.End
		}
	}
	return m, errors.Join(lines.Err(), cmd.Wait())
}

// every is the time between two samples.
const every = 10 * time.Second

// load is the generator: it conducts the run and prints its samples meanwhile.
func load(ctx context.Context, address, rate, duration string) error {
	text := fmt.Sprintf(`version: 1
name: soak
confirm: off
target: %s
scenarios: [{request: GET /}]
stages: [{name: soak, rate: %s/s, duration: %s}]
objectives: [success_rate >= 99.9%%]
`, address, rate, duration)
	file, err := slo.Parse([]byte(text), slo.Options{Path: "slo.yaml"})
	if err != nil {
		return err
	}
	l, err := loader.New(file, loader.Options{Seed: 1})
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.Ready(ctx, nil); err != nil {
		return err
	}
	done := make(chan *result.Run)
	go func() { done <- run.Conduct(ctx, file, l, run.Options{}) }()
	r := tell(l, done)
	r.Judgement = gate.Judge(file, r, gate.Options{})
	path := fmt.Sprintf("%s/soak-%d.json", os.TempDir(), os.Getpid())
	defer os.Remove(path)
	if err := result.WriteFile(path, r); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	g := r.Stages[0].Generator
	late, _ := g.Lateness.Quantile(99, 100)
	return printLine("End", end{r.Judgement.Verdict, r.Judgement.Reason, r.Stages[0].Counters, info.Size(), kept(&r.Stages[0]), g.CPU, late})
}

// tell prints samples until the run has ended.
func tell(l *loader.Loader, done <-chan *result.Run) *result.Run {
	tick := time.NewTicker(every)
	defer tick.Stop()
	start := time.Now()
	before := counts{}
	for {
		select {
		case r := <-done:
			return r
		case now := <-tick.C:
			live := l.Snapshots()
			if len(live) == 0 {
				continue
			}
			s := use()
			s.At, s.Requests = now.Sub(start), live[0].Counters.Finished()
			s.Late = before.since(live[0].Generator.Lateness)
			if err := printLine("Sample", s); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}

func printLine(kind string, v any) error {
	return json.NewEncoder(os.Stdout).Encode(map[string]any{kind: v})
}

// counts are those of a histogram's buckets.
type counts map[int64]int64

// since returns the p99 of what a histogram has got since it was seen last.
func (c counts) since(h result.Histogram) time.Duration {
	var total int64
	for _, b := range h.Buckets() {
		total += b.Count - c[b.Low]
	}
	var seen int64
	var p99 time.Duration
	for _, b := range h.Buckets() {
		if seen*100 < total*99 {
			p99 = time.Duration(b.Low) * time.Microsecond
		}
		seen += b.Count - c[b.Low]
		c[b.Low] = b.Count
	}
	return p99
}

// use is what this process uses now.
func use() sample {
	m := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(m)
	s := sample{Heap: int64(m[0].Value.Uint64()), Goroutines: runtime.NumGoroutine()}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		s.Files = len(files) - 1 // without the folder itself
	}
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			pages, _ := strconv.ParseInt(fields[1], 10, 64)
			s.RSS = pages * int64(os.Getpagesize())
		}
	}
	return s
}

// kept is what the histograms of a stage's seconds take: the stage's own and
// those of its steps.
func kept(s *result.Stage) int64 {
	n := bytesOf(s.Slices)
	for _, step := range s.Steps {
		n += bytesOf(step.Slices)
	}
	return n
}

func bytesOf(all []result.Slice) int64 {
	var n int64
	for _, s := range all {
		n += int64(unsafe.Sizeof(s)) + int64(s.Response.Size())
	}
	return n
}
