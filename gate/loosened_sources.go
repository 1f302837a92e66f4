package gate

import (
	"slices"

	"github.com/slogate/slogate/slo"
)

// sources compares where the numbers come from that objectives of base judge:
// the queries of metrics and what is measured in answers.
func (l *loosenings) sources(base, head *slo.File) {
	for _, b := range base.Stages {
		for _, o := range b.Objectives {
			switch {
			case !b.Judge || o.Severity == slo.Show:
			case o.Indicator.Kind == slo.Metric:
				l.query(o.Indicator.Measure, base.Metrics.Prometheus, head.Metrics.Prometheus)
			case o.Indicator.Clock == slo.MeasuredNumber:
				l.measure(o, base, head)
			}
		}
	}
}

// query lists another query of a name, and another server that is asked.
func (l *loosenings) query(name string, b, h *slo.Prometheus) {
	before := queryOf(b, name)
	if now := queryOf(h, name); before != now {
		l.add("", "metric."+name+" asks for "+before, orRemoved(now))
	}
	if b != nil && h != nil && b.URL != h.URL {
		l.add("", "the Prometheus server", "another one")
	}
}

func queryOf(p *slo.Prometheus, name string) string {
	if p == nil {
		return ""
	}
	for _, q := range p.Queries {
		if q.Name == name {
			return q.Text
		}
	}
	return ""
}

// measure lists what the requests of an objective measure in another way.
func (l *loosenings) measure(o slo.Objective, base, head *slo.File) {
	for _, sc := range base.Scenarios {
		for _, step := range sc.Steps {
			if b := step.Request; b != nil && o.Scope.Covers(sc.Name, b.Name) {
				l.measuredIn(b, likeliest(sc.Name, b.Name, head.Scenarios), o.Indicator.Measure)
			}
		}
	}
}

func (l *loosenings) measuredIn(b, h *slo.Request, name string) {
	if h == nil {
		return // the request is gone
	}
	before, now := measureOf(b, name), measureOf(h, name)
	if before != "" && before != now {
		l.add("", "measure."+name+" of "+b.Name+" is "+before, orRemoved(now))
	}
}

func measureOf(r *slo.Request, name string) string {
	i := slices.IndexFunc(r.Measures, func(m slo.Measure) bool { return m.Name == name })
	if i < 0 {
		return ""
	}
	return r.Measures[i].Text
}
