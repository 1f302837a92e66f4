package loader

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"time"

	"github.com/slogate/slogate/slo"
)

// signer gives the header lines that sign a request as it is written, and what
// of them must not be written elsewhere.
type signer interface {
	sign(w *written, now time.Time) (lines []byte, secret string, err error)
	headers() []string // whose lines sign gives, where the file does not
}

// newSigner returns nil for a request that is not signed.
func newSigner(s *slo.Signature) signer {
	switch {
	case s == nil:
		return nil
	case s.SigV4 != nil:
		return newSigV4(*s.SigV4)
	}
	return &macSigner{*s.HMAC}
}

// written is a request that has been written.
type written struct {
	method, path, host string
	lines              [][]byte // of the headers
	body               []byte
}

// header is the value of a header, empty where there is none.
func (w *written) header(name string) string {
	for _, line := range w.lines {
		if nameOf(line) == name {
			_, value, _ := bytes.Cut(line, []byte(":"))
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// appendSignature signs the request that dst ends with and begins at from.
func (m *message) appendSignature(dst []byte, from int, u *user) ([]byte, error) {
	head, body, _ := bytes.Cut(dst[from:], []byte("\r\n\r\n"))
	lines := bytes.Split(head, []byte("\r\n"))
	request := bytes.Fields(lines[0])
	w := &written{method: string(request[0]), path: string(bytes.TrimPrefix(request[1], []byte(m.before))), lines: lines[1:], body: body}
	w.host = w.header("Host")
	signed, err := m.signature(w, u)
	if err != nil {
		return dst, err
	}
	return slices.Insert(dst, from+len(head)+len("\r\n"), signed...), nil
}

// signature gives the header lines that sign a request of a user.
func (m *message) signature(w *written, u *user) ([]byte, error) {
	lines, secret, err := m.signer.sign(w, u.now())
	if err != nil {
		return nil, blamed(m.path, fmt.Errorf("sign: %w", err))
	}
	u.signature = secret
	return lines, nil
}

// signAnew signs a request that a redirect has changed. The service is the one
// that it was meant for.
func (st *step) signAnew(h *requestHead, u *user) error {
	m := st.message
	if m.signer == nil {
		return nil
	}
	for _, name := range m.signer.headers() {
		if !slices.ContainsFunc(st.request.Headers, func(of slo.Header) bool { return of.Name == name }) {
			h.drop(name)
		}
	}
	lines := append(slices.Clone(h.lines), []byte("Host: "+h.host))
	if len(h.cookies) > 0 {
		lines = append(lines, bytes.TrimSpace(h.cookies))
	}
	signed, err := m.signature(&written{method: h.method, path: h.path, host: h.host, lines: lines, body: h.body}, u)
	if err != nil {
		return err
	}
	h.lines = append(h.lines, bytes.Split(bytes.TrimSuffix(signed, []byte("\r\n")), []byte("\r\n"))...)
	return nil
}

// macSigner signs parts of a request with a key.
type macSigner struct{ slo.HMAC }

// hashes are the algorithms of an HMAC. SHA-1 is what some webhooks still use;
// in an HMAC nothing is known against it (RFC 6194).
var hashes = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}

func (s *macSigner) sign(w *written, _ time.Time) (lines []byte, secret string, err error) {
	mac := hmac.New(hashes[s.Algorithm], []byte(s.Key))
	for i, part := range s.Over {
		if i > 0 {
			mac.Write([]byte("\n"))
		}
		mac.Write(w.part(part))
	}
	sum := mac.Sum(nil)
	text := hex.EncodeToString(sum)
	if s.Encoding == "base64" {
		text = base64.StdEncoding.EncodeToString(sum)
	}
	return []byte(s.Header + ": " + s.Prefix + text + "\r\n"), text, nil
}

func (s *macSigner) headers() []string { return []string{s.Header} }

func (w *written) part(p slo.SignedPart) []byte {
	switch p.Kind {
	case "method":
		return []byte(w.method)
	case "path":
		return []byte(w.path)
	case "host":
		return []byte(w.host)
	case "body":
		return w.body
	}
	return []byte(w.header(p.Header))
}
