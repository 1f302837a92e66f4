package loader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// store is a service that is used after a login: each login is a session, which
// a cookie names, and an iteration adds to its basket.
type store struct {
	logins, pages, orders atomic.Int64
	refuse                atomic.Bool // logins

	mu      sync.Mutex
	baskets map[string]int // by session
}

func newStore(t testing.TB) (*store, string) {
	s := &store{baskets: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("GET /page/{n}", s.page)
	mux.HandleFunc("POST /orders", s.order)
	return s, serve(t, mux.ServeHTTP)
}

func (s *store) login(w http.ResponseWriter, r *http.Request) {
	n := s.logins.Add(1)
	if s.refuse.Load() {
		http.Error(w, "no seat", http.StatusUnauthorized)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "session", Value: fmt.Sprint("s", n), Path: "/"})
	fmt.Fprintf(w, `{"name": "user %d"}`, n)
}

// page answers with the next page, and counts the pages of an iteration in a
// cookie.
func (s *store) page(w http.ResponseWriter, r *http.Request) {
	s.pages.Add(1)
	seen := 0
	if c, err := r.Cookie("pages"); err == nil {
		fmt.Sscan(c.Value, &seen)
	}
	http.SetCookie(w, &http.Cookie{Name: "pages", Value: fmt.Sprint(seen + 1), Path: "/"})
	var n int
	fmt.Sscan(r.PathValue("n"), &n)
	fmt.Fprintf(w, `{"next": %d, "pages": %d}`, n+1, seen+1)
}

func (s *store) order(w http.ResponseWriter, r *http.Request) {
	session, err := r.Cookie("session")
	if err != nil || r.FormValue("by") != "user "+strings.TrimPrefix(session.Value, "s") {
		http.Error(w, "who are you?", http.StatusForbidden)
		return
	}
	s.orders.Add(1)
	s.mu.Lock()
	s.baskets[session.Value]++
	s.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}

const browseAndOrder = `
  - name: shop
    %s
    start:
      - {name: login, request: POST /login, capture: {name: $.name}}
    steps:
      - {request: GET /page/1, capture: {next: $.next}, checks: ['json.pages >= 1']}
      - repeat: 3
        steps:
          - {name: more, request: 'GET /page/${next}', capture: {next: $.next}}
      - {name: order, request: POST /orders, form: {by: '${name}'}, accept: [201], checks: ['next == 5']}`

// Each user starts once, whatever stages it is in, keeps what its start left,
// and forgets what the iteration before did.
func TestUsersStartOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		s, url := newStore(t)
		file := parse(t, url, strings.Replace(fmt.Sprintf(browseAndOrder, "session: iteration"), "json.pages >= 1", "json.pages == 1", 1))
		l := newLoader(t, file, Options{Engine: engine, Seed: 1})
		for range 2 {
			out := l.Run(t.Context(), counted(150, 3))
			coherent(t, out)
			if out.Counters.Success != 150 || len(out.Steps) != 3 {
				t.Fatalf("%+v in %d steps, %+v", out.Counters, len(out.Steps), out.Failures)
			}
			if more, first := out.Steps[1].Counters.Due(), out.Steps[0].Counters.Due(); more > 3*first || more < 3*(first-3) {
				t.Errorf("%d repeated requests in %d iterations", more, first)
			}
		}
		if n := s.logins.Load(); n != 3 {
			t.Errorf("%d logins of 3 users in 2 stages", n)
		}
		s.mu.Lock()
		if len(s.baskets) != 3 {
			t.Errorf("baskets %v", s.baskets)
		}
		s.mu.Unlock()
		out := l.Run(t.Context(), rated(100, 200*ms))
		coherent(t, out)
		if out.Counters.Errors() > 0 || out.Steps[0].Counters.Due() == 0 {
			t.Errorf("open: %+v %+v", out.Counters, out.Failures)
		}
	})
}

