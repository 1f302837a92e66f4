package diagnose

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

const (
	// stallsNeeded is how many stalls make a period, in a stage of stallStage at
	// least: fewer come at equal distances by chance.
	stallsNeeded = 5
	stallStage   = 20 * time.Second
	// stallsMany is from when on one in six may be out of step, and stalls need
	// not be alike.
	stallsMany = 6
	// stallPeriod is how many slices must lie between two stalls: what comes
	// more often is in every slice.
	stallPeriod = 3
	// stallOff is how far a stall may be out of step, in slices: it lies
	// somewhere within its slice.
	stallOff = 0.65
	// stallFactor is how much longer than usual its longest response is.
	stallFactor = 4
)

// stall is a group of neighbouring slices with far longer response times than
// the others.
type stall struct {
	slice    int     // the first one
	last     int     // the last one
	centre   float64 // of the requests that waited, in slices from the stage's start
	requests int64   // that waited
	longest  time.Duration
}

// periodicStalls finds stages in which the service stands still again and again,
// at equal distances: garbage collection, a cron job, a flush. That stalls stand
// out is one sign, that they are periodic another, a third that they are alike in
// length.
func periodicStalls(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		if !l.even() || l.Duration < stallStage {
			continue
		}
		stalls := l.stalls()
		if period, ok := periodOf(stalls); ok {
			found = append(found, doubt(stallFinding(l, stalls, period), l))
		}
	}
	return found
}

// usualLongest is the longest response of a slice where nothing stalls: the lower
// quartile, because a stall that lies in two slices may be in half of them.
func (l level) usualLongest() (usual time.Duration, slices int) {
	c := l.course(lnLongest)
	if c.len() == 0 {
		return 0, 0
	}
	return time.Duration(math.Exp(stats.Quantile(c.value, 0.25)) * 1e9), c.len()
}

// stalls are where the longest response is stallFactor times the usual one.
func (l level) stalls() []stall {
	usual, n := l.usualLongest()
	if n < courseSlices {
		return nil
	}
	var all []stall
	for i, s := range l.Slices {
		longest, _ := s.Response.Max()
		waited := s.Response.Above(stallFactor * usual)
		if longest <= stallFactor*usual || waited == 0 || s.Width <= 0 {
			continue
		}
		if len(all) == 0 || all[len(all)-1].last != i-1 {
			all = append(all, stall{slice: i})
		}
		g := &all[len(all)-1]
		g.last, g.longest = i, max(g.longest, longest)
		g.centre += float64(waited) * float64(i)
		g.requests += waited
	}
	for i := range all {
		all[i].centre /= float64(all[i].requests)
	}
	return all
}

// periodOf is the time from one stall to the next in slices, where they come at
// equal distances.
func periodOf(stalls []stall) (float64, bool) {
	if len(stalls) < stallsNeeded {
		return 0, false
	}
	var at, number []float64
	for i, s := range stalls[:min(len(stalls), coursePoints)] {
		number = append(number, float64(i))
		at = append(at, s.centre)
	}
	period, _, _, _ := stats.Slope(number, at, 0.95)
	off := make([]float64, len(at))
	for i := range at {
		off[i] = at[i] - period*number[i]
	}
	start, out := stats.Median(off), 0
	for _, o := range off {
		if math.Abs(o-start) > stallOff {
			out++
		}
	}
	inStep := out == 0 && alike(stalls)
	if len(stalls) >= stallsMany {
		inStep = out <= len(at)/6
	}
	return period, inStep && period >= stallPeriod
}

// alike reports whether the longest of some stalls is at most twice the
// shortest.
func alike(stalls []stall) bool {
	least, most := stalls[0].longest, stalls[0].longest
	for _, s := range stalls {
		least, most = min(least, s.longest), max(most, s.longest)
	}
	return most <= 2*least
}

func stallFinding(l level, stalls []stall, slicesApart float64) result.Finding {
	first := stalls[0]
	period := time.Duration(slicesApart * float64(l.Slices[first.slice].Width))
	var lengths []float64
	var at []string
	for _, s := range stalls {
		lengths = append(lengths, s.longest.Seconds())
		at = append(at, quantity.Duration(l.Slices[int(math.Round(s.centre))].Offset))
	}
	length := stats.Median(lengths)
	usual, _ := l.usualLongest()
	f := result.Finding{
		Rule:  "periodic-stalls",
		Stage: l.Name,
		Since: l.Slices[first.slice].Offset,
		Title: fmt.Sprintf("the service stands still for about %s every %s", seconds(length), quantity.Duration(period.Round(100*time.Millisecond))),
		Evidence: []string{
			fmt.Sprintf("the longest response of a slice is about %s in %d places, usually %s", seconds(length), len(stalls), quantity.Duration(usual)),
			fmt.Sprintf("they come at equal distances: at %s", list(at, 8)),
		},
		Suggestion: []string{
			fmt.Sprintf("look for what the service or its machine does every %s: garbage collection, a flush or snapshot, a cron job, a health check that blocks",
				quantity.Duration(period.Round(100*time.Millisecond))),
			fmt.Sprintf("spread that work out, or move it out of the way of requests: now %s of the time stands still", quantity.Share(min(length/period.Seconds(), 1))),
		},
		Disproof: "a trace or a log of the service that shows nothing at these moments: then the machine or the network stood still",
	}
	signs := 2
	if alike(stalls) {
		signs++
		f.Evidence = append(f.Evidence, fmt.Sprintf("they are alike: %s to %s", seconds(slices.Min(lengths)), seconds(slices.Max(lengths))))
	}
	return sure(f, signs)
}

// list joins texts, the first n of them.
func list(texts []string, n int) string {
	if len(texts) > n {
		texts = append(slices.Clone(texts[:n]), "…")
	}
	return strings.Join(texts, ", ")
}
