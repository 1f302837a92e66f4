package demo

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/slogate/slogate/result"
)

// shape holds the constants of the simulated cluster. The ones shipped are
// [shipped]; tests vary them.
type shape struct {
	rules
	requestMilli int           // CPU request of a pod, thousandths of a core
	limitMilli   int           // CPU limit of a pod, thousandths of a core
	burst        time.Duration // CPU time that a pod may save up

	work      time.Duration // mean CPU time of a prediction
	variation float64       // work is uniform in work·(1±variation)
	another   float64       // share of work that each further flower of a batch costs
	roomy     int           // requests in flight that do not get into each other's way
	crowding  float64       // share of work that each one beyond costs all

	queue int           // requests that a pod has at most
	wait  time.Duration // longest wait for a pod
}

// shipped are the constants of the demo. One pod makes 200m/6ms = 33
// predictions a second, three make 100. So
//
//   - 100 requests by 5 workers need 3 s on one pod, 150 ms each: healthy, and
//     over before the autoscaler first looks;
//   - 1000 by 10 begin on one pod, 300 ms each, until the autoscaler has looked
//     (15 s) and the new pods have started (3 s), and end on three, 100 ms each:
//     50/s in all;
//   - 2000 by 20 meet three pods, the ceiling. The crowd raises the work of a
//     prediction 2.7 times, which leaves 37/s, and 20 workers at 37/s would wait
//     540 ms: about one request in eight is turned away after 450 ms. That is
//     42/s in all, 47 s.
//
// The crowding stands for what the USL calls coherency (Gunther 2007): context
// switches, caches, garbage collection on the node that the pods share. Without
// it throughput would still rise at the ceiling, and nothing would be lost.
var shipped = shape{
	rules: rules{
		min: 1, max: 3,
		target: 50, tolerance: 0.1,
		every: 15 * time.Second, window: 15 * time.Second, start: 3 * time.Second,
		period: 15 * time.Second, upPods: 2, upShare: 1, downShare: 0.5,
		stabilise: 60 * time.Second,
	},
	requestMilli: 100,
	limitMilli:   200,
	burst:        20 * time.Millisecond, // what 200m is in the scheduler's period of 100 ms

	work:      6 * time.Millisecond,
	variation: 0.3,
	another:   0.1,
	roomy:     10,
	crowding:  0.17,

	queue: 64,
	wait:  450 * time.Millisecond,
}

// slower is what a regression multiplies the work by: far enough from 1 that
// no machine's noise hides it from the bounds of slo.example.yaml.
const slower = 2.5

// cluster is the simulated pods with what picks one and what scales them.
type cluster struct {
	shape

	mu      sync.Mutex
	pods    []*pod // the oldest first
	scaler  autoscaler
	random  *rand.Rand
	flying  int           // requests let in and not yet answered
	refused int64         // requests turned away
	spent   time.Duration // CPU time accounted
}

// newCluster returns a cluster of the fewest pods, all ready.
func newCluster(s shape, now time.Time) *cluster {
	c := &cluster{shape: s, scaler: autoscaler{rules: s.rules}, random: rand.New(rand.NewPCG(1936, 150))}
	c.resize(s.min, now)
	return c
}

// resize adds pods that are ready from a moment on, or removes the newest.
// What a removed pod was working on is still answered.
func (c *cluster) resize(replicas int, ready time.Time) {
	for len(c.pods) < replicas {
		c.pods = append(c.pods, newPod(ready, float64(c.limitMilli)/1000, c.burst))
	}
	c.pods = c.pods[:replicas]
}

// ticket is the right to be answered by a pod.
type ticket struct {
	pod     *pod
	job     job
	work    time.Duration // CPU time
	refused bool          // waits in vain
	until   time.Time     // when the answer is due
}

// admit lets a request for a number of flowers in, or says that all queues are
// full. Every ticket must go back to leave.
func (c *cluster) admit(now time.Time, flowers int) (ticket, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.emptiest(now)
	if p.inFlight >= c.queue {
		c.refused++
		return ticket{}, false
	}
	p.inFlight++
	c.flying++
	if limit := now.Add(c.wait); p.begin(now).After(limit) {
		// Known now because work is accounted; the client learns it when the wait
		// is over, as from any service that drops what has waited too long.
		c.refused++
		return ticket{pod: p, refused: true, until: limit}, true
	}
	work := c.cost(flowers)
	c.spent += work
	p.forget(now.Add(-2 * c.window))
	j := p.take(now, work)
	return ticket{pod: p, job: j, work: work, until: j.end}, true
}

// leave gives a ticket back.
func (c *cluster) leave(t ticket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.pod.inFlight--
	c.flying--
}

// emptiest is the ready pod with the fewest requests, the oldest of several.
func (c *cluster) emptiest(now time.Time) *pod {
	best := c.pods[0] // always ready: there is a pod from the start, and the oldest stays
	for _, p := range c.pods[1:] {
		if !p.ready.After(now) && p.inFlight < best.inFlight {
			best = p
		}
	}
	return best
}

// cost is the CPU time of the next prediction.
func (c *cluster) cost(flowers int) time.Duration {
	factor := 1 + c.variation*(2*c.random.Float64()-1)
	factor *= 1 + c.another*float64(flowers-1)
	factor *= 1 + c.crowding*float64(max(0, c.flying-c.roomy))
	return scale(c.work, factor)
}

// autoscale lets the autoscaler look.
func (c *cluster) autoscale(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, share, _ := c.usage(now)
	c.resize(c.scaler.decide(now, len(c.pods), int(100*share)), now.Add(c.start))
}

// usage is the CPU that the pods use, as the metrics server would tell it: a
// mean over the window, or since a younger pod was ready. Share is relative to
// the request of all pods; one that is still starting uses none. Throttled is
// the share of the last second in which pods stood still because of their
// limit.
func (c *cluster) usage(now time.Time) (milli, share, throttled float64) {
	for _, p := range c.pods {
		age := now.Sub(p.ready)
		if age <= 0 {
			continue
		}
		window := min(c.window, age)
		used, _ := p.load(now.Add(-window), now)
		milli += 1000 * used.Seconds() / window.Seconds()
		moment := min(time.Second, age)
		_, still := p.load(now.Add(-moment), now)
		throttled += still.Seconds() / moment.Seconds()
	}
	replicas := float64(len(c.pods))
	return milli, milli / (replicas * float64(c.requestMilli)), throttled / replicas
}

// sample is the cluster's state.
func (c *cluster) sample(now time.Time) result.ClusterSample {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := result.ClusterSample{
		At:           now,
		Ready:        c.ready(now),
		Replicas:     len(c.pods),
		Desired:      len(c.pods),
		Wanted:       max(c.scaler.wanted, c.min),
		AtCeiling:    c.scaler.wanted > c.max,
		RefusedTotal: c.refused,
	}
	s.UsageMilli, s.CPU, s.Throttled = c.usage(now)
	return s
}

// ready counts the pods that answer.
func (c *cluster) ready(now time.Time) int {
	n := 0
	for _, p := range c.pods {
		if !p.ready.After(now) {
			n++
		}
	}
	return n
}
