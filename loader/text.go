package loader

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slogate/slogate/secret"
)

// clean returns at most limit bytes of a text from outside, safe to print on
// one line: without secrets, with control characters made visible, valid UTF-8.
func clean(m *secret.Mask, raw []byte, limit int) string {
	return bounded(visible(m.Head(raw, limit), false), limit)
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
