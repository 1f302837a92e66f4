package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// hostileWords mean something to a terminal, a runner, GitHub, a browser or a
// spreadsheet. Whatever obeys one of them says pwned.
var hostileWords = []string{
	"\x1b]0;pwned\x07\x1b[31mpwned\x1b[2J\x9b31m\x90pwned",
	"\n::error::pwned\n::set-output name=passed::pwned\n::stop-commands::pwned\n::add-mask::pass\n",
	"\r::warning file=pwned::pwned\r\n##[error]pwned\n##[group]pwned\n",
	"<pwned-x onload=pwned()></pre></code></details><script>pwned()</script><img src=http://pwned.example/i onerror=pwned()>",
	"![pwned](http://pwned.example/i.png) [pwned](http://pwned.example) http://pwned.example @pwned/team #1 <!-- pwned",
	"\n```\n# pwned\n| pwned | b |\n| --- | --- |\n~~~\n",
	"\u202epwned\u2066\u200b\u200d\ufeff\u2028\u2029\u0085\x00\x07\x08\x7f\xff\xfe",
	"]]><pwned-x/><![CDATA[ &pwned; ]]>",
	"=cmd|'/C pwned'!A0\n+pwned\n@SUM(pwned)",
	"${{ secrets.GITHUB_TOKEN }} $(pwned) `pwned` %s%n {{.Pwned}}",
	"slogate_pwned 1\n# EOF\nTag=pwned,1,2,3,4\n",
}

// hostileFile asks for hostile words at every place of an answer.
const hostileFile = `version: 1
name: hostile
target: %s
%s
confirm: off
limits: {hosts: [127.0.0.1, localhost]}
wait_for: {request: GET /ready, timeout: 20s}
after: [{request: GET /plain}]
metrics:
  scrape: /plain/metrics
  cpu_profile: {path: "/plain/profile", duration: 1s}
  prometheus: {url: %[1]s, queries: {x: up}, delay: 1ms}
scenarios:
  - name: all
    steps:
%[3]s
stages: [{name: steady, requests: 300, workers: 3}]
objectives: [p95 <= 30s, success_rate >= 99%%, metric.x.max <= 1]
`

func hostileSteps() string {
	var b strings.Builder
	for _, all := range []map[string]func(string) string{parrotBodies, parrotWire} {
		for path := range all {
			fmt.Fprintf(&b, "      - {request: GET %s, on_fail: continue}\n", path)
		}
	}
	for _, more := range []string{
		`{name: failed check, request: GET /check, checks: ['json.said == "nothing"'], on_fail: continue}`,
		`{name: failed capture, request: GET /check, capture: {c: $.said.none}, on_fail: continue}`,
		`{name: captured, request: GET /check, capture: {c: $.said}, on_fail: continue}`,
		`{name: sent back, request: POST /plain, body: "${c}", on_fail: continue}`,
		`{name: events, request: GET /sse, stream: sse, checks: ['event == "x"'], on_fail: continue}`,
		`{name: messages, websocket: /ws, messages: [{send: x, expect: 'event == "y"', within: 300ms}], on_fail: continue}`,
	} {
		b.WriteString("      - " + more + "\n")
	}
	return b.String()
}

// No form of what a run says obeys a target, wherever that puts its words.
func TestNothingObeysTheTarget(t *testing.T) {
	for name, protocol := range map[string]string{
		"the portable engine": "http: {redirects: 3, compression: on, timeout: 5s}",
		"the epoll engine":    "http: {timeout: 5s}",
	} {
		t.Run(name, func(t *testing.T) {
			said := strings.Join(hostileWords, " ")
			service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { says(w, r, said) }))
			t.Cleanup(service.Close)
			seen, log := allOf(t, fmt.Sprintf(hostileFile, service.URL, protocol, hostileSteps()), exitFail)
			if !strings.Contains(log, "pwned") {
				t.Errorf("nothing of it is shown, so nothing was looked for:\n%s", log)
			}
			obeysNothing(t, seen)
		})
	}
}

// The names in a certificate are the other side's words as well.
func TestNothingObeysACertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	template.Subject.CommonName = strings.ToValidUTF8(strings.Join(hostileWords, " "), "")
	template.DNSNames = []string{"pwned.example", "\x1b[31mpwned", "::error::pwned", "<pwned-x>", "[pwned](http://pwned.example)"}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewUnstartedServer(http.HandlerFunc(parrot))
	service.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	service.StartTLS()
	t.Cleanup(service.Close)
	seen, log := allOf(t, "version: 1\ntarget: "+service.URL+"\nwait_for: {request: GET /, timeout: 3s}\nscenarios: [{request: GET /}]\nstages: [{name: s, requests: 100, workers: 1}]\n", exitInconclusive)
	if !strings.Contains(log, "certificate") {
		t.Error(log)
	}
	obeysNothing(t, seen)
}

