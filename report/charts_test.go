package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

func histogramOf(values ...time.Duration) result.Histogram {
	var r result.Recorder
	for _, v := range values {
		r.Record(v)
	}
	return r.Histogram()
}

// Whatever the distribution, every request lies in one bin, bins follow each
// other, and there are few enough to draw.
func TestHistogramHasEveryRequest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	spread := func(n int, sigma float64) (out []time.Duration) {
		for range n {
			out = append(out, time.Duration(20e6*math.Exp(random.NormFloat64()*sigma)))
		}
		return out
	}
	for name, values := range map[string][]time.Duration{
		"one":             {20 * time.Millisecond},
		"zero":            {0},
		"equal":           slices.Repeat([]time.Duration{3 * time.Millisecond}, 100),
		"narrow":          spread(5000, 0.05),
		"usual":           spread(5000, 0.4),
		"wide":            spread(5000, 3),
		"a few µs":        slices.Repeat([]time.Duration{11 * time.Microsecond, 13 * time.Microsecond, 40 * time.Microsecond}, 50),
		"from end to end": {0, time.Microsecond, time.Hour},
		"with timeouts":   append(spread(1000, 0.3), slices.Repeat([]time.Duration{10 * time.Second}, 3)...),
	} {
		t.Run(name, func(t *testing.T) {
			h := histogramOf(values...)
			c := binsOf(h)
			sum := 0.0
			for _, share := range c.shares(h) {
				sum += share
			}
			if math.Abs(sum-100) > 1e-6 {
				t.Errorf("the bins hold %v %% of the requests", sum)
			}
			if n := len(c.From); n < 2 || n > mostBins+3 || !slices.IsSorted(c.From) {
				t.Errorf("%d borders of bins, from %v to %v", n, c.From[0], c.From[len(c.From)-1])
			}
			lowest, _ := h.Min()
			highest, _ := h.Max()
			if c.From[0] > float64(lowest+time.Microsecond)/1e6 || c.From[len(c.From)-1] < float64(highest)/1e6 {
				t.Errorf("bins from %v to %v ms for values from %v to %v", c.From[0], c.From[len(c.From)-1], lowest, highest)
			}
		})
	}
}

// The usual distribution gets a shape: neither one block nor noise.
func TestHistogramIsFineEnough(t *testing.T) {
	s := sampleCompared().Stages[0]
	c := binsOf(s.Response)
	c.Head = c.shares(s.Response)
	top := slices.Max(c.Head)
	if top < 2 || top > 20 {
		t.Errorf("the highest of %d bins holds %.1f %% of the requests", len(c.Head), top)
	}
}

// While base and head take turns, the time of both goes by; in a mixed stage
// they share it.
func TestTrackOfAComparison(t *testing.T) {
	blocks := []result.Slice{{Width: time.Second}, {Offset: time.Second, Width: time.Second}}
	at := func(s float64) time.Time { return started.Add(time.Duration(s * float64(time.Second))) }
	for _, tt := range []struct {
		name       string
		base       *result.Base
		head       time.Time
		from, to   time.Duration // of the second window
		takesTurns bool
	}{
		{"head alone", nil, at(10), 11 * time.Second, 12 * time.Second, false},
		{"base first", &result.Base{Stages: []result.Stage{{Name: "a", Start: at(10), Slices: blocks}}}, at(11), 12 * time.Second, 14 * time.Second, true},
		{"head first", &result.Base{Stages: []result.Stage{{Name: "a", Start: at(11), Slices: blocks}}}, at(10), 12 * time.Second, 14 * time.Second, true},
		{"mixed", &result.Base{Stages: []result.Stage{{Name: "a", Start: at(10.003), Slices: blocks}}}, at(10), 11 * time.Second, 12 * time.Second, false},
		{"base cut short", &result.Base{Stages: []result.Stage{{Name: "a", Start: at(10), Slices: blocks[:1]}}}, at(11), 12 * time.Second, 13 * time.Second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &result.Run{Start: started, Base: tt.base}
			track := trackOf(r, &result.Stage{Name: "a", Start: tt.head, Slices: blocks})
			from, to := track.span(1, 2)
			if from != tt.from || to != tt.to || track.turns != tt.takesTurns {
				t.Errorf("the second window lies from %v to %v, turns %t; want %v to %v, %t", from, to, track.turns, tt.from, tt.to, tt.takesTurns)
			}
		})
	}
}

// Every point of a chart over time has a value of each side, also where steps
// and windows do not fall together.
func TestTimeChartsHaveBothSides(t *testing.T) {
	r := sampleCompared()
	r.Stages, r.Base.Stages = r.Stages[:1], r.Base.Stages[:1]
	c, step := evenly(r, mermaidMoments)
	if step != 4 {
		t.Errorf("steps of %d s, want 4: two windows of two blocks of a second", step)
	}
	first := int(r.Stages[0].Start.Sub(r.Start)/time.Second) / step
	for i := first; i < len(c.At)-1; i++ {
		if math.IsNaN(c.P95[i]) || math.IsNaN(c.Base.P95[i]) {
			t.Errorf("step %d: p95 %v of head, %v of base", i, c.P95[i], c.Base.P95[i])
		}
	}
	all := timeChart(r, timePoints, stagesTogether(r))
	if diff := cmp.Diff(len(all.At), len(all.Base.Rate)); diff != "" {
		t.Errorf("points of both sides (-head +base):\n%s", diff)
	}
	for i, rate := range all.Rate {
		if rate != 50 || all.Base.Rate[i] != 50 {
			t.Errorf("point %d: %v/s of head, %v/s of base, want 50/s while each is loaded", i, rate, all.Base.Rate[i])
		}
	}
}

// However far a file has its times apart, a window ends after it begins.
func TestSpanOfExtremes(t *testing.T) {
	const most = 1<<62 - 1
	far := []result.Slice{{Width: 1}, {Offset: most - 1, Width: 1}}
	for name, now := range map[string]track{
		"late start": {start: math.MaxInt64, head: far},
		"turns":      {start: time.Hour, head: far, base: far, turns: true},
		"early":      {start: math.MinInt64, head: far, base: far, turns: true},
	} {
		if from, to := now.span(0, 2); from < now.start || to < from || to < now.start {
			t.Errorf("%s: from %s to %s", name, from, to)
		}
		if from, to := now.span(1, 2); to < from || from < now.start {
			t.Errorf("%s: the second from %s to %s", name, from, to)
		}
	}
}
