package loader

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

var errBarred = errors.New("not this one")

// barring refuses addresses.
func barring(addresses ...string) Guard {
	return func(a netip.Addr) error {
		for _, barred := range addresses {
			if a.Unmap() == netip.MustParseAddr(barred) {
				return errBarred
			}
		}
		return nil
	}
}

// counting is a server that counts the connections that were opened to it, and
// its port.
func counting(t *testing.T, address string) (port string, opened *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("listen on %s: %v", address, err) // a system with one loopback address
	}
	opened = new(atomic.Int64)
	s := &http.Server{Handler: http.HandlerFunc(ok), ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, opened
}

// Nothing connects to an address that the guard refuses: not to see whether
// the target is ready, not to load it, not to read what it costs.
func TestGuardRefuses(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		port, opened := counting(t, "127.0.0.1:0")
		for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
			for _, wait := range []*slo.WaitFor{nil, {Request: *get("/").Request, Timeout: time.Minute}} {
				file := fileOf("http://"+host+":"+port, get("/"))
				file.WaitFor = wait
				l := newLoader(t, file, Options{Engine: engine, Guard: barring("127.0.0.1", "::1")})
				err := l.Ready(t.Context(), nil)
				barred, refused := errors.AsType[*AddressError](err)
				if !refused || !errors.Is(err, errBarred) || !strings.Contains(err.Error(), "refused to connect to "+barred.Address.String()+": not this one") {
					t.Errorf("%s: ready: %v", host, err)
				}
				s := l.Run(t.Context(), counted(20, 2))
				coherent(t, s)
				if s.Counters.Local != 20 || len(s.Failures) == 0 || !strings.Contains(s.Failures[0].Detail, "not this one") {
					t.Errorf("%s: %+v, %+v", host, s.Counters, s.Failures)
				}
				fetch, err := l.Fetcher(get("/metrics").Request, 100, time.Second)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "not this one") {
					t.Errorf("%s: fetched: %v", host, err)
				}
			}
		}
		if n := opened.Load(); n > 0 {
			t.Errorf("%d connections were opened", n)
		}
	})
}

// A name may mean another address than when the target was found to be ready.
func TestGuardLooksAtEveryAnswerOfTheNameServer(t *testing.T) {
	port, good := counting(t, "127.0.0.1:0")
	_, bad := counting(t, "127.0.0.2:"+port)
	answer := new(atomic.Pointer[[]string])
	usual := net.DefaultResolver
	net.DefaultResolver = nameServer(t, answer)
	defer func() { net.DefaultResolver = usual }()
	for _, engine := range Engines() {
		for _, c := range []struct {
			name  string
			after []string // addresses of the name once the target was ready
			class result.Class
		}{
			{"another address", []string{"127.0.0.2"}, result.Local},
			{"one more", []string{"127.0.0.2", "127.0.0.1"}, result.Success},
		} {
			answer.Store(&[]string{"127.0.0.1"})
			l := newLoader(t, fileOf("http://rebind.test:"+port, get("/")), Options{Engine: engine, Guard: barring("127.0.0.2")})
			if err := l.Ready(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			answer.Store(&c.after)
			s := l.Run(t.Context(), counted(20, 2))
			coherent(t, s)
			if *s.Counters.Of(c.class) == 0 || bad.Load() > 0 {
				t.Errorf("%s, %s: %+v, %d connections to what is refused", engine, c.name, s.Counters, bad.Load())
			}
		}
	}
	if good.Load() == 0 {
		t.Error("the name was never asked for")
	}
}

// A proxy is not asked for what the guard refuses, however it is written and
// whatever wants it: the dialer sees the proxy alone.
func TestGuardLooksBehindProxies(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		port, opened := counting(t, "127.0.0.1:0")
		way := "http://127.0.0.1:" + port
		for _, target := range []string{"http://192.0.2.9", "https://192.0.2.9", "http://[::ffff:192.0.2.9]", "http://3221225993", "http://0xc0.0.0x209", "http://0300.0.02.011:8080", "http://metadata.google.internal"} {
			file := fileOf(target, get("/"))
			file.HTTP.Proxy = way
			file.Tokens = []slo.TokenSource{{URL: target + "/token", ClientID: "a", ClientSecret: "b"}}
			l := newLoader(t, file, Options{Engine: engine, Guard: barring("192.0.2.9")})
			err := l.Ready(t.Context(), nil)
			if _, refused := errors.AsType[*AddressError](err); !refused {
				t.Errorf("%s: ready: %v", target, err)
			}
			s := l.Run(t.Context(), counted(20, 2))
			coherent(t, s)
			if s.Counters.Local != 20 {
				t.Errorf("%s: %+v, %+v", target, s.Counters, s.Failures)
			}
			if err := l.authorize(t.Context()); err == nil || !strings.Contains(err.Error(), "refused to connect to ") {
				t.Errorf("%s: token: %v", target, err)
			}
		}
		if n := opened.Load(); n > 0 {
			t.Errorf("the proxy was connected to %d times", n)
		}
	})
}

