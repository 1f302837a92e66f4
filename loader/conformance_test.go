package loader

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/loader/http1"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// The conformance suite says what every engine does. What is asserted here is
// seen from outside: results, and what a server on loopback saw.

// eachEngine runs a test once for each engine of this system, beside other
// tests.
func eachEngine(t *testing.T, test func(t *testing.T, engine string)) {
	t.Parallel()
	eachEngineAlone(t, test)
}

// eachEngineAlone is eachEngine for a test that a busy machine would disturb:
// nothing but the engines themselves run side by side.
func eachEngineAlone(t *testing.T, test func(t *testing.T, engine string)) {
	for _, engine := range Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

func TestClosedCountIsExact(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
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
				l := newLoader(t, fileOf(url, test.steps...), Options{Engine: engine})
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
	})
}

func TestClosedDurationStartsNothingAfterIt(t *testing.T) {
	eachEngineAlone(t, func(t *testing.T, engine string) {
		l := newLoader(t, fileOf(serve(t, ok), get("/")), Options{Engine: engine})
		attempts(t, func(scale time.Duration) (complaint string) {
			s := l.Run(t.Context(), timed(scale*200*ms, 2, 2))
			coherent(t, s)
			if s.Counters.Due() != s.Counters.Success || len(s.Slices) != sliceCount {
				t.Errorf("counters %+v in %d slices", s.Counters, len(s.Slices))
			}
			return idle(s)
		})
	})
}

// Over a ramp of workers that each take a fixed time for an iteration, the
// requests of the second half outnumber the first's when it grows, and the
// other way round.
func TestWorkerRamp(t *testing.T) {
	eachEngineAlone(t, func(t *testing.T, engine string) {
		url := serve(t, ok)
		for _, ends := range [][2]int{{0, 8}, {8, 0}} {
			attempts(t, func(scale time.Duration) string {
				file := fileOf(url, get("/"), slo.Step{Pause: slo.Pause{Min: 10 * scale * ms, Max: 10 * scale * ms}})
				l := newLoader(t, file, Options{Engine: engine})
				s := l.Run(t.Context(), timed(400*scale*ms, ends[0], ends[1]))
				coherent(t, s)
				if s.Generator.Pauses == 0 {
					return "no pauses counted"
				}
				var half [2]int64
				for i, sl := range s.Slices {
					half[i*2/len(s.Slices)] += sl.Counters.Success
				}
				if grows := ends[1] > ends[0]; grows != (half[1] > half[0]) {
					return fmt.Sprintf("ramp %v: %v requests in the halves", ends, half)
				}
				return ""
			})
		}
	})
}

func TestOpenStartsEveryArrival(t *testing.T) {
	eachEngineAlone(t, func(t *testing.T, engine string) {
		url := serve(t, ok)
		for _, rate := range []float64{200, 3000} {
			l := newLoader(t, fileOf(url, get("/")), Options{Engine: engine})
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
	})
}

// A service that stalls at first must show it in the response times of all
// that were due meanwhile, though few connections are allowed.
func TestStallIsNotOmitted(t *testing.T) {
	eachEngineAlone(t, func(t *testing.T, engine string) {
		attempts(t, func(scale time.Duration) string {
			var once sync.Once
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				once.Do(func() { <-time.After(250 * scale * ms) })
				ok(w, r)
			})
			l := newLoader(t, fileOf(url, get("/")), Options{Engine: engine, MaxConnections: 1})
			s := l.Run(t.Context(), rated(100/float64(scale), 500*scale*ms))
			coherent(t, s)
			long := 100 * scale * ms
			service := s.Service.Above(long)
			if s.Counters.Success != 50 || service > 5 {
				return fmt.Sprintf("not the service alone stalled: %+v, %d service times above %v", s.Counters, service, long)
			}
			if over := s.Response.Above(long); over < 12 {
				t.Errorf("%d responses above %v; 15 arrivals were due in the first %v", over, long, long*3/2)
			}
			if s.Generator.ConnectionWait < 5*long {
				t.Errorf("connection wait %v", s.Generator.ConnectionWait)
			}
			if over := s.OnTime.Above(long); over < 12 {
				return fmt.Sprintf("%d above %v on time: the wait for a connection is not the generator's", over, long)
			}
			return ""
		})
	})
}

