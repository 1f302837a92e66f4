package kube

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/slogate/slogate/result"
)

// eventKey tells events apart: one that is told again has another time and
// count.
type eventKey struct{ object, reason, message string }

// maxMessage is how much of an event's message is kept.
const maxMessage = 200

// notable are the events of normal operation that a reader of a load test wants
// to see. The others, of each pod's start, would hide them.
var notable = []string{"SuccessfulRescale", "ScalingReplicaSet", "Killing", "Evicted", "EvictionByEvictionAPI", "TaintManagerEviction", "Preempted", "TriggeredScaleUp"}

func (w *Watcher) readEvents(ctx context.Context) error {
	var list eventList
	query := url.Values{"limit": {"500"}}
	if err := w.client.Get(ctx, w.namespaced("/api/v1", "events", ""), query, &list); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range list.Items {
		if !e.at().Before(w.began) && w.concerns(e) {
			w.keepEvent(e)
		}
	}
	return nil
}

// concerns reports an event of the autoscaler, of what it scales or of one of
// its pods that a reader wants to see.
func (w *Watcher) concerns(e event) bool {
	if e.Type == "Normal" && !slices.Contains(notable, e.Reason) {
		return false
	}
	scaled := w.target.Deployment
	if w.hpa != nil {
		scaled = w.hpa.Spec.ScaleTargetRef.Name
	}
	name := e.InvolvedObject.Name
	switch e.InvolvedObject.Kind {
	case "HorizontalPodAutoscaler":
		return name == w.target.HPA
	case "Pod", "ReplicaSet": // their names begin with that of what made them
		return scaled != "" && strings.HasPrefix(name, scaled+"-")
	}
	return name == scaled && name != ""
}

// keepEvent keeps the first ones that there is room for.
func (w *Watcher) keepEvent(e event) {
	kept := result.ClusterEvent{
		At:      e.at(),
		Object:  cut(e.InvolvedObject.Kind, maxName) + "/" + cut(e.InvolvedObject.Name, maxName),
		Reason:  cut(e.Reason, maxName),
		Message: cut(strings.TrimSpace(e.Message), maxMessage),
		Count:   e.count(),
	}
	key := eventKey{kept.Object, kept.Reason, kept.Message}
	if _, known := w.events[key]; known || len(w.events) < result.MaxClusterEvents {
		w.events[key] = kept
	}
}
