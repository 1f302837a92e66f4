package gate

import (
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// windows are the parts of a stage's time none of which may miss an objective,
// and what is known of them.
type windows struct {
	worst   result.Slice // the one whose value is farthest on the wrong side; see better
	value   float64      // the worst one's
	missed  bool         // the worst one has missed the bound
	count   int          // of all
	few     int          // of those too few requests of which to say that they met the bound
	scanty  result.Slice // the first of these
	shorter bool         // the stage was shorter than a window, which is then all of it
}

// lookThrough judges every window of a stage that has a value, one beginning
// with each slice. A window misses the bound where it has enough requests for
// the indicator, or where it would miss it even if those that it lacks had been
// immediate and successful: then it is not one slow request that decides.
// ended is until when slices are complete; a later window is left out.
func lookThrough(o slo.Objective, s *result.Stage, ended time.Duration) (windows, bool) {
	var out windows
	var rank int
	for w := range slidingOver(s.Slices, o.Window) {
		if w.Offset+w.Width > ended {
			break
		}
		value, ok := ofPart(o.Indicator, w, s)
		if !ok {
			out.skip(w)
			continue
		}
		out.count++
		isMet := met(o, value)
		// Where one request is enough there is a value without any: a rate of 0.
		enough := Enough(o) == 1 || samples(o.Indicator, asStage(w)) >= Enough(o)
		missed := !isMet && (enough || missedAnyhow(o, asStage(w)))
		if !enough && !missed {
			out.lack(w)
		}
		// A missed window is worse than any other, and what is known of one with
		// enough requests counts before what is not known of another.
		r := 1
		switch {
		case missed:
			r = 3
		case enough:
			r = 2
		}
		if r > rank || r == rank && worse(o, value, out.value) {
			rank, out.worst, out.value, out.missed = r, w, value, missed
		}
	}
	out.shorter = len(s.Slices) > 0 && out.count == 1 && out.worst.Width < o.Window-windowRounding
	return out, rank > 0
}

// skip counts a window without any request: nothing can be said of it.
func (w *windows) skip(s result.Slice) {
	w.count++
	w.lack(s)
}

func (w *windows) lack(s result.Slice) {
	if w.few++; w.few == 1 {
		w.scanty = s
	}
}

// worse reports whether a value lies farther on the side where the objective
// is missed.
func worse(o slo.Objective, value, than float64) bool {
	switch {
	case o.Cmp == slo.EQ:
		return math.Abs(value-o.Bound) > math.Abs(than-o.Bound)
	case upward(o.Cmp):
		return value > than
	}
	return value < than
}

// missedAnyhow reports whether a window with too few requests would miss the
// bound even if those that it lacks had been the best possible.
func missedAnyhow(o slo.Objective, w *result.Stage) bool {
	best, ok := bestEnd(o, w, max(Enough(o), w.Counters.Judged()))
	return ok && !met(o, best)
}

// ofPart measures an indicator in a part of a stage's time. In a stage that was
// loaded, a part in which no request was due had no throughput, and no times.
func ofPart(ind slo.Indicator, part result.Slice, s *result.Stage) (float64, bool) {
	if part.Counters.Judged() == 0 && s.Counters.Judged() > 0 {
		switch ind.Kind {
		case slo.Throughput, slo.Goodput, slo.Requests, slo.Errors, slo.Timeouts, slo.Unsent:
			return 0, true
		}
	}
	return Measure(ind, asStage(part))
}

// asStage is a slice as what indicators are computed of.
func asStage(part result.Slice) *result.Stage {
	return &result.Stage{
		State: result.Completed, Duration: part.Width,
		Requests: result.Requests{Counters: part.Counters, Response: part.Response}, Cost: part.Cost,
	}
}

// windowRounding is what the widths of slices may lack to make up a window:
// blocks of a comparison end when their last request does.
const windowRounding = 20 * time.Millisecond

// slidingOver gives the sum of the slices of every window of at least a length,
// one beginning with each slice until the last window ends with the stage. A
// stage that is shorter is one window.
//
// Sums slide in constant time: the older slices of a window are kept as sums
// from each of them to the newest of them, the later ones as a single sum; when
// the older ones are used up, the later ones take their place. Adding up every
// window by itself would cost its length as often.
func slidingOver(list []result.Slice, length time.Duration) iter.Seq[result.Slice] {
	return func(yield func(result.Slice) bool) {
		var older []result.Slice // the oldest last
		var later result.Slice
		var first, split, next int // the window is list[first:next], later begins at split
		for {
			for next < len(list) && (next == first || until(list[next-1])-list[first].Offset < length-windowRounding) {
				if next == split {
					later = list[next]
				} else {
					later = added(later, list[next])
				}
				next++
			}
			if next == first {
				return
			}
			if first > 0 && until(list[next-1])-list[first].Offset < length-windowRounding {
				return
			}
			if len(older) == 0 {
				older, split = sumsToLast(list[first:next]), next
			}
			sum := older[len(older)-1]
			if split < next {
				sum = added(sum, later)
			}
			if !yield(sum) {
				return
			}
			older = older[:len(older)-1]
			first++
		}
	}
}

// sumsToLast gives for each slice the sum of it and all that follow, the first
// slice's last.
func sumsToLast(list []result.Slice) []result.Slice {
	sums := make([]result.Slice, 0, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		sum := list[i]
		if i < len(list)-1 {
			sum = added(sum, sums[len(sums)-1])
		}
		sums = append(sums, sum)
	}
	return sums
}

func until(s result.Slice) time.Duration { return s.Offset + s.Width }

// added adds a slice to the one before it.
func added(a, b result.Slice) result.Slice {
	a.Width += b.Width
	a.Counters.Add(b.Counters)
	a.Response = a.Response.Merge(b.Response)
	a.Cost = a.Cost.Add(b.Cost)
	return a
}

// note says what the value is that stands for all windows.
func (w *windows) note(length time.Duration) string {
	if w.shorter {
		return fmt.Sprintf("the stage was shorter than %s and is one window", quantity.Duration(length))
	}
	if w.count == 1 {
		return ""
	}
	return fmt.Sprintf("the worst of %d windows of %s", w.count, quantity.Duration(length))
}

// tooFew says which windows are short of requests.
func (w *windows) tooFew(o slo.Objective) string {
	which := fmt.Sprintf("in the window from %s", quantity.Duration(w.scanty.Offset))
	if w.few > 1 {
		which = fmt.Sprintf("in %d of %d windows, first in that from %s", w.few, w.count, quantity.Duration(w.scanty.Offset))
	}
	return tooFew(o, samples(o.Indicator, asStage(w.scanty))) + " " + which
}
