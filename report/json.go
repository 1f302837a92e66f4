package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/slogate/slogate/result"
)

// JSON writes the judged run as a result file, from which every other form
// can be made again. It may be shown by a terminal: characters that move a
// cursor or turn a line around are written as JSON's escapes.
func JSON(w io.Writer, r *result.Run) error {
	var b strings.Builder
	if err := result.Encode(&b, r); err != nil {
		return err
	}
	if _, err := io.WriteString(w, escapeControls(b.String())); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// escapeControls escapes what encoding/json leaves: it knows the controls
// below a blank, not those above "~", of which U+009B begins commands as
// escape does. Outside of strings JSON has no such characters.
func escapeControls(text string) string {
	unsafe := func(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) }
	if !strings.ContainsFunc(text, unsafe) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !unsafe(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
