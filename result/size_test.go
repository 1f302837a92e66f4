package result

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// loadedStage makes the result of a stage that one-second slices and the wider
// ones of every step are kept of. Times are lognormal, as those of services
// are.
func loadedStage(random *rand.Rand, seconds, perSecond, steps, stepSlice int) Stage {
	s := Stage{Name: "soak", State: Completed, Duration: time.Duration(seconds) * time.Second}
	of, wide := make([]Recorder, steps), make([]Recorder, steps)
	s.Steps = make([]Step, steps)
	for second := range seconds {
		var slice Recorder
		for i := range perSecond {
			took := time.Duration(50 * float64(time.Millisecond) * math.Exp(0.5*random.NormFloat64()))
			slice.Record(took)
			of[i%steps].Record(took)
			wide[i%steps].Record(took)
		}
		s.Slices = append(s.Slices, sliceOf(second, 1, &slice))
		if (second+1)%stepSlice > 0 && second+1 < seconds {
			continue
		}
		for i := range steps {
			s.Steps[i].Slices = append(s.Steps[i].Slices, sliceOf(second/stepSlice*stepSlice, stepSlice, &wide[i]))
			wide[i] = Recorder{}
		}
	}
	for i := range steps {
		h := of[i].Histogram()
		s.Steps[i].Scenario, s.Steps[i].Name = "shop", fmt.Sprint("step ", i)
		s.Steps[i].Requests = Requests{Counters: Counters{Success: h.Total()}, Response: h, OK: h, Service: h, OnTime: h, TTFB: h}
		s.Requests = mergeRequests(&s.Requests, &s.Steps[i].Requests)
	}
	return s
}

func sliceOf(second, width int, r *Recorder) Slice {
	h := r.Histogram()
	return Slice{
		Offset: time.Duration(second) * time.Second, Width: time.Duration(width) * time.Second,
		Counters: Counters{Success: h.Total()}, Response: h,
	}
}

// A run of an hour with ten steps that objectives look at stays below 10 MB, in
// one stage or in several, and can be read again.
func TestResultOfAnHour(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute beside the race detector, on a busy machine")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct{ stages, seconds, perSecond, stepSlice int }{
		{10, 360, 50, 5},
	} {
		r := &Run{Version: Version}
		for i := range tt.stages {
			s := loadedStage(random, tt.seconds, tt.perSecond, 10, tt.stepSlice)
			s.Name, s.Workload.Model = fmt.Sprint("soak ", i), "open"
			r.Stages = append(r.Stages, s)
		}
		var file bytes.Buffer
		if err := Encode(&file, r); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d stages of %d s at %d/s: %.1f MB", tt.stages, tt.seconds, tt.perSecond, float64(file.Len())/1e6)
		if file.Len() > 10e6 {
			t.Errorf("%d stages of %d s: %d bytes", tt.stages, tt.seconds, file.Len())
		}
		objects, elements := census(file.Bytes())
		if objects > maxObjects/40 || elements > maxElements/40 {
			t.Errorf("%d objects and %d elements of lists are not far below what is read", objects, elements)
		}
		if _, err := Decode(&file); err != nil {
			t.Error(err)
		}
	}
}
