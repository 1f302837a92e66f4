package diagnose

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

var update = flag.Bool("update", false, "rewrite golden files")

const ms = time.Millisecond

// open is an open stage of a minute.
func open(name string, rate float64, mean, p99 time.Duration, ok float64) result.Stage {
	return stage(figures{name: name, rate: rate, seconds: 60, throughput: rate, mean: mean, p99: p99, ok: ok})
}

// closed is a closed stage in which Little's law holds.
func closed(name string, workers int, mean time.Duration) result.Stage {
	return stage(figures{name: name, workers: workers, seconds: 60, throughput: float64(workers) / mean.Seconds(), mean: mean, p99: 2 * mean})
}

// at says only how a stage was loaded and what it finished.
func at(workers int, throughput float64, mean time.Duration, ok float64) result.Stage {
	return stage(figures{name: fmt.Sprint("w", workers), workers: workers, seconds: 60, throughput: throughput, mean: mean, p99: 2 * mean, ok: ok})
}

func changed(s result.Stage, change func(*result.Stage)) result.Stage {
	change(&s)
	return s
}

// loading is a stage of one scenario.
func loading(scenario string, s result.Stage) result.Stage {
	s.Steps = []result.Step{{Scenario: scenario, Name: "GET /", Requests: result.Requests{Counters: s.Counters}}}
	return s
}

// heldTo is a stage that the limits of the file held back.
func heldTo(rate float64, s result.Stage) result.Stage {
	s.Generator.HeldTo = rate
	mean, _ := s.Response.Mean()
	s.Generator.Pauses = time.Duration(s.Workload.WorkersTo)*s.Duration - time.Duration(s.Counters.Finished())*mean
	return s
}

