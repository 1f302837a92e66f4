//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slogate/slogate/result"
)

// cell is one thing that is measured for several tools, or for one tool in
// several ways.
type cell struct {
	name    string
	about   string
	tools   []string // slogate, or its first way, is first
	metrics []string // that the results show, with their units after a blank
	measure func(ctx context.Context, b *bench, tool string) (sample, error)
}

var costMetrics = []string{"cpu µs", "user µs", "rate /s"}

// allCells in the order in which a round goes through them.
var allCells = []cell{
	{
		"closed64", "64 keep-alive connections, each sends as soon as it has its answer; processor time for a request",
		[]string{"slogate", "wrk", "fortio", "k6"},
		costMetrics,
		cost(func(b *bench) load { return load{url: b.url, connections: 64} }),
	},
	{
		"rate20k", "20,000 requests a second over 64 connections; processor time for a request",
		[]string{"slogate", "fortio"},
		costMetrics,
		cost(func(b *bench) load { return load{url: b.url, rate: 20_000, connections: 64, seconds: 2 * b.seconds} }),
	},
	{
		"rate5k", "5,000 requests a second over 64 connections; processor time for a request",
		[]string{"slogate", "fortio"},
		costMetrics,
		cost(func(b *bench) load { return load{url: b.url, rate: 5_000, connections: 64, seconds: 2 * b.seconds} }),
	},
	{
		"tls", "64 keep-alive connections over TLS 1.3; processor time for a request",
		[]string{"slogate", "wrk", "vegeta", "hey", "k6"},
		costMetrics,
		cost(func(b *bench) load { return load{url: b.tlsURL, connections: 64} }),
	},
	{
		"journey", "2,000 requests a second of users who log in, browse, order and read their order: rows of a CSV file, captures, checks; processor time for a request, beside plain requests at the same rate",
		[]string{"slogate", "slogate, plain", "k6"},
		costMetrics,
		carried,
	},
	{
		"stall", "500 requests a second to a service that stands still for 1 s in every 10 s; error of each percentile against the truth from the intended times, errors below 0.5 ms not counted",
		[]string{"slogate"},
		[]string{"p50 %", "p95 %", "p99 %", "p99.9 %", "worst %", "lost requests"},
		stall,
	},
	{
		"lognormal", "500 requests a second to a service with lognormal times (median 5 ms, σ 1); error of each percentile against the service's own log, errors below 0.5 ms not counted",
		[]string{"slogate"},
		[]string{"p95 %", "p99 %", "p99.9 %", "worst %"},
		lognormal,
	},
	{
		"lateness", "start of a request minus its intended start, on a machine that does nothing else",
		[]string{
			"500/s", "500/s, normal priority", "1000/s", "1000/s, normal priority", "2000/s", "2000/s, normal priority",
			"5000/s", "20000/s",
		},
		[]string{"p50 µs", "p99 µs", "p99.9 µs"},
		lateness,
	},
	{
		"memory", "5,000 requests a second that take 400 ms each: 2,000 connections at the same time; the process's largest resident size",
		[]string{"slogate"},
		[]string{"peak MB", "connections opened"},
		memory,
	},
	{
		"start", "from the start of the program to the first byte of its first request",
		[]string{"slogate", "wrk", "fortio", "vegeta", "hey", "k6"},
		[]string{"start ms"},
		startUp,
	},
	{
		"allocations", "allocations for a request in the engine's loop, of go test's benchmark",
		[]string{"slogate"},
		[]string{"allocations each"},
		allocations,
	},
	{
		"beside", "200 requests a second of 2 ms processor time each, generator and service on the same two cores: the service's own times",
		[]string{"slogate", "fortio", "vegeta", "hey", "k6"},
		[]string{"p50 ms", "p99 ms"},
		beside,
	},
	{
		"priority", "pieces of work of 2 ms that both cores complete a second beside slogate at 5,000/s",
		[]string{"raised", "normal"},
		[]string{"work /s"},
		priority,
	},
}

// cost measures what a request costs a generator.
func cost(of func(*bench) load) func(context.Context, *bench, string) (sample, error) {
	return func(ctx context.Context, b *bench, tool string) (sample, error) {
		l := of(b)
		l.core = generatorCore
		if l.seconds == 0 {
			l.seconds = b.seconds
		}
		o, err := b.generate(ctx, tool, l)
		if err != nil {
			return nil, err
		}
		s := o.cost(o.requests)
		s["rate"] = o.requests / float64(l.seconds)
		return s, nil
	}
}

// tolerated is an error in milliseconds that says nothing: the truth leaves out
// what HTTP itself takes.
const tolerated = 0.5

// errorOf is the relative error of a measured time in per cent.
func errorOf(measured, truth float64) float64 {
	off := math.Abs(measured - truth)
	if off <= tolerated {
		return 0
	}
	return 100 * off / truth
}

// compareTimes compares percentiles with the truth.
func compareTimes(h result.Histogram, truth []float64, perMille ...int64) sample {
	slices.Sort(truth)
	s := sample{}
	for _, q := range perMille {
		name := "p" + strconv.FormatFloat(float64(q)/10, 'f', -1, 64)
		s[name] = errorOf(milliseconds(h, q), quantile(truth, float64(q)/1000))
		s["worst"] = max(s["worst"], s[name])
	}
	return s
}

