package draft

import (
	"strings"
	"testing"
)

// curls are commands with the parts of the file that they become.
var curls = []struct {
	name, command string
	want          []string
	notes         []string
}{
	{"plain", "curl http://localhost:8080/health", []string{"target: http://localhost:8080", "request: GET /health"}, nil},
	{"no scheme", "curl localhost:8080", []string{"target: http://localhost:8080", "request: GET /"}, nil},
	{"quotes and escapes", `curl 'http://h/a b?q=1&x=$y' -H "x-a: it's \"so\"" -H x-b:\ c`, []string{"request: GET /a%20b?q=1&x=$y", `x-a: it's "so"`, "x-b: c"}, nil},
	{"json", `curl -sS -X PUT http://h/items/1 --json '{"name": "tea", "n": 1}'`, []string{"request: PUT /items/1", "json:\n      name: tea\n      n: 1\n", "accept: application/json"}, nil},
	{"json with a header", `curl http://h/ -H 'Content-Type: application/json' -d '{"a":[1,"2"]}'`, []string{"request: POST /", "json:\n      a:\n        - 1\n        - \"2\"\n"}, nil},
	{"what a browser copies", `curl 'http://h/api' --data-raw $'{"text":"it\'s \\u00fc"}' -H 'content-type: application/json' --compressed`, []string{"text: it's ü"}, []string{"--compressed"}},
	{"form", `curl http://h/login -d user=anna -d 'password=s3cr3t-word' --data-urlencode 'note=a & b'`, []string{"form:\n      user: anna\n      password: ${secret.PASSWORD}\n      note: a & b\n"}, nil},
	{"get with data", `curl -G http://h/find -d q=tea --data-urlencode 'x=a b'`, []string{"request: GET /find?q=tea&x=a+b"}, nil},
	{"together", `curl -sSLkI -m2.5 -XHEAD http://h/`, []string{"request: HEAD /", "timeout: 2500ms"}, []string{"-L", "-k"}},
	{"user", `curl -u anna:s3cr3t-word http://h/`, []string{"authorization: Basic ${secret.BASIC_AUTH}"}, nil},
	{"bearer of the shell", `curl -H "Authorization: Bearer $API_TOKEN" "http://h/${PART}/x"`, []string{"authorization: Bearer ${secret.API_TOKEN}", "request: GET /${env.PART}/x", "PART: a variable"}, nil},
	{"cookies", `curl -b 'sid=s3cr3t-word' -A agent -e http://x/ http://h/`, []string{"cookie: ${secret.COOKIE}", "user-agent: agent", "referer: http://x/"}, nil},
	{"several", `curl http://h/a --next -d x=1 http://h/b http://other/c`, []string{"request: GET /a", "request: POST /b"}, []string{"http://other"}},
	{"literal", `curl http://h/ -H 'x-a: ${now}'`, []string{"x-a: $${now}"}, nil},
	{"text", `curl http://h/ --data-binary 'hello there' -H 'content-type: text/plain'`, []string{"body: hello there"}, nil},
	{"file", `curl http://h/ -T x.bin --data @body.json`, []string{"body_file: body.json"}, []string{"-T", "@body.json"}},
	{"over several lines", "curl \\\n  -X POST \\\n  http://h/x", []string{"request: POST /x"}, nil},
}

func TestCurl(t *testing.T) {
	for _, c := range curls {
		t.Run(c.name, func(t *testing.T) {
			d, err := Curl(c.command, "")
			if err != nil {
				t.Fatal(err)
			}
			got := string(d.Write())
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
			var notes strings.Builder
			for _, n := range d.Notes {
				notes.WriteString(n.String() + "\n")
			}
			for _, want := range c.notes {
				if !strings.Contains(notes.String(), want) {
					t.Errorf("no %q in the notes\n%s", want, notes.String())
				}
			}
			if len(c.notes) == 0 && len(d.Notes) > 0 {
				t.Errorf("notes: %s", notes.String())
			}
			if strings.Contains(got, "s3cr3t-word") {
				t.Errorf("a credential in\n%s", got)
			}
		})
	}
}

func TestCurlRefuses(t *testing.T) {
	for command, want := range map[string]string{
		"curl":                          "no URL",
		"curl http://h/ | jq .":         "not one plain command",
		"curl http://h/ > out":          "", // where the answer goes does not matter
		"curl 'http://h/":               "cannot be read",
		"curl $(cat url)":               "commands and arithmetic",
		"curl ${URL:-http://h/}":        "only plain variables",
		"curl ftp://h/":                 "not an http URL",
		"curl http://h/ -X":             "has no value",
		"curl -F f=@x http://h/":        "multipart",
		"curl http://h/ -X LOCK":        "method",
		"curl http://h/ && rm -rf /tmp": "not one plain command",
	} {
		_, err := Curl(command, "")
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", command, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", command, err, want)
		}
	}
}
