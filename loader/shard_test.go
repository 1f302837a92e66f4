package loader

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// shardsOf are the shards of a run of n generators.
func shardsOf(n int) []Shard {
	all := make([]Shard, n)
	for i := range all {
		all[i] = Shard{i, n}
	}
	return all
}

func TestShardsSplitTheWorkload(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n, workers := 1+rnd.IntN(9), 1+rnd.IntN(20)
		w := slo.Workload{Model: slo.Closed, Requests: 1 + rnd.Int64N(1e12), WorkersFrom: workers, WorkersTo: workers}
		var sum slo.Workload
		var next int64
		for _, s := range shardsOf(n) {
			part := s.Part(w)
			first, end := s.requests(w)
			if first != next {
				t.Fatalf("%+v of %+v begins at request %d, want %d", s, w, first, next)
			}
			next = end
			sum.Requests += part.Requests
			sum.WorkersFrom += part.WorkersFrom
			sum.WorkersTo += part.WorkersTo
		}
		if sum.Requests != w.Requests || sum.WorkersFrom != workers || sum.WorkersTo != workers {
			t.Fatalf("%d shards of %+v add up to %+v", n, w, sum)
		}
	}
}

// bodies is a service that notes how often each body was sent to it.
func bodies(t *testing.T) (url string, sent func() map[string]int) {
	var mu sync.Mutex
	all := map[string]int{}
	url = serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		all[r.URL.Path+" "+string(body)]++
		mu.Unlock()
	})
	return url, func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		seen := maps.Clone(all)
		clear(all)
		return seen
	}
}

// loadAll loads a file's stages with some shards at the same time and returns
// what each has measured.
func loadAll(t *testing.T, file *slo.File, engine string, shards []Shard) [][]*result.Stage {
	t.Helper()
	all := make([][]*result.Stage, len(shards))
	var wg sync.WaitGroup
	for i, s := range shards {
		l := newLoader(t, file, Options{Engine: engine, Seed: 7, MaxConnections: 500, Shard: s})
		wg.Go(func() {
			for _, stages := range file.Together() {
				all[i] = append(all[i], l.RunTogether(t.Context(), stages)...)
			}
		})
	}
	wg.Wait()
	for _, stages := range all {
		for _, s := range stages {
			coherent(t, s)
		}
	}
	return all
}

// withBodies is a file whose requests hold everything that makes them differ.
func withBodies(t *testing.T, target string, rows int, stages string) *slo.File {
	file := withRows(t, target, rows, ", order: unique", stages)
	src := "version: 1\ntarget: " + target + "\nscenarios:\n  - {name: x, weight: 2, request: POST /x, json: {id: '${uuid}', n: '${random.int(1,1000)}', i: '${iteration}'}}\n" +
		"  - {name: y, request: POST /y, json: {of: '${random.of(a,b,c)}', i: '${iteration}'}}\nstages: [" + stages + "]\n"
	plain, err := slo.Parse([]byte(src), slo.Options{Path: "slo.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range plain.Scenarios {
		plain.Scenarios[i].Data = file.Scenarios[0].Data
	}
	plain.Scenarios[0].Steps[0].Request.Path = file.Scenarios[0].Steps[0].Request.Path
	return plain
}

// Together, shards send every request of an open stage that one generator
// sends, with its row, its scenario and its random values.
func TestShardsSendWhatOneGeneratorSends(t *testing.T) {
	eachEngineAlone(t, func(t *testing.T, engine string) {
		url, sent := bodies(t)
		file := withBodies(t, url, 1000, "{name: a, rate: 20/s..300/s, duration: 300ms, arrivals: poisson}, {name: b, rate: 70/s, duration: 200ms}")
		for try := 1; ; try++ {
			whole := unsent(loadAll(t, file, engine, shardsOf(1)))
			one := sent()
			parts := unsent(loadAll(t, file, engine, shardsOf(3)))
			three := sent()
			if whole+parts > 0 && try < 10 {
				continue // the machine is too busy to send all of them
			}
			if diff := cmp.Diff(one, three); diff != "" || len(one) < 20 {
				t.Errorf("%d requests (-one generator +three shards):\n%s", len(one), diff)
			}
			return
		}
	})
}

func unsent(all [][]*result.Stage) (n int64) {
	for _, stages := range all {
		for _, s := range stages {
			n += s.Counters.Unsent
		}
	}
	return n
}

// The shards of a counted stage send as many requests as it has, and no row
// twice, where there are no more rows than one generator needs.
func TestShardsOfACountedStage(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, came := users(t)
		for _, test := range []struct{ shards, requests, workers int }{{3, 41, 5}, {2, 100, 5}, {5, 3, 2}, {4, 4, 4}, {3, 2, 5}} {
			file := withRows(t, url, test.requests+test.workers, ", order: unique", fmt.Sprintf("{name: a, requests: %d, workers: %d}", test.requests, test.workers))
			var sum int64
			for _, stages := range loadAll(t, file, engine, shardsOf(test.shards)) {
				if s := stages[0]; s.State != result.Completed || s.Counters.Success != s.Counters.Due() {
					t.Errorf("%+v: %s %s %+v", test, s.State, s.Reason, s.Counters)
				}
				sum += stages[0].Counters.Success
			}
			seen := came()
			for id, n := range seen {
				if n != 1 {
					t.Errorf("%+v: row %s was taken %d times", test, id, n)
				}
			}
			if sum != int64(test.requests) || len(seen) != test.requests {
				t.Errorf("%+v: %d requests with %d rows", test, sum, len(seen))
			}
		}
	})
}

