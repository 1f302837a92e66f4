package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// The paired example of R's help page of wilcox.test (depression scores,
// Hollander and Wolfe 1973): V = 40, p = 0.01953; and that of SciPy's wilcoxon
// (heights of plants, Darwin): 96, p = 0.0206298828125.
var (
	depression = difference(
		[]float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30},
		[]float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29},
	)
	plants = []float64{6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75}
)

func difference(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] - b[i]
	}
	return out
}

func TestSignedRankP(t *testing.T) {
	near(t, "p of R's example", SignedRankP(depression), 0.01953125, 1e-12)
	near(t, "p of SciPy's example", SignedRankP(plants), 0.0206298828125, 1e-12)
	near(t, "p of eight that agree", SignedRankP([]float64{1, 2, 3, 4, 5, 6, 7, 8}), 1.0/256, 1e-15)
	near(t, "p of ties", SignedRankP([]float64{1, 1, 1, 0}), 1.0/8, 1e-15)
	near(t, "p of no difference", SignedRankP([]float64{0, 0}), 1, 0)
	near(t, "p of nothing", SignedRankP(nil), 1, 0)
}

// The exact test and its approximation agree where both are good.
func TestSignedRankApproximation(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		d := normals(random, exactPairs, 0.2)
		size, positive := magnitudes(d)
		ranks, ties := doubledRanks(size)
		sum := 0.0
		for i, up := range positive {
			if up {
				sum += float64(ranks[i]) / 2
			}
		}
		near(t, "approximate p", normalSignedRank(sum, exactPairs, ties), SignedRankP(d), 0.003)
	}
}

func normals(random *rand.Rand, n int, shift float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = random.NormFloat64() + shift
	}
	return out
}

// R: wilcox.test(depression, conf.int = TRUE) estimates 0.46. The limits of six
// values at 95 % are their ends (tables of Hollander and Wolfe: rank 1).
func TestHodgesLehmannAndInterval(t *testing.T) {
	near(t, "estimate of R's example", walsh(depression).centre(), 0.46, 0.0005)
	near(t, "estimate", walsh([]float64{1, 2, 4}).centre(), 2.25, 1e-15)
	lower, upper := walsh([]float64{1, 2, 3, 4, 5, 7}).limits(0.95)
	near(t, "lower", lower, 1, 0)
	near(t, "upper", upper, 7, 0)
	if lower, upper = walsh([]float64{1, 2, 3}).limits(0.95); !math.IsInf(lower, -1) || !math.IsInf(upper, 1) {
		t.Errorf("three values are bounded by %v and %v", lower, upper)
	}
}

// What the interval leaves out is what the test refutes.
func TestIntervalInvertsTheTest(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{6, 9, 20, 60} {
		d := normals(random, n, 0.5)
		lower, _ := walsh(d).limits(0.95)
		below, above := shifted(d, lower-1e-9), shifted(d, lower+1e-9)
		if SignedRankP(below) > 0.025 || SignedRankP(above) <= 0.025 {
			t.Errorf("n=%d: p below the limit %v, above %v", n, SignedRankP(below), SignedRankP(above))
		}
	}
}

func shifted(d []float64, by float64) []float64 {
	out := make([]float64, len(d))
	for i, v := range d {
		out[i] = v - by
	}
	return out
}

// Coverage stays within the binomial limits of the nominal 95 %, also where
// the normal approximation takes over.
func TestIntervalCoverage(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	const runs = 1000
	for _, n := range []int{12, 70} {
		covered := 0
		for range runs {
			if lower, upper := walsh(normals(random, n, 0)).limits(0.95); lower <= 0 && 0 <= upper {
				covered++
			}
		}
		// Four standard errors: √(0.95·0.05/1000) = 0.7 %.
		near(t, "coverage", float64(covered)/runs, 0.955, 0.028)
	}
}

// R: p.adjust(c(.01, .04, .03), "holm") is .03 .06 .06.
func TestHolm(t *testing.T) {
	for i, p := range Holm([]float64{.01, .04, .03}) {
		near(t, "adjusted p", p, []float64{.03, .06, .06}[i], 1e-15)
	}
	near(t, "adjusted p", Holm([]float64{.9, .8})[1], 1, 0)
}

