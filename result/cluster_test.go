package result

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestClusterUseOf(t *testing.T) {
	pods := []ClusterPod{{Name: "web-1"}}
	sample := func(at, ready, replicas int, cpu float64, restarts int, pods []ClusterPod) ClusterSample {
		return ClusterSample{At: began.Add(time.Duration(at) * time.Second), Ready: ready, Replicas: replicas, CPU: cpu, MemoryBytes: int64(100 * replicas), Restarts: restarts, Pods: pods}
	}
	samples := []ClusterSample{
		sample(0, 1, 1, 0.1, 1, pods),
		sample(2, 1, 1, 0.9, 1, nil),
		sample(4, 1, 3, 1.2, 1, pods),
		sample(7, 2, 3, 0.7, 3, nil),
		sample(9, 3, 3, 0.5, 3, nil),
	}
	at := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
	for _, test := range []struct {
		name     string
		from, to int
		want     *ClusterUse
	}{
		{"a scale-up", 1, 10, &ClusterUse{ReplicasMax: 3, ScaleUp: 6 * time.Second, CPUMax: 1.2, MemoryMax: 300, Restarts: new(2)}},
		{"before it", 0, 2, &ClusterUse{ReplicasMax: 1, CPUMax: 0.9, MemoryMax: 100, Restarts: new(0)}},
		{"the last pod of several", 8, 20, &ClusterUse{ReplicasMax: 3, ScaleUp: time.Second, CPUMax: 0.5, MemoryMax: 300}},
		{"nothing seen", 5, 6, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ClusterUseOf(samples, at(test.from), at(test.to))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// The CPU of pods is told late: it counts from a minute after a stage's start.
func TestCoresOfALongStage(t *testing.T) {
	var samples []ClusterSample
	for s := range 150 {
		usage := 250.0
		if s < 55 { // of what was before
			usage = 4000
		}
		samples = append(samples, ClusterSample{At: began.Add(time.Duration(s) * time.Second), UsageMilli: usage})
	}
	for seconds, want := range map[int]float64{60: 0, 119: 0, 120: 0.25, 150: 0.25} {
		use := ClusterUseOf(samples, began, began.Add(time.Duration(seconds)*time.Second))
		if use.Cores != want {
			t.Errorf("%d s: %v cores, want %v", seconds, use.Cores, want)
		}
	}
	few := []ClusterSample{{At: began.Add(90 * time.Second), UsageMilli: 250}}
	if use := ClusterUseOf(few, began, began.Add(150*time.Second)); use.Cores != 0 {
		t.Errorf("of one sample: %v cores", use.Cores)
	}
	if got := mergeUses(&ClusterUse{Cores: 0.25}, &ClusterUse{}).Cores; got != 0.25 {
		t.Errorf("of one generator: %v cores", got)
	}
}

func TestClusterUsesAreJoined(t *testing.T) {
	a := &ClusterUse{ReplicasMax: 2, ScaleUp: 9 * time.Second, CPUMax: 0.5, Restarts: new(1)}
	b := &ClusterUse{ReplicasMax: 3, ScaleUp: 4 * time.Second, CPUMax: 0.4, Restarts: new(2)}
	if diff := cmp.Diff(&ClusterUse{ReplicasMax: 3, ScaleUp: 4 * time.Second, CPUMax: 0.5, Restarts: new(2)}, mergeUses(a, b)); diff != "" {
		t.Errorf("at the same time: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(&ClusterUse{ReplicasMax: 3, ScaleUp: 9 * time.Second, CPUMax: 0.5, Restarts: new(3)}, a.add(b)); diff != "" {
		t.Errorf("one after the other: -want +got\n%s", diff)
	}
	if got := a.add(nil); got != a {
		t.Errorf("got %+v", got)
	}
}

// Shards are merged in any order: no generator counts more than another.
func TestMergedUsesKnowNoOrder(t *testing.T) {
	a, b, c := &ClusterUse{Cores: 1}, &ClusterUse{Cores: 2}, &ClusterUse{Cores: 4}
	if diff := cmp.Diff(mergeUses(mergeUses(a, b), c), mergeUses(a, mergeUses(b, c))); diff != "" {
		t.Errorf("(a, b), c and a, (b, c) differ:\n%s", diff)
	}
	if got := a.add(b).Cores; got != 1.5 {
		t.Errorf("one after the other: %v cores, want the mean", got)
	}
}

func TestMergedEventsAreToldOnce(t *testing.T) {
	early := ClusterEvent{At: began, Object: "Pod/web-1", Reason: "BackOff", Count: 2}
	late := early
	late.At, late.Count = began.Add(time.Second), 5
	other := ClusterEvent{At: began, Object: "Pod/web-2", Reason: "Evicted"}
	want := []ClusterEvent{other, late}
	for _, got := range [][]ClusterEvent{mergeEvents([]ClusterEvent{early, other}, []ClusterEvent{late}), mergeEvents([]ClusterEvent{late}, []ClusterEvent{other, early})} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}
