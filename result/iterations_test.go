package result

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// passing is a stage of two slices of a second, whose scenarios had passes that
// took so many milliseconds, the last one of each without success.
func passing(taken map[string][]int64) *Stage {
	s := &Stage{Name: "steady", Duration: 2 * time.Second}
	s.Counters.Success, s.Response = 100, recorded(1)
	s.Slices = []Slice{{Width: time.Second}, {Offset: time.Second, Width: time.Second}}
	for _, scenario := range []string{"look", "buy"} {
		ms, failed := taken[scenario], int64(1)
		if len(ms) == 0 {
			failed = 0
		}
		it := Iterations{
			Scenario: scenario, Duration: recorded(ms...), OnTime: recorded(ms...), OK: recorded(ms[:int64(len(ms))-failed]...),
			Counters: Counters{Success: int64(len(ms)) - failed, Timeout: failed},
		}
		it.Slices = []Slice{{Width: time.Second, Counters: it.Counters, Response: it.Duration}, {Offset: time.Second, Width: time.Second}}
		s.Iterations = append(s.Iterations, it)
	}
	return s
}

func recorded(ms ...int64) Histogram {
	var r Recorder
	for _, n := range ms {
		r.Record(time.Duration(n) * time.Millisecond)
	}
	return r.Histogram()
}

// The passes of scenarios are a stage whose requests they are, and nothing of
// the requests is left.
func TestPasses(t *testing.T) {
	s := passing(map[string][]int64{"look": {10, 20, 30}, "buy": {100, 200}})
	for _, c := range []struct {
		name     string
		scenario string // empty: all
		counters Counters
		taken    []int64
		ok       []int64
	}{
		{"all", "", Counters{Success: 3, Timeout: 2}, []int64{10, 20, 30, 100, 200}, []int64{10, 20, 100}},
		{"one scenario", "buy", Counters{Success: 1, Timeout: 1}, []int64{100, 200}, []int64{100}},
		{"another one", "rent", Counters{}, nil, nil},
	} {
		got := s.Passes(func(scenario string) bool { return c.scenario == "" || scenario == c.scenario })
		want := Requests{Counters: c.counters, Response: recorded(c.taken...), OK: recorded(c.ok...), OnTime: recorded(c.taken...)}
		if diff := cmp.Diff(want, got.Requests); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", c.name, diff)
		}
		if got.Name != s.Name || got.Duration != s.Duration || got.Steps != nil {
			t.Errorf("%s: %q of %v with %d steps", c.name, got.Name, got.Duration, len(got.Steps))
		}
		if c.taken == nil {
			continue
		}
		if len(got.Slices) != 2 || got.Slices[0].Counters != c.counters || got.Slices[1].Counters != (Counters{}) {
			t.Errorf("%s: slices %+v", c.name, got.Slices)
		}
	}
	if s.Counters.Success != 100 || len(s.Iterations) != 2 || s.Iterations[0].Counters.Success != 2 {
		t.Errorf("the stage was changed: %+v", s)
	}
}

// Iterations of two generators add up in the same slices; those of a stage that
// was loaded once more follow.
func TestIterationsAddUp(t *testing.T) {
	a := passing(map[string][]int64{"look": {10, 20, 30}, "buy": {100, 200}})
	b := passing(map[string][]int64{"look": {40}})
	want := recorded(10, 20, 30, 40)
	m := mergeStages(a, b)
	if look := m.Iterations[0]; look.Counters != (Counters{Success: 2, Timeout: 2}) || !cmp.Equal(want, look.Duration) || len(look.Slices) != 2 {
		t.Errorf("merged %+v", look)
	}
	m = Append(a, b)
	look := m.Iterations[0]
	if look.Counters != (Counters{Success: 2, Timeout: 2}) || !cmp.Equal(want, look.Duration) {
		t.Errorf("appended %+v", look)
	}
	var offsets []time.Duration
	for _, s := range look.Slices {
		offsets = append(offsets, s.Offset)
	}
	if diff := cmp.Diff([]time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}, offsets); diff != "" {
		t.Errorf("offsets of appended slices (-want +got):\n%s", diff)
	}
	if a.Iterations[0].Counters != (Counters{Success: 2, Timeout: 1}) || len(a.Iterations[0].Slices) != 2 {
		t.Errorf("a part was changed: %+v", a.Iterations[0])
	}
}
