package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

// second is one slice of a stage as a test wants it.
type second struct {
	median, longest time.Duration // of 50 requests; longest 0: as the median
	failed          int64         // of them, answered with 500
	refused         int64
	local           int64         // that failed for want of the generator's own
	unsent          int64         // that the generator did not come to
	memory          int64         // megabytes; 0: not known
	work            time.Duration // processor time of a request; 0: not known
}

// slice makes a slice of it.
func (w second) slice(i int) result.Slice {
	const requests = 50
	s := result.Slice{Offset: time.Duration(i) * time.Second, Width: time.Second}
	s.Counters = result.Counters{Success: requests - w.failed - w.refused - w.local - w.unsent, BadStatus: w.failed, Refused: w.refused, Local: w.local, Unsent: w.unsent}
	var r result.Recorder
	for range requests - 1 {
		r.Record(w.median)
	}
	r.Record(max(w.median, w.longest))
	s.Response = r.Histogram()
	if w.memory > 0 || w.work > 0 {
		s.Cost = &result.Cost{CPU: requests * w.work, Span: time.Second, Memory: w.memory * 1e6}
	}
	return s
}

// seconds makes an open stage of 50 requests a second.
func ofSeconds(name string, n int, of func(i int) second) result.Stage {
	s := result.Stage{Name: name, Judged: true, State: result.Completed, Duration: time.Duration(n) * time.Second}
	s.Workload = result.Workload{Model: "open", RateFrom: 50, RateTo: 50, Arrivals: "uniform"}
	for i := range n {
		slice := of(i).slice(i)
		s.Slices = append(s.Slices, slice)
		s.Counters.Add(slice.Counters)
		s.Response = s.Response.Merge(slice.Response)
	}
	s.Generator.UnsentOwn = s.Counters.Unsent
	s.OK, s.Service, s.OnTime = s.Response, s.Response, s.Response
	return s
}

// usual is a second in which nothing happens: medians differ a little.
func usual(i int) second { return second{median: 10*ms + time.Duration(i*7%5)*100*time.Microsecond} }

