package slo

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPrometheus(t *testing.T) {
	text, err := os.ReadFile("testdata/ok/prometheus.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file, err := Parse(text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := file.Metrics.Prometheus
	if s.Delay != 30*time.Second || s.Request.Timeout != 5*time.Second {
		t.Errorf("delay %v, timeout %v", s.Delay, s.Request.Timeout)
	}
	want := []Query{{"cpu", `sum(rate(container_cpu_usage_seconds_total{pod=~"api-.*"}[1m]))`}, {"queue_2", "max(queue_length)"}}
	if diff := cmp.Diff(want, s.Queries); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
	asks := s.Ask("/api/v1/query_range", url.Values{"query": {"a b"}})
	if path, _ := asks.Path.Static(); path != "/under/api/v1/query_range?query=a+b" {
		t.Errorf("path %q", path)
	}
	if at := file.AtPrometheus(); at.Target != "https://prometheus.example.com:9090" {
		t.Errorf("target %q", at.Target)
	}
	var names []string
	for _, h := range asks.Headers {
		names = append(names, h.Name)
	}
	if diff := cmp.Diff([]string{"X-Scope-Orgid", "Authorization"}, names); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestMetricIndicators(t *testing.T) {
	for text, want := range map[string]Indicator{
		"metric.cpu":      {Kind: Metric, Measure: "cpu", Of: Mean},
		"metric.cpu.min":  {Kind: Metric, Measure: "cpu", Of: Min},
		"metric.cpu.max":  {Kind: Metric, Measure: "cpu", Of: Max},
		"metric.cpu.last": {Kind: Metric, Measure: "cpu", Of: Last},
	} {
		got, err := ParseIndicator(text)
		if err != nil || got != want || got.String() != text || got.Unit() != UnitNumber {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"metric", "metric.", "metric.cpu.", "metric.cpu.p95", "metric.cpu.mean", "metric.1", "ok.metric.cpu", "last"} {
		if got, err := ParseIndicator(text); err == nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

// A stranger's file may not lead slogate to a server that the workflow does not
// name, and gets no value of the environment sent elsewhere.
func TestPrometheusOfAStranger(t *testing.T) {
	const file = `version: 1
target: http://api.example
scenarios: [{request: GET /}]
stages: [{name: s, requests: 100, workers: 1}]
metrics: {prometheus: {url: "http://HOST:9090", auth: {bearer: "${secret.TOKEN}"}, queries: {cpu: up}}}
`
	opts := Options{
		Path: "slo.yaml", Trusted: func(host string) bool { return strings.HasSuffix(host, ".example") },
		Env: func(string) (string, bool) { return "abc", true },
	}
	for _, c := range []struct {
		host     string
		stranger bool
		codes    []Code
	}{
		{"metrics.example", true, nil},
		{"10.0.0.7", false, []Code{CodeUntrusted}}, // the token
		{"10.0.0.7", true, []Code{CodeUntrusted, CodeUntrusted}},
	} {
		opts.Stranger = c.stranger
		_, err := Parse([]byte(strings.Replace(file, "HOST", c.host, 1)), opts)
		list, _ := err.(ErrorList)
		var codes []Code
		for _, e := range list {
			codes = append(codes, e.Code)
		}
		if diff := cmp.Diff(c.codes, codes); diff != "" {
			t.Errorf("%s, stranger %v: %v", c.host, c.stranger, err)
		}
	}
}

func TestCPUProfile(t *testing.T) {
	text, err := os.ReadFile("testdata/ok/cpu_profile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for stages, want := range map[string]map[string]int{
		"":                           {"stairs/10": 10, "stairs/20": 10, "steady": 3},
		", stages: [stairs, steady]": {"stairs/10": 10, "stairs/20": 10, "steady": 3},
		", stages: [stairs/20]":      {"stairs/20": 10},
		", stages: [warm-up]":        {"warm-up": 10},
	} {
		file, err := Parse([]byte(strings.Replace(string(text), "/profile}", "/profile"+stages+"}", 1)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, s := range file.Stages {
			if n := file.Metrics.CPUProfile.Seconds(s); n > 0 {
				got[s.Name] = n
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: seconds (-want +got):\n%s", stages, diff)
		}
	}
	// A name means the stage of this name before it means levels.
	file, err := Parse([]byte(head+oneGet+"stages: [{name: a, rate: 1/s, duration: 9s}, {name: a/b, rate: 1/s, duration: 9s}]\nmetrics: {cpu_profile: {path: /p, stages: [a]}}\nobjectives: [p95 <= 1s]\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a"}, file.Metrics.CPUProfile.Stages); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	c := CPUProfile{Request: &Request{Path: Template{{Literal: "/profile"}}}}
	if path, _ := c.Asks(7).Path.Static(); path != "/profile?seconds=7" {
		t.Errorf("path %q", path)
	}
}
