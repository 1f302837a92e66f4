package slo

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const withService = `
http: {headers: {x-a: file}}
service:
  build: make
  start: exec ./bin/server -port "${PORT}"
  ready: get /health
  env: {B: "${env.USER_NAME}", A: "${secret.API_TOKEN}", N: 4}
`

func TestService(t *testing.T) {
	opts := testOptions("slo.yaml")
	opts.Service = true
	file, err := Parse([]byte(head+oneGet+oneStage+withService), opts)
	if err != nil {
		t.Fatal(pretty(t, err))
	}
	user, _ := testEnv("USER_NAME")
	want := &ServiceCommands{
		Build: "make", Start: `exec ./bin/server -port "${PORT}"`,
		Ready: &WaitFor{Timeout: time.Minute, Request: Request{
			Name: "GET /health", Written: "GET /health", Method: "GET", Path: Template{{Literal: "/health"}}, Timeout: 10 * time.Second,
			Headers: []Header{{Name: "X-A", Value: Template{{Literal: "file"}}}}, Accept: []StatusRange{{200, 399}},
		}},
		Env: []Variable{{"B", user}, {"A", "s3cr3t"}, {"N", "4"}},
	}
	if diff := cmp.Diff(want, file.Service, ignorePlaces); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"s3cr3t"}, file.Secrets); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
}

// Nothing is captured yet when a service gets ready: headers of the file that
// hold a capture are not sent, and the request has none.
func TestReadyBeforeCaptures(t *testing.T) {
	const text = head + oneGet + oneStage + `
http: {headers: {x-a: file, x-b: "${token}"}}
before: [{request: POST /login, capture: {token: $.t}}]
service: {start: serve, ready: %s}
metrics: {scrape: /metrics}
`
	file, err := Parse(fmt.Appendf(nil, text, "GET /health"), testOptions("slo.yaml"))
	if err != nil {
		t.Fatal(pretty(t, err))
	}
	if sent := file.Service.Ready.Request.Headers; len(sent) != 1 || sent[0].Name != "X-A" {
		t.Errorf("ready sends %+v", sent)
	}
	if sent := file.Metrics.Scrape.Headers; len(sent) != 2 {
		t.Errorf("scrape sends %+v", sent)
	}
	_, err = Parse(fmt.Appendf(nil, text, `"GET /health?t=${token}"`), testOptions("slo.yaml"))
	if err == nil || !strings.Contains(err.Error(), string(CodeUnmade)) {
		t.Errorf("a capture in ready: %v", err)
	}
}

// Where the service is not started, its variables need not be set and are not
// looked at.
func TestServiceIsNotRead(t *testing.T) {
	opts := testOptions("slo.yaml")
	opts.Env = func(name string) (string, bool) {
		t.Errorf("%s was read", name)
		return "", false
	}
	file, err := Parse([]byte(head+oneGet+oneStage+withService), opts)
	if err != nil {
		t.Fatal(pretty(t, err))
	}
	if file.Service == nil || len(file.Service.Env) > 0 || len(file.Secrets) > 0 {
		t.Errorf("service is %+v, secrets %q", file.Service, file.Secrets)
	}
}

func TestServiceLimits(t *testing.T) {
	opts := testOptions("slo.yaml")
	opts.Service = true
	opts.Env = func(string) (string, bool) { return strings.Repeat("x", maxVariable+1), true }
	for name, text := range map[string]string{
		"command":  "service: {start: " + strings.Repeat("x", maxCommand+1) + "}\n",
		"variable": "service: {start: ./run, env: {A: '${env.A}'}}\n",
	} {
		_, err := Parse([]byte(head+oneGet+oneStage+text), opts)
		if list, ok := err.(ErrorList); !ok || !hasCode(list, CodeService) {
			t.Errorf("%s: error is %.300v", name, err)
		}
	}
}
