package loader

import (
	"context"
	"runtime"
	"time"
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

// pacer waits for the moments of a schedule. It belongs to one goroutine,
// which it ties to its thread.
type pacer struct {
	ctx   context.Context
	tick  time.Duration // 0: every moment is waited for on its own
	timer *time.Timer
}

// newPacer makes a pacer for arrivals of up to peak a second. The calling
// goroutine must end soon after its last use: its thread ends with it.
func newPacer(ctx context.Context, peak float64) *pacer {
	runtime.LockOSThread()
	preciseTimers()
	p := &pacer{ctx: ctx, timer: time.NewTimer(time.Hour)}
	if peak > preciseUpTo {
		p.tick = tick
	}
	return p
}

func (p *pacer) mode() string {
	if p.tick > 0 {
		return "1 ms ticks"
	}
	return "precise"
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
