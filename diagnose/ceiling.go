package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// ceilingSamples is how many samples, of about a second, must see the ceiling:
// autoscalers look every 15 s, and one look may follow a burst.
const ceilingSamples = 3

// ceiling is a stage in which the autoscaler wanted more than it may have.
type ceiling struct {
	level
	limits  result.ClusterLimits
	name    string
	samples int
	since   time.Duration // from the stage's start to the first of them
	of      int
	highest float64              // throughput of this stage or a lighter one
	at      result.ClusterSample // the typical one
	signs   []string             // what else says that the service had too little
}

// replicaCeiling finds an autoscaler that wants more replicas than it is
// allowed. The second sign is that the stage suffered from it. Of several
// stages the one that suffers most is reported, then the one that wants most.
func replicaCeiling(v *view) []result.Finding {
	var found []ceiling
	for _, l := range v.stages {
		samples := v.wanting(l)
		if len(samples) < ceilingSamples {
			continue
		}
		found = append(found, ceiling{
			level: l, limits: v.timeline.Limits, name: v.timeline.Name,
			samples: len(samples), since: since(l, samples[0].At), of: len(v.during(l)), at: typical(samples), signs: suffers(v, l),
			highest: v.of(l).highest(l),
		})
	}
	if len(found) == 0 {
		return nil
	}
	worst := slices.MaxFunc(found, func(a, b ceiling) int {
		return cmp.Or(cmp.Compare(len(a.signs), len(b.signs)), cmp.Compare(a.at.Wanted, b.at.Wanted))
	})
	return []result.Finding{worst.finding()}
}

// suffers lists the signs, beside the autoscaler's own, that a stage had too
// few replicas.
func suffers(v *view, l level) []string {
	var signs []string
	if v.saturates(l) {
		signs = append(signs, fmt.Sprintf("throughput has stopped growing: %s at %s", quantity.Rate(l.throughput), l.offered()))
	}
	if before, ok := v.lighter(l); ok && collapsed(before, l) {
		signs = append(signs, fmt.Sprintf("throughput %s and success rate %s to %s against %s",
			change(before.throughput, l.throughput), quantity.Share(before.ok), quantity.Share(l.ok), before.offered()))
	} else if l.ok < 0.99 {
		signs = append(signs, fmt.Sprintf("the success rate is %s", quantity.Share(l.ok)))
	}
	samples := v.during(l)
	if throttled := v.throttled(l); throttled >= 0.05 {
		signs = append(signs, fmt.Sprintf("pods waited for their CPU limit %s of the time", quantity.Share(throttled)))
	}
	if refused := samples[len(samples)-1].RefusedTotal - samples[0].RefusedTotal; refused > 0 {
		signs = append(signs, fmt.Sprintf("full queues turned %s requests away", quantity.Count(refused)))
	}
	return signs
}

// allowed is the most replicas that there may be.
func (c ceiling) allowed() int {
	return cmp.Or(c.limits.MaxReplicas, c.at.Desired, c.at.Replicas, 1)
}

// wanted is what the autoscaler would set, at least one more than it may.
func (c ceiling) wanted() int { return max(c.at.Wanted, c.allowed()+1) }

// shortage is the share of the wanted replicas that are missing.
func (c ceiling) shortage() float64 {
	return float64(c.wanted()-c.allowed()) / float64(c.wanted())
}

func (c ceiling) finding() result.Finding {
	f := result.Finding{
		Rule:  "replica-ceiling",
		Stage: c.Name,
		Title: fmt.Sprintf("the autoscaler wants %d replicas and may have %d: %s too few",
			c.wanted(), c.allowed(), quantity.Share(c.shortage())),
		Evidence:   c.evidence(),
		Suggestion: c.suggestion(),
		Disproof:   fmt.Sprintf("a run with maxReplicas %d that is not faster: then something behind the replicas is the limit", c.wanted()),
		Since:      c.since,
	}
	return doubt(signed(f, c.signs), c.level)
}

func (c ceiling) evidence() []string {
	e := []string{fmt.Sprintf("at the ceiling in %d of %d samples of the stage: %s", c.samples, c.of, c.derived())}
	if m := c.limits.RequestMilli; m > 0 {
		e = append(e, fmt.Sprintf("in CPU requests: %d × %s = %s wanted, %d × %s = %s allowed, %s missing (%s)",
			c.wanted(), milli(float64(m)), milli(float64(c.wanted()*m)), c.allowed(), milli(float64(m)), milli(float64(c.allowed()*m)),
			milli(float64((c.wanted()-c.allowed())*m)), quantity.Share(c.shortage())))
	}
	if c.limits.TargetCPU > 0 && c.at.CPU > c.limits.TargetCPU {
		e = append(e, fmt.Sprintf("CPU is %s of the request where the target is %s", quantity.Share(c.at.CPU), quantity.Share(c.limits.TargetCPU)))
	}
	return e
}

// derived shows the autoscaler's formula, where its figures follow it: a real
// one also counts pods that are not ready and has a tolerance.
func (c ceiling) derived() string {
	s, target := c.at, c.limits.TargetCPU
	if target > 0 && int(math.Ceil(float64(s.Replicas)*s.CPU/target-1e-9)) == c.wanted() {
		return fmt.Sprintf("⌈%d replicas × %s / %s⌉ = %d", s.Replicas, quantity.Share(s.CPU), quantity.Share(target), c.wanted())
	}
	return fmt.Sprintf("%d replicas, %d wanted", s.Replicas, c.wanted())
}

func (c ceiling) suggestion() []string {
	raise := fmt.Sprintf("raise the ceiling from %d to %d replicas, in the autoscaler %s: spec: {maxReplicas: %d}", c.allowed(), c.wanted(), c.name, c.wanted())
	m := c.limits.RequestMilli
	if m > 0 {
		raise += fmt.Sprintf("; the nodes need room for %s of CPU requests, %s more than now",
			milli(float64(c.wanted()*m)), milli(float64((c.wanted()-c.allowed())*m)))
	}
	list := []string{raise}
	if target := c.limits.TargetCPU; target > 0 && m > 0 && c.at.CPU > target {
		list = append(list, c.largerPods(target))
	}
	list = append(list, "where no node has room for more pods, let a cluster autoscaler add nodes")
	return append(list, relief(c.highest, c.highest/(1-c.shortage()))...)
}

// largerPods is the request with which the allowed replicas would be at the
// target under the same usage, and the limit in its proportion.
func (c ceiling) largerPods(target float64) string {
	m, limit := float64(c.limits.RequestMilli), float64(c.limits.LimitMilli)
	request := math.Ceil(m * c.at.CPU / target)
	text := fmt.Sprintf("or give each pod more CPU: a request of %s × %s / %s = %s keeps %d replicas at the target",
		milli(m), quantity.Share(c.at.CPU), quantity.Share(target), milli(request), c.allowed())
	if limit > 0 {
		text += fmt.Sprintf(", with a limit of %s in place of %s", milli(math.Ceil(limit*request/m)), milli(limit))
	}
	return text
}
