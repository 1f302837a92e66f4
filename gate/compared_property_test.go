package gate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// pairedFile asks for no change at all, so that the smallest proven one fails.
func pairedFile(t *testing.T) *slo.File {
	t.Helper()
	return plan(
		relative(t, "p50 <= baseline + 0%"),
		relative(t, "p95 <= baseline + 0%"),
		relative(t, "mean <= baseline + 0%"),
		relative(t, "throughput >= baseline - 0%"),
	)
}

// swapped is the run with base's and head's labels exchanged.
func swapped(r *result.Run) *result.Run {
	return &result.Run{Stages: r.Base.Stages, Base: &result.Base{Stages: r.Stages}}
}

// Exchanging base and head turns the estimate and its interval round on the ln
// scale and never leaves a failed objective failed.
func TestSwappingBaseAndHeadTurnsTheComparisonRound(t *testing.T) {
	failures, f := 0, pairedFile(t)
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 6))
		r := machines[int(seed)%len(machines)].compared(random, 40, 0.7+random.Float64())
		there, back := Judge(f, r, Options{}), Judge(f, swapped(r), Options{})
		for i, a := range there.Objectives {
			b := back.Objectives[i]
			if a.Verdict == result.Fail {
				failures++
			}
			if a.Verdict == result.Fail && b.Verdict == result.Fail {
				t.Errorf("seed %d: %s fails both ways", seed, a.Indicator)
			}
			for _, pair := range [][2]float64{
				{a.Comparison.Change, b.Comparison.Change},
				{*a.Comparison.Lower, *b.Comparison.Upper},
				{*a.Comparison.Upper, *b.Comparison.Lower},
			} {
				if sum := math.Log1p(pair[0]) + math.Log1p(pair[1]); math.Abs(sum) > 1e-9 {
					t.Errorf("seed %d: %s changed by %v and, turned round, by %v", seed, a.Indicator, pair[0], pair[1])
				}
			}
		}
	}
	if failures == 0 {
		t.Error("no comparison failed: the test saw nothing")
	}
}

// A head that is slower still is never judged better, window by window the
// same but for its times.
func TestSlowerHeadNeverTurnsFailIntoPass(t *testing.T) {
	f := pairedFile(t)
	for seed := range uint64(20) {
		m, failed := machines[int(seed)%len(machines)], map[int]bool{}
		for slower := 0.9; slower < 2; slower *= 1.1 {
			r := m.compared(rand.New(rand.NewPCG(seed, 7)), 40, slower)
			for i, o := range Judge(f, r, Options{}).Objectives {
				if failed[i] && o.Verdict != result.Fail {
					t.Errorf("seed %d: %s of a head %.2f times slower is %s", seed, o.Indicator, slower, o.Verdict)
				}
				failed[i] = failed[i] || o.Verdict == result.Fail
			}
		}
	}
}

// Times four times as long on both sides are the same comparison.
func TestScalingBothSidesChangesNoComparison(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	for range 20 {
		var slow, fast stats.Pairs
		for range 30 {
			base, head := random.ExpFloat64(), 1.3*random.ExpFloat64()
			fast.Differences = append(fast.Differences, math.Log(head)-math.Log(base))
			slow.Differences = append(slow.Differences, math.Log(4*head)-math.Log(4*base))
		}
		a, b := stats.ComparePairs([]stats.Pairs{fast})[0], stats.ComparePairs([]stats.Pairs{slow})[0]
		if a.Outcome != b.Outcome || math.Abs(a.Estimate-b.Estimate) > 1e-9 || math.Abs(a.P-b.P) > 1e-9 {
			t.Errorf("%+v became %+v", a, b)
		}
	}
}

// Two generators that shared a comparison are judged as the one that did all
// of it.
func TestMergedShardsOfAComparisonAreJudgedAsTheWhole(t *testing.T) {
	f := pairedFile(t)
	for seed := range uint64(10) {
		one := machines[1].compared(rand.New(rand.NewPCG(seed, 9)), 40, 1.2)
		two := machines[1].compared(rand.New(rand.NewPCG(seed, 10)), 40, 1.2)
		whole := &result.Run{
			Stages: []result.Stage{merge(cloned(one.Stages[0]), two.Stages[0])},
			Base:   &result.Base{Stages: []result.Stage{merge(cloned(one.Base.Stages[0]), two.Base.Stages[0])}},
		}
		merged, err := result.Merge(one, two)
		if err != nil {
			t.Fatal(err)
		}
		turned, err := result.Merge(two, one)
		if err != nil {
			t.Fatal(err)
		}
		want := Judge(f, whole, Options{})
		for _, r := range []*result.Run{merged, turned} {
			if diff := cmp.Diff(want, Judge(f, r, Options{})); diff != "" {
				t.Errorf("seed %d (-whole +merged):\n%s", seed, diff)
			}
		}
	}
}

// cloned has slices of its own, which [merge] writes to.
func cloned(s result.Stage) result.Stage {
	s.Slices = append([]result.Slice(nil), s.Slices...)
	s.Status = map[int]int64{}
	return s
}
