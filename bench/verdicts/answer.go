//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

// answering is a service that fails at random: how often its success rate is
// judged right.
var answering = []struct {
	name    string
	failing float64
	right   result.Verdict
	wanted  int
}{
	{"success-99.9", 0.001, result.Pass, 300},
	{"success-99", 0.01, result.Fail, 300},
}

const (
	answersNeeded = 10_000 // requests of a run
	answersBatch  = 50     // runs between two files
	answersWanted = "success_rate >= 99.5%"
)

// answer is a service that answers at once, and a part of the requests with an
// error. Which ones follows from the seed.
func answer(_ context.Context, args []string) error {
	failing, err := strconv.ParseFloat(args[0], 64)
	if err != nil {
		return fmt.Errorf("part that fails: %w", err)
	}
	random, err := seeded(args[1])
	if err != nil {
		return err
	}
	var mu sync.Mutex
	return loopback.Listen(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		fails := random.Float64() < failing
		mu.Unlock()
		if fails {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
}

// answersFile is the SLO file that these runs follow.
func answersFile(target string) (*slo.File, error) {
	return slo.Parse(fmt.Appendf(nil, `version: 1
name: answers
target: %s
confirm: off
scenarios: [{request: GET /}]
stages: [{name: steady, requests: %d, workers: 8}]
objectives: [%s]
`, target, answersNeeded, answersWanted), slo.Options{Path: "slo.yaml"})
}

// answerMore makes the next runs of a kind that lacks some.
func (s *session) answerMore(ctx context.Context) (bool, error) {
	for _, k := range answering {
		n := min(k.wanted-s.done[k.name], answersBatch)
		if n <= 0 || !s.wants(k.name) {
			continue
		}
		runs, err := answers(ctx, k.failing, n)
		if err != nil {
			return false, fmt.Errorf("%s: %w", k.name, err)
		}
		return true, s.keep(k.name, runs)
	}
	return false, nil
}

// answers loads such a service n times.
func answers(ctx context.Context, failing float64, n int) ([]kept, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	target, err := loopback.Launch(ctx, "answer", strconv.FormatFloat(failing, 'g', -1, 64), strconv.FormatUint(rand.Uint64(), 10))
	if err != nil {
		return nil, err
	}
	file, err := answersFile(target)
	if err != nil {
		return nil, err
	}
	seed := rand.Uint64()
	l, err := loader.New(file, loader.Options{Seed: seed})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	var out []kept
	for range n {
		r := run.Conduct(ctx, file, l, run.Options{})
		if r.Cancelled {
			return out, nil
		}
		s := r.Stages[0]
		out = append(out, kept{
			machine: thisMachine(), start: r.Start, seed: seed,
			head: []result.Slice{{Width: s.Duration, Counters: s.Counters}},
		})
	}
	return out, nil
}

// answersRows are how often the success rate of a kind is judged right.
func answersRows(m measured) ([]row, error) {
	file, err := answersFile("http://service")
	if err != nil {
		return nil, err
	}
	var out []row
	for _, k := range answering {
		right := 0
		for _, r := range m[k.name] {
			j := gate.Judge(file, &result.Run{Stages: []result.Stage{stageOf(r.head)}}, gate.Options{})
			if j.Verdict == k.right {
				right++
			}
		}
		out = append(out, row{
			what: fmt.Sprintf("%g %% of requests succeed, `%s`: %s", 100*(1-k.failing), answersWanted, k.right),
			of:   fmt.Sprintf("real, %d requests", answersNeeded),
			must: atLeast(0.95), happened: right, runs: len(m[k.name]),
		})
	}
	return out, nil
}
