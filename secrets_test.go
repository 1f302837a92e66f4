package main

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/slogate/slogate/e2e/secrets"
)

// The secrets of a run: three of the environment, one that the target issues
// and a step captures, and one that a token server issues.
const (
	keySecret     = `s3cr3t/+tok"en<&>'=9 x`
	passSecret    = `pass wörd/+&<42>~é`
	clientSecret  = `client+secret/of=oauth&2`
	sessionSecret = `sess/+ion<&>"42'token`
	accessSecret  = `access/+token=of~oauth`
)

// parrot is a target that repeats what it is told, each path in another place
// and spelling.
func parrot(w http.ResponseWriter, r *http.Request) { says(w, r, repeated(r)) }

// says answers a request with a text at the place that its path stands for.
func says(w http.ResponseWriter, r *http.Request, said string) {
	switch r.URL.Path {
	case "/ready":
	case "/login":
		json.NewEncoder(w).Encode(map[string]string{"token": sessionSecret})
	case "/token":
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"access_token": accessSecret, "token_type": "Bearer", "expires_in": 3600})
	case "/no-token":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client", "error_description": said})
	case "/check":
		json.NewEncoder(w).Encode(map[string]string{"said": said})
	case "/sse":
		w.Header().Set("Content-Type", "text/event-stream")
		for line := range strings.Lines(said) {
			fmt.Fprintf(w, "id: %s\ndata: %s\n\n", strings.TrimSpace(line), strings.TrimSpace(line))
		}
	case "/ws":
		parrotSocket(w, r, said)
	case "/api/v1/query_range":
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"status": "error", "errorType": "bad_data", "error": said})
	default:
		if speak, is := parrotWire[r.URL.Path]; is {
			parrotRaw(w, speak(oneLine(said)))
			return
		}
		parrotBody(w, r.URL.Path, said)
	}
}

// repeated is all that a request says, also what a server decodes of it.
func repeated(r *http.Request) string {
	user, password, _ := r.BasicAuth()
	if strings.HasPrefix(r.URL.Path, "/base64") {
		r.Header.Del("Authorization") // nobody encodes it twice
	}
	head, _ := httputil.DumpRequest(r, false)
	body, _ := io.ReadAll(r.Body)
	form := ""
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		form, _ = url.QueryUnescape(string(body))
	}
	query, _ := url.QueryUnescape(r.URL.RawQuery)
	var value any
	json.Unmarshal(body, &value)
	return fmt.Sprintf("%s %s %s %s %s %v %s %s", user, password, r.URL.Path, query, form, value, body, head)
}

func oneLine(s string) string { return strings.NewReplacer("\r", "", "\n", " ").Replace(s) }

// parrotBodies spell what was said in a body, as the libraries of servers do.
var parrotBodies = map[string]func(string) string{
	"/plain": func(s string) string { return s },
	"/late":  func(s string) string { return strings.Repeat("x", 1500) + s }, // the end of what a sample shows cuts it
	"/html":  html.EscapeString,
	"/owasp": func(s string) string {
		return strings.NewReplacer("&#34;", "&quot;", "&#39;", "&#x27;", "/", "&#x2F;").Replace(html.EscapeString(s))
	},
	"/xml": inXML,
	"/python": func(s string) string {
		return strings.NewReplacer("&#34;", "&quot;", "&#39;", "&#x27;").Replace(html.EscapeString(s))
	},
	"/php": func(s string) string {
		return strings.NewReplacer("&#34;", "&quot;", "&#39;", "&#039;").Replace(html.EscapeString(s))
	},
	"/attribute": attribute,
	"/json":      asJSON,
	"/php-json":  func(s string) string { return strings.ReplaceAll(asJSON(s), "/", `\/`) },
	"/ascii":     strconv.QuoteToASCII,
	"/go":        strconv.Quote,
	"/js":        template.JSEscapeString,
	"/query":     url.QueryEscape,
	"/path":      url.PathEscape,
	"/base64":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"/base64url": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"/gzip":      func(s string) string { return s },
}