func TestArrivalsThatFindNoConnectionAreUnsent(t *testing.T) {
	eachEngineAlone(t, func(t *testing.T, engine string) {
		attempts(t, func(scale time.Duration) string {
			release := make(chan struct{})
			url := serve(t, func(w http.ResponseWriter, r *http.Request) { <-release; ok(w, r) })
			l := newLoader(t, fileOf(url, get("/")), Options{Engine: engine, MaxConnections: 2})
			time.AfterFunc(400*scale*ms, func() { close(release) })
			s := l.Run(t.Context(), rated(100/float64(scale), 200*scale*ms))
			coherent(t, s)
			if want := (result.Counters{Success: 2, Unsent: 18}); s.Counters != want {
				return fmt.Sprintf("got %+v, want %+v", s.Counters, want)
			}
			if s.Generator.UnsentOwn != 0 {
				return fmt.Sprintf("%d of them counted as the generator's own", s.Generator.UnsentOwn)
			}
			if n := s.Response.Above(patience * 99 / 100); n != 18 {
				t.Errorf("%d count with their timeout of %v, want 18", n, patience)
			}
			if last := s.InFlight[len(s.InFlight)-1]; last != 2 {
				return fmt.Sprintf("%d in flight at the end of the last slice, want 2", last)
			}
			return ""
		})
	})
}

func TestCancelAtAnyMoment(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
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
				l := newLoader(t, fileOf(url, get("/a"), slo.Step{Pause: slo.Pause{Max: 9 * ms}}, get("/b")), Options{Engine: engine, MaxConnections: 3, Grace: 10 * ms})
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*i)*ms)
				defer cancel()
				s := l.Run(ctx, stage)
				coherent(t, s)
				if s.State != result.Cancelled || s.Counters.Unsent != 0 || s.Counters.Errors() != 0 {
					t.Errorf("state %v, counters %+v", s.State, s.Counters)
				}
			})
		}
	})
}

// overdue is a context whose deadline has passed and that is not cancelled yet,
// as a busy machine makes it.
type overdue struct{ context.Context }

func (overdue) Deadline() (time.Time, bool) { return time.Now().Add(-time.Second), true }

// A stage is not over by a deadline of the run that has not cancelled it: it
// would have come to its end with nothing sent.
func TestDeadlineOfTheRunIsNoEndOfAStage(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		l := newLoader(t, fileOf(serve(t, ok), get("/")), Options{Engine: engine})
		attempts(t, func(scale time.Duration) (complaint string) {
			s := l.Run(overdue{t.Context()}, timed(scale*300*ms, 2, 2))
			coherent(t, s)
			if s.State != result.Completed {
				t.Errorf("state %v, counters %+v", s.State, s.Counters)
			}
			return idle(s)
		})
	})
}

func TestStopErrorNamesTheState(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, ok)
		l := newLoader(t, fileOf(url, get("/")), Options{Engine: engine})
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(30*ms, func() { stop(&StopError{State: result.Aborted, Reason: "p95 is lost"}) })
		s := l.Run(ctx, rated(100, time.Minute))
		coherent(t, s)
		if s.State != result.Aborted || s.Reason != "p95 is lost" || s.Duration >= time.Minute {
			t.Errorf("state %v, reason %q, duration %v", s.State, s.Reason, s.Duration)
		}
	})
}

