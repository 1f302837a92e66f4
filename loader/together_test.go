package loader

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// mixed are a stage of arrivals and a stage of workers, each of a scenario of
// its own.
func mixed(url string) (*slo.File, []slo.Stage) {
	file := fileOf(url)
	file.Scenarios = []slo.Scenario{
		{Name: "browse", Weight: 1, Steps: []slo.Step{get("/browse/${worker}")}},
		{Name: "order", Weight: 1, Steps: []slo.Step{get("/order/${worker}")}},
	}
	for i, path := range []string{"/browse/", "/order/"} {
		file.Scenarios[i].Steps[0].Request.Path = slo.Template{{Literal: path}, {Value: slo.Worker}}
	}
	reads, writes := rated(200, 500*ms), counted(60, 3)
	reads.Name, reads.Scenarios, reads.Parallel = "mixed/reads", []string{"browse"}, "mixed"
	writes.Name, writes.Scenarios, writes.Parallel = "mixed/writes", []string{"order"}, "mixed"
	return file, []slo.Stage{reads, writes}
}

// Workloads run at the same time, each counted by itself and with users of its
// own.
func TestRunTogether(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		attempts(t, func(scale time.Duration) string { return runsTogether(t, engine, scale) })
	})
}

func runsTogether(t *testing.T, engine string, scale time.Duration) (complaint string) {
	var mu sync.Mutex
	users := map[string]map[string]bool{"browse": {}, "order": {}}
	arrived := make(chan struct{})
	var once sync.Once
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		what, user, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		mu.Lock()
		users[what][user] = true
		mu.Unlock()
		if what == "browse" {
			once.Do(func() { close(arrived) })
			return
		}
		select { // an order is answered only when somebody browses meanwhile
		case <-arrived:
		case <-time.After(10 * time.Second):
			once.Do(func() { close(arrived) }) // one wait says it
			w.WriteHeader(503)
		}
	})
	file, stages := mixed(url)
	stages[0].Workload = rated(200/float64(scale), scale*500*ms).Workload
	l := newLoader(t, file, Options{Engine: engine})
	all := l.RunTogether(t.Context(), stages)
	if complaint := idle(all[0]); complaint != "" {
		return complaint
	}
	for i, want := range []int64{100, 60} {
		coherent(t, all[i])
		// A stalled machine leaves arrivals unsent.
		if c := all[i].Counters; all[i].Name != stages[i].Name || all[i].State != result.Completed || c.Success+c.Unsent != want {
			t.Errorf("%s: %s, %+v, want %d requests", all[i].Name, all[i].State, c, want)
		}
		if diff := cmp.Diff([]result.Workload{Describe(stages[1-i].Workload)}, all[i].Beside); diff != "" {
			t.Errorf("%s ran beside (-want +got):\n%s", all[i].Name, diff)
		}
		if len(all[i].Steps) != 1 || all[i].Steps[0].Scenario != stages[i].Scenarios[0] {
			t.Errorf("%s has the steps %+v", all[i].Name, all[i].Steps)
		}
	}
	if !all[0].Start.Equal(all[1].Start) {
		t.Errorf("they began at %v and %v", all[0].Start, all[1].Start)
	}
	mu.Lock()
	defer mu.Unlock()
	for user := range users["order"] { // not all of them where one is faster
		if user != "0" && user != "1" && user != "2" {
			t.Errorf("an order by user %s", user)
		}
	}
	for user := range users["browse"] {
		if users["order"][user] {
			t.Errorf("user %s browses and orders", user)
		}
	}
	if l.Snapshots() != nil {
		t.Error("stages are shown that have ended")
	}
	return ""
}

// A target that is dead for one workload ends the others, too.
func TestTogetherEndsWithTheDead(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/order") {
				w.WriteHeader(503)
			}
		})
		file, stages := mixed(url)
		stages[0].Workload.Duration = time.Hour
		stages[1].Workload.Requests, stages[1].Workload.Duration = 0, time.Hour
		stages[1].StopOnDead = true
		l := newLoader(t, file, Options{Engine: engine})
		l.dead = deadRule{window: 200 * ms, requests: 10, share: 0.9}
		all := l.RunTogether(t.Context(), stages)
		if s := all[1]; s.State != result.Dead {
			t.Errorf("writes: %s, %s", s.State, s.Reason)
		}
		if s := all[0]; s.State != result.Dead || s.Reason != "in mixed/writes: "+all[1].Reason || s.Counters.Success == 0 {
			t.Errorf("reads: %s, %q, %+v", s.State, s.Reason, s.Counters)
		}
	})
}

// A cancel ends all of them.
func TestTogetherObeysCancel(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		url := serve(t, func(http.ResponseWriter, *http.Request) { cancel() })
		file, stages := mixed(url)
		stages[0].Workload.Duration = time.Hour
		stages[1].Workload.Requests, stages[1].Workload.Duration = 0, time.Hour
		for _, s := range newLoader(t, file, Options{Engine: engine}).RunTogether(ctx, stages) {
			coherent(t, s)
			if s.State != result.Cancelled {
				t.Errorf("%s: %s", s.Name, s.State)
			}
		}
	})
}