func asJSON(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func inXML(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return b.String()
}

// attribute escapes as html/template does in an attribute without quotes.
func attribute(s string) string {
	var b strings.Builder
	template.Must(template.New("").Parse("<a title={{.}}>")).Execute(&b, s)
	return b.String()
}

func parrotBody(w http.ResponseWriter, path, said string) {
	spell := parrotBodies[path]
	if spell == nil {
		spell = parrotBodies["/plain"]
	}
	text := []byte(spell(said))
	if path == "/gzip" {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(text)
		z.Close()
		w.Header().Set("Content-Encoding", "gzip")
		text = b.Bytes()
	}
	w.WriteHeader(http.StatusInternalServerError)
	w.Write(text)
}

// parrotWire says it outside of bodies, or where it breaks the protocol.
var parrotWire = map[string]func(string) string{
	"/reason": func(s string) string { return "HTTP/1.1 500 " + s + "\r\nContent-Length: 0\r\n\r\n" },
	"/header": func(s string) string { return "HTTP/1.1 500 No\r\nX-Said: " + s + "\r\nContent-Length: 0\r\n\r\n" },
	"/cookie": func(s string) string {
		return "HTTP/1.1 500 No\r\nSet-Cookie: a=" + s + "\r\nContent-Length: 0\r\n\r\n"
	},
	"/type": func(s string) string {
		return "HTTP/1.1 500 No\r\nContent-Type: " + s + "\r\nContent-Length: 0\r\n\r\n"
	},
	"/status":   func(s string) string { return "HTTP/1.1 " + s + "\r\n\r\n" },
	"/version":  func(s string) string { return s + "\r\n\r\n" },
	"/no-colon": func(s string) string { return "HTTP/1.1 200 OK\r\n" + strings.ReplaceAll(s, ":", "") + "\r\n\r\n" },
	"/name":     func(s string) string { return "HTTP/1.1 200 OK\r\n" + s + ": x\r\n\r\n" },
	"/length":   func(s string) string { return "HTTP/1.1 200 OK\r\nContent-Length: " + s + "\r\n\r\n" },
	"/coding":   func(s string) string { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + s + "\r\n\r\n" },
	"/chunk":    func(s string) string { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + s + "\r\n" },
	"/trailer": func(s string) string {
		return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + s + "\r\n\r\n"
	},
	"/encoding": func(s string) string {
		return "HTTP/1.1 200 OK\r\nContent-Encoding: " + s + "\r\nContent-Length: 1\r\n\r\nx"
	},
	"/to-host": func(s string) string {
		return redirectTo("http://" + url.QueryEscape(keySecret) + "/" + url.QueryEscape(s))
	},
	"/to-user": func(string) string {
		return redirectTo("http://" + url.UserPassword("a", keySecret).String() + "@192.0.2.1.invalid/")
	},
	"/to-other": func(string) string { return redirectTo("http://hunter2-of-the-test.invalid/") },
	"/to-port":  func(s string) string { return redirectTo("http://localhost:" + s) },
	"/to-path":  func(s string) string { return redirectTo("/plain?" + url.QueryEscape(s)) },
	"/scheme":   func(string) string { return redirectTo("hunter2-of-the-test:" + url.QueryEscape(keySecret)) },
}

func redirectTo(location string) string {
	return "HTTP/1.1 302 Found\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n"
}

// parrotRaw writes bytes to the connection and closes it.
func parrotRaw(w http.ResponseWriter, text string) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	io.WriteString(c, text)
}

// parrotSocket says it in a message and in the reason of the end.
func parrotSocket(w http.ResponseWriter, r *http.Request, said string) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	c, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	_, message, err := c.ReadMessage()
	if err != nil {
		return
	}
	c.WriteMessage(websocket.TextMessage, append(message, said...))
	c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4000, string(message)[:min(len(message), 100)]))
}

