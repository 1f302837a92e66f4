// Package schedule computes when the arrivals of an open workload are due.
//
// In comes a rate that is constant or a linear ramp, out come times from the
// stage's start, one after the other, fixed before the stage begins: nothing
// that the target does can move them. The package has no clock and sends
// nothing.
//
// With a and b the rates at the beginning and the end in arrivals a second and
// D the duration in seconds, the arrivals expected until t are
//
//	Λ(t) = a·t + (b−a)·t²/(2·D)        0 ≤ t ≤ D
//
// and the inverse, in the form that loses no digits where b ≈ a, is
//
//	t(n) = 2·n / (a + √(a² + 2·(b−a)·n/D))
//
// Uniform arrivals are t(0), t(1), t(2), …, all that are smaller than D: exactly
// ⌈Λ(D)⌉. Poisson arrivals are t(E₁), t(E₁+E₂), … with exponential Eᵢ of mean 1,
// which is exactly the Poisson process of that rate: the number of arrivals in
// any part of the stage is Poisson distributed with the integral of the rate as
// its mean, independent of every other part.
package schedule

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/slogate/slogate/slo"
)

// Schedule generates the arrivals of one stage in the order of time. It holds
// a few words however long the stage is. It belongs to one goroutine.
type Schedule struct {
	from, to float64 // arrivals a second
	duration float64 // seconds
	end      time.Duration
	total    float64 // Λ(D)
	next     float64 // Λ at the next arrival
	gap      func() float64
	last     time.Duration
}

// New returns the schedule of an open workload. Poisson arrivals are the same
// for the same seed; uniform ones do not depend on it.
func New(w slo.Workload, seed uint64) *Schedule {
	s := &Schedule{from: w.RateFrom, to: w.RateTo, duration: w.Duration.Seconds(), end: w.Duration}
	s.total = (s.from + s.to) / 2 * s.duration
	// A product such as 0.1/s for 30 s may come out a hair above 3 and would
	// add an arrival at the very end.
	s.total -= s.total * 1e-12
	s.gap = func() float64 { return 1 }
	if w.Arrivals == slo.Poisson {
		s.gap = rand.New(rand.NewPCG(seed, 0)).ExpFloat64
		s.next = s.gap()
	}
	return s
}

// Part returns the part of a longer schedule of constant rate that begins at a
// time of it, as times from there: w.Duration of it. Uniform arrivals go on
// where the part before has ended. Poisson ones have no memory: each part needs
// a seed of its own.
func Part(w slo.Workload, seed uint64, from time.Duration) *Schedule {
	s := New(w, seed)
	if w.Arrivals == slo.Poisson {
		return s
	}
	passed := s.from * from.Seconds()
	s.next = math.Ceil(passed-1e-9) - passed
	s.next = max(s.next, 0)
	return s
}

// Next returns the next arrival as the time from the stage's start, and false
// when there is none any more. Times never fall back and lie before the end of
// the stage.
func (s *Schedule) Next() (time.Duration, bool) {
	if s.next >= s.total {
		return 0, false
	}
	t := time.Duration(s.inverse(s.next) * float64(time.Second))
	s.last = max(s.last, min(t, s.end-1))
	s.next += s.gap()
	return s.last, true
}

// inverse is t(n), in seconds.
func (s *Schedule) inverse(n float64) float64 {
	if n == 0 {
		return 0
	}
	root := s.from*s.from + 2*(s.to-s.from)*n/s.duration
	return 2 * n / (s.from + math.Sqrt(max(root, 0)))
}
