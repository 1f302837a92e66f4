package result

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"
)

// reference is the library's histogram of the layout that this package keeps.
func reference() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(HighestValue/time.Microsecond), 3)
}

// edges are the times at which the layout changes, and their neighbours.
func edges() []time.Duration {
	times := []time.Duration{0, HighestValue}
	for us := time.Microsecond; us < HighestValue; us *= 2 {
		times = append(times, us-time.Microsecond, us, us+time.Microsecond)
	}
	return times
}

func TestBucketsAreHdrHistograms(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	times := edges()
	// The library rounds a rank to the nearest where slogate rounds up; in 6000
	// values both are whole.
	for len(times) < 6000 {
		times = append(times, time.Duration(math.Exp(rnd.Float64()*math.Log(float64(HighestValue)))))
	}
	var r Recorder
	ref := reference()
	for _, d := range times {
		r.Record(d)
		if err := ref.RecordValue(d.Microseconds()); err != nil {
			t.Fatal(err)
		}
	}
	h := r.Histogram()
	if diff := cmp.Diff(referenceBuckets(ref), h.Buckets()); diff != "" {
		t.Errorf("buckets (-library +slogate):\n%s", diff)
	}
	for _, q := range []int64{1, 100, 500, 900, 950, 990, 999, 1000} {
		got, ok := h.Quantile(q, 1000)
		want := ref.ValueAtQuantile(float64(q) / 10)
		if !ok || got.Microseconds() != want {
			t.Errorf("quantile %d/1000 of %d values = %v, %v, want %d µs", q, h.Total(), got, ok, want)
		}
	}
	if got, _ := h.Max(); got.Microseconds() != ref.Max() {
		t.Errorf("max = %v, want %d µs", got, ref.Max())
	}
	if got, _ := h.Mean(); math.Abs(float64(got.Microseconds())/ref.Mean()-1) > 1e-3 {
		t.Errorf("mean = %v, want %g µs", got, ref.Mean())
	}
	if got, _ := h.StdDev(); math.Abs(float64(got.Microseconds())/ref.StdDev()-1) > 1e-3 {
		t.Errorf("standard deviation = %v, want %g µs", got, ref.StdDev())
	}
}

func referenceBuckets(ref *hdrhistogram.Histogram) []Bucket {
	var buckets []Bucket
	for i, n := range ref.Export().Counts {
		if n > 0 {
			buckets = append(buckets, Bucket{Low: low(i), Count: n})
		}
	}
	return buckets
}

func TestEquivalentIsTheLibrarys(t *testing.T) {
	for _, d := range edges() {
		ref := reference()
		if err := ref.RecordValue(d.Microseconds()); err != nil {
			t.Fatal(err)
		}
		if got := Equivalent(d).Microseconds(); got != ref.Max() {
			t.Errorf("Equivalent(%v) = %d µs, want %d", d, got, ref.Max())
		}
	}
}

func TestIndexAndLowAreInverse(t *testing.T) {
	for i := range bucketCount {
		us := low(i)
		if index(us) != i || index(us+width(us)-1) != i {
			t.Fatalf("bucket %d begins at %d µs and is %d wide, but its ends have the indexes %d and %d",
				i, us, width(us), index(us), index(us+width(us)-1))
		}
		if lowest(us+width(us)-1) != us {
			t.Fatalf("lowest(%d) = %d, want %d", us+width(us)-1, lowest(us+width(us)-1), us)
		}
	}
}

func TestRecordClamps(t *testing.T) {
	var r Recorder
	for _, d := range []time.Duration{-time.Hour, 0, 999 * time.Nanosecond, math.MaxInt64} {
		r.Record(d)
	}
	want := []Bucket{{Low: 0, Count: 3}, {Low: lowest(HighestValue.Microseconds()), Count: 1}}
	if diff := cmp.Diff(want, r.Histogram().Buckets()); diff != "" {
		t.Errorf("buckets (-want +got):\n%s", diff)
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	var r Recorder
	times := edges()
	for _, d := range times {
		r.Record(d)
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, d := range times {
			r.Record(d)
		}
	}); n != 0 {
		t.Errorf("%g allocations for %d times in known ranges, want 0", n, len(times))
	}
}

