package loader

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// server is one way to treat a client, good or bad.
type server struct {
	name   string
	answer func(*peer) // once for each connection, its first request's head being read
	accept func(*peer) // once for each connection, nothing being read
	url    string      // of a server that is none of ours, instead of both

	method string // GET by default
	body   int    // bytes of the request's body

	want result.Class
	or   result.Class // as right as want: what arrives first is a race in the network
	// keeps says that a connection serves one request after the other. Where it
	// is false, none serves a second.
	keeps bool
	pause time.Duration // between two requests, for the server to act in
}

// timeout is short where it is what is waited for, and else out of reach.
func (s *server) timeout() time.Duration {
	if s.want == result.Timeout {
		return 150 * ms
	}
	return 20 * time.Second
}

// step is the request that the server is for.
func (s *server) step(timeout time.Duration) slo.Step {
	step := get("/")
	step.Request.Timeout = timeout
	if s.method != "" {
		step.Request.Method = s.method
	}
	step.Request.Body = literal(strings.Repeat("x", s.body))
	return step
}

// seen is what a server saw of its clients.
type seen struct {
	connections atomic.Int64
	heads       atomic.Int64 // of requests, read to the end
}

// start begins to serve and returns the server's URL.
func (s *server) start(t testing.TB) (string, *seen) {
	t.Helper()
	saw := &seen{}
	if s.url != "" {
		return s.url, saw
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			saw.connections.Add(1)
			p := &peer{TCPConn: c.(*net.TCPConn), in: bufio.NewReader(c), saw: saw, done: done}
			wg.Go(func() {
				defer p.Close()
				if s.accept != nil {
					s.accept(p)
				} else if p.head() {
					s.answer(p)
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); close(done); wg.Wait() })
	return "http://" + l.Addr().String(), saw
}

// raw starts a server with one answer.
func raw(t testing.TB, answer func(*peer)) (string, *seen) {
	return (&server{answer: answer}).start(t)
}

// peer is the server's end of a connection.
type peer struct {
	*net.TCPConn
	in      *bufio.Reader
	saw     *seen
	done    <-chan struct{} // closed when the test ends
	request *http.Request   // the latest
}

// head reads the head of the next request, after the body of the latest.
func (p *peer) head() bool {
	if p.request != nil && !p.rest() {
		return false
	}
	r, err := http.ReadRequest(p.in)
	if err != nil {
		return false
	}
	p.request = r
	p.saw.heads.Add(1)
	return true
}

// rest reads the latest request's body.
func (p *peer) rest() bool {
	_, err := io.Copy(io.Discard, p.request.Body)
	return err == nil
}

func (p *peer) say(text string) bool {
	_, err := io.WriteString(p, text)
	return err == nil
}

// wait waits until the client gives up.
func (p *peer) wait() { io.Copy(io.Discard, p) }

// says answers with a text and closes the connection.
func says(text string) func(*peer) {
	return func(p *peer) { _ = p.rest() && p.say(text) }
}

// stalls answers with a text and waits until the client gives up.
func stalls(text string) func(*peer) {
	return func(p *peer) { p.say(text); p.wait() }
}

// keeps answers every request with a text and keeps the connection.
func keeps(text string) func(*peer) { return inPieces(text, len(text)) }

// inPieces is keeps that writes a few bytes at a time.
func inPieces(text string, size int) func(*peer) {
	return func(p *peer) {
		for p.rest() {
			for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
				if !p.say(rest[:min(size, len(rest))]) {
					return
				}
			}
			if !p.head() {
				return
			}
		}
	}
}

// drips answers with a head and then a text again and again until nobody
// listens.
func drips(head, text string, every time.Duration) func(*peer) {
	return func(p *peer) {
		for ok := p.say(head); ok; ok = p.say(text) {
			<-time.After(every)
		}
	}
}

