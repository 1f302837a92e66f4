package loader

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

const ms = time.Millisecond

func literal(s string) slo.Template { return slo.Template{{Literal: s}} }

// patience is a timeout that no test on loopback should meet, however busy the
// machine is.
const patience = 20 * time.Second

// get is a step GET path.
func get(path string) slo.Step {
	return slo.Step{Request: &slo.Request{Name: "GET " + path, Method: "GET", Path: literal(path), Timeout: patience}}
}

// attempts lets a test try again that needs a machine which does not stall, each
// time with twice the time: stalls do not grow with it. One attempt that has
// nothing to complain of shows what is to be shown.
func attempts(t *testing.T, try func(scale time.Duration) (complaint string)) {
	t.Helper()
	for scale := time.Duration(1); ; scale *= 2 {
		complaint := try(scale)
		if complaint == "" {
			return
		}
		if scale == 16 {
			t.Fatal(complaint)
		}
		t.Logf("with %d times the time: %s", scale, complaint)
	}
}

// idle complains of a stage of which no request succeeded, as where the machine
// stalled from its beginning to its end.
func idle(s *result.Stage) (complaint string) {
	if s.Counters.Success > 0 {
		return ""
	}
	return fmt.Sprintf("none succeeded in %v: %+v", s.Duration, s.Counters)
}

// delivered checks that all arrivals of a stage were answered, but for those
// that a stalled machine did not come to.
func delivered(t *testing.T, s *result.Stage, due int64) {
	t.Helper()
	if c, own := s.Counters, s.Generator.UnsentOwn; c.Due() != due || c.Success+own != due {
		t.Errorf("%+v, %d of them not started by the generator, want %d answered: %+v", c, own, due, s.Failures)
	}
}

func fileOf(target string, steps ...slo.Step) *slo.File {
	return &slo.File{Target: target, Scenarios: []slo.Scenario{{Name: "main", Weight: 1, Steps: steps}}}
}

func newLoader(t testing.TB, file *slo.File, opts Options) *Loader {
	t.Helper()
	if strings.HasPrefix(file.Target, "https:") && opts.Engine != "" && opts.Engine != PortableEngine {
		t.Skipf("engine %s speaks clear text only", opts.Engine)
	}
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
	readable(t, s)
}

// readable checks that the result of a stage can be read again once it is
// written.
func readable(t *testing.T, s *result.Stage) {
	t.Helper()
	var file bytes.Buffer
	if err := result.Encode(&file, &result.Run{Version: result.Version, Stages: []result.Stage{*s}}); err != nil {
		t.Fatal(err)
	}
	if _, err := result.Decode(&file); err != nil {
		t.Errorf("its result cannot be read again: %v", err)
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

// closedPort is a loopback address at which nothing listens: of no port that the
// system gives to whoever asks for any, as other tests do.
const closedPort = "127.0.0.1:1019"

// responder answers every request on a connection with the same bytes, and
// allocates nothing for one: what a benchmark counts is the generator's.
func responder(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buffer := make([]byte, 4096)
				for {
					if _, err := c.Read(buffer); err != nil {
						return
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// A request allocates nothing, whatever a stage and its first requests do.
func TestTheLoopAllocatesNothing(t *testing.T) {
	l := newLoader(t, fileOf(responder(t), get("/")), Options{})
	if l.engine.name() == PortableEngine {
		t.Skip("the portable engine's goroutines allocate")
	}
	const few, many = 5_000, 45_000
	allocations := func(requests int64) (n, seconds float64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := l.Run(t.Context(), counted(requests, 8))
		if s.Counters.Success != requests {
			t.Fatalf("%+v", s.Counters)
		}
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs - before.Mallocs), s.Duration.Seconds()
	}
	allocations(few)
	a, _ := allocations(few)
	b, seconds := allocations(many)
	// The slices and the threads of a stage cost some for as long as it lasts.
	if most := 0.02*(many-few) + 500*seconds; b-a > most {
		t.Errorf("%v allocations for %d requests, %v for %d in %.1f s, at most %.0f more", a, few, b, many, seconds, most)
	}
}

// BenchmarkEngine is the best engine of the system with 64 connections.
func BenchmarkEngine(b *testing.B) {
	l := newLoader(b, fileOf(responder(b), get("/")), Options{})
	b.ReportAllocs()
	b.ResetTimer()
	s := l.Run(b.Context(), counted(int64(b.N), 64))
	b.ReportMetric(float64(s.Counters.Success)/s.Duration.Seconds(), "req/s")
}
