package diagnose

import (
	"fmt"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

const (
	// littleGap is how far X·(R+Z) may lie from the workers that there were.
	littleGap = 0.10
	// ownGap is what counts as the generator's loss when another sign says that
	// it was busy.
	ownGap = 0.05
)

// littlesLaw compares the workers of a closed stage with X·(R+Z): throughput
// times response time and pause. What is missing is time in which workers did
// not wait for the service. It can only be computed where nearly all requests
// succeeded, because how long the others kept a worker busy is not recorded.
func littlesLaw(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		if l.open() || ramp(l.Workload) || l.load <= 0 || l.ok < 0.99 {
			continue
		}
		gap, slack := workersLost(l)
		signs := 1
		if l.generatorLimited() != "" {
			signs++
		}
		switch {
		case gap > littleGap+slack, gap > ownGap+slack && signs > 1:
			found = append(found, idleFinding(l, gap, signs))
		case -gap > littleGap+slack:
			found = append(found, doubleFinding(l, gap))
		}
	}
	return found
}

// workersLost returns the share of the workers' time that neither a request nor
// a pause explains, and how much of it the end of the stage may cost: the last
// worker's last request, while the others have nothing left to do.
func workersLost(l level) (gap, slack float64) {
	longest, _ := l.OK.Max()
	gap = 1 - l.throughput*(l.mean+pause(l)).Seconds()/l.load
	return gap, min(longest.Seconds()/l.Duration.Seconds(), 1)
}

// pause is the mean planned pause for each request.
func pause(l level) time.Duration {
	return l.Generator.Pauses / time.Duration(l.Counters.Finished())
}

func little(l level) string {
	return fmt.Sprintf("Little's law: %s × (%s response + %s pause) = %s busy of %s",
		quantity.Rate(l.throughput), quantity.Duration(l.mean), quantity.Duration(pause(l)),
		quantity.Number(l.throughput*(l.mean+pause(l)).Seconds()), l.offered())
}

func idleFinding(l level, gap float64, signs int) result.Finding {
	f := result.Finding{
		Rule:     "generator",
		Stage:    l.Name,
		Title:    fmt.Sprintf("%s of the workers' time was spent neither waiting nor pausing: the generator may be the limit", quantity.Share(gap)),
		Evidence: []string{little(l)},
		Suggestion: []string{
			fmt.Sprintf("do not read the throughput of %s as the service's limit", quantity.Rate(l.throughput)),
			"run the generator on another machine than the service, or with fewer workers",
		},
		Disproof: "the same stage with a second generator on another machine that does not finish more",
	}
	f = sure(f, signs)
	if why := l.generatorLimited(); why != "" {
		f.Evidence = append(f.Evidence, why)
	}
	return f
}

func doubleFinding(l level, gap float64) result.Finding {
	return sure(result.Finding{
		Rule:     "littles-law",
		Stage:    l.Name,
		Title:    fmt.Sprintf("the figures hold %s more than the workers can do", quantity.Share(-gap)),
		Evidence: []string{little(l)},
		Suggestion: []string{
			"run the stage for longer: requests in flight at its end weigh less",
		},
		Disproof: "a longer stage with the same excess: then requests are counted twice",
	}, 1)
}
