package loader

import (
	"context"
	"runtime"
	"time"

	"github.com/slogate/slogate/slo"
)

const (
	// preciseUpTo is the highest rate at which each arrival is woken up for on
	// its own. Above it a wake-up for each costs more processor time than the
	// requests do, which would be taken from a service on the same machine.
	preciseUpTo = 2000
	tick        = time.Millisecond
	// nearby is how long before an arrival the Go timer hands over to the
	// kernel's, which is exact to some 50 µs where Go's is to a millisecond.
	nearby = 3 * time.Millisecond
)

// pacing says how the arrivals of an open stage are timed. The zero value
// waits for each moment on its own.
type pacing struct {
	tick time.Duration // 0: precise
	// coalesces says that answers may be read once a tick, because they tell by
	// themselves when they arrived and nothing waits for them.
	coalesces bool
	busyUntil time.Duration // of a large answer: it must be read as it comes
}

// choosePacing follows the stage's wish, or else its highest rate.
func choosePacing(load slo.Workload) pacing {
	peak := max(load.RateFrom, load.RateTo)
	if load.Model == slo.Open && load.Pacing != slo.PrecisePacing && (load.Pacing == slo.TickPacing || peak > preciseUpTo) {
		return pacing{tick: tick}
	}
	return pacing{}
}

func (p *pacing) mode() string {
	if p.tick > 0 {
		return "1 ms ticks"
	}
	return "precise"
}

// last is the moment until which arrivals may be started at a time.
func (p *pacing) last(now time.Duration) time.Duration {
	if p.tick > 0 {
		return now.Truncate(p.tick)
	}
	return now
}

// next is when an arrival may be started.
func (p *pacing) next(due time.Duration) time.Duration {
	if p.tick > 0 {
		return (due + p.tick - 1).Truncate(p.tick)
	}
	return due
}

// naps reports whether the sockets need not be looked at before the next tick,
// where due is the next arrival and nothing waits to be written: the kernel tells
// when answers arrived, but not when a connection was made.
func (p *pacing) naps(now, due time.Duration) bool {
	return p.coalesces && now >= p.busyUntil && due < now+p.tick
}

// bulky notes an answer that does not fit into one read.
func (p *pacing) bulky(now time.Duration) { p.busyUntil = now + time.Second }

// pacer waits for the moments of a schedule. It belongs to one goroutine,
// which it ties to its thread.
type pacer struct {
	pacing
	ctx   context.Context
	timer *time.Timer
}

// newPacer makes a pacer. The calling goroutine must end soon after its last
// use: its thread ends with it.
func newPacer(ctx context.Context, p pacing) *pacer {
	runtime.LockOSThread()
	preciseTimers()
	return &pacer{pacing: p, ctx: ctx, timer: time.NewTimer(time.Hour)}
}

// until returns at the moment t or shortly after, and false when ctx ended
// first.
func (p *pacer) until(t time.Time) bool {
	wait := time.Until(t)
	if wait > 0 && wait < p.tick {
		wait = p.tick
	}
	end := time.Now().Add(wait)
	if wait > nearby {
		p.timer.Reset(wait - nearby)
		select {
		case <-p.timer.C:
		case <-p.ctx.Done():
			return false
		}
	}
	for {
		wait = time.Until(end)
		if wait <= 0 || p.ctx.Err() != nil {
			return p.ctx.Err() == nil
		}
		sleepExactly(wait)
	}
}
