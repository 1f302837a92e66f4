package loader

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// raw starts a server that reads each request's head and then does as it is
// told. The connection is closed when answer returns.
func raw(t testing.TB, answer func(c net.Conn)) string {
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
				if readHead(c) {
					answer(c)
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return "http://" + l.Addr().String()
}

func readHead(c net.Conn) bool {
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == "\r\n" {
			return true
		}
	}
}

// says answers with a text and closes the connection.
func says(text string) func(net.Conn) { return func(c net.Conn) { io.WriteString(c, text) } }

// stalls answers with a text and waits until the other side gives up.
func stalls(text string) func(net.Conn) {
	return func(c net.Conn) { io.WriteString(c, text); io.Copy(io.Discard, c) }
}

// keeps answers every request with a text and keeps the connection.
func keeps(text string) func(net.Conn) {
	return func(c net.Conn) {
		for {
			io.WriteString(c, text)
			if !readHead(c) {
				return
			}
		}
	}
}

// drips sends a text again and again, slowly, until nobody listens.
func drips(head, text string, every time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		_, err := io.WriteString(c, head)
		for ; err == nil; _, err = io.WriteString(c, text) {
			<-time.After(every)
		}
	}
}

func resets(text string) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, text)
		c.(*net.TCPConn).SetLinger(0)
	}
}

type hostile struct {
	answer func(net.Conn)
	url    string // instead of answer
	method string
	want   result.Class
}

