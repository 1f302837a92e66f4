package demo

import "time"

// pod is one replica: it works on one request after the other, in the order of
// arrival, and keeps its CPU limit.
//
// The limit is a token bucket on CPU time, as the Linux scheduler keeps it for
// a container: limit cores flow in, at most burst is saved up. While the bucket
// holds something the pod runs at the speed of one core, then at its limit.
//
// A request's whole way is known when it is let in, because its work is
// accounted and not measured. So a pod needs no goroutine and no clock: it is
// arithmetic on the times that callers hand in, alike on every machine.
type pod struct {
	ready    time.Time // answers from then on
	inFlight int       // let in and not yet answered

	limit  float64       // cores, above 0 and below 1
	burst  time.Duration // CPU time
	tokens time.Duration // CPU time saved up at free
	free   time.Time     // when the last request let in will be done
	jobs   []job         // in order of time; the oldest are forgotten by forget
}

// job is the work on one request.
type job struct {
	begin     time.Time // starts, at full speed
	throttled time.Time // the bucket is empty: goes on at the limit
	end       time.Time
}

// newPod returns a pod that answers from ready on, with a full bucket.
func newPod(ready time.Time, limit float64, burst time.Duration) *pod {
	return &pod{ready: ready, limit: limit, burst: burst, tokens: burst, free: ready}
}

// begin is when work that arrives now would be started.
func (p *pod) begin(now time.Time) time.Time {
	if p.free.After(now) {
		return p.free
	}
	return now
}

// take queues work that arrives now and returns its course. Calls are in order
// of time.
func (p *pod) take(now time.Time, work time.Duration) job {
	begin := p.begin(now)
	tokens := min(p.burst, p.tokens+scale(begin.Sub(p.free), p.limit))

	// At full speed the bucket drains at 1-limit.
	full := min(work, scale(tokens, 1/(1-p.limit)))
	j := job{begin: begin, throttled: begin.Add(full)}
	j.end = j.throttled.Add(scale(work-full, 1/p.limit))

	p.tokens = max(0, tokens-scale(full, 1-p.limit))
	p.free = j.end
	p.jobs = append(p.jobs, j)
	return j
}

// load returns the CPU time that the pod used between two moments, and for how
// long it stood still because of its limit.
func (p *pod) load(from, to time.Time) (used, throttled time.Duration) {
	for _, j := range p.jobs {
		slow := overlap(j.throttled, j.end, from, to)
		used += overlap(j.begin, j.throttled, from, to) + scale(slow, p.limit)
		throttled += scale(slow, 1-p.limit)
	}
	return used, throttled
}

// forget drops the jobs that ended before a moment.
func (p *pod) forget(before time.Time) {
	n := 0
	for n < len(p.jobs) && p.jobs[n].end.Before(before) {
		n++
	}
	p.jobs = p.jobs[n:]
}

// overlap is how long two spans of time have in common.
func overlap(begin, end, from, to time.Time) time.Duration {
	if from.After(begin) {
		begin = from
	}
	if to.Before(end) {
		end = to
	}
	return max(0, end.Sub(begin))
}

func scale(d time.Duration, by float64) time.Duration {
	return time.Duration(float64(d) * by)
}
