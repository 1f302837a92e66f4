package kube

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// The parts of the API's objects that are looked at.

type meta struct {
	Name              string     `json:"name"`
	UID               string     `json:"uid"`
	DeletionTimestamp *time.Time `json:"deletionTimestamp"`
}

type condition struct {
	Type   string `json:"type"`
	Status string `json:"status"`
	Reason string `json:"reason"`
}

// autoscaler is a HorizontalPodAutoscaler of autoscaling/v2.
type autoscaler struct {
	Spec struct {
		ScaleTargetRef struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
			Name       string `json:"name"`
		} `json:"scaleTargetRef"`
		MinReplicas *int     `json:"minReplicas"`
		MaxReplicas int      `json:"maxReplicas"`
		Metrics     []metric `json:"metrics"`
	} `json:"spec"`
	Status struct {
		DesiredReplicas int         `json:"desiredReplicas"`
		CurrentMetrics  []metric    `json:"currentMetrics"`
		Conditions      []condition `json:"conditions"`
	} `json:"status"`
}

// metric is what the autoscaler looks at, in its spec with the target and in its
// status with the current value.
type metric struct {
	Type              string       `json:"type"`
	Resource          metricSource `json:"resource"`
	ContainerResource metricSource `json:"containerResource"`
	Pods              metricSource `json:"pods"`
	Object            metricSource `json:"object"`
	External          metricSource `json:"external"`
}

type metricSource struct {
	Name      string `json:"name"` // of a resource
	Container string `json:"container"`
	Metric    struct {
		Name string `json:"name"`
	} `json:"metric"`
	Target  metricValue `json:"target"`
	Current metricValue `json:"current"`
}

type metricValue struct {
	AverageUtilization int      `json:"averageUtilization"` // percent of the request
	AverageValue       quantity `json:"averageValue"`
	Value              quantity `json:"value"`
}

func (m metric) source() metricSource {
	switch m.Type {
	case "Resource":
		return m.Resource
	case "ContainerResource":
		return m.ContainerResource
	case "Pods":
		return m.Pods
	case "Object":
		return m.Object
	case "External":
		return m.External
	}
	return metricSource{}
}

// key tells the metrics of an autoscaler apart.
func (m metric) key() string {
	s := m.source()
	return strings.Join([]string{m.Type, s.Name, s.Container, s.Metric.Name}, " ")
}

// ratio is how many times its target a current value is; 0 where it is not
// known.
func (current metricValue) ratio(target metricValue) float64 {
	switch {
	case target.AverageUtilization > 0:
		return float64(current.AverageUtilization) / float64(target.AverageUtilization)
	case target.AverageValue > 0:
		return float64(current.AverageValue / target.AverageValue)
	case target.Value > 0:
		return float64(current.Value / target.Value)
	}
	return 0
}

// workload is what is scaled: a Deployment, a StatefulSet or another kind with
// replicas and a selector.
type workload struct {
	Spec struct {
		Replicas *int `json:"replicas"`
		Selector struct {
			MatchLabels      map[string]string `json:"matchLabels"`
			MatchExpressions []struct {
				Key      string   `json:"key"`
				Operator string   `json:"operator"`
				Values   []string `json:"values"`
			} `json:"matchExpressions"`
		} `json:"selector"`
	} `json:"spec"`
	Status struct {
		Replicas      int `json:"replicas"`
		ReadyReplicas int `json:"readyReplicas"`
	} `json:"status"`
}

