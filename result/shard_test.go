package result

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shard is one of so many, whose only stage it has begun at an offset.
func shard(index, count int, at time.Duration) *Run {
	r := oneStage(Workload{Model: "open", Duration: 20 * time.Second, RateFrom: 10, RateTo: 10})
	r.Seed, r.Shard = 7, Shard{index, count}
	s := &r.Stages[0]
	s.Start, s.Duration, s.Counters.Success = began.Add(at), 20*time.Second, int64(index)
	var h Recorder
	for range index {
		h.Record(time.Duration(index) * time.Millisecond)
	}
	s.Response, s.OK, s.Service, s.OnTime = h.Histogram(), h.Histogram(), h.Histogram(), h.Histogram()
	return r
}

func TestMergeShards(t *testing.T) {
	one, two, three := shard(1, 3, 0), shard(2, 3, time.Second), shard(3, 3, 2*time.Second)
	idle := shard(2, 3, time.Hour) // it had no share of the stage
	idle.Stages[0].Requests = Requests{}
	for _, test := range []struct {
		name   string
		shards []*Run
		due    int64
		gaps   []string
	}{
		{"all", []*Run{one, two, three}, 6, nil},
		{"in another order", []*Run{three, one, two}, 6, nil},
		{"the only one", []*Run{shard(1, 1, 0)}, 1, nil},
		{"one is missing", []*Run{three, one}, 4, []string{"shard 2 of 3 is missing"}},
		{"all but one are missing", []*Run{two}, 2, []string{"shard 1 of 3 is missing", "shard 3 of 3 is missing"}},
		{"one is there twice", []*Run{one, two, three, shard(2, 3, time.Hour), two}, 6, []string{"shard 2 of 3 is there twice, the first one counts"}},
		{"one is late", []*Run{one, two, shard(3, 3, 2100*time.Millisecond)}, 6, []string{`the shards did not load stage "s" together: they began it up to 2.1 s apart`}},
		{"one had no share", []*Run{one, idle, three}, 4, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := MergeShards(test.shards)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.gaps, m.Gaps); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if got := m.Stages[0].Counters.Due(); got != test.due || m.Stages[0].Response.Total() != test.due {
				t.Errorf("%d requests, want %d", got, test.due)
			}
			if want := (Shard{Count: test.shards[0].Shard.Count}); m.Shard != want {
				t.Errorf("the merged result is of %+v, want %+v", m.Shard, want)
			}
		})
	}
	if want := shard(1, 3, 0); !cmp.Equal(one, want) {
		t.Error("merging changed a shard")
	}
}

// Each shard is held to its part of a limit, and all together to the limit; two
// runs of one stage are held to it one after the other.
func TestLimitsOfShardsAddUp(t *testing.T) {
	one, two := shard(1, 2, 0), shard(2, 2, 0)
	one.Stages[0].Generator.HeldTo, two.Stages[0].Generator.HeldTo = 20, 30
	m, err := MergeShards([]*Run{one, two})
	if err != nil || m.Stages[0].Generator.HeldTo != 50 {
		t.Errorf("held to %v, %v, want 50", m.Stages[0].Generator.HeldTo, err)
	}
	if twice := Append(&one.Stages[0], &two.Stages[0]); twice.Generator.HeldTo != 30 {
		t.Errorf("held to %v, want 30", twice.Generator.HeldTo)
	}
}

func TestMergeShardsRefuses(t *testing.T) {
	other := shard(2, 3, 0)
	other.Seed = 8
	file := shard(2, 3, 0)
	file.SLO.Digest = "sha256:2"
	for _, test := range []struct {
		name   string
		shards []*Run
		want   string
	}{
		{"none", nil, "there is none"},
		{"a whole run", []*Run{shard(1, 3, 0), oneStage(Workload{Model: "open"})}, "result 2 is not that of a shard"},
		{"a merged run", []*Run{shard(0, 3, 0)}, "result 1 is not that of a shard"},
		{"another number", []*Run{shard(1, 3, 0), shard(2, 4, 0)}, "shards of different runs: shard 1 of 3 and shard 2 of 4"},
		{"another seed", []*Run{shard(1, 3, 0), other}, "the seed of shard 1 of 3 is 7, that of shard 2 of 3 is 8"},
		{"another file", []*Run{shard(1, 3, 0), file}, "shard 2 of 3: merge results: SLO file differs"},
	} {
		if _, err := MergeShards(test.shards); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}
}

func TestFilesOfImpossibleShardsAreRefused(t *testing.T) {
	for _, s := range []Shard{{4, 3}, {-1, 3}, {1, 0}, {1, MaxShards + 1}, {0, -1}} {
		r := shard(1, 3, 0)
		r.Shard = s
		if err := check(r); err == nil || !strings.Contains(err.Error(), "shard") {
			t.Errorf("%+v: error %v", s, err)
		}
	}
}

// A shard is compared with nothing but the same shard.
func TestFingerprintOfShards(t *testing.T) {
	of := func(s Shard) Fingerprint {
		r := shard(1, 3, 0)
		r.Shard = s
		return FingerprintOf(r, &r.Stages[0])
	}
	kinds := []Shard{{}, {1, 3}, {0, 3}, {0, 4}}
	for _, a := range kinds {
		for _, b := range kinds {
			if got := of(a).Difference(of(b)); (got == "") != (a == b) {
				t.Errorf("%+v against %+v: %q", a, b, got)
			}
		}
	}
	if got := of(Shard{0, 3}).Difference(of(Shard{})); got != "another number of generators: 1, now 3" {
		t.Error(got)
	}
	if got := of(Shard{}).Difference(of(Shard{0, 1})); got != "" {
		t.Error(got)
	}
}

// FuzzMerge merges any two results that can be read: into one that can be read
// too, whose counters are the sums, or not at all.
func FuzzMerge(f *testing.F) {
	f.Add(encoded(f, small()), encoded(f, small()), 1, 2)
	f.Add(encoded(f, small()), `{"version":1,"stages":null}`, 2, 2)
	f.Fuzz(func(t *testing.T, one, other string, i, k int) {
		a, err := Decode(strings.NewReader(one))
		if err != nil {
			return
		}
		b, err := Decode(strings.NewReader(other))
		if err != nil {
			return
		}
		a.Shard, b.Shard = Shard{Index: i, Count: 2}, Shard{Index: k, Count: 2}
		if checkShard(a.Shard) != nil || checkShard(b.Shard) != nil || min(i, k) == 0 {
			return
		}
		merged, err := MergeShards([]*Run{a, b})
		if err != nil {
			return
		}
		again, err := Decode(strings.NewReader(encoded(t, merged)))
		if err != nil {
			t.Fatalf("what was merged cannot be read: %v", err)
		}
		if again.Shard.IsPart() {
			t.Errorf("what was merged is %s", again.Shard)
		}
		if i == k {
			if len(again.Gaps) == 0 {
				t.Errorf("shard %d and the same are merged without a gap", i)
			}
			return
		}
		for n, s := range again.Stages {
			if want := a.Stages[n].Counters.Due() + b.Stages[n].Counters.Due(); s.Counters.Due() != want {
				t.Errorf("stage %q has %d requests, its shards %d", s.Name, s.Counters.Due(), want)
			}
		}
	})
}