// parrotSteps are the steps that ask for everything.
func parrotSteps() string {
	var b strings.Builder
	b.WriteString(`      - {request: POST /login, json: {password: "${secret.PASSWORD}"}, capture: {secret_session: $.token}}` + "\n")
	tell := `headers: {x-key: "${secret.KEY}", x-session: "${secret_session}", cookie: "k=${secret.KEY}"}, query: {key: "${secret.KEY}"}, on_fail: continue`
	for _, all := range []map[string]func(string) string{parrotBodies, parrotWire} {
		for path := range all {
			fmt.Fprintf(&b, "      - {request: GET %s, %s}\n", path, tell)
		}
	}
	for _, more := range []string{
		`{name: form, request: POST /plain, form: {a: "${secret.KEY}", b: "${secret_session}"}, auth: {basic: {user: anna, password: "${secret.PASSWORD}"}}, on_fail: continue}`,
		`{name: basic, request: POST /base64, body: "${secret.KEY} ${secret_session}", auth: {basic: {user: "anna", password: "${secret_session}"}}, on_fail: continue}`,
		`{name: bearer, request: "GET /html/${secret.KEY}/${secret_session}", auth: {bearer: "${secret.KEY}"}, on_fail: continue}`,
		`{name: hmac, request: GET /plain, auth: {hmac: {header: x-signature, key: "${secret.KEY}", prefix: "${secret.KEY}", over: [path]}}, on_fail: continue}`,
		`{name: multipart, request: POST /json, multipart: {a: "${secret.KEY}"}, on_fail: continue}`,
		`{name: failed check, request: GET /check, ` + tell + `, checks: ['json.said == "nothing"', 'body contains "nothing of this"']}`,
		`{name: failed capture, request: GET /check, ` + tell + `, capture: {c: $.said.none}}`,
		`{name: events, request: GET /sse, ` + tell + `, stream: {as: sse, until: 'event == "never"'}, checks: ['event == "x"']}`,
		`{name: messages, websocket: "/ws?k=${secret.KEY}", headers: {x-key: "${secret.KEY}"}, messages: [{send: "${secret.KEY}", expect: 'event == "x"', within: 300ms}], on_fail: continue}`,
	} {
		b.WriteString("      - " + more + "\n")
	}
	return b.String()
}

const parrotFile = `version: 1
name: parrot
target: %s
%s
confirm: off
limits: {hosts: [127.0.0.1, localhost]}
wait_for: {request: GET /ready, headers: {x-key: "${secret.KEY}"}, timeout: 20s}
before: [{request: GET /ready, headers: {x-key: "${secret.KEY}"}}]
after: [{request: GET /plain, headers: {x-key: "${secret.KEY}"}}]
metrics:
  scrape: /plain/metrics?key=${secret.KEY}
  cpu_profile: {path: "/plain/profile?key=${secret.KEY}", duration: 1s}
  prometheus: {url: %[1]s, queries: {x: up}, delay: 1ms, headers: {authorization: "Bearer ${secret.KEY}"}}
scenarios:
  - name: all
    steps:
%[3]s
  - {name: token, request: GET /plain, auth: {oauth2: {token_url: %[1]s/token, client_id: me, client_secret: "${secret.CLIENT}"}}}
stages: [{name: steady, requests: 300, workers: 3}]
objectives: [p95 <= 30s, success_rate >= 99%%, metric.x.max <= 1]
`

// secretsOf runs the action on a file and looks for the secrets in all that it
// leaves and says.
func secretsOf(t *testing.T, file string, wantCode int) (log string) {
	t.Helper()
	seen, log := allOf(t, file, wantCode)
	lookForSecrets(t, seen)
	return log
}

