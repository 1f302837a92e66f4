//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/slogate/slogate/run"
)

// testCase is a service of known behaviour, how it is loaded, and what is to be
// found.
type testCase struct {
	name    string
	what    string // the service does, for the report
	service string // behaviours by comma; see services.go
	pods    func(context.Context) (string, run.Cluster, error)
	stages  string // of the SLO file, in YAML
	timeout string // of requests; empty: 5s
	pause   string // after each request; empty: none
	want    []string
	also    []string // rules that are true of the case too, or follow from it: neither asked for nor wrong

	disturbed bool // a neighbour computes now and then
}

// busy is for how long the neighbour computes at a time: 1 to 5 s.
func busy(random *rand.Rand) time.Duration {
	return time.Duration((1 + 4*random.Float64()) * float64(time.Second))
}

// file is the SLO file of a case.
func (c testCase) file(target string) string {
	timeout, steps := "5s", "{name: get, request: GET /}"
	if c.timeout != "" {
		timeout = c.timeout
	}
	if c.pause != "" {
		steps += ", {pause: " + c.pause + "}"
	}
	return fmt.Sprintf(`version: 1
name: findings
target: %s
confirm: off
http: {timeout: %s}
wait_for: {request: GET /health}
scenarios: [{name: get, steps: [%s]}]
stages: [%s]
objectives: [show: p95]
`, target, timeout, steps, c.stages)
}

// Loads that several cases share.
const (
	steady = `{name: steady, rate: 60/s, arrivals: poisson, duration: 24s}`
	warmed = `{name: warm-up, rate: 60/s, duration: 3s, judge: false}, {name: steady, rate: 60/s, arrivals: poisson, duration: 26s}`
	stairs = `{name: one, workers: 1, duration: 5s}, {name: two, workers: 2, duration: 5s}, {name: four, workers: 4, duration: 5s},
  {name: eight, workers: 8, duration: 5s}, {name: sixteen, workers: 16, duration: 5s}`
	steps = `{name: low, rate: 30/s, duration: 8s}, {name: middle, rate: 60/s, duration: 8s}, {name: high, rate: 120/s, duration: 8s}`
)

