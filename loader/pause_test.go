package loader

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// thinking is a step after which a worker pauses for longer than any test.
func thinking() []slo.Step {
	return []slo.Step{get("/"), {Pause: slo.Pause{Min: time.Hour, Max: time.Hour}}}
}

// Workers that pause to the end of a stage were at work until then: what they
// sent is no more a second for it.
func TestPauseToTheEnd(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		target := serve(t, ok)
		s := newLoader(t, fileOf(target, thinking()...), Options{Engine: engine}).Run(t.Context(), timed(300*ms, 2, 2))
		coherent(t, s)
		paused(t, s, 2, 300*ms)
		const block, windows = 100 * ms, 3
		b, h := newPair(t, engine, target, target, thinking()...).Run(t.Context(), timed(time.Hour, 2, 2), Turns{Block: block, Windows: windows})
		for _, s := range []*result.Stage{b, h} {
			coherent(t, s)
			paused(t, s, 2*windows, block*windows)
		}
	})
}

// paused checks that nobody sends more than one request in a stage or block.
func paused(t *testing.T, s *result.Stage, most int64, least time.Duration) {
	t.Helper()
	if n := s.Counters.Due(); n == 0 || n > most || s.Duration < least || s.State != result.Completed {
		t.Errorf("%d requests in %v, %s; want %d or fewer in %v or more", n, s.Duration, s.State, most, least)
	}
	last := s.Slices[len(s.Slices)-1]
	if end := last.Offset + last.Width; end < least || end > s.Duration {
		t.Errorf("slices until %v of %v", end, s.Duration)
	}
}

// A block of a count of requests lasts for its time while some are left, and
// until the last answer then.
func TestPauseOfCounted(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		target := serve(t, ok)
		attempts(t, func(scale time.Duration) (complaint string) {
			block := scale * 100 * ms
			p := newPair(t, engine, target, target, thinking()...)
			_, h := p.Run(t.Context(), counted(6, 2), Turns{Block: block, Windows: 100})
			coherent(t, h)
			last := len(h.Slices) - 1
			if h.Counters.Due() != 6 || last < 2 || h.Slices[0].Width < block {
				t.Errorf("%d requests in blocks of %v, want 6 in 3 or more, all but the last of %v", h.Counters.Due(), widths(h), block)
			}
			if h.Slices[last].Width >= block {
				return fmt.Sprintf("blocks of %v: the last one did not end with its answers", widths(h))
			}
			return ""
		})
	})
}

// widths are those of the slices of a stage, none of one that is nil.
func widths(s *result.Stage) (all []time.Duration) {
	if s == nil {
		return nil
	}
	for _, slice := range s.Slices {
		all = append(all, slice.Width)
	}
	return all
}

// A block that is cancelled lasts until its last answer.
func TestPauseIsCancelled(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		target := serve(t, ok)
		p := newPair(t, engine, target, target, thinking()...)
		ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
		defer cancel()
		b, h := p.Run(ctx, timed(time.Hour, 2, 2), Turns{Block: time.Hour, Windows: 1})
		if longest := max(b.Duration, h.Duration); h.State != result.Cancelled || longest >= time.Hour {
			t.Errorf("%s after %v, want it cancelled before its hour", h.State, longest)
		}
	})
}

// Pauses have the mean and the standard deviation of their distribution, lie
// within their bounds, and follow from the seed.
func TestPauseDistributions(t *testing.T) {
	const draws = 100_000
	for name, test := range map[string]struct {
		pause           slo.Pause
		mean, deviation float64 // in seconds
	}{
		"uniform":     {slo.Pause{Min: time.Second, Max: 3 * time.Second}, 2, 2 / math.Sqrt(12)},
		"exponential": {slo.Pause{Distribution: slo.Exponential, Mean: 2 * time.Second, StdDev: 2 * time.Second, Max: time.Hour}, 2, 2},
		"normal":      {slo.Pause{Distribution: slo.Normal, Mean: 2 * time.Second, StdDev: 250 * ms, Max: time.Hour}, 2, 0.25},
		"lognormal":   {slo.Pause{Distribution: slo.LogNormal, Mean: 2 * time.Second, StdDev: time.Second, Max: time.Hour}, 2, 1},
		// Half of the draws are cut to the mean: the rest is a half normal one.
		"normal, cut": {slo.Pause{Distribution: slo.Normal, Mean: time.Second, StdDev: 100 * ms, Min: time.Second, Max: time.Hour}, 1 + 0.1/math.Sqrt(2*math.Pi), 0.0584},
	} {
		t.Run(name, func(t *testing.T) {
			u, again := newUser(0, 7, nil), newUser(0, 7, nil)
			u.pcg.Seed(7, 1)
			again.pcg.Seed(7, 1)
			var sum, squares float64
			for range draws {
				d := u.pause(test.pause)
				if d < test.pause.Min || d > test.pause.Max || d != again.pause(test.pause) {
					t.Fatalf("drew %v", d)
				}
				sum += d.Seconds()
				squares += d.Seconds() * d.Seconds()
			}
			mean := sum / draws
			deviation := math.Sqrt(squares/draws - mean*mean)
			if math.Abs(mean-test.mean) > 0.02*test.mean || math.Abs(deviation-test.deviation) > 0.03*test.deviation {
				t.Errorf("mean %.4f, want %.4f; standard deviation %.4f, want %.4f", mean, test.mean, deviation, test.deviation)
			}
		})
	}
}
