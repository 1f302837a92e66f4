package demo

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

// realPod is one pod of a real cluster: a prediction costs real CPU time, one is
// made at a time, and what waits too long is turned away, by the constants of
// the simulated pods. The limit is the cluster's to keep.
type realPod struct {
	shape

	name    string
	turn    chan struct{} // held by whoever predicts
	flying  atomic.Int64  // requests let in and not yet answered
	refused atomic.Int64
}

func newRealPod(s shape) *realPod {
	name, _ := os.Hostname()
	return &realPod{shape: s, name: name, turn: make(chan struct{}, 1)}
}

// work spends the CPU time of a number of flowers, when it is their turn.
func (p *realPod) work(ctx context.Context, flowers int, predict func()) error {
	defer p.flying.Add(-1)
	if p.flying.Add(1) > int64(p.queue) {
		p.refused.Add(1)
		return errFull
	}
	patience := time.NewTimer(p.wait)
	defer patience.Stop()
	select {
	case p.turn <- struct{}{}:
	case <-patience.C:
		p.refused.Add(1)
		return errWaited
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.turn }()
	spend(p.cost(flowers), predict)
	return ctx.Err()
}

// cost is the CPU time of a prediction.
func (p *realPod) cost(flowers int) time.Duration {
	factor := 1 + p.variation*(2*rand.Float64()-1)
	return scale(p.shape.work, factor*(1+p.another*float64(flowers-1)))
}

// spend predicts until this thread has used some CPU time. A thread that stands
// still because of the pod's limit uses none: by the clock on the wall, a
// throttled pod would do less work for a prediction.
func spend(work time.Duration, predict func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for end := threadCPU() + work; threadCPU() < end; {
		for range 100 {
			predict()
		}
	}
}

// write writes what the pod turned away.
func (p *realPod) write(w io.Writer) {
	header(w, "demo_refused_total", "counter", "Requests turned away because of overload.")
	fmt.Fprintf(w, "demo_refused_total %d\n", p.refused.Load())
}
