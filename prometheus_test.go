package main

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/prometheus/prometheustest"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// gauged serves a page for any path, and its metrics: a constant in two
// series, and how often it was asked.
func gauged(t *testing.T) (url string) {
	t.Helper()
	asked := make(chan int, 1)
	asked <- 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := <-asked
		if r.URL.Path == "/metrics" {
			fmt.Fprintf(w, "queue_length{queue=\"a\"} 3\nqueue_length{queue=\"b\"} 4\nasked_total %d\n", n)
		} else {
			n++
		}
		asked <- n
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// runFile runs an SLO file and returns what it measured, and what was printed.
func runFile(t *testing.T, text string) (r *result.Run, code int, printed string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "slo.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	code = Main(t.Context(), []string{"run", "--out", dir, file}, os.LookupEnv, &out, &out)
	r, err := result.ReadFile(filepath.Join(dir, "slogate-result.json"))
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return r, code, out.String()
}

func verdicts(r *result.Run) map[string]string {
	out := map[string]string{}
	for _, o := range r.Judgement.Objectives {
		out[o.Text+" in "+o.Stage] = string(o.Verdict) + " " + o.Reason
	}
	return out
}

// Queries of a real Prometheus server that scrapes the service while it is
// loaded.
func TestMetricsOfAPrometheusServer(t *testing.T) {
	t.Parallel()
	target := gauged(t)
	server := prometheustest.Start(t, strings.TrimPrefix(target, "http://"))
	r, _, printed := runFile(t, fmt.Sprintf(`version: 1
target: %s
scenarios: [{steps: [{request: GET /}, {pause: 20ms}]}]
stages:
  - {name: warm-up, rate: 20/s, duration: 3s, judge: false}
  - {name: steady, workers: 1, duration: 5s}
objectives:
  - metric.queue <= 7
  - metric.queue.max < 7
  - metric.served.last >= 1
  - metric.several <= 1
  - metric.nothing <= 1
  - metric.wrong <= 1
  - metric.endless <= 1
  - metric.undefined <= 1
metrics:
  prometheus:
    url: %s
    delay: 2s
    queries:
      queue: sum(queue_length)
      served: sum(rate(asked_total[5s]))
      several: queue_length
      nothing: absent_metric
      wrong: sum(
      endless: sum(queue_length) / 0
      undefined: sum(queue_length) * NaN
`, target, server))
	got := verdicts(r)
	for objective, want := range map[string]string{
		"metric.queue <= 7 in steady":       "pass",
		"metric.queue.max < 7 in steady":    "fail",
		"metric.served.last >= 1 in steady": "pass",
		"metric.several <= 1 in steady":     "inconclusive the Prometheus server: the query gives 2 series: put sum(…), avg(…) or max(…) around it",
		"metric.nothing <= 1 in steady":     "inconclusive the query gave no value",
		"metric.wrong <= 1 in steady":       "inconclusive the Prometheus server: the server says: ",
		"metric.endless <= 1 in steady":     "inconclusive the query gave an infinite value",
		"metric.undefined <= 1 in steady":   "inconclusive the query gave no value",
	} {
		if !strings.HasPrefix(got[objective], want) {
			t.Errorf("%s: %q, want %q", objective, got[objective], want)
		}
	}
	queue := r.Stages[1].Metric("queue")
	if mean, ok := queue.Mean(); !ok || mean != 7 || len(queue.Points) < 2 {
		t.Errorf("queue: %+v", queue)
	}
	served, _ := r.Stages[1].Metric("served").Last()
	if math.IsNaN(served) || served <= 0 {
		t.Errorf("served %v a second", served)
	}
	if r.Stages[0].Metric("queue") == nil {
		t.Error("the warm-up's metric is not in the result")
	}
	for _, want := range []string{"Metrics", "queue", "metric several: the Prometheus server: the query gives 2 series", "metric nothing, undefined: "} {
		if !strings.Contains(printed, want) {
			t.Errorf("the output lacks %q:\n%s", want, printed)
		}
	}
}

// A server that is down does not lose the run.
func TestMetricsWithoutAServer(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(nil)
	down.Close()
	r, code, _ := runFile(t, fmt.Sprintf(`version: 1
target: %s
scenarios: [{steps: [{request: GET /}, {pause: 20ms}]}]
stages: [{name: steady, workers: 1, duration: 1s}]
objectives: [metric.queue <= 7, requests >= 1]
metrics: {prometheus: {url: %s/, delay: 1ms, headers: {x-scope: tenant}, queries: {queue: up}}}
`, gauged(t), down.URL))
	got := verdicts(r)
	if code != exitInconclusive || !strings.HasPrefix(got["metric.queue <= 7 in steady"], "inconclusive the Prometheus server: ") || got["requests >= 1 in steady"] != "pass " {
		t.Errorf("exit code %d: %v", code, got)
	}
}

// A server is shown who asks, and an answer may hold no secret.
func TestMetricsShowWhoAsks(t *testing.T) {
	t.Setenv("PROMETHEUS_TOKEN", "hunter2-hunter2")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"status":"error","errorType":"bad_data","error":"%s asked %s with [%s]"}`, r.Header.Get("Authorization"), r.URL.Path, r.Header.Get("X-Own"))
	}))
	defer server.Close()
	r, _, printed := runFile(t, fmt.Sprintf(`version: 1
target: %s
http: {headers: {x-own: of-the-target}}
scenarios: [{request: GET /}]
stages: [{name: steady, rate: 50/s, duration: 1s}]
objectives: [metric.queue <= 7]
metrics: {prometheus: {url: %s/under/, delay: 1ms, auth: {bearer: '${secret.PROMETHEUS_TOKEN}'}, queries: {queue: up}}}
`, gauged(t), server.URL))
	const want = `Bearer *** asked /under/api/v1/query_range with []`
	if got := r.Stages[0].Metric("queue").Missing; !strings.Contains(got, want) {
		t.Errorf("%q lacks %q", got, want)
	}
	if strings.Contains(printed, "hunter2") {
		t.Errorf("the output holds the token:\n%s", printed)
	}
}

// Addresses that a target may not have are refused to a server, too.
func TestMetricsAreGuarded(t *testing.T) {
	t.Parallel()
	file := &slo.File{Metrics: slo.Metrics{Prometheus: &slo.Prometheus{URL: "http://169.254.169.254", Request: slo.Request{Timeout: time.Second, Method: http.MethodGet}}}}
	var l loaders
	series, err := l.series(file, settings{Trust: &trust{}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.engines[0]()
	now := time.Now()
	if _, err := series(t.Context(), "up", now.Add(-time.Second), now, time.Second); err == nil || !strings.Contains(err.Error(), "refused to connect to 169.254.169.254") {
		t.Errorf("error %v", err)
	}
}

// A Prometheus that says in an error what it was asked with puts no token, and
// no part of a long key, into anything that is written.
func TestMetricsEchoNoSecrets(t *testing.T) {
	t.Parallel()
	access, key := "access-"+strings.Repeat("0123456789", 6), "KEY"+strings.Repeat("abcdefghij", 40)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/token":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"access_token": %q, "token_type": "Bearer", "expires_in": 3600}`, access)
		case "/api/v1/query_range":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"status": "error", "errorType": "bad_data", "error": "not allowed: %s"}`, r.Header.Get("Authorization"))
		}
	}))
	t.Cleanup(service.Close)
	for part, auth := range map[string]string{
		access[:20]: "auth: {oauth2: {token_url: " + service.URL + "/token, client_id: me, client_secret: '${secret.CLIENT}'}}",
		key[:20]:    "headers: {authorization: 'Bearer ${secret.KEY}'}",
	} {
		j := newJob(t)
		j.write(t, "slo.yaml", sloFile("iris", service.URL, "p95 <= 30s", "metric.x <= 1")+"metrics: {prometheus: {url: "+service.URL+", queries: {x: up}, delay: 1ms, "+auth+"}}\n")
		_, log := j.run(t, map[string]string{"INPUT_ENV": "CLIENT, KEY", "CLIENT": "client-secret", "KEY": key})
		var written strings.Builder
		written.WriteString(withoutMasks(log) + j.summary(t))
		files, err := filepath.Glob(filepath.Join(j.dir, "out", "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("files %q, %v", files, err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			written.WriteString(string(text))
		}
		if !strings.Contains(written.String(), "not allowed: Bearer ***") {
			t.Errorf("the server's explanation is missing:\n%s", log)
		}
		if at := strings.Index(written.String(), part); at >= 0 {
			t.Errorf("written: %q", written.String()[max(at-100, 0):at+100])
		}
	}
}
