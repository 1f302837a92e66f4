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
	{"what a browser copies", `curl 'http://h/api' --data-raw $'{"text":"it\'s \\u00fc"}' -H 'content-type: application/json' --compressed`, []string{"text: it's ü", "compression: on"}, nil},
	{"form", `curl http://h/login -d user=anna -d 'password=s3cr3t-word' --data-urlencode 'note=a & b'`, []string{"form:\n      user: anna\n      password: ${secret.PASSWORD}\n      note: a & b\n"}, nil},
	{"encoded field alone", `curl http://h/ --data-urlencode a=b`, []string{"form:\n      a: b\n"}, nil},
	{"encoded data without a name", `curl http://h/ --data-urlencode 'a b'`, []string{"body: a+b\n", "content-type: application/x-www-form-urlencoded"}, nil},
	{"name that is encoded", `curl http://h/ --data-urlencode 'a%5B%5D=[x@y]'`, []string{"a[]: '[x@y]'\n"}, nil},
	{"encoded file", `curl http://h/ --data-urlencode a@b.txt`, []string{"request: POST /\n"}, []string{"the file is not read"}},
	{"standard input", `curl http://h/ -d @-`, []string{"request: POST /\n"}, []string{"standard input is not read"}},
	{"no data", `curl http://h/ -d ''`, []string{"request: POST /\n", "content-type: application/x-www-form-urlencoded"}, nil},
	{"data without a type", `curl http://h/ -H 'Content-Type:' -d x`, []string{"request: POST /\n    body: x\n"}, []string{"content-type is not taken away"}},
	{"query before the URL", `curl --url-query 'a=b c' --url-query +d=%20 --url-query 'x y' http://h/x?q=1 --url-query a@b`, []string{"request: GET /x?q=1&a=b+c&d=%20&x+y"}, []string{"--url-query: the file is not read"}},
	{"get with a lone word", `curl -G http://h/x -d one -d @two`, []string{"request: GET /x?one\n"}, []string{"the file two is not read"}},
	{"json with another answer", `curl http://h/ -H 'Accept: text/plain' --json 1`, []string{"accept: text/plain"}, nil},
	{"another host", `curl -H 'Host: b.test' http://a.test/`, []string{"target: http://a.test\n", "host: b.test"}, nil},
	{"dots", `curl 'http://h/a/./b/../../../c/..?q=/../x'`, []string{"request: GET /?q=/../x\n"}, nil},
	{"dots as they are", `curl --path-as-is http://h/a/../b`, []string{"request: GET /a/../b\n"}, nil},
	{"several URLs in one", `curl 'http://h/[1-9]' -: "http://h/$X" -: 'http://h/{a}'`, []string{"GET /[1-9]", "GET /${env.X}"}, []string{"GET /[1-9]: one request", "GET /{a}: one request"}},
	{"brackets of a name", `curl -g 'http://h/{a}?b[1-2]=3' -: 'http://h/?f[x]=1'`, []string{"GET /{a}?b[1-2]=3"}, nil},
	{"upload of standard input", `curl -T - http://h/x/`, []string{"request: PUT /x/\n"}, []string{"standard input is not read"}},
	{"values of options", `curl --expect100-timeout 1 --doh-url https://a.test --local-port 1-2 --request-target /x http://h/`, []string{"target: http://h\n"}, []string{"--doh-url: not", "--local-port: not", "--request-target: not"}},
	{"values of a form", `curl -F 'a="x;y"' -F 'b= x y ;z' -F 'c="say \"x\""' -F 'd=x"y"' -F 'e="x"y' -F 'f="x' http://h/`, []string{"a: x;y\n", "b: x y\n", `c: say "x"`, `d: x"y"`, "e: x\n", `f: '"x'`}, nil},
	{"files of a form", `curl -F 'f=@"a,b.txt";filename="c;d",e.PNG,g.json' -F 'h=@i;type=text/x;headers="a: b"' http://h/`, []string{"- file: a,b.txt\n          name: c;d\n          type: text/plain\n        - file: e.PNG\n          type: image/png\n        - file: g.json\n          type: application/octet-stream\n", "file: i\n        type: text/x\n"}, []string{"the headers and the encoding of the file i"}},
	{"form of nested names", `curl http://h/ -d 'user[password]=s3cr3t-word&remember&'`, []string{"form:\n      user[password]: ${secret.USER_PASSWORD}\n      remember: \"\"\n"}, nil},
	{"no form", `curl http://h/ -d '[{"a=b":1}&]'`, []string{`body: '[{"a=b":1}&]'`}, nil},
	{"get with data", `curl -G http://h/find -d q=tea --data-urlencode 'x=a b'`, []string{"request: GET /find?q=tea&x=a+b"}, nil},
	{"together", `curl -sSLkI -m2.5 -XHEAD http://h/`, []string{"request: HEAD /", "timeout: 2500ms", "redirects: 20", "insecure_skip_verify: true"}, nil},
	{"user", `curl -u anna:s3cr3t-word http://h/`, []string{"auth:\n      basic:\n        user: anna\n        password: ${secret.BASIC_PASSWORD}\n", "BASIC_PASSWORD: the password"}, nil},
	{"user of the shell", `curl -u "$WHO:$WORD" http://h/`, []string{"user: ${env.WHO}", "password: ${secret.WORD}"}, nil},
	{"user that is a key", `curl -u s3cr3t-word: http://h/`, []string{"user: ${secret.BASIC_USER}", `password: ""`}, nil},
	{"user and a word", `curl -u s3cr3t-word:x-oauth-basic http://h/`, []string{"user: ${secret.BASIC_USER}", "password: ${secret.BASIC_PASSWORD}"}, nil},
	{"user who is asked", `curl -u anna http://h/`, []string{"user: anna", "password: ${secret.BASIC_PASSWORD}"}, nil},
	{"user in the URL", `curl http://anna:s3cr3t-word@h/`, []string{"target: http://h\n", "user: anna", "password: ${secret.BASIC_PASSWORD}"}, nil},
	{"several users", `curl -u anna:s3cr3t-word http://h/a --next -u anna:s3cr3t-word http://h/b`, []string{"http:\n  auth:\n    basic:\n"}, nil},
	{"aws", `curl --aws-sigv4 aws:amz:eu-central-1:execute-api -u AKIAs3cr3t-word:s3cr3t-word -H 'x-amz-security-token: s3cr3t-word' https://h/`, []string{"sigv4:\n        region: eu-central-1\n        service: execute-api\n        access_key: ${secret.AWS_ACCESS_KEY_ID}\n        secret_key: ${secret.AWS_SECRET_ACCESS_KEY}\n        session_token: ${secret.AWS_SESSION_TOKEN}\n"}, nil},
	{"aws by its host", `curl --aws-sigv4 aws:amz -u "$AWS_KEY:$AWS_WORD" https://s3.eu-west-1.amazonaws.com/x`, []string{"region: eu-west-1", "service: s3", "access_key: ${secret.AWS_KEY}", "secret_key: ${secret.AWS_WORD}"}, nil},
	{"other than aws", `curl --aws-sigv4 google:goog:eu:storage -u a:s3cr3t-word https://h/`, []string{"request: GET /"}, []string{"--aws-sigv4"}},
	{"redirects", `curl -L --max-redirs 3 http://h/`, []string{"http:\n  redirects: 3\n"}, nil},
	{"http2", `curl --http2 https://h/`, []string{"protocol: http2"}, nil},
	{"http2 without TLS", `curl --http2 http://h/`, []string{"request: GET /"}, []string{"--http2"}},
	{"h2c", `curl --http2-prior-knowledge http://h/`, []string{"protocol: h2c"}, nil},
	{"http1", `curl --http1.1 https://h/`, []string{"protocol: http1"}, nil},
	{"tls", `curl --tlsv1.3 --tls-max 1.3 https://h/`, []string{"min_version: 1.3", "max_version: 1.3"}, nil},
	{"proxy", `curl -x http://anna:s3cr3t-word@proxy:3128 http://h/`, []string{"proxy: http://anna:${secret.PROXY_PASSWORD}@proxy:3128"}, nil},
	{"proxy and its user", `curl -x proxy -U anna:s3cr3t-word http://h/`, []string{"proxy: http://anna:${secret.PROXY_PASSWORD}@proxy:1080"}, nil},
	{"tls below itself", `curl --tlsv1.3 --tls-max 1.2 https://h/`, []string{"min_version: 1.3"}, []string{"--tls-max"}},
	{"proxy and h2c", `curl -x http://proxy:3128 --http2-prior-knowledge http://h/`, []string{"protocol: h2c"}, []string{"--proxy"}},
	{"proxy and https", `curl -x http://proxy:3128 --http2 -k https://h/`, []string{"proxy: http://proxy:3128"}, nil},
	{"all and a socket", `curl --unix-socket a.sock -x http://proxy:3128 --interface 127.0.0.1 --resolve h:80:127.0.0.1 -L --compressed http://h/`, []string{"unix:a.sock"}, nil},
	{"socket and h2c", `curl --unix-socket a.sock --http2-prior-knowledge http://h/`, []string{"unix:a.sock"}, nil},
	{"another proxy", `curl -x socks5://anna:s3cr3t-word@proxy:1 --socks5 h:1 http://h/`, []string{"request: GET /"}, []string{"--proxy", "--socks5"}},
	{"addresses", `curl --resolve api.test:80:127.0.0.1 --resolve api.test:80:127.0.0.2 --connect-to b.test:80:[::1]:8080 --interface 127.0.0.3 http://api.test/`, []string{"resolve:\n    api.test: 127.0.0.1\n    b.test: '[::1]:8080'\n", "source: 127.0.0.3"}, nil},
	{"names for addresses", `curl --resolve '*:80:127.0.0.1' --connect-to a:1:b:2 --interface eth0 http://h/`, []string{"request: GET /"}, []string{"--resolve", "--connect-to", "--interface"}},
	{"socket", `curl --unix-socket run/app.sock http://api/x`, []string{"target: unix:run/app.sock", "host: api", "request: GET /x"}, nil},
	{"socket of the machine", `curl --unix-socket /run/app.sock http://localhost/x`, []string{"target: http://localhost\n"}, []string{"--target unix:/run/app.sock"}},
	{"multipart", `curl -F name=tea -F 'note="a;b"' -F 'n=1;type=text/plain' -F password=s3cr3t-word --form-string 'raw=@x;y' http://h/up`, []string{"request: POST /up", "multipart:\n      name: tea\n", "password: ${secret.PASSWORD}", "raw: '@x;y'"}, []string{"the type of the field n"}},
	{"range", `curl -r 0-99 http://h/`, []string{"range: bytes=0-99"}, nil},
	{"bearer of the shell", `curl -H "Authorization: Bearer $API_TOKEN" "http://h/${PART}/x"`, []string{"authorization: Bearer ${secret.API_TOKEN}", "request: GET /${env.PART}/x", "PART: a variable"}, nil},
	{"cookies", `curl -b 'sid=s3cr3t-word' -A agent -e http://x/ http://h/`, []string{"cookie: ${secret.COOKIE}", "user-agent: agent", "referer: http://x/"}, nil},
	{"several", `curl http://h/a --next -d x=1 http://h/b http://other/c`, []string{"request: GET /a", "request: POST /b"}, []string{"http://other"}},
	{"literal", `curl http://h/ -H 'x-a: ${now}'`, []string{"x-a: $${now}"}, nil},
	{"literal in two parts", `curl http://h/ -H 'x-a: $'{now}`, []string{"x-a: $${now}"}, nil},
	{"text", `curl http://h/ --data-binary 'hello there' -H 'content-type: text/plain'`, []string{"body: hello there"}, nil},
	{"file", `curl http://h/ --data @body.json`, []string{"body_file: body.json"}, nil},
	{"upload", `curl -T some/x.bin http://h/up/`, []string{"request: PUT /up/x.bin", "body_file: some/x.bin"}, nil},
	{"files", `curl -F 'f=@"a.png";type=image/png;filename=b.png' -F f=@c.txt --cacert ca.pem --cert me.pem --key me.key https://h/`, []string{"multipart:\n      f:\n        - file: a.png\n          name: b.png\n          type: image/png\n        - file: c.txt\n          type: text/plain\n", "ca_file: ca.pem\n    cert_file: me.pem\n    key_file: me.key\n"}, nil},
	{"upload and a query", `curl -T x.bin 'http://h/up/?v=1'`, []string{"request: PUT /up/x.bin?v=1"}, nil},
	{"form with a type of its own", `curl -F a=1 -H 'content-type: multipart/form-data; boundary=b' http://h/`, []string{"multipart:\n      a: \"1\"\n"}, nil},
	{"form with a field three times", `curl -F a=x -F a=y -F a=z http://h/`, []string{"a:\n        - x\n        - y\n        - z\n"}, nil},
	{"form that is not translated", `curl -F lone -F 'a=<x' -F b=@- -F c=d http://h/`, []string{"multipart:\n      c: d\n"}, []string{"only NAME=VALUE", "the field a is left out", "the field b is left out"}},
	{"form with a file of its own name", `curl -F 'f=@in/a.png;filename=a.png' http://h/`, []string{"multipart:\n      f:\n        file: in/a.png\n        type: image/png\n"}, nil},
	{"redirects of curl", `curl -L --max-redirs -1 http://h/`, []string{"redirects: 20\n"}, nil},
	{"no number of redirects", `curl -L --max-redirs few http://h/`, []string{"redirects: 20\n"}, []string{"--max-redirs"}},
	{"certificate with a password", `curl --cert me.pem:s3cr3t-word https://h/`, []string{"cert_file: me.pem\n    key_file: me.pem\n"}, []string{"--cert"}},
	{"old tls", `curl --tls-max 1.0 https://h/`, []string{"request: GET /"}, []string{"--tls-max"}},
	{"http1 without TLS", `curl --http1.1 http://h/`, []string{"request: GET /"}, nil},
	{"over several lines", "curl \\\n  -X POST \\\n  http://h/x", []string{"request: POST /x"}, nil},
}

