package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answer is what a parser makes of some bytes.
type answer struct {
	Status   int
	Body     string
	Size     int64
	Rest     string // what does not belong to the answer
	Reusable bool
	Header   string
	Err      string
}

// parse feeds text in pieces of the given sizes, the last one repeated, and
// then the end of the connection.
func parse(text string, head bool, sizes ...int) answer {
	p := &Parser{}
	p.Begin(head, 1<<20, true)
	done, err := false, error(nil)
	piece := make([]byte, 0, len(text))
	for i := 0; len(text) > 0 && !done && err == nil; i++ {
		n := min(len(text), max(sizes[min(i, len(sizes)-1)], 1))
		var used int
		// Every piece lies in the same memory, as reads from a connection do.
		piece = append(piece[:0], text[:n]...)
		used, done, err = p.Feed(piece)
		text = text[used:]
		if !done && err == nil && used < n {
			return answer{Err: "bytes left over in the middle of an answer"}
		}
	}
	if !done && err == nil {
		err = p.End()
	}
	a := answer{Status: p.Status(), Body: string(p.Body()), Size: p.Size(), Rest: text, Reusable: p.Reusable()}
	if err != nil {
		return answer{Err: err.Error()}
	}
	for name, value := range p.Header() {
		a.Header += name + "=" + value + ";"
	}
	return a
}

