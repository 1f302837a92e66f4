package gate

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// inWindows is an objective that no window of so many seconds may miss.
func inWindows(o slo.Objective, seconds int) slo.Objective {
	o.Window = time.Duration(seconds) * time.Second
	return o
}

// spell is a stage of so many seconds with some requests in each, of which
// those from one second to another take longer or fail.
type spell struct {
	seconds, each int
	from, to      int
	took          time.Duration
	class         result.Class
}

func (s spell) stage() result.Stage {
	var p population
	for second := range s.seconds {
		for i := range s.each {
			took, class := 100*time.Millisecond, result.Success
			if s.from <= second && second < s.to {
				took, class = s.took, s.class
			}
			p.add(time.Duration(second)*time.Second+time.Duration(i)*time.Second/time.Duration(s.each), took, class)
		}
	}
	return p.stage("high", time.Duration(s.seconds)*time.Second)
}

func TestJudgeWindows(t *testing.T) {
	quiet := spell{seconds: 60, each: 50}.stage()
	slow := spell{seconds: 60, each: 50, from: 12, to: 13, took: time.Second, class: result.Success}
	failing := slow
	failing.class = result.BadStatus
	few := spell{seconds: 60, each: 5, from: 12, to: 13, took: time.Second, class: result.Success}
	fewer := few
	fewer.to = 14
	late := slow.stage()
	late.OnTime = quiet.Response
	ownLimits, hanging, heldBack := failing, failing, failing.stage()
	ownLimits.class, hanging.class = result.Local, result.Timeout
	held := hanging.stage()
	held.Generator.Throttled, heldBack.Generator.Throttled = 0.5, 0.5
	silent := quiet
	silent.Slices = slices.Clone(quiet.Slices)
	for i := 20; i < 30; i++ {
		silent.Slices[i].Counters, silent.Slices[i].Response = result.Counters{}, result.Histogram{}
	}
	cut := slow.stage()
	cut.State = result.Cancelled
	p50 := objective(percentile(50), slo.LE, 450_000)
	errors3 := objective(slo.Indicator{Kind: slo.Errors}, slo.LE, 49)
	tests := []struct {
		name   string
		o      slo.Objective
		s      result.Stage
		want   result.Verdict
		reason string // contained
		from   time.Duration
	}{
		{"met", inWindows(p95Within450ms, 10), quiet, result.Pass, "the worst of 51 windows of 10 s", 0},
		{"a second of sixty, in the whole", p95Within450ms, slow.stage(), result.Pass, "", 0},
		{"a second of ten", inWindows(p95Within450ms, 10), slow.stage(), result.Fail, "", 3 * time.Second},
		{"a second of thirty", inWindows(p95Within450ms, 30), slow.stage(), result.Pass, "the worst of 31 windows of 30 s", 0},
		{"warns", as(slo.Warn, inWindows(p95Within450ms, 10)), slow.stage(), result.Warn, "", 3 * time.Second},
		{"failures", inWindows(success98, 10), failing.stage(), result.Fail, "", 3 * time.Second},
		{"a count", inWindows(errors3, 5), failing.stage(), result.Fail, "", 8 * time.Second},
		{"failed requests are slow", inWindows(p50, 1), failing.stage(), result.Fail, "100 % in it failed", 12 * time.Second},
		{"too few requests to say", inWindows(p95Within450ms, 10), few.stage(), result.Inconclusive, "too few requests: p95 needs 100, there were 50 in 51 of 51 windows, first in that from 0 s", 3 * time.Second},
		{"too few requests, missed all the same", inWindows(p95Within450ms, 10), fewer.stage(), result.Fail, "", 4 * time.Second},
		{"a window of silence has no percentile", inWindows(p50, 10), silent, result.Inconclusive, "p50 needs 10, there were 0 in the window from 20 s", 0},
		{"a window of silence has no throughput", inWindows(throughput30, 10), silent, result.Fail, "", 20 * time.Second},
		{"the generator was late", inWindows(p95Within450ms, 10), late, result.Inconclusive, "without slogate's own lateness p95 was 100 ms", 3 * time.Second},
		{"limits of the generator's machine", inWindows(success98, 10), ownLimits.stage(), result.Inconclusive, "limits of slogate's own machine", 3 * time.Second},
		{"held back by a CPU limit", inWindows(success98, 10), held, result.Inconclusive, "a CPU limit", 3 * time.Second},
		{"held back, answered wrongly", inWindows(success98, 10), heldBack, result.Fail, "", 3 * time.Second},
		{"a shorter stage is one window", inWindows(p95Within450ms, 90), quiet, result.Pass, "the stage was shorter than 1 min 30 s", 0},
		{"cancelled, but missed", inWindows(p95Within450ms, 10), cut, result.Fail, "", 3 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := only(t, tt.o, tt.s)
			if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) || got.From != tt.from {
				t.Errorf("got %s (%s) from %v, want %s (%s) from %v", got.Verdict, got.Reason, got.From, tt.want, tt.reason, tt.from)
			}
			if tt.o.Window > 0 && (got.Lower != nil || got.Margin != "") {
				t.Errorf("a window has the interval from %v, %s", *got.Lower, got.Margin)
			}
		})
	}
}

// A sentence names the place of the worst window.
func TestWindowSentence(t *testing.T) {
	j := judge(plan(inWindows(p95Within450ms, 10)), spell{seconds: 60, each: 50, from: 12, to: 13, took: time.Second, class: result.Success}.stage())
	if want := `p95 of "high" was 1 s from 3 s to 13 s`; !strings.HasPrefix(j.Reason, want) {
		t.Errorf("the reason is %q, want it to begin with %q", j.Reason, want)
	}
}

