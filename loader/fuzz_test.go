package loader

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/slogate/slogate/slo"
)

// onlyRequest reads a message that must be one request and nothing more.
func onlyRequest(t *testing.T, message []byte) (*http.Request, string) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(message))
	r, err := http.ReadRequest(in)
	if err != nil {
		t.Fatalf("%q is no request: %v", message, err)
	}
	body, err := io.ReadAll(r.Body)
	if rest, _ := io.ReadAll(in); err != nil || len(rest) > 0 {
		t.Fatalf("%q follows the request of %q, %v", rest, message, err)
	}
	return r, string(body)
}

// A value that an answer gave stays within its place of the next request.
func FuzzRender(f *testing.F) {
	for _, s := range []string{"", "a", "a b/c?d=e&f#g%", "x\r\nEvil: 1\r\n\r\nGET /evil HTTP/1.1", `"}],\u0000`, "\xff\x00", "..", "ä☃"} {
		f.Add(s)
	}
	l := newLoader(f, parse(f, "http://127.0.0.1", `
  - name: main
    steps:
      - {request: GET /, capture: {v: header x}}
      - {request: 'POST /a/${v}/b?q=${v}&r=1', json: {a: '${v}', '${v}': ['x${v}y']}}
      - {request: POST /a, form: {a: '${v}', c: 'x${v}y'}}
      - {request: GET /a, headers: {X-V: 'v=${v}'}}
`), Options{})
	f.Fuzz(func(t *testing.T, v string) {
		u := newUser(0, 1, nil)
		u.session = l.sessions.take(0)
		u.beginWith(&l.plan.scenarios[0])
		u.session.now[0] = held{slo.Content{Text: v}, true}
		written := func(number int) (*http.Request, string) {
			message, err := l.plan.all[number].message.render(nil, u)
			if err != nil {
				t.Fatalf("%q: %v", v, err)
			}
			return onlyRequest(t, message)
		}
		r, body := written(1)
		if got := r.URL.Query()["q"]; r.URL.Path != "/a/"+v+"/b" || len(got) != 1 || got[0] != v || r.URL.Query().Get("r") != "1" {
			t.Errorf("%q becomes %q", v, r.RequestURI)
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(body), &object); err != nil || len(object) > 2 {
			t.Errorf("%q becomes %q, %v", v, body, err)
		} else if utf8.ValidString(v) && v != "a" && (object["a"] != v || fmt.Sprint(object[v]) != "[x"+v+"y]") {
			t.Errorf("%q becomes %q", v, body)
		}
		_, body = written(2)
		if form, err := url.ParseQuery(body); err != nil || form.Get("a") != v || form.Get("c") != "x"+v+"y" || len(form) != 2 {
			t.Errorf("%q becomes %q, %v", v, body, err)
		}
		message, err := l.plan.all[3].message.render(nil, u)
		if err != nil {
			if !strings.ContainsAny(v, "\r\n\x00") {
				t.Errorf("%q: %v", v, err)
			}
			return
		}
		if strings.ContainsFunc(v, unicode.IsControl) {
			return // which net/http refuses; none of them ends a line
		}
		if r, _ := onlyRequest(t, message); len(r.Header) != 2 || r.Header.Get("X-V") != strings.TrimRight("v="+v, " \t") {
			t.Errorf("%q becomes %q", v, message)
		}
	})
}

// Wherever a redirect leads, what is sent there is one request, and another
// service is told nothing that the file says.
func FuzzRedirect(f *testing.F) {
	for _, location := range []string{
		"/b?c=d", "b", "//evil.example/x", "https://shop.example/", "http://SHOP.example:80/a b", "http://evil.example", "http://[::1%25a b]/", "http://shop.example@evil.example/",
		"http:opaque", "?x= y", "#", "/\xff%0d%0aX: y", "http://u:p@shop.example/", `\\evil.example`, "javascript:x",
	} {
		for _, status := range []int{301, 303, 307} {
			f.Add(location, status, "a=1; Path=/")
		}
	}
	file := with(f, "http://shop.example", "{redirects: 5}", `
  - name: main
    session: worker
    steps: [{request: POST /a/b, headers: {X-Key: s3cret}, json: {key: s3cret}}, {request: 'GET /a/b?c=1', headers: {X-Key: s3cret}}]
`)
	file.Limits.Hosts = [][]string{{"shop.example"}, {"*.example"}}
	f.Fuzz(func(t *testing.T, location string, status int, set string) {
		l := newLoader(t, file, Options{})
		for _, st := range l.plan.all {
			u := newUser(0, 1, nil)
			u.session = l.sessions.take(0)
			u.beginWith(&l.plan.scenarios[0])
			r, err := requestOf(st, u, nil)
			if err != nil {
				t.Fatal(err)
			}
			x := &exchanged{answer: answer{reply: reply{status: status, header: http.Header{"Location": {location}}, setCookie: []string{set}}}}
			next, to, err := l.redirected(st, u, r, x, l.target)
			if err != nil {
				continue
			}
			got, body := onlyRequest(t, next.message)
			if !l.file.Limits.Allow(to.target.Hostname()) || got.Host != to.target.Host {
				t.Errorf("%q leads to %q, Host is %q", location, to.target, got.Host)
			}
			isSame := sameService(l.target, to.target)
			if told := strings.Contains(fmt.Sprint(got.Header, body), "s3cret") || got.Header.Get("Cookie") != ""; told && !isSame {
				t.Errorf("%q tells %s: %q", location, to.target, next.message)
			}
			if got.Method != st.request.Method && got.Method != http.MethodGet || got.Method == http.MethodGet && body != "" {
				t.Errorf("%d makes %q", status, next.message)
			}
		}
	})
}