func TestFind(t *testing.T) {
	for _, tt := range []struct {
		name string
		run  *result.Run
		want []string // stage: rule, "(note)" after a note
	}{
		{"nothing ran", run(), nil},
		{"healthy closed", run(closed("a", 5, 50*ms), closed("b", 10, 51*ms), closed("c", 20, 54*ms)), nil},
		{"healthy open", run(
			flying(open("a", 50, 20*ms, 60*ms, 1), func(int) int { return 1 }),
			flying(open("b", 100, 21*ms, 70*ms, 1), func(i int) int { return 2 + i%3 }),
			flying(open("c", 200, 25*ms, 90*ms, 0.999), func(i int) int { return 5 + i%4 }),
		), nil},
		{"one stage", run(closed("a", 5, 50*ms)), nil},
		{"the same load twice", run(open("a", 50, 20*ms, 60*ms, 1), open("b", 50, 30*ms, 200*ms, 1)), nil},
		{"other scenarios", run(loading("browse", at(1, 20, 50*ms, 1)), loading("order", at(2, 10, 200*ms, 1)), loading("pay", at(4, 8, 500*ms, 1))), nil},
		{"held to the limits", run(heldTo(15, at(2, 14.9, 130*ms, 1)), heldTo(15, at(8, 14.9, 130*ms, 1))), nil},
		{"closed beside open", run(closed("a", 5, 50*ms), open("b", 50, 200*ms, 600*ms, 1)), nil},
		{"a ramp grows in flight", run(flying(changed(open("a", 50, 20*ms, 60*ms, 1), func(s *result.Stage) { s.Workload.RateFrom = 1 }),
			func(i int) int { return i * 3 })), nil},
		{"a spike of single digits", run(flying(open("a", 50, 20*ms, 60*ms, 1), func(i int) int { return i / 16 * 4 })), nil},
		{"not judged", run(closed("a", 5, 50*ms), changed(at(20, 100, 200*ms, 0.5), func(s *result.Stage) { s.Judged = false })), nil},
		{"cancelled", run(closed("a", 5, 50*ms), changed(at(20, 100, 200*ms, 0.5), func(s *result.Stage) { s.State = result.Cancelled })), nil},
		{"pauses are part of Little's law", run(changed(at(10, 50, 50*ms, 1), func(s *result.Stage) { s.Generator.Pauses = 450 * time.Second })), nil},
		{"a small loss without another sign", run(at(10, 93, 100*ms, 1)), nil},

		{"saturated", run(at(5, 100, 50*ms, 1), at(10, 195, 51*ms, 1), at(20, 200, 100*ms, 1), at(40, 201, 199*ms, 1)), []string{"w40: saturated"}},
		{"order of load, not of time", run(at(40, 201, 199*ms, 1), at(5, 100, 50*ms, 1), at(20, 200, 100*ms, 1), at(10, 195, 51*ms, 1)), []string{"w40: saturated"}},
		{"knee alone", run(changed(at(10, 100, 50*ms, 1), paused), changed(at(20, 105, 52*ms, 1), paused)), []string{"w10: knee (note)"}},
		{"saturated, but by the generator", run(at(10, 195, 51*ms, 1), changed(at(20, 200, 100*ms, 1),
			func(s *result.Stage) { s.Generator.CPU = 0.95 })), []string{"w20: saturated (note)"}},
		{"open saturated", run(open("a", 100, 30*ms, 60*ms, 1), open("b", 200, 90*ms, 150*ms, 0.51)), []string{"b: saturated", "b: errors"}},
		{"open overrun", run(open("a", 100, 30*ms, 60*ms, 1), open("b", 400, 190*ms, 350*ms, 0.5)), []string{"b: saturated", "b: errors"}},
		{"open turned away without waiting", run(open("a", 100, 30*ms, 60*ms, 1), open("b", 400, 31*ms, 62*ms, 0.5)), []string{"b: errors"}},
		{"connections are closed", run(at(8, 160, 50*ms, 1), refusing(at(16, 240, 50*ms, 0.67))), []string{"w16: connection-limit"}},
		{"connections wait for the backlog", run(at(8, 160, 50*ms, 1), waiting(changed(at(16, 165, 48*ms, 1), paused))), []string{"w16: connection-limit", "w8: knee (note)"}},
		{"connections are closed under any load", run(refusing(at(8, 160, 50*ms, 0.9)), refusing(at(16, 310, 50*ms, 0.9))), []string{"w8: errors (note)"}},
		{"late generator", run(late(open("a", 100, 30*ms, 60*ms, 1))), []string{"a: generator (note)"}},
		{"late and busy generator", run(changed(late(open("a", 100, 30*ms, 60*ms, 1)), func(s *result.Stage) { s.Generator.CPU = 0.95 })), []string{"a: generator"}},
		{"arrivals wait for connections", run(changed(open("a", 100, 30*ms, 60*ms, 1), func(s *result.Stage) { s.Generator.ConnectionWait = 100 * time.Second })), []string{"a: generator (note)"}},
		{"retrograde", run(at(5, 100, 50*ms, 1), at(10, 180, 55*ms, 1), at(14, 140, 100*ms, 1)), []string{"w14: retrograde"}},
		{"collapse", run(at(5, 100, 50*ms, 1), at(10, 180, 55*ms, 1), at(14, 160, 57*ms, 0.8)), []string{"w14: collapse", "w14: errors"}},
		{"dip", run(at(5, 100, 50*ms, 1), at(10, 60, 166*ms, 1), at(20, 380, 52*ms, 1)), []string{"w10: dip"}},
		{
			"dip without another sign", run(changed(at(5, 100, 50*ms, 1), paused), changed(at(10, 60, 51*ms, 1), paused), changed(at(20, 380, 52*ms, 1), paused)),
			[]string{"w10: dip (note)"},
		},
		{"tail", run(stage(figures{name: "a", workers: 10, seconds: 60, throughput: 100, mean: 100 * ms, p99: 200 * ms}),
			stage(figures{name: "b", workers: 14, seconds: 60, throughput: 115, mean: 121 * ms, p99: 900 * ms})), []string{"b: tail-explodes"}},

		{
			"timeouts hang", run(stage(figures{name: "a", rate: 50, seconds: 60, throughput: 50, mean: 20 * ms, p99: 60 * ms, ok: 0.97, timeouts: 0.03})),
			[]string{"a: timeouts (note)"},
		},
		{
			"timeouts cascade", run(sliced(open("a", 100, 0, 0, 1), func(i int) (float64, time.Duration) { return float64(i) / 40, 20 * ms })),
			[]string{"a: timeouts"},
		},
		{
			"timeouts rise in a ramp", run(changed(sliced(open("a", 100, 0, 0, 1), func(i int) (float64, time.Duration) { return float64(i) / 40, 20 * ms }),
				func(s *result.Stage) { s.Workload.RateFrom = 1 })),
			[]string{"a: timeouts (note)"},
		},
		{
			"timeouts rise with the load", run(open("a", 50, 20*ms, 60*ms, 1),
				stage(figures{name: "b", rate: 100, seconds: 60, throughput: 100, mean: 25 * ms, p99: 70 * ms, ok: 0.9, timeouts: 0.1})),
			[]string{"b: timeouts"},
		},
		{"unbounded queue", run(flying(sliced(open("a", 100, 0, 0, 1), func(i int) (float64, time.Duration) { return 0, time.Duration(1+i*i) * 10 * ms }),
			func(i int) int { return i * i })), []string{"a: unbounded-queue"}},
		{"in flight alone", run(flying(open("a", 100, 20*ms, 60*ms, 1), func(i int) int { return i * i })), []string{"a: unbounded-queue (note)"}},

		{"workers idle", run(at(10, 60, 100*ms, 1)), []string{"w10: generator (note)"}},
		{"workers idle, generator busy", run(changed(at(10, 93, 100*ms, 1), func(s *result.Stage) { s.Generator.CPU = 0.9 })), []string{"w10: generator"}},
		{"more than the workers can do", run(at(10, 130, 100*ms, 1)), []string{"w10: littles-law (note)"}},

		{"the example", run(classifier()...), []string{"extreme: saturated", "extreme: collapse", "extreme: tail-explodes", "extreme: errors"}},
		{
			"the example with its replicas", withReplicas(run(classifier()...)),
			[]string{"extreme: replica-ceiling", "extreme: saturated", "extreme: collapse", "extreme: tail-explodes", "extreme: errors", "high: scaled (note)"},
		},
		{"at the ceiling without harm", ceilingWithoutHarm(), []string{"extreme: replica-ceiling (note)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := Find(tt.run)
			var got []string
			for _, f := range found {
				line := f.Stage + ": " + f.Rule
				if f.Note {
					line += " (note)"
				}
				got = append(got, line)
				complete(t, f)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%s", diff, written(found))
			}
		})
	}
}