func TestFindWithinStages(t *testing.T) {
	memory := func(of func(i int) int64) func(i int) second {
		return func(i int) second {
			s := usual(i)
			s.memory = of(i)
			return s
		}
	}
	slow := func(when func(i int) bool, longest time.Duration) func(i int) second {
		return func(i int) second {
			s := usual(i)
			if when(i) {
				s.longest = longest
			}
			return s
		}
	}
	failing := func(when func(i int) bool, n int64) func(i int) second {
		return func(i int) second {
			s := usual(i)
			if when(i) {
				s.failed = n
			}
			return s
		}
	}
	for _, tt := range []struct {
		name string
		of   func(i int) second
		want []string // rules and where they begin
	}{
		{"nothing happens", usual, nil},

		{"stalls each 5 s", slow(func(i int) bool { return i%5 == 3 }, 400*ms), []string{"periodic-stalls from 3s"}},
		{"stalls over the border of two slices", slow(func(i int) bool { return i%6 == 3 || i%12 == 4 }, 400*ms), []string{"periodic-stalls from 3s"}},
		{"three stalls are no period", slow(func(i int) bool { return i%10 == 5 }, 400*ms), nil},
		{"stalls without a period", slow(func(i int) bool { return slices.Contains([]int{2, 5, 12, 15, 27}, i) }, 400*ms), nil},
		{"stalls in every other slice", slow(func(i int) bool { return i%2 == 0 }, 400*ms), nil},
		{"stalls that hardly stand out", slow(func(i int) bool { return i%5 == 3 }, 25*ms), nil},

		{"memory grows", memory(func(i int) int64 { return int64(100 + 3*i) }), []string{"memory-growth from 0s"}},
		{"memory grows in steps", memory(func(i int) int64 { return int64(100 + i/3*12) }), []string{"memory-growth from 0s"}},
		{"memory levels off", memory(func(i int) int64 { return int64(100 + 10*min(i, 12)) }), nil},
		{"memory goes up and down", memory(func(i int) int64 { return int64(100 + i%10*10) }), nil},
		{"memory grows a little", memory(func(i int) int64 { return int64(1000 + i) }), nil},
		{"memory falls", memory(func(i int) int64 { return int64(300 - 3*i) }), nil},

		{"a slow beginning wears off", func(i int) second { return second{median: 10*ms + time.Duration(max(0, 6-i))*5*ms} }, []string{"warm-up from 0s"}},
		{"a slow beginning costs more", func(i int) second {
			if i < 3 {
				return second{median: 40 * ms, work: 9 * ms}
			}
			return second{median: 10 * ms, work: 3 * ms}
		}, []string{"warm-up from 0s"}},
		{"one slow slice", func(i int) second { return second{median: 10*ms + time.Duration(max(0, 1-i))*90*ms} }, nil},
		{"a slow beginning without another sign", func(i int) second {
			if i < 4 {
				return second{median: 40 * ms}
			}
			return usual(i)
		}, []string{"warm-up from 0s (note)"}},

		{"slower and slower", func(i int) second { return second{median: 10*ms + time.Duration(i)*ms} }, []string{"drifting from 0s (note)"}},
		{"slower and slower, with more work", func(i int) second {
			return second{median: 10*ms + time.Duration(i)*ms, work: 3*ms + time.Duration(i)*100*time.Microsecond}
		}, []string{"drifting from 0s"}},

		{"errors begin", failing(func(i int) bool { return i >= 14 }, 5), []string{"errors from 14s"}},
		{"errors for some seconds", failing(func(i int) bool { return i >= 8 && i < 12 }, 20), []string{"errors from 8s"}},
		{"errors all the time", failing(func(int) bool { return true }, 5), []string{"errors from 0s (note)"}},
		{"few errors", failing(func(i int) bool { return i == 8 }, 4), nil},

		{"nothing listens for a while", func(i int) second {
			if i >= 8 && i < 11 {
				return second{median: 5000 * ms, refused: 50}
			}
			return usual(i)
		}, []string{"outage from 8s"}},
		{"the generator has no network for a while", func(i int) second {
			if i >= 8 && i < 11 {
				return second{median: 5000 * ms, local: 50}
			}
			return usual(i)
		}, nil},
		{"the generator stood still", func(i int) second {
			if i >= 8 && i < 11 {
				return second{median: 5000 * ms, unsent: 50}
			}
			return usual(i)
		}, []string{"generator from 0s (note)"}},
		{"nothing succeeds for a while", failing(func(i int) bool { return i >= 8 && i < 11 }, 50), []string{"outage from 8s (note)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := Find(run(ofSeconds("a", 30, tt.of)))
			var got []string
			for _, f := range found {
				complete(t, f)
				got = append(got, placed(f))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%s", diff, written(found))
			}
		})
	}
}

func placed(f result.Finding) string {
	text := fmt.Sprintf("%s from %v", f.Rule, f.Since)
	if f.Note {
		text += " (note)"
	}
	return text
}