// A jar keeps and sends no more than the standard library's would, in one line.
func FuzzCookies(f *testing.F) {
	f.Add("a=1; Path=/a; Max-Age=9\nb=2; Domain=example.com; Secure\nc=\"x y\"", "/a/b?c=/d")
	f.Add("a=1; Path=x\na=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/")
	f.Add("a=1; Max-Age=9223372036854775807; Domain=.com", "/a/")
	f.Add("a b={\"c\":1}; Max-Age=1", "/")
	now := time.Now()
	f.Fuzz(func(t *testing.T, lines, path string) {
		at, err := url.ParseRequestURI(path)
		if err != nil || !strings.HasPrefix(path, "/") || at.EscapedPath() != at.Path || strings.ContainsAny(path, "#\r\n") {
			return // a request has no such path, or the standard jar compares another spelling
		}
		var j jar
		o := originOf("https", "shop.example.com")
		standard, _ := cookiejar.New(nil)
		sent := &url.URL{Scheme: "https", Host: "shop.example.com", Path: at.Path}
		for line := range strings.SplitSeq(lines, "\n") {
			j.set(o, []string{line}, []byte(path), now)
			if c := parseCookie(line); c != nil {
				standard.SetCookies(sent, []*http.Cookie{c})
			}
		}
		header := string(j.append(nil, []byte(path), func() time.Time { return now }))
		if header == "" {
			return
		}
		if strings.Count(header, "\n") != 1 || !strings.HasPrefix(header, "Cookie: ") || len(header) > maxCookies*(maxCookieBytes+8) {
			t.Fatalf("%q makes the header %q", lines, header)
		}
		var known []string
		for _, c := range standard.Cookies(sent) {
			known = append(known, c.Name+"="+c.Value)
		}
		for text := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(header, "Cookie: "), "\r\n"), "; ") {
			if !slices.Contains(known, text) && strings.Count(header, ";") < len(known) {
				t.Errorf("%q: %q is sent to %s, the standard jar sends %q", lines, text, path, known)
			}
		}
	})
}

// said is a connection of which only what the other side says matters.
type said struct {
	net.Conn
	in *strings.Reader
}

func (s *said) Read(p []byte) (int, error)       { return s.in.Read(p) }
func (s *said) Write(p []byte) (int, error)      { return len(p), nil }
func (s *said) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3128} }
func (s *said) SetDeadline(time.Time) error      { return nil }
func (s *said) SetReadDeadline(time.Time) error  { return nil }
func (s *said) SetWriteDeadline(time.Time) error { return nil }

// Of a proxy's answer to CONNECT nothing is read that belongs to the tunnel.
func FuzzTunnel(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x01", "HTTP/1.1 407 \x1b[31mno\r\nProxy-Authenticate: Basic\r\n\r\n", "HTTP/1.0 200\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "200\r\n\r\n", "",
	} {
		f.Add(s)
	}
	proxy := &url.URL{Scheme: "http", Host: "proxy.example:3128", User: url.UserPassword("u", "s3cret")}
	f.Fuzz(func(t *testing.T, answer string) {
		c := &said{in: strings.NewReader(answer)}
		err := throughProxy(t.Context(), c, "shop.example:443", proxy)
		head, _, whole := strings.Cut(answer, "\r\n\r\n")
		if err != nil {
			if len(err.Error()) > 2*len(answer)*4+200 || strings.Contains(err.Error(), basic(proxy.User)) && !strings.Contains(answer, basic(proxy.User)) {
				t.Errorf("%q: %v", answer, err)
			}
			return
		}
		fields := strings.Fields(head)
		if !whole || len(fields) < 2 || fields[1] != "200" || c.in.Len() != len(answer)-len(head)-4 {
			t.Errorf("%q opens a tunnel, %d bytes are left to it", answer, c.in.Len())
		}
	})
}

