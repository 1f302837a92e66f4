package report

import (
	"math"
	"slices"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// Metric is what a query of a Prometheus server gave during a stage.
type Metric struct {
	Name, Stage          Text
	Mean, Min, Max, Last string
	Course               string // as a sparkline
	Missing              Text   // why it cannot be judged; empty: it can
}

// metricRows bounds the rows of a table of metrics: twenty queries of a few
// stages. All are in the result file.
const metricRows = 100

func (b builder) metrics() []Metric {
	var out []Metric
	for _, s := range b.run.Stages {
		for i := range s.Metrics {
			if m := &s.Metrics[i]; len(out) < metricRows {
				out = append(out, Metric{
					Name: b.name(m.Name), Stage: b.name(s.Name), Missing: b.sentence(m.Missing),
					Mean: known(m.Mean), Min: known(m.Min), Max: known(m.Max), Last: known(m.Last),
					Course: sparkline(courseOf(m)),
				})
			}
		}
	}
	return out
}

// known is a value as a text, where there is one.
func known(value func() (float64, bool)) string {
	v, ok := value()
	if !ok {
		return none
	}
	return quantity.Number(v)
}

// metricCourse is how many parts the course of a metric has.
const metricCourse = 16

// courseOf is a metric in equal parts of its values, each their mean. What is
// not above 0 has no place in a line from 0 upwards.
func courseOf(m *result.Metric) []float64 {
	parts := min(metricCourse, len(m.Points))
	out := make([]float64, parts)
	for i := range parts {
		part := result.Metric{Points: m.Points[i*len(m.Points)/parts : (i+1)*len(m.Points)/parts]}
		mean, _ := part.Mean()
		out[i] = max(mean, 0)
	}
	return out
}

// MetricChart is one metric over time.
type MetricChart struct {
	Name string
	At   Series // seconds since the run's start
	Line Series
}

// chartMetrics is how many metrics have a chart.
const chartMetrics = 12

func metricCharts(r *result.Run) []MetricChart {
	var out []MetricChart
	at := map[string]int{}
	for _, group := range stagesTogether(r) {
		for _, m := range longest(group) {
			n, known := at[m.Name]
			switch {
			case len(m.Points) == 0 || !known && len(out) == chartMetrics:
				continue
			case !known:
				n = len(out)
				at[m.Name] = n
				out = append(out, MetricChart{Name: chartName(m.Name)})
			}
			out[n].add(seconds(group[0].Start.Sub(r.Start)), m.Points, max(1, timePoints/max(len(r.Stages), 1)))
		}
	}
	return out
}

// longest gives the metrics of stages that ran together, each as the stage has it
// that was loaded longest: the others have a part of the same values.
func longest(group []*result.Stage) []result.Metric {
	all := slices.Clone(group[0].Metrics)
	for _, s := range group[1:] {
		for _, m := range s.Metrics {
			i := slices.IndexFunc(all, func(o result.Metric) bool { return o.Name == m.Name })
			switch {
			case i < 0:
				all = append(all, m)
			case len(m.Points) > len(all[i].Points):
				all[i] = m
			}
		}
	}
	return all
}

// add appends the values of a stage, so many at most, behind a gap.
func (c *MetricChart) add(start float64, points []result.MetricPoint, most int) {
	if n := len(c.At); n > 0 {
		c.At, c.Line = append(c.At, (c.At[n-1]+start)/2), append(c.Line, math.NaN())
	}
	together := (len(points) + most - 1) / most
	for i := 0; i < len(points); i += together {
		part := result.Metric{Points: points[i:min(i+together, len(points))]}
		mean, _ := part.Mean()
		c.At, c.Line = append(c.At, start+seconds(part.Points[0].At)), append(c.Line, mean)
	}
}

// metricNames are the metrics of a run in the order of its stages.
func metricNames(r *result.Run) []string {
	var names []string
	seen := map[string]bool{}
	for _, s := range r.Stages {
		for _, m := range s.Metrics {
			if !seen[m.Name] {
				names = append(names, m.Name)
			}
			seen[m.Name] = true
		}
	}
	return names
}

// during is the mean of a metric in a slice, NaN where it has no value there.
func during(m *result.Metric, slice result.Slice) float64 {
	var part result.Metric
	if m != nil {
		for _, p := range m.Points {
			if p.At >= slice.Offset && p.At < slice.Offset+slice.Width {
				part.Points = append(part.Points, p)
			}
		}
	}
	if mean, ok := part.Mean(); ok {
		return mean
	}
	return math.NaN()
}