func stall(ctx context.Context, b *bench, tool string) (sample, error) {
	service, err := own(serviceCore, "stall")
	if err != nil {
		return nil, err
	}
	o, err := b.generate(ctx, tool, load{url: service.url, rate: 500, seconds: 20, connections: 64, core: generatorCore})
	t, wrong := service.truth()
	if err := errors.Join(err, wrong); err != nil {
		return nil, err
	}
	from := o.stage.Start.Sub(time.Unix(0, t.Start))
	s := compareTimes(o.stage.Response, dueTimes(from, 500, 20), 500, 950, 990, 999)
	s["lost"] = float64(o.stage.Workload.RateFrom*20) - o.requests
	return s, nil
}

// dueTimes are the true response times, in milliseconds, of requests at a
// constant rate to the service that stalls. from is the time from the service's
// start to the first one.
func dueTimes(from time.Duration, rate, seconds int) []float64 {
	times := make([]float64, rate*seconds)
	for i := range times {
		due := from + time.Duration(i)*time.Second/time.Duration(rate)
		times[i] = float64(untilMoves(due)+stallWork) / float64(time.Millisecond)
	}
	return times
}

func lognormal(ctx context.Context, b *bench, tool string) (sample, error) {
	service, err := own(serviceCore, "lognormal")
	if err != nil {
		return nil, err
	}
	o, err := b.generate(ctx, tool, load{url: service.url, rate: 500, seconds: 10, connections: 64, core: generatorCore})
	t, wrong := service.truth()
	if err := errors.Join(err, wrong); err != nil {
		return nil, err
	}
	return compareTimes(o.stage.Response, t.Times, 950, 990, 999), nil
}

func lateness(ctx context.Context, b *bench, way string) (sample, error) {
	rate, priority, _ := strings.Cut(way, "/s")
	n, err := strconv.Atoi(rate)
	if err != nil {
		return nil, err
	}
	l := load{url: b.url, rate: n, seconds: b.seconds, core: generatorCore}
	if priority != "" {
		l.flags = []string{"--priority", "normal"}
	}
	o, err := b.generate(ctx, "slogate", l)
	if err != nil {
		return nil, err
	}
	h := o.stage.Generator.Lateness
	return sample{"p50": 1000 * milliseconds(h, 500), "p99": 1000 * milliseconds(h, 990), "p99.9": 1000 * milliseconds(h, 999)}, nil
}

func memory(ctx context.Context, b *bench, tool string) (sample, error) {
	service, err := own(serviceCore, "slow")
	if err != nil {
		return nil, err
	}
	defer service.stop()
	o, err := b.generate(ctx, tool, load{url: service.url, rate: 5_000, seconds: b.seconds, core: generatorCore, flags: []string{"--connections", "4000"}})
	if err != nil {
		return nil, err
	}
	return sample{"peak": float64(o.peak) / 1e6, "connections": float64(o.stage.Generator.Opened)}, nil
}

func startUp(ctx context.Context, b *bench, tool string) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var once sync.Once
	var first time.Time
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { first = time.Now(); cancel() })
	}))
	defer server.Close()
	begun := time.Now()
	_, err := b.generate(ctx, tool, load{url: server.URL + "/", connections: 1, seconds: 1})
	once.Do(func() {}) // what first was set to is seen from here on
	if first.IsZero() {
		return nil, fmt.Errorf("no request came: %w", err)
	}
	return sample{"start": float64(first.Sub(begun)) / float64(time.Millisecond)}, nil
}

var allocated = regexp.MustCompile(`BenchmarkEngine\S*\s.*?([0-9.]+) allocs/op`)

func allocations(ctx context.Context, b *bench, _ string) (sample, error) {
	u, err := finish(ctx, "", nil, "go", "test", "-run", "^$", "-bench", "^BenchmarkEngine$", "-benchmem", "-benchtime", "200000x", "github.com/slogate/slogate/loader")
	if err != nil {
		return nil, err
	}
	m := allocated.FindStringSubmatch(u.output)
	if m == nil {
		return nil, fmt.Errorf("no benchmark in %q", u.output)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	return sample{"allocations": n}, err
}

func beside(ctx context.Context, b *bench, tool string) (sample, error) {
	service, err := own("", "burn")
	if err != nil {
		return nil, err
	}
	_, err = b.generate(ctx, tool, load{url: service.url, rate: 200, seconds: b.seconds, connections: 64})
	t, wrong := service.truth()
	if err := errors.Join(err, wrong); err != nil {
		return nil, err
	}
	slices.Sort(t.Times)
	return sample{"p50": quantile(t.Times, 0.5), "p99": quantile(t.Times, 0.99), "requests": float64(len(t.Times))}, nil
}

func priority(ctx context.Context, b *bench, way string) (sample, error) {
	value := map[string]string{"raised": "auto", "normal": "normal"}[way]
	done := make(chan error, 1)
	go func() {
		_, err := b.generate(ctx, "slogate", load{url: b.url, rate: 5_000, seconds: b.seconds + 1, flags: []string{"--priority", value}})
		done <- err
	}()
	time.Sleep(500 * time.Millisecond) // until the load has begun
	s := sample{"work": workFor(time.Duration(b.seconds) * time.Second)}
	return s, <-done
}

// workFor is how many pieces of work two threads complete a second.
func workFor(d time.Duration) float64 {
	var wg sync.WaitGroup
	var counts [2]int
	end := time.Now().Add(d)
	for i := range counts {
		wg.Go(func() {
			for time.Now().Before(end) {
				burn()
				counts[i]++
			}
		})
	}
	wg.Wait()
	return float64(counts[0]+counts[1]) / d.Seconds()
}
