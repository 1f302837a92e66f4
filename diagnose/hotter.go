package diagnose

import (
	"fmt"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

const (
	// hotterFunctions is how many functions a finding names; the profiles' tables
	// have more.
	hotterFunctions = 3
	// hotterCost is by how much the cost of a request must have grown to be the
	// second sign.
	hotterCost = 0.05
)

// hotter finds functions of head that take more of the CPU time than in base,
// by more than sampling explains. The second sign is that a request costs more
// CPU time.
func hotter(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		base := v.base.Stage(l.Name)
		if base == nil {
			continue
		}
		grown := l.Profile.Grown(base.Profile)
		if len(grown) == 0 {
			continue
		}
		f := result.Finding{
			Rule:  "hotter-function",
			Stage: l.Name,
			Title: fmt.Sprintf("head spends more of its CPU time in %s: %s, %s in base", grown[0].Name, quantity.Share(most(grown[0])), before(grown[0])),
			Suggestion: []string{
				"look at what the change does in or below these functions",
				fmt.Sprintf("compare the kept profiles: go tool pprof -top -diff_base profile-base-….pb.gz profile-head-….pb.gz, of stage %s", l.Name),
			},
			Disproof: "a repeated run in which these shares do not differ",
		}
		for _, g := range grown[:min(len(grown), hotterFunctions)] {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s: %s → %s in itself, %s → %s with what it calls (of %d and %d samples)",
				g.Name, quantity.Share(g.FlatBefore), quantity.Share(g.Flat), quantity.Share(g.CumBefore), quantity.Share(g.Cum), base.Profile.Samples, l.Profile.Samples))
		}
		var signs []string
		if was, is := perRequest(base), perRequest(l.Stage); was > 0 && is > was*(1+hotterCost) {
			signs = append(signs, fmt.Sprintf("a request costs more CPU time: %s", change(was, is)))
		}
		found = append(found, signed(f, signs))
	}
	return found
}

// most is the share that grew.
func most(g result.Growth) float64 {
	if g.InItself {
		return g.Flat
	}
	return g.Cum
}

func before(g result.Growth) string {
	share := g.CumBefore
	if g.InItself {
		share = g.FlatBefore
	}
	if g.New {
		return "less than " + quantity.Share(share)
	}
	return quantity.Share(share)
}

// perRequest is the CPU time of a finished request in seconds, 0 where it is
// not known.
func perRequest(s *result.Stage) float64 {
	if s.Cost == nil || s.Counters.Finished() == 0 {
		return 0
	}
	return s.Cost.CPU.Seconds() / float64(s.Counters.Finished())
}