// pours is drips without a rest.
func pours(head, text string) func(*peer) {
	return func(p *peer) {
		for ok := p.say(head); ok; ok = p.say(text) {
		}
	}
}

// resets answers with a text and cuts the connection.
func resets(text string) func(*peer) {
	return func(p *peer) {
		p.say(text)
		p.SetLinger(0)
	}
}

const (
	okHead = "HTTP/1.1 200 OK\r\n"
	okTwo  = okHead + "Content-Length: 2\r\n\r\nok"
	mib    = 1 << 20
)

// servers are all the ways in which the conformance suite lets a server
// behave.
func servers(t testing.TB) []server {
	list := elsewhere(t)
	list = append(list, breakers()...)
	list = append(list, stallers()...)
	list = append(list, floods()...)
	list = append(list, speakers()...)
	list = append(list, senders()...)
	list = append(list, readers()...)
	return append(list, systemServers(t)...)
}

// elsewhere are servers that are not one of ours, or not there.
func elsewhere(t testing.TB) []server {
	plain := serve(t, ok)
	return []server{
		{name: "refuses", url: "http://" + closedPort, want: result.Refused},
		{name: "dead name", url: "http://slogate.invalid", want: result.DNS},
		{name: "https to a plain port", url: strings.Replace(plain, "http:", "https:", 1), want: result.TLS},
		{name: "unknown authority", url: stranger(t), want: result.TLS},
		{name: "http to a TLS port", url: strings.Replace(stranger(t), "https:", "http:", 1), want: result.BadStatus},
	}
}

