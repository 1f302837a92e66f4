package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// comparing is a file with one relative objective on the stage "high".
func comparing(t *testing.T, rules slo.Baseline) *slo.File {
	t.Helper()
	return &slo.File{Baseline: rules, Stages: []slo.Stage{{Name: "high", Judge: true, Objectives: []slo.Objective{relative(t, "p95 <= baseline + 10%")}}}}
}

func TestEarlierResultsAreListed(t *testing.T) {
	history := earlier(100*ms, 110*ms, 120*ms)
	history[0].Source = result.Source{Commit: "a", Branch: "main", RunURL: "https://x.example/1"}
	history[1].Machine.OS = "plan9" // another fingerprint
	history[2].Stages[0].State = result.Dead
	now := &result.Run{Start: day(40), Machine: result.Machine{OS: "linux"}, Stages: []result.Stage{steady(1000, 100*ms)}}
	got := Judge(comparing(t, slo.Baseline{Last: 20}), now, Options{Baseline: history, Notices: []string{"one was left out"}})
	want := []result.Earlier{
		{
			Source: history[0].Source, Start: day(0),
			Stages: []result.EarlierStage{{Name: "high", P95: result.Equivalent(100 * ms), Success: 1, Throughput: 1000 / history[0].Stages[0].Duration.Seconds()}},
		},
		{Start: day(1)},
		{Start: day(2)},
	}
	if diff := cmp.Diff(want, got.Earlier); diff != "" {
		t.Errorf("earlier (-want +got):\n%s", diff)
	}
	if len(got.Notices) == 0 || got.Notices[0] != "one was left out" {
		t.Errorf("notices %q, want that of the search first", got.Notices)
	}
}

// A result that says to be later than the run would never become too old: it
// does not count, unless somebody has chosen the two of them.
func TestBaselineFromTheFuture(t *testing.T) {
	for name, tt := range map[string]struct {
		starts []time.Time
		maxAge time.Duration
		want   result.Verdict
		reason string
	}{
		"only later ones":        {[]time.Time{day(42), day(43)}, 90 * 24 * time.Hour, result.Inconclusive, "the baseline was measured in the future, where a clock was wrong"},
		"a clock a little ahead": {[]time.Time{day(40).Add(time.Hour)}, 90 * 24 * time.Hour, result.Pass, ""},
		"one of them":            {[]time.Time{day(39), day(42)}, 90 * 24 * time.Hour, result.Pass, ""},
		"chosen":                 {[]time.Time{day(42)}, 0, result.Pass, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var history []*result.Run
			for _, start := range tt.starts {
				history = append(history, &result.Run{Start: start, Seed: uint64(start.Unix()), Stages: []result.Stage{steady(1000, 100*ms)}})
			}
			now := &result.Run{Start: day(40), Stages: []result.Stage{steady(1000, 100*ms)}}
			got := Judge(comparing(t, slo.Baseline{MaxAge: tt.maxAge}), now, Options{Baseline: history}).Objectives[0]
			if got.Verdict != tt.want || tt.reason != "" && got.Reason != tt.reason {
				t.Errorf("%s, %q, want %s, %q", got.Verdict, got.Reason, tt.want, tt.reason)
			}
		})
	}
}

// Where nothing can be compared yet, the base branch must get its first
// result through, and a change must not.
func TestFirstResult(t *testing.T) {
	for name, tt := range map[string]struct {
		baseBranch bool
		more       []string
		want       result.Verdict
		reason     string
	}{
		"base branch":               {baseBranch: true, want: result.Warn, reason: "the first result of the base branch: there is nothing to compare with yet"},
		"a change":                  {want: result.Inconclusive, reason: "nothing was judged: no objective that could fail has a value, and there was nothing to compare with"},
		"base branch, with a value": {baseBranch: true, more: []string{"p95 <= 1s"}, want: result.Pass, reason: "the only objective is met"},
		"base branch, missed":       {baseBranch: true, more: []string{"p95 <= 10ms"}, want: result.Fail, reason: `p95 of "high" was 100 ms, 10 times 10 ms; 1 of 1 objective failed`},
	} {
		t.Run(name, func(t *testing.T) {
			f := comparing(t, slo.Baseline{})
			for _, text := range tt.more {
				f.Stages[0].Objectives = append(f.Stages[0].Objectives, relative(t, text))
			}
			got := against(f, 100*ms, Options{BaseBranch: tt.baseBranch})
			if got.Verdict != tt.want || got.Reason != tt.reason {
				t.Errorf("%s: %s; want %s: %s", got.Verdict, got.Reason, tt.want, tt.reason)
			}
		})
	}
}

