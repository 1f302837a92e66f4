package loader

import (
	"fmt"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// A place is never less than a gap after the one before, and one that was not
// taken in time is lost. One after the end is left.
func TestLimiterPlaces(t *testing.T) {
	l := newLimiter(slo.Limits{Rate: 300}, slo.Workload{Model: slo.Closed}, 1)
	gap := time.Duration(3_333_334)
	for i, step := range []struct{ now, end, want time.Duration }{
		{0, gap + 1, 0},
		{0, gap + 1, gap},
		{ms, 2 * gap, never},
		{ms, 3 * gap, 2 * gap},
		{time.Second, time.Second, never}, // too late, whoever had the places before
		{time.Second, time.Hour, time.Second},
		{time.Second + gap + 1, time.Hour, time.Second + gap + 1},
		{time.Second + gap + 2, time.Hour, time.Second + 2*gap + 1},
	} {
		if got := l.place(step.now, step.end); got != step.want {
			t.Errorf("place %d at %v is %v, want %v", i, step.now, got, step.want)
		}
	}
	if l := newLimiter(slo.Limits{}, slo.Workload{Model: slo.Closed}, 1); l != nil || l.heldTo() != 0 {
		t.Error("no limit limits")
	}
	if l := newLimiter(slo.Limits{Rate: 400}, slo.Workload{Model: slo.Closed}, 4); l.gap != 10*ms {
		t.Errorf("requests with three redirects each have a gap of %v", l.gap)
	}
	if newLimiter(slo.Limits{Rate: 1}, slo.Workload{Model: slo.Open}, 1) != nil {
		t.Error("an open stage is limited by its plan")
	}
}

// Workers send no more than the limits permit; what they wait for that is a
// pause, not response time.
func TestWorkersAreHeldBack(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		file := fileOf(serve(t, ok), get("/"))
		file.Limits.Rate = 50
		s := newLoader(t, file, Options{Engine: engine}).Run(t.Context(), counted(40, 20))
		coherent(t, s)
		if s.Counters.Success != 40 || s.Duration < 39*20*ms {
			t.Errorf("%d requests in %v, want 40 in 780 ms or more", s.Counters.Success, s.Duration)
		}
		if g := s.Generator; g.HeldTo != 50 || g.Pauses < 3*time.Second {
			t.Errorf("held to %v/s, pauses of %v: the first 20 alone wait 3.8 s", g.HeldTo, g.Pauses)
		}
		mean, _ := s.Response.Mean()
		if used, most := 40*mean+s.Generator.Pauses, 20*s.Duration; used > most {
			t.Errorf("responses and pauses of 20 workers take %v, there is time for %v", used, most)
		}
	})
}

// Base and head, which take turns, get half each of what the limits permit, and
// have as good as all of their places: none is lost with the end of a block.
func TestPairIsHeldBack(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		attempts(t, func(scale time.Duration) (complaint string) {
			const windows, places = 12, 8
			block := scale * 30 * ms
			p := newPair(t, engine, serve(t, ok), serve(t, ok), get("/"))
			rate := places / (windows * block).Seconds()
			for _, l := range p.sides {
				l.file.Limits.Rate = rate
			}
			b, h := p.Run(t.Context(), timed(time.Hour, 3, 3), Turns{Block: block, Windows: windows})
			for _, s := range []*result.Stage{b, h} {
				coherent(t, s)
				if s.Counters.Due() > places || s.Generator.HeldTo != rate {
					t.Errorf("%d requests, held to %v/s; want %d or fewer, held to %v/s", s.Counters.Due(), s.Generator.HeldTo, places, rate)
				}
				if s.Counters.Due() < places-2 {
					complaint = fmt.Sprintf("%d requests, there were places for %d", s.Counters.Due(), places)
				}
			}
			return complaint
		})
	})
}

// A limit that is far away holds nobody back, and ends no stage early.
func TestFarLimit(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		file := fileOf(serve(t, ok), get("/"), get("/b"))
		file.Limits.Rate = 1e6
		s := newLoader(t, file, Options{Engine: engine}).Run(t.Context(), counted(200, 2))
		coherent(t, s)
		if s.Counters.Success != 200 || s.Generator.HeldTo != 0 {
			t.Errorf("%d requests, held to %v/s", s.Counters.Success, s.Generator.HeldTo)
		}
	})
}

func TestConnectionsAreLimited(t *testing.T) {
	file := fileOf(serve(t, ok), get("/"))
	file.Limits.Connections = 3
	l := newLoader(t, file, Options{})
	if l.opts.MaxConnections != 3 {
		t.Errorf("%d connections at most, want 3", l.opts.MaxConnections)
	}
	s := l.Run(t.Context(), rated(200, 200*ms))
	if c := s.Counters; s.Generator.Opened > 3 || c.Success+c.Unsent != 40 {
		t.Errorf("opened %d connections for 40 requests: %+v", s.Generator.Opened, c)
	}
}
