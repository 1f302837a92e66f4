package loader

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/slogate/slogate/slo"
)

// limiter spreads the requests of a closed stage so that they never exceed a
// rate: it gives each a place in time, at least a gap after the one before.
// Places that nobody took in time are lost, so that a pause is not followed by
// a burst.
type limiter struct {
	rate  float64
	gap   time.Duration
	next  atomic.Int64 // offset of the first place that is free
	taken atomic.Int64 // places
	waits atomic.Int64 // of them that somebody had to wait for
}

// heldFrom is the part of the requests that had to wait, one in ten, from which
// a stage is said to be held back: workers that begin together wait a moment
// under any limit.
const heldFrom = 10

// newLimiter limits the stages whose rate is not planned; nil limits nothing.
// An open stage has been compared with the limit before the run. Each request
// leaves the room for all that it may send.
func newLimiter(limits slo.Limits, load slo.Workload, sent float64) *limiter {
	if limits.Rate <= 0 || load.Model == slo.Open {
		return nil
	}
	rate := limits.Rate / sent
	return &limiter{rate: rate, gap: time.Duration(math.Ceil(float64(time.Second) / rate))}
}

// place takes the next place from now on.
func (l *limiter) place(now time.Duration) time.Duration {
	for {
		next := l.next.Load()
		at := max(next, int64(now))
		if l.next.CompareAndSwap(next, at+int64(l.gap)) {
			l.taken.Add(1)
			if at > int64(now) {
				l.waits.Add(1)
			}
			return time.Duration(at)
		}
	}
}

// heldTo is the rate that the limiter has held the stage back to, 0 where it
// has not.
func (l *limiter) heldTo() float64 {
	if l == nil || l.waits.Load()*heldFrom < l.taken.Load() || l.waits.Load() == 0 {
		return 0
	}
	return l.rate
}
