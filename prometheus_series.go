package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/prometheus"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/secret"
	"github.com/slogate/slogate/slo"
)

// series asks the file's Prometheus server, over connections like those to the
// target; nil where the file names none.
func (l *loaders) series(file *slo.File, s settings) (run.Series, error) {
	server := file.Metrics.Prometheus
	if server == nil {
		return nil, nil
	}
	at := file.AtPrometheus()
	options := s.options(1, at.Target, way{})
	options.Engine = loader.PortableEngine // whatever loads the service
	of, err := loader.New(at, options)
	if err != nil {
		return nil, fmt.Errorf("metrics: prometheus: %w", err)
	}
	l.engines = append(l.engines, of.Close)
	begun := false
	fetch := func(ctx context.Context, path string, parameters url.Values) ([]byte, error) {
		get, err := of.Fetcher(server.Ask(path, parameters), prometheus.MaxAnswer, server.Request.Timeout)
		if err != nil {
			return nil, err
		}
		return get(ctx)
	}
	return func(ctx context.Context, query string, from, until time.Time, every time.Duration) ([]prometheus.Point, error) {
		var err error
		if !begun {
			err = of.Before(ctx) // a token may be needed
			begun = err == nil
		}
		asked := prometheus.Server{Fetch: fetch, Mask: secret.NewMask(of.Secrets())}
		if err != nil {
			return nil, errors.New("the Prometheus server: " + asked.Mask.Text(err.Error()))
		}
		points, err := asked.Range(ctx, query, from, until, every)
		if err == nil {
			return points, nil
		}
		text := "the Prometheus server: " + asked.Mask.Text(err.Error())
		if _, wrong := errors.AsType[*prometheus.QueryError](err); wrong {
			return nil, &prometheus.QueryError{Text: text}
		}
		return nil, errors.New(text)
	}, nil
}
