package loader

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	h2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// peer2 is the server's end of an HTTP/2 connection that keeps to no rule.
type peer2 struct {
	*h2.Framer
	raw    net.Conn
	stream uint32 // of the first request
}

// headerBlock is a block of headers.
func headerBlock(fields ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return b.Bytes()
}

// answers writes the headers of an answer whose body follows.
func (p *peer2) answers(fields ...string) error {
	return p.WriteHeaders(h2.HeadersFrameParam{StreamID: p.stream, BlockFragment: headerBlock(append([]string{":status", "200"}, fields...)...), EndHeaders: true})
}

// forever does something until the client is gone.
func forever(do func() error) {
	for do() == nil {
	}
}

// hostile2 starts a server that speaks HTTP/2 in clear text up to the first
// request of a connection, and then does what it likes.
func hostile2(t *testing.T, then func(*peer2)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				p := &peer2{Framer: h2.NewFramer(c, c), raw: c}
				if p.begin() == nil {
					go io.Copy(io.Discard, c) // else a client that answers everything would wait for it
					then(p)
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return "http://" + l.Addr().String()
}

// begin reads up to the first request.
func (p *peer2) begin() error {
	if _, err := io.ReadFull(p.raw, make([]byte, len(h2.ClientPreface))); err != nil {
		return err
	}
	if err := p.WriteSettings(); err != nil {
		return err
	}
	for {
		f, err := p.ReadFrame()
		if err != nil {
			return err
		}
		if h, is := f.(*h2.HeadersFrame); is {
			p.stream = h.StreamID
			return nil
		}
	}
}

// Whatever a server does with HTTP/2, its requests end in a class that says so,
// in their time, and nothing of it stays in memory.
func TestHostileHTTP2(t *testing.T) {
	log.SetOutput(io.Discard) // as main does: the standard library tells what it is sent
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	zeros := make([]byte, 16<<10)
	large := strings.Repeat("x", 8<<10)
	for name, tt := range map[string]struct {
		then func(p *peer2)
		want []result.Class // any of them: what ends a request first can be a race
	}{
		"endless pings":          {func(p *peer2) { forever(func() error { return p.WritePing(false, [8]byte{}) }) }, []result.Class{result.Timeout}},
		"endless settings":       {func(p *peer2) { forever(func() error { return p.WriteSettings() }) }, []result.Class{result.Timeout}},
		"endless unknown frames": {func(p *peer2) { forever(func() error { return p.WriteRawFrame(99, 0, 0, zeros) }) }, []result.Class{result.Timeout}},
		"endless priorities": {func(p *peer2) {
			forever(func() error { return p.WritePriority(p.stream, h2.PriorityParam{StreamDep: 99}) })
		}, []result.Class{result.Timeout}},
		"endless continuations": {func(p *peer2) {
			_ = p.WriteHeaders(h2.HeadersFrameParam{StreamID: p.stream, BlockFragment: headerBlock(":status", "200")})
			forever(func() error { return p.WriteContinuation(p.stream, false, headerBlock("a", large)) })
		}, []result.Class{result.Protocol}},
		"empty continuations": {func(p *peer2) {
			_ = p.WriteHeaders(h2.HeadersFrameParam{StreamID: p.stream, BlockFragment: headerBlock(":status", "200")})
			forever(func() error { return p.WriteContinuation(p.stream, false, nil) })
		}, []result.Class{result.Timeout, result.Protocol}},
		"endless 1xx": {func(p *peer2) {
			forever(func() error {
				return p.WriteHeaders(h2.HeadersFrameParam{StreamID: p.stream, BlockFragment: headerBlock(":status", "103", "a", large), EndHeaders: true})
			})
		}, []result.Class{result.Protocol}},
		"100,000 headers": {func(p *peer2) {
			fields := []string{":status", "200"}
			for i := range 100_000 {
				fields = append(fields, fmt.Sprintf("h%d", i), "x")
			}
			block := headerBlock(fields...)
			_ = p.WriteHeaders(h2.HeadersFrameParam{StreamID: p.stream, BlockFragment: block[:16<<10]})
			for block = block[16<<10:]; len(block) > 0; {
				n := min(len(block), 16<<10)
				if p.WriteContinuation(p.stream, n == len(block), block[:n]) != nil {
					return
				}
				block = block[n:]
			}
			<-time.After(time.Second)
		}, []result.Class{result.Protocol}},
		"a bomb of headers": {func(p *peer2) {
			// One entry of the table, named again by a byte each time.
			block := headerBlock(":status", "200", "a", strings.Repeat("x", 4000))
			_ = p.WriteHeaders(h2.HeadersFrameParam{StreamID: p.stream, BlockFragment: append(block, bytes.Repeat([]byte{0x80 | 62}, 12_000)...), EndHeaders: true})
			<-time.After(time.Second)
		}, []result.Class{result.Protocol}},
		"empty data": {func(p *peer2) { _ = p.answers(); forever(func() error { return p.WriteData(p.stream, false, nil) }) }, []result.Class{result.Timeout, result.Protocol}},
		"padding alone": {func(p *peer2) {
			_ = p.answers()
			forever(func() error { return p.WriteDataPadded(p.stream, false, nil, zeros[:255]) })
		}, []result.Class{result.Timeout, result.Protocol}},
		"more than the window": {func(p *peer2) { _ = p.answers(); forever(func() error { return p.WriteData(p.stream, false, zeros) }) }, []result.Class{result.Protocol}},
		"an overflowing window": {func(p *peer2) {
			forever(func() error { return p.WriteWindowUpdate(0, 1<<31-1) })
		}, []result.Class{result.Protocol, result.Reset}},
		"a push that nobody wants": {func(p *peer2) {
			_ = p.WritePushPromise(h2.PushPromiseParam{StreamID: p.stream, PromiseID: 2, BlockFragment: headerBlock(":method", "GET"), EndHeaders: true})
			<-time.After(time.Second)
		}, []result.Class{result.Protocol}},
		"data before headers": {func(p *peer2) { _ = p.WriteData(p.stream, true, zeros); <-time.After(time.Second) }, []result.Class{result.Protocol, result.Reset}},
		"an even stream":      {func(p *peer2) { _ = p.WriteData(2, true, zeros); <-time.After(time.Second) }, []result.Class{result.Protocol, result.Reset}},
		"no status":           {func(p *peer2) { p.headers("a", "b") }, []result.Class{result.Protocol}},
		"a status of letters": {func(p *peer2) { p.headers(":status", "\x1b[2J") }, []result.Class{result.Protocol}},
		"a long status":       {func(p *peer2) { p.headers(":status", "1000") }, []result.Class{result.Protocol}},
		"a short status":      {func(p *peer2) { p.headers(":status", "42") }, []result.Class{result.Protocol}},
		"a negative status":   {func(p *peer2) { p.headers(":status", "-200") }, []result.Class{result.Protocol}},
		"line breaks":         {func(p *peer2) { p.headers(":status", "200", "a", "b\r\n::error::c") }, []result.Class{result.Protocol}},
		"a wrong length": {func(p *peer2) {
			_ = p.answers("content-length", "5")
			_ = p.WriteData(p.stream, true, zeros[:9])
			<-time.After(time.Second)
		}, []result.Class{result.Protocol}},
		"resets":    {func(p *peer2) { _ = p.WriteRSTStream(p.stream, h2.ErrCodeEnhanceYourCalm); <-time.After(time.Second) }, []result.Class{result.Protocol, result.Reset}},
		"goes away": {func(p *peer2) { _ = p.WriteGoAway(p.stream, h2.ErrCodeEnhanceYourCalm, []byte("\x1b[2J::error::")) }, []result.Class{result.Protocol, result.Reset}},
		"a frame too large": {func(p *peer2) {
			_, _ = p.raw.Write([]byte{0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1})
			<-time.After(time.Second)
		}, []result.Class{result.Protocol}},
		"HTTP/1.1": {func(p *peer2) { _, _ = p.raw.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")) }, []result.Class{result.Protocol, result.Reset}},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			step := get("/")
			if step.Request.Timeout = 20 * time.Second; tt.want[0] == result.Timeout {
				step.Request.Timeout = 150 * ms
			}
			file := fileOf(hostile2(t, tt.then), step)
			file.HTTP.Protocol = slo.H2C
			l := newLoader(t, file, Options{})
			s := l.Run(t.Context(), counted(1, 1))
			coherent(t, s)
			var right int64
			for _, class := range tt.want {
				right += *s.Counters.Of(class)
			}
			if right != 1 {
				t.Errorf("it does not end as %v: %+v\n%+v", tt.want, s.Counters, s.Failures)
			}
			for _, f := range s.Failures {
				if strings.ContainsAny(f.Detail, "\x1b\r\n") {
					t.Errorf("detail %q", f.Detail)
				}
			}
			l.Close()
			runtime.GC()
			if runtime.ReadMemStats(&after); after.HeapAlloc > before.HeapAlloc+32<<20 {
				t.Errorf("%d MiB stay in memory", (after.HeapAlloc-before.HeapAlloc)>>20)
			}
		})
	}
}

// headers writes a whole answer that is nothing but its head.
func (p *peer2) headers(fields ...string) {
	_ = p.WriteHeaders(h2.HeadersFrameParam{StreamID: p.stream, BlockFragment: headerBlock(fields...), EndHeaders: true, EndStream: true})
	<-time.After(time.Second)
}
