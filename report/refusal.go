package report

import (
	"fmt"
	"io"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// Refusal writes, as Markdown for a job summary, why nothing was loaded and so
// nothing could be judged.
func Refusal(w io.Writer, why string) error {
	text := Text{raw: shorten(why, 10_000)}
	_, err := fmt.Fprintf(w, "## ⛔ slogate could not run\n\nNothing was loaded, nothing was judged.\n\n%s\n", text.Fence())
	if err != nil {
		return fmt.Errorf("write refusal: %w", err)
	}
	return nil
}

// Plan writes, as Markdown for a job summary, what a run of a file would do.
// The plan is text of several lines.
func Plan(w io.Writer, name, plan string) error {
	heading, text := Text{raw: shorten(name, nameLimit), write: markdown}, Text{raw: shorten(plan, 100_000)}
	if _, err := fmt.Fprintf(w, "## 📋 Plan: %s\n\nThe file is valid. Nothing was sent.\n\n%s\n", heading, text.Fence()); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// Part writes, as Markdown for a job summary, that a shard has done its part of
// a run.
func Part(w io.Writer, r *result.Run) error {
	var c result.Counters
	for _, s := range r.Stages {
		c.Add(s.Counters)
	}
	heading := Text{raw: shorten(r.Name, nameLimit), write: markdown}
	if _, err := fmt.Fprintf(w, "## ▫️ %s: %s\n\n%s, %s without success. The run is judged where its shards are merged.\n", heading, r.Shard, plural(int(c.Due()), "request"), quantity.Count(c.Due()-c.Success)); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// Against writes what an objective was compared with and the change, as the
// reports do: "base 102 ms, +11.0 % (+8.0 to +14.0 %)". It is empty where there
// was no comparison.
func Against(o result.JudgedObjective) string {
	c := o.Comparison
	if c == nil {
		return ""
	}
	side := "baseline "
	if c.Runs == 0 {
		side = "base "
	}
	text := side + baseline(o)
	if c.Runs > 0 || c.Pairs > 0 {
		text += ", " + quantity.Change(c.Change, c.Points)
	}
	if interval := between(c); interval != "" {
		text += " (" + interval + ")"
	}
	return text
}

// OneLine puts a text from outside on one line of bounded length that is safe to
// print: see [Text].
func OneLine(s string) string { return visible(shorten(s, sentenceLimit)) }

// Workload writes a workload in words: "1 000 requests by 10 workers".
func Workload(w result.Workload) string { return workload(w) }
