package loader

import (
	"context"
	"fmt"
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

const ms = time.Millisecond

func literal(s string) slo.Template { return slo.Template{{Literal: s}} }

// get is a step GET path with a timeout that no test on loopback should meet.
func get(path string) slo.Step {
	return slo.Step{Request: &slo.Request{Name: "GET " + path, Method: "GET", Path: literal(path), Timeout: 5 * time.Second}}
}

func fileOf(target string, steps ...slo.Step) *slo.File {
	return &slo.File{Target: target, Scenarios: []slo.Scenario{{Name: "main", Weight: 1, Steps: steps}}}
}

func newLoader(t testing.TB, file *slo.File, opts Options) *Loader {
	t.Helper()
	opts.Version = "test"
	l, err := New(file, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// serve starts a server and returns its URL.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func ok(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }

func counted(requests int64, workers int) slo.Stage {
	return slo.Stage{Name: "s", Workload: slo.Workload{Model: slo.Closed, Requests: requests, WorkersFrom: workers, WorkersTo: workers}}
}

func timed(d time.Duration, from, to int) slo.Stage {
	return slo.Stage{Name: "s", Workload: slo.Workload{Model: slo.Closed, Duration: d, WorkersFrom: from, WorkersTo: to}}
}

func rated(rate float64, d time.Duration) slo.Stage {
	return slo.Stage{Name: "s", Workload: slo.Workload{Model: slo.Open, Duration: d, RateFrom: rate, RateTo: rate, Arrivals: slo.Uniform}}
}

// coherent checks what holds for every stage, however it went.
func coherent(t *testing.T, s *result.Stage) {
	t.Helper()
	var steps, slices result.Counters
	var response int64
	for _, st := range s.Steps {
		steps.Add(st.Counters)
	}
	for _, sl := range s.Slices {
		slices.Add(sl.Counters)
		response += sl.Response.Total()
	}
	if steps != s.Counters {
		t.Errorf("steps add up to %+v, stage %+v", steps, s.Counters)
	}
	if slices != s.Counters {
		t.Errorf("slices add up to %+v, stage %+v", slices, s.Counters)
	}
	judged := s.Counters.Judged()
	got := []int64{s.Response.Total(), s.Service.Total(), s.OnTime.Total(), response, s.OK.Total()}
	want := []int64{judged, judged, judged, judged, s.Counters.Success}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values in response, service, on time, slices, ok (-want +got):\n%s", diff)
	}
	if len(s.InFlight) != len(s.Slices) {
		t.Errorf("%d slices, %d counts of requests in flight", len(s.Slices), len(s.InFlight))
	}
}

func TestClosedCountIsExact(t *testing.T) {
	var served atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { served.Add(1); ok(w, r) })
	tests := map[string]struct {
		requests int64
		workers  int
		steps    []slo.Step
	}{
		"one worker":                 {7, 1, []slo.Step{get("/")}},
		"more workers than requests": {3, 8, []slo.Step{get("/")}},
		"not a multiple of steps":    {100, 4, []slo.Step{get("/a"), get("/b"), get("/c")}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			served.Store(0)
			l := newLoader(t, fileOf(url, test.steps...), Options{})
			s := l.Run(t.Context(), counted(test.requests, test.workers))
			coherent(t, s)
			if want := (result.Counters{Success: test.requests}); s.Counters != want || served.Load() != test.requests {
				t.Errorf("counters %+v, served %d, want %d", s.Counters, served.Load(), test.requests)
			}
			if s.State != result.Completed || s.Status[200] != test.requests || s.Duration <= 0 {
				t.Errorf("state %v, status %v, duration %v", s.State, s.Status, s.Duration)
			}
			if opened := s.Generator.Opened; opened > int64(test.workers) || opened+s.Generator.Reused != test.requests {
				t.Errorf("opened %d, reused %d", opened, s.Generator.Reused)
			}
			if s.Connect.Total() != s.Generator.Opened || s.TTFB.Total() != test.requests {
				t.Errorf("connect times %d, first bytes %d", s.Connect.Total(), s.TTFB.Total())
			}
		})
	}
}

