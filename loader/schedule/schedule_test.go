package schedule

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/slo"
)

func all(w slo.Workload, seed uint64) []time.Duration {
	var times []time.Duration
	s := New(w, seed)
	for t, ok := s.Next(); ok; t, ok = s.Next() {
		times = append(times, t)
	}
	return times
}

func TestUniform(t *testing.T) {
	const ms = time.Millisecond
	tests := map[string]struct {
		load slo.Workload
		want []time.Duration
	}{
		"constant":        {slo.Workload{RateFrom: 4, RateTo: 4, Duration: time.Second}, []time.Duration{0, 250 * ms, 500 * ms, 750 * ms}},
		"a fraction more": {slo.Workload{RateFrom: 2, RateTo: 2, Duration: 1100 * ms}, []time.Duration{0, 500 * ms, 1000 * ms}},
		"less than one":   {slo.Workload{RateFrom: 0.1, RateTo: 0.1, Duration: time.Second}, []time.Duration{0}},
		"no rate":         {slo.Workload{Duration: time.Second}, nil},
		"no time":         {slo.Workload{RateFrom: 9, RateTo: 9}, nil},
		// Λ(t) = t² reaches 0, 1, 2, 3 at the square roots.
		"ramp from zero": {slo.Workload{RateTo: 4, Duration: 2 * time.Second}, []time.Duration{0, time.Second, 1414213562, 1732050807}},
		// Λ(t) = 4t − t²
		"ramp to zero": {slo.Workload{RateFrom: 4, Duration: 2 * time.Second}, []time.Duration{0, 267949192, 585786437, time.Second}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			near := cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() <= 1 })
			if diff := cmp.Diff(test.want, all(test.load, 0), near); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", test.load, diff)
			}
		})
	}
}

// Rates as people write them have no exact binary form; the count must still
// be the exact one.
func TestUniformCount(t *testing.T) {
	for rate := 1; rate <= 300; rate++ {
		for seconds := 1; seconds <= 60; seconds += 7 {
			r := float64(rate) / 10
			got := len(all(slo.Workload{RateFrom: r, RateTo: r, Duration: time.Duration(seconds) * time.Second}, 0))
			if want := (rate*seconds + 9) / 10; got != want {
				t.Fatalf("%v/s for %d s: %d arrivals, want %d", r, seconds, got, want)
			}
		}
	}
}

// Of a ramp, the arrivals before any moment are the integral of the rate.
func TestRampFollowsIntegral(t *testing.T) {
	loads := []slo.Workload{
		{RateFrom: 10, RateTo: 500, Duration: 7 * time.Second},
		{RateFrom: 500, RateTo: 10, Duration: 7 * time.Second},
		{RateFrom: 100, RateTo: 100.0001, Duration: 7 * time.Second},
		{RateFrom: 0, RateTo: 300, Duration: 5 * time.Second},
	}
	for _, load := range loads {
		for i, at := range all(load, 0) {
			t1, d := at.Seconds(), load.Duration.Seconds()
			integral := load.RateFrom*t1 + (load.RateTo-load.RateFrom)*t1*t1/(2*d)
			if math.Abs(integral-float64(i)) > 1e-5 {
				t.Fatalf("%+v: arrival %d at %v, where the integral is %v", load, i, at, integral)
			}
		}
	}
}

func TestTimesNeverFallBack(t *testing.T) {
	for seed := range uint64(200) {
		load := slo.Workload{RateFrom: float64(seed % 7), RateTo: float64(seed * 3 % 50), Duration: 3 * time.Second, Arrivals: slo.Poisson}
		last := time.Duration(0)
		for _, at := range all(load, seed) {
			if at < last || at >= load.Duration {
				t.Fatalf("seed %d: %v after %v", seed, at, last)
			}
			last = at
		}
	}
}

// The number of Poisson arrivals has the integral of the rate as its mean and
// as its variance, in each half of a ramp.
func TestPoissonMoments(t *testing.T) {
	load := slo.Workload{RateFrom: 10, RateTo: 30, Duration: 10 * time.Second, Arrivals: slo.Poisson}
	const seeds = 2000
	halves := [2]struct{ mean, sum, squares float64 }{{mean: 75}, {mean: 125}}
	for seed := range uint64(seeds) {
		var n [2]float64
		for _, at := range all(load, seed) {
			n[int(at/(5*time.Second))]++
		}
		for i := range halves {
			halves[i].sum += n[i]
			halves[i].squares += n[i] * n[i]
		}
	}
	for i, h := range halves {
		mean := h.sum / seeds
		variance := h.squares/seeds - mean*mean
		if off := math.Abs(mean-h.mean) / math.Sqrt(h.mean/seeds); off > 4 {
			t.Errorf("half %d: mean %.2f, want %v", i, mean, h.mean)
		}
		// The variance of a sample variance is about 2σ⁴/n.
		if off := math.Abs(variance-h.mean) / (h.mean * math.Sqrt(2.0/seeds)); off > 4 {
			t.Errorf("half %d: variance %.2f, want %v", i, variance, h.mean)
		}
	}
}

func TestSeed(t *testing.T) {
	load := slo.Workload{RateFrom: 50, RateTo: 50, Duration: time.Second, Arrivals: slo.Poisson}
	if diff := cmp.Diff(all(load, 7), all(load, 7)); diff != "" {
		t.Errorf("the same seed (-first +second):\n%s", diff)
	}
	if cmp.Equal(all(load, 7), all(load, 8)) {
		t.Error("seeds 7 and 8 give the same arrivals")
	}
}

func BenchmarkNext(b *testing.B) {
	s := New(slo.Workload{RateFrom: 1, RateTo: 1e9, Duration: 1e6 * time.Hour, Arrivals: slo.Poisson}, 1)
	b.ReportAllocs()
	for b.Loop() {
		s.Next()
	}
}
