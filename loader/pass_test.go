package loader

import (
	"net/http"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// walk has two requests and a pause between them.
func walk(target string) *slo.File {
	return fileOf(target, get("/a"), slo.Step{Pause: slo.Pause{Min: 20 * ms, Max: 30 * ms}}, get("/b"))
}

// measuredIterations runs a stage of which an objective looks at iterations.
func measuredIterations(t *testing.T, engine string, file *slo.File, spec slo.Stage) (*result.Stage, result.Iterations) {
	t.Helper()
	spec.Iterations = true
	s := newLoader(t, file, Options{Engine: engine}).Run(t.Context(), spec)
	coherent(t, s)
	if len(s.Iterations) != len(file.Scenarios) {
		t.Fatalf("iterations of %d scenarios, want %d", len(s.Iterations), len(file.Scenarios))
	}
	it := s.Iterations[0]
	var slices result.Counters
	var times result.Histogram
	for _, slice := range it.Slices {
		slices.Add(slice.Counters)
		times = times.Merge(slice.Response)
	}
	if slices != it.Counters || !times.Equal(it.Duration) || it.Duration.Total() != it.Counters.Judged() || it.OK.Total() != it.Counters.Success {
		t.Errorf("slices add up to %+v, iterations %+v", slices, it.Counters)
	}
	return s, it
}

// An iteration lasts from the start of its first request to the end of its
// last; one that the stage's end cuts is not judged.
func TestIterations(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		target := serve(t, ok)
		s, it := measuredIterations(t, engine, walk(target), counted(40, 2))
		if whole := it.Counters.Success; 2*whole > s.Counters.Success || 2*(whole+it.Counters.Cancelled) < s.Counters.Success || it.Counters.Errors() > 0 {
			t.Errorf("%+v of %d requests", it.Counters, s.Counters.Success)
		}
		if shortest, _ := it.Duration.Min(); shortest < 20*ms {
			t.Errorf("an iteration took %v, its pause alone 20 ms", shortest)
		}
		s, it = measuredIterations(t, engine, walk(target), rated(100, 300*ms))
		if a := s.Steps[0].Counters.Due(); it.Counters.Due() != a || it.Counters.Success != s.Steps[1].Counters.Success {
			t.Errorf("%+v of %d arrivals and %d last requests", it.Counters, a, s.Steps[1].Counters.Success)
		}
	})
}

// An iteration that fails counts with the longest that it may take.
func TestFailedIterations(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		target := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/b" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})
		_, it := measuredIterations(t, engine, walk(target), counted(20, 2))
		const longest = 2*patience + 30*ms // two timeouts and the pause
		if shortest, _ := it.Duration.Min(); it.Counters.Success != 0 || it.Counters.BadStatus == 0 || result.Equivalent(shortest) < longest {
			t.Errorf("%+v, the shortest took %v", it.Counters, shortest)
		}
	})
}

// Nothing is counted where no objective looks, nor in the parts of a
// comparison, whose ends would cut every iteration.
func TestIterationsAreCountedWhereLookedAt(t *testing.T) {
	target := serve(t, ok)
	if s := newLoader(t, walk(target), Options{}).Run(t.Context(), counted(4, 1)); s.Iterations != nil {
		t.Errorf("%d scenarios are counted", len(s.Iterations))
	}
	spec := rated(100, time.Hour)
	spec.Iterations = true
	p := NewPair(newLoader(t, walk(target), Options{}), newLoader(t, walk(target), Options{}))
	if _, h := p.Run(t.Context(), spec, Turns{Block: 50 * ms, Windows: 2}); h.Iterations != nil {
		t.Errorf("%d scenarios are counted in a comparison", len(h.Iterations))
	}
}
