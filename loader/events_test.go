package loader

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// cutAll cuts a stream that comes in pieces of a size, 0: at once.
func cutAll(t testing.TB, as slo.StreamKind, text string, size int) ([]string, error) {
	t.Helper()
	c := cutter{as: as}
	var all []string
	emit := func(text, kind string) bool {
		if kind != "" && kind != "message" {
			text = kind + ": " + text
		}
		all = append(all, text)
		return true
	}
	if size == 0 {
		size = max(len(text), 1)
	}
	for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
		if err := c.cut([]byte(rest[:min(size, len(rest))]), emit); err != nil {
			return all, err
		}
	}
	return all, nil
}

func TestCutEvents(t *testing.T) {
	tests := map[string]struct {
		as   slo.StreamKind
		text string
		want []string
	}{
		"sse":              {slo.SSE, "data: a\n\ndata: b\n\n", []string{"a", "b"}},
		"CRLF":             {slo.SSE, "data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}},
		"CR alone":         {slo.SSE, "data: a\r\rdata: b\r\r", []string{"a", "b"}},
		"several lines":    {slo.SSE, "data: a\ndata: b\n\n", []string{"a\nb"}},
		"type":             {slo.SSE, "event: ping\ndata: a\n\ndata: b\n\n", []string{"ping: a", "b"}},
		"comments":         {slo.SSE, ": keep alive\n\n:\n\ndata: a\n\n", []string{"a"}},
		"other fields":     {slo.SSE, "id: 7\nretry: 5\nunknown\n\ndata: a\n\n", []string{"a"}},
		"no data":          {slo.SSE, "event: ping\n\ndata: a\n\n", []string{"a"}},
		"empty data":       {slo.SSE, "data\n\ndata:\n\n", []string{"", ""}},
		"one blank alone":  {slo.SSE, "data:  a\n\ndata:b\n\n", []string{" a", "b"}},
		"byte order mark":  {slo.SSE, "\uFEFFdata: a\n\n", []string{"a"}},
		"not at its end":   {slo.SSE, "data: a\n\ndata: b\n", []string{"a"}},
		"lines":            {slo.Lines, "{\"a\":1}\n\n{\"a\":2}\r\n  \nrest", []string{`{"a":1}`, `{"a":2}`}},
		"a line with a CR": {slo.Lines, "a\rb\n", []string{"a\rb"}},
	}
	for name, test := range tests {
		for _, size := range []int{0, 1, 2, 3} {
			got, err := cutAll(t, test.as, test.text, size)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%s in pieces of %d: %v (-want +got):\n%s", name, size, err, diff)
			}
		}
	}
	for _, as := range []slo.StreamKind{slo.SSE, slo.Lines} {
		for _, unit := range []string{"x", "data: x\n"} {
			if as == slo.Lines && unit != "x" {
				continue
			}
			if _, err := cutAll(t, as, strings.Repeat(unit, slo.MaxEvent+1), 1000); err != errEventTooLarge {
				t.Errorf("%s of %q: %v", as, unit, err)
			}
		}
	}
}

// However a stream is cut into pieces, its events are the same.
func FuzzCutter(f *testing.F) {
	f.Add("event: a\ndata: b\r\n\r\n: c\rdata: d\r\r", 3)
	f.Add("{}\n{}\n", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		if size < 1 || size > 100 {
			return
		}
		for _, as := range []slo.StreamKind{slo.SSE, slo.Lines} {
			whole, errA := cutAll(t, as, text, 0)
			pieces, errB := cutAll(t, as, text, size)
			if diff := cmp.Diff(whole, pieces); diff != "" || (errA == nil) != (errB == nil) {
				t.Fatalf("%s, pieces of %d: %v, %v (-whole +pieces):\n%s", as, size, errA, errB, diff)
			}
		}
	})
}

// chat answers like a service of a language model: a few tokens, each as an
// event, then a last one with the usage and the word that ends it.
func chat(tokens int, gap time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), `"stream":true`) {
			http.Error(w, "no stream", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		say := func(text string) {
			fmt.Fprintf(w, "data: %s\n\n", text)
			w.(http.Flusher).Flush()
			<-time.After(gap)
		}
		for i := range tokens {
			say(fmt.Sprintf(`{"id": "c-1", "choices": [{"delta": {"content": "t%d"}}]}`, i+1))
		}
		say(fmt.Sprintf(`{"id": "c-1", "choices": [], "usage": {"completion_tokens": %d}}`, tokens))
		say("[DONE]")
	}
}

const chatSteps = `
  - name: chat
    steps:
      - request: POST /v1/chat/completions
        json: {stream: true, messages: [{role: user, content: "hello ${uuid}"}]}
        stream: sse
        checks: [events >= 10, 'event == "[DONE]"', 'event_type == "message"', latency < 30s]
        capture: {head: 'event 1 $.choices[0].delta.content', tokens: 'event -2 $.usage.completion_tokens', id: 'event 2 ~ "id": "([^"]+)"', end: event}
      - {name: after, request: "GET /after/${head}/${tokens}/${id}?end=${end}", checks: [tokens == 12]}
`

