package report

import (
	"fmt"
	"strings"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

func (b builder) timeline() *Timeline {
	t := b.run.Timeline
	if t == nil || len(t.Samples) == 0 && len(t.Missing) == 0 {
		return nil
	}
	out := &Timeline{
		Source: b.name(t.Source), Name: b.name(t.Name), Limits: clusterLimits(t.Limits),
		Events: b.clusterEvents(t.Events), Missing: b.sentences(t.Missing),
	}
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
	return a.Ready != b.Ready || a.Replicas != b.Replicas || a.Desired != b.Desired || a.AtCeiling != b.AtCeiling ||
		a.Restarts != b.Restarts || a.OOMKills != b.OOMKills || a.Evictions != b.Evictions
}

func (b builder) timelineRow(s result.ClusterSample) TimelineRow {
	var notes []string
	if s.AtCeiling {
		notes = append(notes, "at the ceiling")
	}
	if s.Throttled > 0 {
		notes = append(notes, "throttled "+quantity.Share(s.Throttled)+" of the time")
	}
	for _, n := range []struct {
		count int
		what  string
	}{{s.Restarts, "restart"}, {s.OOMKills, "OOM kill"}, {s.Evictions, "eviction"}} {
		if n.count > 0 {
			notes = append(notes, plural(n.count, n.what))
		}
	}
	return TimelineRow{
		At:       since(s.At.Sub(b.run.Start)),
		Ready:    fmt.Sprint(s.Ready),
		Replicas: fmt.Sprint(s.Replicas),
		Desired:  unlessZero(s.Desired),
		Wanted:   unlessZero(s.Wanted),
		CPU:      usage(s.CPU),
		Note:     strings.Join(notes, ", "),
	}
}

// unlessZero writes a number of replicas, of which no autoscaler wants none.
func unlessZero(n int) string {
	if n == 0 {
		return none
	}
	return fmt.Sprint(n)
}

// usage writes what the pods use; 0 is not known.
func usage(v float64) string {
	if v == 0 {
		return none
	}
	return quantity.Share(v)
}

func (b builder) clusterEvents(all []result.ClusterEvent) []ClusterEvent {
	var out []ClusterEvent
	for _, e := range all {
		event := ClusterEvent{
			At: since(e.At.Sub(b.run.Start)), Object: b.name(e.Object), Reason: b.name(e.Reason), Message: b.sentence(e.Message),
		}
		if e.Count > 1 {
			event.Count = plural(e.Count, "time")
		}
		out = append(out, event)
	}
	return out
}

// clusterLimits says in words what the autoscaler and the pods are allowed.
func clusterLimits(l result.ClusterLimits) string {
	var parts []string
	if l.MaxReplicas > 0 {
		parts = append(parts, fmt.Sprintf("%d to %s", l.MinReplicas, plural(l.MaxReplicas, "replica")))
	}
	if l.TargetCPU > 0 {
		parts = append(parts, "target "+quantity.Share(l.TargetCPU)+" of the CPU request")
	}
	if l.RequestMilli > 0 {
		parts = append(parts, fmt.Sprintf("request %dm", l.RequestMilli))
	}
	if l.LimitMilli > 0 {
		parts = append(parts, fmt.Sprintf("limit %dm", l.LimitMilli))
	}
	return strings.Join(parts, ", ")
}
