package gate

import (
	"fmt"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// metricOf computes a statistic of what a query gave during a stage. It reports
// false where that is not known.
func metricOf(ind slo.Indicator, s *result.Stage) (float64, bool) {
	m := s.Metric(ind.Measure)
	switch ind.Of {
	case slo.Mean:
		return m.Mean()
	case slo.Min:
		return m.Min()
	case slo.Max:
		return m.Max()
	case slo.Last:
		return m.Last()
	}
	return 0, false
}

// metricUnknown says why what a query gave carries no verdict: half of the
// moments at least must have a value, so that a metric that was there for a
// moment does not stand for the stage.
func metricUnknown(ind slo.Indicator, s *result.Stage) string {
	switch m := s.Metric(ind.Measure); {
	case m == nil:
		return "the metric was not asked for"
	case m.Missing != "":
		return m.Missing
	case 2*len(m.Points) < m.Asked:
		return fmt.Sprintf("the metric has a value at %d of %d moments of the stage", len(m.Points), m.Asked)
	case ind.Of == slo.Last && !reachesEnd(m, s):
		return "the metric has no value at the stage's end"
	}
	return ""
}

// reachesEnd reports whether the latest value of a metric is at most two moments
// older than the stage's end: what a service that is gone said last says nothing
// of the end.
func reachesEnd(m *result.Metric, s *result.Stage) bool {
	n := len(s.Loaded)
	if n == 0 || len(m.Points) == 0 {
		return true
	}
	end := s.Loaded[n-1].Until.Sub(s.Start)
	return end-m.Points[len(m.Points)-1].At <= 2*m.Every
}
