package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slogate/slogate/quantity"
)

// How much of a string from outside is shown, in bytes. A name is a cell of a
// table; a sentence may take a few lines; a block is an answer's beginning.
const (
	nameLimit     = 120
	sentenceLimit = 600
	blockLimit    = 2000
)

// Text is a string from outside. It prints itself escaped for the form that
// its view was built for. The zero value is empty.
type Text struct {
	raw   string
	write func(string) string // nil: visible
}

// String returns the text on one line, safe for the form: control characters
// are made visible everywhere, markup does not act in Markdown.
func (t Text) String() string {
	if t.write == nil {
		return visible(t.raw)
	}
	return t.write(t.raw)
}

// Empty reports whether there is no text.
func (t Text) Empty() bool { return t.raw == "" }

// Plain returns the text on one line with control characters made visible,
// without regard to the form. Its caller escapes what the form needs.
func (t Text) Plain() string { return visible(t.raw) }

// Lines returns the text with its line breaks, each line as in Plain.
func (t Text) Lines() string {
	lines := strings.Split(strings.ReplaceAll(t.raw, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = visible(line)
	}
	return strings.Join(lines, "\n")
}

// Code returns the text as a Markdown code span.
func (t Text) Code() string { return codeSpan(t.raw) }

// Fence returns the text as a fenced Markdown block.
func (t Text) Fence() string { return fence(t.Lines()) }

// shorten cuts s to at most limit bytes at a character's border and marks it.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

// visible puts s on one line that neither moves a cursor nor commands a CI
// runner: control and formatting characters are written as Go would escape
// them, and so are the beginnings of the runner's two kinds of commands, "::"
// before a word and "##[" anywhere.
func visible(s string) string {
	var b strings.Builder
	before := ' '
	for i, r := range s {
		switch {
		case r == utf8.RuneError:
			b.WriteRune(utf8.RuneError) // also for a byte that is no UTF-8
		case !unicode.IsPrint(r) && r != quantity.Narrow:
			b.WriteString(escapeRune(r))
		case r == ':' && unicode.IsSpace(before) && strings.HasPrefix(s[i:], "::"),
			r == '[' && strings.HasSuffix(s[:i], "##"):
			fmt.Fprintf(&b, `\x%x`, r)
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

// escapeRune writes one character as a Go string literal would.
func escapeRune(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}
