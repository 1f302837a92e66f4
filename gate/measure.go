package gate

import (
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Measure computes an indicator of a stage, in the scale of the indicator's
// unit: microseconds, a share or score of 0 to 1, a number per second, a count
// or bytes. It reports false where nothing was measured: no number stands for
// requests that did not happen.
//
//	pQ              value of rank ⌈Q·N⌉ in the clock's histogram, the highest of its HDR bucket
//	min, max        ends of the histogram; mean and stddev (of the population) from the buckets' middles
//	success_rate    successful / judged
//	error_rate      1 − success_rate, computed from the unsuccessful ones
//	status(range)   answers with such a status / judged
//	apdex(T)        (successful within T + ½·successful between T and 4T) / judged; an unsuccessful
//	                request is frustrated (Apdex Technical Specification 1.1)
//	throughput      finished / the stage's duration
//	goodput         successful / the stage's duration
//	requests        finished: ended by themselves, successful or not
//	pQ.slope        Theil and Sen's slope of the parts of the stage; see [stats.Slope]
//	errors timeouts unsent bytes_in bytes_out redirects events   totals of the stage
//	events_per_second  events of streams / the stage's duration
//	measure.NAME.pQ and its like   the same of the numbers that successful answers held
//	cpu_per_request CPU time that the service used in the stage / finished
//	cpu             the same / the time between the readings, in cores
//	memory.max      the most that was read, in bytes
//	metric.NAME     mean of the values that a query of a Prometheus server gave; .min, .max and .last alike
//	capacity        the highest rate that a search found, 0 where none met the objectives
//	throttled       periods in which the service used up its CPU limit / periods
//	replicas.max    the most pods at the same time; cpu.max the most that all pods used of their request
//	scale_up_time   from the stage's start until more pods were ready than then
//	restarts        of the pods' containers in the stage
//
// Judged is [result.Counters.Judged]: everything due but what a cancel took
// away. The histograms of response and service time hold an unsuccessful
// request with its timeout, so that fast errors are not speed.
func Measure(ind slo.Indicator, s *result.Stage) (value float64, ok bool) {
	if s == nil {
		return 0, false
	}
	if isLatency(ind) {
		value, ok := latency(ind, histogram(ind, s))
		if ind.Clock == slo.MeasuredNumber {
			value /= measuredScale
		}
		return value, ok
	}
	if isCost(ind) {
		return costOf(ind, s)
	}
	if ind.IsCluster() {
		return clusterOf(ind, s.Cluster)
	}
	switch ind.Kind {
	case slo.Capacity:
		return capacityOf(s)
	case slo.Metric:
		return metricOf(ind, s)
	}
	judged := s.Counters.Judged()
	if judged <= 0 {
		return 0, false
	}
	if ind.Kind == slo.Slope {
		value, _, ok := slopeOf(ind, s)
		return value, ok
	}
	if n, ok := amount(ind, s); ok {
		return float64(n) / float64(max(s.Runs, 1)), true
	}
	switch ind.Kind {
	case slo.SuccessRate, slo.ErrorRate, slo.Status, slo.Apdex:
		return points(ind, s) / float64(judged), true
	case slo.Throughput, slo.Goodput, slo.EventRate:
		seconds := s.Duration.Seconds()
		if seconds <= 0 {
			return 0, false
		}
		if ind.Kind == slo.EventRate {
			return float64(s.Events) / seconds, true
		}
		return float64(paced(ind, s.Counters)) / seconds, true
	}
	return 0, false
}

// measuredScale is how many microseconds a measured 1 is kept as.
const measuredScale = 1000

// isLatency reports whether the indicator is computed from times, or from
// numbers that are kept like times.
func isLatency(ind slo.Indicator) bool {
	switch ind.Kind {
	case slo.Percentile, slo.Min, slo.Mean, slo.Max, slo.StdDev:
		return true
	}
	return false
}

// isShare reports whether the indicator is a part of the judged requests.
func isShare(ind slo.Indicator) bool {
	switch ind.Kind {
	case slo.SuccessRate, slo.ErrorRate, slo.Status, slo.Apdex:
		return true
	}
	return false
}

// histogram returns the times that an indicator looks at. Those of iterations
// are the response times of a part that they were put into.
func histogram(ind slo.Indicator, s *result.Stage) result.Histogram {
	switch ind.Clock {
	case slo.Response, slo.IterationTime:
		return s.Response
	case slo.OK:
		return s.OK
	case slo.Service:
		return s.Service
	case slo.Connect:
		return s.Connect
	case slo.TLSTime:
		return s.TLS
	case slo.TTFB:
		return s.TTFB
	case slo.MeasuredNumber:
		return s.Measures[ind.Measure]
	case slo.FirstEvent:
		return s.FirstEvent
	case slo.EventGap:
		return s.EventGap
	case slo.RoundTrip:
		return s.RoundTrip
	}
	return result.Histogram{}
}

// latency computes a latency indicator of any histogram, in microseconds.
func latency(ind slo.Indicator, h result.Histogram) (float64, bool) {
	var d time.Duration
	var ok bool
	switch ind.Kind {
	case slo.Percentile:
		if ind.Quantile.Den > 0 {
			d, ok = h.Quantile(ind.Quantile.Num, ind.Quantile.Den)
		}
	case slo.Min:
		d, ok = h.Min()
	case slo.Mean:
		d, ok = h.Mean()
	case slo.Max:
		d, ok = h.Max()
	case slo.StdDev:
		// One value has no spread; 0 would be a pass made of nothing.
		if h.Total() > 1 {
			d, ok = h.StdDev()
		}
	}
	return micros(d), ok
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// amount returns the indicators that are counted, not computed: of all the times
// that the stage was loaded.
func amount(ind slo.Indicator, s *result.Stage) (int64, bool) {
	switch ind.Kind {
	case slo.Requests:
		return s.Counters.Finished(), true
	case slo.Errors:
		return s.Counters.Errors(), true
	case slo.Timeouts:
		return s.Counters.Timeout, true
	case slo.Unsent:
		return s.Counters.Unsent, true
	case slo.BytesIn:
		return s.BytesIn, true
	case slo.BytesOut:
		return s.BytesOut, true
	case slo.Redirects:
		return s.Redirects, true
	case slo.Events:
		return s.Events, true
	}
	return 0, false
}

// points is the numerator of a share or score: how many of the judged requests
// count for it, a tolerating one half.
func points(ind slo.Indicator, s *result.Stage) float64 {
	switch ind.Kind {
	case slo.SuccessRate:
		return float64(s.Counters.Success)
	case slo.ErrorRate:
		return float64(unsuccessful(s.Counters))
	case slo.Status:
		return float64(answers(ind.Status, s.Status))
	case slo.Apdex:
		threshold := min(ind.Apdex, result.HighestValue)
		slower := s.OK.Above(threshold)
		frustrated := s.OK.Above(4 * threshold)
		return float64(s.OK.Total()-slower) + float64(slower-frustrated)/2
	}
	return 0
}

// unsuccessful counts the judged requests that did not succeed.
func unsuccessful(c result.Counters) int64 { return c.Judged() - c.Success }

func answers(within slo.StatusRange, status map[int]int64) int64 {
	var n int64
	for code, count := range status {
		if within.Contains(code) {
			n += count
		}
	}
	return n
}

// paced counts the requests that a rate is made of.
func paced(ind slo.Indicator, c result.Counters) int64 {
	if ind.Kind == slo.Goodput {
		return c.Success
	}
	return c.Finished()
}

// samples is how many values the indicator is computed of.
func samples(ind slo.Indicator, s *result.Stage) int64 {
	switch {
	case isLatency(ind) || ind.Kind == slo.Slope:
		return histogram(ind, s).Total()
	case ind.Kind == slo.Metric:
		if m := s.Metric(ind.Measure); m != nil {
			return int64(len(m.Points))
		}
		return 0
	}
	return s.Counters.Judged()
}

// mayLieAbove is how many of n values the quantile's rank leaves above it:
// n − ⌈q·n⌉.
func mayLieAbove(q slo.Quantile, n int64) int64 {
	rank := n/q.Den*q.Num + (n%q.Den*q.Num+q.Den-1)/q.Den
	return n - rank
}
