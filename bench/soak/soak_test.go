//go:build linux

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// The lateness of a part of the stage is what the histogram has got since.
func TestCountsSince(t *testing.T) {
	var r result.Recorder
	c := counts{}
	if got := c.since(r.Histogram()); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for range 1000 {
		r.Record(50 * time.Millisecond)
	}
	if got := c.since(r.Histogram()); got.Round(time.Millisecond) != 50*time.Millisecond {
		t.Errorf("the first part: %v", got)
	}
	for i := range 100 {
		r.Record(time.Duration(100*i) * time.Microsecond) // 0 to 9.9 ms
	}
	if got := c.since(r.Histogram()); got.Round(100*time.Microsecond) != 9800*time.Microsecond {
		t.Errorf("the second part: %v, want its own p99", got)
	}
}

// What grows is found, what only wavers is not.
func TestReport(t *testing.T) {
	usual := func(i int) sample {
		return sample{RSS: 20e6 + int64(i%7)*1e5, Heap: 5e6 + int64(i%5)*1e5, Goroutines: 9, Files: 40 + i%3, Late: time.Duration(30+i%11) * time.Microsecond}
	}
	for name, c := range map[string]struct {
		change func(i int, s *sample)
		grows  string
	}{
		"flat":                 {func(int, *sample) {}, ""},
		"slices that are kept": {func(i int, s *sample) { s.RSS += int64(i) * 5e3 }, ""},
		"a leak":               {func(i int, s *sample) { s.RSS += int64(i) * 1e5 }, "resident memory"},
		"descriptors":          {func(i int, s *sample) { s.Files += i }, "open files"},
		"goroutines":           {func(i int, s *sample) { s.Goroutines += i / 10 }, "goroutines"},
		"lateness":             {func(i int, s *sample) { s.Late += time.Duration(i) * time.Microsecond }, "lateness"},
	} {
		t.Run(name, func(t *testing.T) {
			m := measured{settings: settings{duration: 30 * time.Minute}, end: end{Verdict: result.Pass, Kept: 2e6}}
			for i := range 180 {
				s := usual(i)
				s.At = time.Duration(i+1) * every
				c.change(i, &s)
				m.samples = append(m.samples, s)
			}
			text, held := report(m)
			var grows strings.Builder
			for line := range strings.Lines(text) {
				if strings.Contains(line, "**no**") {
					grows.WriteString(line)
				}
			}
			if held != (c.grows == "") || !strings.Contains(grows.String(), c.grows) || strings.Count(grows.String(), "\n") > 1 {
				t.Errorf("held: %v, grows:\n%s\nwant %q", held, grows.String(), c.grows)
			}
		})
	}
}

// No samples are no proof, and neither is a run that did not pass.
func TestNothingMeasuredDoesNotHold(t *testing.T) {
	if _, held := report(measured{end: end{Verdict: result.Pass}}); held {
		t.Error("held without a sample")
	}
}
