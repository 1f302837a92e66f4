package gate

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Calibration says what a machine can see by one relative objective in one
// stage: it comes from comparisons of a service with itself. Changes are
// fractions, or differences of shares where Points is set, all above 0.
type Calibration struct {
	Stage     string
	Objective string // as written
	Indicator string
	Points    bool
	Tolerance float64

	Pairs      int     // that one run of the planned length makes
	PairSpread float64 // standard deviation of a pair's difference, on the ln scale or in points
	RunSpread  float64 // standard deviation between runs; NaN for fewer than two

	Trials        int           // runs of the planned length, drawn from what was measured
	Wrong         int           // of them that fail at the tolerance
	WrongMeasured int           // of them that a comparison of the measured change with the tolerance would fail
	Smallest      float64       // tolerance that only 1 of 100 of them exceeds by its measured change
	Seen          float64       // smallest change that four of five runs of the planned length notice
	Needed        time.Duration // length in which a change of one and a half times the tolerance is noticed; 0: more than a day
	Earlier       float64       // smallest tolerance that as many earlier results can judge; NaN for none
}

const (
	calibrationTrials = 1000
	// calibrationChunk is how many pairs stay together when runs are drawn:
	// noise lasts longer than one.
	calibrationChunk = 5
	longestNeeded    = 24 * time.Hour
)

// Calibrate judges comparisons of a service with itself. Runs of the planned
// length are drawn from the measured pairs with a fixed seed, so that the same
// results give the same answer; no verdict of a run comes from here.
func Calibrate(file *slo.File, runs []*result.Run) []Calibration {
	family := max(Family(file), 1)
	var out []Calibration
	for _, stage := range file.Stages {
		if !stage.Judge || Alone(stage) != "" {
			continue
		}
		for _, o := range stage.Objectives {
			if o.Relative == nil || !isWindowed(o.Indicator) {
				continue
			}
			if c, ok := calibrate(o, stage, runs, family); ok {
				out = append(out, c)
			}
		}
	}
	return out
}

// calibrate reports false where the runs hold nothing of the objective.
func calibrate(o slo.Objective, stage slo.Stage, runs []*result.Run, family int) (Calibration, bool) {
	m := collect(o, stage.Name, runs)
	if len(m.differences) == 0 {
		return Calibration{}, false
	}
	scale := scaleOf(o.Indicator)
	size := func(distance float64) float64 { return math.Abs(scale.change(distance)) }
	c := Calibration{
		Stage: stage.Name, Objective: o.Text, Indicator: o.Indicator.String(), Points: scale.points,
		Tolerance:  size(m.tolerance),
		Pairs:      m.planned,
		PairSpread: stats.Deviation(m.all()),
		RunSpread:  math.NaN(),
		Earlier:    math.NaN(),
		Trials:     calibrationTrials,
	}
	if len(m.values) > 1 {
		c.RunSpread = stats.Deviation(m.values)
	}
	if len(m.values) > 0 {
		c.Earlier = size(stats.Predict(m.values, scale.prior(false)).Limit)
	}
	c.Needed = m.needed(stats.RankSpread(m.all()), family, max(m.tolerance, finest(o)))
	c.draw(m, family, scale)
	return c, true
}

// pairsOfRuns are the pairs of one objective in several runs.
type pairsOfRuns struct {
	differences [][]float64   // by run
	values      []float64     // of head, by run, on the scale
	tolerance   float64       // the smallest of the runs, on the scale
	planned     int           // pairs in a run
	requests    float64       // of head, of a share, in the largest run
	lasts       time.Duration // one pair
}

func collect(o slo.Objective, stage string, runs []*result.Run) pairsOfRuns {
	m := pairsOfRuns{tolerance: math.Inf(1)}
	for _, r := range runs {
		base := r.Base.Stage(stage)
		for i := range r.Stages {
			head := &r.Stages[i]
			if head.Name != stage || base == nil || head.State != result.Completed {
				continue
			}
			p := pairsOf(o, base, head)
			if len(p.Differences) == 0 {
				continue
			}
			m.differences = append(m.differences, p.Differences)
			m.tolerance = min(m.tolerance, p.Tolerance)
			m.planned = max(m.planned, len(p.Differences))
			m.requests = max(m.requests, p.Requests)
			m.lasts = (base.Duration + head.Duration) / time.Duration(len(p.Differences))
			if value, ok := Measure(o.Indicator, part(o, head)); ok && !math.IsInf(scaleOf(o.Indicator).of(value), 0) {
				m.values = append(m.values, scaleOf(o.Indicator).of(value))
			}
		}
	}
	return m
}

func (m pairsOfRuns) all() []float64 {
	var all []float64
	for _, d := range m.differences {
		all = append(all, d...)
	}
	return all
}

// needed is how long a comparison takes until it may stop; 0 where that is
// more than a day.
func (m pairsOfRuns) needed(spread float64, family int, tolerance float64) time.Duration {
	for n := stats.MinPairs(family); ; n += 1 + n/50 {
		took := time.Duration(n) * m.lasts
		switch {
		case took > longestNeeded:
			return 0
		case stats.Enough(stats.Detectable(spread, n, family, tolerance), tolerance):
			return took
		}
	}
}

// draw judges runs that are made of what was measured.
func (c *Calibration) draw(m pairsOfRuns, family int, scale scaling) {
	random := rand.New(rand.NewPCG(1, 2))
	estimates, seen := make([]float64, c.Trials), make([]float64, c.Trials)
	for i := range estimates {
		pairs := m.resample(random)
		pairs.Tolerance, pairs.Points = m.tolerance, scale.points
		judged := stats.ComparePairs([]stats.Pairs{pairs})[0]
		estimates[i], seen[i] = judged.Estimate, pairs.Detectable(family)
		if judged.Estimate > m.tolerance {
			c.WrongMeasured++
			if judged.P*float64(family) <= 0.01 {
				c.Wrong++
			}
		}
	}
	c.Seen = math.Abs(scale.change(stats.Median(seen)))
	c.Smallest = math.Abs(scale.change(max(stats.Quantile(estimates, 0.99), 0)))
}

// resample draws a run of the planned length, in chunks of neighbouring pairs.
func (m pairsOfRuns) resample(random *rand.Rand) stats.Pairs {
	var d []float64
	for len(d) < m.planned {
		run := m.differences[random.IntN(len(m.differences))]
		from := random.IntN(max(len(run)-calibrationChunk, 0) + 1)
		d = append(d, run[from:min(from+calibrationChunk, len(run))]...)
	}
	d = d[:m.planned]
	return stats.Pairs{Differences: d, Whole: stats.Mean(d), Requests: m.requests}
}
