package diagnose

import (
	"fmt"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// scaledOK is the success rate from which a load counts as met.
const scaledOK = 0.98

// scaled notes where the autoscaler added replicas and the load was met: for
// information, it asks for no change. Both signs are needed even so.
func scaled(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		from, to, ok := v.growth(l)
		if ok && l.ok >= scaledOK && !v.saturates(l) {
			peak, settled := cpu(v.during(l), to.At)
			found = append(found, scaledNote(l, from, to, peak, settled))
		}
	}
	return found
}

// growth returns the first sample of a stage and the first one with the most
// ready replicas, if these are more.
func (v *view) growth(l level) (from, to result.ClusterSample, grew bool) {
	samples := v.during(l)
	if len(samples) == 0 {
		return from, to, false
	}
	from, to = samples[0], samples[0]
	for _, s := range samples {
		if s.Ready > to.Ready {
			to = s
		}
	}
	return from, to, to.Ready > from.Ready && to.Desired > from.Ready
}

func scaledNote(l level, from, to result.ClusterSample, peak, settled float64) result.Finding {
	took := quantity.Duration(to.At.Sub(l.Start).Round(time.Second))
	f := result.Finding{
		Rule:  "scaled",
		Stage: l.Name,
		Title: fmt.Sprintf("scaling worked: %d → %d replicas within %s of the stage's start", from.Ready, to.Ready, took),
		Evidence: []string{
			fmt.Sprintf("ready at the start: %s; after %s: %d", plural(float64(from.Ready), "replica"), took, to.Ready),
			fmt.Sprintf("the load was met: %s at %s with %s of success", quantity.Rate(l.throughput), l.offered(), quantity.Share(l.ok)),
		},
		Note: true, // for information
	}
	if settled > 0.9*peak {
		return f
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("CPU went from %s of the request, before they were ready, to %s at the end of the stage", quantity.Share(peak), quantity.Share(settled)))
	return f
}

// cpu returns the highest CPU share of a stage until a moment, and the last.
func cpu(samples []result.ClusterSample, until time.Time) (peak, last float64) {
	for _, s := range samples {
		if s.At.Before(until) {
			peak = max(peak, s.CPU)
		}
		last = s.CPU
	}
	return peak, last
}
