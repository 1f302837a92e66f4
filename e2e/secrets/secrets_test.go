package secrets

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"html/template"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const (
	token = `s3cr3t/+tok"en <ü>&😀'=\1`
	plain = "hunter2-of-the-test"
)

func base64At(e *base64.Encoding, before string) func(string) string {
	return func(s string) string { return e.EncodeToString([]byte(before + s + "and more")) }
}

func each(format func(r rune) string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for _, r := range s {
			b.WriteString(format(r))
		}
		return b.String()
	}
}

// compress writes a text through a compressing writer.
func compress(open func(io.Writer) io.WriteCloser) func(string) string {
	return func(s string) string {
		var b bytes.Buffer
		w := open(&b)
		io.WriteString(w, "before "+s+" after")
		w.Close()
		return b.String()
	}
}

func zipped(s string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.Create("folder/result.json")
	io.WriteString(f, "before "+s+" after")
	w.Close()
	return b.String()
}

func jsonOf(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func xmlOf(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s))
	return b.String()
}

func inLines(s string) string {
	var b strings.Builder
	for s != "" {
		n := min(len(s), 5)
		b.WriteString(s[:n] + "\r\n  ")
		s = s[n:]
	}
	return b.String()
}

func gzipped(s string) string {
	return compress(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })(s)
}

// encodings are those that the scanner has to see through.
var encodings = map[string]func(string) string{
	"as it is":            func(s string) string { return s },
	"in a query":          url.QueryEscape,
	"in a path":           url.PathEscape,
	"lower-case escapes":  func(s string) string { return lower(url.QueryEscape(s)) },
	"every byte escaped":  func(s string) string { return "%" + strings.Join(pairs(hex.EncodeToString([]byte(s))), "%") },
	"escaped twice":       func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"HTML":                html.EscapeString,
	"HTML of templates":   template.HTMLEscapeString,
	"HTML in decimal":     each(func(r rune) string { return fmt.Sprintf("&#%d;", r) }),
	"HTML in hexadecimal": each(func(r rune) string { return fmt.Sprintf("&#x%X;", r) }),
	"HTML by names": func(s string) string {
		return strings.NewReplacer("+", "&plus;", "/", "&sol;", "&", "&amp;").Replace(s)
	},
	"XML":         xmlOf,
	"JSON":        jsonOf,
	"JSON of PHP": func(s string) string { return strings.ReplaceAll(jsonOf(s), "/", `\/`) },
	"JSON in ASCII": func(s string) string {
		return strings.ReplaceAll(strconv.QuoteToASCII(s), `\U0001f600`, `\ud83d\ude00`)
	},
	"JSON in numbers":                func(s string) string { return numbered(s) },
	"JavaScript":                     template.JSEscapeString,
	"Go":                             strconv.Quote,
	"Go in ASCII":                    strconv.QuoteToASCII,
	"octal":                          octal,
	"hexadecimal":                    func(s string) string { return hex.EncodeToString([]byte(s)) },
	"hexadecimal, one digit before":  func(s string) string { return "0" + strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":                         base64At(base64.StdEncoding, ""),
	"base64, one byte before":        base64At(base64.StdEncoding, "x"),
	"base64, two bytes before":       base64At(base64.StdEncoding, "xy"),
	"base64 of URLs":                 base64At(base64.RawURLEncoding, ""),
	"base64 of URLs, one before":     base64At(base64.URLEncoding, "x"),
	"base64 of URLs, two before":     base64At(base64.RawURLEncoding, "xy"),
	"base64 behind a path":           func(s string) string { return "/a/" + base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 in lines":                func(s string) string { return inLines(base64.StdEncoding.EncodeToString([]byte(s))) },
	"base64 in JSON of PHP":          func(s string) string { return strings.ReplaceAll(base64At(base64.StdEncoding, "x")(s), "/", `\/`) },
	"user and password of Basic":     base64At(base64.StdEncoding, "anna:"),
	"gzip":                           gzipped,
	"zlib":                           compress(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }),
	"gzip, cut off":                  func(s string) string { return strings.TrimSuffix(gzipped(s), gzipped(s)[len(gzipped(s))-9:]) },
	"a member of a zip":              zipped,
	"gzip in base64 in JSON":         func(s string) string { return jsonOf("x " + base64.StdEncoding.EncodeToString([]byte(gzipped(s)))) },
	"JSON in a member of a zip":      func(s string) string { return zipped(jsonOf(s)) },
	"HTML of what was URL-escaped":   func(s string) string { return html.EscapeString("/?a=" + url.QueryEscape(s) + "&b=1") },
	"JSON in HTML":                   func(s string) string { return html.EscapeString(jsonOf(s)) },
	"XML of JSON of base64 of Basic": func(s string) string { return xmlOf(jsonOf("Basic " + base64At(base64.StdEncoding, "anna:")(s))) },
}

// lower writes the escapes of a URL in lower case.
func lower(s string) string {
	return regexp.MustCompile(`%..`).ReplaceAllStringFunc(s, strings.ToLower)
}

func pairs(s string) []string {
	var all []string
	for ; s != ""; s = s[2:] {
		all = append(all, s[:2])
	}
	return all
}

func numbered(s string) string {
	return each(func(r rune) string {
		if r > 0xffff {
			return string(r)
		}
		return fmt.Sprintf(`\u%04X`, r)
	})(s)
}

func octal(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, `\%03o`, c)
	}
	return b.String()
}

