package loader

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// with reads an SLO file with a block of http.
func with(t testing.TB, target, http, scenarios string) *slo.File {
	t.Helper()
	return parseWhole(t, "version: 1\ntarget: "+target+"\nhttp: "+http+"\nscenarios:\n"+scenarios+"\nstages:\n  - {name: s, requests: 1, workers: 1}\nobjectives:\n  - p95 <= 1s\n")
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}

func TestCompression(t *testing.T) {
	large := `{"a": 1, "pad": "` + strings.Repeat("x", 100_000) + `"}`
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			http.Error(w, "no gzip", http.StatusNotAcceptable)
			return
		}
		switch r.URL.Path {
		case "/plain":
			fmt.Fprint(w, large)
		case "/broken":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(gzipped(large)[:50])
		case "/refuses":
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(http.StatusTeapot)
			w.Write(gzipped("short and stout"))
		default:
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(gzipped(large))
		}
	})
	eachEngine(t, func(t *testing.T, engine string) {
		for path, want := range map[string]result.Counters{
			"/plain":   {Success: 4},
			"/gzip":    {Success: 4},
			"/broken":  {Protocol: 4},
			"/refuses": {BadStatus: 4},
		} {
			l := newLoader(t, with(t, url, "{compression: on}", "  - {request: GET "+path+", checks: [json.a == 1, size > 100KB]}"), Options{Engine: engine})
			s := l.Run(t.Context(), counted(4, 1))
			coherent(t, s)
			if s.Counters != want {
				t.Errorf("%s: %+v %+v", path, s.Counters, s.Failures)
			}
			if path == "/gzip" && s.BytesIn > 10_000 {
				t.Errorf("%d bytes came, of some hundred on the wire", s.BytesIn)
			}
			// A body that nobody looks at is broken all the same, where all of it is there.
			l = newLoader(t, with(t, url, "{compression: on}", "  - {request: GET "+path+"}"), Options{Engine: engine})
			if s := l.Run(t.Context(), counted(4, 1)); s.Counters != want {
				t.Errorf("%s, without a look at it: %+v %+v", path, s.Counters, s.Failures)
			}
			var once bytes.Buffer
			if err := l.Once(t.Context(), &once); err != nil || strings.Contains(once.String(), "protocol: decode the body") != (want.Protocol > 0) {
				t.Errorf("%s: %v, printed:\n%s", path, err, once.String())
			}
			if path == "/refuses" && s.Failures[0].Body != "short and stout" {
				t.Errorf("the sample is %q", s.Failures[0].Body)
			}
		}
	})
}

// A small answer that decodes to an endless body is bounded.
func TestCompressionIsBounded(t *testing.T) {
	bomb := bytes.Repeat(gzipped(string(make([]byte, 1<<20))), 80) // one stream after the other is one
	r := reply{body: bomb, encoding: "gzip"}
	if err := r.decode(true); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("error is %v", err)
	}
}

// What would take many times the memory of its text is neither read as JSON nor
// split.
func TestLargeBodiesAreNotUnpacked(t *testing.T) {
	large := gzipped("[" + strings.Repeat("0,", mostUnpacked/2) + "0]")
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(large)
		})
		for looks, want := range map[string]string{
			"checks: ['json != 1']":                       "of JSON at most 8 MiB are read",
			"capture: {n: '$[0]'}":                        "of JSON at most 8 MiB are read",
			"measure: {n: '$[0]'}":                        "of JSON at most 8 MiB are read",
			`checks: ['len(split(body, ",")) > 3']`:       "at most 8 MiB are split",
			`checks: ['len(split("a,b", ",")) == 2']`:     "",
			`checks: ['body startsWith "[0,"', size > 3]`: "",
		} {
			l := newLoader(t, with(t, url, "{compression: on}", "  - {request: GET /, "+looks+"}"), Options{Engine: engine})
			s := l.Run(t.Context(), counted(1, 1))
			var once bytes.Buffer
			if err := l.Once(t.Context(), &once); err != nil {
				t.Fatal(err)
			}
			if want == "" {
				if s.Counters.Success != 1 {
					t.Errorf("%s: %+v, %+v", looks, s.Counters, s.Failures)
				}
				continue
			}
			if s.Counters.FailedCheck != 1 || !strings.Contains(s.Failures[0].Detail, want) || !strings.Contains(once.String(), want) {
				t.Errorf("%s: %+v, %+v\n%s", looks, s.Counters, s.Failures, once.String())
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{}, true)
	f.Add(gzipped("hello"), false)
	f.Add(gzipped("hello")[:12], true)
	f.Fuzz(func(t *testing.T, body []byte, whole bool) {
		r := reply{body: body, size: int64(len(body)), encoding: "gzip"}
		if err := r.decode(whole); err == nil && whole && len(body) > 0 && r.size != int64(len(r.body)) {
			t.Errorf("%d bytes decoded, the size is %d", len(r.body), r.size)
		}
	})
}