// Sums over sliding windows are those that adding up each window gives, for
// slices of any widths.
func TestSlidingSums(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		list := randomSlices(random)
		length := time.Duration(1+random.IntN(12)) * time.Second
		var got []result.Slice
		for w := range slidingOver(list, length) {
			got = append(got, w)
		}
		if diff := cmp.Diff(everyWindow(list, length), got); diff != "" {
			t.Fatalf("%d slices, windows of %v (-want +got):\n%s", len(list), length, diff)
		}
	}
}

func randomSlices(random *rand.Rand) []result.Slice {
	var list []result.Slice
	at := time.Duration(0)
	for range random.IntN(25) {
		s := result.Slice{Offset: at, Width: time.Duration(1+random.IntN(3)) * 500 * time.Millisecond}
		var times result.Recorder
		for range random.IntN(4) {
			s.Counters.Success++
			times.Record(time.Duration(random.IntN(1000)) * time.Millisecond)
		}
		s.Response = times.Histogram()
		list, at = append(list, s), at+s.Width
	}
	return list
}

// everyWindow adds up each window by itself.
func everyWindow(list []result.Slice, length time.Duration) []result.Slice {
	var all []result.Slice
	for i := range list {
		n := i + 1
		for n < len(list) && until(list[n-1])-list[i].Offset < length {
			n++
		}
		if i > 0 && until(list[n-1])-list[i].Offset < length {
			break
		}
		all = append(all, joinBlocks(list[i:n]))
	}
	return all
}

// A window stops the run when it has missed the bound and its requests have
// been answered.
func TestHopelessByWindow(t *testing.T) {
	stage := plan(aborting(inWindows(p95Within450ms, 5), 0)).Stages[0]
	s := spell{seconds: 30, each: 50, from: 12, to: 14, took: 3 * time.Second, class: result.Success}.stage()
	for _, tt := range []struct {
		at   time.Duration
		want bool
	}{{12 * time.Second, false}, {15 * time.Second, false}, {17 * time.Second, true}, {30 * time.Second, true}} {
		live := s
		live.Duration = tt.at
		live.Slices = s.Slices[:tt.at/time.Second]
		_, why, lost := Hopeless(stage, &live)
		if lost != tt.want || lost && !strings.Contains(why, "was missed for 5 s from ") {
			t.Errorf("after %v: lost is %v (%s), want %v", tt.at, lost, why, tt.want)
		}
	}
}

// Worse data never turns a miss into anything else, nor a doubt into a pass.
func TestWorseWindowsStayMissed(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	rank := map[result.Verdict]int{result.Pass: 0, result.Inconclusive: 1, result.Fail: 2}
	for range 200 {
		var p population
		for range 20 + random.IntN(600) {
			took := time.Duration(random.ExpFloat64() * float64(150*time.Millisecond))
			p.add(time.Duration(random.IntN(20_000))*time.Millisecond, took, result.Success)
		}
		o := inWindows(p95Within450ms, 1+random.IntN(8))
		before := only(t, o, p.stage("high", 20*time.Second)).Verdict
		for range 1 + random.IntN(20) {
			i := random.IntN(len(p))
			p[i].took += time.Duration(random.IntN(2000)) * time.Millisecond
		}
		after := only(t, o, p.stage("high", 20*time.Second)).Verdict
		if rank[after] < rank[before] {
			t.Fatalf("slower requests turned %s into %s", before, after)
		}
	}
}

// Shards of a counted stage end at different times. However their slices are
// cut, windows of all together hold the load of all.
func TestWindowsOfShards(t *testing.T) {
	shard := func(index int, lasts time.Duration, slices int) *result.Run {
		tenths := int(lasts / (100 * ms))
		s := result.Stage{Name: "high", Judged: true, State: result.Completed, Start: day(1), Duration: lasts, Workload: result.Workload{Model: "closed"}}
		for i := range slices {
			from, to := i*tenths/slices, (i+1)*tenths/slices
			var times result.Recorder
			for range (to - from) * 10 {
				times.Record(10 * ms)
			}
			s.Slices = append(s.Slices, result.Slice{
				Offset: time.Duration(from) * 100 * ms, Width: time.Duration(to-from) * 100 * ms,
				Counters: result.Counters{Success: int64(to-from) * 10}, Response: times.Histogram(),
			})
			s.Counters.Success += int64(to-from) * 10
			s.Response = s.Response.Merge(times.Histogram())
		}
		s.OK, s.Service, s.OnTime = s.Response, s.Response, s.Response
		return &result.Run{Version: result.Version, Seed: 7, Start: day(1), Shard: result.Shard{Index: index, Count: 2}, Stages: []result.Stage{s}}
	}
	throughput := objective(slo.Indicator{Kind: slo.Throughput}, slo.GE, 180)
	f := plan(inWindows(throughput, 2), throughput)
	f.Stages[0].Workload = slo.Workload{Model: slo.Closed, Requests: 1630, WorkersFrom: 2, WorkersTo: 2}
	for name, cut := range map[string][2]int{"tenths of a second": {80, 83}, "sixteenths": {16, 16}, "both": {80, 16}} {
		t.Run(name, func(t *testing.T) {
			m, err := result.MergeShards([]*result.Run{shard(1, 8*time.Second, cut[0]), shard(2, 8300*ms, cut[1])})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range Judge(f, m, Options{}).Objectives {
				if o.Verdict != result.Pass || *o.Measured < 180 || *o.Measured > 200 {
					t.Errorf("for %v: %s, %v (%s)", o.Window, o.Verdict, *o.Measured, o.Reason)
				}
				if o.Lower != nil && (*o.Lower > *o.Measured || *o.Upper < *o.Measured) {
					t.Errorf("for %v: %v lies outside of %v to %v", o.Window, *o.Measured, *o.Lower, *o.Upper)
				}
			}
		})
	}
}
