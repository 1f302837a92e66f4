package result

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ClusterUse is what the service's replicas did during a stage, as far as it was
// seen.
type ClusterUse struct {
	ReplicasMax int           `json:"replicas_max,omitempty"` // pods at the same time; 0: not known
	ScaleUp     time.Duration `json:"scale_up_ns,omitempty"`  // from the stage's start until more pods were ready than then; 0: no more became
	CPUMax      float64       `json:"cpu_max,omitempty"`      // the most that the pods used, as a share of their request; 0: not known
	Cores       float64       `json:"cores,omitempty"`        // that all pods together used on average, once their usage is the stage's; 0: not known
	MemoryMax   int64         `json:"memory_max,omitempty"`   // bytes of all pods together, the most that was seen; 0: not known
	Restarts    *int          `json:"restarts,omitempty"`     // of the pods' containers; nil: no pod was seen
}

// ClusterUseOf is what samples in order of time show of the time between two
// moments; nil where there is none in it.
func ClusterUseOf(samples []ClusterSample, from, to time.Time) *ClusterUse {
	within := slices.DeleteFunc(slices.Clone(samples), func(s ClusterSample) bool { return s.At.Before(from) || s.At.After(to) })
	if len(within) == 0 {
		return nil
	}
	before := within[0]
	for _, s := range samples {
		if s.At.After(from) {
			break
		}
		before = s
	}
	use := &ClusterUse{Restarts: restartsSince(before, within), Cores: cores(within, from, to)}
	for _, s := range within {
		use.ReplicasMax = max(use.ReplicasMax, s.Replicas)
		use.CPUMax = max(use.CPUMax, s.CPU)
		use.MemoryMax = max(use.MemoryMax, s.MemoryBytes)
		if use.ScaleUp == 0 && s.Ready > before.Ready {
			use.ScaleUp = s.At.Sub(from)
		}
	}
	return use
}

// usageLags is how late the usage of pods may be: a metrics server tells a mean
// over up to half a minute, which it has read up to half a minute ago.
const usageLags = time.Minute

// cores is the mean usage of the samples that lie long enough within a stage to
// tell of nothing before it; 0 where that is less than a minute of it.
func cores(within []ClusterSample, from, to time.Time) float64 {
	settled := slices.DeleteFunc(slices.Clone(within), func(s ClusterSample) bool {
		return s.At.Sub(from) < usageLags || s.UsageMilli <= 0
	})
	const fewest = 10
	if to.Sub(from) < 2*usageLags || len(settled) < fewest {
		return 0
	}
	var sum float64
	for _, s := range settled {
		sum += s.UsageMilli / 1000
	}
	return sum / float64(len(settled))
}

// restartsSince is how often containers were restarted; nil where no sample
// lists pods.
func restartsSince(before ClusterSample, within []ClusterSample) *int {
	if !slices.ContainsFunc(within, func(s ClusterSample) bool { return len(s.Pods) > 0 }) {
		return nil
	}
	most := 0
	for _, s := range within {
		most = max(most, s.Restarts-before.Restarts)
	}
	return &most
}

// add returns what was seen in two parts of a stage that follow each other.
func (u *ClusterUse) add(next *ClusterUse) *ClusterUse {
	sum := mergeUses(u, next)
	if u == nil || next == nil {
		return sum
	}
	sum.ScaleUp = cmp.Or(u.ScaleUp, next.ScaleUp)
	sum.Cores = middle(u.Cores, next.Cores)
	sum.Restarts = joinCounts(u.Restarts, next.Restarts, func(a, b int) int { return a + b })
	return sum
}

