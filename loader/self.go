package loader

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"
)

// pauseMetric is the distribution of the times for which the garbage collector
// stopped every goroutine.
const pauseMetric = "/sched/pauses/total/gc:seconds"

// selfWatch measures what the generator itself uses.
type selfWatch struct {
	start  time.Time
	cpu    time.Duration
	pauses []uint64
}

func watchSelf() *selfWatch {
	counts, _ := gcPauses()
	return &selfWatch{start: time.Now(), cpu: processTime(), pauses: counts}
}

// look returns the share of the machine's processors that this process used
// since the watch began, 0 where it is unknown, and the longest pause for
// garbage collection since, as the end of its bucket.
func (w *selfWatch) look() (cpu float64, pause time.Duration) {
	if wall := time.Since(w.start); wall > 0 {
		cpu = float64(processTime()-w.cpu) / float64(wall) / float64(runtime.NumCPU())
	}
	counts, ends := gcPauses()
	for i := range counts {
		if counts[i] > w.pauses[i] {
			pause = ends[i]
		}
	}
	return min(max(cpu, 0), 1), pause
}

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
