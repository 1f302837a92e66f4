package pprof

import (
	"bytes"
	"compress/gzip"
	"fmt"
	runtimepprof "runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	google "github.com/google/pprof/profile"

	"github.com/slogate/slogate/result"
)

// build makes a profile of stacks, each with its functions from the innermost
// on and its milliseconds.
func build(stacks map[string]int64) *google.Profile {
	p := &google.Profile{
		SampleType: []*google.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &google.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 10_000_000,
	}
	locations := map[string]*google.Location{}
	locate := func(name string) *google.Location {
		if locations[name] == nil {
			id := uint64(len(locations) + 1)
			l := &google.Location{ID: id}
			for inlined := range strings.SplitSeq(name, "+") { // the innermost first
				f := &google.Function{ID: uint64(len(p.Function) + 1), Name: inlined}
				p.Function = append(p.Function, f)
				l.Line = append(l.Line, google.Line{Function: f})
			}
			locations[name] = l
			p.Location = append(p.Location, l)
		}
		return locations[name]
	}
	for stack, ms := range stacks {
		s := &google.Sample{Value: []int64{ms / 10, ms * 1e6}}
		for name := range strings.SplitSeq(stack, " ") {
			s.Location = append(s.Location, locate(name))
		}
		p.Sample = append(p.Sample, s)
	}
	return p
}

func packed(t testing.TB, p *google.Profile) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpacked(t testing.TB, p *google.Profile) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteUncompressed(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRead(t *testing.T) {
	p := build(map[string]int64{
		"burn+handle serve main": 500, // burn is inlined into handle
		"serve main":             100,
		"walk walk walk main":    400, // it counts once
		"rare main":              0,
	})
	want := &result.Profile{
		CPU: time.Second, Samples: 100, Least: leastShare,
		Functions: []result.Function{
			{Name: "main", Cum: 1},
			{Name: "serve", Flat: 0.1, Cum: 0.6},
			{Name: "burn", Flat: 0.5, Cum: 0.5},
			{Name: "handle", Cum: 0.5},
			{Name: "walk", Flat: 0.4, Cum: 0.4},
		},
	}
	for name, file := range map[string][]byte{"compressed": packed(t, p), "plain": unpacked(t, p)} {
		got, err := Read(file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A profile of Go's runtime names what it was busy with.
func TestReadOfTheRuntime(t *testing.T) {
	var file bytes.Buffer
	if err := runtimepprof.StartCPUProfile(&file); err != nil {
		t.Skip(err) // the tests themselves are profiled
	}
	sum := uint64(0)
	for start := time.Now(); time.Since(start) < 300*time.Millisecond; {
		sum += burn(100_000)
	}
	runtimepprof.StopCPUProfile()
	got, err := Read(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	busy := slices.ContainsFunc(got.Functions, func(f result.Function) bool { return strings.HasSuffix(f.Name, "/pprof.burn") && f.Cum > 0.2 })
	if got.Samples >= 5 && !busy { // a busy machine gives few
		t.Errorf("sum %d: %+v", sum, got)
	}
}

// burn computes without memory, which the race detector would look into: its
// own functions have no callers in a profile.
//
//go:noinline
func burn(n uint64) uint64 {
	x := n
	for i := range n {
		x = x*6364136223846793005 + i
	}
	return x
}

func TestReadBounds(t *testing.T) {
	stacks := map[string]int64{}
	for i := range maxFunctions + 50 {
		stacks[fmt.Sprintf("f%d", i)] = 10
	}
	deep := make([]string, 0, maxFunctions+50)
	for i := range maxFunctions + 50 {
		deep = append(deep, fmt.Sprintf("%s%d", strings.Repeat("n\xff", maxName), i))
	}
	stacks[strings.Join(deep, " ")] = 100_000
	got, err := Read(packed(t, build(stacks)))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Functions) > maxFunctions || got.Least < leastShare {
		t.Errorf("%d functions, all above %v", len(got.Functions), got.Least)
	}
	for _, f := range got.Functions {
		if len(f.Name) > 2*maxName {
			t.Errorf("a name of %d bytes", len(f.Name))
		}
	}
	if empty, err := Read(packed(t, build(nil))); err != nil || empty.Samples != 0 || empty.Functions != nil {
		t.Errorf("without a sample: %+v, %v", empty, err)
	}
}

func TestReadRefuses(t *testing.T) {
	heap := build(map[string]int64{"f": 10})
	heap.SampleType[1].Type, heap.SampleType[1].Unit = "inuse_space", "bytes"
	whole := packed(t, build(map[string]int64{"f g": 10}))
	negative := build(map[string]int64{"f": -10})
	// Few bytes, many frames: each sample names a location of 4096 inlined functions
	// again and again.
	again := build(map[string]int64{strings.TrimSuffix(strings.Repeat("f+", 4096), "+"): 10})
	for range 12 {
		again.Sample[0].Location = slices.Concat(again.Sample[0].Location, again.Sample[0].Location)
	}
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	for range maxUnpacked>>20 + 1 {
		w.Write(make([]byte, 1<<20))
	}
	w.Close()
	for name, c := range map[string]struct {
		file []byte
		err  string
	}{
		"nothing":    {nil, errNoProfile.Error()},
		"a page":     {[]byte("<html><script>"), errNoProfile.Error()},
		"text":       {[]byte("--- contention:\ncycles/second=1\n"), errNoProfile.Error()},
		"of memory":  {packed(t, heap), "it is no CPU profile: it has no values of cpu in nanoseconds"},
		"cut":        {whole[:len(whole)-5], errNoProfile.Error()},
		"negative":   {packed(t, negative), errNoProfile.Error()},
		"many parts": {bytes.Repeat([]byte{2<<3 | 2, 0}, 500_000), errNoProfile.Error()},
		"a bomb":     {bomb.Bytes(), "more than 4194304 bytes when it is unpacked"},
		"not packed": {append(unpacked(t, build(map[string]int64{"f": 10})), make([]byte, maxUnpacked)...), "more than 4194304 bytes when it is unpacked"},
		"repeated":   {unpacked(t, again), "more than 10485760 stack frames"},
		"very large": {make([]byte, MaxFile+1), "more than 8388608 bytes"},
	} {
		if got, err := Read(c.file); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %+v, %v, want %q", name, got, err, c.err)
		}
	}
}

// Whatever a service sends: no panic, and shares are shares.
func FuzzRead(f *testing.F) {
	f.Add(unpacked(f, build(map[string]int64{"burn+handle serve main": 500, "walk walk main": 400})))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := Read(file)
		if err != nil {
			return
		}
		for _, one := range p.Functions {
			if !(one.Flat >= 0 && one.Flat <= 1 && one.Cum >= 0 && one.Cum <= 1 && one.Flat <= one.Cum) {
				t.Errorf("%+v", one)
			}
		}
	})
}

// A deep stack has as many functions as are kept, and says what the others have
// at most.
func TestReadKeepsTheLargestFunctions(t *testing.T) {
	var deep []string
	for i := range maxFunctions + 50 {
		deep = append(deep, fmt.Sprintf("f%03d", i))
	}
	got, err := Read(packed(t, build(map[string]int64{strings.Join(deep, " "): 300, "idle main": 700})))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Functions); n != maxFunctions || got.Least != 0.3 {
		t.Errorf("%d functions, the others have %v at most; want %d and 0.3", n, got.Least, maxFunctions)
	}
	if first := got.Functions[0]; first != (result.Function{Name: "idle", Flat: 0.7, Cum: 0.7}) {
		t.Errorf("first %+v", first)
	}
}
