package gate

import (
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

const looseSources = `version: 1
target: http://localhost
http: {connections: new}
scenarios:
  - {name: home, request: GET /, measure: {took: $.took, items: $.items}}
  - {name: list, request: GET /list, measure: {took: $.took}}
metrics: {prometheus: {url: 'http://localhost:9090', queries: {cpu: rate(cpu_total), heap: heap_bytes, up: up}}}
stages:
  - {name: steady, rate: 100/s, duration: 60s}
  - {name: crowd, workers: 10, duration: 60s}
objectives:
  - p95 <= baseline + 10%
  - metric.cpu <= 0.8
  - warn: metric.heap.max <= 1000000
  - show: metric.up
  - {fail: measure.took.p95 <= 30, step: GET /}
  - {show: measure.items.mean, step: GET /}
`

// Numbers that objectives judge come from where they came from, and what is
// compared with base stays so.
func TestLoosenedSources(t *testing.T) {
	const ramp = "not compared with it: a ramp gives base and head other loads"
	for _, tt := range []struct {
		name string
		edit []string
		want []result.Loosening
	}{
		{"a ramp of rates", []string{"rate: 100/s,", "rate: 100/s..100.1/s,"}, listed("compared with base", ramp, "steady")},
		{"a ramp of workers", []string{"workers: 10,", "workers: 10..11,"}, listed("compared with base", ramp, "crowd")},
		{"another query", []string{"rate(cpu_total)", "vector(0)"}, listed("metric.cpu asks for rate(cpu_total)", "vector(0)")},
		{"another query of a warning", []string{"heap_bytes", "vector(0)"}, listed("metric.heap asks for heap_bytes", "vector(0)")},
		{"another query of what is shown", []string{"up: up", "up: vector(0)"}, nil},
		{"another server", []string{"9090", "9091"}, listed("the Prometheus server", "another one")},
		{"another measure", []string{"{took: $.took, items", "{took: $.zero, items"}, listed("measure.took of GET / is $.took", "$.zero")},
		{"another measure of another step", []string{"measure: {took: $.took}}", "measure: {took: $.zero}}"}, nil},
		{"another measure that is shown", []string{"$.items", "$.zero"}, nil},
		{"kept connections", []string{"connections: new", "connections: keep"}, listed("connections: new", "keep")},
		{"connections of some seconds", []string{"connections: new", "connections: 10s"}, listed("connections: new", "10s")},
	} {
		t.Run(tt.name, func(t *testing.T) { checkLoosened(t, looseSources, tt.edit, tt.want) })
	}
	t.Run("a measure is gone of one step", func(t *testing.T) {
		ofBoth := strings.Replace(looseSources, "{fail: measure.took.p95 <= 30, step: GET /}", "measure.took.p95 <= 30", 1)
		checkLoosened(t, ofBoth, []string{"{took: $.took, items", "{items"}, listed("measure.took of GET / is $.took", "removed"))
	})
	t.Run("older connections", func(t *testing.T) {
		base := parsed(t, strings.Replace(looseSources, "connections: new", "connections: 10s", 1))
		for now, want := range map[string]string{"new": "", "5s": "", "10s": "", "20s": "20s", "keep": "keep"} {
			got := Loosened(base, parsed(t, strings.Replace(looseSources, "connections: new", "connections: "+now, 1)))
			if (len(got) == 0) != (want == "") || want != "" && got[0].After != want {
				t.Errorf("%s: %+v", now, got)
			}
		}
	})
}