func TestClosedDurationStartsNothingAfterIt(t *testing.T) {
	url := serve(t, ok)
	l := newLoader(t, fileOf(url, get("/")), Options{})
	s := l.Run(t.Context(), timed(200*ms, 2, 2))
	coherent(t, s)
	if s.Counters.Success == 0 || s.Counters.Due() != s.Counters.Success {
		t.Errorf("counters %+v", s.Counters)
	}
	if len(s.Slices) != sliceCount {
		t.Errorf("%d slices", len(s.Slices))
	}
}

// Over a ramp of workers that each take a fixed time for an iteration, the
// requests of the second half outnumber the first's when it grows, and the
// other way round.
func TestWorkerRamp(t *testing.T) {
	url := serve(t, ok)
	file := fileOf(url, get("/"), slo.Step{Pause: slo.Pause{Min: 10 * ms, Max: 10 * ms}})
	for _, ends := range [][2]int{{0, 8}, {8, 0}} {
		l := newLoader(t, file, Options{})
		s := l.Run(t.Context(), timed(400*ms, ends[0], ends[1]))
		coherent(t, s)
		var half [2]int64
		for i, sl := range s.Slices {
			half[i*2/len(s.Slices)] += sl.Counters.Success
		}
		if grows := ends[1] > ends[0]; grows != (half[1] > half[0]) {
			t.Errorf("ramp %v: %v requests in the halves", ends, half)
		}
		if s.Generator.Pauses == 0 {
			t.Error("no pauses counted")
		}
	}
}

func TestShiftsFollowTheLine(t *testing.T) {
	for _, ends := range [][2]int{{0, 10}, {10, 0}, {3, 7}, {7, 3}, {5, 5}, {0, 1}} {
		load := slo.Workload{Duration: time.Second, WorkersFrom: ends[0], WorkersTo: ends[1]}
		for at := time.Duration(1); at < time.Second; at += 7 * ms {
			n := 0
			for k := range max(ends[0], ends[1]) {
				if from, to := shiftOf(load, k); from <= at && (to == 0 || at < to) {
					n++
				}
			}
			line := float64(ends[0]) + float64(ends[1]-ends[0])*at.Seconds()
			if off := float64(n) - line; off < -0.51 || off > 0.51 {
				t.Fatalf("ramp %v: %d workers at %v, the line is at %.2f", ends, n, at, line)
			}
		}
	}
}

func TestOpenStartsEveryArrival(t *testing.T) {
	url := serve(t, ok)
	for _, rate := range []float64{200, 3000} {
		l := newLoader(t, fileOf(url, get("/")), Options{})
		s := l.Run(t.Context(), rated(rate, 300*ms))
		coherent(t, s)
		want := int64(rate * 0.3)
		if s.Counters.Due() != want || s.Generator.Lateness.Total() != want-s.Counters.Unsent {
			t.Errorf("at %v/s: %+v, lateness of %d, want %d", rate, s.Counters, s.Generator.Lateness.Total(), want)
		}
		if s.Duration != 300*ms {
			t.Errorf("duration %v", s.Duration)
		}
	}
}

// A service that stalls at first must show it in the response times of all
// that were due meanwhile, though few connections are allowed.
func TestStallIsNotOmitted(t *testing.T) {
	var once sync.Once
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { <-time.After(250 * ms) })
		ok(w, r)
	})
	l := newLoader(t, fileOf(url, get("/")), Options{MaxConnections: 1})
	s := l.Run(t.Context(), rated(100, 500*ms))
	coherent(t, s)
	if s.Counters.Success != 50 {
		t.Fatalf("counters %+v", s.Counters)
	}
	if over := s.Response.Above(100 * ms); over < 12 {
		t.Errorf("%d responses above 100 ms; 15 arrivals were due in the first 150 ms", over)
	}
	if over := s.OnTime.Above(100 * ms); over < 12 {
		t.Errorf("%d above 100 ms on time: the wait for a connection is not the generator's", over)
	}
	if s.Service.Above(100*ms) > 1+s.Counters.Success/10 {
		t.Errorf("%d service times above 100 ms", s.Service.Above(100*ms))
	}
	if s.Generator.ConnectionWait < 500*ms {
		t.Errorf("connection wait %v", s.Generator.ConnectionWait)
	}
}

