package service

import (
	"bytes"
	"strings"
	"testing"

	"github.com/slogate/slogate/secret"
)

// However a text is cut into reads, no secret and nothing but secrets is lost.
func FuzzMask(f *testing.F) {
	f.Add("the s3cr3t and s3cr3", "s3cr3t", "s3c", 3)
	f.Add("aaaaaaa", "aa", "aaa", 1)
	f.Add("", "x", "", 2)
	f.Fuzz(func(t *testing.T, text, a, b string, size int) {
		whole := newMask([]string{a, b})
		want := string(whole.next([]byte(text))) + string(whole.rest())
		m := newMask([]string{a, b})
		var got bytes.Buffer
		for rest := text; rest != ""; {
			n := min(max(size, 1), len(rest))
			got.Write(m.next([]byte(rest[:n])))
			rest = rest[n:]
		}
		got.Write(m.rest())
		if got.String() != want {
			t.Errorf("in reads of %d: %q, whole: %q", size, got.String(), want)
		}
		for _, s := range []string{a, b} {
			if s != "" && strings.Trim(s, "*") != "" && strings.Contains(strings.ReplaceAll(want, secret.Masked, "\x00"), s) && !strings.Contains(s, "\x00") {
				t.Errorf("%q of %q holds %q", want, text, s)
			}
		}
	})
}

// A service may print a secret as it came: in a URL.
func TestMaskOfAnotherSpelling(t *testing.T) {
	m := newMask([]string{"p/w d"})
	got := string(m.next([]byte("GET /?key=p%2Fw"))) + string(m.next([]byte("+d p/"))) + string(m.rest())
	if want := "GET /?key=*** p/"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"plain\r\n":                    "plain",
		"\x1b[1;31mred\x1b[m":          "red",
		"\x1b]0;title\x07x\x1b(":       "x",
		"a\tb\u202ec\u2028":            "a b\uFFFDc\uFFFD",
		"##[error]x":                   "##(error]x",
		"\xff":                         "\uFFFD",
		strings.Repeat("a", lineWidth): strings.Repeat("a", lineWidth),
		strings.Repeat("ä", 1000):      strings.Repeat("ä", lineWidth-1) + "…",
	} {
		if got := plain(text); got != want {
			t.Errorf("plain(%q) = %q, want %q", text, got, want)
		}
	}
}
