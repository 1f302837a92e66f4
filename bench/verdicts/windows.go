//go:build linux

package main

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// window is one block of base and one of head.
type window struct{ base, head result.Slice }

const (
	resamples  = 2000
	chunk      = 5 // windows that stay together when runs are resampled: noise lasts longer than one
	windowTime = 2 // seconds
)

// comparisons are the windows of every comparison of a trial.
func (m measured) comparisons(name string) [][]window {
	var out [][]window
	for _, k := range m[name] {
		var windows []window
		for i := range min(len(k.base), len(k.head)) {
			windows = append(windows, window{k.base[i], k.head[i]})
		}
		out = append(out, windows)
	}
	return out
}

// cuts gives the parts of so many seconds that the comparisons can be cut
// into.
func cuts(runs [][]window, seconds int) [][]window {
	var parts [][]window
	for _, r := range runs {
		n := seconds / windowTime
		for ; len(r) >= n; r = r[n:] {
			parts = append(parts, r[:n])
		}
	}
	return parts
}

// resampled makes runs of so many seconds from chunks of neighbouring windows,
// drawn with a fixed seed.
func resampled(runs [][]window, seconds, n int) [][]window {
	if len(runs) == 0 {
		return nil
	}
	random := loopback.Seeded(uint64(seconds))
	out := make([][]window, n)
	for i := range out {
		for len(out[i]) < seconds/windowTime {
			out[i] = append(out[i], piece(random, runs)...)
		}
		out[i] = out[i][:seconds/windowTime]
	}
	return out
}

func piece(random *rand.Rand, runs [][]window) []window {
	r := runs[random.IntN(len(runs))]
	from := random.IntN(max(len(r)-chunk, 0) + 1)
	return r[from:min(from+chunk, len(r))]
}

// bothWays adds every comparison of an unchanged service with base and head
// exchanged: which of the two is called head is chance.
func bothWays(runs [][]window) [][]window {
	out := slices.Clone(runs)
	for _, r := range runs {
		turned := make([]window, len(r))
		for i, w := range r {
			turned[i] = window{base: w.head, head: w.base}
		}
		out = append(out, turned)
	}
	return out
}

// slowed multiplies head's times.
func slowed(runs [][]window, change float64) [][]window {
	out := make([][]window, len(runs))
	for i, r := range runs {
		out[i] = slices.Clone(r)
		for j := range out[i] {
			out[i][j].head.Response = scaled(r[j].head.Response, 1+change)
		}
	}
	return out
}

func scaled(h result.Histogram, by float64) result.Histogram {
	var r result.Recorder
	for _, bucket := range h.Buckets() {
		for range bucket.Count {
			r.Record(time.Duration(by * float64(bucket.Low) * float64(time.Microsecond)))
		}
	}
	return r.Histogram()
}

// stageOf puts slices together as the stage that they were.
func stageOf(from []result.Slice) result.Stage {
	s := result.Stage{Name: "steady", Judged: true, State: result.Completed}
	var responses []result.Histogram
	for _, slice := range from {
		slice.Offset = s.Duration
		s.Slices = append(s.Slices, slice)
		s.Duration += slice.Width
		s.Counters.Add(slice.Counters)
		responses = append(responses, slice.Response)
	}
	s.Response = merged(responses)
	s.OK, s.OnTime, s.Service = s.Response, s.Response, s.Response
	return s
}

// merged adds histograms, halves first: one after the other would copy the sum
// again and again.
func merged(all []result.Histogram) result.Histogram {
	switch n := len(all); n {
	case 0:
		return result.Histogram{}
	case 1:
		return all[0]
	default:
		return merged(all[:n/2]).Merge(merged(all[n/2:]))
	}
}

// judge judges windows as a run of their own.
func judge(file *slo.File, windows []window) *result.Judgement {
	var base, head []result.Slice
	for _, w := range windows {
		base, head = append(base, w.base), append(head, w.head)
	}
	return gate.Judge(file, &result.Run{
		Stages: []result.Stage{stageOf(head)},
		Base:   &result.Base{Stages: []result.Stage{stageOf(base)}},
	}, gate.Options{})
}

// parallel calls do with 0 to n−1 on every core.
func parallel(n int, do func(int)) {
	var wg sync.WaitGroup
	workers := runtime.NumCPU()
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				do(i)
			}
		})
	}
	wg.Wait()
}

// tally counts verdicts: of the whole runs and of each objective.
type tally struct {
	runs, failed, unclear, improved int
	failedOf, unclearOf             map[string]int
	detectable                      map[string][]float64
}

func judgeAll(runs [][]window) (tally, error) {
	t := tally{failedOf: map[string]int{}, unclearOf: map[string]int{}, detectable: map[string][]float64{}}
	file, err := sloFile("http://base", "http://head", 60)
	if err != nil {
		return t, err
	}
	judged := make([]*result.Judgement, len(runs))
	parallel(len(runs), func(i int) { judged[i] = judge(file, runs[i]) })
	for _, j := range judged {
		t.add(j)
	}
	return t, nil
}

func (t *tally) add(j *result.Judgement) {
	t.runs++
	if j.Verdict == result.Fail {
		t.failed++
	}
	unclear, improved := false, false
	for _, o := range j.Objectives {
		if !o.Relative || o.Comparison == nil {
			continue
		}
		c := o.Comparison
		t.detectable[o.Indicator] = append(t.detectable[o.Indicator], c.Detectable)
		improved = improved || c.Upper != nil && *c.Upper < 0
		switch o.Verdict {
		case result.Fail:
			t.failedOf[o.Indicator]++
		case result.Inconclusive:
			unclear = true
			t.unclearOf[o.Indicator]++
		}
	}
	if unclear {
		t.unclear++
	}
	if improved {
		t.improved++
	}
}

// blind counts the passes of single objectives, and those of them that pass as
// well after head was slowed down by 30 %: what such a pass must not hide.
func blind(runs [][]window) (hidden, passes int, err error) {
	file, err := sloFile("http://base", "http://head", 60)
	if err != nil {
		return 0, 0, err
	}
	slower := slowed(runs, 0.30)
	for i := range runs {
		before, after := judge(file, runs[i]), judge(file, slower[i])
		for k, o := range before.Objectives {
			if !o.Relative || o.Verdict != result.Pass {
				continue
			}
			passes++
			if after.Objectives[k].Verdict != result.Fail {
				hidden++
			}
		}
	}
	return hidden, passes, nil
}