// selector gives the labels of the pods as a query has them; empty where there
// are none, which would be every pod.
func (w workload) selector() string {
	var parts []string
	for key, value := range w.Spec.Selector.MatchLabels {
		parts = append(parts, key+"="+value)
	}
	for _, e := range w.Spec.Selector.MatchExpressions {
		list := "(" + strings.Join(e.Values, ",") + ")"
		switch e.Operator {
		case "In":
			parts = append(parts, e.Key+" in "+list)
		case "NotIn":
			parts = append(parts, e.Key+" notin "+list)
		case "Exists":
			parts = append(parts, e.Key)
		case "DoesNotExist":
			parts = append(parts, "!"+e.Key)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

type podList struct {
	Items []pod `json:"items"`
}

type pod struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		NodeName   string `json:"nodeName"`
		Containers []struct {
			Resources struct {
				Requests resources `json:"requests"`
				Limits   resources `json:"limits"`
			} `json:"resources"`
		} `json:"containers"`
	} `json:"spec"`
	Status struct {
		Phase             string            `json:"phase"`
		Reason            string            `json:"reason"`
		Conditions        []condition       `json:"conditions"`
		ContainerStatuses []containerStatus `json:"containerStatuses"`
	} `json:"status"`
}

type resources struct {
	CPU    quantity `json:"cpu"`
	Memory quantity `json:"memory"`
}

type containerStatus struct {
	Name         string         `json:"name"`
	RestartCount int            `json:"restartCount"`
	State        containerState `json:"state"`
	LastState    containerState `json:"lastState"`
}

type containerState struct {
	Terminated *struct {
		Reason     string `json:"reason"`
		FinishedAt string `json:"finishedAt"`
	} `json:"terminated"`
}

func (p pod) is(kind string) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == kind {
			return c.Status == "True"
		}
	}
	return false
}

// counts reports whether a pod is one of the replicas: not one that has ended or
// is about to.
func (p pod) counts() bool {
	return p.Metadata.DeletionTimestamp == nil && p.Status.Phase != "Failed" && p.Status.Phase != "Succeeded"
}

func (p pod) ready() bool { return p.counts() && p.is("Ready") }

// evicted reports a pod that the cluster took away: for want of a resource on
// its node, by a drain, a taint or a pod of higher priority.
func (p pod) evicted() bool { return p.Status.Reason == "Evicted" || p.is("DisruptionTarget") }

func (p pod) restarts() int {
	n := 0
	for _, c := range p.Status.ContainerStatuses {
		n += min(max(c.RestartCount, 0), math.MaxInt32)
	}
	return n
}

func (p pod) request() (sum quantity) {
	for _, c := range p.Spec.Containers {
		sum += c.Resources.Requests.CPU
	}
	return sum
}

// limit is 0 where a container has none.
func (p pod) limit() (sum quantity) {
	for _, c := range p.Spec.Containers {
		if c.Resources.Limits.CPU == 0 {
			return 0
		}
		sum += c.Resources.Limits.CPU
	}
	return sum
}

// usageList is what metrics.k8s.io says of pods.
type usageList struct {
	Items []struct {
		Metadata   meta `json:"metadata"`
		Containers []struct {
			Usage resources `json:"usage"`
		} `json:"containers"`
	} `json:"items"`
}

type eventList struct {
	Metadata struct {
		Continue string `json:"continue"`
	} `json:"metadata"`
	Items []event `json:"items"`
}

type event struct {
	InvolvedObject struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	} `json:"involvedObject"`
	Type           string    `json:"type"`
	Reason         string    `json:"reason"`
	Message        string    `json:"message"`
	Count          int       `json:"count"`
	LastTimestamp  time.Time `json:"lastTimestamp"`
	EventTime      time.Time `json:"eventTime"`
	FirstTimestamp time.Time `json:"firstTimestamp"`
	Series         struct {
		Count            int       `json:"count"`
		LastObservedTime time.Time `json:"lastObservedTime"`
	} `json:"series"`
}

// at is when it was told last.
func (e event) at() time.Time {
	for _, t := range []time.Time{e.Series.LastObservedTime, e.LastTimestamp, e.EventTime} {
		if !t.IsZero() {
			return t
		}
	}
	return e.FirstTimestamp
}

func (e event) count() int { return max(cmp.Or(e.Series.Count, e.Count), 0) }
