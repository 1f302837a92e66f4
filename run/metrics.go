package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/prometheus"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Series asks a Prometheus server what a query gave; see [prometheus.Server.Range].
type Series func(ctx context.Context, query string, from, until time.Time, every time.Duration) ([]prometheus.Point, error)

const (
	// metricEvery is how far apart the moments are that a query is asked for:
	// no scrape is more frequent.
	metricEvery = time.Second
	// metricPatience is for how long after the file's delay the server is asked
	// again where it has no value of a stage's end, or does not answer.
	metricPatience = 15 * time.Second
	// metricAgain is how soon it is asked again.
	metricAgain = time.Second
	// metricsTimeout bounds asking for all stages: a server that takes a second for
	// each query of a long file is not waited for.
	metricsTimeout = time.Minute
)

// noteLoaded remembers when a stage was loaded, for asking later.
func noteLoaded(s *result.Stage, from, until time.Time) {
	if s.State != result.NotRun && until.After(from) {
		s.Loaded = []result.Loaded{{From: from.Round(0), Until: until.Round(0)}}
	}
}

// asking is a run whose metrics are asked for.
type asking struct {
	Series
	plan  *slo.Prometheus
	waits time.Time // until when a value that is not there is waited for
	lost  error     // the server does not answer: no more is asked
}

// askMetrics asks what the queries of a file gave in each stage of a run. It
// comes last, so that the server's delay is waited for once and nothing is asked
// while the service is loaded. What cannot be known is in the result with the
// reason.
func askMetrics(ctx context.Context, plan *slo.Prometheus, opts Options, r *result.Run) {
	ends := lastLoaded(r)
	if plan == nil || opts.Series == nil || ends.IsZero() {
		return
	}
	a := &asking{Series: opts.Series, plan: plan}
	wait := time.Until(ends.Add(plan.Delay))
	if wait > 0 && ctx.Err() == nil {
		opts.Observer.Note(fmt.Sprintf("waiting %s for the Prometheus server to have the last samples", quantity.Duration(wait.Round(100*time.Millisecond))))
	}
	if idle(ctx, wait) && ctx.Err() == nil {
		a.waits = time.Now().Add(metricPatience)
	}
	limited, stop := hurried(ctx, metricsTimeout)
	defer stop()
	for i := range r.Stages {
		a.stage(limited, &r.Stages[i])
	}
	warnOfMetrics(r)
}

// lastLoaded is when the last load ended that metrics are asked for.
func lastLoaded(r *result.Run) (ends time.Time) {
	for _, s := range r.Stages {
		for _, l := range s.Loaded {
			if l.Until.After(ends) {
				ends = l.Until
			}
		}
	}
	return ends
}

// stage asks for the metrics of a stage.
func (a *asking) stage(ctx context.Context, s *result.Stage) {
	if len(s.Loaded) == 0 {
		return
	}
	for _, q := range a.plan.Queries {
		m := result.Metric{Name: q.Name}
		for _, l := range s.Loaded {
			a.window(ctx, q.Text, s.Start, l, &m)
		}
		if m.Missing == "" && len(m.Points) == 0 {
			m.Missing = "the query gave no value"
		}
		s.Metrics = append(s.Metrics, m)
	}
}

// window asks for one time in which a stage was loaded. The last moment is its
// end.
func (a *asking) window(ctx context.Context, query string, start time.Time, l result.Loaded, m *result.Metric) {
	span := l.Until.Sub(l.From)
	every := metricEvery * (1 + span/(result.MaxMetricPoints*metricEvery))
	steps := int(span / every)
	m.Every = max(m.Every, every)
	m.Asked += steps + 1
	points, err := a.settled(ctx, query, l.Until.Add(-time.Duration(steps)*every), l.Until, every)
	if err != nil {
		m.Missing = cmp.Or(m.Missing, err.Error())
		return
	}
	for _, p := range points {
		at := max(p.At.Sub(start), 0)
		switch last := len(m.Points) - 1; {
		case math.IsInf(p.Value, 0):
			m.Missing = cmp.Or(m.Missing, "the query gave an infinite value")
		case math.IsNaN(p.Value) || last >= 0 && m.Points[last].At >= at: // 0/0: nothing happened
		default:
			m.Points = append(m.Points, result.MetricPoint{At: at, Value: p.Value})
		}
	}
}

// settled asks until the value of the last moment is there, as long as it may
// still come.
func (a *asking) settled(ctx context.Context, query string, from, until time.Time, every time.Duration) ([]prometheus.Point, error) {
	for {
		if a.lost != nil {
			return nil, a.lost
		}
		points, err := a.Series(ctx, query, from, until, every)
		_, wrong := errors.AsType[*prometheus.QueryError](err)
		there := err == nil && len(points) > 0 && until.Sub(points[len(points)-1].At) < every/2
		switch {
		case there, wrong:
			return points, err
		case time.Now().Before(a.waits) && (err != nil || a.mayCome(until)) && idle(ctx, metricAgain):
			continue
		case err != nil:
			a.lost = err
		}
		return points, err
	}
}

// mayCome reports whether the samples of a moment can be under way.
func (a *asking) mayCome(t time.Time) bool {
	return time.Since(t) < a.plan.Delay+metricPatience
}

// warnOfMetrics tells of each reason once, with the metrics that have it.
func warnOfMetrics(r *result.Run) {
	var reasons []string
	names := map[string][]string{}
	for _, s := range r.Stages {
		for _, m := range s.Metrics {
			if m.Missing == "" || slices.Contains(names[m.Missing], m.Name) {
				continue
			}
			if names[m.Missing] == nil {
				reasons = append(reasons, m.Missing)
			}
			names[m.Missing] = append(names[m.Missing], m.Name)
		}
	}
	for _, why := range reasons {
		r.Warnings = append(r.Warnings, fmt.Sprintf("metric %s: %s", strings.Join(names[why], ", "), why))
	}
}
