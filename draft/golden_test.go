package draft

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/slo"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// drafts are sources with the files that are drafted from them.
var drafts = map[string]func(src []byte) (*Draft, error){
	"shop.yaml": func(src []byte) (*Draft, error) { return OpenAPI("shop.yaml", src, Options{}) },
	"shop.yaml all": func(src []byte) (*Draft, error) {
		return OpenAPI("shop.yaml", src, Options{All: true, Target: "http://localhost:3000"})
	},
	"swagger.json": func(src []byte) (*Draft, error) {
		return OpenAPI("swagger.json", src, Options{Methods: []string{"GET", "POST"}})
	},
	"secured.yaml":        func(src []byte) (*Draft, error) { return OpenAPI("secured.yaml", src, Options{}) },
	"auth.postman.json":   func(src []byte) (*Draft, error) { return Postman("auth.postman.json", src, "") },
	"upload.har":          func(src []byte) (*Draft, error) { return HAR("upload.har", src, "") },
	"session.har":         func(src []byte) (*Draft, error) { return HAR("session.har", src, "") },
	"logged-in.har":       func(src []byte) (*Draft, error) { return HAR("logged-in.har", src, "http://localhost:9000") },
	"shop.postman.json":   func(src []byte) (*Draft, error) { return Postman("shop.postman.json", src, "") },
	"shared.postman.json": func(src []byte) (*Draft, error) { return Postman("shared.postman.json", src, "http://localhost:9000") },
}

func TestGolden(t *testing.T) {
	for name, read := range drafts {
		t.Run(name, func(t *testing.T) {
			source, _, _ := strings.Cut(name, " ")
			src, err := os.ReadFile(filepath.Join("testdata", source))
			if err != nil {
				t.Fatal(err)
			}
			d, err := read(src)
			if err != nil {
				t.Fatal(err)
			}
			d.Place(nowhere)
			compareGolden(t, strings.ReplaceAll(name, " ", "-")+".slo.yaml", d.Write())
			parsed(t, d)
		})
	}
}

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// parsed reads what is written of a draft. Its secrets are set, and nothing
// else is.
func parsed(t *testing.T, d *Draft) *slo.File {
	t.Helper()
	env := func(name string) (string, bool) {
		for _, s := range d.Secrets {
			if s.Name == name {
				return "value-of-" + name, true
			}
		}
		return "", false
	}
	src := d.Write()
	file, err := slo.Parse(src, slo.Options{Path: "slo.yaml", Env: env})
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return file
}

// Credentials of the sources are in no file that is drafted from them.
func TestNoCredentialIsWritten(t *testing.T) {
	credentials := []string{
		"hunter2-example", "very-secret-session-id", "correct-horse", "tok-abcdef-123456", "live_key_12345", "GA1.2.345", "kept-from-before", "csrf-abc",
		"collection-token-value", "key-in-a-variable", "plain-password", "basic-password", "literal-api-key", "1234\n",
		"oauth-client-secret", "a-users-own-token", "live_basic_key", "aws-secret-in-a-variable", "AKIAEXAMPLEKEY", "aws-session-token", "form-token-value", "form-csrf-value",
	}
	for name, read := range drafts {
		source, _, _ := strings.Cut(name, " ")
		src, err := os.ReadFile(filepath.Join("testdata", source))
		if err != nil {
			t.Fatal(err)
		}
		d, err := read(src)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range credentials {
			if strings.Contains(string(d.Write()), c) {
				t.Errorf("the draft of %s holds %q", name, c)
			}
		}
	}
}

// Nor do the notes on what was left out hold one: of a URL they name neither
// the query nor the user.
func TestNotesHoldNoCredential(t *testing.T) {
	for _, command := range []string{
		"curl https://h/a --next -F f=@x 'https://h/up?api_key=sekret123456'",
		"curl https://h/a ftp://bob:sekret123456@h/x",
	} {
		d, err := Curl(command)
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		d.Place(nowhere)
		if text := string(d.Write()); strings.Contains(text, "sekret123456") || len(d.Notes) == 0 {
			t.Errorf("%s:\n%s", command, text)
		}
	}
}

// A body is a file or a text: what is left out is said.
func TestDataBesideAFile(t *testing.T) {
	d, err := Curl("curl -d a=1 -d @f.txt http://h/")
	if err != nil {
		t.Fatal(err)
	}
	if text := string(d.Write()); !strings.Contains(text, "--data: left out beside @f.txt") {
		t.Errorf("nothing is said of a=1:\n%s", text)
	}
}

// A field of a form has a name.
func TestFieldsWithoutName(t *testing.T) {
	d, err := Postman("form.json", []byte(`{"info": {"name": "form", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}, "item": [
		{"name": "up", "request": {"method": "POST", "url": "http://h/up", "body": {"mode": "formdata", "formdata": [
			{"key": "", "type": "file", "src": "a.png"}, {"key": "", "type": "text", "value": "1"}, {"key": "b", "type": "file", "src": "b.png"}]}}}]}`), "")
	if err != nil {
		t.Fatal(err)
	}
	want := []Part{{Name: "b", File: "b.png"}}
	if got := d.Scenarios[0].Steps[0].Body.Multipart; !slices.Equal(got, want) {
		t.Errorf("fields %+v, want %+v", got, want)
	}
}