func TestSkippedObjectivesShareANotice(t *testing.T) {
	f := comparing(t, slo.Baseline{})
	f.Stages[0].Objectives = append(f.Stages[0].Objectives, relative(t, "p50 <= baseline + 10%"), relative(t, "p99 <= baseline + 10%"))
	want := []string{"3 objectives were skipped: there is no baseline to compare with"}
	if diff := cmp.Diff(want, against(f, 100*ms, Options{}).Notices); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

// An age is written as the file may write it.
func TestTooOldResultsAreNamed(t *testing.T) {
	f := comparing(t, slo.Baseline{MaxAge: 12 * time.Hour})
	got := against(f, 100*ms, Options{Baseline: same(2, 100*ms)}).Notices
	if want := "2 earlier results are left out of the baseline: older than 12h"; len(got) == 0 || got[0] != want {
		t.Errorf("notices %q, want %q", got, want)
	}
}

// Times of a run that mostly failed are the timeout's: as a baseline they would
// let everything pass. So would what a generator measured of itself.
func TestBrokenResultsAreNoBaseline(t *testing.T) {
	failing, idle := mixed(1000, 900, ms), steady(1000, 10*time.Second)
	idle.Generator.UnsentOwn = 500
	for name, stage := range map[string]result.Stage{"mostly errors": failing, "left unsent": idle} {
		var history []*result.Run
		for i := range 7 {
			history = append(history, &result.Run{Start: day(i), Seed: uint64(i + 1), Stages: []result.Stage{stage}})
		}
		f := comparing(t, slo.Baseline{})
		if got := against(f, 5*time.Second, Options{Baseline: history}).Objectives[0]; got.Verdict != result.Skipped {
			t.Errorf("%s: %s (%s), want skipped", name, got.Verdict, got.Reason)
		}
		for i, r := range same(7, 100*ms) {
			r.Start, r.Seed = day(20+i), uint64(20+i)
			history = append(history, r)
		}
		got := against(f, 5*time.Second, Options{Baseline: history}).Objectives[0]
		if got.Verdict != result.Fail || got.Comparison.Runs != 7 {
			t.Errorf("%s before good ones: %s (%s)", name, got.Verdict, got.Reason)
		}
	}
}

// A regression that was accepted is the level of what comes after it. The run of
// the base branch that follows it warns, and by that begins the level; a single
// bad run of the base branch begins none.
func TestAcceptedRegressionIsANewLevel(t *testing.T) {
	f := comparing(t, slo.Baseline{Last: 20})
	for _, old := range []int{3, 10, 19} {
		history := same(old, 100*ms)
		change := func(took time.Duration, opts Options) result.JudgedObjective {
			opts.Baseline = history
			return against(f, took, opts).Objectives[0]
		}
		merge := func(took time.Duration) result.Verdict {
			r := &result.Run{Start: day(len(history)), Seed: uint64(len(history) + 1), Stages: []result.Stage{steady(1000, took)}}
			r.Judgement = Judge(f, r, Options{Baseline: history, BaseBranch: true})
			history = append(history, r)
			return r.Judgement.Objectives[0].Verdict
		}
		if got := change(160*ms, Options{}); got.Verdict != result.Fail {
			t.Errorf("%d old results: the regression is %s (%s)", old, got.Verdict, got.Reason)
		}
		if got := change(160*ms, Options{Accepted: "by the label"}); got.Verdict != result.Warn {
			t.Errorf("%d old results: the accepted regression is %s (%s)", old, got.Verdict, got.Reason)
		}
		for merged := 1; merged <= 8; merged++ {
			if got, want := merge(160*ms), result.Pass; merged > 1 && got != want || merged == 1 && got != result.Warn {
				t.Errorf("%d old results: run %d of the base branch is %s", old, merged, got)
			}
			if got := change(165*ms, Options{}); got.Verdict != result.Pass || got.Comparison.Runs != merged || !strings.Contains(got.Reason, "a regression was let through") {
				t.Errorf("%d old results, %d new: unchanged is %s (%s)", old, merged, got.Verdict, got.Reason)
			}
			want := result.Inconclusive
			if merged > 1 {
				want = result.Fail
			}
			if got := change(240*ms, Options{}); got.Verdict != want {
				t.Errorf("%d old results, %d new: slower again is %s (%s), want %s", old, merged, got.Verdict, got.Reason, want)
			}
		}
	}
}

// So it is of counts that were 0 before.
func TestAcceptedErrorsAreANewLevel(t *testing.T) {
	f := plan(relative(t, "errors <= baseline + 2"))
	run := func(n, failed int, opts Options) *result.Run {
		r := &result.Run{Start: day(n), Seed: uint64(n + 1), Stages: []result.Stage{mixed(1000, failed, 100*ms)}}
		r.Judgement = Judge(f, r, opts)
		return r
	}
	var history []*result.Run
	for i := range 15 {
		history = append(history, run(i, 0, Options{}))
	}
	for i := range 3 {
		history = append(history, run(15+i, 6, Options{Baseline: history, BaseBranch: true}))
		for failed, want := range map[int]result.Verdict{6: result.Pass, 200: result.Fail} {
			if got := run(40, failed, Options{Baseline: history}).Judgement.Objectives[0]; got.Verdict != want {
				t.Errorf("%d results of the new level, %d errors: %s (%s), want %s", i+1, failed, got.Verdict, got.Reason, want)
			}
		}
	}
}

// A run that is met and worse than the pinned result warns, too: nobody let it
// through, and it begins no level.
func TestADriftBesideAPinIsNoLevel(t *testing.T) {
	f := comparing(t, slo.Baseline{Last: 20})
	pinned := &result.Run{Start: day(0), Seed: 99, Stages: []result.Stage{steady(1000, 60*ms)}}
	history := same(10, 100*ms)
	for i, took := range []time.Duration{104 * ms, 108 * ms, 109 * ms, 113 * ms} {
		r := &result.Run{Start: day(10 + i), Seed: uint64(11 + i), Stages: []result.Stage{steady(1000, took)}}
		r.Judgement = Judge(f, r, Options{Baseline: history, Ref: pinned, BaseBranch: true})
		if o := r.Judgement.Objectives[0]; i < 3 && (o.Verdict != result.Warn || o.Bound < *o.Measured) {
			t.Errorf("run %d beside the pin is %s (%s)", i+1, o.Verdict, o.Reason)
		}
		history = append(history, r)
	}
	got := against(f, 124*ms, Options{Baseline: history, Ref: pinned}).Objectives[0]
	if strings.Contains(got.Reason, "let through") || !strings.Contains(got.Reason, "against the pinned result") {
		t.Errorf("%s (%s)", got.Verdict, got.Reason)
	}
}

func TestOneBadRunIsNoLevel(t *testing.T) {
	f := comparing(t, slo.Baseline{Last: 20})
	history := same(10, 100*ms)
	for i, took := range []time.Duration{180 * ms, 100 * ms, 100 * ms} {
		r := &result.Run{Start: day(10 + i), Seed: uint64(11 + i), Stages: []result.Stage{steady(1000, took)}}
		r.Judgement = Judge(f, r, Options{Baseline: history, BaseBranch: true})
		history = append(history, r)
	}
	got := against(f, 180*ms, Options{Baseline: history}).Objectives[0]
	if got.Verdict != result.Fail || got.Comparison.Runs != 13 {
		t.Errorf("%s (%s), %+v", got.Verdict, got.Reason, got.Comparison)
	}
}