func TestWorkersKeepTheirCookies(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		_, url := newStore(t)
		file := parse(t, url, strings.Replace(fmt.Sprintf(browseAndOrder, "session: worker"), "json.pages >= 1", "json.pages == 1", 1))
		out := newLoader(t, file, Options{Engine: engine, Seed: 1}).Run(t.Context(), counted(30, 1))
		coherent(t, out)
		// The first iteration alone begins without the cookie that counts pages.
		if first := out.Steps[0].Counters; first.Success != 1 || first.FailedCheck == 0 {
			t.Errorf("first step %+v", first)
		}
	})
}

// A user whose start fails sends nothing; what it was to send first counts as
// failed, with the reason.
func TestStartThatFails(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		s, url := newStore(t)
		s.refuse.Store(true)
		l := newLoader(t, parse(t, url, fmt.Sprintf(browseAndOrder, "")), Options{Engine: engine})
		out := l.Run(t.Context(), counted(20, 2))
		coherent(t, out)
		if out.Counters.BadStatus != 20 || out.Steps[0].Counters.BadStatus != 20 || s.pages.Load() != 0 {
			t.Errorf("%+v, %d pages", out.Counters, s.pages.Load())
		}
		if want := "start step login: status 401"; out.Failures[0].Detail != want || !strings.Contains(out.Failures[0].Body, "no seat") {
			t.Errorf("detail %q, want %q; body %q", out.Failures[0].Detail, want, out.Failures[0].Body)
		}
		if out.BytesIn != 0 || len(out.Status) != 0 {
			t.Errorf("%d bytes, status %v of requests that were not sent", out.BytesIn, out.Status)
		}
		out = l.Run(t.Context(), rated(100, 200*ms))
		coherent(t, out)
		if due := out.Counters.Due(); due != 20 || out.Counters.Success != 0 {
			t.Errorf("open: %+v", out.Counters)
		}
		s.refuse.Store(false)
		out = l.Run(t.Context(), counted(20, 2))
		if out.Counters.Success != 20 {
			t.Errorf("after the logins work again: %+v %+v", out.Counters, out.Failures)
		}
	})
}

// An arrival whose user is not done with its start when the stage ends is
// unsent, or cancelled with the run: never lost.
func TestArrivalsInTheirStartAreCounted(t *testing.T) {
	eachEngineAlone(t, func(t *testing.T, engine string) {
		var released atomic.Pointer[chan struct{}]
		hold := func() (release func()) {
			c := make(chan struct{})
			released.Store(&c)
			return func() { close(c) }
		}
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				<-*released.Load()
			}
		})
		file := parse(t, url, `
  - start: [{request: GET /slow}, {pause: 1ms}]
    request: GET /`)
		file.Scenarios[0].Start[0].Request.Timeout = time.Minute
		attempts(t, func(scale time.Duration) string {
			l := newLoader(t, file, Options{Engine: engine, MaxConnections: 4})
			time.AfterFunc(300*scale*ms, hold())
			out := l.Run(t.Context(), rated(100/float64(scale), 200*scale*ms))
			coherent(t, out)
			if want := (result.Counters{Unsent: 20}); out.Counters != want {
				return fmt.Sprintf("got %+v, want %+v", out.Counters, want)
			}
			return ""
		})
		attempts(t, func(scale time.Duration) string {
			defer hold()()
			ctx, cancel := context.WithTimeout(t.Context(), 100*scale*ms)
			defer cancel()
			l := newLoader(t, file, Options{Engine: engine, MaxConnections: 4, Grace: 20 * ms})
			out := l.Run(ctx, rated(100, time.Minute))
			coherent(t, out)
			if c := out.Counters; c.Cancelled != c.Due() {
				t.Errorf("cancelled: %+v", c)
			}
			if out.Counters.Cancelled == 0 {
				return "nothing was due before the end"
			}
			return ""
		})
	})
}

