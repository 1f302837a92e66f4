package kube

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxNodes is how many kubelets are asked: each answers with the numbers of all
	// of its containers.
	maxNodes = 3
	// maxMetrics is above the metrics of a node with 100 pods.
	maxMetrics = 16 << 20
)

// kubelets is what the kubelets have counted so far.
type kubelets struct {
	periods, throttled map[string]float64 // by container
}

// readThrottling asks the kubelets of the pods' nodes in which periods of the
// scheduler the pods used up their CPU limit. It needs a right that few roles
// have.
func (w *Watcher) readThrottling(ctx context.Context) error {
	nodes := w.nodes()
	if len(nodes) == 0 {
		return errWaiting
	}
	now := kubelets{periods: map[string]float64{}, throttled: map[string]float64{}}
	for _, node := range nodes {
		var text []byte
		path := "/api/v1/nodes/" + url.PathEscape(node) + "/proxy/metrics/cadvisor"
		if err := w.client.Do(ctx, Call{Path: path, Most: maxMetrics, Within: 3 * time.Second}, &text); err != nil {
			w.throttled = 0
			return err
		}
		now.read(string(text), w.client.Namespace, w.podNames())
	}
	w.throttled = now.since(w.kubelets)
	w.kubelets = now
	return nil
}

// nodes are the first few that pods with a CPU limit run on.
func (w *Watcher) nodes() []string {
	var all []string
	for _, p := range w.pods {
		if p.counts() && p.Spec.NodeName != "" && p.limit() > 0 {
			all = append(all, p.Spec.NodeName)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxNodes)]
}

func (w *Watcher) podNames() map[string]bool {
	names := map[string]bool{}
	for _, p := range w.pods {
		names[p.Metadata.Name] = true
	}
	return names
}

// read takes the counters of some pods out of metrics in the text format of
// Prometheus.
func (k *kubelets) read(text, namespace string, pods map[string]bool) {
	for line := range strings.Lines(text) {
		into := k.periods
		labels, found := strings.CutPrefix(line, "container_cpu_cfs_periods_total{")
		if !found {
			into = k.throttled
			if labels, found = strings.CutPrefix(line, "container_cpu_cfs_throttled_periods_total{"); !found {
				continue
			}
		}
		labels, value, closed := strings.Cut(labels, "} ")
		pod := label(labels, "pod")
		fields := strings.Fields(value)
		if !closed || len(fields) == 0 || label(labels, "namespace") != namespace || !pods[pod] || label(labels, "container") == "" {
			continue
		}
		if v, err := strconv.ParseFloat(fields[0], 64); err == nil && v >= 0 {
			into[pod+" "+label(labels, "container")+" "+label(labels, "id")] = v
		}
	}
}

// label gives the value of a label. Names of Kubernetes need no escapes.
func label(labels, name string) string {
	for part := range strings.SplitSeq(labels, ",") {
		if value, found := strings.CutPrefix(part, name+`="`); found {
			return strings.TrimSuffix(value, `"`)
		}
	}
	return ""
}

// since is the share of the periods since an earlier reading in which
// containers stood still; 0 where there were none.
func (k kubelets) since(before kubelets) float64 {
	var periods, throttled float64
	for id, n := range k.periods {
		old, known := before.periods[id]
		if !known || n < old {
			continue
		}
		periods += n - old
		throttled += max(k.throttled[id]-before.throttled[id], 0)
	}
	if periods == 0 {
		return 0
	}
	return min(throttled/periods, 1)
}
