package loader

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/slo"
)

// recorded is one request as its bytes came, the header lines sorted.
func recorded(head, body string) string {
	lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
	slices.Sort(lines[1:])
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// recorder starts a server that keeps the bytes of every request.
func recorder(t testing.TB) (url string, requests func() []string) {
	var mu sync.Mutex
	var all []string
	url, _ = (&server{accept: func(p *peer) {
		for {
			text, ok := p.record()
			if !ok {
				return
			}
			mu.Lock()
			all = append(all, text)
			mu.Unlock()
			answer := okTwo
			if strings.HasPrefix(text, "HEAD ") {
				answer = strings.TrimSuffix(answer, "ok")
			}
			if !p.say(answer) {
				return
			}
		}
	}}).start(t)
	return url, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// record reads one request as it is.
func (p *peer) record() (string, bool) {
	var head bytes.Buffer
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := p.in.ReadBytes('\n')
		if err != nil {
			return "", false
		}
		head.Write(line)
	}
	body := make([]byte, lengthOf(head.String()))
	for n := 0; n < len(body); {
		m, err := p.in.Read(body[n:])
		if err != nil {
			return "", false
		}
		n += m
	}
	return recorded(head.String(), string(body)), true
}

func lengthOf(head string) (n int) {
	for line := range strings.SplitSeq(head, "\r\n") {
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Content-Length") {
			fmt.Sscan(value, &n)
		}
	}
	return n
}

// asked is a step that a parity scenario is made of.
func asked(method, path string, change func(*slo.Request)) slo.Step {
	r := &slo.Request{Name: method + " " + path, Method: method, Path: literal(path), Timeout: patience}
	if change != nil {
		change(r)
	}
	return slo.Step{Request: r}
}

// parityFile is a scenario in which all that differs between requests occurs,
// and a second one of some weight.
func parityFile(target string) *slo.File {
	header := func(name string, value slo.Template) func(*slo.Request) {
		return func(r *slo.Request) { r.Headers = append(r.Headers, slo.Header{Name: name, Value: value}) }
	}
	body := func(value slo.Template) func(*slo.Request) { return func(r *slo.Request) { r.Body = value } }
	path := func(value slo.Template) func(*slo.Request) { return func(r *slo.Request) { r.Path = value } }
	file := fileOf(target,
		asked("GET", "/", nil),
		asked("HEAD", "/head", nil),
		asked("GET", "/a/b?x=1&y=a%20b&z", nil),
		asked("GET", "/a%2Fb%20c/%C3%A4", nil),
		asked("GET", "/grün/ü?q=ä", nil),
		asked("GET", "//two//slashes/../up", nil),
		asked("DELETE", "/nothing", nil),
		asked("POST", "/empty", nil),
		asked("PUT", "/empty", nil),
		asked("PATCH", "/empty", nil),
		asked("OPTIONS", "/", nil),
		asked("POST", "/static", body(literal(`{"a": 1}`))),
		asked("PUT", "/umlaut", body(literal("größe"))),
		asked("POST", "/dynamic", body(slo.Template{{Literal: `{"id":"`}, {Value: slo.UUID}, {Literal: `","n":`}, {Value: slo.RandomInt, Args: []string{"1", "1000000"}}, {Literal: "}"}})),
		asked("POST", "/form", body(slo.Template{{Literal: "a="}, {Value: slo.RandomOf, Args: []string{"x y", "ä&b"}, Escape: slo.EscapeForm}})),
		asked("GET", "dynamic", path(slo.Template{{Literal: "/item/"}, {Value: slo.RandomOf, Args: []string{"a/b c", "ü?"}, Escape: slo.EscapePath}, {Literal: "?i="}, {Value: slo.Iteration}})),
		asked("GET", "/header", header("X-Static", literal("one"))),
		asked("GET", "/header", header("X-Dynamic", slo.Template{{Value: slo.RandomString, Args: []string{"12"}}})),
		asked("GET", "/host", header("Host", literal("elsewhere.example:81"))),
		asked("GET", "/agent", header("User-Agent", literal("someone else"))),
		asked("GET", "/empty-header", header("X-Empty", literal(""))),
		asked("GET", "/key", header("Authorization", literal("Bearer own"))),
		asked("GET", "/worker", header("X-Worker", slo.Template{{Value: slo.Worker}})),
	)
	file.Scenarios = append(file.Scenarios, slo.Scenario{Name: "other", Weight: 2, Steps: []slo.Step{asked("GET", "/other", nil)}})
	return file
}

