package loader

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// senders answer rightly, each in its own way.
func senders() []server {
	const chunked = okHead + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
	large := strings.Repeat("x", 5*mib)
	return []server{
		{name: "with a length", answer: keeps(okTwo), want: result.Success, keeps: true},
		{name: "byte by byte", answer: inPieces(okTwo, 1), want: result.Success, keeps: true},
		{name: "chunked", answer: keeps(chunked), want: result.Success, keeps: true},
		{name: "chunked byte by byte", answer: inPieces(chunked, 1), want: result.Success, keeps: true},
		{name: "chunked with a trailer", answer: keeps(okHead + "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nA: b\r\n\r\n"), want: result.Success, keeps: true},
		{name: "large", answer: keeps(okHead + "Content-Length: 5242880\r\n\r\n" + large), want: result.Success, keeps: true},
		{name: "large and chunked", answer: keeps(okHead + "Transfer-Encoding: chunked\r\n\r\n500000\r\n" + large + "\r\n0\r\n\r\n"), want: result.Success, keeps: true},
		{name: "in tiny pieces", answer: inPieces(okHead+"Content-Length: 1000\r\n\r\n"+large[:1000], 3), want: result.Success, keeps: true},
		{name: "empty", answer: keeps(okHead + "Content-Length: 0\r\n\r\n"), want: result.Success, keeps: true},
		{name: "100 first", answer: keeps("HTTP/1.1 100 Continue\r\n\r\n" + okTwo), want: result.Success, keeps: true},
		{name: "hints first", answer: keeps("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + okTwo), want: result.Success, keeps: true},
		{name: "no content", answer: keeps("HTTP/1.1 204 No Content\r\n\r\n"), want: result.Success, keeps: true},
		{name: "not modified", answer: keeps("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), want: result.Success, keeps: true},
		{name: "HEAD", answer: keeps(okHead + "Content-Length: 99\r\n\r\n"), method: "HEAD", want: result.Success, keeps: true},
		{name: "HEAD of chunks", answer: keeps(okHead + "Transfer-Encoding: chunked\r\n\r\n"), method: "HEAD", want: result.Success, keeps: true},
		{name: "until close", answer: says(okHead + "\r\nall of it"), want: result.Success},
		{name: "empty until close", answer: says(okHead + "\r\n"), want: result.Success},
		{name: "says it closes", answer: stalls(okHead + "Connection: close\r\nContent-Length: 2\r\n\r\nok"), want: result.Success},
		{name: "HTTP/1.0", answer: says("HTTP/1.0 200 OK\r\n\r\nall of it"), want: result.Success},
		{name: "HTTP/1.0 with a length", answer: stalls("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), want: result.Success},
		{name: "HTTP/1.0 that keeps", answer: keeps("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"), want: result.Success, keeps: true},
		{name: "redirects", answer: keeps("HTTP/1.1 302 Found\r\nLocation: http://slogate.invalid/\r\nContent-Length: 0\r\n\r\n"), want: result.Success, keeps: true},
		{name: "fails politely", answer: keeps("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"), want: result.BadStatus, keeps: true},
		{name: "closes when idle", answer: says(okTwo), want: result.Success, pause: 100 * ms},
		{name: "half-closes when idle", answer: func(p *peer) { p.say(okTwo); p.CloseWrite(); p.wait() }, want: result.Success, pause: 100 * ms},
		{name: "more than its length", answer: keeps(okTwo + " and more"), want: result.Success},
		{name: "a second answer", answer: keeps(okTwo + okTwo), want: result.Success},
		{name: "HEAD with a body", answer: keeps(okTwo), method: "HEAD", want: result.Success},
		{name: "no content with a body", answer: keeps("HTTP/1.1 204 No Content\r\n\r\nok"), want: result.Success},
	}
}

// readers differ in how they read the request.
func readers() []server {
	const tooLarge = "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
	return []server{
		{name: "reads slowly", answer: slowly, method: "POST", body: 8 * mib, want: result.Success, keeps: true},
		{name: "answers before the body", answer: stalls(tooLarge), method: "POST", body: 8 * mib, want: result.BadStatus},
		{name: "answers and reads no body", answer: func(p *peer) { p.say(tooLarge); <-p.done }, method: "POST", body: 8 * mib, want: result.BadStatus},
		{name: "answers and closes", answer: func(p *peer) { p.say(tooLarge) }, method: "POST", body: 8 * mib, want: result.BadStatus, or: result.Reset},
		{name: "answers early and keeps, but reads no body", answer: func(p *peer) { p.say(okTwo); <-p.done }, method: "POST", body: 8 * mib, want: result.Success},
		{name: "answers without a body to wait for", answer: says(tooLarge), method: "POST", body: 100, want: result.BadStatus},
	}
}

// slowly reads each body in small pieces through a small window.
func slowly(p *peer) {
	p.SetReadBuffer(64 << 10)
	piece := make([]byte, 1<<10)
	for {
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{p.request.Body}, piece); err != nil {
			return
		}
		if !p.say(okTwo) || !p.head() {
			return
		}
	}
}

// conforms runs one server under one engine and looks at how three requests, one
// after the other, ended.
func (s *server) conforms(t *testing.T, engine string) {
	var out *result.Stage
	var saw *seen
	attempts(t, func(scale time.Duration) string {
		out, saw = s.threeRequests(t, engine, s.pause*scale)
		got := right(s, out)
		complaint := fmt.Sprintf("%d of 3 are %s: %+v\n%+v", got, s.want, out.Counters, out.Failures)
		if got == 3 {
			return ""
		}
		if s.pause == 0 {
			t.Fatal(complaint)
		}
		return complaint // the server had no time to act in
	})
	switch late := out.Response.Above(s.timeout() * 99 / 100); {
	case s.want != result.Success && late != 3:
		t.Error("a failure counts with less than the timeout")
	case s.want == result.Success && late != 0:
		t.Errorf("%d answers counted with the timeout: %v", late, s.timeout())
	}
	opened, reused := out.Generator.Opened, out.Generator.Reused
	if s.keeps && (opened != 1 || reused != 2) {
		t.Errorf("opened %d, reused %d: want one connection for all", opened, reused)
	}
	if !s.keeps && reused != 0 {
		t.Errorf("opened %d, reused %d: want none twice", opened, reused)
	}
	if s.url == "" && saw.heads.Load() > 3 {
		t.Errorf("the server read %d requests", saw.heads.Load())
	}
}

// threeRequests loads the server with as many, with a pause between them.
func (s *server) threeRequests(t *testing.T, engine string, pause time.Duration) (*result.Stage, *seen) {
	url, saw := s.start(t)
	file := fileOf(url, s.step(s.timeout()))
	if pause > 0 {
		file.Scenarios[0].Steps = append(file.Scenarios[0].Steps, slo.Step{Pause: slo.Pause{Min: pause, Max: pause}})
	}
	l := newLoader(t, file, Options{Engine: engine})
	out := l.Run(t.Context(), counted(3, 1))
	l.Close()
	coherent(t, out)
	return out, saw
}

// right counts the requests that ended as they should.
func right(s *server, out *result.Stage) int64 {
	n := *out.Counters.Of(s.want)
	if s.or != "" {
		n += *out.Counters.Of(s.or)
	}
	return n
}

// Every way of a server to behave ends in its class, in time, with the
// connection kept or not, and leaves nothing behind.
func TestServers(t *testing.T) {
	list := servers(t)
	left := leftovers(t)
	t.Run("all", func(t *testing.T) {
		for _, s := range list {
			for _, engine := range Engines() {
				t.Run(s.name+"/"+engine, func(t *testing.T) {
					t.Parallel()
					s.conforms(t, engine)
				})
			}
		}
	})
	left()
}
