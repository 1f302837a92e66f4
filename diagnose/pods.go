package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// unevenPods finds stages in which one pod uses more than twice the CPU of the
// others' median. The second sign is that connections were kept: a cluster's
// service spreads connections over pods, not requests.
func unevenPods(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		busiest, others, ok := v.pods(l)
		if !ok || busiest.usage <= 2*others {
			continue
		}
		found = append(found, podFinding(l, busiest, others))
	}
	return found
}

// pod is what one pod used on average while it was ready.
type pod struct {
	name  string
	usage float64 // thousandths of a core
	n     int     // samples
}

// pods returns the busiest pod of a stage and the median of the others. Pods
// that were not ready for half of the stage are left out.
func (v *view) pods(l level) (busiest pod, others float64, ok bool) {
	byName := map[string]*pod{}
	samples := v.during(l)
	for _, s := range samples {
		for _, p := range s.Pods {
			if !p.Ready {
				continue
			}
			if byName[p.Name] == nil {
				byName[p.Name] = &pod{name: p.Name}
			}
			byName[p.Name].usage += p.UsageMilli
			byName[p.Name].n++
		}
	}
	var all []pod
	for _, p := range byName {
		if 2*p.n >= len(samples) {
			all = append(all, pod{p.name, p.usage / float64(p.n), p.n})
		}
	}
	if len(all) < 2 {
		return pod{}, 0, false
	}
	slices.SortFunc(all, func(a, b pod) int { return cmp.Or(cmp.Compare(b.usage, a.usage), cmp.Compare(a.name, b.name)) })
	var rest []float64
	for _, p := range all[1:] {
		rest = append(rest, p.usage)
	}
	return all[0], stats.Median(rest), all[0].usage > 0
}

func podFinding(l level, busiest pod, others float64) result.Finding {
	f := result.Finding{
		Rule:     "uneven-pods",
		Stage:    l.Name,
		Title:    fmt.Sprintf("the load is spread unevenly: %s uses %s, the others %s", busiest.name, milli(busiest.usage), milli(others)),
		Evidence: []string{fmt.Sprintf("mean CPU of %s: %s, median of the other pods: %s", busiest.name, milli(busiest.usage), milli(others))},
		Suggestion: []string{
			"open connections anew in the test (http: {connections: new}), to see what the service does when they are spread",
			"balance requests, not connections: an ingress or a mesh in front of the service, or clients that close connections from time to time",
			"take more connections than pods: few clients with one connection each cannot be spread",
		},
		Disproof: "the same stage with new connections and the same difference: then a pod has other work, or a slower node",
	}
	var signs []string
	if g := l.Generator; g.Opened > 0 && g.Reused >= 10*g.Opened {
		signs = append(signs, fmt.Sprintf("connections are kept: %s for %s requests, and each stays on its pod", plural(float64(g.Opened), "connection"), quantity.Count(g.Opened+g.Reused)))
	}
	return signed(f, signs)
}

// pendingTime is for how long a pod may wait for a node before it is told.
const pendingTime = 5 * time.Second

// pendingPods finds pods that could not start, such as for want of room on a
// node. The second sign is what the cluster's scheduler says.
func pendingPods(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		if f, ok := v.pending(l); ok {
			found = append(found, f)
		}
	}
	return found
}

// wait is what pods did that were pending for pendingTime and more.
type wait struct {
	pods        int           // at the same time, at most
	longest     time.Duration // of one pod, without a break
	from, until time.Time
}

// waits finds the pods that were pending for long. Each counts for itself: that
// new pods are pending for a moment is nothing, however often it happens.
func (v *view) waits(l level) (w wait) {
	began := map[string]time.Time{} // of the pods that are pending
	for _, s := range v.during(l) {
		pending := map[string]time.Time{}
		n := 0
		for _, p := range s.Pods {
			if p.Phase != "Pending" {
				continue
			}
			from, goesOn := began[p.Name]
			if !goesOn {
				from = s.At
			}
			pending[p.Name] = from
			if took := s.At.Sub(from); took >= pendingTime {
				n++
				w.longest = max(w.longest, took)
				if w.until = s.At; w.from.IsZero() || from.Before(w.from) {
					w.from = from
				}
			}
		}
		began, w.pods = pending, max(w.pods, n)
	}
	return w
}

func (v *view) pending(l level) (result.Finding, bool) {
	w := v.waits(l)
	if w.pods == 0 {
		return result.Finding{}, false
	}
	f := result.Finding{
		Rule:     "pending-pods",
		Stage:    l.Name,
		Since:    since(l, w.from),
		Title:    fmt.Sprintf("%s could not start for %s", plural(float64(w.pods), "pod"), quantity.Duration(w.longest.Round(time.Second))),
		Evidence: []string{fmt.Sprintf("at most %s pending, from %s to %s", plural(float64(w.pods), "pod"), quantity.Duration(since(l, w.from)), quantity.Duration(since(l, w.until)))},
		Suggestion: []string{
			"lower the CPU and memory requests of the pods to what they use, where they use less",
			"let a cluster autoscaler add nodes, or add one; nodes take minutes, so keep some room ahead of a peak",
		},
		Disproof: "pods that are pending for another reason in kubectl describe pod: an image, a volume, a quota",
	}
	var signs []string
	for _, e := range v.timeline.Events {
		if e.Reason == "FailedScheduling" && !e.At.Before(l.Start) && !e.At.After(l.Start.Add(l.Duration)) {
			signs = append(signs, fmt.Sprintf("the scheduler says of %.100s: %.200q", e.Object, e.Message))
			break
		}
	}
	return signed(f, signs), true
}
