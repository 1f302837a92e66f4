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
	asked atomic.Int64 // how often a place was asked for
	waits atomic.Int64 // how often of that somebody had to wait
}

// heldFrom is the part of the requests that had to wait, one in ten, from which
// a stage is said to be held back: workers that begin together wait a moment
// under any limit.
const heldFrom = 10

// limiter is the one of a stage that shares it with no other.
func (l *Loader) limiter(plan slo.Stage) *limiter {
	return newLimiter(l.opts.Shard.limits(l.file.Limits, plan), plan.Workload, l.file.HTTP.Sent())
}

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

// never is the place of a request that there is no time for any more.
const never = time.Duration(math.MaxInt64)

// place takes the next place from now on and says when it is. One at or after
// end, when nobody sends any more, is left to the next part.
func (l *limiter) place(now, end time.Duration) time.Duration {
	for {
		next := l.next.Load()
		at := max(next, int64(now))
		inTime := at < int64(end)
		if inTime && !l.next.CompareAndSwap(next, at+int64(l.gap)) {
			continue
		}
		l.asked.Add(1)
		if at > int64(now) {
			l.waits.Add(1)
		}
		if !inTime {
			return never
		}
		return time.Duration(at)
	}
}

// place takes the next place for a request of the stage. The limiter of a part
// goes on where the part before has ended, as arrivals do: both sides of a
// comparison have the same places, and in the time of both as many as a stage of
// that length.
func (s *stage) place(now time.Duration) time.Duration {
	before, end := time.Duration(0), never
	if s.part != nil {
		before = time.Duration(s.part.index) * s.load.Duration
	}
	if s.timed() {
		end = before + s.load.Duration
	}
	return s.limit.place(before+now, end) - before
}

// heldTo is the rate that the limiter has held the stage back to, 0 where it
// has not.
func (l *limiter) heldTo() float64 {
	if l == nil || l.waits.Load()*heldFrom < l.asked.Load() || l.waits.Load() == 0 {
		return 0
	}
	return l.rate
}