func TestNewConnections(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, saw := raw(t, keeps(okTwo))
		l := newLoader(t, with(t, url, "{connections: new}", "  - {request: GET /}"), Options{Engine: engine})
		s := l.Run(t.Context(), counted(6, 2))
		coherent(t, s)
		if s.Counters.Success != 6 || s.Generator.Opened != 6 || s.Generator.Reused != 0 || saw.connections.Load() != 6 {
			t.Errorf("%+v, opened %d, reused %d, %d came", s.Counters, s.Generator.Opened, s.Generator.Reused, saw.connections.Load())
		}
	})
}

// A connection of limited life is closed by this side, after a request.
func TestConnectionsOfLimitedLife(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		attempts(t, func(scale time.Duration) (complaint string) {
			url, saw := raw(t, keeps(okTwo))
			l := newLoader(t, with(t, url, "{connections: 100ms}", "  - {request: GET /}"), Options{Engine: engine})
			s := l.Run(t.Context(), timed(scale*900*ms, 1, 1))
			coherent(t, s)
			g := s.Generator
			if g.Opened < 2 || g.Reused == 0 {
				return fmt.Sprintf("%+v in %v opened %d connections and reused %d", s.Counters, s.Duration, g.Opened, g.Reused)
			}
			if g.Opened > 20*int64(scale) || g.ClosedByPeer != 0 || saw.connections.Load() != g.Opened || s.Counters.Errors() > 0 {
				t.Errorf("%+v, opened %d, reused %d, closed by the peer %d, %d came", s.Counters, g.Opened, g.Reused, g.ClosedByPeer, saw.connections.Load())
			}
			if g.ConnectionAge != 100*ms {
				t.Errorf("age %v", g.ConnectionAge)
			}
			return ""
		})
	})
}

// A connection whose life ended while it was idle carries no request more.
func TestIdleConnectionsOfLimitedLife(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, saw := raw(t, keeps(okTwo))
		l := newLoader(t, with(t, url, "{connections: 100ms}", "  - {steps: [{request: GET /}, {pause: 150ms}]}"), Options{Engine: engine})
		s := l.Run(t.Context(), counted(5, 1))
		coherent(t, s)
		if g := s.Generator; s.Counters.Success != 5 || g.Opened != 5 || g.ClosedByPeer != 0 || saw.connections.Load() != 5 {
			t.Errorf("%+v, opened %d, closed by the peer %d, %d came", s.Counters, g.Opened, g.ClosedByPeer, saw.connections.Load())
		}
	})
}

func TestLives(t *testing.T) {
	var none *lives
	if none.over(none.until(time.Now())) {
		t.Error("a connection that stays is over")
	}
	now := time.Now()
	l := newLives(10 * time.Second)
	shortest, longest := time.Hour, time.Duration(0)
	for range 20 {
		d := l.until(now).Sub(now)
		shortest, longest = min(shortest, d), max(longest, d)
	}
	if shortest < 5*time.Second || shortest > 6*time.Second || longest < 9*time.Second || longest > 10*time.Second {
		t.Errorf("lives from %v to %v", shortest, longest)
	}
}

func TestResolve(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		var hosts sync.Map
		at := serve(t, func(w http.ResponseWriter, r *http.Request) { hosts.Store(r.Host, true) })
		address := strings.TrimPrefix(at, "http://")
		_, port, _ := net.SplitHostPort(address)
		for target, to := range map[string]string{"http://api.slogate.invalid": address, "http://API2.slogate.invalid:" + port: "127.0.0.1"} {
			host := strings.TrimPrefix(target, "http://")
			name, _, _ := strings.Cut(strings.ToLower(host), ":")
			l := newLoader(t, with(t, target, "{resolve: {"+name+": '"+to+"'}}", "  - {request: GET /}"), Options{Engine: engine})
			s := l.Run(t.Context(), counted(2, 1))
			if _, came := hosts.Load(host); s.Counters.Success != 2 || !came {
				t.Errorf("%s: %+v %+v, the host came: %v", target, s.Counters, s.Failures, came)
			}
		}
	})
}