func TestParser(t *testing.T) {
	const eof = "unexpected EOF"
	tests := map[string]struct {
		text string
		head bool
		want answer
	}{
		"length":      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, answer{Status: 200, Body: "hello", Size: 5, Reusable: true, Header: "Content-Length=5;"}},
		"bare lines":  {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", false, answer{Status: 200, Body: "ok", Size: 2, Reusable: true, Header: "Content-Length=2;"}},
		"no reason":   {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, answer{Status: 200, Reusable: true, Header: "Content-Length=0;"}},
		"two lengths": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", false, answer{Status: 200, Body: "ok", Size: 2, Reusable: true, Header: "Content-Length=2;Content-Length=2;"}},
		"more after":  {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and", false, answer{Status: 200, Body: "ok", Size: 2, Reusable: true, Rest: " and", Header: "Content-Length=2;"}},
		"chunked": {
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, world!!!\r\n0\r\n\r\n", false,
			answer{Status: 200, Body: "hello, world!!!", Size: 15, Reusable: true, Header: "Transfer-Encoding=chunked;"},
		},
		"trailer":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n", false, answer{Status: 200, Body: "a", Size: 1, Reusable: true, Header: "Transfer-Encoding=Chunked;"}},
		"chunked wins":     {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", false, answer{Status: 200, Body: "a", Size: 1, Reusable: true, Header: "Content-Length=99;Transfer-Encoding=chunked;"}},
		"until the end":    {"HTTP/1.1 200 OK\r\nX: y \r\n\r\nall of it", false, answer{Status: 200, Body: "all of it", Size: 9, Header: "X=y;"}},
		"HTTP/1.0":         {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", false, answer{Status: 200, Body: "a", Size: 1, Header: "Content-Length=1;"}},
		"1.0 kept alive":   {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na", false, answer{Status: 200, Body: "a", Size: 1, Reusable: true, Header: "Connection=Keep-Alive;Content-Length=1;"}},
		"close":            {"HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n", false, answer{Status: 200, Header: "Connection=x, close;Content-Length=0;"}},
		"HEAD":             {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", true, answer{Status: 200, Reusable: true, Header: "Content-Length=500;"}},
		"no content":       {"HTTP/1.1 204 No Content\r\n\r\n", false, answer{Status: 204, Reusable: true}},
		"not modified":     {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", false, answer{Status: 304, Reusable: true, Header: "Content-Length=7;"}},
		"interim":          {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", false, answer{Status: 200, Body: "a", Size: 1, Reusable: true, Header: "Content-Length=1;"}},
		"switched":         {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbinary", false, answer{Status: 101, Rest: "binary", Header: "Upgrade=x;"}},
		"nothing":          {"", false, answer{Err: "EOF"}},
		"half a line":      {"HTTP/1.1 200", false, answer{Err: eof}},
		"half a body":      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", false, answer{Err: eof}},
		"half a chunk":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", false, answer{Err: eof}},
		"no last chunk":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", false, answer{Err: eof}},
		"not HTTP":         {"SSH-2.0-OpenSSH_9.2\r\n", false, answer{Err: `malformed HTTP status line "SSH-2.0-OpenSSH_9.2"`}},
		"HTTP/2":           {"HTTP/2.0 200 OK\r\n\r\n", false, answer{Err: `malformed HTTP status line "HTTP/2.0 200 OK"`}},
		"status of words":  {"HTTP/1.1 abc OK\r\n\r\n", false, answer{Err: `malformed HTTP status line "HTTP/1.1 abc OK"`}},
		"status too small": {"HTTP/1.1 099 OK\r\n\r\n", false, answer{Err: `malformed HTTP status line "HTTP/1.1 099 OK"`}},
		"long status line": {"HTTP/1.1x" + strings.Repeat("y", 20<<10) + "\n", false, answer{Err: `malformed HTTP status line "HTTP/1.1x` + strings.Repeat("y", 16<<10-9) + `"…`}},
		"no colon":         {"HTTP/1.1 200 OK\r\nwhat\r\n\r\n", false, answer{Err: `malformed HTTP header line "what"`}},
		"no name":          {"HTTP/1.1 200 OK\r\n: x\r\n\r\n", false, answer{Err: `malformed HTTP header line ": x"`}},
		"blank in a name":  {"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n", false, answer{Err: `malformed HTTP header line "Content-Length : 1"`}},
		"continued":        {"HTTP/1.1 204 OK\r\nX: a\r\n\t b\r\n\r\n", false, answer{Status: 204, Reusable: true, Header: "X=a b;"}},
		"length continued": {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n", false, answer{Err: `malformed HTTP header line " 2": it continues nothing`}},
		"begins continued": {"HTTP/1.1 200 OK\r\n 2\r\n\r\n", false, answer{Err: `malformed HTTP header line " 2": it continues nothing`}},
		"tiny chunks":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\na\r\n", MaxHeader/4) + "0\r\n\r\n", false, answer{Status: 200, Body: strings.Repeat("a", MaxHeader/4), Size: MaxHeader / 4, Reusable: true, Header: "Transfer-Encoding=chunked;"}},
		"long extension":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", maxFrame), false, answer{Err: "malformed chunked encoding: a line is too long"}},
		"length of words":  {"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", false, answer{Err: `bad Content-Length "many"`}},
		"no length":        {"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", false, answer{Err: `bad Content-Length ""`}},
		"negative length":  {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, answer{Err: `bad Content-Length "-1"`}},
		"lengths differ":   {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", false, answer{Err: `bad Content-Length "2"`}},
		"unknown coding":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", false, answer{Err: `unsupported Transfer-Encoding "gzip, chunked"`}},
		"bad chunk size":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", false, answer{Err: `malformed chunked encoding: chunk size "xyz"`}},
		"no chunk size":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", false, answer{Err: "malformed chunked encoding: a chunk without a size"}},
		"chunk too long":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", false, answer{Err: "malformed chunked encoding: a chunk is longer than its size says"}},
		"endless headers":  {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 1100), false, answer{Err: "the headers are larger than 1 MiB"}},
		"endless line":     {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", MaxHeader), false, answer{Err: "the headers are larger than 1 MiB"}},
		"endless hints":    {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", MaxHeader/20), false, answer{Err: "the headers are larger than 1 MiB"}},
		"endless body":     {"HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", MaxBody+1), false, answer{Err: "the body is larger than 64 MiB"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			sizes := []int{len(test.text), 4096}
			if len(test.text) < 1000 {
				sizes = append(sizes, 1, 2, 3, 7)
			}
			for _, size := range sizes {
				if diff := cmp.Diff(test.want, parse(test.text, test.head, size)); diff != "" {
					t.Errorf("in pieces of %d (-want +got):\n%s", size, diff)
				}
			}
		})
	}
}

// One parser reads answer after answer, and holds on to nothing large.
func TestParserIsUsedAgain(t *testing.T) {
	p := &Parser{}
	for i := range 3 {
		p.Begin(false, 10, i == 1)
		if p.Started() || p.HeaderDone() || p.Status() != 0 || len(p.Body()) != 0 {
			t.Fatal("something is left of the answer before")
		}
		if _, _, err := p.Feed([]byte("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 2*keptBuffer))); err != nil || !p.Started() || p.HeaderDone() {
			t.Fatal(err, p.Started(), p.HeaderDone())
		}
		n, done, err := p.Feed([]byte("\r\nContent-Length: 12\r\n\r\nhello world!"))
		if !done || err != nil || n != 36 || string(p.Body()) != "hello worl" || p.Size() != 12 {
			t.Fatalf("%d, %v, %v: %q of %d", n, done, err, p.Body(), p.Size())
		}
	}
	p.Begin(false, 10, false)
	if cap(p.line) > keptBuffer || cap(p.fields) > keptBuffer {
		t.Errorf("%d and %d bytes are held", cap(p.line), cap(p.fields))
	}
}

func TestNothingIsAllocated(t *testing.T) {
	p := &Parser{}
	if n := testing.AllocsPerRun(100, func() { feedPlain(p) }); n != 0 {
		t.Errorf("%v allocations for an answer", n)
	}
}

var plain = []byte("HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Tue, 24 Nov 2026 02:10:11 GMT\r\nContent-Type: application/json\r\n" +
	"Content-Length: 26\r\nConnection: keep-alive\r\nX-Request-Id: 4711\r\n\r\n" + `{"species": "versicolor"}` + "\n")

func feedPlain(p *Parser) bool {
	p.Begin(false, 2048, false)
	_, done, err := p.Feed(plain)
	return done && err == nil
}

func BenchmarkParser(b *testing.B) {
	p := &Parser{}
	b.ReportAllocs()
	for b.Loop() {
		if !feedPlain(p) {
			b.Fatal("not an answer")
		}
	}
}

// FuzzParser compares with net/http, and pieces with the whole.
func FuzzParser(f *testing.F) {
	for _, s := range []string{
		string(plain),
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0\r\nX: y\r\n\r\nrest",
		"HTTP/1.0 302 Found\r\nConnection: keep-alive\r\nContent-Length: 03\r\n\r\nabcd",
		"HTTP/1.1 200 OK\r\n\r\nuntil the end",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
	} {
		f.Add([]byte(s), false, 3)
	}
	f.Fuzz(func(t *testing.T, raw []byte, head bool, size int) {
		if len(raw) > 10_000 {
			return
		}
		text := string(raw)
		whole := parse(text, head, max(len(text), 1))
		if pieces := parse(text, head, 1+(size&0xff)); !cmp.Equal(whole, pieces) {
			t.Errorf("in pieces: %s", cmp.Diff(whole, pieces))
		}
		peer, ok := standard(text, head)
		if whole.Err != "" || !ok {
			// One of the two refuses it. The parser may be stricter, but it must
			// not accept what net/http takes for an attack or a mistake, except
			// what is listed here.
			if whole.Err == "" && !isLaxer(text) {
				t.Errorf("net/http refuses what the parser reads as %+v", whole)
			}
			return
		}
		if peer.Status != whole.Status || peer.Body != whole.Body {
			t.Errorf("net/http reads %d %q, the parser %d %q", peer.Status, peer.Body, whole.Status, whole.Body)
		}
	})
}

// isLaxer reports whether a text has what the parser accepts on purpose and
// net/http does not: anything in trailers, and header values with control
// characters.
func isLaxer(text string) bool {
	lower := strings.ToLower(text)
	lines := strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Contains(lower, "chunked") || strings.ContainsFunc(lines, func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f })
}

// standard reads an answer with net/http.
func standard(text string, head bool) (answer, bool) {
	method := http.MethodGet
	if head {
		method = http.MethodHead
	}
	r := bufio.NewReader(strings.NewReader(text))
	for {
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return answer{}, false
		}
		if resp.StatusCode < 200 && resp.StatusCode != 101 {
			continue
		}
		if resp.StatusCode == 101 {
			return answer{Status: 101}, true
		}
		var body bytes.Buffer
		if _, err := io.Copy(&body, resp.Body); err != nil && !errors.Is(err, io.EOF) {
			return answer{}, false
		}
		return answer{Status: resp.StatusCode, Body: body.String()}, true
	}
}
