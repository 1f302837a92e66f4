package loader

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// speaking starts a server of the standard library that speaks HTTP/2, and
// returns a file for it.
func speaking(t testing.TB, protocol slo.Protocol, config *http.HTTP2Config, h http.HandlerFunc, steps ...slo.Step) *slo.File {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog, s.Config.HTTP2 = quiet, config
	if protocol == slo.H2C {
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
	} else {
		s.EnableHTTP2 = true
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	file := fileOf(s.URL, steps...)
	file.HTTP.Protocol = protocol
	return file
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	for _, protocol := range []slo.Protocol{slo.AutoProtocol, slo.HTTP2, slo.H2C} {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			var served atomic.Int64
			file := speaking(t, protocol, nil, func(w http.ResponseWriter, r *http.Request) {
				served.Add(1)
				body, _ := io.ReadAll(r.Body)
				w.Header().Set("Answer", r.Header.Get("Question"))
				fmt.Fprintf(w, `{"proto": %q, "body": %q, "uri": %q}`, r.Proto, body, r.URL.RequestURI())
			}, parse(t, "http://localhost", `
  - request: POST /echo?a=b%20c
    body: hello
    headers: {question: why}
    checks: ['json.proto == "HTTP/2.0"', 'json.body == "hello"', 'json.uri == "/echo?a=b%20c"', 'header["answer"] == "why"']
`).Scenarios[0].Steps...)
			l := newLoader(t, file, Options{})
			const requests, workers = 200, 8
			s := l.Run(t.Context(), counted(requests, workers))
			coherent(t, s)
			if s.Counters.Success != requests || served.Load() != requests {
				t.Fatalf("%+v, served %d, %+v", s.Counters, served.Load(), s.Failures)
			}
			g := s.Generator
			if g.Opened != 1 || g.Reused != requests-1 || g.Protocol != "HTTP/2" || g.Streams < 2 || g.Streams > workers {
				t.Errorf("opened %d, reused %d, %s with %d streams", g.Opened, g.Reused, g.Protocol, g.Streams)
			}
			secure := int64(1)
			if protocol == slo.H2C {
				secure = 0
			}
			if s.TLS.Total() != secure || s.Connect.Total() != 1 || s.TTFB.Total() != requests {
				t.Errorf("%d handshakes, %d connects, %d first bytes", s.TLS.Total(), s.Connect.Total(), s.TTFB.Total())
			}
			if least := int64(requests * len("hello")); s.BytesIn < least || s.BytesOut < least {
				t.Errorf("%d bytes in, %d out", s.BytesIn, s.BytesOut)
			}
		})
	}
}

// A server that chooses HTTP/1.1 gets it, over connections for one request at a
// time.
func TestAutoSpeaksHTTP1(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	l := newLoader(t, parse(t, s.URL, "  - {request: GET /, checks: [body == \"HTTP/1.1\"]}"), Options{})
	st := l.Run(t.Context(), counted(100, 4))
	coherent(t, st)
	if g := st.Generator; st.Counters.Success != 100 || g.Protocol != "" || g.Opened > 4 || g.Opened+g.Reused != 100 {
		t.Errorf("%+v, %+v, %+v", st.Counters, st.Generator, st.Failures)
	}
	file := fileOf(s.URL, get("/"))
	file.HTTP.Protocol = slo.HTTP2
	st = newLoader(t, file, Options{}).Run(t.Context(), counted(3, 1))
	if c := st.Counters; c.TLS+c.Protocol != 3 {
		t.Errorf("http2 alone: %+v", c)
	}
}

// Neither the file's streams nor the server's limit are exceeded, and no
// request fails because of them.
func TestHTTP2OpensConnectionsOnDemand(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]struct{ ours, servers int }{
		"by the file": {2, 100}, "by the server": {100, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Six requests are under way together before the first is answered.
			var arrived atomic.Int64
			all := make(chan struct{})
			file := speaking(t, slo.H2C, &http.HTTP2Config{MaxConcurrentStreams: limit.servers}, func(w http.ResponseWriter, r *http.Request) {
				if arrived.Add(1) == 6 {
					close(all)
				}
				<-all
			}, get("/"))
			file.HTTP.Streams = limit.ours
			s := newLoader(t, file, Options{}).Run(t.Context(), counted(60, 6))
			coherent(t, s)
			if g := s.Generator; s.Counters.Success != 60 || g.Opened != 3 || g.Streams != 2 {
				t.Errorf("%+v: opened %d, %d streams, %+v", s.Counters, g.Opened, g.Streams, s.Failures)
			}
		})
	}
}

