package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func TestMaskFindsEverySpelling(t *testing.T) {
	const secret = "p/ä ss+w\"<o>rd&é"
	m := NewMask([]string{"", secret, "p/"})
	quoted, _ := json.Marshal(secret)
	spellings := map[string]string{
		"plain": secret, "query": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"lower query": lowerEscapes(url.QueryEscape(secret)),
		"json":        string(quoted[1 : len(quoted)-1]), "plain json": plainJSON(secret),
		"base64":  base64.StdEncoding.EncodeToString([]byte(secret)),
		"url64":   base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"shorter": "p/",
		"HTML":    html.EscapeString(secret), "HTML of PHP": strings.ReplaceAll(html.EscapeString(secret), "&#34;", "&quot;"),
		"HTML with slashes": strings.NewReplacer("&#34;", "&quot;", "/", "&#x2F;").Replace(html.EscapeString(secret)),
		"JSON of PHP":       strings.ReplaceAll(plainJSON(secret), "/", `\/`), "JSON in ASCII": strings.Trim(strconv.QuoteToASCII(secret), `"`),
		"JSON on a page": html.EscapeString(plainJSON(secret)), "a URL in a URL": url.QueryEscape(url.PathEscape(secret)),
		"base64 in a URL": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(secret))), "hexadecimal": hex.EncodeToString([]byte(secret)),
	}
	for name, text := range spellings {
		if got := m.Text("a " + text + " b"); got != "a *** b" && !strings.HasPrefix(got, "a ***") {
			t.Errorf("%s: %q stays in %q", name, text, got)
		}
	}
	for before := range 4 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("u", before) + ":" + secret + ":x"))
		if got := m.Text(text); !strings.Contains(got, Masked) || len(got) > 16 {
			t.Errorf("base64 after %d bytes: %q becomes %q", before, text, got)
		}
	}
}

// Of a secret that begins with another one nothing is left.
func TestMaskOfSecretsThatBeginAlike(t *testing.T) {
	m := NewMask([]string{"s3cr3t"}).With([]string{"s3cr3t-of-long"})
	if got := m.Text("s3cr3t-of-long s3cr3t"); got != "*** ***" {
		t.Error(got)
	}
}

// A text is masked before it is cut: of a secret at the cut nothing stays.
func TestCut(t *testing.T) {
	const phrase = "correct horse battery staple"
	for name, tt := range map[string]struct {
		mask       *Mask
		text, want string
	}{
		"short":        {NewMask([]string{phrase}), "to " + phrase, "to ***"},
		"at the limit": {NewMask([]string{phrase}), "12345678äö", "12345678äö"},
		"long":         {NewMask([]string{phrase}), "12345678äöü", "12345678ä…"},
		"at the cut":   {NewMask([]string{phrase}), "12345" + phrase + "678", "12345***6…"},
		"none":         {nil, "12345" + phrase, "12345corr…"},
		"nothing":      {NewMask([]string{""}), "", ""},
	} {
		if got := tt.mask.Cut(tt.text, 10); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// A secret is in no text that was masked, however it is spelled there.
func FuzzSpellings(f *testing.F) {
	f.Add("p/ä ss+w\"<o>rd&é", "a", "b", 20)
	f.Add("s3cret", "s3cre", "t", 3)
	f.Add("aa", "a", "aaa", 8)
	f.Fuzz(func(t *testing.T, secret, before, after string, limit int) {
		if strings.Trim(secret, "*") == "" || strings.Contains(secret, "\x00") || len(secret) > 1000 || len(before) > 10_000 {
			return // what masks it holds the secret, or it marks the masks below
		}
		m := NewMask([]string{secret})
		for _, spelling := range forms(secret) {
			text := before + spelling + after
			for _, got := range []string{m.Text(text), m.Head([]byte(text), 1+(limit&0xfff))} {
				apart := strings.ReplaceAll(got, Masked, "\x00")
				for _, hidden := range forms(secret) {
					if strings.Contains(apart, hidden) {
						t.Fatalf("%q stays in %q as %q", secret, got, hidden)
					}
				}
			}
		}
	})
}
