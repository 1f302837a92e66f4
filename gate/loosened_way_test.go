package gate

import (
	"testing"

	"github.com/slogate/slogate/result"
)

const looseWay = `version: 1
target: https://localhost
http:
  redirects: 3
  resolve: {api.local: '127.0.0.1:8443', localhost: 127.0.0.1}
  proxy: http://anna:word@proxy:3128
  headers: {x-client: load}
  tls: {server_name: api.local}
kubernetes: {deployment: web}
metrics:
  scrape: /metrics
  prometheus: {url: 'http://localhost:9090', headers: {x-scope-orgid: ours}, queries: {cpu: rate(cpu_total)}}
scenarios:
  - name: buy
    session: iteration
    data: {file: testdata/rows.csv, order: unique, at_end: repeat}
    steps:
      - {name: list, request: GET /list, capture: {id: '$.items[9].id'}}
      - {name: order, request: 'POST /orders/${id}', headers: {x-client: shop}, body: 'a ${row.line}'}
  - name: talk
    steps:
      - {name: listen, request: GET /events, stream: {as: sse, until: event == "end", for: 5s}}
      - {name: chat, websocket: /chat, messages: [{send: hello, expect: event == "hello", within: 2s, repeat: 10}]}
      - {name: connect, tcp: 'localhost:25'}
      - {name: find, dns: {name: localhost, server: 127.0.0.1}}
stages:
  - {name: steady, rate: 100/s, duration: 60s}
  - name: mixed
    parallel:
      - {name: reads, rate: 100/s, duration: 60s, scenarios: [talk]}
      - {name: noise, rate: 50/s, duration: 60s, judge: false}
objectives: [p95 <= 1s, metric.cpu <= 1, {fail: memory.max <= 1MB, stage: steady}, restarts <= 0]
`

// Whatever leads requests elsewhere, or has less of them sent, is listed.
func TestLoosenedWay(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit []string
		want []result.Loosening
	}{
		{"nothing", nil, nil},
		{"another address", []string{"127.0.0.1:8443", "127.0.0.1:9"}, listed("resolve: api.local: 127.0.0.1:8443", "127.0.0.1:9")},
		{"an address more", []string{"localhost: 127.0.0.1}", "localhost: 127.0.0.1, db.local: 127.0.0.2}"}, listed("resolve: db.local: none", "127.0.0.2")},
		{"an address less", []string{", localhost: 127.0.0.1}", "}"}, listed("resolve: localhost: 127.0.0.1", "removed")},
		{"another proxy", []string{"@proxy:3128", "@other:3128"}, listed("proxy: http://proxy:3128", "http://other:3128")},
		{"no proxy", []string{"  proxy: http://anna:word@proxy:3128\n", ""}, listed("proxy: http://proxy:3128", "removed")},
		{"another password", []string{":word@", ":other@"}, nil},
		{"another server by its certificate", []string{"server_name: api.local", "server_name: other.local"}, listed("tls: server_name: api.local", "other.local")},
		{"any certificate", []string{"server_name: api.local", "server_name: api.local, insecure_skip_verify: on"}, listed("tls: insecure_skip_verify: off", "on")},
		{"another protocol", []string{"  redirects: 3", "  redirects: 3\n  protocol: http1"}, listed("protocol: auto", "http1")},
		{"redirects are not followed", []string{"  redirects: 3\n", ""}, listed("redirects: 3", "0")},
		{"more redirects", []string{"redirects: 3", "redirects: 4"}, nil},
		{"another host by a header", []string{"x-client: load", "x-client: load, host: other.local"}, listed("the header Host: none", "sent")},
		{"compressed answers", []string{"redirects: 3", "redirects: 3\n  compression: on"}, listed("the header Accept-Encoding: none", "sent")},
		{"another header", []string{"x-client: shop", "x-client: cached"}, listed("the header X-Client", "another one")},
		{"the same header, written twice", []string{"x-client: load", "X-Client: load"}, nil},
		{"a header less", []string{"  headers: {x-client: load}\n", "", "headers: {x-client: shop}, ", ""}, listed("the header X-Client", "removed")},
		{"other rows", []string{"rows.csv", "fewer.csv"}, listed("rows of buy: testdata/rows.csv, unique", "testdata/fewer.csv, unique")},
		{"the same rows again", []string{"order: unique", "order: sequential"}, listed("rows of buy: testdata/rows.csv, unique", "testdata/rows.csv, sequential")},
		{"cookies that stay", []string{"session: iteration", "session: worker"}, listed("session of buy: iteration", "worker")},
		{"another value for later requests", []string{"$.items[9].id", "$.items[0].id"}, listed("the capture id of list is $.items[9].id", "$.items[0].id")},
		{"a capture before", []string{"capture: {id", "capture: {before: $.before, id"}, nil},
		{"a capture is gone", []string{", capture: {id: '$.items[9].id'}", "", "${id}", "1"}, []result.Loosening{
			{Before: "the capture id of list is $.items[9].id", After: "removed"}, {Before: "order requests POST /orders/${id}", After: "POST /orders/1"},
		}},
		{"another body", []string{"a ${row.line}", "a"}, listed("the body of order", "another one")},
		{"less of a stream", []string{", for: 5s", ", for: 1s"}, listed(`stream of listen: sse, until: event == "end", for: 5s`, `sse, until: event == "end", for: 1s`)},
		{"no stream", []string{`, stream: {as: sse, until: event == "end", for: 5s}`, ""}, listed(`stream of listen: sse, until: event == "end", for: 5s`, "removed")},
		{"fewer messages", []string{"repeat: 10", "repeat: 2"}, listed("the messages of chat", "others")},
		{"messages that are not waited for", []string{`, expect: event == "hello", within: 2s`, ""}, listed("the messages of chat", "others")},
		{"less time for messages", []string{"within: 2s", "within: 1s"}, nil},
		{"a request in their place", []string{`websocket: /chat, messages: [{send: hello, expect: event == "hello", within: 2s, repeat: 10}]`, "request: GET /chat, accept: [101]"}, listed("chat requests a WebSocket", "GET /chat")},
		{"another port", []string{"localhost:25", "localhost:26"}, listed("connect requests TCP localhost:25", "TCP localhost:26")},
		{"another name server", []string{"server: 127.0.0.1", "server: 127.0.0.2"}, listed("find requests DNS A of 127.0.0.1:53", "DNS A of 127.0.0.2:53")},
		{"another name to find", []string{"name: localhost, server", "name: other, server"}, listed("the query of find", "another one")},
		{"less noise beside", []string{"noise, rate: 50/s", "noise, rate: 5/s"}, listed("rate: 50/s, duration: 60s", "rate: 5/s, duration: 60s", "mixed/noise")},
		{"lighter noise beside", []string{"judge: false", "judge: false, scenarios: [talk]"}, listed("loaded with buy", "not loaded with it", "mixed/noise")},
		{"other noise beside", []string{"name: noise", "name: hum"}, listed("the stage", "removed", "mixed/noise")},
		{"the cost from elsewhere", []string{"scrape: /metrics", "scrape: /none"}, listed("metrics: scrape: GET /metrics", "GET /none")},
		{"other replicas", []string{"{deployment: web}", "{hpa: web, namespace: test}"}, listed("kubernetes: deployment: web", "hpa: web, namespace: test")},
		{"others' metrics", []string{"x-scope-orgid: ours", "x-scope-orgid: theirs"}, listed("the header X-Scope-Orgid to the Prometheus server", "another one")},
	} {
		t.Run(tt.name, func(t *testing.T) { checkLoosened(t, looseWay, tt.edit, tt.want) })
	}
}