// Of stages that run at the same time, the one whose objective is lost says so,
// and the others name it.
func TestLostObjectiveEndsTheOthers(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, ok)
		l := newLoader(t, fileOf(url, get("/")), Options{Engine: engine})
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(30*ms, func() {
			stop(&StopError{State: result.Aborted, Reason: "p95 <= 1s: is lost", Stage: "writes", Lost: "p95 <= 1s"})
		})
		reads, writes := rated(100, time.Minute), rated(100, time.Minute)
		reads.Name, writes.Name = "reads", "writes"
		got := l.RunTogether(ctx, []slo.Stage{reads, writes})
		for i, want := range []ending{{result.Aborted, "in writes: p95 <= 1s: is lost", ""}, {result.Aborted, "p95 <= 1s: is lost", "p95 <= 1s"}} {
			if s := got[i]; (ending{s.State, s.Reason, s.Lost}) != want {
				t.Errorf("%s ended as %s (%s), lost %q; want %+v", s.Name, s.State, s.Reason, s.Lost, want)
			}
		}
	})
}

func TestDeadTargetStopsTheStage(t *testing.T) {
	eachEngineAlone(t, func(t *testing.T, engine string) {
		var n atomic.Int64
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) > 20 {
				w.WriteHeader(http.StatusBadGateway)
			}
		})
		l := newLoader(t, fileOf(url, get("/")), Options{Engine: engine})
		l.dead.window = 200 * ms
		stage := rated(200, time.Minute)
		stage.StopOnDead = true
		s := l.Run(t.Context(), stage)
		coherent(t, s)
		if s.State != result.Dead || s.Counters.BadStatus == 0 {
			t.Errorf("state %v %q, counters %+v", s.State, s.Reason, s.Counters)
		}
	})
}

// Arrivals that wait for a connection when the target is found dead are unsent:
// nobody has cancelled the run.
func TestArrivalsInLineAtADeadTargetAreUnsent(t *testing.T) {
	eachEngineAlone(t, func(t *testing.T, engine string) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			<-time.After(50 * ms)
			w.WriteHeader(http.StatusBadGateway)
		})
		l := newLoader(t, fileOf(url, get("/")), Options{Engine: engine, MaxConnections: 4})
		l.dead.window = 300 * ms
		stage := rated(400, time.Minute)
		stage.StopOnDead = true
		s := l.Run(t.Context(), stage)
		coherent(t, s)
		if s.State != result.Dead || s.Counters.Unsent == 0 || s.Counters.Cancelled != 0 {
			t.Errorf("state %v, %+v", s.State, s.Counters)
		}
	})
}

func TestFailedStepEndsTheIteration(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, http.NotFound)
		l := newLoader(t, fileOf(url, get("/first"), get("/second")), Options{Engine: engine})
		s := l.Run(t.Context(), counted(10, 2))
		coherent(t, s)
		if s.Steps[0].Counters.BadStatus != 10 || s.Steps[1].Counters.Due() != 0 {
			t.Errorf("first %+v, second %+v", s.Steps[0].Counters, s.Steps[1].Counters)
		}
		if len(s.Failures) != failuresKept {
			t.Errorf("%d failures kept", len(s.Failures))
		}
	})
}

func TestSnapshotWhileItRuns(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, ok)
		l := newLoader(t, fileOf(url, get("/")), Options{Engine: engine})
		if l.Snapshots() != nil {
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
				if l.Snapshots() != nil {
					t.Error("a snapshot after the stage")
				}
				return
			default:
			}
			if all := l.Snapshots(); all != nil {
				live := all[0]
				if n := live.Counters.Due(); n < last {
					t.Fatalf("requests fell from %d to %d", last, n)
				}
				last = live.Counters.Due()
			}
		}
	})
}

// The load is the same for a seed, whichever worker does it.
func TestLoadFollowsTheSeed(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		record := func(seed uint64, workers int) map[string]int {
			var mu sync.Mutex
			paths := map[string]int{}
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				paths[r.URL.Path]++
			})
			value := slo.Template{{Literal: "/a/"}, {Value: slo.UUID, Escape: slo.EscapePath}}
			file := fileOf(url, slo.Step{Request: &slo.Request{Name: "a", Method: "GET", Path: value, Timeout: patience}})
			file.Scenarios = append(file.Scenarios, slo.Scenario{Name: "b", Weight: 3, Steps: []slo.Step{get("/b")}})
			newLoader(t, file, Options{Engine: engine, Seed: seed}).Run(t.Context(), counted(200, workers))
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
	})
}