func TestSource(t *testing.T) {
	var from sync.Map
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		from.Store(host, true)
	})
	l := newLoader(t, with(t, url, "{source: 127.0.0.7}", "  - {request: GET /}"), Options{})
	s := l.Run(t.Context(), counted(2, 1))
	if s.Counters.Local == 2 {
		t.Skip("this system has one loopback address only")
	}
	if _, came := from.Load("127.0.0.7"); !came || s.Counters.Success != 2 || s.Generator.Engine != PortableEngine {
		t.Errorf("%+v %+v, the address came: %v, engine %s", s.Counters, s.Failures, came, s.Generator.Engine)
	}
}

// The address of this machine is that of every kind of connection that has one.
func TestSourceOfOtherNetworks(t *testing.T) {
	t.Chdir(t.TempDir()) // a socket's path is short
	listener, err := net.Listen("unix", "app.sock")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	s.Listener.Close()
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Close)
	url := serve(t, ok)
	for step, target := range map[string]string{
		`{dns: {name: api.test, server: "` + zone(t) + `"}}`:  url,
		`{tcp: "` + strings.TrimPrefix(url, "http://") + `"}`: url,
		`{request: GET /}`: "unix:app.sock",
	} {
		s := newLoader(t, with(t, target, "{source: 127.0.0.1}", "  - "+step), Options{}).Run(t.Context(), counted(2, 1))
		coherent(t, s)
		if s.Counters.Success != 2 {
			t.Errorf("%s: %+v %+v", step, s.Counters, s.Failures)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	t.Chdir(t.TempDir()) // a socket's path is short
	listener, err := net.Listen("unix", "app.sock")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) }))
	s.Listener.Close()
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Close)
	l := newLoader(t, parse(t, "unix:app.sock", "  - {request: GET /, checks: [body == 'localhost']}"), Options{})
	if err := l.Ready(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	out := l.Run(t.Context(), counted(10, 2))
	coherent(t, out)
	if out.Counters.Success != 10 || out.Generator.Engine != PortableEngine || out.Generator.Opened > 2 || l.Route() != "app.sock" {
		t.Errorf("%+v %+v, engine %s, opened %d, at %s", out.Counters, out.Failures, out.Generator.Engine, out.Generator.Opened, l.Route())
	}
	gone := newLoader(t, parse(t, "unix:gone.sock", "  - {request: GET /}"), Options{})
	if err := gone.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "gone.sock") {
		t.Errorf("error is %v", err)
	}
	if out := gone.Run(t.Context(), counted(2, 1)); out.Counters.Refused != 2 {
		t.Errorf("%+v %+v", out.Counters, out.Failures)
	}
}

// proxy is a forwarding proxy that wants a password.
type proxy struct {
	tunnels, passed atomic.Int64
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); password != "s3cret/value" {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method == http.MethodConnect {
		p.tunnels.Add(1)
		p.connect(w, r)
		return
	}
	p.passed.Add(1)
	r.RequestURI = ""
	r.Header.Del("Proxy-Authorization")
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	io.Copy(w, answer.Body)
}

func (p *proxy) connect(w http.ResponseWriter, r *http.Request) {
	to, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	io.WriteString(from, "HTTP/1.1 200 Connection established\r\n\r\n")
	done := make(chan struct{})
	go func() { defer close(done); io.Copy(to, from); to.Close() }()
	io.Copy(from, to)
	from.Close()
	<-done
}

func TestProxy(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		p := &proxy{}
		way := strings.TrimPrefix(serve(t, p.ServeHTTP), "http://")
		plain := serve(t, ok)
		http := "{proxy: 'http://user:${secret.KEY}@" + way + "'}"
		l := newLoader(t, with(t, plain, http, "  - {request: 'GET /?a=1', checks: [body == 'hello']}"), Options{Engine: engine})
		s := l.Run(t.Context(), counted(3, 1))
		coherent(t, s)
		if s.Counters.Success != 3 || p.passed.Load() != 3 {
			t.Errorf("%+v %+v, %d passed", s.Counters, s.Failures, p.passed.Load())
		}
		wrong := newLoader(t, with(t, plain, "{proxy: 'http://user:x@"+way+"'}", "  - {request: GET /}"), Options{Engine: engine})
		if s := wrong.Run(t.Context(), counted(1, 1)); s.Counters.BadStatus != 1 || s.Status[407] != 1 {
			t.Errorf("without the password: %+v", s.Counters)
		}
	})
}