func TestArrivalsThatFindNoConnectionAreUnsent(t *testing.T) {
	release := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { <-release; ok(w, r) })
	l := newLoader(t, fileOf(url, get("/")), Options{MaxConnections: 2})
	time.AfterFunc(400*ms, func() { close(release) })
	s := l.Run(t.Context(), rated(100, 200*ms))
	coherent(t, s)
	if want := (result.Counters{Success: 2, Unsent: 18}); s.Counters != want {
		t.Errorf("got %+v, want %+v", s.Counters, want)
	}
	if s.Generator.UnsentOwn != 0 {
		t.Errorf("%d of them counted as the generator's own", s.Generator.UnsentOwn)
	}
	if n := s.Response.Above(4 * time.Second); n != 18 {
		t.Errorf("%d count with their timeout of 5 s, want 18", n)
	}
	if last := s.InFlight[len(s.InFlight)-1]; last != 2 {
		t.Errorf("%d in flight at the end of the last slice, want 2", last)
	}
}

func TestCancelAtAnyMoment(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(20 * ms):
		case <-r.Context().Done():
		}
		ok(w, r)
	})
	stages := []slo.Stage{counted(1_000_000, 4), timed(time.Minute, 4, 4), timed(time.Minute, 0, 500), rated(500, time.Minute)}
	for i := range 16 {
		stage := stages[i%len(stages)]
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			l := newLoader(t, fileOf(url, get("/a"), slo.Step{Pause: slo.Pause{Max: 9 * ms}}, get("/b")), Options{MaxConnections: 3, Grace: 10 * ms})
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*i)*ms)
			defer cancel()
			s := l.Run(ctx, stage)
			coherent(t, s)
			if s.State != result.Cancelled || s.Counters.Unsent != 0 || s.Counters.Errors() != 0 {
				t.Errorf("state %v, counters %+v", s.State, s.Counters)
			}
		})
	}
}

func TestStopErrorNamesTheState(t *testing.T) {
	url := serve(t, ok)
	l := newLoader(t, fileOf(url, get("/")), Options{})
	ctx, stop := context.WithCancelCause(t.Context())
	time.AfterFunc(30*ms, func() { stop(&StopError{State: result.Aborted, Reason: "p95 is lost"}) })
	s := l.Run(ctx, rated(100, time.Minute))
	coherent(t, s)
	if s.State != result.Aborted || s.Reason != "p95 is lost" || s.Duration >= time.Minute {
		t.Errorf("state %v, reason %q, duration %v", s.State, s.Reason, s.Duration)
	}
}

func TestDeadTargetStopsTheStage(t *testing.T) {
	var n atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > 20 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	l := newLoader(t, fileOf(url, get("/")), Options{})
	l.dead.window = 200 * ms
	stage := rated(200, time.Minute)
	stage.StopOnDead = true
	s := l.Run(t.Context(), stage)
	coherent(t, s)
	if s.State != result.Dead || s.Counters.BadStatus == 0 {
		t.Errorf("state %v %q, counters %+v", s.State, s.Reason, s.Counters)
	}
}

func TestFailedStepEndsTheIteration(t *testing.T) {
	url := serve(t, http.NotFound)
	l := newLoader(t, fileOf(url, get("/first"), get("/second")), Options{})
	s := l.Run(t.Context(), counted(10, 2))
	coherent(t, s)
	if s.Steps[0].Counters.BadStatus != 10 || s.Steps[1].Counters.Due() != 0 {
		t.Errorf("first %+v, second %+v", s.Steps[0].Counters, s.Steps[1].Counters)
	}
	if len(s.Failures) != failuresKept {
		t.Errorf("%d failures kept", len(s.Failures))
	}
}

