package gate

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// known holds answers that SciPy and NumPy gave; stats/testdata/known.py makes
// them.
type known struct {
	Student        [][3]float64 `json:"student"` // p, degrees of freedom, quantile
	ClopperPearson []struct {
		Y, N   float64
		Limits [2]float64
	} `json:"clopper_pearson"`
	Proportion []struct {
		Y, N                          []float64
		Deff, Effective, Lower, Upper float64
		DF                            int
	}
	Woodruff []struct {
		Times        [][]int64 // µs by slice of 1 s, exact in a histogram
		Num, Den     int64
		Value, Lower float64
		Upper        *float64 // nil: none
		Mean, Rate   [3]float64
	}
}

func readKnown(t *testing.T) known {
	t.Helper()
	text, err := os.ReadFile("stats/testdata/known.json")
	if err != nil {
		t.Fatal(err)
	}
	var k known
	if err := json.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKnownClopperPearson(t *testing.T) {
	for _, c := range readKnown(t).ClopperPearson {
		if lower, upper := clopperPearson(c.Y, c.N); !nearly(lower, c.Limits[0]) || !nearly(upper, c.Limits[1]) {
			t.Errorf("clopperPearson(%v, %v) = %.9g, %.9g, want %.9g", c.Y, c.N, lower, upper, c.Limits)
		}
	}
}

func TestKnownProportions(t *testing.T) {
	for _, c := range readKnown(t).Proportion {
		b := batches{c.Y, c.N}
		iv, ok := proportion(b)
		if !ok || !nearly(iv.deff, c.Deff) || !nearly(iv.lower, c.Lower) || !nearly(iv.upper, c.Upper) {
			t.Errorf("%d slices: got %+v, want deff %v, %v to %v", len(c.Y), iv, c.Deff, c.Lower, c.Upper)
		}
		if c.DF == 0 { // none or all failed: the sample stands as it is
			continue
		}
		_, n := b.sums()
		if got := effectiveSample(n, iv.deff, c.DF); !nearly(got, c.Effective) {
			t.Errorf("%d slices: effective sample %v, want %v", len(c.Y), got, c.Effective)
		}
	}
}

// The intervals of a percentile, of the mean and of the throughput of whole
// stages, as they are judged.
func TestKnownStageIntervals(t *testing.T) {
	for _, c := range readKnown(t).Woodruff {
		s := stageOf(c.Times)
		p := slo.Indicator{Kind: slo.Percentile, Quantile: slo.Quantile{Num: c.Num, Den: c.Den}}
		got := only(t, objective(p, slo.LE, c.Value), s)
		if *got.Measured != c.Value || *got.Lower != c.Lower || (got.Upper == nil) != (c.Upper == nil) || got.Upper != nil && *got.Upper != *c.Upper {
			t.Errorf("%s is %v (%v to %v), want %v (%v to %v)", p, *got.Measured, *got.Lower, got.Upper, c.Value, c.Lower, c.Upper)
		}
		for kind, want := range map[slo.Kind][3]float64{slo.Mean: c.Mean, slo.Throughput: c.Rate} {
			got := only(t, objective(slo.Indicator{Kind: kind}, slo.GE, 0), s)
			if have := [3]float64{*got.Lower, *got.Measured, *got.Upper}; !allNearly(have, want) {
				t.Errorf("%s: %v, want %v", kind, have, want)
			}
		}
	}
}

// stageOf makes a stage of slices of 1 s from successful requests.
func stageOf(times [][]int64) result.Stage {
	var load population
	for second, slice := range times {
		for i, us := range slice {
			at := time.Duration(second)*time.Second + time.Duration(i)*time.Millisecond
			load.add(at, time.Duration(us)*time.Microsecond, result.Success)
		}
	}
	return load.stage("high", time.Duration(len(times))*time.Second)
}

// allNearly allows for the half microsecond by which a histogram rounds.
func allNearly(got, want [3]float64) bool {
	for i := range got {
		if d := got[i] - want[i]; d > 0.5 || d < -0.5 || want[i] < 100 && !nearly(got[i], want[i]) {
			return false
		}
	}
	return true
}