func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			chat(12, ms)(w, r)
			return
		}
		if r.URL.RequestURI() != "/after/t1/12/c-1?end=%5BDONE%5D" {
			http.Error(w, r.URL.RequestURI(), http.StatusNotFound)
		}
	}
	for _, protocol := range []slo.Protocol{slo.HTTP1, slo.H2C} {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			file := speaking(t, protocol, nil, handler)
			if protocol == slo.HTTP1 {
				file.Target = serve(t, handler)
			}
			parsed := parse(t, file.Target, chatSteps)
			parsed.HTTP.Protocol = protocol
			l := newLoader(t, parsed, Options{})
			if l.engine.name() != PortableEngine {
				t.Fatalf("engine %s", l.engine.name())
			}
			s := l.Run(t.Context(), counted(20, 1))
			coherent(t, s)
			if s.Counters.Success != 20 {
				t.Fatalf("%+v %+v", s.Counters, s.Failures)
			}
			const answers, each = 10, 14
			if s.Events != answers*each || s.FirstEvent.Total() != answers || s.EventGap.Total() != answers*(each-1) {
				t.Errorf("%d events, %d first ones, %d gaps", s.Events, s.FirstEvent.Total(), s.EventGap.Total())
			}
			if steps := s.Steps; steps[0].Events != s.Events || steps[1].Events != 0 {
				t.Errorf("events of the steps: %d, %d", steps[0].Events, steps[1].Events)
			}
			first, _ := s.FirstEvent.Mean()
			whole, _ := s.Steps[0].OK.Mean()
			if first > whole {
				t.Errorf("the first event after %v, the whole answer after %v", first, whole)
			}
		})
	}
}

func TestOnceShowsEvents(t *testing.T) {
	t.Parallel()
	url := serve(t, chat(2, 0))
	file := parse(t, url, "  - {request: POST /, json: {stream: true}, stream: sse, checks: [events == 4], capture: {tokens: event -2 $.usage.completion_tokens}}")
	var out strings.Builder
	if err := newLoader(t, file, Options{}).Once(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"  < 4 events, the first after ", "  pass events == 4\n", "  pass capture tokens = 2\n", "  < data: [DONE]\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

// A stream that never ends is ended by what the step waits for, and its
// connection then serves nobody else.
func TestStreamsEnd(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, r *http.Request) {
		for i := 0; r.Context().Err() == nil; i++ {
			fmt.Fprintf(w, "{\"n\": %d}\n", i)
			w.(http.Flusher).Flush()
			<-time.After(ms)
		}
	}
	short := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{\"n\": 0}\n{\"n\": 1}") }
	tests := map[string]struct {
		handler http.HandlerFunc
		stream  string
		checks  string
		want    result.Class
	}{
		"until":                  {endless, `{as: lines, until: json.n == 5}`, `[events == 6, json.n == 5]`, result.Success},
		"until a count":          {endless, `{as: lines, until: events == 3}`, `[events == 3]`, result.Success},
		"for":                    {endless, `{as: lines, for: 1s}`, `[events > 0]`, result.Success},
		"until, or for":          {endless, `{as: lines, until: json.n == -1, for: 1s}`, `[events > 0]`, result.Success},
		"ends by itself":         {short, `lines`, `[events == 2, json.n == 1, size == 17]`, result.Success},
		"a path":                 {short, `lines, capture: {n: $.n}`, `[events == 2]`, result.Success},
		"too few":                {short, `lines`, `[events >= 3]`, result.FailedCheck},
		"ends before":            {short, `{as: lines, until: json.n == 5}`, `[events > 0]`, result.FailedCheck},
		"ends before its time":   {short, `{as: lines, until: json.n == 5, for: 10s}`, `[events > 0]`, result.FailedCheck},
		"times out":              {endless, `{as: lines, until: json.n == -1}`, `[events > 0]`, result.Timeout},
		"cannot be computed":     {short, `{as: lines, until: json.a.b == 1}`, `[events > 0]`, result.FailedCheck},
		"pieces":                 {short, `chunks`, `[events > 0, 'event contains "n"']`, result.Success},
		"a status is no stream":  {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503); fmt.Fprint(w, "a\nb\n") }, `lines`, `[events > 0]`, result.BadStatus},
		"an event without bound": {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.Repeat("x", 2*slo.MaxEvent)) }, `lines`, `[events > 0]`, result.Protocol},
	}
	for name, test := range tests {
		for _, protocol := range []slo.Protocol{slo.HTTP1, slo.H2C} {
			t.Run(name+" "+string(protocol), func(t *testing.T) {
				t.Parallel()
				file := speaking(t, protocol, nil, test.handler)
				if protocol == slo.HTTP1 {
					file.Target = serve(t, test.handler)
				}
				timeout := "20s"
				if test.want == result.Timeout {
					timeout = "150ms"
				}
				parsed := parse(t, file.Target, fmt.Sprintf("  - {request: GET /, timeout: %s, stream: %s, checks: %s}", timeout, test.stream, test.checks))
				parsed.HTTP.Protocol = protocol
				s := newLoader(t, parsed, Options{}).Run(t.Context(), counted(3, 1))
				coherent(t, s)
				if *s.Counters.Of(test.want) != 3 {
					t.Errorf("%+v %+v", s.Counters, s.Failures)
				}
				if s.Generator.ClosedByPeer > 0 && test.want == result.Success {
					t.Errorf("%d connections closed by the service", s.Generator.ClosedByPeer)
				}
			})
		}
	}
}

// What a redirect says is no event of the stream that it leads to.
func TestEventsAfterARedirect(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Location", "/there")
			w.WriteHeader(http.StatusFound)
			io.WriteString(w, "Found. Redirecting to /there")
			return
		}
		io.WriteString(w, "data: one\n\ndata: two\n\n")
	})
	file := parse(t, url, "  - {request: GET /, stream: sse, checks: [events == 2]}")
	file.HTTP.Redirects = 1
	s := newLoader(t, file, Options{}).Run(t.Context(), counted(1, 1))
	if s.Counters.Success != 1 || s.Events != 2 {
		t.Errorf("%+v, %d events, %+v", s.Counters, s.Events, s.Failures)
	}
}
