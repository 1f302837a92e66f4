package diagnose

import (
	"fmt"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// retrograde finds a throughput that falls below 0.9 of the highest and stays
// there: more load makes the service do less, because its parts get into each
// other's way. Second signs are that a fifth is lost, which is more than runs
// differ, and that another heavier stage has lost as much. Where the service got
// less of the processor than before, something else may have taken it: a note. A
// stage that also fails is left to [collapse].
func retrograde(v *view) []result.Finding {
	var found []result.Finding
	for _, s := range v.series {
		if best, low, ok := s.falls(); ok && !s.collapses(low) {
			found = append(found, doubt(retrogradeFinding(s, best, low), low))
		}
	}
	return found
}

// falls returns the level of the highest throughput and the first heavier one
// from which on all stay below 0.9 of it.
func (s series) falls() (best, low level, ok bool) {
	for _, l := range s {
		switch {
		case best.Stage == nil || l.throughput > best.throughput:
			best, ok = l, false
		case l.throughput >= 0.9*best.throughput:
			ok = false
		case !ok && l.load > best.load:
			low, ok = l, true
		}
	}
	return best, low, ok
}

func retrogradeFinding(s series, best, low level) result.Finding {
	f := result.Finding{
		Rule:  "retrograde",
		Stage: low.Name,
		Title: fmt.Sprintf("more load makes the service slower than it can be: %s of its best throughput is lost", quantity.Share(1-low.throughput/best.throughput)),
		Evidence: []string{fmt.Sprintf("throughput %s at %s, %s at %s (%s), and no heavier stage recovers",
			quantity.Rate(best.throughput), best.offered(), quantity.Rate(low.throughput), low.offered(), change(best.throughput, low.throughput))},
		Suggestion: []string{
			fmt.Sprintf("limit what the service works on at the same time to what %s brings, and let the rest wait or refuse it with 429", best.offered()),
			"look for what requests share: a lock, a connection pool, memory, context switches; profile the heavier stage",
		},
		Disproof: fmt.Sprintf("a repeated run that finishes %s or more at %s", quantity.Rate(0.95*best.throughput), low.offered()),
	}
	if g := elasticity(best.mean.Seconds(), low.mean.Seconds(), best.load, low.load); g > 1 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("the mean of successful requests grows faster than the load: %s to %s (%s) while the load grows by %s",
			quantity.Duration(best.mean), quantity.Duration(low.mean), change(best.mean.Seconds(), low.mean.Seconds()), change(best.load, low.load)))
	}
	var signs []string
	if lost := 1 - low.throughput/best.throughput; lost >= 0.2 {
		signs = append(signs, fmt.Sprintf("%s is more than the throughput of one load differs from run to run", quantity.Share(lost)))
	}
	if last := s[len(s)-1]; last.load >= 1.1*low.load {
		signs = append(signs, fmt.Sprintf("it stays lost: %s at %s", quantity.Rate(last.throughput), last.offered()))
	}
	if a, b := best.cores(), low.cores(); a >= computes && b < 0.9*a {
		f.Evidence = append(f.Evidence, fmt.Sprintf("but the service got less of the processor: %s of it a second, %s before; something else on the machine may have taken it", seconds(b), seconds(a)))
		signs = nil
	}
	return signed(f, signs)
}