// R: quantile(c(1, 2, 3, 4, 10), .95) is 8.8; type 7 is the default.
func TestQuantile(t *testing.T) {
	x := []float64{10, 3, 1, 4, 2}
	near(t, "p95", Quantile(x, .95), 8.8, 1e-12)
	near(t, "median", Median(x), 3, 0)
	near(t, "maximum", Quantile(x, 1), 10, 0)
	near(t, "even median", Median([]float64{1, 2}), 1.5, 0)
	if !math.IsNaN(Median(nil)) {
		t.Error("nothing has a median")
	}
	near(t, "deviation", Deviation([]float64{2, 4, 4, 4, 5, 5, 7, 9}), 2.13809, 1e-5)
}

// The two-sided examples of R's wilcox.test (permeability: W = 35, one-sided
// 0.1272) and SciPy's mannwhitneyu (U = 17, 0.1111).
func TestRankSumP(t *testing.T) {
	near(t, "p of R's example", RankSumP(
		[]float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46},
		[]float64{1.15, 0.88, 0.90, 0.74, 1.21},
	), 2*0.1272, 1e-4)
	near(t, "p of SciPy's example", RankSumP([]float64{19, 22, 16, 29, 24}, []float64{20, 11, 17, 12}), 1.0/9, 1e-12)
	near(t, "p of equal values", RankSumP([]float64{1, 1}, []float64{1, 1}), 1, 0)
	near(t, "p of nothing", RankSumP(nil, []float64{1}), 1, 0)
}

func TestStep(t *testing.T) {
	moved := []float64{1, 1.1, .9, 1.05, .95, 1.02, .98, 2, 2.1, 1.9, 2.05, 1.95, 2.02, 1.98}
	if at, found := Step(moved); !found || at != 7 {
		t.Errorf("the step is at %d (%t), want 7", at, found)
	}
	if at, found := Step(moved[:9]); found {
		t.Errorf("two new values made a step at %d", at)
	}
	if _, found := Step(moved[4:11]); found {
		t.Error("seven values made a step")
	}
}

// All rising: S = 45, variance 10·9·25/18 = 125, z = 44/√125 = 3.9355 (Mann
// 1945), two-sided p = 8.30e-5. SciPy: kendalltau(range(5), [1,1,2,2,3]) is
// 0.8944.
func TestKendallTau(t *testing.T) {
	rising := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	tau, p := KendallTau(rising)
	near(t, "tau", tau, 1, 1e-15)
	near(t, "p", p, 8.30e-5, 1e-6)
	tau, _ = KendallTau([]float64{1, 1, 2, 2, 3})
	near(t, "tau with ties", tau, 0.894427, 1e-6)
	tau, p = KendallTau([]float64{2, 2, 2})
	near(t, "tau of a constant", tau, 0, 0)
	near(t, "p of a constant", p, 1, 0)
}

func TestWarmUp(t *testing.T) {
	cold := []float64{2, 1.5, 1.2, 0, .01, 0, .02, 0, .01, 0, .01, 0}
	if at, ok := WarmUp(cold); at != 3 || !ok {
		t.Errorf("settled at %d (%t), want 3", at, ok)
	}
	if at, ok := WarmUp([]float64{9, 8, 7, 6, 0, 0, 0, 0}); at != 4 || ok {
		t.Errorf("settled at %d (%t), want never", at, ok)
	}
	if at, _ := WarmUp(make([]float64, 20)); at != 0 {
		t.Errorf("a steady series settled at %d", at)
	}
}

