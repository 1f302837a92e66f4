package gate

import (
	"fmt"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Held is how one rate of a search was judged.
type Held struct {
	Verdict result.Verdict // pass, fail or inconclusive
	Near    bool           // by an objective whose bound lies within the interval of what was measured
	Reason  string         // of another verdict than pass
}

// A rate is achieved where so much of what was due was sent, and nothing piles
// up: at the end at most twice as many requests are in flight as in the middle,
// and a few.
const (
	achieved    = 0.98
	growth      = 2
	fewInFlight = 5
)

// Holds judges what a search measured at one rate by the objectives that steer
// it: none may be missed, and those that can fail the run must be met. The rate
// must have been achieved besides.
func Holds(plan slo.Stage, s *result.Stage) Held {
	if why := leftUnsent(s); why != "" {
		return Held{Verdict: result.Inconclusive, Reason: why} // what piles up is the generator's
	}
	stage := judgedStage{plan: plan, measured: s, answered: answered(s)}
	out := Held{Verdict: result.Pass}
	for _, o := range plan.Objectives {
		if !o.Steers() {
			continue
		}
		t := newTrial(o, stage)
		verdict, why := t.judge()
		near := t.bounded && t.interval.near(o) && !(verdict == result.Pass && t.interval.open)
		switch {
		case verdict == result.Fail || verdict == result.Warn:
			return Held{result.Fail, near, t.missed()}
		case verdict == result.Inconclusive && o.Severity == slo.Fail && out.Verdict == result.Pass:
			out.Verdict, out.Reason = verdict, o.Text+": "+why
		}
		out.Near = out.Near || near
	}
	if why := piledUp(s); why != "" {
		return Held{Verdict: result.Fail, Reason: why}
	}
	return out
}

// missed is an objective with what was measured in its place.
func (t *trial) missed() string {
	if !t.measured {
		return t.Text
	}
	value, bound := quantity.Distinct(string(t.Indicator.Unit()), t.value, t.Bound)
	if t.atLeast() {
		value = "at least " + value
	}
	return fmt.Sprintf("%s was %s, not %s %s", t.Indicator, value, t.Cmp, bound)
}

// piledUp says why a rate was not achieved, empty where it was.
func piledUp(s *result.Stage) string {
	due := s.Counters.Due()
	if sent := 1 - float64(s.Counters.Unsent)/float64(max(due, 1)); sent < achieved {
		return fmt.Sprintf("only %s of the due requests were sent", quantity.Share(sent))
	}
	n := len(s.InFlight)
	if n < 2 {
		return ""
	}
	middle, end := s.InFlight[(n-1)/2], s.InFlight[n-1]
	if end > growth*middle+fewInFlight {
		return fmt.Sprintf("requests piled up: %d were in flight in the middle, %d at the end", middle, end)
	}
	return ""
}

// capacityOf is what a search found.
func capacityOf(s *result.Stage) (float64, bool) {
	if s.Search == nil || s.Search.Unclear != "" {
		return 0, false
	}
	return s.Search.Capacity, true
}

// capacityInterval is the bracket of a search: up to the lowest rate that
// missed the objectives.
func capacityInterval(s *result.Stage) (interval, bool) {
	value, ok := capacityOf(s)
	if !ok {
		return interval{}, false
	}
	return interval{lower: value, upper: s.Search.Below, open: s.Search.Below == 0}, true
}

// capacityUnknown says why a search found no rate.
func (t *trial) capacityUnknown() string {
	switch s := t.s.Search; {
	case s == nil:
		return "the search did not come to an end"
	case s.Unclear != "":
		return s.Unclear
	}
	return ""
}
