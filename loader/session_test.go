package loader

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/secret"
)

// orders is a service that gives each order an id and a tag and takes payments
// only with both.
func orders(t testing.TB) (url string, paid *atomic.Int64) {
	paid = new(atomic.Int64)
	var n atomic.Int64
	var tags sync.Map
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		// More digits than a float64 holds, and what each place has to escape.
		id := 9007199254740993 + n.Add(1)
		tag := fmt.Sprintf(`"t %d/&"`, id)
		tags.Store(fmt.Sprint(id), tag)
		w.Header().Set("ETag", tag)
		http.SetCookie(w, &http.Cookie{Name: "csrf", Value: fmt.Sprintf("c%d", id)})
		fmt.Fprintf(w, `{"id": %d, "name": "a \"b\" ü", "form": "<input name=csrf value=f%d>"}`, id, id)
	})
	mux.HandleFunc("PUT /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		want, _ := tags.Load(id)
		var body struct {
			ID   json.Number
			Name string
			Text string
		}
		d := json.NewDecoder(r.Body)
		d.UseNumber()
		if err := d.Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		got := map[string]any{
			"tag": r.Header.Get("If-Match"), "query": r.FormValue("tag"), "cookie": r.Header.Get("X-Cookie"), "form": r.Header.Get("X-Form"),
			"id": body.ID.String(), "name": body.Name, "text": body.Text,
		}
		wanted := map[string]any{
			"tag": want, "query": want, "cookie": "c" + id, "form": "f" + id,
			"id": id, "name": `a "b" ü`, "text": "no " + id,
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("order %s (-want +got):\n%s", id, diff)
			w.WriteHeader(http.StatusConflict)
			return
		}
		paid.Add(1)
		fmt.Fprintf(w, `{"id": %s}`, id)
	})
	return serve(t, mux.ServeHTTP), paid
}

const orderAndPay = `
  - name: order
    steps:
      - name: order
        request: POST /orders
        capture: {id: $.id, name: $.name, tag: header etag, csrf: cookie csrf, field: 'body ~ value=(\w+)'}
      - name: pay
        request: PUT /orders/${id}?tag=${tag}
        headers: {if-match: "${tag}", x-cookie: "${csrf}", x-form: "${field}"}
        json: {id: "${id}", name: "${name}", text: "no ${id}"}
        checks: [json.id == id]`

// Users carry their own values from step to step, whatever runs beside them.
func TestCapturesAreCarriedAlong(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, paid := orders(t)
		l := newLoader(t, parse(t, url, orderAndPay), Options{Engine: engine, Seed: 1})
		s := l.Run(t.Context(), counted(200, 8))
		coherent(t, s)
		if s.Counters.Success != 200 || paid.Load() == 0 || paid.Load() != s.Steps[1].Counters.Success {
			t.Errorf("%+v, %d paid, %+v", s.Counters, paid.Load(), s.Failures)
		}
		s = l.Run(t.Context(), rated(200, 200*ms))
		coherent(t, s)
		if s.Counters.Errors() > 0 || s.Counters.Due() == 0 {
			t.Errorf("open: %+v, %+v", s.Counters, s.Failures)
		}
	})
}

