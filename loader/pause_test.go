package loader

import (
	"math"
	"testing"
	"time"

	"github.com/slogate/slogate/slo"
)

// Pauses have the mean and the standard deviation of their distribution, lie
// within their bounds, and follow from the seed.
func TestPauseDistributions(t *testing.T) {
	const draws = 100_000
	for name, test := range map[string]struct {
		pause           slo.Pause
		mean, deviation float64 // in seconds
	}{
		"uniform":     {slo.Pause{Min: time.Second, Max: 3 * time.Second}, 2, 2 / math.Sqrt(12)},
		"exponential": {slo.Pause{Distribution: slo.Exponential, Mean: 2 * time.Second, StdDev: 2 * time.Second, Max: time.Hour}, 2, 2},
		"normal":      {slo.Pause{Distribution: slo.Normal, Mean: 2 * time.Second, StdDev: 250 * ms, Max: time.Hour}, 2, 0.25},
		"lognormal":   {slo.Pause{Distribution: slo.LogNormal, Mean: 2 * time.Second, StdDev: time.Second, Max: time.Hour}, 2, 1},
		// Half of the draws are cut to the mean: the rest is a half normal one.
		"normal, cut": {slo.Pause{Distribution: slo.Normal, Mean: time.Second, StdDev: 100 * ms, Min: time.Second, Max: time.Hour}, 1 + 0.1/math.Sqrt(2*math.Pi), 0.0584},
	} {
		t.Run(name, func(t *testing.T) {
			u, again := newUser(0, 7, nil), newUser(0, 7, nil)
			u.pcg.Seed(7, 1)
			again.pcg.Seed(7, 1)
			var sum, squares float64
			for range draws {
				d := u.pause(test.pause)
				if d < test.pause.Min || d > test.pause.Max || d != again.pause(test.pause) {
					t.Fatalf("drew %v", d)
				}
				sum += d.Seconds()
				squares += d.Seconds() * d.Seconds()
			}
			mean := sum / draws
			deviation := math.Sqrt(squares/draws - mean*mean)
			if math.Abs(mean-test.mean) > 0.02*test.mean || math.Abs(deviation-test.deviation) > 0.03*test.deviation {
				t.Errorf("mean %.4f, want %.4f; standard deviation %.4f, want %.4f", mean, test.mean, deviation, test.deviation)
			}
		})
	}
}