// cases are services that do what they should, one behaviour each, several
// at once, and noise. The settings were chosen before the runs that are reported.
var cases = []testCase{
	{name: "healthy-closed", what: "200 slots of 20 ms, closed", service: "slots=200x20ms", stages: stairs},
	{name: "healthy-open", what: "200 slots of 20 ms, open", service: "slots=200x20ms", stages: steps},
	{name: "healthy-cpu", what: "1 ms of computing", service: "compute=1ms", stages: warmed},
	{name: "healthy-tail", what: "lognormal times, median 10 ms, 1 in 100 above 100 ms", service: "lognormal=10ms", stages: warmed},
	{name: "healthy-garbage", what: "1 MB of garbage for each request", service: "garbage=1MB", stages: warmed},
	{name: "healthy-cache", what: "a cache that is full after a third of the stage", service: "cache=500x100kB", stages: warmed, also: []string{"warm-up"}},
	{name: "healthy-rare-errors", what: "3 of 1,000 answers are 500", service: "fail=0.003", stages: steps},
	{name: "healthy-pauses", what: "workers that pause for 100 ms", service: "slots=200x20ms", stages: stairs, pause: "100ms"},
	{name: "healthy-neighbour", what: "2 ms of computing beside a neighbour that computes for 1 to 5 s and rests for 2 to 12 s", service: "compute=2ms", stages: warmed, disturbed: true},
	{name: "healthy-neighbour-closed", what: "the same, closed", service: "slots=200x20ms", stages: stairs, disturbed: true},
	{name: "healthy-pods", what: "three even pods", pods: evenPods, stages: steady},

	{name: "saturated", what: "4 slots of 20 ms, 1 to 16 workers", service: "slots=4x20ms", stages: stairs, want: []string{"saturated"}, also: []string{"tail-explodes"}},
	{name: "saturated-cpu", what: "8 ms of computing on one core, 1 to 16 workers", service: "compute=8ms,lock", stages: stairs, want: []string{"saturated"}, also: []string{"tail-explodes"}},
	{
		name: "saturated-open", what: "2 slots of 20 ms and a queue of 30, 30 to 240/s", service: "slots=2x20ms,queue=30",
		stages: `{name: low, rate: 30/s, duration: 7s}, {name: middle, rate: 80/s, duration: 7s}, {name: high, rate: 240/s, duration: 7s}`,
		want:   []string{"saturated"}, also: []string{"errors", "tail-explodes", "collapse", "unbounded-queue"},
	},
	{
		name: "retrograde", what: "requests in work slow each other down, by the square of their number", service: "crowd=10ms", stages: stairs,
		want: []string{"retrograde"}, also: []string{"saturated", "tail-explodes"},
	},
	{
		name: "collapse", what: "requests in work slow each other down, and those above 185 ms time out", service: "crowd=30ms", stages: stairs, timeout: "185ms",
		want: []string{"collapse"}, also: []string{"saturated", "timeouts", "tail-explodes", "retrograde"},
	},
	{name: "unbounded-queue", what: "one slot of 20 ms, 60/s", service: "slots=1x20ms", timeout: "20s", stages: `{name: steady, rate: 60/s, duration: 20s}`, want: []string{"unbounded-queue"}},
	{
		name: "timeouts-cascade", what: "one slot of 20 ms that works on for clients that have left, 60/s, timeout 1 s", service: "slots=1x20ms", timeout: "1s",
		stages: `{name: steady, rate: 60/s, duration: 20s}`, want: []string{"timeouts"}, also: []string{"unbounded-queue"},
	},
	{name: "stalls", what: "stands still for 400 ms every 4 s", service: "slots=200x10ms,stall=400ms/4s", stages: warmed, want: []string{"periodic-stalls"}},
	{name: "stalls-short", what: "stands still for 150 ms every 6 s", service: "slots=200x10ms,stall=150ms/6s", stages: `{name: steady, rate: 100/s, duration: 32s}`, want: []string{"periodic-stalls"}},
	{name: "leak", what: "keeps 100 kB of each request", service: "slots=200x10ms,leak=100kB", stages: warmed, want: []string{"memory-growth"}},
	{name: "leak-slow", what: "keeps 15 kB of each request", service: "slots=200x10ms,leak=15kB", stages: warmed, want: []string{"memory-growth"}},
	{name: "drift", what: "computes 3 µs longer with each request", service: "compute=1ms,grow=3us", stages: `{name: steady, rate: 40/s, arrivals: poisson, duration: 28s}`, want: []string{"drifting"}, also: []string{"unbounded-queue"}},
	{name: "cold", what: "60 ms more at first, less and less for 6 s", service: "slots=200x10ms,cold=60ms/6s", stages: steady, want: []string{"warm-up"}},
	{name: "cold-cpu", what: "10 ms more of computing at first, less and less for 5 s", service: "compute=1ms,coldcpu=10ms/5s", stages: steady, want: []string{"warm-up"}},
	{name: "error-burst", what: "half of the answers are 500 from 8 s to 12 s", service: "slots=200x10ms,burst=0.5/8s-12s", stages: steady, want: []string{"errors"}},
	{name: "errors-begin", what: "a tenth of the answers are 500 from 14 s on", service: "slots=200x10ms,burst=0.1/14s-1h", stages: steady, want: []string{"errors"}},
	{name: "rate-limit", what: "429 above 80/s", service: "slots=200x10ms,limit=80", stages: steps, want: []string{"errors"}, also: []string{"saturated"}},
	{name: "outage", what: "the socket is closed from 8 s to 11 s", service: "slots=200x10ms,down=8s-11s", stages: steady, want: []string{"outage"}},
	{
		name: "connections", what: "takes 8 connections and closes further ones", service: "slots=200x40ms,connections=8",
		stages: `{name: four, workers: 4, duration: 6s}, {name: eight, workers: 8, duration: 6s}, {name: sixteen, workers: 16, duration: 6s}`,
		pause:  "20ms", want: []string{"connection-limit"}, also: []string{"saturated", "collapse"},
	},

	{
		name: "pods-ceiling", what: "the demo's simulated pods at their limit, autoscaler at ten times its pace", pods: demoPods(10), timeout: "3s",
		stages: `{name: low, workers: 3, duration: 6s}, {name: middle, workers: 8, duration: 9s}, {name: high, workers: 24, duration: 15s}`,
		want:   []string{"replica-ceiling", "cpu-limit"}, also: []string{"saturated", "collapse", "tail-explodes", "errors", "retrograde", "slow-scale-up"},
	},
	{
		name: "pods-slow-scale-up", what: "the demo's simulated pods, 40/s from the first moment, autoscaler at three times its pace", pods: demoPods(3),
		stages: `{name: steady, rate: 40/s, duration: 24s}`, want: []string{"slow-scale-up"}, also: []string{"errors", "cpu-limit", "warm-up", "unbounded-queue", "replica-ceiling"},
	},
	{name: "pods-uneven", what: "three pods, of which one has four of six connections", pods: unevenPods, stages: `{name: steady, workers: 6, duration: 24s}`, want: []string{"uneven-pods"}},
	{
		name: "pods-oom", what: "a pod that keeps 180 kB of each request, is killed at 128 MB and back after 3 s", pods: leakingPods, stages: steady,
		want: []string{"restarts"}, also: []string{"errors", "memory-growth", "outage"},
	},

	{name: "leak-and-stalls", what: "two at once", service: "slots=200x10ms,leak=100kB,stall=400ms/4s", stages: warmed, want: []string{"memory-growth", "periodic-stalls"}},
	{name: "cold-and-errors", what: "two at once", service: "slots=200x10ms,cold=60ms/6s,burst=0.3/14s-18s", stages: steady, want: []string{"warm-up", "errors"}},
	{
		name: "saturated-and-leak", what: "two at once", service: "slots=3x20ms,leak=100kB",
		stages: `{name: one, workers: 1, duration: 5s}, {name: three, workers: 3, duration: 5s}, {name: twelve, workers: 12, duration: 20s}`,
		want:   []string{"saturated", "memory-growth"}, also: []string{"tail-explodes"},
	},
	{name: "stalls-and-neighbour", what: "stalls, beside a neighbour", service: "slots=200x10ms,stall=400ms/4s", stages: warmed, disturbed: true, want: []string{"periodic-stalls"}},
	{name: "leak-and-neighbour", what: "a leak, beside a neighbour", service: "slots=200x10ms,leak=100kB", stages: warmed, disturbed: true, want: []string{"memory-growth"}},
}
