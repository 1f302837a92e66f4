package result

import (
	"bytes"
	"math"
	"math/bits"
	"time"
)

// A page of counts covers neighbouring buckets. Times of one service lie close
// together, so a recorder touches a handful of pages: a slice costs kilobytes
// where a dense array would cost 190.
const pageBits = 7

type page [1 << pageBits]int64

// bucketCount is how many buckets HdrHistogram has up to HighestValue: 2048,
// then 1024 for each of 21 doublings.
const bucketCount = 23 << (subBucketBits - 1)

// Recorder accumulates times into a [Histogram]. It belongs to one writer.
// The zero value is ready.
type Recorder struct {
	pages [bucketCount >> pageBits]*page
	total int64
}

// Record counts one time. Times below 1 µs count as 0, above [HighestValue] as
// that. It allocates only when a time falls into a range that no earlier one
// touched.
func (r *Recorder) Record(d time.Duration) {
	i := index(clampMicros(d))
	p := r.pages[i>>pageBits]
	if p == nil {
		p = new(page)
		r.pages[i>>pageBits] = p
	}
	p[i&(1<<pageBits-1)]++
	r.total++
}

// RecordNumber counts a number that is no time, as so many milliseconds.
func (r *Recorder) RecordNumber(v float64) {
	r.Record(time.Duration(math.Round(v*1000)) * time.Microsecond)
}

// Histogram returns what has been recorded so far.
func (r *Recorder) Histogram() Histogram {
	var w countWriter
	for n, p := range r.pages {
		if p == nil {
			continue
		}
		for k, count := range p {
			if count > 0 {
				w.add(n<<pageBits|k, count)
			}
		}
	}
	return Histogram{counts: bytes.Clone(w.counts), total: r.total}
}

// index numbers the buckets: 2048 of width 1, then 1024 of each further
// doubling.
func index(us int64) int {
	if us < 1<<subBucketBits {
		return int(us)
	}
	doubling := bits.Len64(uint64(us)) - subBucketBits
	return doubling<<(subBucketBits-1) + int(us>>doubling)
}

// low is the inverse of index.
func low(i int) int64 {
	if i < 1<<subBucketBits {
		return int64(i)
	}
	doubling := i>>(subBucketBits-1) - 1
	return int64(i-doubling<<(subBucketBits-1)) << doubling
}
