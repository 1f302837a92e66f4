package result

import "time"

// Timeline is what was seen of the service's replicas during the run.
type Timeline struct {
	Source  string          `json:"source"` // "demo" or "kubernetes"
	Name    string          `json:"name"`   // of the autoscaler or deployment
	Limits  ClusterLimits   `json:"limits"`
	Samples []ClusterSample `json:"samples"` // in order of time, about one a second
}

// ClusterLimits is what the autoscaler and the pods are allowed. Zero: unknown.
type ClusterLimits struct {
	MinReplicas  int     `json:"min_replicas,omitempty"`
	MaxReplicas  int     `json:"max_replicas,omitempty"`
	TargetCPU    float64 `json:"target_cpu,omitempty"`       // share of the request, 0.5 is 50 %
	RequestMilli int     `json:"request_millicpu,omitempty"` // a pod's CPU request
	LimitMilli   int     `json:"limit_millicpu,omitempty"`   // a pod's CPU limit
}

// ClusterSample is the state of the service's replicas at one moment.
type ClusterSample struct {
	At           time.Time `json:"at"`
	Ready        int       `json:"ready"`                   // pods that answer
	Replicas     int       `json:"replicas"`                // pods that exist
	Desired      int       `json:"desired"`                 // what the autoscaler set, within its limits
	Wanted       int       `json:"wanted"`                  // ⌈replicas·usage/target⌉, what it would set without its ceiling
	UsageMilli   float64   `json:"usage_millicpu"`          // of all pods together
	CPU          float64   `json:"cpu"`                     // mean usage as a share of the request
	Throttled    float64   `json:"throttled,omitempty"`     // share of time in which pods waited for their CPU limit
	AtCeiling    bool      `json:"at_ceiling,omitempty"`    // the autoscaler wants more than its maximum
	RefusedTotal int64     `json:"refused_total,omitempty"` // requests turned away by full queues, where the source tells
}