// Options.Address moves the connection alone: the service sees the target's
// own name.
func TestAddressLeavesTheHost(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		var host atomic.Value
		url := serve(t, func(w http.ResponseWriter, r *http.Request) { host.Store(r.Host) })
		l := newLoader(t, fileOf("http://service.invalid:8080", get("/")), Options{Engine: engine, Address: strings.TrimPrefix(url, "http://")})
		if err := l.Ready(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		s := l.Run(t.Context(), counted(3, 1))
		coherent(t, s)
		if s.Counters.Success != 3 || host.Load() != "service.invalid:8080" {
			t.Errorf("%+v, host %v", s.Counters, host.Load())
		}
	})
}

func TestChecks(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"species": "setosa", "n": 3}`)
		})
		html := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<p>no json</p>") })
		tests := []struct {
			url, check string
			want       result.Class
		}{
			{url, `status == 200`, result.Success},
			{url, `status == 404`, result.FailedCheck},
			{url, `json.species in ["setosa", "versicolor"]`, result.Success},
			{url, `json.n == 4`, result.FailedCheck},
			{url, `body contains "species"`, result.Success},
			{url, `size == 29`, result.Success},
			{url, `header["content-type"] contains "json"`, result.Success},
			{url, `latency < 1h`, result.Success},
			{url, `latency > 1h`, result.FailedCheck},
			{html, `json.species == "setosa"`, result.FailedCheck},
		}
		for _, test := range tests {
			t.Run(test.check, func(t *testing.T) {
				file := parse(t, test.url, "  - name: a\n    steps:\n      - {request: GET /, checks: ['"+test.check+"']}")
				s := newLoader(t, file, Options{Engine: engine}).Run(t.Context(), counted(2, 1))
				coherent(t, s)
				if *s.Counters.Of(test.want) != 2 {
					t.Errorf("%+v %+v", s.Counters, s.Failures)
				}
				if test.want == result.FailedCheck && !strings.Contains(s.Failures[0].Detail, test.check) {
					t.Errorf("detail %q does not name the check", s.Failures[0].Detail)
				}
			})
		}
	})
}

func TestSamplesAreSafe(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		const secret = "hunter2hunter2"
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			fmt.Fprintf(w, "\x1b[2J\n::error::%s\xff%s", r.Header.Get("X-Key"), strings.Repeat("x", 1<<20))
		})
		step := get("/")
		step.Request.Headers = []slo.Header{{Name: "X-Key", Value: literal(secret)}}
		file := fileOf(url, step)
		file.Secrets = []string{secret}
		s := newLoader(t, file, Options{Engine: engine}).Run(t.Context(), counted(20, 2))
		if len(s.Failures) != failuresKept || len(s.Slowest) != slowestKept {
			t.Fatalf("%d failures, %d slowest", len(s.Failures), len(s.Slowest))
		}
		for _, sample := range append(s.Failures, s.Slowest...) {
			if !strings.HasPrefix(sample.Body, `\x1b[2J\n::error::***`+"\uFFFD"+"xxx") || len(sample.Body) > sampleBytes {
				t.Errorf("body %.60q… of %d bytes", sample.Body, len(sample.Body))
			}
			if sample.Class != result.BadStatus || sample.Status != 500 || sample.Response <= 0 || sample.Detail != "status 500" {
				t.Errorf("sample %+v", sample)
			}
		}
	})
}

// Of a long secret in a line that is no HTTP not even the beginning is shown.
func TestMalformedAnswersAreSafe(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		key := "hunter2" + strings.Repeat("0123456789", 100)
		for _, head := range []string{"", "HTTP/1.1 200 OK\r\n"} {
			url, _ := raw(t, says(head+strings.Repeat("x", 40)+key+"\r\n\r\n"))
			file := fileOf(url, get("/"))
			file.Secrets = []string{key}
			l := newLoader(t, file, Options{Engine: engine})
			s := l.Run(t.Context(), counted(1, 1))
			if len(s.Failures) != 1 || s.Failures[0].Class != result.Protocol || !strings.HasSuffix(s.Failures[0].Detail, `xxx***"`) {
				t.Errorf("after %q: %+v", head, s.Failures)
			}
			var b bytes.Buffer
			if err := l.Once(t.Context(), &b); err != nil || strings.Contains(b.String(), "hunter2") || !strings.Contains(b.String(), `xxx***"`) {
				t.Errorf("after %q: %v\n%s", head, err, b.String())
			}
		}
	})
}