// With new connections each request has its own, which is closed after it.
func TestHTTP2OpensAConnectionForEachRequest(t *testing.T) {
	t.Parallel()
	for _, protocol := range []slo.Protocol{slo.AutoProtocol, slo.HTTP2, slo.H2C} {
		file := speaking(t, protocol, nil, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }, get("/"))
		file.HTTP.NewConnections, file.HTTP.Streams = true, 100
		l := newLoader(t, file, Options{})
		s := l.Run(t.Context(), counted(20, 4))
		coherent(t, s)
		if g := s.Generator; s.Counters.Success != 20 || g.Opened != 20 || g.Reused != 0 || g.ClosedByPeer != 0 || g.Protocol != "HTTP/2" {
			t.Errorf("%s: %+v, opened %d, reused %d, closed by the peer %d, %+v", protocol, s.Counters, g.Opened, g.Reused, g.ClosedByPeer, s.Failures)
		}
		for _, trunk := range l.client.http2.trunks {
			if !trunk.isClosed() {
				t.Errorf("%s: a connection is still open", protocol)
			}
		}
	}
}

// Who opens a connection fails no request because others have had all that the
// server permits on it, be it one.
func TestHTTP2ConnectionsForOneRequest(t *testing.T) {
	t.Parallel()
	file := speaking(t, slo.H2C, nil, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close") }, get("/"))
	s := newLoader(t, file, Options{}).Run(t.Context(), counted(600, 32))
	coherent(t, s)
	if s.Counters.Success != 600 {
		t.Errorf("%+v, opened %d: %+v", s.Counters, s.Generator.Opened, s.Failures)
	}
}

func TestTLSSessionsAreResumed(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{0x303, 0x304} {
		file := speaking(t, slo.HTTP2, nil, ok, get("/"))
		file.HTTP.TLS = slo.TLS{MinVersion: version, MaxVersion: version}
		l := newLoader(t, file, Options{})
		for run, resumed := range []int64{0, 1} {
			s := l.Run(t.Context(), counted(5, 1))
			l.disconnect()
			if g := s.Generator; s.Counters.Success != 5 || g.Opened != 1 || g.Resumed != resumed {
				t.Errorf("version %x, run %d: %+v, opened %d, resumed %d, %+v", version, run, s.Counters, g.Opened, g.Resumed, s.Failures)
			}
		}
	}
}

func TestTLSVersionsThatDoNotMeet(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	s.TLS.MinVersion = 0x304
	file := fileOf(s.URL, get("/"))
	file.HTTP.TLS.MaxVersion = 0x303
	st := newLoader(t, file, Options{}).Run(t.Context(), counted(2, 1))
	if st.Counters.TLS != 2 {
		t.Errorf("%+v %+v", st.Counters, st.Failures)
	}
}

// framed is a server's end of an HTTP/2 connection, frame by frame.
type framed struct{ *peer }

const (
	frameHeaders, frameReset, frameSettings, frameGoAway = 1, 3, 4, 7
	endStream, endHeaders                                = 1, 4
)

// frame sends one.
func (f framed) frame(kind, flags byte, stream uint32, payload string) bool {
	head := []byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return f.say(string(binary.BigEndian.AppendUint32(head, stream)) + payload)
}

// next reads frames up to a request's head and gives its stream.
func (f framed) next() (stream uint32, ok bool) {
	var head [frameHead]byte
	for {
		if _, err := io.ReadFull(f.in, head[:]); err != nil {
			return 0, false
		}
		length := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		if _, err := io.CopyN(io.Discard, f.in, length); err != nil {
			return 0, false
		}
		if head[3] == frameHeaders {
			return binary.BigEndian.Uint32(head[5:]), true
		}
	}
}

func number(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

// okBlock is ":status: 200" by HPACK's static table.
const okBlock = "\x88"

func (f framed) answer(stream uint32) bool {
	return f.frame(frameHeaders, endHeaders|endStream, stream, okBlock)
}

// HTTP/2 servers that behave badly, seen from outside.
func TestHTTP2Servers(t *testing.T) {
	t.Parallel()
	settings := func(f framed) bool { return f.frame(frameSettings, 0, 0, "") }
	tests := map[string]struct {
		serve       func(f framed)
		want        result.Class
		connections int64 // for three requests
	}{
		"resets each stream": {func(f framed) {
			for stream, ok := f.next(); ok; stream, ok = f.next() {
				f.frame(frameReset, 0, stream, number(2))
			}
		}, result.Reset, 1},
		"refuses each stream": {func(f framed) {
			for stream, ok := f.next(); ok; stream, ok = f.next() {
				f.frame(frameReset, 0, stream, number(7))
			}
		}, result.Reset, 1},
		"closes before it answers": {func(f framed) { f.next() }, result.Reset, 3},
		"resets the connection":    {func(f framed) { f.next(); f.SetLinger(0) }, result.Reset, 3},
		"goes away in anger": {func(f framed) {
			f.next()
			f.frame(frameGoAway, 0, 0, number(0)+number(11))
			f.wait()
		}, result.Reset, 3},
		"says nothing":      {func(f framed) { f.wait() }, result.Timeout, 1},
		"a frame too large": {func(f framed) { f.next(); f.say("\xff\xff\xff\x00\x00\x00\x00\x00\x01"); f.wait() }, result.Protocol, 3},
		"no status": {func(f framed) {
			for stream, ok := f.next(); ok; stream, ok = f.next() {
				f.frame(frameHeaders, endHeaders|endStream, stream, "\x82")
			}
		}, result.Protocol, 1},
		"goes away after each answer": {func(f framed) {
			if stream, ok := f.next(); ok {
				f.answer(stream)
				f.frame(frameGoAway, 0, 0, number(stream)+number(0))
				f.wait()
			}
		}, result.Success, 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, saw := (&server{accept: func(p *peer) {
				if _, err := io.CopyN(io.Discard, p.in, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err == nil && settings(framed{p}) {
					test.serve(framed{p})
				}
			}}).start(t)
			step := get("/")
			if test.want == result.Timeout {
				step.Request.Timeout = 1000 * ms // which a connection is open in
			}
			file := fileOf(url, step)
			file.HTTP.Protocol = slo.H2C
			s := newLoader(t, file, Options{}).Run(t.Context(), counted(3, 1))
			coherent(t, s)
			if *s.Counters.Of(test.want) != 3 || saw.connections.Load() != test.connections {
				t.Errorf("%+v over %d connections, %+v", s.Counters, saw.connections.Load(), s.Failures)
			}
		})
	}
}

// A request that the server has promised not to have looked at goes to another
// connection and stays one request.
func TestGoAwayLosesNoRequest(t *testing.T) {
	t.Parallel()
	var looked atomic.Int64
	url, saw := (&server{accept: func(p *peer) {
		f := framed{p}
		if _, err := io.CopyN(io.Discard, p.in, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil || !f.frame(frameSettings, 0, 0, "") {
			return
		}
		// Every third request of a connection meets its end: it is not answered.
		for n := 0; ; n++ {
			stream, ok := f.next()
			if !ok {
				return
			}
			if n == 2 {
				f.frame(frameGoAway, 0, 0, number(stream-2)+number(0))
				f.wait()
				return
			}
			looked.Add(1)
			f.answer(stream)
		}
	}}).start(t)
	file := fileOf(url, get("/"))
	file.HTTP.Protocol = slo.H2C
	s := newLoader(t, file, Options{}).Run(t.Context(), counted(10, 1))
	coherent(t, s)
	if s.Counters.Success != 10 || looked.Load() != 10 || saw.connections.Load() != 5 {
		t.Errorf("%+v, %d looked at, %d connections, %+v", s.Counters, looked.Load(), saw.connections.Load(), s.Failures)
	}
}

// A connection that somebody else opened, and gave up, does not end those that
// waited for it.
func TestHTTP2WaitersOutliveTheOpener(t *testing.T) {
	t.Parallel()
	file := speaking(t, slo.H2C, nil, ok, get("/"))
	l := newLoader(t, file, Options{})
	h := l.client.http2
	line, opens, _ := h.take()
	if !opens {
		t.Fatal("there was a connection already")
	}
	done := make(chan *exchanged)
	go func() {
		done <- l.client.do(t.Context(), request{message: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), timeout: 10 * time.Second})
	}()
	for waiting := 0; waiting < 2; <-time.After(ms) {
		h.mu.Lock()
		waiting = line.taken
		h.mu.Unlock()
	}
	line.err = fmt.Errorf("dial: %w", context.Canceled)
	close(line.ready)
	h.leave(line)
	x := <-done
	if x.err != nil || x.status != 200 || !x.opened {
		t.Errorf("%v, status %d, opened %v", x.err, x.status, x.opened)
	}
	x.done()
}

// A connection whose life ends while it carries nothing is closed when another
// one takes its place.
func TestHTTP2ClosesIdleConnectionsThatAreOver(t *testing.T) {
	t.Parallel()
	attempts(t, func(scale time.Duration) (complaint string) {
		opened, most := opensAndCloses(t, scale*time.Second)
		if opened < 5 || 2*most > opened { // not closed, all would be open in the end
			return fmt.Sprintf("%d connections were opened, at most %d at the same time", opened, most)
		}
		return ""
	})
}

// opensAndCloses loads a server over connections of short life and counts those
// that were opened, and were open at the same time.
func opensAndCloses(t *testing.T, d time.Duration) (opened, together int64) {
	var open, most atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog, s.Config.Protocols = quiet, new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			most.Store(max(most.Load(), open.Add(1)))
		case http.StateClosed:
			open.Add(-1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	file := fileOf(s.URL, get("/"))
	file.HTTP.Protocol, file.HTTP.ConnectionAge = slo.H2C, 20*time.Millisecond
	l := newLoader(t, file, Options{})
	stage := l.Run(t.Context(), rated(20, d))
	coherent(t, stage)
	return stage.Generator.Opened, most.Load()
}
