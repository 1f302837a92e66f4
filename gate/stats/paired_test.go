package stats

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
)

// recorded reads a recording of base and head in one run of 60 s, alternating
// in blocks of 1 s: response times in ms by window of two blocks and by side.
func recorded(t *testing.T, name string) map[int]*[2][]float64 {
	t.Helper()
	f, err := os.Open("testdata/" + name + ".csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	windows := map[int]*[2][]float64{}
	for _, row := range rows {
		at, _ := strconv.Atoi(row[0])
		side, _ := strconv.Atoi(row[1])
		took, _ := strconv.ParseFloat(row[2], 64)
		w := at / 2_000_000
		if windows[w] == nil {
			windows[w] = &[2][]float64{}
		}
		windows[w][side] = append(windows[w][side], took/1000)
	}
	return windows
}

func pairsOf(windows map[int]*[2][]float64, q float64) Pairs {
	out := Pairs{Tolerance: math.Log(1.1)}
	for w := range len(windows) {
		if sides := windows[w]; sides != nil && min(len(sides[0]), len(sides[1])) > 0 {
			out.Differences = append(out.Differences, math.Log(Quantile(sides[1], q)/Quantile(sides[0], q)))
		}
	}
	return out
}

// Real runs of base and head: an unchanged build never fails, 25 % more work
// on a fairly idle machine does in p50 and p95, and 10 % beside compilations
// is held or not seen.
func TestRecordings(t *testing.T) {
	for name, want := range map[string][]Outcome{
		"idle-same-1":   {Held, Unseen},
		"busy-same-1":   {Held, Unseen},
		"busy-plus10-1": {Held, Unseen},
		"idle-plus25-1": {Regressed},
	} {
		windows := recorded(t, name)
		if len(windows) < 29 {
			t.Fatalf("%s has %d windows", name, len(windows))
		}
		for i, got := range ComparePairs([]Pairs{pairsOf(windows, .5), pairsOf(windows, .95)}) {
			if !slices.Contains(want, got.Outcome) {
				t.Errorf("%s, objective %d: %+v, want %v", name, i, got, want)
			}
		}
	}
}

// simulated is how many of so many runs are simulated: a fifth with -short, as
// beside the race detector, which takes ten times as long.
func simulated(runs int) int {
	if testing.Short() {
		return runs / 5
	}
	return runs
}

// An unchanged build fails at most one family of three in 100, whatever the
// noise, within four binomial standard errors; a change twice as large as the
// detectable one is found, and a better head never fails.
func TestComparePairsErrors(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	runs := simulated(1500)
	rate := func(shift float64) float64 {
		failed := 0
		for range runs {
			family := make([]Pairs, 3)
			for i := range family {
				family[i] = Pairs{Differences: normals(random, 30, 0)}
				for j := range family[i].Differences {
					family[i].Differences[j] = 0.15*family[i].Differences[j] + shift
				}
			}
			if slices.ContainsFunc(ComparePairs(family), func(p Paired) bool { return p.Outcome == Regressed }) {
				failed++
			}
		}
		return float64(failed) / float64(runs)
	}
	if got := rate(0); got > 0.01+4*math.Sqrt(0.01*0.99/float64(runs)) {
		t.Errorf("%.2f %% of unchanged families fail", 100*got)
	}
	if got := rate(2 * Detectable(0.15, 30, 3, 0)); got < 0.99 {
		t.Errorf("%.1f %% of large changes are found", 100*got)
	}
	if got := rate(-0.1); got > 0 {
		t.Errorf("%.2f %% of faster heads fail", 100*got)
	}
}

func TestTooFewPairsAreUnseen(t *testing.T) {
	d := []float64{.5, .5, .5, .5, .5, .5}
	if got := ComparePairs([]Pairs{{Differences: d, Tolerance: 0.1}})[0]; got.Outcome != Unseen {
		t.Errorf("six pairs show %+v", got)
	}
}

// The Walsh averages of the pairs, of which there are half a million, are built
// once.
func TestComparePairsInLittleMemory(t *testing.T) {
	const n = 1000
	d := normals(rand.New(rand.NewPCG(1, 2)), n, 0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ComparePairs([]Pairs{{Differences: d}})
	runtime.ReadMemStats(&after)
	averages := uint64(n * (n + 1) / 2 * 8)
	if got := after.TotalAlloc - before.TotalAlloc; got > 2*averages {
		t.Errorf("%d bytes, the averages have %d", got, averages)
	}
}

// A change in less than three of ten pairs does not move their estimate: where it
// is proven the estimate is that of longer stretches, and where these do not
// show it either it is not held.
func TestChangesOfFewPairs(t *testing.T) {
	pairs := func(worse ...int) Pairs {
		d := make([]float64, 45)
		for _, i := range worse {
			d[i] = 5
		}
		return Pairs{Differences: d, Tolerance: 0.1, Whole: 5}
	}
	spread, once := pairs(0, 6, 12, 18, 24, 30, 36, 42), pairs(20, 21, 22, 23, 24, 25, 26, 27)
	small := spread
	small.Whole = 0.05
	for name, tt := range map[string]struct {
		Pairs
		want     Outcome
		estimate float64
	}{
		"spread over the time":      {spread, Regressed, 0.77},
		"at once":                   {once, Uneven, 0},
		"small as a whole":          {small, Held, 0},
		"too few to prove anything": {pairs(3, 13, 23), Held, 0},
	} {
		got := ComparePairs([]Pairs{tt.Pairs})[0]
		if got.Outcome != tt.want || math.Abs(got.Estimate-tt.estimate) > 0.1 {
			t.Errorf("%s: %+v, want %s at %v", name, got, tt.want, tt.estimate)
		}
	}
}

// Of shares the smallest detectable loss is what four of five samples show:
// without any failure it depends on the number of requests and windows alone.
func TestRarestLoss(t *testing.T) {
	for _, tt := range []struct {
		windows   int
		requests  float64
		tolerance float64
		want      float64
	}{
		{30, 600, 0.005, 0.0169},  // 10.1 failures hit 7 of 30 windows
		{90, 1800, 0.005, 0.0070}, // 12.6 failures are 10 at least
		{6, 600, 0.005, math.Inf(1)},
	} {
		p := Pairs{Differences: make([]float64, tt.windows), Tolerance: tt.tolerance, Points: true, Requests: tt.requests}
		if got := p.Detectable(1); math.Abs(got-tt.want) > 0.0002 && got != tt.want {
			t.Errorf("%d windows of %v requests: %v, want %v", tt.windows, tt.requests, got, tt.want)
		}
	}
}
