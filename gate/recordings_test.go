package gate

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// recorded reads a recording of base and head in one run, alternating in
// blocks of 1 s: stats/testdata/README.md has its columns.
func recorded(t *testing.T, name string) *result.Run {
	t.Helper()
	f, err := os.Open("stats/testdata/" + name + ".csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const windows = 30
	var loads [2]population
	for _, row := range rows {
		var n [4]int
		for i := range n {
			if n[i], err = strconv.Atoi(row[i]); err != nil {
				t.Fatal(err)
			}
		}
		class := result.Success
		if row[4] != "1" {
			class = result.BadStatus
		}
		window := min(n[0]/2_000_000, windows-1)
		loads[n[1]].add(time.Duration(window)*time.Second, time.Duration(n[2])*time.Microsecond, class)
	}
	return &result.Run{
		Stages: []result.Stage{loads[1].stage("high", windows*time.Second)},
		Base:   &result.Base{Stages: []result.Stage{loads[0].stage("high", windows*time.Second)}},
	}
}

// Real comparisons have the verdicts that they must: an unchanged build never
// fails, a quarter more work does on a fairly idle machine, and a tenth more
// beside compilations is no proof.
func TestRecordedComparisons(t *testing.T) {
	f := plan(relative(t, "p50 <= baseline + 10%"), relative(t, "p95 <= baseline + 10%"))
	for name, want := range map[string][]result.Verdict{
		"idle-same-1":   {result.Pass, result.Inconclusive},
		"busy-same-1":   {result.Pass, result.Inconclusive},
		"busy-plus10-1": {result.Pass, result.Inconclusive},
		"idle-plus25-1": {result.Fail},
	} {
		for _, o := range Judge(f, recorded(t, name), Options{}).Objectives {
			if o.Relative && !slices.Contains(want, o.Verdict) {
				t.Errorf("%s: %s is %s (%s), want %v; %+v", name, o.Text, o.Verdict, o.Reason, want, o.Comparison)
			}
		}
	}
}

// When a run was made does not matter: another day, and the windows in
// the other order.
func TestWhenARunWasMadeChangesNoVerdict(t *testing.T) {
	f := plan(relative(t, "p50 <= baseline + 10%"), relative(t, "p95 <= baseline + 10%"))
	for _, name := range []string{"idle-same-1", "idle-plus25-1"} {
		r := recorded(t, name)
		want := verdicts(Judge(f, r, Options{}))
		r.Start = day(5000)
		for _, s := range []*result.Stage{&r.Stages[0], &r.Base.Stages[0]} {
			s.Start = day(6000)
			slices.Reverse(s.Slices)
		}
		if got := verdicts(Judge(f, r, Options{})); !slices.Equal(got, want) {
			t.Errorf("%s: %v became %v", name, want, got)
		}
	}
	history := plan(relative(t, "p95 <= baseline + 10%"))
	for _, took := range []time.Duration{100 * ms, 200 * ms} {
		runs := earlier(98*ms, 101*ms, 99*ms, 102*ms, 100*ms)
		want := verdicts(against(history, took, Options{Baseline: runs}))
		for _, r := range runs {
			r.Start = r.Start.AddDate(-3, 0, 0)
		}
		if got := verdicts(against(history, took, Options{Baseline: runs})); !slices.Equal(got, want) {
			t.Errorf("%v: %v became %v", took, want, got)
		}
	}
}