// Connections through a proxy do not each wait for what the guard asks.
func TestGuardLooksBehindAProxyNowAndThen(t *testing.T) {
	asked := 0
	c := &client{address: "192.0.2.7:80", proxy: &url.URL{Host: "proxy:3128"}, guard: func(netip.Addr) error {
		asked++
		return errBarred
	}}
	for range 3 {
		if err := c.permitted(t.Context()); !errors.Is(err, errBarred) {
			t.Fatalf("error %v", err)
		}
	}
	c.behind.Store(&permission{at: time.Now().Add(-2 * askAgain)})
	if err := c.permitted(t.Context()); !errors.Is(err, errBarred) || asked != 2 {
		t.Errorf("asked %d times, error %v; want 2", asked, err)
	}
}

func TestOldAddress(t *testing.T) {
	for host, want := range map[string]string{
		"2852039166": "169.254.169.254", "0xa9fea9fe": "169.254.169.254", "025177524776": "169.254.169.254", "169.254.43518": "169.254.169.254",
		"169.16689662": "169.254.169.254", "0xa9.0376.169.254": "169.254.169.254", "127.1": "127.0.0.1", "0": "0.0.0.0", "4294967295": "255.255.255.255",
		"4294967296": "", "256.1": "", "1.2.3.256": "", "1.2.65536": "", "1.2.3.4.5": "", "localhost": "", "": "", "1.": "", "0x": "", "08": "", "-1": "", "a.1": "",
	} {
		got := ""
		if address, is := oldAddress(host); is {
			got = address.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", host, got, want)
		}
	}
}

// nameServer is a resolver whose every name has the addresses that were stored
// last.
func nameServer(t *testing.T, answer *atomic.Pointer[[]string]) *net.Resolver {
	t.Helper()
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := l.ReadFrom(packet)
			if err != nil {
				return
			}
			l.WriteTo(answerTo(packet[:n], *answer.Load()), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", l.LocalAddr().String())
	}}
}

// answerTo answers one question (RFC 1035, section 4): addresses for A, nothing
// for everything else.
func answerTo(query []byte, addresses []string) []byte {
	const header = 12
	end := header
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	question := query[header : end+5]
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	if binary.BigEndian.Uint16(query[end+1:]) != 1 {
		return reply
	}
	for _, a := range addresses {
		ip := netip.MustParseAddr(a).As4()
		reply = append(reply, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, ip[:]...)
	}
	reply[7] = byte(len(addresses))
	return reply
}

// Whatever opens a connection has its dialer from the guard.
func TestOnlyTheGuardMakesDialers(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	own := regexp.MustCompile(`net\.Dialer\{|net\.Dial(Timeout|TCP|UDP|IP|Unix)?\(|tls\.Dial|http\.Default(Client|Transport)|http\.(Get|Head|Post|PostForm)\(`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "guard.go" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := own.Find(text); found != nil {
			t.Errorf("%s has %s: use the client's dialer, or Guard.Dialer", file, found)
		}
	}
}