// What Postman adds to a request, and takes from one, is in the collection.
func TestPostmanBodies(t *testing.T) {
	for _, tt := range []struct{ name, item, want string }{
		{"unquoted variable", `"method": "POST", "body": {"mode": "raw", "raw": "{\"id\": {{id}}}", "options": {"raw": {"language": "json"}}}`, "content-type: application/json\n        body: '{\"id\": ${env.ID:-}}'"},
		{"xml", `"method": "POST", "body": {"mode": "raw", "raw": "<a/>", "options": {"raw": {"language": "xml"}}}`, "content-type: application/xml"},
		{"json as a text", `"method": "POST", "body": {"mode": "raw", "raw": "{}", "options": {"raw": {"language": "text"}}}`, "content-type: text/plain"},
		{"json of another type", `"method": "POST", "header": [{"key": "Content-Type", "value": "application/vnd.api+json"}], "body": {"mode": "raw", "raw": "{\"a\": 1}"}`, "content-type: application/vnd.api+json"},
		{"no body", `"method": "GET", "body": {"mode": "raw", "raw": "{\"a\": 1}"}`, "request: GET /\n\nstages"},
		{"body of a GET", `"method": "GET", "body": {"mode": "raw", "raw": "{\"a\": 1}"}}, "protocolProfileBehavior": {"disableBodyPruning": true`, "json:\n          a: 1"},
		{"operation", `"method": "POST", "body": {"mode": "graphql", "graphql": {"query": "query A {a} query B {b}", "operationName": "B"}}`, "operationName: B"},
		{"host", `"header": [{"key": "Host", "value": "b.test"}]`, "host: b.test"},
		{"own host", `"header": [{"key": "Host", "value": "a.test"}]`, "request: GET /\n\nstages"},
	} {
		d, err := Postman("c.json", []byte(`{"info": {"name": "c"}, "item": [{"request": {"url": "http://a.test/", `+tt.item+`}}]}`), "")
		if err != nil {
			t.Fatal(tt.name, err)
		}
		if got := string(d.Write()); !strings.Contains(got, tt.want) {
			t.Errorf("%s: no %q in\n%s", tt.name, tt.want, got)
		}
	}
}

// HTTP/2 may part cookies into several headers.
func TestRecordedCookies(t *testing.T) {
	d, err := HAR("a.har", []byte(`{"log": {"entries": [{"request": {"method": "GET", "url": "http://h/", "headers": [
		{"name": "cookie", "value": "sid=s3cr3t-word"}, {"name": "cookie", "value": "b=s3cr3t-word"}]}, "response": {"status": 200}}]}}`), "")
	if err != nil {
		t.Fatal(err)
	}
	parsed(t, d)
	if got := string(d.Write()); !strings.Contains(got, "cookie: ${secret.COOKIE}\n") || strings.Contains(got, "s3cr3t-word") {
		t.Error(got)
	}
}

// What is only called a form is sent as it is.
func TestRecordedText(t *testing.T) {
	d, err := HAR("a.har", []byte(`{"log": {"entries": [{"request": {"method": "POST", "url": "http://h/", "headers": [], "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "<a b=\"c&d\"/>"}}, "response": {"status": 200}}]}}`), "")
	if err != nil {
		t.Fatal(err)
	}
	want := Body{Text: `<a b="c&d"/>`}
	if got := d.Scenarios[0].Steps[0]; !cmp.Equal(got.Body, want) || !slices.Contains(got.Headers, Field{"content-type", "application/x-www-form-urlencoded"}) {
		t.Errorf("%+v", got)
	}
}

// Swagger 2 has another word for the client credentials grant, and no flows.
func TestSwaggerClientCredentials(t *testing.T) {
	d, err := OpenAPI("api.yaml", []byte(`
swagger: "2.0"
info: {title: api, version: "1"}
host: h
schemes: [https]
securityDefinitions: {machine: {type: oauth2, flow: application, tokenUrl: "https://login.example.com/token", scopes: {read: r}}}
paths: {/a: {get: {security: [{machine: [read]}], responses: {"200": {description: ok}}}}}
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	parsed(t, d)
	for _, want := range []string{"oauth2:", "token_url: https://login.example.com/token", "- read\n"} {
		if text := string(d.Write()); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A field of a form is written whole or not at all.
func TestLargeFieldsOfForms(t *testing.T) {
	form := "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n" + strings.Repeat("x", maxBody+1) + "\r\n--b--\r\n"
	entry := func(path, data string) string {
		return `{"startedDateTime": "2026-03-01T10:01:00.000Z", "time": 50, "request": {"method": "POST", "url": "https://shop.example.com` + path + `", "headers": [], ` + data + `}, "response": {"status": 200, "headers": [], "cookies": [], "content": {"mimeType": ""}}}`
	}
	text, err := json.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	src := `{"log": {"version": "1.2", "entries": [` + strings.Join([]string{
		entry("/a", `"postData": {"mimeType": "text/plain", "text": "a"}`),
		entry("/b", `"postData": {"mimeType": "multipart/form-data; boundary=b", "text": `+string(text)+`}`),
		entry("/c", `"postData": {"mimeType": "multipart/form-data", "params": [{"name": "note", "value": "`+strings.Repeat("x", maxBody+1)+`"}]}`),
	}, ",") + `]}}`
	d, err := HAR("large.har", []byte(src), "")
	if err != nil {
		t.Fatal(err)
	}
	d.Place(nowhere)
	parsed(t, d)
	if written := string(d.Write()); len(d.Notes) != 3 || strings.Contains(written, "xxx") || !strings.Contains(written, "/a") {
		t.Errorf("notes %v, %d bytes", d.Notes, len(written))
	}
}
