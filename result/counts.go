package result

import "encoding/binary"

// counts are those of a histogram's buckets as HdrHistogram's V2 encoding has
// them: zigzag varints in ascending order of the buckets, where a negative one
// is a run of empty buckets and 0 a single one. Most buckets take two bytes, a
// pair of integers takes 16, and a stage keeps a histogram of every second
// until it ends. Each distribution has one form: an empty bucket is part of the
// longest run, and nothing follows the last count.
type counts []byte

// countWriter appends counts.
type countWriter struct {
	counts counts
	next   int // the bucket behind the last one
}

// add appends a bucket that lies behind all others; count is not 0.
func (w *countWriter) add(index int, count int64) {
	switch empty := index - w.next; empty {
	case 0:
	case 1:
		w.counts = append(w.counts, 0)
	default:
		w.counts = binary.AppendVarint(w.counts, int64(-empty))
	}
	w.counts = binary.AppendVarint(w.counts, count)
	w.next = index + 1
}

// countReader goes through counts that a countWriter wrote.
type countReader struct {
	rest  counts
	next  int // the bucket behind this one
	count int64
}

// read goes to the next bucket that is not empty, false at the end.
func (r *countReader) read() bool {
	if len(r.rest) == 0 {
		return false
	}
	v := r.varint()
	if v <= 0 {
		r.next += int(max(-v, 1))
		v = r.varint()
	}
	r.count = v
	r.next++
	return true
}

// low is the beginning of the bucket, in microseconds.
func (r *countReader) low() int64 { return low(r.next - 1) }

// varint reads a number. Nearly all take one byte, and are read in half the time
// that [binary.Varint] needs.
func (r *countReader) varint() int64 {
	if b := r.rest[0]; b < 0x80 {
		r.rest = r.rest[1:]
		return int64(b>>1) ^ -int64(b&1)
	}
	v, n := binary.Varint(r.rest)
	r.rest = r.rest[n:]
	return v
}
