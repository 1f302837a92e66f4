package result

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Two parts of a stage have used what both did; where one is not known,
// neither is the whole.
func TestAppendAddsCosts(t *testing.T) {
	a := &Stage{Name: "high", Duration: time.Second, Cost: &Cost{CPU: 5, Span: 10, Memory: 100, Resolution: 1, Throttling: &Throttling{Periods: 4, Throttled: 1, Waited: 7}}}
	b := &Stage{Name: "high", Duration: time.Second, Cost: &Cost{CPU: 3, Span: 11, Memory: 80, Resolution: 1, Throttling: &Throttling{Periods: 6, Throttled: 2, Waited: 1}}}
	want := &Cost{CPU: 8, Span: 21, Memory: 100, Resolution: 1, Throttling: &Throttling{Periods: 10, Throttled: 3, Waited: 8}}
	if diff := cmp.Diff(want, Append(a, b).Cost); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.Cost.Throttling = nil
	want.Throttling = nil
	if diff := cmp.Diff(want, Append(a, b).Cost); diff != "" {
		t.Errorf("without throttling (-want +got):\n%s", diff)
	}
	b.Cost = nil
	if got := Append(a, b).Cost; got != nil {
		t.Errorf("one part is not known: %+v", got)
	}
}

// Shards read the same service: what it used counts once.
func TestMergeCountsACostOnce(t *testing.T) {
	shard := func(cpu time.Duration) *Run {
		r := oneStage(Workload{Model: "open", Duration: time.Minute, RateFrom: 10, RateTo: 10, Arrivals: "uniform"})
		r.Stages[0].Cost = &Cost{CPU: cpu, Span: time.Minute}
		r.Cost.Source = "process 1 (api), from /proc"
		return r
	}
	m := merged(t, shard(5*time.Second), shard(6*time.Second))
	if want := (&Cost{CPU: 6 * time.Second, Span: time.Minute}); !cmp.Equal(want, m.Stages[0].Cost) || m.Cost.Source == "" {
		t.Errorf("cost %+v from %+v, want %+v", m.Stages[0].Cost, m.Cost, want)
	}
}