func TestSnapshotWhileItRuns(t *testing.T) {
	url := serve(t, ok)
	l := newLoader(t, fileOf(url, get("/")), Options{})
	if l.Snapshot() != nil {
		t.Error("a snapshot before the first stage")
	}
	done := make(chan *result.Stage)
	go func() { done <- l.Run(t.Context(), timed(300*ms, 4, 4)) }()
	var last int64
	for {
		select {
		case s := <-done:
			coherent(t, s)
			if s.Counters.Due() < last {
				t.Errorf("a snapshot had %d requests, the end %d", last, s.Counters.Due())
			}
			if l.Snapshot() != nil {
				t.Error("a snapshot after the stage")
			}
			return
		default:
		}
		if live := l.Snapshot(); live != nil {
			if n := live.Counters.Due(); n < last {
				t.Fatalf("requests fell from %d to %d", last, n)
			}
			last = live.Counters.Due()
		}
	}
}

// The load is the same for a seed, whichever worker does it.
func TestLoadFollowsTheSeed(t *testing.T) {
	record := func(seed uint64, workers int) map[string]int {
		var mu sync.Mutex
		paths := map[string]int{}
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			paths[r.URL.Path]++
		})
		value := slo.Template{{Literal: "/a/"}, {Value: slo.UUID, Escape: slo.EscapePath}}
		file := fileOf(url, slo.Step{Request: &slo.Request{Name: "a", Method: "GET", Path: value, Timeout: time.Second}})
		file.Scenarios = append(file.Scenarios, slo.Scenario{Name: "b", Weight: 3, Steps: []slo.Step{get("/b")}})
		newLoader(t, file, Options{Seed: seed}).Run(t.Context(), counted(200, workers))
		mu.Lock()
		defer mu.Unlock()
		return paths
	}
	first := record(1, 1)
	if diff := cmp.Diff(first, record(1, 5)); diff != "" {
		t.Errorf("one and five workers (-one +five):\n%s", diff)
	}
	if cmp.Equal(first, record(2, 1)) {
		t.Error("another seed gives the same load")
	}
	if n := first["/b"]; n < 120 || n > 180 {
		t.Errorf("%d of 200 iterations are of weight 3 in 4", n)
	}
}

func TestNewRejects(t *testing.T) {
	tests := map[string]*slo.File{
		"no URL":      fileOf("http://user:secret@[::1", get("/")),
		"scheme":      fileOf("ftp://localhost", get("/")),
		"no scenario": {Target: "http://localhost"},
		"no request":  fileOf("http://localhost", slo.Step{Pause: slo.Pause{Max: ms}}),
	}
	for name, file := range tests {
		if _, err := New(file, Options{}); err == nil || cmp.Equal(err.Error(), "") {
			t.Errorf("%s: no error", name)
		}
	}
}

// closedPort is a loopback address at which nothing listens.
func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func BenchmarkClosed64(b *testing.B) {
	url := serve(b, ok)
	l := newLoader(b, fileOf(url, get("/")), Options{})
	b.ReportAllocs()
	b.ResetTimer()
	s := l.Run(b.Context(), counted(int64(b.N), 64))
	b.ReportMetric(float64(s.Counters.Success)/s.Duration.Seconds(), "req/s")
}

// Options.Address moves the connection alone: the service sees the target's
// own name.
func TestAddressLeavesTheHost(t *testing.T) {
	var host atomic.Value
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { host.Store(r.Host) })
	l := newLoader(t, fileOf("http://service.invalid:8080", get("/")), Options{Address: strings.TrimPrefix(url, "http://")})
	if err := l.Ready(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s := l.Run(t.Context(), counted(3, 1))
	coherent(t, s)
	if s.Counters.Success != 3 || host.Load() != "service.invalid:8080" {
		t.Errorf("%+v, host %v", s.Counters, host.Load())
	}
}

func TestNewRejectsAnUnknownEngine(t *testing.T) {
	_, err := New(fileOf("http://localhost", get("/")), Options{Engine: "steam"})
	if err == nil || !strings.Contains(err.Error(), "steam") || !strings.Contains(err.Error(), PortableEngine) {
		t.Errorf("error %v", err)
	}
}
