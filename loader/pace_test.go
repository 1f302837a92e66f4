package loader

import (
	"testing"
	"time"

	"github.com/slogate/slogate/slo"
)

func TestPacingFollowsTheRate(t *testing.T) {
	tests := []struct {
		from, to float64
		wish     slo.Pacing
		mode     string
	}{
		{2000, 2000, slo.AutoPacing, "precise"},
		{2001, 10, slo.AutoPacing, "1 ms ticks"},
		{10, 2001, "", "1 ms ticks"},
		{5000, 5000, slo.PrecisePacing, "precise"},
		{5, 5, slo.TickPacing, "1 ms ticks"},
	}
	for _, test := range tests {
		p := choosePacing(slo.Workload{Model: slo.Open, RateFrom: test.from, RateTo: test.to, Pacing: test.wish})
		if p.mode() != test.mode {
			t.Errorf("%v to %v/s, %q: %s", test.from, test.to, test.wish, p.mode())
		}
	}
	if p := choosePacing(slo.Workload{Model: slo.Closed, Pacing: slo.TickPacing}); p.tick != 0 {
		t.Error("a closed stage has ticks")
	}
}

// An arrival is never started before it is due, and in tick mode less than a
// tick after it.
func TestTicks(t *testing.T) {
	precise, ticks := pacing{}, pacing{tick: ms, coalesces: true}
	for _, due := range []time.Duration{0, 1, ms - 1, ms, ms + 1, 7*ms + 300*time.Microsecond} {
		if at := precise.next(due); at != due || precise.last(due) != due {
			t.Errorf("precise: due at %v, started at %v", due, at)
		}
		at := ticks.next(due)
		if at < due || at-due >= ms || at%ms != 0 {
			t.Errorf("ticks: due at %v, started at %v", due, at)
		}
		if last := ticks.last(at); last < due {
			t.Errorf("what is due at %v is not started at %v", due, at)
		}
	}
	if !ticks.naps(5*ms, 5*ms+1) || ticks.naps(5*ms, 7*ms) || precise.naps(5*ms, 5*ms) {
		t.Error("sockets need not be looked at only when the next tick has arrivals")
	}
	ticks.bulky(5 * ms)
	if ticks.naps(6*ms, 6*ms) || !ticks.naps(5*ms+2*time.Second, 5*ms+2*time.Second) {
		t.Error("a large answer is read as it comes")
	}
}