// refusing turns what failed into refused connections.
func refusing(s result.Stage) result.Stage {
	s.Counters.Refused, s.Counters.BadStatus, s.Status = s.Counters.BadStatus, 0, nil
	return s
}

// waiting lets one in five connections wait for a packet to be sent again.
func waiting(s result.Stage) result.Stage {
	s.Connect = times(80, ms, ms).Merge(times(20, 1010*ms, 1010*ms))
	return s
}

// late makes a third of the response time the generator's own.
func late(s result.Stage) result.Stage {
	s.OnTime = times(s.OK.Total(), 20*ms, 40*ms)
	return s
}

// paused makes workers pause for what Little's law leaves.
func paused(s *result.Stage) {
	mean, _ := s.OK.Mean()
	s.Generator.Pauses = time.Duration(s.Workload.WorkersTo)*s.Duration - mean*time.Duration(s.Counters.Finished())
}

func ceilingWithoutHarm() *result.Run {
	r := withReplicas(run(classifier()...))
	r.Stages = r.Stages[2:]
	s := closed("extreme", 20, 100*ms)
	s.Start, s.Duration = r.Stages[0].Start, r.Stages[0].Duration
	s.OK = times(int64(200*s.Duration.Seconds()), 100*ms, 200*ms)
	s.Response, s.Counters.Success = s.OK, s.OK.Total()
	r.Stages[0] = s
	return r
}

