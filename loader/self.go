package loader

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/slogate/slogate/result"
)

// pauseMetric is the distribution of the times for which the garbage collector
// stopped every goroutine.
const pauseMetric = "/sched/pauses/total/gc:seconds"

// selfWatch measures what the generator itself uses.
type selfWatch struct {
	start     time.Time
	cpu       time.Duration
	held      func() time.Duration // for how long a CPU limit has done so, so far
	throttled time.Duration
	pauses    []uint64
}

func watchSelf() *selfWatch {
	counts, _ := gcPauses()
	return &selfWatch{start: time.Now(), cpu: processTime(), held: throttled, throttled: throttled(), pauses: counts}
}

// look notes what this process used since the watch began: the share of the
// machine's processors, the share of the time in which its own CPU limit held it
// back, both 0 where unknown, and the longest pause for garbage collection, as
// the end of its bucket.
func (w *selfWatch) look(g *result.Generator) {
	if wall := float64(time.Since(w.start)); wall > 0 {
		g.CPU = inUnit(float64(processTime()-w.cpu) / wall / float64(runtime.NumCPU()))
		g.Throttled = inUnit(float64(w.held()-w.throttled) / wall)
	}
	counts, ends := gcPauses()
	for i := range counts {
		if counts[i] > w.pauses[i] {
			g.GCPause = ends[i]
		}
	}
}

func inUnit(share float64) float64 { return min(max(share, 0), 1) }

// gcPauses returns the number of pauses by length and the end of each bucket.
func gcPauses() (counts []uint64, ends []time.Duration) {
	sample := []metrics.Sample{{Name: pauseMetric}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return nil, nil
	}
	h := sample[0].Value.Float64Histogram()
	for i := range h.Counts {
		end := h.Buckets[i+1]
		if math.IsInf(end, 1) {
			end = h.Buckets[i]
		}
		ends = append(ends, time.Duration(end*float64(time.Second)))
	}
	return append(counts, h.Counts...), ends
}
