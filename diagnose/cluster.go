package diagnose

import (
	"cmp"
	"slices"
	"time"

	"github.com/slogate/slogate/result"
)

// withPods returns the samples of a timeline, with the pods in each that the one
// before it lists: a timeline leaves out those that have not changed.
func withPods(t *result.Timeline) []result.ClusterSample {
	if t == nil {
		return nil
	}
	samples := slices.Clone(t.Samples)
	for i := 1; i < len(samples); i++ {
		if len(samples[i].Pods) == 0 && samples[i].Replicas > 0 {
			samples[i].Pods = samples[i-1].Pods
		}
	}
	return samples
}

// during returns the samples of the cluster while a stage ran.
func (v *view) during(l level) []result.ClusterSample {
	var within []result.ClusterSample
	end := l.Start.Add(l.Duration)
	for _, s := range v.samples {
		if !s.At.Before(l.Start) && !s.At.After(end) {
			within = append(within, s)
		}
	}
	return within
}

// since is from a stage's start to a moment.
func since(l level, at time.Time) time.Duration {
	return max(at.Sub(l.Start).Round(time.Second), 0)
}

// wanting returns the samples in which the autoscaler wanted more than its
// maximum.
func (v *view) wanting(l level) []result.ClusterSample {
	ceiling := v.during(l)
	return slices.DeleteFunc(ceiling, func(s result.ClusterSample) bool {
		return !s.AtCeiling && (v.timeline.Limits.MaxReplicas == 0 || s.Wanted <= v.timeline.Limits.MaxReplicas)
	})
}

// typical is the sample with the median wanted replicas: the autoscaler's
// figures swing, and a peak would ask for too much.
func typical(samples []result.ClusterSample) result.ClusterSample {
	sorted := slices.SortedStableFunc(slices.Values(samples), func(a, b result.ClusterSample) int {
		return cmp.Or(cmp.Compare(a.Wanted, b.Wanted), cmp.Compare(a.CPU, b.CPU))
	})
	return sorted[len(sorted)/2]
}
