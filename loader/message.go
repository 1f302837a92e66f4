package loader

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/slogate/slogate/slo"
)

// message is a step's request as it goes over an HTTP/1.1 connection. All that
// does not change from one request to the next is written when the plan is
// made; the rest is patched in between.
type message struct {
	path    slo.Template // as it stands in the request line, base path included
	unclean bool         // path must be written by net/url once its values are known
	method  string
	head    slo.Template // header lines
	body    slo.Template
	length  bool   // whether Content-Length is sent without a body too
	whole   []byte // the request, where nothing in it changes
	closes  bool   // it asks the other side to close the connection
}

// compileMessage writes what stays the same of a request.
func compileMessage(st *step, target *url.URL) (*message, error) {
	r := st.request
	m := &message{
		method: cmp.Or(r.Method, http.MethodGet), body: r.Body, closes: st.base.Close,
		// A method that is meant to carry a body says that it is empty, as
		// net/http does and RFC 9110, section 8.6 asks for.
		length: r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch,
	}
	if err := m.compilePath(st, target); err != nil {
		return nil, err
	}
	m.compileHead(st)
	if _, static := m.path.Static(); !static || m.unclean {
		return m, nil
	}
	if _, static := m.head.Static(); !static {
		return m, nil
	}
	if _, static := m.body.Static(); !static {
		return m, nil
	}
	whole, err := m.render(nil, nil)
	m.whole = whole
	return m, err
}

// compilePath finds out whether the path may go onto the wire as it was
// written, or has to be escaped.
func (m *message) compilePath(st *step, target *url.URL) error {
	bare := *target
	bare.User = nil
	base := strings.TrimRight(bare.EscapedPath(), "/")
	if st.url != nil {
		m.path = slo.Template{{Literal: st.url.RequestURI()}}
		return nil
	}
	// With a plain word in the place of each value the path shows whether its
	// literals are spelled as net/url would spell them.
	probe := base
	for _, p := range st.request.Path {
		if probe += p.Literal; p.Value != slo.NoValue {
			probe += "0"
		}
	}
	u, err := url.Parse(strings.TrimSuffix(st.target, base) + probe)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	m.unclean = u.RequestURI() != probe
	m.path = append(slo.Template{{Literal: base}}, st.request.Path...)
	return nil
}

// compileHead writes the header lines in the order of the file, the ones that
// every request has first.
func (m *message) compileHead(st *step) {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	hasHost := slices.ContainsFunc(st.dynamic, func(h slo.Header) bool { return h.Name == "Host" })
	if !hasHost {
		line("Host", st.base.Host)
	}
	for _, name := range slices.Sorted(maps.Keys(st.base.Header)) {
		if slices.ContainsFunc(st.dynamic, func(h slo.Header) bool { return h.Name == name }) {
			continue
		}
		for _, value := range st.base.Header[name] {
			line(name, value)
		}
	}
	if m.closes {
		line("Connection", "close")
	}
	m.head = slo.Template{{Literal: b.String()}}
	for _, h := range st.dynamic {
		m.head = append(m.head, slo.Part{Literal: h.Name + ": "})
		m.head = append(m.head, h.Value...)
		m.head = append(m.head, slo.Part{Literal: "\r\n"})
	}
}

var errLineBreak = errors.New("a value of the request's head holds a line break")

// render appends the request that a user sends now to dst. Nothing is
// allocated where dst is large enough.
func (m *message) render(dst []byte, u *user) ([]byte, error) {
	dst = append(dst, m.method...)
	dst = append(dst, ' ')
	dst, err := m.appendPath(dst, u)
	if err != nil {
		return dst, err
	}
	dst = append(dst, " HTTP/1.1\r\n"...)
	start := len(dst)
	dst = u.append(dst, m.head)
	if hasLineBreak(m.head, dst[start:]) {
		return dst, errLineBreak
	}
	if len(m.body) == 0 {
		if m.length {
			dst = append(dst, "Content-Length: 0\r\n"...)
		}
		return append(dst, "\r\n"...), nil
	}
	return m.appendBody(dst, u), nil
}

func (m *message) appendPath(dst []byte, u *user) ([]byte, error) {
	start := len(dst)
	dst = u.append(dst, m.path)
	path := dst[start:]
	if m.unclean {
		clean, err := url.ParseRequestURI(string(path))
		if err != nil {
			return dst, fmt.Errorf("path: %w", err)
		}
		return append(dst[:start], clean.RequestURI()...), nil
	}
	if bytes.ContainsAny(path, " \r\n") {
		return dst, errLineBreak
	}
	return dst, nil
}

// hasLineBreak reports whether a value has more lines than its template.
func hasLineBreak(t slo.Template, text []byte) bool {
	if len(t) == 1 {
		return false
	}
	want := 0
	for _, p := range t {
		want += strings.Count(p.Literal, "\n")
	}
	return bytes.Count(text, []byte{'\n'}) != want || bytes.Count(text, []byte{'\r'}) != want
}

// appendBody appends Content-Length, which is known only with the body, and
// the body. The body is written first and moved to leave the place.
func (m *message) appendBody(dst []byte, u *user) []byte {
	start := len(dst)
	dst = u.append(dst, m.body)
	var line [64]byte
	head := append(line[:0], "Content-Length: "...)
	head = strconv.AppendInt(head, int64(len(dst)-start), 10)
	head = append(head, "\r\n\r\n"...)
	return slices.Insert(dst, start, head...)
}
