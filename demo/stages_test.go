package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogate/slogate/result"
)

const aFlower = `{"sepal_length": 5.9, "sepal_width": 3.0, "petal_length": 5.1, "petal_width": 1.8}`

// stage is what a closed stage saw.
type stage struct {
	took    time.Duration
	times   []time.Duration // sorted; one turned away counts with 10 s
	refused int
	samples []result.ClusterSample // one a second
}

func (s stage) percentile(q int) time.Duration {
	return s.times[(len(s.times)*q+99)/100-1]
}

func (s stage) throughput() float64 { return float64(len(s.times)) / s.took.Seconds() }

// load sends requests by a number of workers that wait for their answers.
func load(t *testing.T, s *Service, requests, workers int) stage {
	var st stage
	var mu sync.Mutex
	var left atomic.Int64
	left.Store(int64(requests))
	start := time.Now()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				sent := time.Now()
				w := httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/predict", strings.NewReader(aFlower)))
				took := time.Since(sent)
				mu.Lock()
				if w.Code != http.StatusOK {
					st.refused++
					took = 10 * time.Second
				}
				st.times = append(st.times, took)
				mu.Unlock()
			}
		})
	}
	watching, stop := context.WithCancel(t.Context())
	watched := make(chan []result.ClusterSample)
	go func() { watched <- watch(watching, s) }()
	wg.Wait()
	st.took = time.Since(start)
	stop()
	st.samples = <-watched
	slices.Sort(st.times)
	return st
}

// watch samples the pods once a second until ctx ends.
func watch(ctx context.Context, s *Service) []result.ClusterSample {
	var samples []result.ClusterSample
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return samples
		case <-tick.C:
			if sample, err := s.Sample(ctx); err == nil {
				samples = append(samples, sample)
			}
		}
	}
}

// threeStages drives the example's stages through a service in fake time.
func threeStages(t *testing.T, cfg Config, idle time.Duration) (normal, high, extreme stage) {
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.Start(ctx) })
	time.Sleep(idle) // fake: nothing waits
	normal = load(t, s, 100, 5)
	high = load(t, s, 1000, 10)
	extreme = load(t, s, 2000, 20)
	stop()
	wg.Wait()
	return normal, high, extreme
}

// The three stages are what the demo is for: a healthy one, one that scales,
// and one beyond the ceiling. The bounds are those of slo.example.yaml, which
// must hold, and be missed, whenever the autoscaler happens to look.
func TestStages(t *testing.T) {
	for idle := time.Duration(0); idle < shipped.every; idle += shipped.every / 10 {
		t.Run(idle.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				normal, high, extreme := threeStages(t, Config{}, idle)
				t.Logf("%v %v %v", normal, high, extreme)
				wantPod(t, normal)
				wantScaling(t, high)
				wantCeiling(t, extreme)
				if p := normal.percentile(95); p > 200*time.Millisecond || normal.refused > 0 {
					t.Errorf("normal: p95 = %v, %d refused, want far below 260ms, none", p, normal.refused)
				}
				if p := high.percentile(95); p > 350*time.Millisecond || high.refused > 0 {
					t.Errorf("high: p95 = %v, %d refused, want far below 420ms, none", p, high.refused)
				}
				if extreme.refused < 120 {
					t.Errorf("extreme: %d refused of 2000, want clearly more than 2 %%", extreme.refused)
				}
			})
		})
	}
}

// A regression must miss a bound that fails the run, by far.
func TestStagesRegress(t *testing.T) {
	for idle := time.Duration(0); idle < shipped.every; idle += shipped.every / 10 {
		t.Run(idle.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				normal, high, extreme := threeStages(t, Config{Regress: true}, idle)
				t.Logf("%v %v %v", normal, high, extreme)
				if p := normal.percentile(95); p < 380*time.Millisecond {
					t.Errorf("normal: p95 = %v, want far above 260ms", p)
				}
			})
		})
	}
}

// wantPod checks a stage that one pod did alone.
func wantPod(t *testing.T, s stage) {
	t.Helper()
	for _, sample := range s.samples {
		if sample.Replicas != 1 || sample.Ready != 1 || sample.AtCeiling {
			t.Errorf("normal: want one pod, got %+v", sample)
		}
	}
}

// wantScaling checks a stage that began on one pod and ended on more.
func wantScaling(t *testing.T, s stage) {
	t.Helper()
	first, last := s.samples[0], s.samples[len(s.samples)-1]
	if first.Ready != 1 || last.Replicas < 2 {
		t.Errorf("high: want 1 pod and then more, got %+v and %+v", first, last)
	}
	for _, sample := range s.samples {
		if sample.Ready > sample.Replicas || sample.Desired > shipped.max {
			t.Errorf("high: impossible sample %+v", sample)
		}
	}
}

// wantCeiling checks a stage that ended with as many pods as are allowed and
// needed more.
func wantCeiling(t *testing.T, s stage) {
	t.Helper()
	last := s.samples[len(s.samples)-1]
	if last.Ready != shipped.max || last.Wanted <= shipped.max || !last.AtCeiling {
		t.Errorf("extreme: want 3 pods and more wanted, got %+v", last)
	}
	if last.CPU < 1.9 || last.CPU > 2.1 || last.Throttled < 0.5 || last.RefusedTotal != int64(s.refused) {
		t.Errorf("extreme: want pods at their limit and %d refused, got %+v", s.refused, last)
	}
}

// After the load the pods go again, but not at once.
func TestScaleDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		wg.Go(func() { s.Start(ctx) })
		load(t, s, 1000, 10)
		time.Sleep(45 * time.Second)
		early, _ := s.Sample(ctx)
		time.Sleep(60 * time.Second)
		late, _ := s.Sample(ctx)
		stop()
		wg.Wait()
		if early.Replicas != 3 || late.Replicas != 1 || late.CPU != 0 {
			t.Errorf("want 3 pods for a minute and then 1 without load, got %+v and %+v", early, late)
		}
	})
}

func (s stage) String() string {
	return fmt.Sprintf("%.1fs %.1f/s p50 %v p95 %v p99 %v refused %d;",
		s.took.Seconds(), s.throughput(), s.percentile(50), s.percentile(95), s.percentile(99), s.refused)
}