// A capture that finds nothing fails its step by name, and ends the iteration.
func TestCaptureThatFindsNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"id": null, "n": [1, 2]}`)
		})
		for form, want := range map[string]string{
			"$.missing":           "capture c: $.missing found nothing",
			"$.id":                "capture c: $.id found null",
			"header x-none":       "capture c: header x-none found nothing",
			"cookie none":         "capture c: cookie none found nothing",
			"body ~ (x)":          "capture c: body ~ (x) found nothing",
			"$.n[1]":              "",
			"$.n[?@ > 1]":         "",
			"header nowhere":      "capture c: header nowhere found nothing",
			"header cOnTeNt-type": "",
		} {
			file := parse(t, url, "  - name: a\n    steps:\n      - {request: GET /a, capture: {c: '"+form+"'}}\n      - {request: 'GET /${c}'}")
			s := newLoader(t, file, Options{Engine: engine}).Run(t.Context(), counted(4, 1))
			coherent(t, s)
			if want == "" {
				if s.Counters.Success != 4 {
					t.Errorf("%s: %+v %+v", form, s.Counters, s.Failures)
				}
				continue
			}
			if s.Steps[0].Counters.FailedCheck != 4 || s.Failures[0].Detail != want {
				t.Errorf("%s: %+v, detail %q, want %q", form, s.Counters, s.Failures[0].Detail, want)
			}
		}
	})
}

// A captured value that no request can hold is the service's doing, as one that
// it did not bring.
func TestCapturesThatFitNoRequest(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"t": "a\nb"}`) })
		file := parse(t, url, `
  - name: a
    steps:
      - {name: login, request: GET /, capture: {t: $.t}}
      - {name: uses, request: GET /, headers: {authorization: "Bearer ${t}"}}`)
		s := newLoader(t, file, Options{Engine: engine}).Run(t.Context(), counted(6, 1))
		coherent(t, s)
		if s.Steps[1].Counters != (result.Counters{FailedCheck: 3}) || s.Failures[0].Detail != errLineBreak.Error() {
			t.Errorf("%+v %+v", s.Steps[1].Counters, s.Failures)
		}
	})
}

// Values of captures named secret_ are in nothing that is kept, in whatever
// answer they come back.
func TestSecretCapturesAreMasked(t *testing.T) {
	const phrase = `tok/en "ä"`
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			token, _ := json.Marshal(phrase)
			switch r.URL.Path {
			case "/login":
				fmt.Fprintf(w, `{"t": %s}`, token)
			case "/denied":
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprintf(w, `{"t": %s}`, token)
			default:
				w.WriteHeader(http.StatusBadGateway)
				fmt.Fprintf(w, "%s %s %s", r.Header.Get("Authorization"), r.URL.RawQuery, body)
			}
		})
		file := parse(t, url, `
  - name: login
    steps:
      - {request: GET /login, capture: {secret_token: $.t}}
      - {request: 'POST /echo?a=${secret_token}', headers: {authorization: 'Bearer ${secret_token}'}, json: {a: '${secret_token}'}}
  - name: denied
    request: GET /denied
    capture: {secret_token: $.t}`)
		l := newLoader(t, file, Options{Engine: engine, Seed: 1})
		s := l.Run(t.Context(), counted(40, 2))
		coherent(t, s)
		if len(s.Failures) != 2*failuresKept {
			t.Fatalf("%d failures: %+v", len(s.Failures), s.Failures)
		}
		for _, sample := range append(s.Failures, s.Slowest...) {
			if strings.Contains(sample.Body, "tok") || !strings.Contains(sample.Body, secret.Masked) {
				t.Errorf("%s: %q", sample.Step, sample.Body)
			}
		}
		var b bytes.Buffer
		if err := l.Once(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if text := b.String(); strings.Contains(text, "tok/") || strings.Contains(text, "tok%2F") || strings.Count(text, secret.Masked) < 5 {
			t.Errorf("printed:\n%s", text)
		}
	})
}

