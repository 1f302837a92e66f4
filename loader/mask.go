package loader

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const masked = "***"

// mask makes text from outside safe: secrets in every form in which a service
// may echo them become ***, control characters become visible, and the result
// is valid UTF-8.
type mask struct {
	secrets  []string
	replacer *strings.Replacer
	longest  int // bytes of the longest form of a secret
}

// with masks further secrets too.
func (m *mask) with(secrets []string) *mask {
	if len(secrets) == 0 {
		return m
	}
	return newMask(slices.Concat(m.secrets, secrets))
}

// Spellings are the forms in which secrets may be echoed, longest first: at
// one place the longest must win, or the rest of it stays.
func Spellings(secrets []string) []string {
	var all []string
	for _, s := range secrets {
		if s != "" {
			all = append(all, forms(s)...)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

func newMask(secrets []string) *mask {
	m := &mask{secrets: secrets}
	var pairs []string
	for _, f := range Spellings(secrets) {
		pairs = append(pairs, f, masked)
		m.longest = max(m.longest, len(f))
	}
	m.replacer = strings.NewReplacer(pairs...)
	return m
}

// forms are the spellings of a secret: plain, escaped for URLs, forms and
// JSON, and in base64 wherever it stands in the encoded text.
func forms(secret string) []string {
	list := []string{secret, url.QueryEscape(secret), url.PathEscape(secret)}
	for _, escaped := range list[1:] {
		list = append(list, lowerEscapes(escaped))
	}
	quoted, _ := json.Marshal(secret)
	list = append(list, string(quoted[1:len(quoted)-1]), plainJSON(secret))
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		list = append(list, inBase64(encoding, secret)...)
	}
	return slices.DeleteFunc(list, func(f string) bool { return f == "" })
}

// lowerEscapes writes %2F as %2f.
func lowerEscapes(s string) string {
	out := []byte(s)
	for i := 0; i+2 < len(out); i++ {
		if out[i] == '%' {
			copy(out[i+1:], strings.ToLower(s[i+1:i+3]))
		}
	}
	return string(out)
}

// plainJSON escapes like most languages do: <, > and & stay.
func plainJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string and a Builder cannot fail
	out := strings.TrimSuffix(b.String(), "\n")
	return out[1 : len(out)-1]
}

// inBase64 returns what a secret looks like inside of encoded text: three
// forms, by the number of bytes before it, each without the characters at its
// ends that also depend on its neighbours. Those of less than four characters
// are left out: they would mask what has nothing to do with the secret.
func inBase64(e *base64.Encoding, secret string) []string {
	list := []string{e.EncodeToString([]byte(secret))}
	for before := range 3 {
		text := e.WithPadding(base64.NoPadding).EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
		from := (before*8 + 5) / 6
		to := (before + len(secret)) * 8 / 6
		if to-from >= 4 {
			list = append(list, text[from:to])
		}
	}
	return list
}

// text masks secrets and nothing else.
func (m *mask) text(s string) string { return m.replacer.Replace(s) }

// clean returns at most limit bytes of a text from outside, safe to print on
// one line.
func (m *mask) clean(raw []byte, limit int) string {
	s := m.cut(raw, limit)
	return bounded(visible(s, false), limit)
}

// cut masks the beginning of raw. It looks a little further than limit, so
// that no secret is cut in two and stays unrecognised.
func (m *mask) cut(raw []byte, limit int) string {
	window := limit + m.longest
	if len(raw) <= window {
		return m.text(string(raw))
	}
	s := m.text(string(raw[:window]))
	return s[:max(len(s)-m.longest, 0)]
}

// bounded cuts s to limit bytes between characters.
func bounded(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const more = "…"
	end := limit - len(more)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}

// visible writes control characters, and those that change the direction of
// text, as escapes. Line breaks and tabs stay where lines is set.
func visible(s string, lines bool) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case lines && (r == '\n' || r == '\t'):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
