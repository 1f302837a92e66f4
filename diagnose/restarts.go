package diagnose

import (
	"fmt"
	"strings"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// restarts finds stages in which containers restarted or pods were evicted.
// What the cluster counted is one sign; others are the reason that it gives, and
// requests that failed around that moment.
func restarts(v *view) []result.Finding {
	var found []result.Finding
	for _, l := range v.stages {
		if c, ok := v.losses(l); ok {
			found = append(found, c.finding(l))
		}
	}
	return found
}

// losses is what a stage lost of its pods.
type losses struct {
	restarts, oom, evictions int
	at                       time.Duration // of the first one
	memory                   int64         // of all pods before it
}

func (v *view) losses(l level) (losses, bool) {
	samples := v.during(l)
	if len(samples) < 2 {
		return losses{}, false
	}
	first, last := samples[0], samples[len(samples)-1]
	c := losses{restarts: last.Restarts - first.Restarts, oom: last.OOMKills - first.OOMKills, evictions: last.Evictions - first.Evictions}
	for i, s := range samples[1:] {
		if s.Restarts > first.Restarts || s.Evictions > first.Evictions || s.OOMKills > first.OOMKills {
			c.at, c.memory = since(l, s.At), samples[i].MemoryBytes
			break
		}
	}
	return c, c.restarts > 0 || c.oom > 0 || c.evictions > 0
}

// restartsIn counts the restarts of a stage.
func (v *view) restartsIn(l level) int {
	c, _ := v.losses(l)
	return max(c.restarts, 0)
}

func (c losses) finding(l level) result.Finding {
	f := result.Finding{
		Rule:       "restarts",
		Stage:      l.Name,
		Since:      c.at,
		Title:      fmt.Sprintf("the cluster took %s from the service, first %s after the stage's start", c.text(), quantity.Duration(c.at)),
		Evidence:   []string{"within the stage: " + c.text()},
		Suggestion: c.suggestion(),
		Disproof:   "the same stage without restarts that fails as much",
	}
	var signs []string
	switch {
	case c.oom > 0 && c.memory > 0:
		signs = append(signs, fmt.Sprintf("the reason is a lack of memory: all pods together had %s before", size(float64(c.memory)/1e6)))
	case c.oom > 0:
		signs = append(signs, "the reason that the cluster gives is a lack of memory")
	case c.evictions > 0:
		signs = append(signs, "the cluster's own count says that it took pods away")
	}
	if near, far, ok := l.failedNear(c.at); ok && near > 0.01 && near > 2*far {
		signs = append(signs, fmt.Sprintf("requests fail around that moment: %s within 5 s, %s otherwise", quantity.Share(near), quantity.Share(far)))
	}
	return signed(f, signs)
}

func (c losses) text() string {
	var parts []string
	for _, p := range []struct {
		n    int
		noun string
	}{{c.restarts, "restart"}, {c.oom, "kill"}, {c.evictions, "eviction"}} {
		if p.n > 0 {
			parts = append(parts, plural(float64(p.n), p.noun))
		}
	}
	return strings.Join(parts, " and ")
}

func (c losses) suggestion() []string {
	switch {
	case c.oom > 0:
		return []string{
			"raise the memory limit of the container, in its resources: limits: {memory: …}, above what it had under this load",
			"bound what it keeps: requests in flight, caches, bodies that are read whole",
		}
	case c.evictions > 0:
		return []string{
			"raise the pods' requests to what they use: nodes evict those first that are above their request",
			"give the nodes more room, or let a cluster autoscaler add some",
		}
	}
	return []string{
		"read the log of the container before its end: kubectl logs --previous",
		"see that the liveness probe is not what ends a busy service: give it a longer timeout than requests have under load",
	}
}

// failedNear compares the share of failures within 5 s of a moment with the
// rest of the stage.
func (l level) failedNear(at time.Duration) (within, beyond float64, ok bool) {
	var near, far result.Counters
	for _, s := range l.Slices {
		if d := s.Offset - at; d >= -5*time.Second && d <= 5*time.Second {
			near.Add(s.Counters)
		} else {
			far.Add(s.Counters)
		}
	}
	return failed(near), failed(far), near.Judged() >= 5
}