func TestOnFailContinue(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/broken" {
				w.WriteHeader(500)
			}
		})
		file := parse(t, url, `
  - steps:
      - {name: broken, request: GET /broken, on_fail: continue, capture: {id: $.id}}
      - {name: good, request: GET /good}
      - {name: needs, request: 'GET /needs/${id}', on_fail: continue}
      - {name: stops, request: GET /broken}
      - {name: never, request: GET /good}`)
		out := newLoader(t, file, Options{Engine: engine}).Run(t.Context(), counted(40, 2))
		coherent(t, out)
		var got []result.Counters
		for _, st := range out.Steps {
			got = append(got, st.Counters)
		}
		n := got[0].BadStatus
		if n < 9 || got[1].Success < n-2 || got[2].FailedCheck < n-2 || got[3].BadStatus < n-2 || got[4].Due() != 0 {
			t.Errorf("%+v", got)
		}
		for _, f := range out.Failures {
			if f.Step == "needs" && f.Detail != "capture id is used here and was not made" {
				t.Errorf("detail %q", f.Detail)
			}
		}
	})
}

// A step of start or before that may fail stops nobody; what it was to capture is
// missed where it is used.
func TestOnFailContinueBeforeTheFirstStep(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		var greeted atomic.Int64
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/broken":
				w.WriteHeader(http.StatusTeapot)
			case "/hello":
				greeted.Add(1)
			}
		})
		l := newLoader(t, parseWhole(t, `version: 1
target: `+url+`
before: [{name: seed, request: GET /broken, on_fail: continue}, {request: GET /hello}]
scenarios:
  - start: [{request: GET /broken, on_fail: continue}, {request: GET /hello}]
    steps: [{request: GET /}]
stages: [{name: s, requests: 1, workers: 1}]
`), Options{Engine: engine})
		if err := l.Before(t.Context()); err != nil {
			t.Fatal(err)
		}
		out := l.Run(t.Context(), counted(10, 1))
		coherent(t, out)
		if out.Counters.Success != 10 || greeted.Load() != 2 {
			t.Errorf("%+v, %d greeted: %+v", out.Counters, greeted.Load(), out.Failures)
		}
		if got := l.After(t.Context()); !slices.Equal(got, []string{"before: step seed: status 418"}) {
			t.Errorf("warnings %q", got)
		}
	})
}

const withToken = `version: 1
target: %s
http: {headers: {authorization: "Bearer ${secret_token}"}}
before:
  - {name: login, request: POST /login, capture: {secret_token: $.token}, every: 1s}
  - {name: fixture, request: POST /fixtures, capture: {fixture: $.id}}
scenarios:
  - {request: "GET /fixtures/${fixture}"}
after:
  - {name: clean, request: "DELETE /fixtures/${fixture}"}
stages:
  - {name: s, rate: 10/s, duration: 1s}
`

// keeper is a service that wants a token for everything but the login.
type keeper struct {
	token    atomic.Int64
	deleted  atomic.Int64
	renewed  chan struct{}
	statuses [3]atomic.Int64 // of logins, deletions and the rest; 0: they are served
}

