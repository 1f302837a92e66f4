package diagnose

import (
	"fmt"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// ownShare is the part of a p95 from which on the generator's own lateness
// spoils it.
const ownShare = 0.2

// generatorLate finds open stages whose arrivals the generator itself started
// too late, or that waited for one of its connections. Signs are the part of the
// response time that is its own, its processor time, what it did not come to, and
// how long arrivals waited.
func generatorLate(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		if !l.open() {
			continue
		}
		if signs := lateSigns(l); len(signs) > 0 {
			found = append(found, lateFinding(l, signs))
		}
	}
	return found
}

func lateSigns(l level) []string {
	var signs []string
	all, _ := l.Response.Quantile(19, 20)
	without, ok := l.OnTime.Quantile(19, 20)
	if late, _ := l.Generator.Lateness.Quantile(19, 20); ok && float64(all-without) > ownShare*float64(all) {
		signs = append(signs, fmt.Sprintf("p95 is %s, and would be %s without the generator's own lateness (p95 of it: %s)", quantity.Duration(all), quantity.Duration(without), quantity.Duration(late)))
	}
	if why := l.generatorLimited(); why != "" {
		signs = append(signs, why)
	}
	total := float64(l.Counters.Due())
	mean, _ := l.Response.Mean()
	if wait := l.Generator.ConnectionWait.Seconds(); wait > ownShare*total*mean.Seconds() {
		signs = append(signs, fmt.Sprintf("arrivals waited %s for a free connection or user on average, of a mean response time of %s", seconds(wait/total), quantity.Duration(mean)))
	}
	return signs
}

func lateFinding(l level, signs []string) result.Finding {
	return sure(result.Finding{
		Rule:     "generator",
		Stage:    l.Name,
		Title:    fmt.Sprintf("the generator is a part of what was measured at %s", l.offered()),
		Evidence: signs,
		Suggestion: []string{
			"raise limits.connections where arrivals wait for a connection",
			"give the generator more CPU, or run it on another machine than the service",
			"lower the rate, or spread it over several generators",
		},
		Disproof: "the same stage from another machine with the same times",
	}, len(signs))
}