// The limits hold for all workloads together: what the rate leaves is for the
// workers.
func TestTogetherWithinLimits(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		file, stages := mixed(serve(t, ok))
		file.Limits = slo.Limits{Rate: 250, Connections: 5}
		all := newLoader(t, file, Options{Engine: engine}).RunTogether(t.Context(), stages)
		// 60 requests at the 50/s that 200/s leave.
		if s := all[1]; s.Counters.Due() != 60 || s.Duration < 59*20*ms {
			t.Errorf("%d requests of workers in %v, want 60 in 1.18 s or more", s.Counters.Due(), s.Duration)
		}
		// A workload may go on with a connection that the other one has opened.
		if opened := all[0].Generator.Opened + all[1].Generator.Opened; opened > 5 {
			t.Errorf("%d connections were opened, the limits permit 5", opened)
		}
	})
}

func TestShareConnections(t *testing.T) {
	open, workers := rated(10, time.Second), func(n int) slo.Stage { return counted(10, n) }
	for _, test := range []struct {
		total  int
		stages []slo.Stage
		want   []int
	}{
		{1000, []slo.Stage{open, workers(5)}, []int{995, 5}},
		{1000, []slo.Stage{open, open, workers(100), workers(50)}, []int{425, 425, 100, 50}},
		{6, []slo.Stage{open, workers(5)}, []int{1, 5}},
		{3, []slo.Stage{open, workers(5)}, []int{1, 2}},
		{1, []slo.Stage{open, workers(5)}, []int{1, 1}},
	} {
		if got := shareConnections(test.total, test.stages); !cmp.Equal(test.want, got) {
			t.Errorf("%d connections for %d stages: %v, want %v", test.total, len(test.stages), got, test.want)
		}
	}
}

// While others go on, a workload that has ended is shown as it ended: what looks
// at windows of its time must not take the rest for a standstill.
func TestEndedWorkloadsAgeNoMore(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		attempts(t, func(scale time.Duration) string {
			file, stages := mixed(serve(t, ok))
			stages[0].Workload.Duration *= scale
			stages[1].Workload.Requests = 10
			l := newLoader(t, file, Options{Engine: engine})
			done := make(chan []*result.Stage, 1)
			go func() { done <- l.RunTogether(t.Context(), stages) }()
			lasted, shown := watchSecond(l, done)
			for _, d := range shown {
				if d != lasted {
					t.Fatalf("it lasted %v, and was shown to last %v", lasted, d)
				}
			}
			if len(shown) == 0 {
				return "it was never shown beside the other one"
			}
			return ""
		})
	})
}

// watchSecond returns how long the second of two workloads lasted, and how long
// it was shown to have lasted after its end.
func watchSecond(l *Loader, done <-chan []*result.Stage) (lasted time.Duration, shown []time.Duration) {
	var before *result.Stage
	look := time.NewTicker(5 * ms)
	defer look.Stop()
	for {
		select {
		case all := <-done:
			return all[1].Duration, shown
		case <-look.C:
			live := l.Snapshots()
			if len(live) < 2 {
				continue
			}
			if live[1] == before { // nothing is measured any more
				shown = append(shown, before.Duration)
			}
			before = live[1]
		}
	}
}

// Idle connections of the stages before count among those that there may be.
func TestConnectionsKeepToTheirLimit(t *testing.T) {
	const limit = 6
	one, other := rated(500, 100*ms), rated(500, 100*ms)
	one.Name, other.Name = "one", "other"
	alone, together := []slo.Stage{one}, []slo.Stage{one, other}
	for name, stages := range map[string][][]slo.Stage{
		"alone":               {alone, alone},
		"alone after several": {together, alone},
		"several after one":   {alone, together},
	} {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, engine string) {
				var open atomic.Int64
				s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					<-time.After(20 * ms) // so that arrivals want more of them
					ok(w, r)
				}))
				s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
					switch state {
					case http.StateNew:
						open.Add(1)
					case http.StateClosed:
						open.Add(-1)
					}
				}
				s.Start()
				t.Cleanup(s.Close)
				file := fileOf(s.URL, get("/"))
				file.Limits.Connections = limit
				l := newLoader(t, file, Options{Engine: engine})
				for _, plans := range stages {
					l.RunTogether(t.Context(), plans)
				}
				for wait := ms; wait < 10*time.Second && open.Load() > limit; wait *= 2 {
					<-time.After(wait) // the server hears of their end a moment later
				}
				if n := open.Load(); n == 0 || n > limit {
					t.Errorf("%d connections are open, want %d at most", n, limit)
				}
			})
		})
	}
}
