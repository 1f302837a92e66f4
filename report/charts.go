package report

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/slogate/slogate/result"
)

// Charts holds the numbers that charts are drawn from. NaN is a gap.
type Charts struct {
	Time        TimeChart
	Stages      StageChart
	Percentiles PercentileChart
	Histograms  []HistogramChart // one for each stage
	Cluster     *ClusterChart    // nil: nothing was seen of the cluster
	Metrics     []MetricChart    `json:",omitempty"`
}

// Series is a row of numbers. NaN is a gap, null in JSON.
type Series []float64

// MarshalJSON writes the numbers with six significant digits: more is not
// seen in a chart.
func (s Series) MarshalJSON() ([]byte, error) {
	if s == nil {
		return []byte("null"), nil
	}
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

// TimeChart is the whole run over time, one point for each part of a stage, or of
// the stages that ran together.
type TimeChart struct {
	At    Series // middle of the part, seconds since the run's start
	Width Series // of the part, seconds
	TimeSide
	Base  *TimeSide // nil: the run is no comparison
	Spans []Span

	stage []*result.Stage // of each point; of stages that ran together the first
}

// TimeSide is one side of the run over time.
type TimeSide struct {
	P50, P95, P99 Series // response time in milliseconds
	Rate          Series // finished requests a second, while this side was loaded
	CPU           Series `json:",omitempty"` // cores that the service used; none: not known
}

// Span is a stage's place on the time axis, in seconds since the run's start.
type Span struct {
	Stage    string // or stages that ran together
	From, To float64
}

// StageChart has one value for each stage that ran.
type StageChart struct {
	Stage []string
	StageSide
	Base *StageSide // nil: the run is no comparison
}

// StageSide is one side of each stage.
type StageSide struct {
	P50, P95, P99       Series // milliseconds
	Throughput, Success Series // a second; share
}

// PercentileChart is the response time by percentile, one line for each
// side of each stage.
type PercentileChart struct {
	OneIn Series // one request in so many is slower: 100 is p99
	Lines []Line
}

// Line is one named series.
type Line struct {
	Stage  string
	Side   string // as of the stage
	Values Series // milliseconds
}

// HistogramChart is the distribution of one stage's response times, in bins
// that are equally wide on a logarithmic scale.
type HistogramChart struct {
	Stage string
	From  Series // where each bin begins, in milliseconds, and where the last one ends
	Head  Series // percent of the requests in each bin
	Base  Series // nil: head was loaded alone
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

// chartHistograms is how many stages have a histogram of their own.
const chartHistograms = 12

func newCharts(r *result.Run) Charts {
	c := Charts{Time: timeChart(r, timePoints, stagesTogether(r)), Cluster: clusterChart(r), Metrics: metricCharts(r)}
	if len(r.Stages) <= chartStages {
		c.Stages = stageChart(r)
		c.Percentiles = percentileChart(r)
	}
	if len(r.Stages) <= chartHistograms {
		c.Histograms = histogramCharts(r)
	}
	return c
}

// timeChart has about so many points. Groups follow each other.
func timeChart(r *result.Run, points int, groups [][]*result.Stage) TimeChart {
	c := newTimeChart(r)
	total := 0
	for _, s := range r.Stages {
		total += len(s.Slices)
	}
	together := max(1, (total+points-1)/points)
	for _, group := range groups {
		c.addGroup(r, group, together)
	}
	c.forgetUnknown()
	if c.Base != nil {
		c.Base.forgetUnknown()
	}
	return c
}

// addGroup appends the stages of a group, so many slices a point.
func (c *TimeChart) addGroup(r *result.Run, group []*result.Stage, together int) {
	tracks, from, to := tracksOf(r, group)
	switch {
	case len(tracks) == 0:
		return
	case len(tracks) == 1:
		c.addTrack(tracks[0], together)
	case from < to:
		c.addSteps(newSteps(from, to, max(time.Duration(together)*widest(tracks), (to-from)/timePoints+1)), tracks)
	}
	c.Spans = append(c.Spans, Span{chartName(groupName(group)), seconds(from), seconds(to)})
	for len(c.stage) < len(c.At) {
		c.stage = append(c.stage, group[0])
	}
}

// addTrack appends a point for so many neighbouring slices each.
func (c *TimeChart) addTrack(t track, together int) {
	for i := 0; i < len(t.head); i += together {
		j := min(i+together, len(t.head))
		from, to := t.span(i, j)
		c.at(seconds(from), seconds(to-from))
		c.add(whileLoaded(t.head[i:j]), t.head[i:j])
		if c.Base != nil {
			c.Base.add(whileLoaded(t.windows(i, j)), t.windows(i, j))
		}
	}
}

// forgetUnknown drops the cost of a side of which it was never known.
func (c *TimeSide) forgetUnknown() {
	if !slices.ContainsFunc(c.CPU, func(v float64) bool { return !math.IsNaN(v) }) {
		c.CPU = nil
	}
}

func newTimeChart(r *result.Run) TimeChart {
	if r.Base == nil {
		return TimeChart{}
	}
	return TimeChart{Base: &TimeSide{}}
}

// at places the next point.
func (c *TimeChart) at(from, width float64) {
	c.At = append(c.At, from+width/2)
	c.Width = append(c.Width, width)
}

// addSteps appends a point for each step. Where base and head took turns, each
// has the rate of the time in which it was loaded.
func (c *TimeChart) addSteps(cut steps, tracks []track) {
	head, base := cut.spread(tracks)
	for i, rate := range cut.rates(tracks) {
		from, to := cut.span(i)
		c.at(seconds(from), seconds(to-from))
		if len(base[i]) > 0 {
			rate = whileLoaded(head[i])
		}
		c.add(rate, head[i])
		if c.Base != nil {
			c.Base.add(whileLoaded(base[i]), base[i])
		}
	}
}

// whileLoaded is how many requests a second the slices finished, which follow
// each other. Without any it is NaN.
func whileLoaded(list []result.Slice) float64 {
	sum, finished := 0.0, int64(0)
	for _, s := range list {
		sum += seconds(s.Width)
		finished += s.Counters.Finished()
	}
	return float64(finished) / sum
}

// add appends one point made of slices; without any it is a gap.
func (c *TimeSide) add(rate float64, list []result.Slice) {
	var h result.Histogram
	for _, s := range list {
		h = h.Merge(s.Response)
	}
	c.P50 = append(c.P50, millis(h, 50, 100))
	c.P95 = append(c.P95, millis(h, 95, 100))
	c.P99 = append(c.P99, millis(h, 99, 100))
	c.Rate = append(c.Rate, rate)
	c.CPU = append(c.CPU, partCores(list))
}

// cores of a point, NaN where the chart has none.
func (c *TimeSide) cores(i int) float64 {
	if c.CPU == nil {
		return math.NaN()
	}
	return c.CPU[i]
}

func stageChart(r *result.Run) StageChart {
	var c StageChart
	if r.Base != nil {
		c.Base = &StageSide{}
	}
	for _, s := range r.Stages {
		base := r.Base.Stage(s.Name)
		if base == nil {
			base = &result.Stage{}
		}
		if s.Response.Total()+base.Response.Total() == 0 {
			continue
		}
		c.Stage = append(c.Stage, chartName(s.Name))
		c.add(s)
		if c.Base != nil {
			c.Base.add(*base)
		}
	}
	return c
}

func (c *StageSide) add(s result.Stage) {
	c.P50 = append(c.P50, millis(s.Response, 50, 100))
	c.P95 = append(c.P95, millis(s.Response, 95, 100))
	c.P99 = append(c.P99, millis(s.Response, 99, 100))
	c.Throughput = append(c.Throughput, throughput(s))
	c.Success = append(c.Success, successRate(s))
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
	for _, s := range sides(r) {
		if s.Response.Total() == 0 {
			continue
		}
		c.Lines = append(c.Lines, Line{chartName(s.Name), s.side, percentileLine(s.Response, c.OneIn)})
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

// How finely a histogram is drawn, in bins for a factor of ten.
const (
	coarsest = 10.0
	finest   = 200.0
	// inView is how many bins the middle 98 % of many requests get; of fewer
	// requests it is twice the cube root of their number (Rice's rule), so that
	// noise does not look like a shape.
	inView = 40.0
	// mostBins bounds what is drawn of a distribution that reaches far.
	mostBins = 400.0
)

func histogramCharts(r *result.Run) []HistogramChart {
	var out []HistogramChart
	for _, s := range r.Stages {
		var base result.Histogram
		if side := r.Base.Stage(s.Name); side != nil {
			base = side.Response
		}
		if all := s.Response.Merge(base); all.Total() > 0 {
			c := binsOf(all)
			c.Stage, c.Head = chartName(s.Name), c.shares(s.Response)
			if base.Total() > 0 {
				c.Base = c.shares(base)
			}
			out = append(out, c)
		}
	}
	return out
}

// binsOf lays the bins for the values of a histogram.
func binsOf(h result.Histogram) HistogramChart {
	low, high := quantileMicros(h, 1, 100), quantileMicros(h, 99, 100)
	fineness := min(2*math.Cbrt(float64(h.Total())), inView) / max(math.Log10(high/low), 1e-9)
	// A bin holds several of the histogram's buckets, which are 1 µs wide below
	// 2 ms: else it shows stripes.
	fineness = min(max(fineness, coarsest), finest, max(low*0.5, coarsest))
	buckets := h.Buckets()
	from, to := middle(buckets[0]), middle(buckets[len(buckets)-1])
	fineness = min(fineness, mostBins/max(math.Log10(to/from), 1e-9))
	begin := math.Floor(math.Log10(from) * fineness)
	end := math.Floor(math.Log10(to)*fineness) + 1
	c := HistogramChart{}
	for i := begin; i <= end; i++ {
		c.From = append(c.From, math.Pow(10, i/fineness)/1000)
	}
	return c
}

// shares is how many percent of the values lie in each bin.
func (c HistogramChart) shares(h result.Histogram) Series {
	out := make(Series, len(c.From)-1)
	for _, b := range h.Buckets() {
		i, _ := slices.BinarySearch(c.From, math.Nextafter(middle(b)/1000, math.Inf(1)))
		out[min(max(i-1, 0), len(out)-1)] += 100 * float64(b.Count) / float64(h.Total())
	}
	return out
}

// middle is the middle of a bucket in microseconds, never 0.
func middle(b result.Bucket) float64 {
	end := result.Equivalent(time.Duration(b.Low)*time.Microsecond) + time.Microsecond
	return (float64(b.Low) + float64(end)/float64(time.Microsecond)) / 2
}

func quantileMicros(h result.Histogram, num, den int64) float64 {
	return max(millis(h, num, den)*1000, 0.5)
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
