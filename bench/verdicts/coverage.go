//go:build linux

package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/result"
)

const (
	// longRun is how many requests of a queue tell its true quantiles where
	// theory has no formula.
	longRun = 10_000_000
	// virtualRuns of each kind are judged beside the real ones.
	virtualRuns = 400
)

// arrivals of a Poisson process at the rate of a queue.
type arrivals struct {
	*line
	rate float64
	at   time.Duration
}

func newArrivals(q queueKind, seed uint64) *arrivals {
	random := loopback.Seeded(seed)
	return &arrivals{line: &line{random: random, stalls: q.stalls}, rate: q.rate()}
}

// next is the arrival and the response time of one more request.
func (a *arrivals) next() (at, response time.Duration) {
	a.at += time.Duration(a.random.ExpFloat64() / a.rate * float64(time.Second))
	return a.at, a.depart(a.at) - a.at
}

// long loads a queue in virtual time.
func long(q queueKind, requests int) result.Histogram {
	var r result.Recorder
	a := newArrivals(q, 1)
	for range requests {
		_, response := a.next()
		r.Record(response)
	}
	return r.Histogram()
}

// virtual is a run of the queue in virtual time.
func virtual(q queueKind, seed uint64) []result.Slice {
	const settle = 5 * time.Second
	a := newArrivals(q, seed)
	recorders := make([]result.Recorder, queueTime)
	for {
		at, response := a.next()
		second := int((at - settle) / time.Second)
		if second >= queueTime {
			break
		}
		if at >= settle {
			recorders[second].Record(response)
		}
	}
	var out []result.Slice
	for i := range recorders {
		h := recorders[i].Histogram()
		out = append(out, result.Slice{Width: time.Second, Response: h, Counters: result.Counters{Success: h.Total()}})
	}
	return out
}

// exact is the quantile of the response time of M/M/1: exponential with the
// rate of service less that of arrivals (Kleinrock, Queueing Systems, 1975).
func exact(q queueKind, part float64) time.Duration {
	left := 1/meanWork.Seconds() - q.rate()
	return time.Duration(-math.Log(1-part) / left * float64(time.Second))
}

// covered is how often the intervals of one percentile of one queue hold what
// is true.
type covered struct {
	queueKind
	percentile              int64
	truth, overhead, pooled time.Duration
	held, runs              int
	virtualHeld             int
}

// coverage counts for every queue and percentile.
func coverage(m measured) ([]covered, error) {
	var out []covered
	for _, q := range queues {
		runs := m[q.name()]
		if len(runs) == 0 {
			continue
		}
		var all result.Histogram
		var overheads []float64
		for _, r := range runs {
			all = all.Merge(stageOf(r.head).Response)
			overheads = append(overheads, float64(r.overhead))
		}
		simulated := long(q, longRun)
		for i, p := range []int64{50, 95} {
			c := covered{queueKind: q, percentile: p, runs: len(runs), overhead: time.Duration(stats.Median(overheads))}
			c.truth = exact(q, float64(p)/100)
			if q.stalls {
				c.truth, _ = simulated.Quantile(p, 100)
			}
			c.pooled, _ = all.Quantile(p, 100)
			for _, r := range runs {
				holds, err := intervalHolds(q, i, r.head, c.truth+c.overhead)
				if err != nil {
					return nil, err
				}
				c.held += holds
			}
			for n := range virtualRuns {
				holds, err := intervalHolds(q, i, virtual(q, uint64(2+n)), c.truth)
				if err != nil {
					return nil, err
				}
				c.virtualHeld += holds
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// intervalHolds is 1 where the interval of the objective with this index holds
// the value.
func intervalHolds(q queueKind, objective int, run []result.Slice, truth time.Duration) (int, error) {
	file, err := queueFile("http://service", q)
	if err != nil {
		return 0, err
	}
	j := gate.Judge(file, &result.Run{Stages: []result.Stage{stageOf(run)}}, gate.Options{})
	o := j.Objectives[objective]
	// Percentiles are written as the highest time of their bucket.
	us := float64(result.Equivalent(truth).Microseconds())
	if o.Lower != nil && *o.Lower <= us && (o.Upper == nil || us <= *o.Upper) {
		return 1, nil
	}
	return 0, nil
}

// coverageRows are the promise: every percentile of every queue.
func coverageRows(all []covered) []row {
	var out []row
	for i, p := range []string{"p50", "p95"} {
		for j, stalls := range []string{"without stalls", "with stalls"} {
			r := row{what: fmt.Sprintf("95 %% interval of %s holds what is true, queues at 30 to 70 %% load %s", p, stalls), of: fmt.Sprintf("real, %d s", queueTime), must: atLeast(0.93)}
			for _, c := range all {
				if c.percentile == []int64{50, 95}[i] && c.stalls == (j == 1) {
					r.happened += c.held
					r.runs += c.runs
				}
			}
			out = append(out, r)
		}
	}
	return out
}

// intervals writes how the promise is kept by each queue.
func intervals(b *strings.Builder, all []covered) {
	fmt.Fprintf(b, "\n## Intervals of percentiles\n\n"+
		"An HTTP service that is a queue: one server, first come first served, exponential work of %v on average, Poisson arrivals; it waits instead of computing. With stalls it does nothing for %v in every %v. Runs of %d s after 5 s that are not judged. "+
		"*True* is the quantile of M/M/1 from theory, with stalls of %d requests in virtual time, plus the overhead: by how much later than the queue had planned answers came, in the median of all runs. *Measured* is the quantile of all runs together. In virtual time: %d runs of the same queue without HTTP.\n\n",
		meanWork, stallTime, stallEvery, queueTime, longRun, virtualRuns)
	fmt.Fprintf(b, "| queue | requests/s | percentile | true | of it overhead | measured | interval holds what is true | in virtual time |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, c := range all {
		stalls := ""
		if c.stalls {
			stalls = ", stalls"
		}
		fmt.Fprintf(b, "| %d %% load%s | %g | p%d | %.2f ms | %.2f ms | %.2f ms | %s | %s |\n", c.load, stalls, c.rate(), c.percentile,
			millis(c.truth+c.overhead), millis(c.overhead), millis(c.pooled), loopback.Share(c.held, c.runs), loopback.Share(c.virtualHeld, virtualRuns))
	}
}

func millis(d time.Duration) float64 { return d.Seconds() * 1000 }
