package stats

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

func TestDistributionsAreTheUsualOnes(t *testing.T) {
	near := func(what string, at, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
			t.Errorf("%s at %v: %v, want %v", what, at, got, want)
		}
	}
	for _, p := range []float64{1e-6, 0.001, 0.025, 0.2, 0.4999, 0.5, 0.8, 0.95, 0.975, 0.99999} {
		near("normal quantile", p, NormalQuantile(p), distuv.UnitNormal.Quantile(p))
		for _, df := range []float64{1, 2, 4.5, 9, 29, 500} {
			near("quantile of t", p, StudentQuantile(p, df), distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(p))
		}
	}
	for _, x := range []float64{-40, -3, -0.5, 0, 0.1, 1.96, 5, 30} {
		near("normal tail", x, normalAbove(x), distuv.UnitNormal.Survival(x))
		for _, df := range []float64{1, 2, 4.5, 9, 29, 500} {
			near("tail of t", x, studentAbove(x, df), distuv.StudentsT{Sigma: 1, Nu: df}.Survival(x))
		}
	}
}
