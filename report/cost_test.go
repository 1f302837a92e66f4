package report

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// sampleCosts is the sample run of a service whose cost is known, in its last
// stage not.
func sampleCosts() *result.Run {
	r := sampleRun(result.Pass)
	r.Cost = result.CostSource{Source: "process 4711 (iris) and 2 children, from /proc", Missing: "GET /metrics: status 404"}
	for i := range r.Stages[:2] {
		s := &r.Stages[i]
		s.Cost = &result.Cost{
			CPU: time.Duration(s.Counters.Finished()) * 2340 * time.Microsecond, Span: time.Minute, Memory: 47_300_000,
			Throttling: &result.Throttling{Periods: 1000, Throttled: 120},
		}
		for j := range s.Slices {
			s.Slices[j].Cost = &result.Cost{CPU: 700 * time.Millisecond, Span: time.Second}
		}
	}
	return r
}

// Where nobody told the memory there is no column for it.
func TestNoMemory(t *testing.T) {
	r := sampleCosts()
	for i := range r.Stages[:2] {
		r.Stages[i].Cost.Memory = 0
	}
	for name, form := range map[string]func(io.Writer, *result.Run) error{
		"terminal": func(w io.Writer, r *result.Run) error { return Terminal(w, r, TermOptions{Width: 140}) },
		"markdown": Markdown, "page": HTML,
	} {
		var b strings.Builder
		if err := form(&b, r); err != nil {
			t.Fatal(err)
		}
		stages, facts := b.String(), "CPU and memory" // a fact names the source of both
		if text := strings.ReplaceAll(stages, facts, ""); strings.Contains(strings.ToLower(text), "memory") {
			t.Errorf("%s has a column for the memory", name)
		}
		if !strings.Contains(strings.ReplaceAll(stages, "&nbsp;", " "), "2.34 ms") {
			t.Errorf("%s has no CPU per request", name)
		}
	}
}

func TestCostIsInEveryForm(t *testing.T) {
	source := "process 4711 (iris) and 2 children, from /proc (GET /metrics: status 404)"
	for name, form := range map[string]struct {
		write func(io.Writer, *result.Run) error
		want  []string
	}{
		"terminal": {
			func(w io.Writer, r *result.Run) error { return Terminal(w, r, TermOptions{Width: 140}) },
			[]string{"CPU/request", "2.34 ms", "47.3 MB", "used up its CPU limit in 12 % of the scheduler's periods"},
		},
		"markdown": {Markdown, []string{"| CPU per request | Memory |", "2.34&nbsp;ms", "throttled 12&nbsp;%", "47.3&nbsp;MB", source}},
		"page":     {HTML, []string{"CPU per request", "2.34 ms", "47.3 MB", `data-chart="cpu"`, `"CPU":[0.7,`, source}},
	} {
		var with, without strings.Builder
		if err := form.write(&with, sampleCosts()); err != nil {
			t.Fatal(err)
		}
		if err := form.write(&without, sampleRun(result.Pass)); err != nil {
			t.Fatal(err)
		}
		for _, want := range form.want {
			if !strings.Contains(with.String(), want) {
				t.Errorf("%s has no %q", name, want)
			}
			if strings.Contains(without.String(), want) {
				t.Errorf("%s has %q, and nothing was measured", name, want)
			}
		}
	}
}