// Of an answer whose secrets are spelled otherwise than they are captured, or
// cannot be looked for, nothing of them is kept.
func TestSecretsThatCannotBeLookedFor(t *testing.T) {
	long := strings.Repeat("S3cretPart", 1000)
	for name, tt := range map[string]struct{ body, path string }{
		"a map":     {`{ "session": { "user": "a", "key": "S3cretPart" } }`, "$.session"},
		"a list":    {`{ "keys": [ 1, [ "S3cretPart" ] ] }`, "$.keys"},
		"too long":  {`{"t":"` + long + `"}`, "$.t"},
		"not whole": {`{"t":"S3cretPart`, "$.t"},
	} {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, engine string) {
				url := serve(t, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/cut" {
						w.Header().Set("Content-Length", "20000")
					}
					io.WriteString(w, tt.body)
				})
				l := newLoader(t, parse(t, url, `
  - {request: GET /, capture: {secret_t: `+tt.path+`}, checks: [status == 201]}
  - {request: GET /cut, capture: {secret_t: `+tt.path+`}}`), Options{Engine: engine, Seed: 1})
				s := l.Run(t.Context(), counted(20, 2))
				coherent(t, s)
				if len(s.Failures) == 0 {
					t.Fatal("no request failed")
				}
				var once bytes.Buffer
				_ = l.Once(t.Context(), &once) // its checks fail
				var texts strings.Builder
				texts.WriteString(once.String())
				for _, sample := range append(s.Failures, s.Slowest...) {
					texts.WriteString(sample.Body + sample.Detail)
				}
				if strings.Contains(texts.String(), "S3cret") {
					t.Errorf("a secret is written:\n%s", texts.String())
				}
			})
		})
	}
}

// A service that hands out a new token for every login answers once with the
// token of the user before, and once with its own old one: none is kept.
func TestReplacedSecretsAreMasked(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		var n atomic.Int64
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				fmt.Fprintf(w, `{"t": "tok/en%d"}`, n.Add(1))
				return
			}
			w.WriteHeader(http.StatusTeapot)
			for i := range n.Load() {
				fmt.Fprintf(w, "tok/en%d tok%%2Fen%[1]d ", i+1)
			}
		})
		file := parse(t, url, `
  - name: login
    steps:
      - {request: GET /login, capture: {secret_token: $.t}}
      - {request: GET /all, on_fail: continue}`)
		l := newLoader(t, file, Options{Engine: engine, Seed: 1})
		s := l.Run(t.Context(), counted(40, 2))
		coherent(t, s)
		if len(s.Failures) != failuresKept {
			t.Fatalf("%d failures: %+v", len(s.Failures), s.Failures)
		}
		for _, sample := range append(s.Failures, s.Slowest...) {
			if strings.Contains(sample.Body, "tok") {
				t.Errorf("%s: %q", sample.Step, sample.Body)
			}
		}
	})
}

// The latest secrets are known, and not more than fit.
func TestSecretValuesAreBounded(t *testing.T) {
	var s secretValues
	s.add("")
	for i := range 3 * mostSecrets {
		s.add(fmt.Sprintf("secret %d.", i))
		s.add("secret 0.")
	}
	last := fmt.Sprintf("secret %d.", 3*mostSecrets-1)
	got := s.in([]byte("a "+last), []byte("secret 17."))
	if diff := cmp.Diff([]string{last}, got); diff != "" || len(s.values) != mostSecrets || len(s.order) != mostSecrets {
		t.Errorf("%d of %d values are known; found (-want +got):\n%s", len(s.values), len(s.order), diff)
	}
	for i := range 100 {
		s.add(strings.Repeat(fmt.Sprint(i%10), 8<<10+i))
	}
	if s.bytes > mostSecretBytes || len(s.order) == 0 {
		t.Errorf("%d bytes of %d values", s.bytes, len(s.order))
	}
}

// What a plan without captures sends costs nothing more.
func TestPlainPlansHaveNoSessions(t *testing.T) {
	file := fileOf("http://localhost:1", get("/"))
	l := newLoader(t, file, Options{})
	if l.sessions != nil || l.plan.steps[0].message.whole == nil {
		t.Error("a plain plan has sessions, or writes its requests anew")
	}
	if u := newUser(0, 1, nil); u.secrets() != nil {
		t.Error("a plain user has secrets")
	}
	var class result.Class
	u := newUser(0, 1, nil)
	r := &reply{status: 200}
	if n := testing.AllocsPerRun(100, func() {
		class, _ = l.plan.steps[0].judge(u, r, ms)
		u.begin(l.plan, 1)
	}); n > 0 || class != result.Success {
		t.Errorf("%v allocations for an iteration, class %v", n, class)
	}
}
