package result

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Metric is what a query of a Prometheus server gave while a stage was loaded.
type Metric struct {
	Name    string        `json:"name"`
	Every   time.Duration `json:"every_ns,omitempty"` // from one moment that was asked for to the next
	Asked   int           `json:"asked,omitempty"`    // moments; fewer Points: of some there was no value
	Points  []MetricPoint `json:"points,omitempty"`
	Missing string        `json:"missing,omitempty"` // why it cannot be judged; empty: it can
}

// MetricPoint is the value of a metric at a moment: a finite number.
type MetricPoint struct {
	At    time.Duration `json:"at_ns"` // since the stage's start, by the clock
	Value float64       `json:"value"`
}

// Loaded is a time in which a stage was loaded, by the clock. Base and head of
// a comparison share theirs, and a stage that was loaded twice has two.
type Loaded struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// MaxMetricPoints is how many moments of a stage a query is asked for: a point
// a second for ten minutes, and more is not seen in a chart.
const MaxMetricPoints = 600

// Metric returns what a query gave, nil where it was not asked for the stage.
func (s *Stage) Metric(name string) *Metric {
	for i := range s.Metrics {
		if s.Metrics[i].Name == name {
			return &s.Metrics[i]
		}
	}
	return nil
}

// Mean of the values. It reports false without any.
func (m *Metric) Mean() (float64, bool) {
	mean := 0.0
	for i, p := range m.points() {
		mean += p.Value/float64(i+1) - mean/float64(i+1) // nothing overflows, and equal values are their mean
	}
	return mean, len(m.points()) > 0
}

// Min is the smallest value. It reports false without any.
func (m *Metric) Min() (float64, bool) {
	return m.extreme(func(a, b float64) float64 { return min(a, b) })
}

// Max is the largest value. It reports false without any.
func (m *Metric) Max() (float64, bool) {
	return m.extreme(func(a, b float64) float64 { return max(a, b) })
}

func (m *Metric) extreme(of func(a, b float64) float64) (float64, bool) {
	all := m.points()
	if len(all) == 0 {
		return 0, false
	}
	value := all[0].Value
	for _, p := range all {
		value = of(value, p.Value)
	}
	return value, true
}

// Last is the latest value. It reports false without any.
func (m *Metric) Last() (float64, bool) {
	if len(m.points()) == 0 {
		return 0, false
	}
	return m.Points[len(m.Points)-1].Value, true
}

// points of a metric, none of nil.
func (m *Metric) points() []MetricPoint {
	if m == nil {
		return nil
	}
	return m.Points
}

// mergeMetrics joins what two generators asked of the same service at the same
// time, by the same queries in the same order: of each the answer that knows
// more.
func mergeMetrics(a, b []Metric) []Metric {
	switch { // where one was not asked, there is the other
	case len(a) < len(b):
		return b
	case len(a) > len(b):
		return a
	}
	merged := slices.Clone(a)
	for i := range b {
		if compareMetrics(a[i], b[i]) < 0 {
			merged[i] = b[i]
		}
	}
	return merged
}

// mergeLoaded keeps the times of the generator that loaded longer: they have a
// common start.
func mergeLoaded(a, b []Loaded) []Loaded {
	if slices.CompareFunc(a, b, compareLoaded) < 0 {
		return b
	}
	return a
}

func compareLoaded(a, b Loaded) int {
	return cmp.Or(a.Until.Compare(b.Until), a.From.Compare(b.From))
}

func checkLoaded(all []Loaded) error {
	for i, l := range all {
		if l.Until.Before(l.From) || i > 0 && l.From.Before(all[i-1].Until) {
			return fmt.Errorf("loaded: the times are in no order")
		}
	}
	return nil
}

// compareMetrics orders answers to a query by how much is known, and then by everything else.
func compareMetrics(a, b Metric) int {
	return cmp.Or(
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(len(a.Points), len(b.Points)),
		cmp.Compare(b.Missing, a.Missing), // no reason is the better one
		cmp.Compare(a.Asked, b.Asked),
		cmp.Compare(a.Every, b.Every),
		slices.CompareFunc(a.Points, b.Points, func(p, q MetricPoint) int {
			return cmp.Or(cmp.Compare(p.At, q.At), cmp.Compare(p.Value, q.Value))
		}),
	)
}

func checkMetrics(all []Metric) error {
	seen := make(map[string]bool, len(all))
	for _, m := range all {
		if seen[m.Name] {
			return fmt.Errorf("metric %.80q is there twice", m.Name)
		}
		seen[m.Name] = true
		if err := checkSpans(m.Every); err != nil {
			return fmt.Errorf("metric %.80q: %w", m.Name, err)
		}
		if m.Asked < 0 || len(m.Points) > m.Asked {
			return fmt.Errorf("metric %.80q: %d values of %d moments", m.Name, len(m.Points), m.Asked)
		}
		for j, p := range m.Points {
			if err := checkSpans(p.At); err != nil {
				return fmt.Errorf("metric %.80q: %w", m.Name, err)
			}
			if j > 0 && p.At <= m.Points[j-1].At {
				return fmt.Errorf("metric %.80q: a value at %s does not follow %s", m.Name, p.At, m.Points[j-1].At)
			}
			if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
				return fmt.Errorf("metric %.80q: a value is no finite number", m.Name)
			}
		}
	}
	return nil
}
