package report

import (
	"math"
	"strconv"
	"time"

	"github.com/slogate/slogate/result"
)

// Charts holds the numbers that charts are drawn from. NaN is a gap.
type Charts struct {
	Time        TimeChart
	Stages      StageChart
	Percentiles PercentileChart
	Cluster     *ClusterChart // nil: nothing was seen of the cluster
}

// Series is a row of numbers. NaN is a gap, null in JSON.
type Series []float64

// MarshalJSON writes the numbers with six significant digits: more is not
// seen in a chart.
func (s Series) MarshalJSON() ([]byte, error) {
	out := []byte{'['}
	for i, v := range s {
		if i > 0 {
			out = append(out, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			out = append(out, "null"...)
			continue
		}
		out = strconv.AppendFloat(out, v, 'g', 6, 64)
	}
	return append(out, ']'), nil
}

// TimeChart is the whole run over time, one point for each part of a stage.
type TimeChart struct {
	At            Series // middle of the part, seconds since the run's start
	Width         Series // of the part, seconds
	P50, P95, P99 Series // response time in milliseconds
	Rate          Series // finished requests a second
	Spans         []Span

	stage []int // the stage of each point
}

// Span is a stage's place on the time axis, in seconds since the run's start.
type Span struct {
	Stage    string
	From, To float64
}

// StageChart has one value for each stage that ran.
type StageChart struct {
	Stage               []string
	P50, P95, P99       Series // milliseconds
	Throughput, Success Series // a second; share
}

// PercentileChart is the response time by percentile, one line for each
// stage.
type PercentileChart struct {
	OneIn Series // one request in so many is slower: 100 is p99
	Lines []Line
}

// Line is one named series.
type Line struct {
	Stage  string
	Values Series // milliseconds
}

// ClusterChart is the cluster over time.
type ClusterChart struct {
	At                     Series // seconds since the run's start
	Ready, Desired, Wanted Series
	CPU                    Series // share of the request
}

// timePoints bounds the points of the time chart: enough for a wide screen,
// and a page of an hour's run stays small.
const timePoints = 600

// chartStages is how many stages a chart can tell apart. Of more there are
// only tables.
const chartStages = 24

func newCharts(r *result.Run) Charts {
	c := Charts{Time: timeChart(r, timePoints), Cluster: clusterChart(r)}
	if len(r.Stages) <= chartStages {
		c.Stages = stageChart(r)
		c.Percentiles = percentileChart(r)
	}
	return c
}

func timeChart(r *result.Run, points int) TimeChart {
	var c TimeChart
	total := 0
	for _, s := range r.Stages {
		total += len(s.Slices)
	}
	together := max(1, (total+points-1)/points)
	for n, s := range r.Stages {
		if len(s.Slices) == 0 {
			continue
		}
		start := seconds(s.Start.Sub(r.Start))
		c.Spans = append(c.Spans, Span{chartName(s.Name), start, start + seconds(stageEnd(s))})
		for i := 0; i < len(s.Slices); i += together {
			part := s.Slices[i:min(i+together, len(s.Slices))]
			from, to := part[0].Offset, part[len(part)-1].Offset+part[len(part)-1].Width
			c.add(start+seconds(from), seconds(to-from), part)
			c.stage = append(c.stage, n)
		}
	}
	return c
}

// stageEnd is the end of what is drawn of a stage, since its start.
func stageEnd(s result.Stage) time.Duration {
	last := s.Slices[len(s.Slices)-1]
	return max(s.Duration, last.Offset+last.Width)
}

// add appends one point made of the slices between from and from+width.
func (c *TimeChart) add(from, width float64, list []result.Slice) {
	var h result.Histogram
	var counters result.Counters
	for _, s := range list {
		h = h.Merge(s.Response)
		counters.Add(s.Counters)
	}
	c.At = append(c.At, from+width/2)
	c.Width = append(c.Width, width)
	c.P50 = append(c.P50, millis(h, 50, 100))
	c.P95 = append(c.P95, millis(h, 95, 100))
	c.P99 = append(c.P99, millis(h, 99, 100))
	c.Rate = append(c.Rate, float64(counters.Finished())/width)
}

func stageChart(r *result.Run) StageChart {
	var c StageChart
	for _, s := range r.Stages {
		if s.Response.Total() == 0 {
			continue
		}
		c.Stage = append(c.Stage, chartName(s.Name))
		c.P50 = append(c.P50, millis(s.Response, 50, 100))
		c.P95 = append(c.P95, millis(s.Response, 95, 100))
		c.P99 = append(c.P99, millis(s.Response, 99, 100))
		c.Throughput = append(c.Throughput, throughput(s))
		c.Success = append(c.Success, successRate(s))
	}
	return c
}

// percentileGrid are even steps on a logarithmic scale from p0 to p99.999.
func percentileGrid() Series {
	var grid Series
	for i := range 51 {
		grid = append(grid, math.Pow(10, float64(i)/10))
	}
	return grid
}

func percentileChart(r *result.Run) PercentileChart {
	c := PercentileChart{OneIn: percentileGrid()}
	for _, s := range r.Stages {
		if s.Response.Total() == 0 {
			continue
		}
		c.Lines = append(c.Lines, Line{chartName(s.Name), percentileLine(s.Response, c.OneIn)})
	}
	return c
}

// percentileLine returns the quantiles as far as the sample reaches: beyond
// one in n there is nothing but the maximum.
func percentileLine(h result.Histogram, oneIn Series) Series {
	const den = 1_000_000
	out := make(Series, len(oneIn))
	for i, n := range oneIn {
		out[i] = math.NaN()
		if n <= float64(h.Total()) {
			out[i] = millis(h, int64(math.Round((1-1/n)*den)), den)
		}
	}
	return out
}

func clusterChart(r *result.Run) *ClusterChart {
	if r.Timeline == nil || len(r.Timeline.Samples) == 0 {
		return nil
	}
	c := &ClusterChart{}
	for _, s := range r.Timeline.Samples {
		c.At = append(c.At, seconds(s.At.Sub(r.Start)))
		c.Ready = append(c.Ready, float64(s.Ready))
		c.Desired = append(c.Desired, float64(s.Desired))
		c.Wanted = append(c.Wanted, float64(s.Wanted))
		c.CPU = append(c.CPU, s.CPU)
	}
	return c
}

// chartName is a stage's name where no Text can go: the labels of charts.
func chartName(s string) string { return visible(shorten(s, 40)) }
