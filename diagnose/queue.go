package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// queue is how the requests in flight of an open stage developed.
type queue struct {
	middle, end int // in flight
	grows       bool
}

// backlog compares the requests in flight at the end of an open stage of
// constant rate with those in its middle. They grow when there are more than
// twice as many and 5, or a quarter more and a second's work, and a trend: below
// that a single slow answer does it. Both are the highest of an eighth of the
// stage, because one moment is noise.
func backlog(l level) queue {
	n := len(l.InFlight)
	if !l.open() || ramp(l.Workload) || n < 8 {
		return queue{}
	}
	q := queue{
		middle: slices.Max(l.InFlight[n/2-n/8 : n/2]),
		end:    slices.Max(l.InFlight[n-n/8-1:]),
	}
	doubles := q.end > 2*q.middle+5
	// One that was long from the first moment on grows by less than it has.
	goesOn := 4*q.end > 5*q.middle+20 && float64(q.end) >= l.throughput
	q.grows = (doubles || goesOn) && rising(l.InFlight[n/2:])
	return q
}

// rising reports a trend: a queue grows all the time, a disturbance at the end
// of a stage does not.
func rising(inFlight []int) bool {
	var c course
	for i, n := range inFlight {
		c.slices, c.at, c.value = append(c.slices, i), append(c.at, float64(i)), append(c.value, float64(n))
	}
	tau, p := stats.KendallTau(c.thinned().value)
	return tau > 0 && p < 0.05
}

func (q queue) text() string {
	return fmt.Sprintf("requests in flight grow: at most %d around the middle of the stage, %d at its end", q.middle, q.end)
}

// unboundedQueue finds open stages whose arrivals outrun the service. The
// second sign is a response time that doubles from the middle of the stage to
// its end, or a success rate that falls.
func unboundedQueue(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		if q := backlog(l); q.grows {
			found = append(found, doubt(queueFinding(l, q), l))
		}
	}
	return found
}

func queueFinding(l level, q queue) result.Finding {
	from, to := half(l.Stage, 0), half(l.Stage, 1)
	f := result.Finding{
		Rule:     "unbounded-queue",
		Stage:    l.Name,
		Title:    fmt.Sprintf("%s is more than the service works off: the queue grows as long as the load lasts", l.offered()),
		Evidence: []string{q.text()},
		Suggestion: []string{
			"answer 429 when the queue is longer than clients will wait",
			fmt.Sprintf("more capacity: in this stage %s were due and %s succeeded",
				quantity.Rate(perSecond(l.Counters.Due(), l.Duration)), quantity.Rate(l.throughput)),
		},
		Disproof: "a longer stage at the same rate in which the requests in flight level off",
	}
	var signs []string
	if to.median > 2*from.median {
		signs = append(signs, fmt.Sprintf("the median response time rises from %s in the first half to %s in the second", quantity.Duration(from.median), quantity.Duration(to.median)))
	}
	if from.ok-to.ok > 0.01 {
		signs = append(signs, fmt.Sprintf("the success rate falls from %s in the first half to %s in the second", quantity.Share(from.ok), quantity.Share(to.ok)))
	}
	return signed(f, signs)
}

// halfStage is what one half of a stage's slices says.
type halfStage struct {
	median time.Duration // of all requests; an unsuccessful one counts with its timeout
	ok     float64
}

func half(s *result.Stage, which int) halfStage {
	n := len(s.Slices) / 2
	var c result.Counters
	var h result.Histogram
	for _, slice := range s.Slices[which*n : (which+1)*n] {
		c.Add(slice.Counters)
		h = h.Merge(slice.Response)
	}
	if c.Judged() == 0 {
		return halfStage{ok: 1}
	}
	median, _ := h.Quantile(1, 2)
	return halfStage{median: median, ok: float64(c.Success) / float64(c.Judged())}
}
