package secrets

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"html"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// decoder gives what a text is when it is read in another way; nothing where it
// is nothing else.
type decoder func(view) []view

var decoders = []decoder{zipMembers, compressed, escapes, form, hexadecimal, base64Runs}

// changed is the view of a text that a decoding has changed.
func changed(v view, how string, text []byte) []view {
	if bytes.Equal(text, v.text) {
		return nil
	}
	return []view{v.by(how, text)}
}

// escapes takes out those of URLs, of HTML and XML (named or numbered), and of
// JSON, JavaScript, Go, C or a shell: all in one pass, and what that leaves in
// the next. In every order, the passes would be dozens.
func escapes(v view) []view {
	var text []byte
	for rest := v.text; ; {
		at := bytes.IndexAny(rest, `%&\`)
		if at < 0 || at == len(rest)-1 {
			return changed(v, "escaped", append(text, rest...))
		}
		text, rest = append(text, rest[:at]...), rest[at:]
		read, long := unescape(rest)
		text, rest = append(text, read...), rest[long:]
	}
}

// unescape reads what stands at the beginning of a text of two bytes or more.
func unescape(s []byte) (read []byte, long int) {
	switch s[0] {
	case '%':
		if b, ok := number(s[1:], 2, 16); ok {
			return []byte{byte(b)}, 3
		}
	case '&':
		const longest = 32 // the longest name is CounterClockwiseContourIntegral
		if end := bytes.IndexByte(s[:min(len(s), longest)], ';'); end > 0 {
			return []byte(html.UnescapeString(string(s[:end+1]))), end + 1
		}
	case '\\':
		return backslashed(s)
	}
	return s[:1], 1
}

func backslashed(s []byte) (read []byte, long int) {
	for _, kind := range []struct {
		letter       byte
		digits, base int
	}{{'u', 4, 16}, {'U', 8, 16}, {'x', 2, 16}, {0, 3, 8}} {
		digits := s[2:]
		if kind.letter == 0 {
			digits = s[1:]
		}
		n, ok := number(digits, kind.digits, kind.base)
		long = len(s) - len(digits) + kind.digits
		switch {
		case !ok || kind.letter != 0 && s[1] != kind.letter:
		case kind.digits < 4:
			return []byte{byte(n)}, long
		case utf16.IsSurrogate(rune(n)) && bytes.HasPrefix(s[long:], []byte(`\u`)):
			second, _ := number(s[long+2:], 4, 16)
			return utf8.AppendRune(nil, utf16.DecodeRune(rune(n), rune(second))), min(long+6, len(s))
		default:
			return utf8.AppendRune(nil, rune(n)), long
		}
	}
	if i := strings.IndexByte("nrtbf", s[1]); i >= 0 {
		return []byte{"\n\r\t\b\f"[i]}, 2
	}
	return s[1:2], 2
}

// number reads one of so many digits.
func number(s []byte, digits, base int) (uint64, bool) {
	if len(s) < digits {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s[:digits]), base, 32)
	return n, err == nil
}

// form reads a plus as the blank that forms write so.
func form(v view) []view {
	if slices.Contains(v.how, "form") || !bytes.ContainsAny(v.text, "%=") {
		return nil
	}
	return changed(v, "form", bytes.ReplaceAll(v.text, []byte("+"), []byte(" ")))
}

var lineBreak = regexp.MustCompile(`\r?\n[ \t]*`)

// unwrapped are a text and the same in one line: base64 is often broken after
// 76 characters.
func unwrapped(text []byte) [][]byte {
	all := [][]byte{text}
	if joined := lineBreak.ReplaceAll(text, nil); len(joined) < len(text) {
		all = append(all, joined)
	}
	return all
}

// runs decodes the runs of some characters, from each of so many places at
// which what was encoded may begin.
func runs(v view, how string, in func(c byte) bool, places int, decode func(run []byte) []byte) []view {
	var all []view
	for _, text := range unwrapped(v.text) {
		decoded := make([][]byte, places)
		for from := 0; from < len(text); {
			to := from
			for to < len(text) && in(text[to]) {
				to++
			}
			for i := range places {
				if to-from-i >= shortest {
					decoded[i] = append(decoded[i], readable(decode(text[from+i:to]))...)
				}
			}
			from = to + 1
		}
		for _, d := range decoded {
			if d != nil {
				all = append(all, v.by(how, d))
			}
		}
	}
	return all
}

// readable are the stretches of text in what was decoded, or all of it where
// something compressed begins in it. The rest is noise: most runs were never
// encoded.
func readable(b []byte) []byte {
	if isPacked(b) {
		return b
	}
	var all []byte
	from := 0
	for at := 0; at <= len(b); {
		r, size := utf8.DecodeRune(b[at:])
		if size > 0 && unicode.IsPrint(r) && r != utf8.RuneError {
			at += size
			continue
		}
		if at-from >= shortest {
			all = append(append(all, b[from:at]...), '\n')
		}
		at += max(size, 1)
		from = at
	}
	return all
}

// isPacked reports whether something compressed may begin in a text.
func isPacked(b []byte) bool {
	for at := range b {
		if isGzip(b[at:]) || isZlib(b[at:]) {
			return true
		}
	}
	return false
}

// hexadecimal decodes runs of digits.
func hexadecimal(v view) []view {
	isDigit := func(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }
	return runs(v, "hexadecimal", isDigit, 2, func(run []byte) []byte {
		b := make([]byte, len(run)/2)
		n, _ := hex.Decode(b, run[:len(run)/2*2])
		return b[:n]
	})
}

// base64Runs decodes runs of base64 in both alphabets. A slash or a letter
// before the encoded text looks like a part of it.
func base64Runs(v view) []view {
	isCharacter := func(c byte) bool {
		return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte("+/-_", c) >= 0
	}
	return runs(v, "base64", isCharacter, 4, func(run []byte) []byte {
		run = bytes.ReplaceAll(bytes.ReplaceAll(run, []byte("-"), []byte("+")), []byte("_"), []byte("/"))
		if len(run)%4 == 1 {
			run = run[:len(run)-1]
		}
		b := make([]byte, base64.RawStdEncoding.DecodedLen(len(run)))
		n, _ := base64.RawStdEncoding.Decode(b, run)
		return b[:n]
	})
}

// compressed unfolds gzip and zlib wherever they begin. What is cut off gives
// its beginning.
func compressed(v view) []view {
	var all []view
	for at := range max(len(v.text)-2, 0) {
		rest := v.text[at:]
		switch {
		case isGzip(rest):
			if r, err := gzip.NewReader(bytes.NewReader(rest)); err == nil {
				all = append(all, v.by("gzip", unfolded(r)))
			}
		case isZlib(rest):
			if r, err := zlib.NewReader(bytes.NewReader(rest)); err == nil {
				all = append(all, v.by("zlib", unfolded(r)))
			}
		}
	}
	return all
}

func isGzip(b []byte) bool { return bytes.HasPrefix(b, []byte("\x1f\x8b\x08")) }

// isZlib reports a header of RFC 1950, of which text has few by chance.
func isZlib(b []byte) bool {
	return len(b) > 1 && b[0] == 0x78 && (int(b[0])<<8|int(b[1]))%31 == 0
}

func unfolded(r io.Reader) []byte {
	text, _ := io.ReadAll(io.LimitReader(r, maxView))
	return text
}

// zipMembers unfolds the files of an archive, and looks at their names.
func zipMembers(v view) []view {
	archive, err := zip.NewReader(bytes.NewReader(v.text), int64(len(v.text)))
	if err != nil {
		return nil
	}
	var all []view
	for _, f := range archive.File {
		all = append(all, v.by("name in a zip", []byte(f.Name+"\n"+f.Comment)))
		r, err := f.Open()
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(io.LimitReader(r, maxView))
		member := v.by("zip", text)
		member.where += "/" + f.Name
		all = append(all, member)
		r.Close()
	}
	return all
}