func TestProxyTunnel(t *testing.T) {
	p := &proxy{}
	way := strings.TrimPrefix(serve(t, p.ServeHTTP), "http://")
	s := httptest.NewTLSServer(http.HandlerFunc(ok))
	t.Cleanup(s.Close)
	file := with(t, s.URL, "{proxy: 'http://user:${secret.KEY}@"+way+"', tls: {insecure_skip_verify: true}}", "  - {request: GET /}")
	l := newLoader(t, file, Options{})
	if out := l.Run(t.Context(), counted(3, 1)); out.Counters.Success != 3 || p.tunnels.Load() != 1 {
		t.Errorf("%+v %+v, %d tunnels", out.Counters, out.Failures, p.tunnels.Load())
	}
	file.HTTP.Proxy = "http://user:wrong@" + way
	out := newLoader(t, file, Options{}).Run(t.Context(), counted(1, 1))
	if out.Counters.Protocol != 1 || !strings.Contains(out.Failures[0].Detail, "407") {
		t.Errorf("without the password: %+v %+v", out.Counters, out.Failures)
	}
}

// The time of a request holds for a proxy that says nothing.
func TestSilentProxyTimesOut(t *testing.T) {
	way, _ := (&server{accept: func(p *peer) { <-p.done }}).start(t)
	file := with(t, "https://localhost:1", "{timeout: 100ms, proxy: '"+way+"'}", "  - {request: GET /}")
	if out := newLoader(t, file, Options{}).Run(t.Context(), counted(1, 1)); out.Counters.Timeout != 1 {
		t.Errorf("%+v %+v", out.Counters, out.Failures)
	}
}