// Shards of a counted stage end at different times: their slices are fine enough
// to be added, and those of all together are as many as one generator's.
func TestSlicesOfShards(t *testing.T) {
	st := &step{request: &slo.Request{}}
	shard := func(index int, length time.Duration) *result.Run {
		stage, kept := newSliceSet(0), newStepSlices(0)
		stage.fine, kept.fine = true, true
		part, own := &slicePart{width: fineWidth}, &slicePart{width: fineWidth}
		for at := time.Duration(0); at < length; at += 10 * ms {
			part.add(&outcome{step: st, class: result.Success, due: at, response: ms})
			own.add(&outcome{step: st, class: result.Success, due: at, response: ms})
		}
		stage.collect(part)
		kept.collect(own)
		s := result.Stage{Name: "a", Workload: result.Workload{Model: "closed"}, State: result.Completed, Duration: length, Steps: []result.Step{{Slices: kept.ofStep(length)}}}
		s.Slices, s.InFlight = stage.result(length)
		return &result.Run{Version: result.Version, Shard: result.Shard{Index: index, Count: 2}, Stages: []result.Stage{s}}
	}
	for _, lengths := range [][2]time.Duration{{8 * time.Second, 8300 * ms}, {14 * time.Second, 15900 * ms}, {2 * time.Second, 2 * time.Second}} {
		m, err := result.MergeShards([]*result.Run{shard(1, lengths[0]), shard(2, lengths[1])})
		if err != nil {
			t.Fatal(err)
		}
		s := m.Stages[0]
		if len(s.InFlight) != slo.SliceCount {
			t.Errorf("%v: in flight %v", lengths, s.InFlight)
		}
		for of, list := range map[string][]result.Slice{"stage": s.Slices, "step": s.Steps[0].Slices} {
			var end time.Duration
			for _, slice := range list {
				if perSecond := float64(slice.Counters.Success) / slice.Width.Seconds(); slice.Offset != end || slice.Offset+slice.Width <= lengths[0] && perSecond != 200 {
					t.Errorf("%v, %s: slice at %v after %v has %v requests a second", lengths, of, slice.Offset, end, perSecond)
				}
				end = slice.Offset + slice.Width
			}
			if len(list) != slo.SliceCount || end != lengths[1] {
				t.Errorf("%v: the %s has %d slices until %v", lengths, of, len(list), end)
			}
		}
	}
}

// Shards stay in step where some have no worker of a stage, or theirs leave first.
func TestShardsWithoutWorkersWait(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, _ := bodies(t)
		file, err := slo.Parse([]byte("version: 1\ntarget: "+url+"\nscenarios: [{request: GET /}]\nstages:\n"+
			"  [{name: a, workers: 1, duration: 300ms}, {name: b, workers: 3..0, duration: 300ms}, {name: c, rate: 30/s, duration: 200ms}]\n"), slo.Options{Path: "slo.yaml"})
		if err != nil {
			t.Fatal(err)
		}
		for i, stages := range loadAll(t, file, engine, shardsOf(3)) {
			for j, s := range stages[1:] {
				if took := s.Start.Sub(stages[j].Start); took < 300*ms {
					t.Errorf("shard %d: stage %s began %v after %s, which lasts 300 ms", i, s.Name, took, stages[j].Name)
				}
			}
			if none := stages[0].Counters.Due() == 0; none != (i > 0) {
				t.Errorf("shard %d: %d requests of one worker", i, stages[0].Counters.Due())
			}
		}
	})
}

// Users of different shards and of workloads at the same time have numbers of
// their own.
func TestShardsNumberTheirUsers(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, sent := bodies(t)
		src := "version: 1\ntarget: " + url + "\nscenarios: [{name: x, session: iteration, request: 'GET /${worker}', start: [{request: 'GET /start/${worker}'}]}]\n" +
			"stages: [{name: a, parallel: [{name: w, requests: 60, workers: 5}, {name: v, requests: 9, workers: 2}, {name: r, rate: 100/s, duration: 100ms}]}]\n"
		file, err := slo.Parse([]byte(src), slo.Options{Path: "slo.yaml"})
		if err != nil {
			t.Fatal(err)
		}
		loadAll(t, file, engine, shardsOf(3))
		for request, n := range sent() {
			var number int
			if _, err := fmt.Sscanf(request, "/start/%d", &number); err == nil && n > 1 {
				t.Errorf("user %d started %d times", number, n)
			}
		}
	})
}

// A limit on the rate holds for all shards together.
func TestShardsShareTheLimits(t *testing.T) {
	plans := []slo.Stage{counted(10, 5), counted(10, 2), rated(100, 300*ms)}
	for n := 1; n < 9; n++ {
		rate, connections := 0.0, 0
		for _, s := range shardsOf(n) {
			part := s.limits(slo.Limits{Rate: 70}, plans...)
			if own := s.of(5) + s.of(2); own > 0 {
				rate += part.Rate
			}
			connections += s.of(11)
		}
		if rate < 69.999 || rate > 70.001 || connections != 11 {
			t.Errorf("%d shards have %v requests a second and %d connections together, want 70 and 11", n, rate, connections)
		}
	}
}
