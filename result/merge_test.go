package result

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func merged(t *testing.T, a, b *Run) *Run {
	t.Helper()
	m, err := Merge(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMergeIsOrderIndependent(t *testing.T) {
	for seed := range seeds(60) {
		a, b, c := randomRun(3*seed), randomRun(3*seed+1), randomRun(3*seed+2)
		ab := merged(t, a, b)
		if diff := cmp.Diff(ab, merged(t, b, a)); diff != "" {
			t.Fatalf("seed %d: a+b and b+a differ:\n%s", seed, diff)
		}
		if diff := cmp.Diff(merged(t, ab, c), merged(t, a, merged(t, b, c))); diff != "" {
			t.Fatalf("seed %d: (a+b)+c and a+(b+c) differ:\n%s", seed, diff)
		}
	}
}

func TestMergeLeavesItsInputs(t *testing.T) {
	a, b := randomRun(1), randomRun(2)
	merged(t, merged(t, a, b), randomRun(3))
	if diff := cmp.Diff(randomRun(1), a) + cmp.Diff(randomRun(2), b); diff != "" {
		t.Errorf("merging changed a part:\n%s", diff)
	}
}

// A run that is dealt out to shards and merged again is the run.
func TestMergeAddsShards(t *testing.T) {
	var whole Recorder
	shards := make([]Recorder, 3)
	for i := range 3000 {
		d := time.Duration(i*i) * time.Microsecond
		whole.Record(d)
		shards[i%3].Record(d)
	}
	var m *Run
	for i := range shards {
		r := oneStage(Workload{Model: "open", Duration: time.Minute, RateFrom: 10, RateTo: 20, Arrivals: "uniform"})
		r.Stages[0].Counters.Success = 1000
		h := shards[i].Histogram()
		r.Stages[0].Response, r.Stages[0].OK, r.Stages[0].Service, r.Stages[0].OnTime = h, h, h, h
		if m == nil {
			m = r
			continue
		}
		m = merged(t, m, r)
	}
	s := m.Stages[0]
	if s.Counters != (Counters{Success: 3000}) || s.Workload.RateFrom != 10 || s.Workload.RateTo != 20 {
		t.Errorf("merged %+v of %+v, want 3000 successes of 10/s to 20/s", s.Counters, s.Workload)
	}
	if diff := cmp.Diff(whole.Histogram(), s.Response); diff != "" {
		t.Errorf("response times (-whole +merged):\n%s", diff)
	}
}

func oneStage(w Workload) *Run {
	return &Run{Version: Version, SLO: SLO{Digest: "sha256:1"}, Stages: []Stage{{Name: "s", Workload: w, State: Completed}}}
}

func TestMergeDropsWhatWasJudged(t *testing.T) {
	m := merged(t, randomRun(1), randomRun(2))
	if m.Judgement != nil || m.Findings != nil {
		t.Errorf("judgement %v and findings %v of a part are in the merged result", m.Judgement, m.Findings)
	}
}

func TestMergeOfStates(t *testing.T) {
	for _, tt := range []struct{ a, b, want State }{
		{Completed, Completed, Completed},
		{Completed, NotRun, NotRun},
		{NotRun, Cancelled, Cancelled},
		{Cancelled, Aborted, Aborted},
		{Aborted, Dead, Dead},
		{Completed, Dead, Dead},
	} {
		a, b := oneStage(Workload{Model: "closed"}), oneStage(Workload{Model: "closed"})
		a.Stages[0].State, a.Stages[0].Reason = tt.a, "of "+string(tt.a)
		b.Stages[0].State, b.Stages[0].Reason = tt.b, "of "+string(tt.b)
		s := merged(t, a, b).Stages[0]
		if s.State != tt.want || s.Reason != "of "+string(tt.want) {
			t.Errorf("%s + %s = %s, %q, want %s", tt.a, tt.b, s.State, s.Reason, tt.want)
		}
	}
}

func TestMergeKeepsSamples(t *testing.T) {
	a, b := oneStage(Workload{Model: "closed"}), oneStage(Workload{Model: "closed"})
	for i := range 4 {
		early, late := Sample{Class: Timeout, Offset: time.Duration(i)}, Sample{Class: Timeout, Offset: time.Duration(i + 10)}
		early.Response, late.Response = time.Second, time.Minute
		a.Stages[0].Failures = append(a.Stages[0].Failures, late)
		b.Stages[0].Failures = append(b.Stages[0].Failures, early)
	}
	a.Stages[0].Slowest, b.Stages[0].Slowest = a.Stages[0].Failures, b.Stages[0].Failures
	s := merged(t, a, b).Stages[0]
	if got, want := offsets(s.Failures), []time.Duration{0, 1, 2, 3, 10}; !cmp.Equal(got, want) {
		t.Errorf("failures kept: offsets %v, want the earliest, %v", got, want)
	}
	if got, want := offsets(s.Slowest), []time.Duration{10, 11, 12, 13, 0}; !cmp.Equal(got, want) {
		t.Errorf("slowest kept: offsets %v, want the slowest, %v", got, want)
	}
}

func offsets(samples []Sample) (offsets []time.Duration) {
	for _, s := range samples {
		offsets = append(offsets, s.Offset)
	}
	return offsets
}

func TestMergeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Run)
		want   string
	}{
		{"another file", func(r *Run) { r.SLO.Digest = "sha256:other" }, `SLO file differs: "sha256:1234" and "sha256:other"`},
		{"another target", func(r *Run) { r.Target = "http://other" }, "target differs"},
		{"another commit", func(r *Run) { r.Source.Commit = "def" }, "commit differs"},
		{"another slogate", func(r *Run) { r.Slogate = "v2" }, "slogate version differs"},
		{"a stage less", func(r *Run) { r.Stages = r.Stages[:1] }, `number of stages differs: "2" and "1"`},
		{"another order", func(r *Run) { r.Stages[0], r.Stages[1] = r.Stages[1], r.Stages[0] }, `stage "users": the other result has "rate" in its place`},
		{"another model", func(r *Run) { r.Stages[0].Workload.Model = "open" }, `stage "users": the workloads differ`},
		{"another duration", func(r *Run) { r.Stages[1].Workload.Duration++ }, `stage "rate": the workloads differ`},
		{"another one beside it", func(r *Run) { r.Stages[1].Beside = []Workload{{Model: "closed"}} }, `stage "rate": the workloads differ`},
		{"another rate", func(r *Run) { r.Stages[1].Workload.RateTo++ }, `stage "rate": the workloads differ`},
		{"another number of shards", func(r *Run) { r.Shard.Count = 3 }, `number of shards differs: "0" and "3"`},
		{"other steps", func(r *Run) { r.Stages[0].Steps[0].Name = "other" }, `stage "users": the steps differ`},
		{"too high a limit", func(r *Run) { r.Stages[0].Generator.HeldTo = math.Inf(1) }, "generator: a rate of +Inf a second is out of range"},
		{"too many requests", func(r *Run) { r.Stages[0].Counters.Success = maxCount }, "more than a result can hold"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := withSteps(t), withSteps(t)
			tt.change(b)
			_, err := Merge(a, b)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// Slices that are cut differently are joined between the borders that both
// have; what was in flight counts for the stage that still runs.
func TestMergeSlicesCutDifferently(t *testing.T) {
	cut := func(tenths ...int) Stage {
		s := Stage{Name: "s", State: Completed}
		for i, to := range tenths[1:] {
			from := time.Duration(tenths[i]) * 100 * time.Millisecond
			slice := Slice{Offset: from, Width: time.Duration(to)*100*time.Millisecond - from, Counters: Counters{Unsent: int64(to - tenths[i])}}
			s.Slices, s.InFlight = append(s.Slices, slice), append(s.InFlight, to)
			s.Counters.Add(slice.Counters)
		}
		return s
	}
	for _, tt := range []struct {
		name     string
		a, b     Stage
		widths   []time.Duration
		counts   []int64
		inFlight []int
	}{
		{"alike", cut(0, 5, 10), cut(0, 5, 10), []time.Duration{500, 500}, []int64{10, 10}, []int{10, 20}},
		{"one ends before", cut(0, 5, 10), cut(0, 5, 10, 13), []time.Duration{500, 500, 300}, []int64{10, 10, 3}, []int{10, 20, 13}},
		{"one is finer", cut(0, 1, 2, 3, 4, 5), cut(0, 5, 10), []time.Duration{500, 500}, []int64{10, 5}, []int{10, 10}},
		{"no border within", cut(0, 5, 10, 15), cut(0, 6, 12, 15), []time.Duration{1500}, []int64{30}, []int{30}},
		{"some borders", cut(0, 5, 10, 15, 20), cut(0, 5, 11, 15, 20), []time.Duration{500, 1000, 500}, []int64{10, 20, 10}, []int{10, 30, 40}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := mergeStages(&tt.a, &tt.b)
			var widths []time.Duration
			var counts []int64
			var end time.Duration
			for _, s := range m.Slices {
				if s.Offset != end {
					t.Errorf("a slice begins at %v, the one before ends at %v", s.Offset, end)
				}
				end = s.end()
				widths, counts = append(widths, s.Width/time.Millisecond), append(counts, s.Counters.Unsent)
			}
			if diff := cmp.Diff(tt.widths, widths) + cmp.Diff(tt.counts, counts) + cmp.Diff(tt.inFlight, m.InFlight); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// withSteps is a run in which every stage was run.
func withSteps(t *testing.T) *Run {
	t.Helper()
	for seed := range uint64(100) {
		r := randomRun(seed)
		if r.Stages[0].State != NotRun && r.Stages[1].State != NotRun {
			return r
		}
	}
	t.Fatal("no seed gives a run in which every stage was run")
	return nil
}

// A part of a stage is what its steps would have measured alone, and a part
// that covers all of them the stage itself.
func TestPart(t *testing.T) {
	at := func(second int, n int64) Slice {
		return Slice{Offset: time.Duration(second) * time.Second, Width: time.Second, Counters: Counters{Success: n}}
	}
	step := func(scenario, name string, n int64, slices ...Slice) Step {
		return Step{Scenario: scenario, Name: name, Requests: Requests{Counters: Counters{Success: n}}, Slices: slices}
	}
	s := &Stage{
		Name: "steady", Duration: 2 * time.Second, Generator: Generator{UnsentOwn: 3},
		Requests: Requests{Counters: Counters{Success: 60}}, Slices: []Slice{at(0, 30), at(1, 30)},
		Steps: []Step{
			step("shop", "search", 30, at(0, 10), at(1, 20)), step("shop", "buy", 10, at(1, 10)), step("api", "search", 20),
		},
	}
	shop := s.Part(func(scenario, _ string) bool { return scenario == "shop" })
	want := &Stage{
		Name: "steady", Duration: 2 * time.Second, Generator: Generator{UnsentOwn: 3},
		Requests: Requests{Counters: Counters{Success: 40}}, Slices: []Slice{at(0, 10), at(1, 30)}, Steps: s.Steps[:2],
	}
	if diff := cmp.Diff(want, shop); diff != "" {
		t.Errorf("part (-want +got):\n%s", diff)
	}
	if p := s.Part(func(_, step string) bool { return step == "search" }); p.Slices != nil || p.Counters.Success != 50 {
		t.Errorf("a part of which one step has no slices has %v, %+v", p.Slices, p.Counters)
	}
	if p := s.Part(func(_, _ string) bool { return true }); p != s {
		t.Errorf("all steps are %+v", p)
	}
	if p := s.Part(func(_, _ string) bool { return false }); p.Counters != (Counters{}) || p.Slices != nil {
		t.Errorf("no step has measured %+v", p.Requests)
	}
}

// A moment in which a CPU limit held the generator back is no whole stage.
func TestAppendWeighsShares(t *testing.T) {
	long := Stage{Duration: 3 * time.Second}
	short := Stage{Duration: time.Second, Generator: Generator{CPU: 1, Throttled: 0.8}}
	whole := Generator{CPU: 1, Throttled: 1}
	both := Append(&Stage{Duration: 100 * time.Millisecond, Generator: whole}, &Stage{Duration: 200 * time.Millisecond, Generator: whole})
	if got := both.Generator; got.CPU != 1 || got.Throttled != 1 {
		t.Errorf("CPU %v, throttled %v, want 1 and 1", got.CPU, got.Throttled)
	}
	if got := Append(&long, &short).Generator; got.CPU != 0.25 || math.Abs(got.Throttled-0.2) > 1e-9 {
		t.Errorf("CPU %v, throttled %v, want 0.25 and 0.2", got.CPU, got.Throttled)
	}
}

// Parts that follow each other keep their steps' slices in order.
func TestAppendSteps(t *testing.T) {
	part := func(n int64) *Stage {
		return &Stage{Duration: time.Second, Steps: []Step{{Name: "buy", Slices: []Slice{{Width: time.Second, Counters: Counters{Success: n}}}}}}
	}
	both := Append(part(1), part(2))
	want := []Slice{{Width: time.Second, Counters: Counters{Success: 1}}, {Offset: time.Second, Width: time.Second, Counters: Counters{Success: 2}}}
	if diff := cmp.Diff(want, both.Steps[0].Slices); diff != "" {
		t.Errorf("slices (-want +got):\n%s", diff)
	}
}
