package kube

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

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

// They are read in pages, in no order of time: the newest may be the last.
const (
	eventsPage = "500"
	eventPages = 5
)

func (w *Watcher) readEvents(ctx context.Context) error {
	query := url.Values{"limit": {eventsPage}}
	for range eventPages {
		var list eventList
		if err := w.client.Get(ctx, w.namespaced("/api/v1", "events", ""), query, &list); err != nil {
			return err
		}
		w.keepEvents(list.Items)
		if list.Metadata.Continue == "" {
			return nil
		}
		query.Set("continue", list.Metadata.Continue)
	}
	return fmt.Errorf("the namespace has more than %d times %s, the others were not looked at", eventPages, eventsPage)
}

// keepEvents keeps those of the time since the watching began. One of the future
// is a mistake.
func (w *Watcher) keepEvents(all []event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from, to := w.began.Add(w.ahead), time.Now().Add(w.ahead+time.Hour)
	for _, e := range all {
		if at := e.at(); !at.Before(from) && at.Before(to) && w.concerns(e) {
			w.keepEvent(e)
		}
	}
}

// made is how a name ends that Kubernetes gives to what it makes for a
// Deployment or a StatefulSet: a hash, an end at random or an ordinal. Their
// letters spell no words, so that the pods of "web-api" are not those of "web".
var made = regexp.MustCompile(`^-([bcdfghjklmnpqrstvwxz2456789]{1,10}(-?[bcdfghjklmnpqrstvwxz2456789]{5})?|[0-9]+)$`)

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
		end, found := strings.CutPrefix(name, scaled)
		return scaled != "" && found && made.MatchString(end)
	}
	return name == scaled && name != ""
}

// keepEvent keeps the first ones that there is room for.
func (w *Watcher) keepEvent(e event) {
	kept := result.ClusterEvent{
		At:      e.at().Add(-w.ahead),
		Object:  cut(e.InvolvedObject.Kind, maxName) + "/" + cut(e.InvolvedObject.Name, maxName),
		Reason:  cut(e.Reason, maxName),
		Message: w.client.Mask.Cut(strings.TrimSpace(e.Message), maxMessage),
		Count:   e.count(),
	}
	key := eventKey{kept.Object, kept.Reason, kept.Message}
	if _, known := w.events[key]; known || len(w.events) < result.MaxClusterEvents {
		w.events[key] = kept
	}
}