func hostiles(t testing.TB) map[string]hostile {
	secure := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := serve(t, ok)
	return map[string]hostile{
		"refuses":                 {url: "http://" + closedPort(t), want: result.Refused},
		"dead name":               {url: "http://slogate.invalid", want: result.DNS},
		"https to a plain port":   {url: strings.Replace(plain, "http:", "https:", 1), want: result.TLS},
		"unknown authority":       {url: secure.URL, want: result.TLS},
		"http to a TLS port":      {url: strings.Replace(secure.URL, "https:", "http:", 1), want: result.BadStatus},
		"closes at once":          {answer: says(""), want: result.Reset},
		"resets at once":          {answer: resets(""), want: result.Reset},
		"closes in the headers":   {answer: says("HTTP/1.1 200 OK\r\nContent-Le"), want: result.Reset},
		"closes in the body":      {answer: says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), want: result.Reset},
		"resets in the body":      {answer: resets("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), want: result.Reset},
		"closes in a chunk":       {answer: says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\nhalf"), want: result.Reset},
		"says nothing":            {answer: stalls(""), want: result.Timeout},
		"stalls in the headers":   {answer: stalls("HTTP/1.1 200 OK\r\nContent-"), want: result.Timeout},
		"stalls in the body":      {answer: stalls("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), want: result.Timeout},
		"drips headers":           {answer: drips("HTTP/1.1 200 OK\r\n", "A: b\r\n", 5*ms), want: result.Timeout},
		"drips a body":            {answer: drips("HTTP/1.1 200 OK\r\n\r\n", "x", 5*ms), want: result.Timeout},
		"endless body":            {answer: drips("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 1<<20), 0), want: result.Protocol},
		"endless 1xx":             {answer: drips("", "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n", 5*ms), want: result.Timeout},
		"garbage":                 {answer: says("\x00\x1b[2Jgarbage\r\n\r\n"), want: result.Protocol},
		"bad status line":         {answer: says("HTTP/1.1 two hundred\r\n\r\n"), want: result.Protocol},
		"two lengths":             {answer: says("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"), want: result.Protocol},
		"bad chunk":               {answer: says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), want: result.Protocol},
		"huge headers":            {answer: says("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", maxHeader+1)), want: result.Protocol},
		"switches protocols":      {answer: stalls("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), want: result.BadStatus},
		"hints first":             {answer: says("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"), want: result.Success},
		"no content":              {answer: keeps("HTTP/1.1 204 No Content\r\n\r\n"), want: result.Success},
		"not modified":            {answer: keeps("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), want: result.Success},
		"HEAD":                    {answer: keeps("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), method: "HEAD", want: result.Success},
		"chunked":                 {answer: keeps("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), want: result.Success},
		"until close":             {answer: says("HTTP/1.0 200 OK\r\n\r\nall of it"), want: result.Success},
		"redirects":               {answer: says("HTTP/1.1 302 Found\r\nLocation: http://slogate.invalid/\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), want: result.Success},
		"answers before the body": {answer: says("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), method: "POST", want: result.BadStatus},
	}
}

func (h hostile) file(t testing.TB, timeout time.Duration) *slo.File {
	url := h.url
	if h.answer != nil {
		url = raw(t, h.answer)
	}
	step := get("/")
	step.Request.Timeout = timeout
	if h.method != "" {
		step.Request.Method = h.method
	}
	if h.method == "POST" {
		step.Request.Body = literal(strings.Repeat("x", 100))
	}
	return fileOf(url, step)
}

func TestHostileTargets(t *testing.T) {
	for name, h := range hostiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := 20 * time.Second // never reached, but where a timeout is wanted
			if h.want == result.Timeout {
				timeout = 150 * ms
			}
			s := newLoader(t, h.file(t, timeout), Options{}).Run(t.Context(), counted(3, 2))
			coherent(t, s)
			if got := *s.Counters.Of(h.want); got != 3 {
				t.Fatalf("%d of 3 are %s: %+v\n%+v", got, h.want, s.Counters, s.Failures)
			}
			if h.want != result.Success && s.Response.Above(timeout*99/100) != 3 {
				t.Error("a failure counts with less than the timeout")
			}
			if h.want == result.Timeout && s.Response.Above(timeout*10) > 0 {
				t.Error("a timeout took ten times as long")
			}
		})
	}
}

// Every arrival at a hostile target ends in one class, also when the run is
// cancelled at some moment.
func TestHostileTargetsAddUp(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	for name, h := range hostiles(t) {
		after := time.Duration(random.Int64N(int64(150 * ms)))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLoader(t, h.file(t, 60*ms), Options{MaxConnections: 4, Grace: 20 * ms})
			s := l.Run(t.Context(), rated(150, 100*ms))
			coherent(t, s)
			if s.Counters.Due() != 15 || s.Counters.Cancelled != 0 {
				t.Errorf("%+v, want 15 due", s.Counters)
			}
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			s = l.Run(ctx, rated(150, time.Second))
			coherent(t, s)
			// Arrivals are due each 6.67 ms; the stage notices the end a little later.
			least := int64(after.Seconds() * 150)
			if due := s.Counters.Due(); due < least || s.Counters.Unsent > 0 {
				t.Errorf("cancelled after %v (seed %d): %+v", after, seed, s.Counters)
			}
		})
	}
}

func TestEndlessBodyIsBounded(t *testing.T) {
	chunk := []byte(strings.Repeat("x", 1<<20))
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for range maxBody>>20 + 1 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	step := get("/")
	step.Request.Timeout = time.Minute
	s := newLoader(t, fileOf(url, step), Options{}).Run(t.Context(), counted(1, 1))
	if s.Counters.Protocol != 1 || s.BytesIn < maxBody {
		t.Errorf("%+v, %d bytes", s.Counters, s.BytesIn)
	}
}

// What follows an answer that ended by its own length belongs to no request.
func TestMoreThanItsLength(t *testing.T) {
	log.SetOutput(io.Discard) // net/http complains there
	defer log.SetOutput(os.Stderr)
	url := raw(t, keeps("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more"))
	s := newLoader(t, fileOf(url, get("/")), Options{}).Run(t.Context(), counted(20, 2))
	coherent(t, s)
	if n := s.Counters.Success + s.Counters.Protocol + s.Counters.Reset; n != 20 || s.Counters.Success < 2 {
		t.Errorf("%+v", s.Counters)
	}
}

// A server that closes each connection after some answers, with and without
// saying so, must be asked exactly as often as there were requests.
func TestNothingIsSentTwice(t *testing.T) {
	answers := map[string][]string{
		"says so":     {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"},
		"does not":    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		"in mid-life": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ""},
	}
	for name, says := range answers {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			heads := 0
			url := raw(t, func(c net.Conn) {
				for i, text := range says {
					if i > 0 && !readHead(c) {
						return
					}
					mu.Lock()
					heads++
					mu.Unlock()
					io.WriteString(c, text)
				}
			})
			s := newLoader(t, fileOf(url, get("/")), Options{}).Run(t.Context(), counted(60, 3))
			coherent(t, s)
			mu.Lock()
			defer mu.Unlock()
			// A request that met the closing connection may not have been read.
			if s.Counters.Success+s.Counters.Reset != 60 || int64(heads) > 60 || int64(heads) < s.Counters.Success {
				t.Errorf("%+v, the server read %d requests", s.Counters, heads)
			}
			if name == "in mid-life" && s.Counters.Reset < 25 {
				t.Errorf("%d resets; every second request was cut off", s.Counters.Reset)
			}
		})
	}
}

func TestTLSTargetWithTrust(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(ok))
	defer server.Close()
	l := newLoader(t, fileOf(server.URL, get("/")), Options{})
	l.client.transport.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	s := l.Run(t.Context(), counted(20, 2))
	coherent(t, s)
	if s.Counters.Success != 20 || s.TTFB.Total() != 20 || s.Generator.Opened > 2 {
		t.Errorf("%+v, opened %d, first bytes %d", s.Counters, s.Generator.Opened, s.TTFB.Total())
	}
}
