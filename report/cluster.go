package report

import (
	"fmt"
	"strings"

	"github.com/slogate/slogate/result"
)

func (b builder) timeline() *Timeline {
	t := b.run.Timeline
	if t == nil || len(t.Samples) == 0 {
		return nil
	}
	out := &Timeline{Source: b.name(t.Source), Name: b.name(t.Name), Limits: clusterLimits(t.Limits)}
	for i, s := range t.Samples {
		last := i == len(t.Samples)-1
		if i == 0 || last || differs(t.Samples[i-1], s) {
			out.Rows = append(out.Rows, b.timelineRow(s))
		}
	}
	return out
}

// differs reports whether something happened that a reader must see: usage
// moves all the time, replicas do not.
func differs(a, b result.ClusterSample) bool {
	return a.Ready != b.Ready || a.Replicas != b.Replicas || a.Desired != b.Desired || a.AtCeiling != b.AtCeiling
}

func (b builder) timelineRow(s result.ClusterSample) TimelineRow {
	var notes []string
	if s.AtCeiling {
		notes = append(notes, "at the ceiling")
	}
	if s.Throttled > 0 {
		notes = append(notes, "throttled "+share(s.Throttled)+" of the time")
	}
	return TimelineRow{
		At:       since(s.At.Sub(b.run.Start)),
		Ready:    fmt.Sprint(s.Ready),
		Replicas: fmt.Sprint(s.Replicas),
		Desired:  fmt.Sprint(s.Desired),
		Wanted:   fmt.Sprint(s.Wanted),
		CPU:      share(s.CPU),
		Note:     strings.Join(notes, ", "),
	}
}

// clusterLimits says in words what the autoscaler and the pods are allowed.
func clusterLimits(l result.ClusterLimits) string {
	var parts []string
	if l.MaxReplicas > 0 {
		parts = append(parts, fmt.Sprintf("%d to %s", l.MinReplicas, plural(l.MaxReplicas, "replica")))
	}
	if l.TargetCPU > 0 {
		parts = append(parts, "target "+share(l.TargetCPU)+" of the CPU request")
	}
	if l.RequestMilli > 0 {
		parts = append(parts, fmt.Sprintf("request %dm", l.RequestMilli))
	}
	if l.LimitMilli > 0 {
		parts = append(parts, fmt.Sprintf("limit %dm", l.LimitMilli))
	}
	return strings.Join(parts, ", ")
}