// obeysNothing looks at files of all forms in a folder.
func obeysNothing(t *testing.T, dir string) {
	t.Helper()
	looked := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		looked++
		for _, problem := range obeys(filepath.Base(path), string(text)) {
			t.Errorf("%s: %s", strings.TrimPrefix(path, dir), problem)
		}
		return err
	})
	if err != nil || looked < 4 {
		t.Errorf("%d files, %v", looked, err)
	}
}

// obeys says what in a file would do what a target wants.
func obeys(name, text string) []string {
	problems := raw(text)
	switch {
	case strings.HasSuffix(name, ".html"):
		problems = append(problems, liveIn(strings.ToLower(text))...)
		return problems
	case strings.HasSuffix(name, ".md"), name == "summary":
		problems = append(problems, liveMarkdown(text)...)
	case strings.HasSuffix(name, ".xml"):
		problems = append(problems, elements(text)...)
	}
	if found := obeyed.FindString(text); found != "" {
		problems = append(problems, fmt.Sprintf("a command of the target: %q", found))
	}
	return problems
}

// obeyed is what a runner takes for a command, but those that slogate gives
// itself: their text is what is left of the target's.
var obeyed = regexp.MustCompile(`(?m)##\[.*$|^\s*::(set-output|stop-commands|add-mask|set-env|add-path|save-state|debug|group|pwned)\b.*$|^\s*::(error|warning|notice)( file=pwned)?::pwned.*$`)

// raw are the characters that move a cursor, turn or hide text.
func raw(text string) []string {
	if !utf8.ValidString(text) {
		return []string{"not UTF-8"}
	}
	for at, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return []string{fmt.Sprintf("the raw character %U in %q", r, text[max(at-40, 0):min(at+40, len(text))])}
		}
	}
	return nil
}

var (
	code   = regexp.MustCompile(`(?s)<code[^>]*>.*?</code>`)
	living = regexp.MustCompile(`<pwned|<script>\s*pwned|<img[^>]*pwned|<[a-z][^<>]*\son\w+\s*=|<[a-z][^<>]*(href|src)\s*=\s*["']?[^"'<>\s]*pwned|<!-- pwned`)
)

// liveIn finds what a browser would do.
func liveIn(page string) []string {
	if found := living.FindString(page); found != "" {
		return []string{fmt.Sprintf("live markup: %q", found)}
	}
	return nil
}

// liveMarkdown renders GitHub's markdown, with raw HTML let through. Outside of
// code, a name behind an @ is a person who is told.
func liveMarkdown(text string) []string {
	var page strings.Builder
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := md.Convert([]byte(text), &page); err != nil {
		return []string{err.Error()}
	}
	rendered := strings.ToLower(code.ReplaceAllString(page.String(), ""))
	problems := liveIn(rendered)
	for _, sign := range []string{"@pwned", "<h1>pwned", "<td>pwned"} {
		if strings.Contains(rendered, sign) {
			problems = append(problems, sign+" outside of code")
		}
	}
	return problems
}

// elements are those in XML that are not its writer's.
func elements(text string) []string {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return []string{err.Error()}
		}
		if e, is := token.(xml.StartElement); is && strings.Contains(e.Name.Local, "pwned") {
			return []string{"an element of the target: " + e.Name.Local}
		}
	}
}

// The words would be found, were they written as they came.
func TestHostileWordsAreFound(t *testing.T) {
	for _, word := range append(hostileWords[:5:5], hostileWords[6], "# pwned\n@pwned") {
		found := 0
		for _, name := range []string{"log", "summary", "report.html", "junit.xml"} {
			found += len(obeys(name, "x\n"+word))
		}
		if found == 0 {
			t.Errorf("%q is not found in any form", word)
		}
	}
	for name, text := range map[string]string{"log": "::error title=slogate::a::pwned\n", "summary": "`@pwned` \\<pwned-x> a\n", "report.html": "&lt;pwned-x onload=a&gt;"} {
		if found := obeys(name, text); found != nil {
			t.Errorf("%s of %q: %v", name, text, found)
		}
	}
}
