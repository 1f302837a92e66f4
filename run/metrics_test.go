package run

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/prometheus"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// metered is a file of stages with queries.
func metered(delay time.Duration, queries []string, names ...string) *slo.File {
	file := stages(names...)
	file.Metrics.Prometheus = &slo.Prometheus{Delay: delay}
	for _, q := range queries {
		file.Metrics.Prometheus.Queries = append(file.Metrics.Prometheus.Queries, slo.Query{Name: q, Text: q})
	}
	return file
}

// history is a server that knows samples once they are so old.
type history struct {
	late  time.Duration
	asked int
	began time.Time
}

func (h *history) ask(_ context.Context, query string, from, until time.Time, every time.Duration) ([]prometheus.Point, error) {
	h.asked++
	var out []prometheus.Point
	for at := from; !at.After(until); at = at.Add(every) {
		value := math.Round(at.Sub(h.began).Seconds())
		switch query {
		case "undefined":
			value = math.NaN()
		case "endless":
			value = math.Inf(1)
		case "wrong":
			return nil, &prometheus.QueryError{Text: "no query"}
		case "down":
			return nil, errors.New("refused")
		}
		if time.Since(at) >= h.late {
			out = append(out, prometheus.Point{At: at, Value: value})
		}
	}
	return out, nil
}

// loading is a loader whose stages know when they began.
type loading struct{ sliced }

func (l *loading) RunTogether(ctx context.Context, stages []slo.Stage) []*result.Stage {
	var out []*result.Stage
	for _, s := range stages {
		out = append(out, l.Run(ctx, s))
	}
	return out
}

func TestConductAsksForMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &history{late: 4 * time.Second, began: time.Now()}
		file := metered(time.Second, []string{"time", "wrong", "endless", "undefined"}, "one", "two")
		file.Stages[1].IdleBefore = time.Minute
		l := &loading{sliced{scripted{lasts: 2500 * time.Millisecond}}}
		r := Conduct(t.Context(), file, l, Options{Series: server.ask})
		at := func(values ...float64) *result.Metric {
			m := &result.Metric{Name: "time", Every: time.Second, Asked: 3}
			for i, v := range values {
				m.Points = append(m.Points, result.MetricPoint{At: time.Duration(i)*time.Second + 500*time.Millisecond, Value: v})
			}
			return m
		}
		for i, want := range []*result.Metric{at(1, 2, 3), at(63, 64, 65)} { // the last moment is the stage's end
			s := &r.Stages[i]
			if diff := cmp.Diff(want, s.Metric("time")); diff != "" {
				t.Errorf("stage %s (-want +got):\n%s", s.Name, diff)
			}
			for name, why := range map[string]string{"wrong": "no query", "endless": "the query gave an infinite value", "undefined": "the query gave no value"} {
				if got := s.Metric(name).Missing; got != why {
					t.Errorf("stage %s: %s: %q, want %q", s.Name, name, got, why)
				}
			}
		}
		want := []string{"metric wrong: no query", "metric endless: the query gave an infinite value", "metric undefined: the query gave no value"}
		if diff := cmp.Diff(want, r.Warnings); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	})
}

// The metrics of a comparison are of its load, also where a profile takes longer.
func TestMetricsEndWithTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := metered(time.Second, []string{"time"}, "one")
		file.Baseline.Max = 6 * time.Second
		w := &file.Stages[0].Workload
		w.Model, w.RateFrom, w.RateTo, w.Duration = slo.Open, 10, 10, 6*time.Second
		began := time.Now()
		r := Conduct(t.Context(), file, &scripted{}, Options{
			Pair: &turnTaker{}, Series: (&history{began: began}).ask,
			Profile: func(ctx context.Context, _ slo.Stage) (*result.Profile, error) {
				idle(ctx, time.Minute)
				return &result.Profile{}, nil
			},
		})
		s := r.Stages[0]
		if want := began.Add(6 * time.Second); len(s.Loaded) != 1 || !s.Loaded[0].Until.Equal(want) {
			t.Errorf("loaded %v, want until %v", s.Loaded, want)
		}
		if m := s.Metric("time"); m == nil || m.Asked != 7 {
			t.Errorf("%+v, want 7 moments", m)
		}
	})
}

// A server that does not answer costs a bounded time, once.
func TestConductWithoutAPrometheusServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &history{}
		start := time.Now()
		l := &loading{sliced{scripted{lasts: time.Second}}}
		r := Conduct(t.Context(), metered(5*time.Second, []string{"down", "time"}, "one", "two"), l, Options{Series: server.ask})
		if took := time.Since(start); took > 2*time.Second+5*time.Second+metricPatience+metricAgain {
			t.Errorf("took %v", took)
		}
		for _, s := range r.Stages {
			for _, m := range s.Metrics {
				if m.Missing != "refused" {
					t.Errorf("%s of %s: %+v", m.Name, s.Name, m)
				}
			}
		}
		if diff := cmp.Diff([]string{"metric down, time: refused"}, r.Warnings); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	})
}

// A cancelled run does not wait, and still asks once.
func TestConductAsksQuicklyAfterACancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		server := &history{began: time.Now()}
		l := &loading{sliced{scripted{lasts: time.Second}}}
		r := Conduct(ctx, metered(time.Hour, []string{"time", "down"}, "one", "two", "three"), l, Options{Series: server.ask})
		if took := time.Since(start(r)); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		if m := r.Stages[0].Metric("time"); m == nil || len(m.Points) != 2 {
			t.Errorf("%+v", m)
		}
		if len(r.Stages[2].Metrics) > 0 {
			t.Error("a stage that did not run has metrics")
		}
	})
}

func start(r *result.Run) time.Time { return r.Start }

// The points of a long stage are as many as a chart shows.
func TestMetricsOfALongStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &history{began: time.Now()}
		l := &loading{sliced{scripted{lasts: time.Hour}}}
		r := Conduct(t.Context(), metered(time.Second, []string{"time"}, "soak"), l, Options{Series: server.ask})
		m := r.Stages[0].Metric("time")
		if m.Every != 7*time.Second || len(m.Points) > result.MaxMetricPoints || m.Asked != len(m.Points) {
			t.Errorf("%d of %d points, every %v", len(m.Points), m.Asked, m.Every)
		}
	})
}