func (k *keeper) serve(w http.ResponseWriter, r *http.Request) {
	kind := 2
	switch {
	case r.URL.Path == "/login":
		kind = 0
	case r.Method == http.MethodDelete:
		kind = 1
	}
	if status := k.statuses[kind].Load(); status != 0 {
		w.WriteHeader(int(status))
		fmt.Fprintf(w, "denied %s", r.Header.Get("Authorization"))
		return
	}
	if kind == 0 {
		fmt.Fprintf(w, `{"token": "t0ken%d"}`, k.token.Add(1))
		if k.token.Load() == 2 {
			close(k.renewed)
		}
		return
	}
	var token int64
	fmt.Sscanf(r.Header.Get("Authorization"), "Bearer t0ken%d", &token)
	if token < 1 || token > k.token.Load() {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if kind == 1 {
		k.deleted.Add(1)
	}
	fmt.Fprint(w, `{"id": 7}`)
}

func TestBeforeAndAfter(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		k := &keeper{renewed: make(chan struct{})}
		url := serve(t, k.serve)
		file := parseWhole(t, fmt.Sprintf(withToken, url))
		l := newLoader(t, file, Options{Engine: engine})
		if err := l.Before(t.Context()); err != nil {
			t.Fatal(err)
		}
		out := l.Run(t.Context(), counted(20, 2))
		coherent(t, out)
		if out.Counters.Success != 20 {
			t.Errorf("%+v %+v", out.Counters, out.Failures)
		}
		<-k.renewed
		if warnings := l.After(t.Context()); len(warnings) > 0 || k.deleted.Load() != 1 {
			t.Errorf("%d deleted, warnings %q", k.deleted.Load(), warnings)
		}
	})
}

func TestBeforeThatFails(t *testing.T) {
	k := &keeper{renewed: make(chan struct{})}
	url := serve(t, k.serve)
	l := newLoader(t, parseWhole(t, fmt.Sprintf(withToken, url)), Options{})
	k.statuses[2].Store(http.StatusForbidden)
	err := l.Before(t.Context())
	var setup *SetupError
	if want := "before: step fixture: status 403"; !errors.As(err, &setup) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	var b bytes.Buffer
	if err := l.Once(t.Context(), &b); !errors.As(err, &setup) {
		t.Errorf("once: %v", err)
	}
	if strings.Contains(b.String(), "t0ken") || !strings.Contains(b.String(), "denied Bearer ***") {
		t.Errorf("printed:\n%s", b.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Before(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestAfterThatFailsIsAWarning(t *testing.T) {
	k := &keeper{renewed: make(chan struct{})}
	url := serve(t, k.serve)
	l := newLoader(t, parseWhole(t, fmt.Sprintf(withToken, url)), Options{})
	if err := l.Before(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.statuses[1].Store(http.StatusTeapot)
	warnings := l.After(t.Context())
	if len(warnings) != 1 || warnings[0] != "after: step clean: status 418" {
		t.Errorf("warnings %q", warnings)
	}
}

func TestOnceShowsWhatIsCarriedAlong(t *testing.T) {
	_, url := newStore(t)
	file := parse(t, url, fmt.Sprintf(browseAndOrder, ""))
	var b bytes.Buffer
	if err := newLoader(t, file, Options{Seed: 1}).Once(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`pass capture name = "user 1"`, "pass capture next = 2", "> Cookie: session=s1; pages=1", "> GET /page/2 HTTP/1.1", "step order", "pass status 201 is accepted"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

// A stage loads the scenarios that it names, by their weights, and its result
// has no other steps.
func TestStageOfSomeScenarios(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		file := parse(t, serve(t, ok), `
  - {name: a, weight: 50, request: GET /a}
  - {name: b, weight: 3, request: GET /b}
  - {name: c, start: [{request: GET /start}], request: GET /c}`)
		l := newLoader(t, file, Options{Engine: engine, Seed: 2})
		stage := counted(400, 2)
		stage.Scenarios = []string{"c", "b"}
		out := l.Run(t.Context(), stage)
		coherent(t, out)
		if len(out.Steps) != 2 || out.Steps[0].Name != "GET /b" || out.Steps[1].Name != "GET /c" {
			t.Fatalf("steps %v", out.Steps)
		}
		if b := out.Steps[0].Counters.Success; b < 260 || b > 340 || out.Counters.Success != 400 {
			t.Errorf("%d of %d iterations are of weight 3 in 4", b, out.Counters.Success)
		}
		if out = l.Run(t.Context(), counted(20, 2)); len(out.Steps) != 3 {
			t.Errorf("%d steps in a stage of all", len(out.Steps))
		}
	})
}
