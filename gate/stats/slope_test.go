package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func line(n int, slope float64, noise func(i int) float64) (x, y []float64) {
	for i := range n {
		x, y = append(x, float64(i)), append(y, 3+slope*float64(i)+noise(i))
	}
	return x, y
}

func TestSlopeOfALine(t *testing.T) {
	x, y := line(20, 2.5, func(int) float64 { return 0 })
	if s, lower, upper, ok := Slope(x, y, 0.95); !ok || s != 2.5 || lower != 2.5 || upper != 2.5 {
		t.Errorf("slope %v of %v to %v, want 2.5", s, lower, upper)
	}
	// A quarter of wild points hardly moves it.
	x, y = line(20, 2.5, func(i int) float64 {
		if i%4 == 0 {
			return 1000
		}
		return 0
	})
	if s, _, _, _ := Slope(x, y, 0.95); math.Abs(s-2.5) > 1e-9 {
		t.Errorf("slope with wild points is %v, want 2.5", s)
	}
	if _, _, _, ok := Slope([]float64{1, 1, 1, 2}, []float64{1, 2, 3, 4}, 0.95); !ok {
		t.Error("three pairs of different x have a slope")
	}
	if _, _, _, ok := Slope([]float64{1, 1, 1}, []float64{1, 2, 3}, 0.95); ok {
		t.Error("points of one x have a slope")
	}
}

// The slope is the median of all pairs: those of (0,1) (1,3) (2,2) (4,9) are 2,
// −1, 0.5, 2, 3.5 and 7/3 (by hand).
func TestSlopeIsTheMedianOfPairs(t *testing.T) {
	s, lower, upper, _ := Slope([]float64{0, 1, 2, 4}, []float64{1, 3, 2, 9}, 0.95)
	if s != 2 || lower != -1 || upper != 3.5 {
		t.Errorf("slope %v of %v to %v, want 2 of -1 to 3.5", s, lower, upper)
	}
}

// The limits hold the true slope in 95 % of series with independent noise, also
// of heavy tails.
func TestSlopeCoverage(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, noise := range []struct {
		name string
		of   func(int) float64
	}{
		{"normal", func(int) float64 { return random.NormFloat64() }},
		{"heavy", func(int) float64 { return math.Exp(random.NormFloat64() * 1.5) }},
	} {
		const trials = 2000
		held := 0
		for range trials {
			x, y := line(20, 0.3, noise.of)
			if _, lower, upper, _ := Slope(x, y, 0.95); lower <= 0.3 && 0.3 <= upper {
				held++
			}
		}
		if share := float64(held) / trials; share < 0.935 || share > 0.985 {
			t.Errorf("%s: the limits hold the slope in %.1f %% of series", noise.name, 100*share)
		}
	}
}
