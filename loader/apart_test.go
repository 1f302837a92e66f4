package loader

import (
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// shop has two scenarios, which share the name of a step.
func shop(target string) *slo.File {
	file := fileOf(target, get("/search"), get("/buy"))
	file.Scenarios = append(file.Scenarios, slo.Scenario{Name: "api", Weight: 1, Steps: []slo.Step{get("/search")}})
	return file
}

// slicedAlike checks that a step's slices hold all of its requests, or that it
// has none.
func slicedAlike(t *testing.T, st result.Step, kept bool) {
	t.Helper()
	var sum result.Counters
	var times result.Histogram
	for _, s := range st.Slices {
		sum.Add(s.Counters)
		times = times.Merge(s.Response)
	}
	switch {
	case !kept && st.Slices != nil:
		t.Errorf("%s of %s has %d slices, no objective looks at it", st.Name, st.Scenario, len(st.Slices))
	case kept && (sum != st.Counters || !times.Equal(st.Response) || len(st.Slices) == 0):
		t.Errorf("%s of %s: %d slices hold %+v, the step %+v", st.Name, st.Scenario, len(st.Slices), sum, st.Counters)
	}
}

// Steps that an objective looks at have slices of their own, in stages of known
// and unknown length, and the others none.
func TestStepsApart(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		target := serve(t, ok)
		for _, spec := range []slo.Stage{rated(200, 300*ms), counted(200, 4), timed(300*ms, 2, 2)} {
			for _, scope := range []slo.Scope{{Step: "GET /buy"}, {Step: "GET /search"}, {Scenario: "api"}} {
				attempts(t, func(scale time.Duration) (complaint string) {
					spec := spec
					spec.Apart = []slo.Scope{scope}
					spec.Workload.Duration *= scale
					s := newLoader(t, shop(target), Options{Engine: engine, Seed: 3}).Run(t.Context(), spec)
					coherent(t, s)
					if len(s.Steps) != 3 {
						t.Fatalf("%+v: %d steps", spec.Workload, len(s.Steps))
					}
					for _, st := range s.Steps {
						slicedAlike(t, st, scope.Covers(st.Scenario, st.Name))
					}
					return idle(s)
				})
			}
		}
	})
}

// The only step of a file has the stage's slices.
func TestOnlyStepIsNotKeptTwice(t *testing.T) {
	spec := counted(10, 2)
	spec.Apart = []slo.Scope{{Step: "GET /"}}
	s := newLoader(t, fileOf(serve(t, ok), get("/")), Options{}).Run(t.Context(), spec)
	if s.Steps[0].Slices != nil {
		t.Errorf("the only step has %d slices of its own", len(s.Steps[0].Slices))
	}
}

// In a comparison a step has a slice for each window, on both sides.
func TestStepsApartOfPair(t *testing.T) {
	target := serve(t, ok)
	opts := Options{Seed: 7}
	p := NewPair(newLoader(t, shop(target), opts), newLoader(t, shop(target), opts))
	spec := rated(200, time.Hour)
	spec.Apart = []slo.Scope{{Step: "GET /buy"}}
	const windows = 4
	b, h := p.Run(t.Context(), spec, Turns{Block: 100 * ms, Windows: windows})
	for _, s := range []*result.Stage{b, h} {
		for _, st := range s.Steps {
			kept := st.Name == "GET /buy"
			slicedAlike(t, st, kept)
			if kept && len(st.Slices) != windows {
				t.Fatalf("%d slices, want one of each of %d windows", len(st.Slices), windows)
			}
			for i := range st.Slices {
				if st.Slices[i].Offset != s.Slices[i].Offset || st.Slices[i].Width != s.Slices[i].Width {
					t.Errorf("window %d is %v long, of the step %v", i, s.Slices[i].Width, st.Slices[i].Width)
				}
			}
		}
	}
}

// A step's slices are as many as an interval needs and no more than a result
// should hold, and follow each other to the end.
func TestSlicesOfStep(t *testing.T) {
	st := &step{request: &slo.Request{}}
	for _, length := range []time.Duration{1700 * ms, 20 * time.Second, 2 * time.Minute, 121 * time.Second, 10 * time.Minute, time.Hour} {
		for _, planned := range []time.Duration{0, length} {
			set := newStepSlices(planned)
			part := &slicePart{width: set.width}
			var sent int64
			for at := time.Duration(0); at < length; at += 50 * ms {
				part.add(&outcome{step: st, class: result.Success, due: at, response: ms})
				sent++
				if at%time.Second == 0 {
					set.collect(part)
				}
				if planned == 0 && at >= sliceCount*sliceWidth && set.width == fineWidth {
					set.collect(part)
					part.width = sliceWidth
					set.widen()
				}
			}
			set.collect(part)
			list := set.ofStep(length)
			var end time.Duration
			var got int64
			for _, s := range list {
				if s.Offset != end {
					t.Errorf("%v, planned %v: a slice begins at %v, the one before ends at %v", length, planned, s.Offset, end)
				}
				end, got = s.Offset+s.Width, got+s.Counters.Success
			}
			if len(list) < sliceCount || len(list) > slo.StepSliceCount || end != length || got != sent {
				t.Errorf("%v, planned %v: %d slices until %v with %d requests, want %d", length, planned, len(list), end, got, sent)
			}
		}
	}
}