// identity is a key with its certificate, both in PEM.
func identity(t *testing.T, name string, from, until time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// secured starts a server with a certificate that is valid for some days, and
// that wants one of its clients.
func secured(t *testing.T, days int, clients []byte, h http.HandlerFunc) (url string, authority []byte) {
	t.Helper()
	now := time.Now()
	cert, key := identity(t, "server", now.Add(-time.Hour), now.Add(time.Duration(days)*24*time.Hour+time.Hour))
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if clients != nil {
		s.TLS.ClientCAs = x509.NewCertPool()
		s.TLS.ClientCAs.AppendCertsFromPEM(clients)
		s.TLS.ClientAuth = tls.RequireAndVerifyClientCert
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, cert
}

func TestMutualTLS(t *testing.T) {
	cert, key := identity(t, "load", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	url, authority := secured(t, 90, cert, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	})
	file := parse(t, url, "  - {request: GET /, checks: [body == 'load']}")
	file.HTTP.TLS = slo.TLS{CA: authority, Cert: cert, Key: key}
	if out := newLoader(t, file, Options{}).Run(t.Context(), counted(3, 1)); out.Counters.Success != 3 {
		t.Errorf("%+v %+v", out.Counters, out.Failures)
	}
	for name, other := range map[string]slo.TLS{"no certificate": {CA: authority}, "no authority": {Cert: cert, Key: key}} {
		file.HTTP.TLS = other
		if out := newLoader(t, file, Options{}).Run(t.Context(), counted(1, 1)); out.Counters.TLS != 1 {
			t.Errorf("%s: %+v %+v", name, out.Counters, out.Failures)
		}
	}
}

// A connection that TLS ended while it was idle carries no further request,
// whatever else waits to be read from it.
func TestTLSConnectionsThatEndWhileIdle(t *testing.T) {
	t.Parallel()
	cert, key := identity(t, "server", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	for name, ends := range map[string]func(*peer, *tls.Conn){
		"closed":      func(_ *peer, c *tls.Conn) { c.Close() },
		"half-closed": func(p *peer, c *tls.Conn) { c.CloseWrite(); p.CloseWrite(); p.wait() },
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(name+" "+tls.VersionName(version), func(t *testing.T) {
				t.Parallel()
				attempts(t, func(scale time.Duration) string {
					pause := 100 * scale * ms
					url, _ := (&server{accept: func(p *peer) {
						c := tls.Server(p.TCPConn, &tls.Config{Certificates: []tls.Certificate{pair}, MaxVersion: version})
						if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
							io.WriteString(c, okTwo)
							<-time.After(pause / 4) // else the end is read with the answer
							ends(p, c)
						}
					}}).start(t)
					file := fileOf(strings.Replace(url, "http:", "https:", 1), get("/"), slo.Step{Pause: slo.Pause{Min: pause, Max: pause}})
					file.HTTP.TLS.SkipVerify, file.HTTP.Protocol = true, slo.HTTP1
					s := newLoader(t, file, Options{}).Run(t.Context(), counted(4, 1))
					coherent(t, s)
					if g := s.Generator; s.Counters.Success != 4 || g.Opened != 4 || g.Reused != 0 {
						return fmt.Sprintf("%+v, opened %d, reused %d: %+v", s.Counters, g.Opened, g.Reused, s.Failures)
					}
					return ""
				})
			})
		}
	}
}

func TestCertificateAge(t *testing.T) {
	url, authority := secured(t, 20, nil, ok)
	for check, want := range map[string]int64{
		"tls.days_left > 14": 2, "tls.days_left > 21": 0, "tls.days_left < 20.1": 2, "tls.version == '1.3'": 2,
	} {
		file := parse(t, url, `  - {request: GET /, checks: ["`+check+`"]}`)
		file.HTTP.TLS.CA = authority
		if out := newLoader(t, file, Options{}).Run(t.Context(), counted(2, 1)); out.Counters.Success != want || out.Counters.FailedCheck != 2-want {
			t.Errorf("%s: %+v %+v", check, out.Counters, out.Failures)
		}
	}
	url, authority = secured(t, 20, nil, echoes)
	chat := parse(t, url, `  - {websocket: /chat, messages: [{expect: json.type == "welcome"}], checks: [tls.days_left > 14, tls.version == '1.3']}`)
	chat.HTTP.TLS.CA = authority
	if out := newLoader(t, chat, Options{}).Run(t.Context(), counted(1, 1)); out.Counters.Success != 1 {
		t.Errorf("WebSocket: %+v %+v", out.Counters, out.Failures)
	}
	plain := newLoader(t, parse(t, serve(t, ok), `  - {request: GET /, checks: [tls.days_left > 0]}`), Options{})
	if out := plain.Run(t.Context(), counted(1, 1)); out.Counters.FailedCheck != 1 {
		t.Errorf("clear text: %+v", out.Counters)
	}
}

// forwarder is a service that redirects.
type forwarder struct {
	mu    sync.Mutex
	got   []string
	other string // another service
}

func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	var cookies strings.Builder
	for _, c := range r.Cookies() {
		cookies.WriteString(" " + c.String())
	}
	f.got = append(f.got, fmt.Sprintf("%s %s auth=%q key=%q%s %s", r.Method, r.URL, r.Header.Get("Authorization"), r.Header.Get("X-Key"), cookies.String(), body))
	f.mu.Unlock()
	to := func(status int, location string) { w.Header().Set("Location", location); w.WriteHeader(status) }
	switch r.URL.Path {
	case "/login":
		http.SetCookie(w, &http.Cookie{Name: "seat", Value: "7"})
		to(http.StatusFound, "home?a=b c")
	case "/see":
		to(http.StatusSeeOther, "/home")
	case "/keep":
		to(http.StatusPermanentRedirect, "/home")
	case "/loop":
		to(http.StatusFound, "/loop")
	case "/away":
		to(http.StatusFound, f.other+"/home")
	case "/carry":
		to(http.StatusTemporaryRedirect, f.other+"/home")
	case "/file":
		to(http.StatusFound, "file:///etc/passwd")
	case "/nowhere":
		to(http.StatusFound, "http://[::")
	default:
		fmt.Fprint(w, "home")
	}
}

func (f *forwarder) take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.got
	f.got = nil
	return got
}

