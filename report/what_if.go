package report

import (
	"fmt"
	"io"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// Ceiling is a run with the maximum of replicas that its autoscaler had.
type Ceiling struct {
	MaxReplicas int
	Run         *result.Run
}

// WhatIf writes the stages of several runs side by side, which differ in the
// autoscaler's ceiling. Nothing is judged.
func WhatIf(w io.Writer, all []Ceiling, opts TermOptions) error {
	p := newPage(opts)
	p.line("")
	p.line(p.paint(bold, "What if"))
	t := table{columns: []column{
		{head: "stage", cut: true},
		{head: "max replicas", right: true, title: true},
		{head: "had", right: true},
		{head: "throughput", right: true},
		{head: "successful", right: true},
		{head: "mean", right: true, spare: true},
		{head: "p50", right: true, spare: true},
		{head: "p95", right: true},
		{head: "p99", right: true},
		{head: "success", right: true},
	}}
	for i := range all[0].Run.Stages {
		for _, c := range all {
			t.rows = append(t.rows, c.row(all[0].Run.Stages[i].Name)...)
		}
	}
	p.table(t)
	if _, err := io.WriteString(w, p.text.String()); err != nil {
		return fmt.Errorf("write the comparison: %w", err)
	}
	return nil
}

// row is a stage's, none where the run has not come to it.
func (c Ceiling) row(name string) [][]cell {
	b := builder{run: c.Run}
	for _, s := range c.Run.Stages {
		if s.Name != name || s.State == result.NotRun {
			continue
		}
		v := b.stage(s)
		return [][]cell{{
			{text: v.Name.String()},
			{text: fmt.Sprint(c.MaxReplicas)},
			{text: had(c.Run.Timeline, s)},
			{text: v.Throughput},
			{text: successful(s)},
			{text: v.Mean},
			{text: v.P50},
			{text: v.P95},
			{text: v.P99},
			{text: v.Success},
		}}
	}
	return nil
}

// successful is how many requests a second were answered well.
func successful(s result.Stage) string {
	if s.Duration <= 0 {
		return ""
	}
	return quantity.Rate(float64(s.Counters.Success) / s.Duration.Seconds())
}

// had is how many replicas answered in a stage at most, where somebody looked.
func had(t *result.Timeline, s result.Stage) string {
	most := 0
	if t != nil {
		for _, at := range t.Samples {
			if !at.At.Before(s.Start) && !at.At.After(s.Start.Add(s.Duration)) {
				most = max(most, at.Ready)
			}
		}
	}
	if most == 0 {
		return ""
	}
	return fmt.Sprint(most)
}
