package stats

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// known holds answers that SciPy and NumPy gave; testdata/known.py makes them.
type known struct {
	Student    [][3]float64 `json:"student"` // p, degrees of freedom, quantile
	SignedRank []struct {
		D []float64
		P float64
	} `json:"signed_rank"`
	HodgesLehmann []struct {
		D        []float64
		Estimate float64
	} `json:"hodges_lehmann"`
	WalshInterval []struct {
		D      []float64
		Level  float64
		Limits *[2]float64 // nil: unbounded
	} `json:"walsh_interval"`
	RankSum []struct {
		X, Y []float64
		P    float64
	} `json:"rank_sum"`
	Kendall []struct {
		X      []float64
		Answer [2]float64 // tau, p
	}
	Quantile []struct {
		X        []float64
		Q, Value float64
	}
	Deviation []struct {
		X     []float64
		Value float64
	}
	Holm       []struct{ P, Adjusted []float64 }
	Detectable []struct {
		S, Tolerance float64
		Value        *float64 // nil: none
		N, M         int
	}
	DetectableByRanks []struct {
		D         []float64
		M         int
		Tolerance float64
		Value     *float64 // nil: none
	} `json:"detectable_by_ranks"`
	Predict []struct {
		History                      []float64
		Prior, Centre, Spread, Limit float64
		Detectable                   float64
		FalseAlarm                   float64 `json:"false_alarm"` // of a tolerance of 10 %
	}
}

func readKnown(t *testing.T) known {
	t.Helper()
	text, err := os.ReadFile("testdata/known.json")
	if err != nil {
		t.Fatal(err)
	}
	var k known
	if err := json.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	return k
}

// orNone is infinite where there is no answer.
func orNone(v *float64) float64 {
	if v == nil {
		return math.Inf(1)
	}
	return *v
}

// closeTo fails where two numbers differ by more than a part in 10⁷: the
// Student distribution that is used here is exact to a few parts in 10⁸.
func closeTo(t *testing.T, what string, in any, got, want float64) {
	t.Helper()
	if got != want && !(math.Abs(got-want) <= 1e-7*max(math.Abs(want), 1e-6)) {
		t.Errorf("%s of %v is %.12g, want %.12g", what, in, got, want)
	}
}

func TestKnownRankTests(t *testing.T) {
	k := readKnown(t)
	for _, c := range k.SignedRank {
		closeTo(t, "signed-rank p", c.D, SignedRankP(c.D), c.P)
	}
	for _, c := range k.RankSum {
		closeTo(t, "rank-sum p", c, RankSumP(c.X, c.Y), c.P)
	}
	for _, c := range k.Kendall {
		tau, p := KendallTau(c.X)
		closeTo(t, "tau", c.X, tau, c.Answer[0])
		closeTo(t, "p of the trend", c.X, p, c.Answer[1])
	}
	for _, c := range k.Holm {
		for i, p := range Holm(c.P) {
			closeTo(t, "adjusted p", c.P, p, c.Adjusted[i])
		}
	}
}

func TestKnownEstimates(t *testing.T) {
	k := readKnown(t)
	for _, c := range k.HodgesLehmann {
		closeTo(t, "centre", c.D, walsh(c.D).centre(), c.Estimate)
	}
	for _, c := range k.WalshInterval {
		want := [2]float64{math.Inf(-1), math.Inf(1)}
		if c.Limits != nil {
			want = *c.Limits
		}
		if lower, upper := walsh(c.D).limits(c.Level); lower != want[0] || upper != want[1] {
			t.Errorf("interval at %v of %v is %v to %v, want %v", c.Level, c.D, lower, upper, want)
		}
	}
	for _, c := range k.Quantile {
		closeTo(t, "quantile", c, Quantile(c.X, c.Q), c.Value)
	}
	for _, c := range k.Deviation {
		closeTo(t, "deviation", c.X, Deviation(c.X), c.Value)
	}
}

func TestKnownLimits(t *testing.T) {
	k := readKnown(t)
	for _, c := range k.Student {
		closeTo(t, "Student quantile", c[:2], StudentQuantile(c[0], c[1]), c[2])
		closeTo(t, "Student tail", c[1:], studentAbove(c[2], c[1]), 1-c[0])
	}
	for _, c := range k.Detectable {
		closeTo(t, "detectable change", c, Detectable(c.S, c.N, c.M, c.Tolerance), orNone(c.Value))
	}
	for _, c := range k.DetectableByRanks {
		pairs := Pairs{Differences: c.D, Tolerance: c.Tolerance}
		closeTo(t, "detectable change by ranks", c, pairs.Detectable(c.M), orNone(c.Value))
	}
	for _, c := range k.Predict {
		got := Predict(c.History, c.Prior)
		closeTo(t, "centre", c.History, got.Centre, c.Centre)
		closeTo(t, "spread", c.History, got.Spread, c.Spread)
		closeTo(t, "limit", c.History, got.Limit, c.Limit)
		closeTo(t, "false alarm", c.History, got.FalseAlarm(math.Log(1.1)), c.FalseAlarm)
		closeTo(t, "detectable", c.History, got.Detectable(math.Log(1.1)), c.Detectable)
	}
}

// Above 60 pairs the limits come from the normal distribution: never inside of
// the exact ones, and at most two Walsh averages outside.
func TestApproximateWalshRank(t *testing.T) {
	for n := exactPairs + 1; n <= 180; n += 17 {
		ranks := make([]int, n)
		for i := range ranks {
			ranks[i] = i + 1
		}
		below, exact := 0.0, 0
		for _, p := range signedRanks(ranks) {
			if below += p; below > 0.025 {
				break
			}
			exact++
		}
		if got := walshRank(n, 0.025); got > exact || got < exact-2 {
			t.Errorf("n=%d: rank %d, exactly %d", n, got, exact)
		}
	}
}
