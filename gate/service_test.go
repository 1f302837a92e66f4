package gate

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/slogate/slogate/result"
)

// simulated is a service with one queue and a machine that is not quiet. Times
// are in seconds.
type simulated struct {
	rate      float64 // arrivals a second, as a Poisson process
	load      float64 // part of the time that the service is busy, 0 to 1
	stall     float64 // it does nothing for so long in every two seconds
	drift     float64 // standard deviation of the machine's speed, ln scale, with a memory of 2 s
	neighbour float64 // how much slower the machine is beside one that comes and goes every 5 to 20 s; 0: none
}

// machine is how much slower than usual it is in each tenth of a second.
func (s simulated) machine(random *rand.Rand, seconds int) []float64 {
	out := make([]float64, 10*seconds)
	level, keep := random.NormFloat64(), math.Exp(-0.1/2)
	busy, until := random.IntN(2) == 0, random.Float64()*15
	for i := range out {
		level = keep*level + math.Sqrt(1-keep*keep)*random.NormFloat64()
		out[i] = math.Exp(s.drift * level)
		if at := float64(i) / 10; at > until {
			busy, until = !busy, at+5+15*random.Float64()
		}
		if busy && s.neighbour > 0 {
			out[i] *= s.neighbour
		}
	}
	return out
}

// side is a service that is loaded in blocks.
type side struct {
	simulated
	slower  float64 // times of its answers against those of the simulated service
	free    float64 // when its queue is empty
	stage   result.Stage
	all     result.Recorder
	current result.Recorder
}

// block serves the arrivals of one second from a moment on, on a machine that
// all sides share.
func (s *side) block(random *rand.Rand, from float64, offsets, machine []float64) {
	var counters result.Counters
	s.current = result.Recorder{}
	for _, offset := range offsets {
		at := from + offset
		start := max(at, s.free)
		if into := math.Mod(start, 2); into < s.stall {
			start += s.stall - into
		}
		work := random.ExpFloat64() * s.load / s.rate
		s.free = start + work*machine[min(int(start*10), len(machine)-1)]
		took := time.Duration((s.free - at) * s.slower * float64(time.Second))
		s.all.Record(took)
		s.current.Record(took)
		counters.Success++
	}
	s.stage.Counters.Add(counters)
	s.stage.Slices = append(s.stage.Slices, result.Slice{
		Offset: time.Duration(len(s.stage.Slices)) * time.Second, Width: time.Second,
		Counters: counters, Response: s.current.Histogram(),
	})
}

func (s *side) finished() result.Stage {
	out := s.stage
	out.Name, out.Judged, out.State = "high", true, result.Completed
	out.Workload = result.Workload{Model: "open", RateFrom: s.rate, RateTo: s.rate}
	out.Duration = time.Duration(len(out.Slices)) * time.Second
	out.Response = s.all.Histogram()
	out.OK, out.OnTime, out.Service = out.Response, out.Response, out.Response
	return out
}

// arrivals are the moments of a Poisson process within a second.
func (s simulated) arrivals(random *rand.Rand) []float64 {
	var out []float64
	for at := random.ExpFloat64() / s.rate; at < 1; at += random.ExpFloat64() / s.rate {
		out = append(out, at)
	}
	return out
}

// alone loads the service for so many seconds, after the queue has settled.
func (s simulated) alone(random *rand.Rand, seconds int) *result.Run {
	const settle = 10
	machine, one := s.machine(random, settle+seconds), side{simulated: s, slower: 1}
	for second := range settle + seconds {
		if second == settle {
			one = side{simulated: s, slower: 1, free: one.free}
		}
		one.block(random, float64(second), s.arrivals(random), machine)
	}
	return &result.Run{Stages: []result.Stage{one.finished()}}
}

// compared loads base and a head that is slower by a factor, in turn: windows
// of two seconds, the order drawn for each.
func (s simulated) compared(random *rand.Rand, seconds int, slower float64) *result.Run {
	machine := s.machine(random, seconds)
	base, head := &side{simulated: s, slower: 1}, &side{simulated: s, slower: slower}
	for from := 0; from+2 <= seconds; from += 2 {
		offsets, turns := s.arrivals(random), []*side{base, head}
		if random.IntN(2) == 0 {
			slices.Reverse(turns)
		}
		turns[0].block(random, float64(from), offsets, machine)
		turns[1].block(random, float64(from+1), offsets, machine)
	}
	return &result.Run{
		Stages: []result.Stage{head.finished()},
		Base:   &result.Base{Stages: []result.Stage{base.finished()}},
	}
}
