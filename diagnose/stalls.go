package diagnose

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
)

const (
	// stallsNeeded is how many stalls make a period: three distances.
	stallsNeeded = 4
	// stallDistance is how many slices must lie between two stalls: what comes
	// more often is in every slice.
	stallDistance = 3
)

// stall is a group of neighbouring slices with far longer response times than
// the others.
type stall struct {
	slice   int // the first one
	longest time.Duration
}

// periodicStalls finds stages in which the service stands still again and again,
// at equal distances: garbage collection, a cron job, a flush. That stalls stand
// out is one sign, that they are periodic another, a third that they are alike in
// length.
func periodicStalls(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		if !l.even() {
			continue
		}
		if stalls := l.stalls(); periodic(stalls) {
			found = append(found, doubt(stallFinding(l, stalls), l))
		}
	}
	return found
}

// stalls are where the longest response of a slice is above three times the
// median slice's and clear of their spread.
func (l level) stalls() []stall {
	c := l.course(lnLongest)
	if c.len() < courseSlices {
		return nil
	}
	centre := stats.Median(c.value)
	off := make([]float64, c.len())
	for i, x := range c.value {
		off[i] = math.Abs(x - centre)
	}
	limit := centre + max(math.Log(3), 4*1.4826*stats.Median(off))
	var all []stall
	for i, x := range c.value {
		if x <= limit {
			continue
		}
		longest := time.Duration(math.Exp(x) * 1e9)
		if last := len(all) - 1; last >= 0 && i > 0 && c.value[i-1] > limit {
			all[last].longest = max(all[last].longest, longest)
			continue
		}
		all = append(all, stall{c.slices[i], longest})
	}
	return all
}

// periodic reports whether stalls come at distances that differ by at most two
// slices: each begins somewhere within its slice.
func periodic(stalls []stall) bool {
	d := distances(stalls)
	if len(d) < stallsNeeded-1 {
		return false
	}
	least, most := slices.Min(d), slices.Max(d)
	slack := 1
	if least > 8 {
		slack = 2
	}
	return least >= stallDistance && most-least <= slack
}

func distances(stalls []stall) []int {
	var d []int
	for i := 1; i < len(stalls); i++ {
		d = append(d, stalls[i].slice-stalls[i-1].slice)
	}
	return d
}

func stallFinding(l level, stalls []stall) result.Finding {
	first, last := stalls[0], stalls[len(stalls)-1]
	period := (l.Slices[last.slice].Offset - l.Slices[first.slice].Offset) / time.Duration(len(stalls)-1)
	var lengths []float64
	var at []string
	for _, s := range stalls {
		lengths = append(lengths, s.longest.Seconds())
		at = append(at, span(l.Slices[s.slice].Offset))
	}
	length := stats.Median(lengths)
	usual := time.Duration(math.Exp(stats.Median(l.course(lnLongest).value)) * 1e9)
	f := result.Finding{
		Rule:  "periodic-stalls",
		Stage: l.Name,
		Since: l.Slices[first.slice].Offset,
		Title: fmt.Sprintf("the service stands still for about %s every %s", seconds(length), span(period.Round(100*time.Millisecond))),
		Evidence: []string{
			fmt.Sprintf("the longest response of a second is about %s in %d places and %s in the others", seconds(length), len(stalls), span(usual)),
			fmt.Sprintf("they come at equal distances: at %s", list(at, 8)),
		},
		Suggestion: []string{
			fmt.Sprintf("look for what the service or its machine does every %s: garbage collection, a flush or snapshot, a cron job, a health check that blocks",
				span(period.Round(100*time.Millisecond))),
			fmt.Sprintf("spread that work out, or move it out of the way of requests: now %s of the time stands still", percent(length/period.Seconds())),
		},
		Disproof: "a trace or a log of the service that shows nothing at these moments: then the machine or the network stood still",
	}
	signs := 2
	if slices.Max(lengths) <= 2*slices.Min(lengths) {
		signs++
		f.Evidence = append(f.Evidence, fmt.Sprintf("they are alike: %s to %s", seconds(slices.Min(lengths)), seconds(slices.Max(lengths))))
	}
	return sure(f, signs)
}

// list joins texts, the first n of them.
func list(texts []string, n int) string {
	out, more := "", ""
	if len(texts) > n {
		texts, more = texts[:n], ", …"
	}
	for i, t := range texts {
		if i > 0 {
			out += ", "
		}
		out += t
	}
	return out + more
}