// Whatever frames a server sends, a conversation ends, and its events are
// bounded.
func FuzzWebSocket(f *testing.F) {
	for _, s := range []string{
		"\x81\x05hello", "\x01\x03hel\x80\x02lo", "\x89\x02hi\x8a\x00\x81\x05hello", "\x88\x05\x03\xe8bye", "\x82\x05hello\x81\x05hello", "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", "\xc1\x05hello",
		"\x81\x85\x00\x00\x00\x00hello", "\x81\x7e\xff\xffx", "\x83\x00", "\x81\x02\xff\xfe",
	} {
		f.Add([]byte(s))
	}
	var frames []byte
	address, _ := raw(f, func(p *peer) {
		p.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + acceptOf(p.request) + "\r\n\r\n")
		p.Write(frames)
		p.CloseWrite()
		p.wait()
	})
	l := newLoader(f, parse(f, address, `
  - name: main
    steps: [{websocket: /, messages: [{expect: event == "hello"}, {send: x}]}]
`), Options{})
	f.Fuzz(func(t *testing.T, in []byte) {
		frames = in
		u := newUser(0, 1, nil)
		r, err := requestOf(l.plan.all[0], u, nil)
		if err != nil {
			t.Fatal(err)
		}
		x := l.client.do(t.Context(), r)
		defer x.done()
		if x.status != http.StatusSwitchingProtocols || x.events == nil {
			t.Fatalf("status %d, %v", x.status, x.err)
		}
		if x.err == nil && x.events.text != "hello" {
			t.Errorf("%q ends well with %q", in, x.events.text)
		}
		if len(x.body) > slo.MaxEvent || int(x.size) > len(in) || x.events.count > len(in) || x.in > int64(len(in))+1000 {
			t.Errorf("%q gives %d events, %d bytes", in, x.events.count, x.size)
		}
		if x.err != nil && isAny(x.err, []error{t.Context().Err()}) {
			t.Errorf("%q: %v", in, x.err)
		}
	})
}

// answers are those of a server beside the load.
type answers func(*http.Request) *http.Response

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }

// What a token server says becomes a token or an error, and never shows the
// secret that it was asked with.
func FuzzToken(f *testing.F) {
	for _, body := range []string{
		`{"access_token": "t-1", "token_type": "bearer", "expires_in": 9}`, `{"access_token": "t\r\nX: y"}`, `{"access_token": "", "expires_in": "9"}`, `{"error": "x", "error_description": "s3cret/value"}`,
		`{"access_token": "t", "expires_in": 1e300}`, `{"access_token": "t", "expires_in": -1}`, "access_token=t&expires_in=9", "null", "[", `{"error":"\u001b[31m\n::error::s3cret%2Fvalue"}`,
	} {
		f.Add([]byte(body), 200, "application/json")
		f.Add([]byte(body), 401, "application/x-www-form-urlencoded")
	}
	l := newLoader(f, oauth2File(f, "http://127.0.0.1:1", ""), Options{})
	f.Fuzz(func(t *testing.T, body []byte, status int, kind string) {
		l.tokens.client.Transport = boundedTransport{answers(func(r *http.Request) *http.Response {
			return &http.Response{Status: fmt.Sprint(status), StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}
		})}
		one := l.tokens.list[0]
		one.now.Store(nil)
		if err := l.authorize(t.Context()); err != nil {
			text := err.Error()
			if strings.Contains(text, "s3cret/value") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(text) > 2*detailBytes {
				t.Errorf("%q: %q", body, text)
			}
			if l.tokens.get(0) != "" {
				t.Errorf("%q gives a token and %v", body, err)
			}
			return
		}
		text := l.tokens.get(0)
		if text == "" || len(text) > maxToken || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			t.Errorf("%q gives the token %q", body, text)
		}
		if !one.due.IsZero() && time.Until(one.due) <= 0 {
			t.Errorf("%q is renewed at once", body)
		}
	})
}

// A name server's answer becomes JSON, or an error.
func FuzzDNS(f *testing.F) {
	name := dnsmessage.MustNewName("shop.example.")
	head := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 60}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, Response: true}, Answers: []dnsmessage.Resource{
		{Header: head, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}},
		{Header: head, Body: &dnsmessage.MXResource{Pref: 1, MX: name}},
		{Header: head, Body: &dnsmessage.TXTResource{TXT: []string{"a\xff", "\x1b"}}},
		{Header: head, Body: &dnsmessage.SRVResource{Port: 1, Target: name}},
	}}
	packed, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add(packed[:len(packed)/2])
	f.Fuzz(func(t *testing.T, message []byte) {
		x := &exchanged{}
		err := x.understand(message)
		if x.body == nil {
			if err == nil {
				t.Errorf("%x is nothing", message)
			}
			return
		}
		var got struct{ Records []record }
		if wrong := json.Unmarshal(x.body, &got); wrong != nil || len(got.Records) == 0 && err == nil && !strings.Contains(string(x.body), `"truncated":true`) {
			t.Errorf("%x becomes %q, %v, %v", message, x.body, wrong, err)
		}
	})
}