// allOf runs the action on a file, and returns the folder of all that it leaves
// and says, one file each.
func allOf(t *testing.T, file string, wantCode int) (seen, log string) {
	t.Helper()
	j := newJob(t)
	if err := os.Mkdir(filepath.Join(j.dir, "seen"), 0o755); err != nil {
		t.Fatal(err)
	}
	j.write(t, "slo.yaml", file)
	code, log := j.run(t, map[string]string{
		"INPUT_ENV": "KEY, PASSWORD, CLIENT", "KEY": keySecret, "PASSWORD": passSecret, "CLIENT": clientSecret, "INPUT_CHECK-RUN": "true",
		"GITHUB_OUTPUT": filepath.Join(j.dir, "seen", "output"), "GITHUB_STEP_SUMMARY": filepath.Join(j.dir, "seen", "summary"),
		"INPUT_OUT": filepath.Join(j.dir, "seen", "out"),
	})
	if code != wantCode {
		t.Fatalf("exit %d, want %d\n%s", code, wantCode, log)
	}
	for _, c := range j.github.Comments {
		j.write(t, filepath.Join("seen", fmt.Sprintf("comment-%d.md", c.ID)), c.Body)
	}
	checks, _ := json.Marshal(j.github.Checks)
	j.write(t, filepath.Join("seen", "checks.json"), string(checks))
	j.write(t, filepath.Join("seen", "log"), withoutMasks(log))
	result := filepath.Join(j.dir, "seen", "out", resultFile)
	if _, err := os.Stat(result); err == nil {
		for _, form := range []string{"text", "csv", "hlog"} {
			code, text := j.run(t, nil, "report", "--format", form, result)
			if code != exitPass {
				t.Errorf("report %s: exit %d\n%s", form, code, text)
			}
			j.write(t, filepath.Join("seen", "report-"+form), text)
		}
	}
	return filepath.Join(j.dir, "seen"), log
}

// withoutMasks leaves out of a log what hands the runner the secrets to mask.
func withoutMasks(log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "::add-mask::") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func lookForSecrets(t *testing.T, paths ...string) {
	t.Helper()
	leaks, err := secrets.New(keySecret, passSecret, clientSecret, sessionSecret, accessSecret).Files(paths...)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leaks {
		t.Error(l)
	}
}

// No secret is in anything that a run writes, whatever the target repeats of it
// and wherever.
func TestNoSecretIsWritten(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(parrot))
	t.Cleanup(service.Close)
	for name, protocol := range map[string]string{
		"the portable engine": "http: {redirects: 3, compression: on, timeout: 5s}",
		"the epoll engine":    "http: {timeout: 5s}",
	} {
		t.Run(name, func(t *testing.T) {
			log := secretsOf(t, fmt.Sprintf(parrotFile, service.URL, protocol, parrotSteps()), exitFail)
			if !strings.Contains(log, "***") {
				t.Errorf("nothing was masked, so nothing was looked for:\n%s", log)
			}
		})
	}
}

// Where nothing is loaded, the reason is masked, too.
func TestNoSecretIsInARefusal(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(parrot))
	t.Cleanup(service.Close)
	secured := httptest.NewUnstartedServer(http.HandlerFunc(parrot))
	secured.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	secured.StartTLS()
	t.Cleanup(secured.Close)
	const rest = "scenarios: [{request: GET /}]\nstages: [{name: s, requests: 100, workers: 1}]\n"
	for name, tt := range map[string]struct {
		file string
		code int
		want string // in the log
	}{
		"never ready": {"wait_for: {request: 'GET /plain/${secret.KEY}', timeout: 3s}\n" + rest, exitInconclusive, "status 500"},
		"before":      {"before: [{request: POST /html, form: {a: '${secret.KEY}', b: '${secret.PASSWORD}'}}]\n" + rest, exitInconclusive, "status 500"},
		"no token":    {"http: {auth: {oauth2: {token_url: URL/no-token, client_id: me, client_secret: '${secret.CLIENT}', params: {key: '${secret.KEY}'}}}}\n" + rest, exitInconclusive, "***"},
		"certificate": {"http: {headers: {x-key: '${secret.KEY}'}}\nwait_for: {request: 'GET /${secret.KEY}', timeout: 3s}\n" + rest, exitInconclusive, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			target := service.URL
			if name == "certificate" {
				target = secured.URL
			}
			log := secretsOf(t, "version: 1\ntarget: "+target+"\n"+strings.ReplaceAll(tt.file, "URL", target), tt.code)
			if !strings.Contains(log, tt.want) {
				t.Errorf("the log lacks %q:\n%s", tt.want, log)
			}
		})
	}
}
