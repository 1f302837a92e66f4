package result

import (
	"bytes"
	"math"
	"math/bits"
	"time"
)

// The resolution of every histogram: HdrHistogram's layout for 1 µs to 1 h
// with 3 significant digits. Two values in one bucket differ by less than
// 0.1 %.
const (
	HighestValue  = time.Hour // longer times are recorded as this
	subBucketBits = 11        // 2^11 = 2048 ≥ 2·10³ buckets of 1 µs below 2048 µs
)

// Bucket counts the values that share one HDR bucket.
type Bucket struct {
	Low   int64 // smallest value of the bucket, in microseconds
	Count int64
}

// Histogram is a finished distribution of times: what reports read, files
// hold and merges add. The zero value is empty. In JSON it is HdrHistogram's
// V2 compressed encoding in base64, readable by every HdrHistogram library.
type Histogram struct {
	counts counts
	total  int64
}

// width of the bucket that begins at low.
func width(low int64) int64 {
	if low < 1<<subBucketBits {
		return 1
	}
	return 1 << (bits.Len64(uint64(low)) - subBucketBits)
}

// lowest returns the beginning of the bucket that holds v.
func lowest(v int64) int64 { return v &^ (width(v) - 1) }

// IsZero reports whether there are no values: the result file leaves those out
// that only some protocols have.
func (h Histogram) IsZero() bool { return h.total == 0 }

// Total is the number of values.
func (h Histogram) Total() int64 { return h.total }

// Buckets decodes the non-empty buckets, in ascending order.
func (h Histogram) Buckets() []Bucket {
	var all []Bucket
	for r := h.read(); r.read(); {
		all = append(all, Bucket{Low: r.low(), Count: r.count})
	}
	return all
}

// Size is how many bytes the counts take in memory.
func (h Histogram) Size() int { return cap(h.counts) }

func (h Histogram) read() countReader { return countReader{rest: h.counts} }

// Equivalent returns the highest value that shares a bucket with d: the value
// that a percentile would be reported as.
func Equivalent(d time.Duration) time.Duration {
	us := clampMicros(d)
	low := lowest(us)
	return time.Duration(low+width(low)-1) * time.Microsecond
}

// Equal reports whether two histograms hold the same counts.
func (h Histogram) Equal(o Histogram) bool {
	return h.total == o.total && bytes.Equal(h.counts, o.counts)
}

// Quantile returns the value of rank ⌈total·num/den⌉ as the highest value
// equivalent to it, and false for an empty histogram. The rank is computed in
// integers; 0 ≤ num ≤ den.
func (h Histogram) Quantile(num, den int64) (time.Duration, bool) {
	if h.total == 0 {
		return 0, false
	}
	return h.rank(ceilMulDiv(h.total, num, den)), true
}

func (h Histogram) rank(rank int64) time.Duration {
	r := h.read()
	var seen int64
	for seen < max(rank, 1) && r.read() {
		seen += r.count
	}
	return time.Duration(r.low()+width(r.low())-1) * time.Microsecond
}

// ceilMulDiv is ⌈a·num/den⌉ without overflow for 0 ≤ num ≤ den.
func ceilMulDiv(a, num, den int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(num))
	q, r := bits.Div64(hi, lo, uint64(den))
	if r > 0 {
		q++
	}
	return int64(q)
}

// WithoutSlowest returns the distribution without the n highest values; n ≥ 0.
func (h Histogram) WithoutSlowest(n int64) Histogram {
	if n == 0 {
		return h
	}
	rest := max(h.total-n, 0)
	out := Histogram{total: rest}
	var w countWriter
	for r := h.read(); rest > 0 && r.read(); {
		count := min(r.count, rest)
		w.add(r.next-1, count)
		rest -= count
	}
	out.counts = w.counts
	return out
}

// Above counts the values that are greater than d, d's own bucket not
// included.
func (h Histogram) Above(d time.Duration) int64 {
	behind := index(clampMicros(d)) + 1
	r := h.read()
	n := h.total
	for r.read() && r.next <= behind {
		n -= r.count
	}
	return n
}

// Min returns the beginning of the first bucket, and false for an empty
// histogram.
func (h Histogram) Min() (time.Duration, bool) {
	if h.total == 0 {
		return 0, false
	}
	r := h.read()
	r.read()
	return time.Duration(r.low()) * time.Microsecond, true
}

// Max returns the end of the last bucket, and false for an empty histogram.
func (h Histogram) Max() (time.Duration, bool) {
	if h.total == 0 {
		return 0, false
	}
	return h.rank(h.total), true
}

// Mean is the mean of the buckets' middles, and false for an empty histogram.
func (h Histogram) Mean() (time.Duration, bool) {
	if h.total == 0 {
		return 0, false
	}
	return time.Duration(h.meanMicros() * float64(time.Microsecond)), true
}

func (h Histogram) meanMicros() float64 {
	var sum float64
	for r := h.read(); r.read(); {
		sum += middleOf(r.low()) * float64(r.count)
	}
	return sum / float64(h.total)
}

// StdDev is the population's standard deviation, and false for an empty
// histogram.
func (h Histogram) StdDev() (time.Duration, bool) {
	if h.total == 0 {
		return 0, false
	}
	mean := h.meanMicros()
	var sum float64
	for r := h.read(); r.read(); {
		d := middleOf(r.low()) - mean
		sum += d * d * float64(r.count)
	}
	return time.Duration(math.Sqrt(sum/float64(h.total)) * float64(time.Microsecond)), true
}

// middleOf is the middle of the bucket that begins at low.
func middleOf(low int64) float64 { return float64(low) + float64(width(low)-1)/2 }

// Merge returns the exact sum of two histograms. Of more values than an int64
// counts, which no file holds, the slowest are left out: it stays a histogram.
func (h Histogram) Merge(o Histogram) Histogram {
	o = o.WithoutSlowest(max(o.total-(math.MaxInt64-h.total), 0))
	switch {
	case h.total == 0:
		return o
	case o.total == 0:
		return h
	}
	// A sum takes no more bytes than its terms, and mostly far fewer.
	w := countWriter{counts: make(counts, 0, len(h.counts)+len(o.counts))}
	a, b := h.read(), o.read()
	moreA, moreB := a.read(), b.read()
	for moreA || moreB {
		switch {
		case !moreB || moreA && a.next < b.next:
			w.add(a.next-1, a.count)
			moreA = a.read()
		case !moreA || b.next < a.next:
			w.add(b.next-1, b.count)
			moreB = b.read()
		default:
			w.add(a.next-1, a.count+b.count)
			moreA, moreB = a.read(), b.read()
		}
	}
	return Histogram{counts: bytes.Clone(w.counts), total: h.total + o.total}
}

func clampMicros(d time.Duration) int64 {
	return int64(min(max(d, 0), HighestValue) / time.Microsecond)
}
