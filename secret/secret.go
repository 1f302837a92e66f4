// Package secret takes secrets out of texts, in every form in which a library
// may write them.
//
// In come the secrets, and texts from outside: answers, errors, output. Out come
// the texts with *** in their place. Who has to shorten a text, or to change a
// character of it, masks it first: of a secret that was cut in two the beginning
// would stay. The package does not know where secrets come from.
package secret

import (
	"slices"
	"strings"
)

// Masked stands where a secret was.
const Masked = "***"

// Mask knows secrets and their spellings. It does not change, and may be used by
// several goroutines. A nil one knows none.
type Mask struct {
	secrets  []string
	replacer *strings.Replacer
	longest  int
}

// NewMask returns a mask of secrets. Empty ones do not count.
func NewMask(secrets []string) *Mask {
	m := &Mask{secrets: secrets}
	var pairs []string
	for _, s := range Spellings(secrets) {
		pairs = append(pairs, s, Masked)
		m.longest = max(m.longest, len(s))
	}
	m.replacer = strings.NewReplacer(pairs...)
	return m
}

// With masks further secrets too.
func (m *Mask) With(secrets []string) *Mask {
	switch {
	case len(secrets) == 0:
		return m
	case m == nil:
		return NewMask(secrets)
	}
	return NewMask(slices.Concat(m.secrets, secrets))
}

// Longest is how many bytes the longest spelling has.
func (m *Mask) Longest() int {
	if m == nil {
		return 0
	}
	return m.longest
}

// Text masks a text.
func (m *Mask) Text(s string) string {
	if m == nil {
		return s
	}
	return m.replacer.Replace(s)
}

// Cut masks a text, and shortens it then to some characters, the last of which
// is "…" where any are left out.
func (m *Mask) Cut(s string, most int) string {
	s = m.Text(s)
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

// Head masks the beginning of a long text, of which limit bytes are wanted. It
// looks further, so that no secret is cut in two and stays unrecognised; what it
// returns may be longer than the limit.
func (m *Mask) Head(text []byte, limit int) string {
	window := limit + m.Longest()
	if len(text) <= window {
		return m.Text(string(text))
	}
	s := m.Text(string(text[:window]))
	return s[:max(len(s)-m.Longest(), 0)]
}