// stranger starts a TLS server whose certificate nobody trusts.
func stranger(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	s.Config.ErrorLog = quiet
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

// breakers end the connection too early.
func breakers() []server {
	const half = okHead + "Content-Length: 10\r\n\r\nhalf"
	const chunk = okHead + "Transfer-Encoding: chunked\r\n\r\nA\r\nhalf"
	return []server{
		{name: "closes before it reads", accept: func(*peer) {}, want: result.Reset},
		{name: "resets before it reads", accept: func(p *peer) { p.SetLinger(0) }, want: result.Reset},
		{name: "closes at once", answer: says(""), want: result.Reset},
		{name: "resets at once", answer: resets(""), want: result.Reset},
		{name: "closes in the status line", answer: says("HTTP/1.1 20"), want: result.Reset},
		{name: "closes in the headers", answer: says(okHead + "Content-Le"), want: result.Reset},
		{name: "resets in the headers", answer: resets(okHead + "Content-Le"), want: result.Reset},
		{name: "closes after a 1xx", answer: says("HTTP/1.1 100 Continue\r\n\r\n"), want: result.Reset},
		{name: "closes in the body", answer: says(half), want: result.Reset},
		{name: "resets in the body", answer: resets(half), want: result.Reset},
		{name: "closes in a chunk", answer: says(chunk), want: result.Reset},
		{name: "resets in a chunk", answer: resets(chunk), want: result.Reset},
		{name: "closes before the last chunk", answer: says(okHead + "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"), want: result.Reset},
		{name: "resets a body until close", answer: resets(okHead + "\r\nhalf"), want: result.Reset},
	}
}

// stallers stop in the middle and keep the connection.
func stallers() []server {
	return []server{
		{name: "never reads", accept: func(p *peer) { <-p.done }, want: result.Timeout},
		{name: "says nothing", answer: stalls(""), want: result.Timeout},
		{name: "stalls in the status line", answer: stalls("HTTP/1.1 2"), want: result.Timeout},
		{name: "stalls in the headers", answer: stalls(okHead + "Content-"), want: result.Timeout},
		{name: "stalls after a 1xx", answer: stalls("HTTP/1.1 100 Continue\r\n\r\n"), want: result.Timeout},
		{name: "stalls in the body", answer: stalls(okHead + "Content-Length: 10\r\n\r\nhalf"), want: result.Timeout},
		{name: "stalls in a chunk", answer: stalls(okHead + "Transfer-Encoding: chunked\r\n\r\nA\r\nhalf"), want: result.Timeout},
		{name: "stalls before the last chunk", answer: stalls(okHead + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"), want: result.Timeout},
		{name: "stalls in a body until close", answer: stalls(okHead + "\r\nhalf"), want: result.Timeout},
		{name: "reads no large body", answer: func(p *peer) { <-p.done }, method: "POST", body: 8 * mib, want: result.Timeout},
		{name: "drips headers", answer: drips(okHead, "A: b\r\n", 5*ms), want: result.Timeout},
		{name: "drips a body", answer: drips(okHead+"\r\n", "x", 5*ms), want: result.Timeout},
		{name: "drips chunks", answer: drips(okHead+"Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 5*ms), want: result.Timeout},
		{name: "drips 1xx", answer: drips("", "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n", 5*ms), want: result.Timeout},
	}
}

// floods never end.
func floods() []server {
	line := "A: " + strings.Repeat("x", 1000) + "\r\n"
	chunked := okHead + "Transfer-Encoding: chunked\r\n\r\n"
	return []server{
		{name: "endless status line", answer: pours("HTTP/1.1 200 ", strings.Repeat("x", mib)), want: result.Protocol},
		{name: "endless headers", answer: pours(okHead, line), want: result.Protocol},
		{name: "endless header", answer: pours(okHead+"A: ", strings.Repeat("x", mib)), want: result.Protocol},
		{name: "endless 1xx", answer: pours("", "HTTP/1.1 103 Early Hints\r\n"+line+"\r\n"), want: result.Protocol},
		{name: "endless chunk size", answer: pours(chunked, strings.Repeat("0", mib)), want: result.Protocol},
		{name: "endless chunk extension", answer: pours(chunked+"2;", strings.Repeat("x", mib)), want: result.Protocol},
		{name: "endless trailer", answer: pours(chunked+"2\r\nok\r\n0\r\n", line), want: result.Protocol},
		{name: "endless body", answer: pours(okHead+"\r\n", strings.Repeat("x", mib)), want: result.Protocol},
	}
}

// speakers say what is no answer.
func speakers() []server {
	alert := string([]byte{21, 3, 3, 0, 2, 2, 10})
	return []server{
		{name: "garbage", answer: says("\x00\x1b[2Jgarbage\r\n\r\n"), want: result.Protocol},
		{name: "another protocol", answer: stalls("SSH-2.0-OpenSSH_9.6\r\n"), want: result.Protocol},
		{name: "TLS on a clear port", answer: says(alert), want: result.Protocol, or: result.Reset},
		{name: "bad status line", answer: says("HTTP/1.1 two hundred\r\n\r\n"), want: result.Protocol},
		{name: "status of two digits", answer: says("HTTP/1.1 042 Short\r\nContent-Length: 0\r\n\r\n"), want: result.Protocol},
		{name: "status of four digits", answer: says("HTTP/1.1 1000 Long\r\nContent-Length: 0\r\n\r\n"), want: result.Protocol},
		{name: "bad version", answer: says("HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n"), want: result.Protocol},
		{name: "header without a colon", answer: says(okHead + "no colon\r\nContent-Length: 0\r\n\r\n"), want: result.Protocol},
		{name: "bad length", answer: says(okHead + "Content-Length: many\r\n\r\n"), want: result.Protocol},
		{name: "negative length", answer: says(okHead + "Content-Length: -1\r\n\r\n"), want: result.Protocol},
		{name: "two lengths", answer: says(okHead + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"), want: result.Protocol},
		{name: "bad chunk", answer: says(okHead + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), want: result.Protocol},
		{name: "unknown coding", answer: says(okHead + "Transfer-Encoding: shrunk\r\n\r\nok"), want: result.Protocol},
		{name: "switches protocols", answer: stalls("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), want: result.BadStatus},
	}
}
