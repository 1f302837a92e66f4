package diagnose

import (
	"fmt"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

const (
	// leakShare and leakMegabytes are what a stage must add for its growth to
	// matter, and to be more than an allocator's steps: a small Go service adds
	// 3 MB to its 15 before it collects garbage for the first time.
	leakShare     = 0.1
	leakMegabytes = 8
	// leakChance is how often memory without a trend may seem to have one:
	// readings follow each other, so that the test is too sure of itself.
	leakChance = 0.001
)

// memoryGrowth finds a service that takes more memory as long as it is loaded.
// The signs are a trend over the stage, and that it does not level off: caches
// and heaps fill up, leaks do not. Of several stages the one that grows fastest
// is reported; that others grow too is one more sign.
func memoryGrowth(v *view) []result.Finding {
	var leaks []leak
	for _, l := range v.stages {
		if k, ok := findLeak(v, l); ok {
			leaks = append(leaks, k)
		}
	}
	if len(leaks) == 0 {
		return nil
	}
	worst := leaks[0]
	for _, k := range leaks {
		if k.slope > worst.slope {
			worst = k
		}
	}
	return []result.Finding{worst.finding(len(leaks) - 1)}
}

// leak is memory that grows within a stage, in megabytes and seconds.
type leak struct {
	level
	course
	slope, lower, upper float64
	early, late         float64 // slopes of the two halves
	p                   float64
}

func findLeak(v *view, l level) (leak, bool) {
	if !l.even() {
		return leak{}, false
	}
	c := l.course(memory)
	if c.len() == 0 {
		c = v.podMemory(l)
	}
	c = c.part(c.len()/5, c.len()) // it may begin with what the service loads once
	if c.len() < courseSlices {
		return leak{}, false
	}
	k := leak{level: l, course: c}
	var tau float64
	tau, k.p = stats.KendallTau(c.value)
	var ok bool
	k.slope, k.lower, k.upper, ok = c.growth()
	if !ok || tau <= 0 || k.p > leakChance {
		return leak{}, false
	}
	half := c.len() / 2
	k.early, _, _, _ = c.part(0, half).growth()
	k.late, _, _, _ = c.part(half, c.len()).growth()
	grown := k.slope * k.lasted()
	matters := grown >= leakMegabytes && grown >= leakShare*stats.Median(c.value)
	return k, matters && k.late > 0 && k.late >= 0.5*k.early
}

func (k leak) lasted() float64 { return k.at[len(k.at)-1] - k.at[0] }

// podMemory is the memory of all pods together while their number stays.
func (v *view) podMemory(l level) course {
	var c course
	samples := v.during(l)
	for i, s := range samples {
		if s.MemoryBytes == 0 || s.Replicas != samples[0].Replicas || s.Restarts != samples[0].Restarts {
			return course{}
		}
		c.slices = append(c.slices, i)
		c.at = append(c.at, s.At.Sub(l.Start).Seconds())
		c.value = append(c.value, float64(s.MemoryBytes)/1e6)
	}
	return c.thinned()
}

func (k leak) finding(others int) result.Finding {
	first, last := k.value[0], k.value[len(k.value)-1]
	each := k.slope / perSecond(k.Counters.Finished(), k.Duration)
	f := result.Finding{
		Rule:  "memory-growth",
		Stage: k.Name,
		Title: fmt.Sprintf("memory grows by %s a minute under a constant load and does not level off", size(60*k.slope)),
		Evidence: []string{
			fmt.Sprintf("%s after %s, %s after %s: %s a minute (95 %%: %s to %s, by the slopes of all pairs of %d readings; a chance of less than 1 in %s without a trend)",
				size(first), seconds(k.at[0]), size(last), seconds(k.at[len(k.at)-1]),
				size(60*k.slope), size(60*max(k.lower, 0)), size(60*k.upper), len(k.value), quantity.Number(1/leakChance)),
			fmt.Sprintf("it does not level off: %s a minute in the first half, %s in the second", size(60*max(k.early, 0)), size(60*k.late)),
		},
		Suggestion: []string{
			fmt.Sprintf("look for what each request leaves behind: %s of memory at %s", size(each), quantity.Rate(k.throughput)),
			fmt.Sprintf("until then, restart it before memory runs out: from %s it doubles in %s", size(last), seconds(last/k.slope)),
			"compare two heap profiles of the service, taken some minutes apart under this load",
		},
		Disproof: fmt.Sprintf("a stage of %s at the same load in which memory levels off: then it is a cache or a heap that fills up", seconds(5*k.lasted())),
	}
	signs := 2
	if others > 0 {
		signs++
		f.Evidence = append(f.Evidence, fmt.Sprintf("it grows in %s too", plural(float64(others), "other stage")))
	}
	return sure(f, signs)
}