// complete checks what every finding must have, with numbers that are numbers.
func complete(t *testing.T, f result.Finding) {
	t.Helper()
	if f.Title == "" || len(f.Evidence) == 0 {
		t.Errorf("%s: no title or no evidence", f.Rule)
	}
	if f.Rule != "scaled" && (len(f.Suggestion) == 0 || f.Disproof == "") {
		t.Errorf("%s: no suggestion or no disproof", f.Rule)
	}
	if !f.Note && f.Rule != "tail-explodes" && len(f.Evidence) < 2 {
		t.Errorf("%s: a finding of one sign: %q", f.Rule, f.Evidence)
	}
	for _, text := range slices.Concat(f.Evidence, f.Suggestion, []string{f.Title, f.Disproof}) {
		for _, bad := range []string{"NaN", "Inf", "%!", "\n"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: %q in %q", f.Rule, bad, text)
			}
		}
	}
}

func written(found []result.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s in %s (note: %t): %s\n", f.Rule, f.Stage, f.Note, f.Title)
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "  - %s\n", e)
		}
		for i, s := range f.Suggestion {
			fmt.Fprintf(&b, "  %d. %s\n", i+1, s)
		}
		fmt.Fprintf(&b, "  wrong if: %s\n", f.Disproof)
	}
	return b.String()
}

// The golden text holds every number of the example, to be reviewed as text.
func TestGolden(t *testing.T) {
	golden(t, filepath.Join("testdata", "classifier.txt"), written(Find(withReplicas(run(classifier()...)))))
}

// What the example must say of itself.
func TestExampleIsExplained(t *testing.T) {
	text := written(Find(withReplicas(run(classifier()...))))
	for _, want := range []string{
		"scaling worked: 1 → 3 replicas",
		"throughput 38/s to 34.1/s (−10.3 %)",
		"mean 263 ms to 587 ms (+123 %), p99 720 ms to 2.5 s (+247 %)",
		"CPU is 88 % of the request where the target is 50 %",
		"⌈3 replicas × 88 % / 50 %⌉ = 6",
		"6 × 100m = 600m wanted, 3 × 100m = 300m allowed, 300m missing (50 %)",
		"spec: {maxReplicas: 6}",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// golden compares a text with a file, which -update writes.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("findings (-golden +found):\n%s", diff)
	}
}

func FuzzFind(f *testing.F) {
	var text bytes.Buffer
	if err := result.Encode(&text, withReplicas(run(classifier()...))); err != nil {
		f.Fatal(err)
	}
	f.Add(text.String())
	f.Fuzz(func(t *testing.T, text string) {
		r, err := result.Decode(strings.NewReader(text))
		if err != nil {
			return
		}
		if diff := cmp.Diff(Find(r), Find(r)); diff != "" {
			t.Errorf("the same result gives other findings:\n%s", diff)
		}
	})
}

// Whatever a file holds, Find does not panic and writes no NaN.
func TestFindOfExtremes(t *testing.T) {
	empty := result.Stage{Name: "empty", Judged: true, State: result.Completed, Duration: 1}
	failed := empty
	failed.Counters.Refused = 1
	failed.Workload = result.Workload{Model: "closed", WorkersFrom: 1, WorkersTo: 1}
	more := failed
	more.Workload = result.Workload{Model: "closed", WorkersFrom: 9, WorkersTo: 9}
	idle := failed
	idle.Workload = result.Workload{Model: "open"}
	flat := ofSeconds("flat", 40, func(i int) second {
		s := second{median: ms, memory: int64(1 + 9*i), work: time.Duration(i), failed: int64(i % 2 * 30)}
		if i%5 == 1 {
			s.longest = time.Hour
		}
		return s
	})
	for i := range flat.Slices {
		flat.Slices[i].Width = 0
	}
	for name, r := range map[string]*result.Run{
		"slices without a width": run(flat), "slices at one moment": run(changed(flat, func(s *result.Stage) {
			s.Slices = slices.Clone(s.Slices)
			for i := range s.Slices {
				s.Slices[i].Offset = 0
			}
		})),
		"empty": run(empty, empty), "all failed": run(failed, more), "no load": run(idle, failed),
		"timeline without samples": {Stages: []result.Stage{failed}, Timeline: &result.Timeline{}},
	} {
		for _, f := range Find(r) {
			t.Logf("%s: %s", name, f.Title)
			complete(t, f)
		}
	}
}