// Student's t from the usual tables: t(.99, 4) = 3.746947, t(.99, 10) =
// 2.763769, t(.99, 23) = 2.499867.
func TestPredict(t *testing.T) {
	one := Predict([]float64{0}, 0.10)
	near(t, "limit of one", one.Limit, 3.746947*0.1*math.Sqrt2, 1e-6)
	near(t, "change seen by one", math.Expm1(one.Limit), 0.70, 0.005)

	seven := Predict(spread(7, 0.05), 0.10)
	near(t, "limit of seven", seven.Limit, 2.763769*math.Sqrt(0.0055)*math.Sqrt(8.0/7), 1e-6)
	near(t, "change seen by seven", math.Expm1(seven.Limit), 0.25, 0.01)

	twenty := Predict(spread(20, 0.05), 0.10)
	near(t, "change seen by twenty", math.Expm1(twenty.Limit), 0.17, 0.01)
	near(t, "false alarm at the limit", twenty.FalseAlarm(twenty.Limit), 0.01, 1e-9)
	near(t, "false alarm at nothing", twenty.FalseAlarm(0), 0.5, 1e-12)
}

// spread gives n values with the mean 0 and the standard deviation sd.
func spread(n int, sd float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(i) - float64(n-1)/2
	}
	scale := sd / Deviation(out)
	for i := range out {
		out[i] *= scale
	}
	return out
}

// t(.99, 29) = 2.462021, t(.8, 29) = 0.854192 (tables).
func TestDetectable(t *testing.T) {
	se := 0.15 / math.Sqrt(30)
	near(t, "one objective", Detectable(0.15, 30, 1, 0.01), (2.462021+0.854192)*se, 1e-6)
	near(t, "a wide tolerance", Detectable(0.15, 30, 1, 0.5), 0.5+0.854192*se, 1e-6)
	if !math.IsInf(Detectable(0.15, 8, 3, 0.1), 1) {
		t.Error("eight pairs see something of three objectives")
	}
	if Enough(math.Log(1.16), math.Log(1.1)) || !Enough(math.Log(1.14), math.Log(1.1)) {
		t.Error("extension stops at the wrong change")
	}
}

// Of normal differences both spreads are the same, and ranks do not see the few
// that lie far off.
func TestRankSpread(t *testing.T) {
	d := normals(rand.New(rand.NewPCG(17, 18)), 500, 0)
	near(t, "spread of normal differences", RankSpread(d), 1, 0.1)
	for i := range 20 {
		d[25*i] *= 50
	}
	near(t, "spread with outliers", RankSpread(d), 1, 0.15)
	near(t, "spread of five", RankSpread([]float64{2, 4, 4, 4, 6}), math.Sqrt2, 1e-12)
	near(t, "spread of one", RankSpread([]float64{1}), 0, 0)
}

// What pairs can detect says how often such pairs fail at that change: four of
// five, also where a few of them lie far off, which the formula with the
// standard deviation does not see.
func TestPairsDetectWhatTheySay(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 16))
	const runs = 600
	for _, c := range []struct {
		name    string
		n, m    int
		far     float64 // share of pairs that lie ten times as far off
		tenfold bool
	}{
		{"normal", 30, 3, 0, false},
		{"few", 10, 3, 0, false},
		{"many", 90, 3, 0, false},
		{"outliers", 30, 3, 0.1, true},
		{"many outliers", 90, 1, 0.1, true},
	} {
		draw := func(shift float64) []float64 {
			d := normals(random, c.n, 0)
			for i := range d {
				if random.Float64() < c.far {
					d[i] *= 10
				}
				d[i] = 0.1*d[i] + shift
			}
			return d
		}
		var ranks, deviations []float64
		for range runs {
			d := draw(0)
			ranks = append(ranks, Pairs{Differences: d}.Detectable(c.m))
			deviations = append(deviations, Detectable(Deviation(d), c.n, c.m, 0))
		}
		change, failed := Median(ranks), 0
		for range runs {
			if SignedRankP(draw(change)) <= level/float64(c.m) {
				failed++
			}
		}
		near(t, c.name+": part that fails at the detectable change", float64(failed)/runs, power, 0.06)
		if ratio := Median(deviations) / change; (ratio > 1.5) != c.tenfold {
			t.Errorf("%s: the standard deviation tells %.2f times as much", c.name, ratio)
		}
	}
}

func TestMinPairs(t *testing.T) {
	for m, want := range map[int]int{0: 7, 1: 7, 2: 8, 3: 9, 5: 9, 6: 10} {
		if got := MinPairs(m); got != want {
			t.Errorf("%d objectives need %d pairs, want %d", m, got, want)
		}
	}
}
