package demo

import (
	"math"
	"time"
)

// rules are those of a Kubernetes HorizontalPodAutoscaler (autoscaling/v2) with
// one resource metric, CPU, and what surrounds it.
type rules struct {
	min, max  int
	target    int     // mean usage of the pods, in percent of their request
	tolerance float64 // of usage/target around 1 within which nothing is changed

	every  time.Duration // how often it looks
	window time.Duration // over which usage is measured
	start  time.Duration // from a pod's creation to its readiness

	period    time.Duration // of the two policies below
	upPods    int           // adds at most so many pods a period,
	upShare   float64       // or this share of the pods, whichever is more
	downShare float64       // removes at most this share a period
	stabilise time.Duration // scales down to the highest of the wishes within it
}

// faster returns the same rules for a clock that runs faster.
func (r rules) faster(speed float64) rules {
	for _, d := range []*time.Duration{&r.every, &r.window, &r.start, &r.period, &r.stabilise} {
		*d = scale(*d, 1/speed)
	}
	return r
}

// want is the number of replicas that would bring usage to the target,
// ⌈replicas·usage/target⌉, whatever the limits. Usage is in whole percent of
// the request, as Kubernetes computes it.
func (r rules) want(replicas, usage int) int {
	if ratio := float64(usage) / float64(r.target); 1-r.tolerance <= ratio && ratio <= 1+r.tolerance {
		return replicas
	}
	return (replicas*usage + r.target - 1) / r.target
}

// autoscaler decides about the number of replicas. It remembers what it wanted
// and did as far back as its rules look.
type autoscaler struct {
	rules
	wanted int      // by the last decision, whatever the limits; 0: never looked
	wishes []change // wanted within the limits, by time
	deeds  []change // differences of replicas, by time
}

// change is a number of replicas at a moment.
type change struct {
	at       time.Time
	replicas int
}

// decide returns how many replicas there shall be from now on.
func (a *autoscaler) decide(now time.Time, replicas, usage int) int {
	a.wanted = a.want(replicas, usage)
	wish := min(max(a.wanted, a.min), a.max)
	a.wishes = append(since(a.wishes, now.Add(-a.stabilise)), change{now, wish})
	a.deeds = since(a.deeds, now.Add(-a.period))

	desired := replicas
	switch {
	case wish > replicas:
		desired = min(wish, a.ceiling(replicas))
	case wish < replicas:
		desired = min(replicas, max(highest(a.wishes), a.floor(replicas)))
	}
	if desired != replicas {
		a.deeds = append(a.deeds, change{now, desired - replicas})
	}
	return desired
}

// ceiling is the highest number of replicas that the policy for scaling up
// allows now.
func (a *autoscaler) ceiling(replicas int) int {
	start := a.periodStart(replicas)
	return max(replicas, start+a.upPods, int(math.Ceil(float64(start)*(1+a.upShare))))
}

// floor is the lowest number of replicas that the policy for scaling down
// allows now.
func (a *autoscaler) floor(replicas int) int {
	return int(float64(a.periodStart(replicas)) * (1 - a.downShare))
}

// periodStart is how many replicas there were when the current period began.
func (a *autoscaler) periodStart(replicas int) int {
	for _, d := range a.deeds {
		replicas -= d.replicas
	}
	return replicas
}

// since returns the changes after a moment.
func since(changes []change, moment time.Time) []change {
	n := 0
	for n < len(changes) && !changes[n].at.After(moment) {
		n++
	}
	return changes[n:]
}

// highest is the highest number of replicas among changes.
func highest(changes []change) int {
	top := 0
	for _, c := range changes {
		top = max(top, c.replicas)
	}
	return top
}
