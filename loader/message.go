package loader

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
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
	method  string
	before  string       // what stands in the request line before the path
	path    slo.Template // as it stands in the request line, base path included
	unclean bool         // path must be spelled by net/url once its values are known
	head    slo.Template // header lines
	body    slo.Template
	gzip    bool    // the body is compressed once its values are known
	cookies bool    // those of the user are sent
	tokens  *tokens // that stand in the head; nil: none
	signer  signer  // nil: it is not signed
	length  bool    // Content-Length is sent without a body too
	closes  bool    // it asks the other side to close the connection
	whole   []byte  // the request, where nothing in it changes
}

// compileMessage writes what stays the same of a request.
func compileMessage(r *slo.Request, mn *manner) (*message, error) {
	m := &message{method: cmp.Or(r.Method, http.MethodGet), before: mn.before(), body: r.Body}
	// A method that is meant to carry a body says that it is empty, as RFC 9110,
	// section 8.6, asks for.
	m.length = m.method == http.MethodPost || m.method == http.MethodPut || m.method == http.MethodPatch
	if err := m.compilePath(r.Path, mn.target); err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	m.compileHead(slices.Concat(r.Headers, mn.headers()), mn)
	if r.Gzip {
		m.compressBody()
	}
	m.tokens, m.signer = mn.tokens.needs(r), newSigner(r.Signature)
	if m.signer != nil || m.unclean || !isStatic(m.path) || !isStatic(m.head) || !isStatic(m.body) {
		return m, nil
	}
	whole, err := m.render(nil, nil)
	m.whole = whole
	return m, err
}

// compressBody compresses a body now where nothing in it changes.
func (m *message) compressBody() {
	text, static := m.body.Static()
	if m.gzip = !static; static {
		m.body = slo.Template{{Literal: string(compress([]byte(text), 0))}}
	}
}

func isStatic(t slo.Template) bool {
	_, static := t.Static()
	return static
}

// compilePath finds out whether the path may go onto the wire as it was
// written, or has to be escaped.
func (m *message) compilePath(path slo.Template, target *url.URL) error {
	base := strings.TrimRight(target.EscapedPath(), "/")
	if text, static := path.Static(); static {
		u, err := url.ParseRequestURI(base + text)
		if err != nil {
			return err
		}
		m.path = slo.Template{{Literal: u.RequestURI()}}
		return nil
	}
	// With a plain word in the place of each value the path shows whether its
	// literals are spelled as net/url would spell them.
	var probe strings.Builder
	probe.WriteString(base)
	for _, p := range path {
		if probe.WriteString(p.Literal); p.Value != slo.NoValue {
			probe.WriteString("0")
		}
	}
	u, err := url.ParseRequestURI(probe.String())
	if err != nil {
		return err
	}
	m.unclean = u.RequestURI() != probe.String()
	m.path = append(slo.Template{{Literal: base}}, path...)
	return nil
}

// compileHead writes the header lines. A later header of the same name takes
// the place of an earlier one.
func (m *message) compileHead(headers []slo.Header, mn *manner) {
	all := []slo.Header{
		{Name: "Host", Value: slo.Template{{Literal: mn.target.Host}}},
		{Name: "User-Agent", Value: slo.Template{{Literal: "slogate/" + mn.version}}},
	}
	if u := mn.target.User; u != nil {
		all = append(all, slo.Header{Name: "Authorization", Value: slo.Template{{Literal: basic(u)}}})
	}
	for _, h := range headers {
		at := slices.IndexFunc(all, func(o slo.Header) bool { return strings.EqualFold(o.Name, h.Name) })
		if at >= 0 {
			all[at] = h
		} else {
			all = append(all, h)
		}
	}
	for _, h := range all {
		text, static := h.Value.Static()
		if h.Name == "Connection" && static {
			m.closes = strings.EqualFold(strings.TrimSpace(text), "close")
		}
		m.head = append(m.head, slo.Part{Literal: h.Name + ": "})
		m.head = append(m.head, h.Value...)
		m.head = append(m.head, slo.Part{Literal: "\r\n"})
	}
}

var errLineBreak = errors.New("a value of the request's head holds a line break or a NUL byte")

// render appends the request that a user sends now to dst. Nothing is
// allocated where dst is large enough.
func (m *message) render(dst []byte, u *user) ([]byte, error) {
	if u != nil && u.session != nil && u.session.rowless != nil {
		return dst, u.session.rowless
	}
	from := len(dst)
	if m.tokens != nil {
		u.tokens = m.tokens
	}
	dst, err := m.renderParts(dst, u)
	if err == nil && m.signer != nil {
		dst, err = m.appendSignature(dst, from, u)
	}
	if u != nil && u.lacks != "" {
		err = &lackError{u.lacks}
		u.lacks = ""
	}
	return dst, err
}

func (m *message) renderParts(dst []byte, u *user) ([]byte, error) {
	dst = append(dst, m.method...)
	dst = append(dst, ' ')
	dst = append(dst, m.before...)
	start := len(dst)
	dst, err := m.appendPath(dst, u)
	if err != nil {
		return dst, err
	}
	if u != nil && u.session != nil {
		u.session.path = append(u.session.path[:0], dst[start:]...)
	}
	dst = append(dst, " HTTP/1.1\r\n"...)
	start = len(dst)
	dst = u.append(dst, m.head)
	if hasLineBreak(m.head, dst[start:]) {
		return dst, blamed(m.head, errLineBreak)
	}
	if m.cookies && u != nil {
		dst = u.session.at.jar.append(dst, u.session.path, u.now)
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
			return dst, blamed(m.path, fmt.Errorf("path: %w", err))
		}
		return append(dst[:start], clean.RequestURI()...), nil
	}
	if bytes.ContainsAny(path, " \r\n") {
		return dst, blamed(m.path, errLineBreak)
	}
	return dst, nil
}

// unfitError says that what an answer brought cannot stand in a request: the
// service's doing, and not the generator's.
type unfitError struct{ error }

// blamed marks an error of a text that was written by a template as the doing of
// the answers whose values stand in it, if any do.
func blamed(t slo.Template, err error) error {
	if slices.ContainsFunc(t, func(p slo.Part) bool { return p.Value == slo.Captured }) {
		return unfitError{err}
	}
	return err
}

// hasLineBreak reports whether a value has more lines than its template, or a
// NUL, which some read as the end of a line (RFC 9110, section 5.5).
func hasLineBreak(t slo.Template, text []byte) bool {
	want := 0
	for _, p := range t {
		want += strings.Count(p.Literal, "\n")
	}
	return bytes.Count(text, []byte{'\n'}) != want || bytes.Count(text, []byte{'\r'}) != want || bytes.IndexByte(text, 0) >= 0
}

// appendBody appends Content-Length, which is known only with the body, and
// the body. The body is written first and moved to leave the place.
func (m *message) appendBody(dst []byte, u *user) []byte {
	start := len(dst)
	dst = u.append(dst, m.body)
	if m.gzip {
		dst = compress(dst, start)
	}
	var line [64]byte
	head := append(line[:0], "Content-Length: "...)
	head = strconv.AppendInt(head, int64(len(dst)-start), 10)
	head = append(head, "\r\n\r\n"...)
	return slices.Insert(dst, start, head...)
}
