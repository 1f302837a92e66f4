//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// costs are ten objectives of all kinds.
var costs = []string{
	"p50 <= 1s", "p95 <= 1s", "p99 <= 1s", "success_rate >= 99%", "throughput >= 1/s",
	"p50 <= baseline + 10%", "p95 <= baseline + 10%", "p99 <= baseline + 10%", "mean <= baseline + 10%", "success_rate >= baseline - 1%",
}

const (
	costStages = 10
	costTries  = 20
)

// judgingTime is the median time that judging ten stages of a minute by ten
// objectives takes of one core: against 20 earlier results, and base against
// head. Zero where nothing was measured yet.
func judgingTime(m measured) (alone, paired time.Duration, err error) {
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\nname: cost\ntarget: http://service\nbaseline: {files: [none.json], last: 20}\nscenarios: [{request: GET /}]\nobjectives: [%s]\nstages:\n", strings.Join(costs, ", "))
	for i := range costStages {
		fmt.Fprintf(&text, "  - {name: stage%d, rate: %d/s, duration: 60s}\n", i, rate)
	}
	file, err := slo.Parse([]byte(text.String()), slo.Options{Path: "slo.yaml"})
	if err != nil {
		return 0, 0, err
	}
	known := m["idle-same"]
	if len(known) == 0 {
		return 0, 0, nil
	}
	// Base and head behind each other are a run of a minute.
	var runs []*result.Run
	for n := range 21 {
		r := &result.Run{Start: time.Unix(int64(n)*60, 0), Seed: uint64(n), Base: &result.Base{}}
		for i := range costStages {
			k := known[(n+i)%len(known)]
			for side, from := range [][]result.Slice{slices.Concat(k.head, k.base), slices.Concat(k.base, k.head)} {
				s := stageOf(from)
				s.Name = fmt.Sprintf("stage%d", i)
				if side == 0 {
					r.Stages = append(r.Stages, s)
				} else {
					r.Base.Stages = append(r.Base.Stages, s)
				}
			}
		}
		runs = append(runs, r)
	}
	paired = typical(func() { gate.Judge(file, runs[20], gate.Options{}) })
	for _, r := range runs {
		r.Base = nil
	}
	alone = typical(func() { gate.Judge(file, runs[20], gate.Options{Baseline: runs[:20]}) })
	return alone, paired, nil
}

// typical is the median processor time of several tries.
func typical(do func()) time.Duration {
	var took []time.Duration
	for range costTries {
		start := processorTime()
		do()
		took = append(took, processorTime()-start)
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// processorTime is what this process has used of all cores.
func processorTime() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