func TestRedirects(t *testing.T) {
	there := &forwarder{}
	here := &forwarder{other: serve(t, there.ServeHTTP)}
	target := serve(t, here.ServeHTTP)
	credentials := `auth="Bearer s3cret/value" key="k"`
	for name, test := range map[string]struct {
		request     string
		want        result.Counters
		redirects   int64
		detail      string
		here, there []string
	}{
		"cookies come along": {
			"request: POST /login, body: hello",
			result.Counters{Success: 1},
			1, "",
			[]string{"POST /login " + credentials + " hello", "GET /home?a=b%20c " + credentials + " seat=7 "},
			nil,
		},
		"see other":               {"request: PUT /see, body: hello", result.Counters{Success: 1}, 1, "", []string{"PUT /see " + credentials + " hello", "GET /home " + credentials + " "}, nil},
		"the method stays":        {"request: PUT /keep, body: hello", result.Counters{Success: 1}, 1, "", []string{"PUT /keep " + credentials + " hello", "PUT /home " + credentials + " hello"}, nil},
		"credentials stay":        {"request: GET /away", result.Counters{Success: 1}, 1, "", []string{"GET /away " + credentials + " "}, []string{`GET /home auth="" key="" `}},
		"a body stays":            {"request: POST /carry, body: hello", result.Counters{Protocol: 1}, 0, "with a body to another service", []string{"POST /carry " + credentials + " hello"}, nil},
		"a loop ends":             {"request: GET /loop", result.Counters{Protocol: 1}, 3, "more than 3 redirects", slicesOf("GET /loop "+credentials+" ", 4), nil},
		"another scheme":          {"request: GET /file", result.Counters{Protocol: 1}, 0, `redirect to the scheme "file"`, []string{"GET /file " + credentials + " "}, nil},
		"a location that is none": {"request: GET /nowhere", result.Counters{Protocol: 1}, 0, "the location is not a URL", []string{"GET /nowhere " + credentials + " "}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			file := with(t, target, "{redirects: 3, headers: {authorization: 'Bearer ${secret.KEY}', x-key: k}}", "  - {name: n, session: worker, "+test.request+"}")
			l := newLoader(t, file, Options{})
			s := l.Run(t.Context(), counted(1, 1))
			coherent(t, s)
			if s.Counters != test.want || s.Redirects != test.redirects && test.want.Success == 1 {
				t.Errorf("%+v with %d redirects, want %+v with %d: %+v", s.Counters, s.Redirects, test.want, test.redirects, s.Failures)
			}
			if test.detail != "" && !strings.Contains(s.Failures[0].Detail, test.detail) {
				t.Errorf("detail is %q, want %q", s.Failures[0].Detail, test.detail)
			}
			if diff := cmp.Diff(test.here, here.take()); diff != "" {
				t.Errorf("the target saw (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.there, there.take()); diff != "" {
				t.Errorf("the other service saw (-want +got):\n%s", diff)
			}
		})
	}
}

func slicesOf(text string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = text
	}
	return all
}

// A connection that was opened for what redirects is timed and counted as any
// other.
func TestConnectionsOfRedirects(t *testing.T) {
	redirects := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/there" {
			http.Redirect(w, r, "/there", http.StatusFound)
		}
	}
	for protocol, streams := range map[slo.Protocol]int{slo.HTTP1: 0, slo.HTTP2: 1} {
		file := speaking(t, slo.HTTP2, nil, redirects, get("/"))
		file.HTTP.Protocol, file.HTTP.Redirects = protocol, 1
		l := newLoader(t, file, Options{})
		for run, resumed := range []int64{0, 1} {
			s := l.Run(t.Context(), counted(5, 1))
			coherent(t, s)
			l.disconnect()
			g := s.Generator
			if s.Counters.Success != 5 || s.Redirects != 5 || g.Opened != 1 || g.Reused != 9 || g.Resumed != resumed || g.Streams != streams {
				t.Errorf("%s, run %d: %+v, opened %d, reused %d, resumed %d, %d streams: %+v", protocol, run, s.Counters, g.Opened, g.Reused, g.Resumed, g.Streams, s.Failures)
			}
			if s.Connect.Total() != 1 || s.TLS.Total() != 1 || s.Steps[0].Connect.Total() != 1 {
				t.Errorf("%s, run %d: %d connections timed, %d handshakes", protocol, run, s.Connect.Total(), s.TLS.Total())
			}
		}
	}
}

