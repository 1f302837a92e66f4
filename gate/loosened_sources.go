package gate

import (
	"slices"

	"github.com/slogate/slogate/slo"
)

// sources compares where the numbers come from that objectives of base judge:
// the queries of metrics, what is measured in answers, the endpoint that tells
// the cost and the replicas that are watched.
func (l *loosenings) sources(base, head *slo.File) {
	for _, b := range base.Stages {
		for _, o := range b.Objectives {
			switch {
			case !b.Judge || o.Severity == slo.Show:
			case o.Indicator.Kind == slo.Metric:
				l.query(o.Indicator.Measure, base.Metrics.Prometheus, head.Metrics.Prometheus)
			case o.Indicator.Clock == slo.MeasuredNumber:
				l.measure(o, base, head)
			case o.Indicator.IsCost():
				l.change("metrics: scrape", nameOf(base.Metrics.Scrape), nameOf(head.Metrics.Scrape))
			case o.Indicator.IsCluster():
				l.change("kubernetes", watched(base.Kubernetes), watched(head.Kubernetes))
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
	if b == nil || h == nil {
		return
	}
	if b.URL != h.URL {
		l.add("", "the Prometheus server", another)
	}
	l.headers(" to the Prometheus server", b.Request.Headers, h.Request.Headers)
}

// nameOf is the path of an endpoint; empty: there is none.
func nameOf(scrape *slo.Request) string {
	if scrape == nil {
		return ""
	}
	return scrape.Name
}

// watched names the replicas that are watched.
func watched(k *slo.Kubernetes) string {
	if k == nil {
		return ""
	}
	text := "deployment: " + k.Deployment
	if k.HPA != "" {
		text = "hpa: " + k.HPA
	}
	if k.Namespace != "" {
		text += ", namespace: " + k.Namespace
	}
	return text
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
