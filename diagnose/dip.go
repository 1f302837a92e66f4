package diagnose

import (
	"fmt"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// dip finds a stage whose throughput fell below 0.9 of the lighter one before
// it, while a heavier one was again at 0.95 of that: a disturbance, not the
// load. The second sign is that it was slower, or failed more, than the heavier
// one that recovered.
func dip(v *view) []result.Finding {
	var found []result.Finding
	for _, s := range v.series {
		for _, step := range s.steps() {
			before, low := step[0], step[1]
			if low.throughput >= 0.9*before.throughput || !s.returns(low, 0.95*before.throughput) {
				continue
			}
			found = append(found, doubt(dipFinding(s, before, low), low))
		}
	}
	return found
}

func dipFinding(s series, before, low level) result.Finding {
	var after level
	for _, l := range s {
		if l.load > low.load && l.throughput >= 0.95*before.throughput {
			after = l
			break
		}
	}
	f := result.Finding{
		Rule:  "dip",
		Stage: low.Name,
		Title: "throughput dipped here and recovered under more load: a disturbance, not the load",
		Evidence: []string{fmt.Sprintf("%s at %s, %s at %s (%s), %s at %s",
			quantity.Rate(before.throughput), before.offered(), quantity.Rate(low.throughput), low.offered(),
			change(before.throughput, low.throughput), quantity.Rate(after.throughput), after.offered())},
		Suggestion: []string{
			"run this stage again before acting on its figures",
			"look for what else ran at this time: a deployment, a cron job, garbage collection, a neighbour on the machine",
		},
		Disproof: "a repeated run that dips in the same stage",
	}
	var signs []string
	if low.mean > after.mean {
		signs = append(signs, fmt.Sprintf("the mean of successful requests was longer than under the heavier load: %s against %s", quantity.Duration(low.mean), quantity.Duration(after.mean)))
	}
	if after.ok-low.ok > 0.01 {
		signs = append(signs, fmt.Sprintf("the success rate was lower than under the heavier load: %s against %s", quantity.Share(low.ok), quantity.Share(after.ok)))
	}
	return signed(f, signs)
}
