package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slogate/slogate/cost"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

const (
	// metricsBytes is more than the metrics of large services.
	metricsBytes = 8 << 20
	// metricsTimeout bounds a reading, also where its context does not.
	metricsTimeout = 3 * time.Second
)

// findCost looks for where the cost of the service behind a loader can be read.
// Where the file names a place that does not answer, the run says so.
func (l *loaders) findCost(ctx context.Context, of *loader.Loader, file *slo.File, socket string, note func(string)) (run.Cost, error) {
	place := cost.Place{Addresses: of.Addresses()}
	if r := file.Metrics.Scrape; r != nil {
		fetch, err := of.Fetcher(r, metricsBytes, metricsTimeout)
		if err != nil {
			return run.Cost{}, fmt.Errorf("metrics: %w", err)
		}
		place.Scrape, place.Asks = fetch, r.Name
	}
	find, closeEngine := containerOf(ctx, file, socket)
	place.Container = find
	l.engines = append(l.engines, closeEngine)

	source, refused := cost.Find(ctx, place)
	var reasons []string
	for _, err := range refused {
		reasons = append(reasons, err.Error())
	}
	found := run.Cost{Source: source, Missing: strings.Join(reasons, "; ")}
	if file.Metrics.Scrape != nil && found.Missing != "" {
		note("cost of the service: " + found.Missing)
	}
	return found, nil
}

// costs finds where the cost of both sides can be read.
func (l *loaders) costs(ctx context.Context, file *slo.File, s settings, note func(string)) (head, base run.Cost, err error) {
	head = s.Cost
	if head.Source == nil {
		if head, err = l.findCost(ctx, l.head, file, s.Docker, note); err != nil {
			return head, base, err
		}
	}
	if l.base != nil {
		base, err = l.findCost(ctx, l.base, file.AtBase(), s.Docker, func(text string) { note("base: " + text) })
	}
	if err == nil && cost.Same(head.Source, base.Source) {
		shared := run.Cost{Missing: "base and head are the same, " + head.Source.String()}
		return shared, shared, nil
	}
	return head, base, err
}
