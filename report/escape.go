package report

import (
	"regexp"
	"strings"
	"unicode"
)

// zeroWidth stands inside of what GitHub would turn into a mention, a
// reference or a link: a backslash or an entity does not help, because these
// are recognised in the rendered text.
const zeroWidth = "&#8203;"

// markdown writes s so that it reads as itself in a cell, a list item or a
// heading of GitHub's Markdown.
func markdown(s string) string {
	s = strings.TrimSpace(visible(s)) // four blanks would begin a block of code
	var b strings.Builder
	for i, r := range s {
		b.WriteString(markdownRune(s, i, r))
	}
	return b.String()
}

func markdownRune(s string, i int, r rune) string {
	rest := s[i:]
	switch r {
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '&':
		return "&amp;"
	case '$':
		return "&#36;" // mathematics
	case '\\', '`', '*', '[', ']', '|', '~', '{', '}':
		return `\` + string(r)
	case '_':
		if within(s, i) {
			return "_" // success_rate
		}
		return `\_`
	case '@':
		return "@" + zeroWidth
	case '#':
		if i == 0 {
			return `\#` + zeroWidth
		}
		return "#" + zeroWidth
	case ':':
		if strings.HasPrefix(rest, "://") {
			return ":" + zeroWidth
		}
	case '.':
		if i >= 3 && strings.EqualFold(s[i-3:i], "www") {
			return zeroWidth + "."
		}
		if leadingDigits(s[:i]) {
			return `\.`
		}
	case ')':
		if leadingDigits(s[:i]) {
			return `\)`
		}
	case '-', '+', '=':
		if i == 0 {
			return `\` + string(r)
		}
		if r == '-' && i >= 2 && strings.EqualFold(s[i-2:i], "gh") {
			return "-" + zeroWidth // GH-123
		}
	}
	return string(r)
}

// within reports whether the one-byte character at i stands between letters
// or digits.
func within(s string, i int) bool {
	return i > 0 && i+1 < len(s) && isWord(s[i-1]) && isWord(s[i+1])
}

func isWord(c byte) bool {
	return c < 0x80 && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)))
}

// leadingDigits reports whether s is a number alone: "1." would begin a list.
func leadingDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// bars are the vertical bars of a text with the backslashes before them.
var bars = regexp.MustCompile(`\\*\|`)

// codeSpan writes s as inline code, also inside of a table, where a bar would
// end the cell even in code. A table takes backslashes in pairs before code is
// looked at, so that those before a bar are doubled; they read as twice as
// many, which is the lesser evil.
func codeSpan(s string) string {
	s = bars.ReplaceAllStringFunc(visible(s), func(m string) string {
		return strings.Repeat(`\\`, len(m)-1) + `\|`
	})
	if strings.TrimSpace(s) == "" {
		return ""
	}
	ticks := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// fence writes a block of code that nothing in it can close.
func fence(s string) string {
	ticks := strings.Repeat("`", max(longestRun(s, '`')+1, 3))
	return ticks + "text\n" + s + "\n" + ticks
}

func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