// mergeUses joins what two generators saw of the same replicas at the same
// time: the soonest scale-up, and of each other number the most, so that the
// order in which several are merged does not matter.
func mergeUses(a, b *ClusterUse) *ClusterUse {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &ClusterUse{
		ReplicasMax: max(a.ReplicasMax, b.ReplicasMax),
		ScaleUp:     soonest(a.ScaleUp, b.ScaleUp),
		CPUMax:      max(a.CPUMax, b.CPUMax),
		Cores:       max(a.Cores, b.Cores),
		MemoryMax:   max(a.MemoryMax, b.MemoryMax),
		Restarts:    joinCounts(a.Restarts, b.Restarts, func(a, b int) int { return max(a, b) }),
	}
}

// soonest is the earlier one of two times, of which 0 is none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// middle is the mean of two values, of which 0 is none.
func middle(a, b float64) float64 {
	if a == 0 || b == 0 {
		return cmp.Or(a, b)
	}
	return (a + b) / 2
}

func joinCounts(a, b *int, join func(a, b int) int) *int {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return new(join(*a, *b))
}

// mergeEvents keeps each event once, as it was told last.
func mergeEvents(a, b []ClusterEvent) []ClusterEvent {
	same := func(a, b ClusterEvent) int {
		return cmp.Or(strings.Compare(a.Object, b.Object), strings.Compare(a.Reason, b.Reason), strings.Compare(a.Message, b.Message))
	}
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(a, b ClusterEvent) int {
		return cmp.Or(same(a, b), b.At.Compare(a.At), cmp.Compare(b.Count, a.Count))
	})
	all = slices.CompactFunc(all, func(a, b ClusterEvent) bool { return same(a, b) == 0 })
	slices.SortFunc(all, func(a, b ClusterEvent) int { return cmp.Or(a.At.Compare(b.At), same(a, b)) })
	return all
}

func comparePods(a, b ClusterPod) int {
	return cmp.Or(
		strings.Compare(a.Name, b.Name),
		strings.Compare(a.Phase, b.Phase),
		compareBools(a.Ready, b.Ready),
		cmp.Compare(a.Restarts, b.Restarts),
		cmp.Compare(a.UsageMilli, b.UsageMilli),
		cmp.Compare(a.MemoryBytes, b.MemoryBytes),
	)
}

func checkUse(u *ClusterUse) error {
	switch {
	case u == nil:
		return nil
	case min(u.CPUMax, u.Cores) < 0:
		return errors.New("cluster: a negative number")
	}
	if err := checkCounts(int64(u.ReplicasMax), int64(*cmp.Or(u.Restarts, new(int)))); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	return checkSpans(u.ScaleUp, time.Duration(u.MemoryMax))
}

func checkTimeline(t *Timeline) error {
	l := t.Limits
	if err := checkCounts(int64(l.MinReplicas), int64(l.MaxReplicas), int64(l.RequestMilli), int64(l.LimitMilli)); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	if l.TargetCPU < 0 {
		return fmt.Errorf("limits: a negative number")
	}
	for i, s := range t.Samples {
		if err := checkClusterSample(s); err != nil {
			return fmt.Errorf("sample %d: %w", i, err)
		}
		if i > 0 && s.At.Before(t.Samples[i-1].At) {
			return fmt.Errorf("sample %d lies before the one before it", i)
		}
	}
	for i, e := range t.Events {
		if err := checkCounts(int64(e.Count)); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
	}
	return nil
}

func checkClusterSample(s ClusterSample) error {
	if err := checkCounts(int64(s.Ready), int64(s.Replicas), int64(s.Desired), int64(s.Wanted),
		int64(s.Restarts), int64(s.OOMKills), int64(s.Evictions), s.RefusedTotal); err != nil {
		return err
	}
	negative := min(s.UsageMilli, s.CPU, s.Throttled) < 0
	for _, p := range s.Pods {
		negative = negative || p.UsageMilli < 0
		if err := cmp.Or(checkCounts(int64(p.Restarts)), checkSpans(time.Duration(p.MemoryBytes))); err != nil {
			return err
		}
	}
	if negative {
		return errors.New("a negative number")
	}
	return checkSpans(time.Duration(s.MemoryBytes))
}
