package report

import (
	"math"
	"time"

	"github.com/slogate/slogate/result"
)

// steps are equal parts of the run's time, for stages whose slices are of
// another width.
type steps struct {
	from, end time.Duration // since the run's start
	width     time.Duration
	n         int
}

// newSteps cuts a time that is not empty. What is left at its end belongs to the
// last step, or is one where it is half a step or more: a run of 10 s ends a
// little later, in which nothing is due.
func newSteps(from, end, width time.Duration) steps {
	width = max(width, 1) // a hostile file has times that overflow
	n := max(int(math.Round(seconds(end-from)/seconds(width))), 1)
	return steps{from: from, end: end, width: width, n: n}
}

func (s steps) span(i int) (from, to time.Duration) {
	from = s.from + time.Duration(i)*s.width
	if i == s.n-1 {
		return from, s.end
	}
	return from, from + s.width
}

// at is the step of a moment, or the one that is nearest to it.
func (s steps) at(moment time.Duration) int {
	return min(max(int((moment-s.from)/s.width), 0), s.n-1)
}

// widest is the width of the widest slice.
func widest(tracks []track) time.Duration {
	out := time.Duration(0)
	for _, t := range tracks {
		for i := range t.head {
			from, to := t.span(i, i+1)
			out = max(out, to-from)
		}
	}
	return out
}

// spread puts the slices of both sides into the steps that their middles lie in.
func (s steps) spread(tracks []track) (head, base [][]result.Slice) {
	head, base = make([][]result.Slice, s.n), make([][]result.Slice, s.n)
	for _, t := range tracks {
		for i, slice := range t.head {
			from, to := t.span(i, i+1)
			at := s.at(from + (to-from)/2)
			head[at] = append(head[at], slice)
			base[at] = append(base[at], t.windows(i, i+1)...)
		}
	}
	return head, base
}

// rates is how many requests a second head finished in each step, from the first
// to the last moment in which it was loaded. A slice counts in every step with
// the part of it that lies there: an even load is an even line.
func (s steps) rates(tracks []track) Series {
	finished, first, last := make(Series, s.n), make([]time.Duration, s.n), make([]time.Duration, s.n)
	for _, t := range tracks {
		for i, slice := range t.head {
			from, to := t.span(i, i+1)
			for at := s.at(from); at <= s.at(to); at++ {
				begin, end := s.span(at)
				begin, end = max(begin, from), min(end, to)
				if begin >= end {
					continue
				}
				if last[at] == 0 {
					first[at] = begin
				}
				first[at], last[at] = min(first[at], begin), max(last[at], end)
				finished[at] += float64(slice.Counters.Finished()) * seconds(end-begin) / seconds(to-from)
			}
		}
	}
	for at := range finished {
		if finished[at] > 0 {
			finished[at] /= seconds(last[at] - first[at])
		}
	}
	return finished
}
