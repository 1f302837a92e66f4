package run

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// limitedService answers at once up to its capacity, and late beyond it.
type limitedService struct {
	capacity func(asked int) float64 // at the time of the n-th rate that is measured
	asked    int
	ends     map[int]result.State
}

func (l *limitedService) Snapshots() []*result.Stage { return nil }

func (l *limitedService) RunTogether(ctx context.Context, stages []slo.Stage) []*result.Stage {
	return []*result.Stage{l.load(ctx, stages[0])}
}

func (l *limitedService) load(ctx context.Context, stage slo.Stage) *result.Stage {
	w := stage.Workload
	s := &result.Stage{Name: stage.Name, Workload: loader.Describe(w), State: result.Completed, Duration: w.Duration}
	select {
	case <-time.After(w.Duration):
	case <-ctx.Done():
		s.State = result.Cancelled
		return s
	}
	if w.Duration < 10*time.Second {
		return s // it only settles
	}
	takes := 10 * time.Millisecond
	if w.RateFrom > l.capacity(l.asked) {
		takes = time.Second
	}
	if state, ok := l.ends[l.asked]; ok {
		s.State, s.Reason = state, "it ended"
	}
	l.asked++
	var all, slice result.Recorder
	seconds := int(w.Duration.Seconds())
	n := int(w.RateFrom)
	for range n {
		slice.Record(takes)
		for range seconds {
			all.Record(takes)
		}
	}
	s.Response = all.Histogram()
	s.OK, s.Service, s.OnTime = s.Response, s.Response, s.Response
	s.Counters.Success = int64(n * seconds)
	for i := range seconds {
		s.Slices = append(s.Slices, result.Slice{
			Offset: time.Duration(i) * time.Second, Width: time.Second,
			Counters: result.Counters{Success: int64(n)}, Response: slice.Histogram(),
		})
	}
	return s
}

func searchFile(t *testing.T, search string) *slo.File {
	t.Helper()
	file, err := slo.Parse([]byte(`version: 1
target: http://localhost:1
scenarios: [{request: GET /}]
stages: [{name: limit, search: `+search+`}]
objectives: [p95 <= 100ms, capacity >= 400/s]
`), slo.Options{Path: "slo.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSearchFindsTheCapacity(t *testing.T) {
	steady := func(capacity float64) func(int) float64 { return func(int) float64 { return capacity } }
	tests := map[string]struct {
		search   string
		capacity func(int) float64
		ends     map[int]result.State
		low      float64 // the answer lies between them
		high     float64
		below    bool // a rate missed the objectives
		unclear  string
		state    result.State
	}{
		"within":        {"50/s..2000/s", steady(613), nil, 613 / precision, 613, true, "", result.Completed},
		"at the lowest": {"50/s..2000/s", steady(50), nil, 50, 50, true, "", result.Completed},
		"none":          {"50/s..2000/s", steady(40), nil, 0, 0, true, "", result.Completed},
		"all":           {"50/s..2000/s", steady(9999), nil, 2000, 2000, false, "", result.Completed},
		"narrow":        {"100/s..101/s", steady(100), nil, 100, 100, true, "", result.Completed},
		"slower when asked again": {"50/s..60/s", func(n int) float64 {
			if n < 2 {
				return 60
			}
			return 58
		}, nil, 57, 57.2, true, "", result.Completed},
		"unsteady": {"50/s..2000/s", func(n int) float64 {
			if n < 10 {
				return 500
			}
			return 10
		}, nil, 0, 0, true, "did not hold", result.Completed},
		"dies once":        {"50/s..2000/s", steady(300), map[int]result.State{5: result.Dead}, 300 / precision, 300, true, "", result.Completed},
		"collapses beyond": {"50/s..2000/s", steady(300), map[int]result.State{2: result.Dead, 3: result.Dead}, 75, 92, true, "", result.Completed},
		"dies":             {"50/s..2000/s", steady(300), deadFrom(2), 0, 0, true, "not come to its end", result.Dead},
		"is stopped":       {"50/s..2000/s", steady(300), map[int]result.State{2: result.Limited}, 0, 0, false, "not come to its end", result.Limited},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := searchFile(t, test.search)
				began := time.Now()
				r := Conduct(t.Context(), file, &limitedService{capacity: test.capacity, ends: test.ends}, Options{})
				s := r.Stages[0]
				found := s.Search
				if s.Name != "limit" || !s.Workload.Search || s.State != test.state || found == nil {
					t.Fatalf("stage %q, state %s, search %+v", s.Name, s.State, found)
				}
				if found.Capacity < test.low-1e-9 || found.Capacity > test.high+1e-9 {
					t.Errorf("capacity %g, want %g to %g", found.Capacity, test.low, test.high)
				}
				if (found.Below > 0) != test.below || test.below && test.unclear == "" && found.Below > max(found.Capacity*precision*1.01, 60) {
					t.Errorf("%g missed the objectives, %g met them", found.Below, found.Capacity)
				}
				if !strings.Contains(found.Unclear, test.unclear) || (found.Unclear == "") != (test.unclear == "") {
					t.Errorf("unclear: %q, want %q", found.Unclear, test.unclear)
				}
				if _, most := SearchTime(file.Stages[0].Workload, true); time.Since(began) > most {
					t.Errorf("it took %v, planned are %v at most", time.Since(began), most)
				}
			})
		})
	}
}

// What a search returns is what it measured at the rate that it found, and the
// last step has tried that once more.
func TestSearchHoldsTheMeasurementsOfItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := searchFile(t, "50/s..2000/s")
		r := Conduct(t.Context(), file, &limitedService{capacity: func(int) float64 { return 613 }}, Options{})
		s := r.Stages[0]
		if want := int64(math.Floor(s.Search.Capacity)) * 30; s.Counters.Success != want {
			t.Errorf("%d requests, want the %d of %g/s", s.Counters.Success, want, s.Search.Capacity)
		}
		last := s.Search.Steps[len(s.Search.Steps)-1]
		if !last.Confirms || !last.Met || last.Rate != s.Search.Capacity || last.P95 > 11*time.Millisecond || last.Success != 1 {
			t.Errorf("the last step is %+v", last)
		}
		missed := slices.IndexFunc(s.Search.Steps, func(step result.SearchStep) bool { return !step.Met })
		if missed < 0 || s.Search.Steps[missed].Reason != "p95 was 1 s, not <= 100 ms" {
			t.Errorf("steps %+v", s.Search.Steps)
		}
	})
}

func TestSearchIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		r := Conduct(ctx, searchFile(t, "50/s..2000/s"), &limitedService{capacity: func(int) float64 { return 613 }}, Options{})
		if s := r.Stages[0]; s.State != result.Cancelled || len(s.Search.Steps) == 0 || s.Search.Unclear == "" {
			t.Errorf("state %s, search %+v", s.State, s.Search)
		}
	})
}

func TestReadable(t *testing.T) {
	for in, want := range map[float64]float64{75: 75, 112.5: 112, 1687.5: 1680, 0.12345: 0.123, 253.12: 253, 100: 100, 1000: 1000} {
		if got := readable(in); math.Abs(got-want) > 1e-9 {
			t.Errorf("%g is %g, want %g", in, got, want)
		}
	}
}

// deadFrom is a target that answers no more from a time on.
func deadFrom(n int) map[int]result.State {
	all := map[int]result.State{}
	for i := n; i < n+50; i++ {
		all[i] = result.Dead
	}
	return all
}
