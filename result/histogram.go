package result

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
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
	buckets []Bucket // ascending, no empty ones
	total   int64
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

// Buckets returns the non-empty buckets in ascending order. They are not to be
// changed.
func (h Histogram) Buckets() []Bucket { return h.buckets }

// Equivalent returns the highest value that shares a bucket with d: the value
// that a percentile would be reported as.
func Equivalent(d time.Duration) time.Duration {
	us := clampMicros(d)
	low := lowest(us)
	return time.Duration(low+width(low)-1) * time.Microsecond
}

// Equal reports whether two histograms hold the same counts.
func (h Histogram) Equal(o Histogram) bool {
	return h.total == o.total && slices.Equal(h.buckets, o.buckets)
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
	rank = max(rank, 1)
	var seen int64
	for _, b := range h.buckets {
		seen += b.Count
		if seen >= rank {
			return time.Duration(b.Low+width(b.Low)-1) * time.Microsecond
		}
	}
	last := h.buckets[len(h.buckets)-1].Low
	return time.Duration(last+width(last)-1) * time.Microsecond
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

// Above counts the values that are greater than d, d's own bucket not
// included.
func (h Histogram) Above(d time.Duration) int64 {
	low := lowest(clampMicros(d))
	i, found := slices.BinarySearchFunc(h.buckets, low, func(b Bucket, low int64) int { return cmp.Compare(b.Low, low) })
	if found {
		i++
	}
	var n int64
	for _, b := range h.buckets[i:] {
		n += b.Count
	}
	return n
}

// Min returns the beginning of the first bucket, and false for an empty
// histogram.
func (h Histogram) Min() (time.Duration, bool) {
	if h.total == 0 {
		return 0, false
	}
	return time.Duration(h.buckets[0].Low) * time.Microsecond, true
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
	for _, b := range h.buckets {
		sum += b.middle() * float64(b.Count)
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
	for _, b := range h.buckets {
		d := b.middle() - mean
		sum += d * d * float64(b.Count)
	}
	return time.Duration(math.Sqrt(sum/float64(h.total)) * float64(time.Microsecond)), true
}

func (b Bucket) middle() float64 { return float64(b.Low) + float64(width(b.Low)-1)/2 }

// Merge returns the exact sum of two histograms.
func (h Histogram) Merge(o Histogram) Histogram {
	// No larger than needed: the seconds of a stage are merged again and again, and
	// kept until it ends.
	out := make([]Bucket, 0, len(h.buckets)+len(o.buckets)-h.shared(o))
	i, j := 0, 0
	for i < len(h.buckets) || j < len(o.buckets) {
		switch {
		case j == len(o.buckets) || i < len(h.buckets) && h.buckets[i].Low < o.buckets[j].Low:
			out = append(out, h.buckets[i])
			i++
		case i == len(h.buckets) || o.buckets[j].Low < h.buckets[i].Low:
			out = append(out, o.buckets[j])
			j++
		default:
			out = append(out, Bucket{h.buckets[i].Low, h.buckets[i].Count + o.buckets[j].Count})
			i++
			j++
		}
	}
	return Histogram{buckets: out, total: h.total + o.total}
}

// shared counts the buckets that both have.
func (h Histogram) shared(o Histogram) int {
	n, i, j := 0, 0, 0
	for i < len(h.buckets) && j < len(o.buckets) {
		a, b := h.buckets[i].Low, o.buckets[j].Low
		if a == b {
			n++
		}
		if a <= b {
			i++
		}
		if b <= a {
			j++
		}
	}
	return n
}

func clampMicros(d time.Duration) int64 {
	return int64(min(max(d, 0), HighestValue) / time.Microsecond)
}
