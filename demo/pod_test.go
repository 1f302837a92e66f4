package demo

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = time.Millisecond

// at is a moment some time after the pod of the tests became ready.
func at(d time.Duration) time.Time { return time.Unix(1000, 0).Add(d) }

func TestPodTake(t *testing.T) {
	type arrival struct{ at, work time.Duration }
	type span struct{ begin, throttled, end time.Duration }
	for _, c := range []struct {
		name     string
		arrivals []arrival
		want     []span
	}{
		{"at full speed", []arrival{{0, 8 * ms}}, []span{{0, 8 * ms, 8 * ms}}},
		{
			"until the bucket is empty",
			[]arrival{{0, 25 * ms}, {0, 10 * ms}},
			[]span{{0, 25 * ms, 25 * ms}, {25 * ms, 25 * ms, 75 * ms}},
		},
		{"throttled in the middle", []arrival{{0, 35 * ms}}, []span{{0, 25 * ms, 75 * ms}}},
		{
			"the bucket fills while idle",
			[]arrival{{0, 25 * ms}, {65 * ms, 10 * ms}},
			[]span{{0, 25 * ms, 25 * ms}, {65 * ms, 75 * ms, 75 * ms}},
		},
		{
			"but not beyond its size",
			[]arrival{{0, 25 * ms}, {time.Hour, 35 * ms}},
			[]span{{0, 25 * ms, 25 * ms}, {time.Hour, time.Hour + 25*ms, time.Hour + 75*ms}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPod(at(0), 0.2, 20*ms)
			var got []span
			for _, a := range c.arrivals {
				j := p.take(at(a.at), a.work)
				got = append(got, span{j.begin.Sub(at(0)), j.throttled.Sub(at(0)), j.end.Sub(at(0))})
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(span{})); diff != "" {
				t.Errorf("arrivals %v (-want +got):\n%s", c.arrivals, diff)
			}
		})
	}
}

// Whatever arrives, a pod never uses more than its limit and what it had saved
// up, in no window; and it does all work, in order.
func TestPodKeepsItsLimit(t *testing.T) {
	const limit, burst = 0.2, 20 * ms
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		p := newPod(at(0), limit, burst)
		var now, sum, free time.Duration
		var borders []time.Duration
		for range 25 {
			now += time.Duration(random.ExpFloat64() * float64(30*ms))
			work := time.Duration(random.Int64N(int64(30 * ms)))
			j := p.take(at(now), work)
			begin, end := j.begin.Sub(at(0)), j.end.Sub(at(0))
			if begin < max(now, free) || end < begin+work {
				t.Fatalf("seed %d: arrived %v, pod free at %v, work %v: from %v to %v", seed, now, free, work, begin, end)
			}
			sum += work
			free = end
			borders = append(borders, begin, j.throttled.Sub(at(0)), end)
		}
		used, _ := p.load(at(0), at(free))
		wantNear(t, "all work", used, sum)
		for i, from := range borders {
			for _, to := range borders[i+1:] {
				used, throttled := p.load(at(from), at(to))
				if most := scale(to-from, limit) + burst; used > most+rounding {
					t.Fatalf("seed %d: used %v from %v to %v, limit %v", seed, used, from, to, most)
				}
				if used+throttled > to-from+rounding {
					t.Fatalf("seed %d: %v used and %v throttled in %v", seed, used, throttled, to-from)
				}
			}
		}
	}
}

// rounding is what a hundred conversions to nanoseconds may add up to.
const rounding = time.Microsecond

func wantNear(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if (got - want).Abs() > rounding {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestPodForget(t *testing.T) {
	p := newPod(at(0), 0.2, 20*ms)
	p.take(at(0), 5*ms)
	p.take(at(time.Second), 5*ms)
	p.forget(at(time.Second))
	used, _ := p.load(at(0), at(time.Hour))
	if len(p.jobs) != 1 || used != 5*ms {
		t.Errorf("%d jobs with %v left, want the second alone", len(p.jobs), used)
	}
}

func TestFullQueue(t *testing.T) {
	s := shipped
	s.queue = 2
	c := newCluster(s, at(0))
	first, _ := c.admit(at(0), 1)
	c.admit(at(0), 1)
	if _, ok := c.admit(at(0), 1); ok {
		t.Error("a third request was let in to a queue of two")
	}
	c.leave(first)
	if _, ok := c.admit(at(10*ms), 1); !ok {
		t.Error("after one has left, the next was turned away")
	}
	if got := c.sample(at(10 * ms)).RefusedTotal; got != 1 {
		t.Errorf("%d refused, want 1", got)
	}
}

// Requests go to the emptiest pod that is ready, so that pods are even.
func TestEmptiest(t *testing.T) {
	c := newCluster(shipped, at(0))
	c.resize(3, at(time.Second))
	for range 3 {
		c.admit(at(0), 1)
	}
	for range 6 {
		c.admit(at(time.Second), 1)
	}
	var got []int
	for _, p := range c.pods {
		got = append(got, p.inFlight)
	}
	if diff := cmp.Diff([]int{3, 3, 3}, got); diff != "" {
		t.Errorf("requests by pod (-want +got):\n%s", diff)
	}
}