// Every engine sends what the golden file holds: the same values for a seed,
// the same bytes but for the order of the headers.
func TestRequestsAreTheSame(t *testing.T) {
	targets := map[string]string{"plain": "http://HOST", "user-and-base-path": "http://me:p%40ss@HOST/base/v1/"}
	for name, target := range targets {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, engine string) {
				url, requests := recorder(t)
				host := strings.TrimPrefix(url, "http://")
				l := newLoader(t, parityFile(strings.Replace(target, "HOST", host, 1)), Options{Engine: engine, Seed: 7})
				s := l.Run(t.Context(), counted(60, 1))
				l.Close()
				coherent(t, s)
				if s.Counters.Success != 60 || s.Generator.Opened != 1 {
					t.Fatalf("%+v %+v, opened %d", s.Counters, s.Failures, s.Generator.Opened)
				}
				got := strings.ReplaceAll(strings.Join(requests(), "\n---\n"), host, "HOST")
				golden(t, "requests-"+name+".txt", strings.ReplaceAll(got, "\r\n", "␍\n")+"\n")
			})
		})
	}
}

// A header that asks to close is sent, and obeyed by the one who sends it.
func TestConnectionClose(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, saw := raw(t, func(p *peer) {
			closing := p.request.Close
			if keeps(okTwo)(p); !closing {
				t.Error("the request does not say that it closes")
			}
		})
		step := asked("GET", "/", func(r *slo.Request) {
			r.Headers = []slo.Header{{Name: "Connection", Value: literal("close")}}
		})
		s := newLoader(t, fileOf(url, step), Options{Engine: engine}).Run(t.Context(), counted(3, 1))
		coherent(t, s)
		if s.Counters.Success != 3 || s.Generator.Reused != 0 || saw.connections.Load() != 3 {
			t.Errorf("%+v, reused %d, %d connections", s.Counters, s.Generator.Reused, saw.connections.Load())
		}
	})
}

func TestRequestOnTheWire(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		type received struct {
			*http.Request
			body string
		}
		requests := make(chan received, 1)
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			raw, _ := io.ReadAll(r.Body)
			requests <- received{r, string(raw)}
		})
		request := &slo.Request{
			Name: "r", Method: "POST", Timeout: patience,
			Path: slo.Template{{Literal: "/a%2Fb?q="}, {Value: slo.Iteration}},
			Body: slo.Template{{Literal: `{"n":"`}, {Value: slo.Worker}, {Literal: `"}`}},
			Headers: []slo.Header{
				{Name: "X-A", Value: slo.Template{{Value: slo.Iteration}}},
				{Name: "X-A", Value: literal("later wins")},
				{Name: "X-B", Value: literal("earlier")},
				{Name: "X-B", Value: slo.Template{{Literal: "n"}, {Value: slo.Worker}}},
				{Name: "Host", Value: literal("elsewhere")},
			},
		}
		file := fileOf(strings.Replace(url, "http://", "http://me:pass@", 1)+"/base/", slo.Step{Request: request})
		s := newLoader(t, file, Options{Engine: engine}).Run(t.Context(), counted(1, 1))
		if s.Counters.Success != 1 {
			t.Fatalf("%+v %+v", s.Counters, s.Failures)
		}
		want := map[string]string{
			"uri": "/base/a%2Fb?q=0", "host": "elsewhere", "body": `{"n":"0"}`,
			"X-A": "later wins", "X-B": "n0", "User-Agent": "slogate/test", "Accept-Encoding": "",
			"Authorization": "Basic bWU6cGFzcw==", "Content-Length": "9",
		}
		got := <-requests
		have := map[string]string{"uri": got.RequestURI, "host": got.Host, "body": got.body, "Content-Length": fmt.Sprint(got.ContentLength)}
		for _, name := range []string{"X-A", "X-B", "User-Agent", "Accept-Encoding", "Authorization"} {
			have[name] = got.Header.Get(name)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	})
}
