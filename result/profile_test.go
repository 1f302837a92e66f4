package result

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGrown(t *testing.T) {
	base := &Profile{Samples: 1000, Least: 0.005, Functions: []Function{
		{"main", 0, 1}, {"handle", 0.10, 0.50}, {"encode", 0.30, 0.30}, {"noise", 0.05, 0.05}, {"shrinks", 0.20, 0.20},
	}}
	head := &Profile{Samples: 1000, Least: 0.005, Functions: []Function{
		{"main", 0, 1}, {"handle", 0.10, 0.80}, {"encode", 0.40, 0.40}, {"noise", 0.06, 0.06}, {"burn", 0.25, 0.25}, {"shrinks", 0.05, 0.05}, {"new", 0.008, 0.008},
	}}
	want := []Growth{
		{Name: "burn", FlatBefore: 0.005, Flat: 0.25, CumBefore: 0.005, Cum: 0.25, New: true, InItself: true},
		{Name: "encode", FlatBefore: 0.30, Flat: 0.40, CumBefore: 0.30, Cum: 0.40, InItself: true},
		{Name: "handle", FlatBefore: 0.10, Flat: 0.10, CumBefore: 0.50, Cum: 0.80},
	}
	if diff := cmp.Diff(want, head.Grown(base)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, p := range map[string]*Profile{"none": nil, "missing": {Missing: "no endpoint"}, "empty": {}} {
		if got := append(p.Grown(base), head.Grown(p)...); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	few := *head
	few.Samples = 20 // the same shares, and nothing is sure but the largest
	if got := few.Grown(&Profile{Samples: 20, Functions: base.Functions, Least: base.Least}); len(got) > 1 {
		t.Errorf("of 20 samples: %+v", got)
	}
}

// Which of two profiles is kept does not hang on their order.
func TestMergeProfiles(t *testing.T) {
	more, less := &Profile{Samples: 2}, &Profile{Samples: 1, Missing: "x"}
	for _, pair := range [][2]*Profile{{more, less}, {less, more}, {more, nil}, {nil, more}} {
		if got := mergeProfiles(pair[0], pair[1]); got != more {
			t.Errorf("%+v", got)
		}
	}
}

func TestReadRefusesProfiles(t *testing.T) {
	for _, p := range []*Profile{{Samples: -1}, {CPU: -1}, {Least: 2}, {Functions: []Function{{Name: "f", Flat: 1.5}}}, {Functions: []Function{{Cum: -0.1}}}} {
		if checkProfile(p) == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
}

// No two profiles of the same work differ: sampling alone finds nothing grown.
func TestGrownIsSilent(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3, 4, 5} {
		a, b := sampledProfile(seed, 2000), sampledProfile(seed+100, 2000)
		if got := a.Grown(b); len(got) > 0 {
			t.Errorf("seed %d: %+v", seed, got)
		}
	}
}

// sampledProfile draws samples of a hundred functions of which each is half as
// hot as the one ten before it.
func sampledProfile(seed uint64, samples int) *Profile {
	random := rand.New(rand.NewPCG(seed, 0))
	counts := make([]int, 100)
	for range samples {
		at := 0
		for at < 90 && random.IntN(2) == 0 {
			at += 10
		}
		counts[at+random.IntN(10)]++
	}
	p := &Profile{Samples: int64(samples), Least: 0.005}
	for i, n := range counts {
		if share := float64(n) / float64(samples); share >= p.Least {
			p.Functions = append(p.Functions, Function{Name: fmt.Sprint("f", i), Flat: share, Cum: share})
		}
	}
	return p
}