func TestEndlessBodyIsBounded(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, _ := raw(t, pours(okHead+"\r\n", strings.Repeat("x", 1<<20)))
		step := get("/")
		step.Request.Timeout = time.Minute
		s := newLoader(t, fileOf(url, step), Options{Engine: engine}).Run(t.Context(), counted(1, 1))
		if s.Counters.Protocol != 1 || s.BytesIn < http1.MaxBody || s.BytesIn > 2*http1.MaxBody {
			t.Errorf("%+v, %d bytes", s.Counters, s.BytesIn)
		}
	})
}

// A server that closes each connection after some answers, with and without
// saying so, must be asked exactly as often as there were requests.
func TestNothingIsSentTwice(t *testing.T) {
	answers := map[string][]string{
		"says so":     {okTwo, okHead + "Connection: close\r\nContent-Length: 2\r\n\r\nok"},
		"does not":    {okTwo, okTwo},
		"in mid-life": {okTwo, ""},
	}
	for name, says := range answers {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, engine string) {
				url, saw := raw(t, func(p *peer) {
					for i, text := range says {
						if i > 0 && !p.head() {
							return
						}
						p.say(text)
					}
				})
				s := newLoader(t, fileOf(url, get("/")), Options{Engine: engine}).Run(t.Context(), counted(60, 3))
				coherent(t, s)
				// A request that met the closing connection may not have been read.
				heads := saw.heads.Load()
				if s.Counters.Success+s.Counters.Reset != 60 || heads > 60 || heads < s.Counters.Success {
					t.Errorf("%+v, the server read %d requests", s.Counters, heads)
				}
				if name == "in mid-life" && s.Counters.Reset < 25 {
					t.Errorf("%d resets; every second request was cut off", s.Counters.Reset)
				}
			})
		})
	}
}

// An upload that the server cut off in the middle has been there: that it is sent
// again would hide that it failed.
func TestNoUploadIsSentTwice(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, saw := raw(t, func(p *peer) {
			if !p.rest() || !p.say(okTwo) || !p.head() {
				return
			}
			io.CopyN(io.Discard, p.request.Body, 64<<10)
			p.CloseWrite() // then the socket: what is still to come is refused
		})
		step := get("/")
		step.Request.Method, step.Request.Body = "POST", literal(strings.Repeat("x", mib))
		s := newLoader(t, fileOf(url, step), Options{Engine: engine}).Run(t.Context(), counted(60, 1))
		coherent(t, s)
		if c, heads := s.Counters, saw.heads.Load(); c.Success != 30 || c.Reset != 30 || heads != 60 {
			t.Errorf("%+v, the server read the heads of %d requests", c, heads)
		}
	})
}

func TestTrustedTLS(t *testing.T) {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("the system's authorities cannot be set by a file")
	}
	eachEngine(t, func(t *testing.T, engine string) {
		server := httptest.NewTLSServer(http.HandlerFunc(ok))
		t.Cleanup(server.Close)
		s := newLoader(t, fileOf(server.URL, get("/")), Options{Engine: engine}).Run(t.Context(), counted(20, 2))
		coherent(t, s)
		if s.Counters.Success != 20 || s.TTFB.Total() != 20 || s.Generator.Opened > 2 {
			t.Errorf("%+v, opened %d, first bytes %d", s.Counters, s.Generator.Opened, s.TTFB.Total())
		}
	})
}