func TestEmptyHistogram(t *testing.T) {
	var h Histogram
	_, quantile := h.Quantile(1, 2)
	_, minimum := h.Min()
	_, maximum := h.Max()
	_, mean := h.Mean()
	_, deviation := h.StdDev()
	if quantile || minimum || maximum || mean || deviation || h.Above(0) != 0 || h.Total() != 0 {
		t.Error("an empty histogram has a value")
	}
}

func TestAbove(t *testing.T) {
	h := histogramOf(time.Millisecond, 2*time.Millisecond, 3*time.Millisecond)
	for _, tt := range []struct {
		d    time.Duration
		want int64
	}{
		{0, 3},
		{999 * time.Microsecond, 3},
		{1000 * time.Microsecond, 2},
		{2500 * time.Microsecond, 1},
		{2999 * time.Microsecond, 1},
		{3001 * time.Microsecond, 0}, // shares its bucket, 3000 to 3001 µs
		{time.Hour, 0},
	} {
		if got := h.Above(tt.d); got != tt.want {
			t.Errorf("Above(%v) = %d, want %d", tt.d, got, tt.want)
		}
	}
}

func TestQuantileOfHugeCounts(t *testing.T) {
	h := counted(Bucket{Low: 10, Count: maxCount/2 - 1}, Bucket{Low: 20, Count: maxCount / 2})
	for _, tt := range []struct{ num, den, want int64 }{
		{0, 1, 10}, {4999, 10000, 10}, {1, 2, 20}, {999, 1000, 20}, {1, 1, 20},
	} {
		if got, _ := h.Quantile(tt.num, tt.den); got.Microseconds() != tt.want {
			t.Errorf("Quantile(%d, %d) = %v, want %d µs", tt.num, tt.den, got, tt.want)
		}
	}
}

// What a merge cannot count is left out: the sum has no bucket that is not there.
func TestHistogramMergeIsBounded(t *testing.T) {
	const most = math.MaxInt64
	h := counted(Bucket{Low: 10, Count: most - 5}, Bucket{Low: 30, Count: 2})
	for _, tt := range []struct {
		name        string
		other, want Histogram
	}{
		{"no room for some", counted(Bucket{Low: 10, Count: 1}, Bucket{Low: 20, Count: 7}), counted(Bucket{Low: 10, Count: most - 4}, Bucket{Low: 20, Count: 2}, Bucket{Low: 30, Count: 2})},
		{"room for all", counted(Bucket{Low: 10, Count: 3}), counted(Bucket{Low: 10, Count: most - 2}, Bucket{Low: 30, Count: 2})},
		{"no room at all", counted(Bucket{Low: 30, Count: most}), counted(Bucket{Low: 10, Count: most - 5}, Bucket{Low: 30, Count: 5})},
		{"itself", h, counted(Bucket{Low: 10, Count: most - 2}, Bucket{Low: 30, Count: 2})},
	} {
		if got := h.Merge(tt.other); !got.Equal(tt.want) {
			t.Errorf("%s: %d values, %v, want %v", tt.name, got.Total(), got.Buckets(), tt.want.Buckets())
		}
	}
}

func TestHistogramMergeIsRecordingTogether(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var a, b, both Recorder
	for range 2000 {
		d := time.Duration(rnd.ExpFloat64() * float64(20*time.Millisecond))
		both.Record(d)
		if rnd.IntN(3) == 0 {
			a.Record(d)
		} else {
			b.Record(d)
		}
	}
	want := both.Histogram()
	for _, got := range []Histogram{a.Histogram().Merge(b.Histogram()), b.Histogram().Merge(a.Histogram())} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("merged (-together +merged):\n%s", diff)
		}
		if n := 2 * len(got.Buckets()); got.Size() > n+n/8 {
			t.Errorf("%d buckets with few values take %d bytes", len(got.Buckets()), got.Size())
		}
	}
}

// counted makes a histogram of buckets in ascending order.
func counted(buckets ...Bucket) Histogram {
	var h Histogram
	var w countWriter
	for _, b := range buckets {
		w.add(index(b.Low), b.Count)
		h.total += b.Count
	}
	h.counts = w.counts
	return h
}

func histogramOf(times ...time.Duration) Histogram {
	var r Recorder
	for _, d := range times {
		r.Record(d)
	}
	return r.Histogram()
}

func BenchmarkRecord(b *testing.B) {
	var r Recorder
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Record(time.Duration(i&0xffff) * time.Microsecond)
	}
}
