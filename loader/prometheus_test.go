package loader

import (
	"testing"

	"github.com/slogate/slogate/prometheus/prometheustest"
)

// A Prometheus server as the service under test: its readiness, and a query
// whose answer is checked as JSON.
func TestPrometheusServer(t *testing.T) {
	url := prometheustest.Start(t)
	eachEngine(t, func(t *testing.T, engine string) {
		file := parse(t, url, `  - name: ask
    steps:
      - {request: GET /-/ready, checks: ['body contains "Ready"']}
      - request: GET /api/v1/query
        query: {query: "1 + 1"}
        checks:
          - 'header["content-type"] startsWith "application/json"'
          - json.status == "success"
          - json.data.resultType == "scalar"
          - json.data.result[1] == "2"
        measure: {value: "$.data.result[1]"}
      - request: POST /api/v1/query
        form: {query: "vector(7)"}
        checks: ['json.data.result[0].value[1] == "7"']
      - request: GET /api/v1/query
        query: {query: "1 +"}
        accept: [400]
        checks: ['json.errorType == "bad_data"']`)
		const requests = 80
		s := newLoader(t, file, Options{Engine: engine}).Run(t.Context(), counted(requests, 4))
		coherent(t, s)
		if s.Counters.Success != requests {
			t.Fatalf("%+v %+v", s.Counters, s.Failures)
		}
		if two := s.Measures["value"]; two.Total() < requests/8 {
			t.Errorf("%d answers were measured", two.Total())
		}
	})
}
