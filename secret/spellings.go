package secret

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Spellings are the forms in which secrets may be echoed, longest first: at
// one place the longest must win, or the rest of it stays.
func Spellings(secrets []string) []string {
	var all []string
	for _, s := range secrets {
		if s != "" {
			all = append(all, forms(s)...)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(all)
}

// LongestSpelling is how many bytes a spelling has for each byte of a secret at
// most: &#x27; for a quote. What would be longer is left out.
const LongestSpelling = 6

// forms are the spellings of a secret: plain, escaped for URLs, forms, JSON,
// programs, HTML and XML as libraries do it, and encoded; also as an answer
// shows a request that holds it: in a URL on a page or in base64, in JSON on a
// page.
func forms(secret string) []string {
	list := append(encoded(secret), secret)
	if strings.ContainsFunc(secret, isReserved) { // else nothing escapes it
		list = append(list, escapedForms(secret)...)
	}
	most := max(LongestSpelling*len(secret), base64.StdEncoding.EncodedLen(len(secret)))
	return slices.DeleteFunc(distinct(list), func(f string) bool { return f == "" || len(f) > most })
}

// isReserved reports what RFC 3986 does not call unreserved.
func isReserved(r rune) bool {
	return !('0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z' || strings.ContainsRune("-._~", r))
}

func escapedForms(secret string) []string {
	urls, programs := escapedForURLs(secret), inJSON(secret)
	list := slices.Concat(urls, programs)
	for _, text := range list[:len(list):len(list)] {
		list = append(list, inHTML(text)...)
	}
	for _, text := range programs {
		list = append(list, strings.ReplaceAll(text, "/", `\/`))
	}
	for _, text := range urls { // a URL is often a part of another one, and of what is encoded
		list = append(append(list, escapedForURLs(text)...), encoded(text)...)
	}
	return append(list, inHTML(secret)...)
}

// encoded returns the spellings in base64, which may be escaped itself, and in
// hexadecimal digits.
func encoded(text string) []string {
	list := []string{hex.EncodeToString([]byte(text)), fmt.Sprintf("%X", text)}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for _, in := range inBase64(encoding, text) {
			list = append(list, in)
			if strings.ContainsAny(in, "/+=") {
				list = append(list, strings.ReplaceAll(in, "/", `\/`), url.QueryEscape(in), lowerEscapes(url.QueryEscape(in)))
			}
		}
	}
	return list
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// escapedForURLs returns the spellings in a query and in a path.
func escapedForURLs(s string) []string {
	list := []string{strings.ReplaceAll(s, " ", "+")}
	for _, escape := range []func(string) string{url.QueryEscape, url.PathEscape, strictly} {
		text := escape(s)
		list = append(list, text, lowerEscapes(text))
	}
	return distinct(list)
}

// strictly escapes all but what RFC 3986 calls unreserved.
func strictly(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// inJSON returns the spellings within the quotes of JSON and of programs.
func inJSON(secret string) []string {
	quoted, _ := json.Marshal(secret)
	list := []string{string(quoted[1 : len(quoted)-1]), plainJSON(secret), asciiJSON(secret, "%04x"), asciiJSON(secret, "%04X")}
	for _, quote := range []func(string) string{strconv.Quote, strconv.QuoteToASCII} {
		text := quote(secret)
		list = append(list, text[1:len(text)-1])
	}
	return append(list, jsEscapes.Replace(secret))
}

// asciiJSON escapes all that is not ASCII, with the digits of a format.
func asciiJSON(s, digits string) string {
	var b strings.Builder
	for _, r := range plainJSON(s) {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u`+digits, unit)
		}
	}
	return b.String()
}

// jsEscapes are those of strings in a script.
var jsEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`, "<", `\u003C`, ">", `\u003E`, "&", `\u0026`, "=", `\u003D`)

// htmlEscapes are those that libraries write, by the characters that they
// escape, and how. All of them escape <, > and &.
var htmlEscapes = []*strings.Replacer{
	markup(),
	markup(`"`, "&quot;"),
	markup(`"`, "&quot;", "'", "&#39;"),
	markup(`"`, "&quot;", "'", "&#039;"),
	markup(`"`, "&quot;", "'", "&#x27;"),
	markup(`"`, "&quot;", "'", "&apos;"),
	markup(`"`, "&#34;", "'", "&#39;"),
	markup(`"`, "&#34;", "'", "&#39;", "+", "&#43;"),
	markup(`"`, "&#34;", "'", "&#39;", "+", "&#43;", "=", "&#61;", "`", "&#96;", " ", "&#32;", "\t", "&#9;"),
	markup(`"`, "&quot;", "'", "&#39;", "/", "&#x2F;", "`", "&#x60;", "=", "&#x3D;"),
	markup(`"`, "&quot;", "'", "&#x27;", "/", "&#x2F;"),
	markup(`"`, "&#34;", "'", "&#39;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;"),
}

func markup(more ...string) *strings.Replacer {
	return strings.NewReplacer(append([]string{"&", "&amp;", "<", "&lt;", ">", "&gt;"}, more...)...)
}

// inHTML returns the spellings in HTML and XML.
func inHTML(text string) []string {
	if !strings.ContainsAny(text, "&<>\"'+=/` \t\r\n") {
		return nil
	}
	var list []string
	for _, escapes := range htmlEscapes {
		list = append(list, escapes.Replace(text))
	}
	return list
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
