package kube

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// api plays the API server of a small cluster: an autoscaler "web" of the
// Deployment "web" in the namespace "shop".
type api struct {
	mu      sync.Mutex
	answers map[string]http.HandlerFunc // by path, before all else
	asked   map[string]int              // how often, by path

	min, max, current, desired int
	usage                      int // percent of the request, as the autoscaler sees it; its target is 50
	limited                    bool
	pods                       []map[string]any
	events                     []map[string]any
	cadvisor                   string
}

const (
	hpaPath        = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web"
	deploymentPath = "/apis/apps/v1/namespaces/shop/deployments/web"
	podsPath       = "/api/v1/namespaces/shop/pods"
	usagePath      = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods"
	eventsPath     = "/api/v1/namespaces/shop/events"
	cadvisorPath   = "/api/v1/nodes/node-1/proxy/metrics/cadvisor"
)

func newAPI(t *testing.T) (*api, *Client) {
	a := &api{answers: map[string]http.HandlerFunc{}, asked: map[string]int{}, min: 1, max: 3, current: 1, desired: 1, usage: 20}
	a.pods = []map[string]any{aPod("web-1", true)}
	return a, clientOn(t, a.serve)
}

func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.asked[r.URL.Path]++
	answer := a.answers[r.URL.Path]
	if answer != nil {
		a.mu.Unlock()
		answer(w, r)
		return
	}
	defer a.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/pods") && r.URL.Query().Get("labelSelector") != "app=web,tier in (front,back)" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch r.URL.Path {
	case hpaPath:
		fmt.Fprintf(w, `{
			"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": %d, "maxReplicas": %d,
				"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]},
			"status": {"currentReplicas": %d, "desiredReplicas": %d,
				"currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": %d, "averageValue": "72m"}}}],
				"conditions": [{"type": "AbleToScale", "status": "True"}, {"type": "ScalingLimited", "status": "%s", "reason": "TooManyReplicas"}]}}`,
			a.min, a.max, a.current, a.desired, a.usage, map[bool]string{true: "True", false: "False"}[a.limited])
	case deploymentPath:
		fmt.Fprintf(w, `{"spec": {"replicas": %d, "selector": {"matchLabels": {"app": "web"},
			"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "back"]}]}},
			"status": {"replicas": %d, "readyReplicas": %d}}`, a.desired, len(a.pods), len(a.pods))
	case podsPath:
		list(w, a.pods)
	case usagePath:
		var items []map[string]any
		for _, p := range a.pods {
			items = append(items, map[string]any{
				"metadata":   map[string]any{"name": p["metadata"].(map[string]any)["name"]},
				"containers": []any{map[string]any{"usage": map[string]any{"cpu": "90000000n", "memory": "64Mi"}}},
			})
		}
		list(w, items)
	case eventsPath:
		list(w, a.events)
	case cadvisorPath:
		_, _ = w.Write([]byte(a.cadvisor))
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("404 page not found\n"))
	}
}

func list(w http.ResponseWriter, items []map[string]any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"items": items})
}

// change lets the cluster do something.
func (a *api) change(do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	do()
}

func (a *api) answer(path string, f http.HandlerFunc) { a.change(func() { a.answers[path] = f }) }

func (a *api) times(path string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked[path]
}

// says answers with a status and a message.
func says(status int, reason, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "reason": reason, "message": message})
	}
}

var forbidden = says(http.StatusForbidden, "Forbidden", `pods is forbidden: User "slogate" cannot list resource`)

// aPod is a pod of one container, with a request of 100m and a limit of 200m.
func aPod(name string, ready bool) map[string]any {
	status := "False"
	if ready {
		status = "True"
	}
	return map[string]any{
		"metadata": map[string]any{"name": name, "uid": "uid-" + name},
		"spec": map[string]any{"nodeName": "node-1", "containers": []any{map[string]any{
			"resources": map[string]any{"requests": map[string]any{"cpu": "100m"}, "limits": map[string]any{"cpu": "200m"}},
		}}},
		"status": map[string]any{
			"phase": "Running", "conditions": []any{map[string]any{"type": "Ready", "status": status}},
			"containerStatuses": []any{map[string]any{"name": "web", "restartCount": 0}},
		},
	}
}

// ended says how the container of a pod ended last, and how often it was
// restarted.
func ended(p map[string]any, restarts int, reason, at string) map[string]any {
	p["status"].(map[string]any)["containerStatuses"] = []any{map[string]any{
		"name": "web", "restartCount": restarts,
		"lastState": map[string]any{"terminated": map[string]any{"reason": reason, "finishedAt": at}},
	}}
	return p
}

func anEvent(at time.Time, kind, name, typ, reason, message string) map[string]any {
	return map[string]any{
		"involvedObject": map[string]any{"kind": kind, "name": name}, "type": typ, "reason": reason, "message": message,
		"count": 3, "lastTimestamp": at.UTC().Format(time.RFC3339), "eventTime": nil,
	}
}