// The Host that a file gives stays at the service that it is for.
func TestRedirectsKeepTheHost(t *testing.T) {
	var mu sync.Mutex
	var hosts []string
	note := func(name string, next func(path string) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			hosts = append(hosts, name+" "+r.Host)
			mu.Unlock()
			if to := next(r.URL.Path); to != "" {
				w.Header().Set("Location", to)
				w.WriteHeader(http.StatusFound)
			}
		}
	}
	var there, here string
	there = serve(t, note("there", func(path string) string { return map[string]string{"/back": here + "/end"}[path] }))
	here = serve(t, note("here", func(path string) string {
		return map[string]string{"/": "/end", "/whole": here + "/end", "/away": there + "/end", "/around": there + "/back"}[path]
	}))
	hostOf := func(target string) string { return strings.TrimPrefix(target, "http://") }
	for path, want := range map[string][]string{
		"/":       {"here shop.example", "here shop.example"},
		"/whole":  {"here shop.example", "here shop.example"},
		"/away":   {"here shop.example", "there " + hostOf(there)},
		"/around": {"here shop.example", "there " + hostOf(there), "here " + hostOf(here)},
	} {
		file := with(t, here, "{redirects: 3, headers: {host: shop.example}}", "  - {request: 'GET "+path+"'}")
		s := newLoader(t, file, Options{}).Run(t.Context(), counted(1, 1))
		if diff := cmp.Diff(want, hosts); diff != "" || s.Counters.Success != 1 {
			t.Errorf("%s: %+v, hosts (-want +got):\n%s", path, s.Counters, diff)
		}
		hosts = nil
	}
}

// The name that a file expects in a certificate is that of the target's host.
func TestRedirectsDoNotKeepTheNameInTLS(t *testing.T) {
	m := &manner{target: &url.URL{Scheme: "https", Host: "10.0.0.1:8443"}}
	m.http.TLS.ServerName = "shop.example"
	for to, want := range map[string]string{"10.0.0.1:9443": "shop.example", "other.example": "other.example"} {
		config, err := m.of(&url.URL{Scheme: "https", Host: to}).tls()
		if err != nil || config.ServerName != want {
			t.Errorf("%s: %v, want %s: %v", to, config, want, err)
		}
	}
	if m.http.TLS.ServerName != "shop.example" {
		t.Error("the target's own was changed")
	}
}

// What the limits forbid cannot be reached by a redirect.
func TestRedirectsKeepToTheLimits(t *testing.T) {
	there := &forwarder{}
	away := serve(t, there.ServeHTTP)
	u, _ := url.Parse(away)
	here := &forwarder{other: "http://localhost:" + u.Port()}
	file := with(t, serve(t, here.ServeHTTP), "{redirects: 3}", "  - {request: GET /away}")
	file.Limits.Hosts = [][]string{{"127.0.0.1"}}
	s := newLoader(t, file, Options{}).Run(t.Context(), counted(1, 1))
	if s.Counters.Protocol != 1 || !strings.Contains(s.Failures[0].Detail, "which the limits do not allow") || len(there.take()) > 0 {
		t.Errorf("%+v %+v", s.Counters, s.Failures)
	}
}

// In a stranger's file a redirect leads to no other host.
func TestRedirectsOfAStranger(t *testing.T) {
	there := &forwarder{}
	away := serve(t, there.ServeHTTP)
	u, _ := url.Parse(away)
	here := &forwarder{other: "http://localhost:" + u.Port()}
	file := with(t, serve(t, here.ServeHTTP), "{redirects: 3}", "  - {request: GET /away}")
	file.Stranger = true
	s := newLoader(t, file, Options{}).Run(t.Context(), counted(1, 1))
	if s.Counters.Protocol != 1 || !strings.Contains(s.Failures[0].Detail, "may be a stranger's") || len(there.take()) > 0 {
		t.Errorf("%+v %+v", s.Counters, s.Failures)
	}
}

// A redirect to where nothing can be connected to, or may be, is the service's
// doing and not the generator's.
func TestRedirectsThatLeadNowhere(t *testing.T) {
	for location, detail := range map[string]string{
		"http://255.255.255.255/":  "dial tcp 255.255.255.255:80", // a broadcast
		"http://127.0.0.9:1/there": "refused to connect to 127.0.0.9",
	} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, location, http.StatusFound) })
		l := newLoader(t, with(t, url, "{redirects: 3}", "  - {request: GET /}"), Options{Guard: barring("127.0.0.9")})
		s := l.Run(t.Context(), counted(2, 1))
		coherent(t, s)
		if s.Counters.Refused != 2 || !strings.Contains(s.Failures[0].Detail, detail) {
			t.Errorf("%s: %+v %+v", location, s.Counters, s.Failures)
		}
	}
}

