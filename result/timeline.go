package result

import "time"

// Timeline is what was seen of the service's replicas during the run.
type Timeline struct {
	Source  string          `json:"source"` // "demo" or "kubernetes"
	Name    string          `json:"name"`   // of the autoscaler or deployment
	Limits  ClusterLimits   `json:"limits"`
	Samples []ClusterSample `json:"samples"` // in order of time, about one a second
	Events  []ClusterEvent  `json:"events,omitempty"`
	Missing []string        `json:"missing,omitempty"` // what could not be seen, and why
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
	MemoryBytes  int64     `json:"memory_bytes,omitempty"`  // of all pods together
	Restarts     int       `json:"restarts,omitempty"`      // of the pods' containers since the run's start
	OOMKills     int       `json:"oom_kills,omitempty"`     // those of them for want of memory
	Evictions    int       `json:"evictions,omitempty"`     // pods that the cluster took away since the run's start
	// Pods in the order of their names. They are listed where one has changed, or
	// ten seconds after they were; at most [MaxPods].
	Pods []ClusterPod `json:"pods,omitempty"`
}

// MaxPods is how many pods a sample lists: an hour of them stays below 1 MB.
const MaxPods = 20

// MaxClusterEvents is how many events a timeline of one watcher holds.
const MaxClusterEvents = 100

// ClusterPod is one pod at one moment.
type ClusterPod struct {
	Name        string  `json:"name"`
	Phase       string  `json:"phase,omitempty"` // as Kubernetes calls it: Pending, Running, …
	Ready       bool    `json:"ready,omitempty"`
	Restarts    int     `json:"restarts,omitempty"`
	UsageMilli  float64 `json:"usage_millicpu,omitempty"`
	MemoryBytes int64   `json:"memory_bytes,omitempty"`
}

// ClusterEvent is something that the cluster told of the service's objects.
type ClusterEvent struct {
	At      time.Time `json:"at"`
	Object  string    `json:"object"` // kind and name, "Pod/web-1"
	Reason  string    `json:"reason"` // such as "FailedScheduling"
	Message string    `json:"message,omitempty"`
	Count   int       `json:"count,omitempty"` // how often until At
}