func TestCurl(t *testing.T) {
	for _, c := range curls {
		t.Run(c.name, func(t *testing.T) {
			d, err := Curl(c.command)
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
			d.Place(nowhere)
			parsed(t, d)
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
		"curl http://h/'$'$X":           "a $ in front of a variable",
		"curl ftp://h/":                 "not an http URL",
		"curl http://h/ -X":             "has no value",
		"curl http://h/ -X LOCK":        "method",
		"curl http://h/ && rm -rf /tmp": "not one plain command",
	} {
		_, err := Curl(command)
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

func nowhere(string) (string, bool) { return "", false }

// Files are named as the SLO file reads them. What is not there is left out,
// said in a note and in the place where it belongs.
func TestPlace(t *testing.T) {
	d, err := Curl("curl -F f=@/home/a.png -F g=@gone.png -F f=@${WHERE} --cacert gone.pem --cert me.pem https://h/up --next -d @gone.json https://h/b")
	if err != nil {
		t.Fatal(err)
	}
	d.Place(func(name string) (string, bool) { return "here/" + name, name == "/home/a.png" || name == "me.pem" })
	got := string(d.Write())
	for _, want := range []string{
		"file: here//home/a.png", "cert_file: here/me.pem\n    key_file: here/me.pem\n",
		"# to be added: multipart: {g: {file: gone.png}}", "# to be added: body_file: gone.json",
		"POST /up: multipart: {g: {file: gone.png}} is left out", "POST /b: body_file: gone.json is left out", "the file gone.pem is left out",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "ca_file") || len(d.Scenarios[0].Steps[0].Body.Multipart) != 1 {
		t.Errorf("a file that is not there in\n%s", got)
	}
}