// A request has its time for all of its redirects together.
func TestRedirectsShareTheTimeout(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/slow" {
			http.Redirect(w, r, "/slow", http.StatusFound)
			return
		}
		<-r.Context().Done()
	})
	file := with(t, url, "{redirects: 3, timeout: 100ms}", "  - {request: GET /}")
	s := newLoader(t, file, Options{}).Run(context.Background(), counted(1, 1))
	if s.Counters.Timeout != 1 {
		t.Errorf("%+v %+v", s.Counters, s.Failures)
	}
}

// The engine that cannot do what the file asks for is left alone, and says why
// where it was asked for by name.
func TestEngineFollowsTheFile(t *testing.T) {
	for http, want := range map[string]bool{"{redirects: 1}": false, "{source: 127.0.0.1}": false, "{compression: on, connections: new, resolve: {a: 127.0.0.1}, proxy: 'http://127.0.0.1:9'}": true} {
		file := with(t, "http://127.0.0.1:9", http, "  - {request: GET /}")
		l := newLoader(t, file, Options{})
		best := Engines()[0]
		if got := l.engine.name(); best != PortableEngine && (got == best) != want {
			t.Errorf("%s takes the engine %s", http, got)
		}
		if best == PortableEngine || want {
			continue
		}
		if _, err := New(file, Options{Engine: best}); err == nil {
			t.Errorf("%s is loaded by the engine %s", http, best)
		}
	}
}

// proxyOverTLS starts a proxy that is spoken to over TLS. It returns its URL with
// the password, and who vouches for it.
func proxyOverTLS(t *testing.T, p *proxy) (way string, authority []byte) {
	t.Helper()
	cert, key := identity(t, "proxy", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(p)
	front.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	t.Cleanup(front.Close)
	return strings.Replace(front.URL, "https://", "https://user:${secret.KEY}@", 1), cert
}

// A proxy that is spoken to over TLS passes requests on and opens tunnels.
func TestProxyOverTLS(t *testing.T) {
	p := &proxy{}
	way, authority := proxyOverTLS(t, p)
	secure := httptest.NewTLSServer(http.HandlerFunc(ok))
	t.Cleanup(secure.Close)
	authorities := append(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})...)
	for _, test := range []struct {
		target, protocol string
		of               *atomic.Int64
		want             int64
	}{
		{serve(t, ok), "auto", &p.passed, 3},
		{secure.URL, "http1", &p.tunnels, 1},
		{secure.URL, "auto", &p.tunnels, 1},
	} {
		file := with(t, test.target, "{proxy: '"+way+"', protocol: "+test.protocol+"}", "  - {request: 'GET /?a=1', checks: [body == 'hello']}")
		file.HTTP.TLS.CA = authorities
		l := newLoader(t, file, Options{})
		if err := l.Check(t.Context()); err != nil {
			t.Error(err)
		}
		before := test.of.Load()
		out := l.Run(t.Context(), counted(3, 1))
		coherent(t, out)
		if n := test.of.Load() - before; out.Counters.Success != 3 || n != test.want || out.Generator.Engine != PortableEngine || out.Generator.Opened != 1 {
			t.Errorf("%s over %s: %+v %+v, %d at the proxy, %d connections", test.target, test.protocol, out.Counters, out.Failures, n, out.Generator.Opened)
		}
		// What the file says of the service's certificate is not said of the proxy's.
		file.HTTP.TLS.CA, file.HTTP.TLS.SkipVerify = nil, true
		out = newLoader(t, file, Options{}).Run(t.Context(), counted(1, 1))
		if out.Counters.TLS != 1 || !strings.Contains(out.Failures[0].Detail, "the proxy: ") {
			t.Errorf("a proxy that nobody vouches for: %+v %+v", out.Counters, out.Failures)
		}
	}
	file := with(t, "http://localhost:1", "{proxy: '"+way+"'}", "  - {request: GET /}")
	if _, err := New(file, Options{Engine: "epoll"}); err == nil || slices.Contains(Engines(), "epoll") && !strings.Contains(err.Error(), "proxies with https:// need the portable engine") {
		t.Errorf("the epoll engine: %v", err)
	}
}
