package slo

import (
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