// Each secret is found in every encoding, alone and within other text, and a
// text without it has none.
func TestEncodings(t *testing.T) {
	scanner := New(plain, token)
	for name, encode := range encodings {
		for number, secret := range []string{plain, token} {
			for _, around := range []string{"%s", `{"a": 1, "body": "…%s…"}`, "GET /x?y=%s HTTP/1.1\r\n"} {
				if strings.Contains(name, "zip") || strings.Contains(name, "zlib") {
					around = "%s"
				}
				text := fmt.Sprintf(around, encode(secret))
				leaks := scanner.Text("out", text)
				if !names(leaks, fmt.Sprintf("secret %d", number+1)) {
					t.Errorf("%s: secret %d is not found in %q: %v", name, number+1, text, leaks)
				}
				if clean := scanner.Text("out", fmt.Sprintf(around, encode("nothing of this is secret"))); clean != nil {
					t.Errorf("%s: %v in a text without", name, clean)
				}
			}
		}
	}
}

func names(leaks []Leak, secret string) bool {
	for _, l := range leaks {
		if l.Secret == secret {
			return true
		}
	}
	return false
}

// What a cut leaves of a secret says most of it.
func TestCutSecrets(t *testing.T) {
	scanner := New("0123456789abcdef")
	for text, want := range map[string]string{
		"x 0123456789ab…":  "the beginning of secret 1",
		"…6789abcdef x":    "the end of secret 1",
		"x 012345678…":     "",
		"x fedcba98765432": "",
	} {
		leaks := scanner.Text("out", text)
		if (len(leaks) > 0) != (want != "") || want != "" && leaks[0].Secret != want {
			t.Errorf("%q: %v, want %q", text, leaks, want)
		}
	}
}

// Files are looked through at any depth, archives by their members.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a/b/report.html": html.EscapeString(token), "clean.txt": "nothing", "kept.zip": zipped(plain)} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leaks, err := New(plain, token).Files(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, l := range leaks {
		found[strings.TrimPrefix(l.Where, dir)] = true
		if l.String() == "" {
			t.Errorf("%+v says nothing", l)
		}
	}
	if len(found) != 2 || !found["/a/b/report.html"] || !found["/kept.zip/folder/result.json"] {
		t.Errorf("leaks in %v", found)
	}
	if _, err := New(plain).Files(filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there is no error")
	}
}

// A value of a few bytes is in every text by chance.
func TestShortValuesAreRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a value of one byte is accepted")
		}
	}()
	New("a")
}

// Whatever a text is, looking at it ends, and a secret in it is found.
func FuzzScan(f *testing.F) {
	scanner := New(plain)
	for _, encode := range encodings {
		f.Add([]byte(encode("something")), uint16(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, at uint16) {
		i := min(int(at), len(text))
		planted := string(text[:i]) + plain + string(text[i:])
		if !names(scanner.Text("x", planted), "secret 1") {
			t.Errorf("not found in %q", planted)
		}
	})
}