// Of several stages with a leak the one that grows fastest is told, and the
// others are one more sign.
func TestLeaksOfSeveralStages(t *testing.T) {
	growing := func(name string, each int64) result.Stage {
		return ofSeconds(name, 30, func(i int) second {
			s := usual(i)
			s.memory = 100 + each*int64(i)
			return s
		})
	}
	found := Find(run(growing("a", 3), growing("b", 6), growing("c", 4)))
	text := written(found)
	if len(found) != 1 || found[0].Stage != "b" || found[0].Confidence != result.High {
		t.Fatalf("want memory-growth in b, with high confidence:\n%s", text)
	}
	for _, want := range []string{"grows by 360 MB a minute", "a chance of less than 1 in 1\u202f000 without a trend", "it grows in 2 other stages too"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A course of an hour is looked at in few points, which keep their place.
func TestLongCoursesAreThinned(t *testing.T) {
	var all course
	for i := range 1000 {
		all.slices, all.at, all.value = append(all.slices, i), append(all.at, float64(i)), append(all.value, float64(2*i))
	}
	all.value[1] = 1e9 // one of five
	got := all.thinned()
	if got.len() != 200 || len(got.slices) != 200 || len(got.at) != 200 {
		t.Fatalf("%d points", got.len())
	}
	if diff := cmp.Diff(course{[]int{0, 5}, []float64{2, 7}, []float64{6, 14}}, got.part(0, 2), cmp.AllowUnexported(course{})); diff != "" {
		t.Errorf("the first points (-want +got):\n%s", diff)
	}
}

// What is read off the slices of a constant load is not read off a ramp's.
func TestCoursesOfRampsAreNotLookedAt(t *testing.T) {
	s := ofSeconds("a", 30, func(i int) second {
		return second{median: 10*ms + time.Duration(i)*ms, memory: int64(100 + 3*i)}
	})
	s.Workload.RateFrom = 1
	if found := Find(run(s)); len(found) > 0 {
		t.Errorf("findings in a ramp:\n%s", written(found))
	}
}

// The numbers of findings within a stage.
func TestNumbersWithinStages(t *testing.T) {
	for _, tt := range []struct {
		name string
		of   func(i int) second
		want []string
	}{
		{"stalls", func(i int) second {
			s := usual(i)
			if i%5 == 3 {
				s.longest = 400 * ms
			}
			return s
		}, []string{"stands still for about 400 ms every 5 s", "at 3 s, 8 s, 13 s, 18 s, 23 s, 28 s", "8 % of the time"}},
		{"memory", func(i int) second {
			s := usual(i)
			s.memory = int64(100 + 3*i)
			return s
		}, []string{"grows by 180 MB a minute", "60 kB of memory at 50/s", "it doubles in 1 min 2 s"}},
		{"errors", func(i int) second {
			s := usual(i)
			if i >= 8 && i < 12 {
				s.failed = 25
			}
			return s
		}, []string{"from 8 s to 12 s", "none of 400 requests before, 50 % of 200 from 8 s to 12 s, none of 900 later"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := written(Find(run(ofSeconds("a", 30, tt.of))))
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		})
	}
}

// Only codes that a step does not accept are blamed, whatever other answers have
// them.
func TestStatusOfErrors(t *testing.T) {
	s := ofSeconds("a", 30, func(i int) second {
		w := usual(i)
		w.failed = 10
		return w
	})
	step := func(name string, bad int64, status map[int]int64) result.Step {
		return result.Step{Name: name, Requests: result.Requests{Counters: result.Counters{BadStatus: bad}, Status: status}}
	}
	seen := func(step string, status int) result.Sample {
		return result.Sample{Step: step, Class: result.BadStatus, Status: status}
	}
	for _, tt := range []struct {
		name     string
		steps    []result.Step
		failures []result.Sample
		want     []string
	}{
		{
			"a single code",
			[]result.Step{step("a", 300, map[int]int64{200: 1200, 500: 300})},
			nil,
			[]string{"fail: answers with status 500", "300 of 1 500, by status 500: 300\n", "repair the errors first"},
		},
		{
			"one is accepted",
			[]result.Step{step("a", 300, map[int]int64{200: 200, 404: 300, 429: 700, 500: 300})},
			[]result.Sample{seen("a", 500)},
			[]string{"fail: answers with status 500", "by status 500: 300\n", "repair the errors first"},
		},
		{
			"another step accepts it",
			[]result.Step{step("a", 0, map[int]int64{404: 900}), step("b", 300, map[int]int64{200: 300, 404: 300})},
			[]result.Sample{seen("b", 404)},
			[]string{"fail: answers with status 404", "by status 404: 300\n"},
		},
		{
			"a redirect",
			[]result.Step{step("a", 0, map[int]int64{404: 900}), step("b", 300, map[int]int64{200: 300, 302: 300})},
			[]result.Sample{seen("b", 302)},
			[]string{"fail: answers with status 302", "by status 302: 300\n"},
		},
		{
			"more than was kept",
			[]result.Step{step("a", 300, map[int]int64{200: 1200, 500: 5, 503: 295})},
			[]result.Sample{seen("a", 500)},
			[]string{"fail: answers with status 503", "by status 503: 295, 500: 5\n", "accept: [200, 429, 503]"},
		},
		{
			"more than was kept, beside one that is accepted",
			[]result.Step{step("a", 300, map[int]int64{404: 1200, 500: 5, 503: 295})},
			[]result.Sample{seen("a", 500)},
			[]string{"fail: answers with a status that is not accepted", "by status 500: 5, others: 295\n"},
		},
		{
			"nothing is known",
			[]result.Step{step("a", 300, map[int]int64{200: 920, 404: 280, 500: 300})},
			nil,
			[]string{"fail: answers with a status that is not accepted", "300 of 1 500\n"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.Steps, s.Failures = tt.steps, tt.failures
			s.Status = map[int]int64{}
			for _, step := range tt.steps {
				for code, n := range step.Status {
					s.Status[code] += n
				}
			}
			text := written(Find(run(s)))
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		})
	}
}
