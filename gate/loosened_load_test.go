package gate

import (
	"testing"

	"github.com/slogate/slogate/result"
)

const looseBeside = `version: 1
target: http://localhost
scenarios:
  - {name: buy, weight: 3, request: GET /buy}
  - {name: look, request: GET /look}
stages:
  - name: mixed
    parallel:
      - {name: shop, rate: 10/s, duration: 30s}
      - {name: noise, workers: 20, duration: 30s, judge: false}
      - {name: beat, rate: 1/s, duration: 30s, judge: false}
  - name: warm-up
    parallel:
      - {name: few, workers: 2, duration: 5s, judge: false}
      - {name: more, workers: 5, duration: 5s, judge: false}
objectives: [p95 <= 450ms]
`

// What is loaded beside a judged workload makes its numbers, judged or not.
func TestLoosenedBeside(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit []string
		want []result.Loosening
	}{
		{"nothing", nil, nil},
		{"fewer", []string{"workers: 20", "workers: 1"}, listed("workers: 20, duration: 30s", "workers: 1, duration: 30s", "mixed/noise")},
		{"more", []string{"workers: 20", "workers: 40"}, nil},
		{"judged too", []string{"workers: 20, duration: 30s, judge: false", "workers: 20, duration: 30s"}, nil},
		{"gone", []string{"      - {name: noise, workers: 20, duration: 30s, judge: false}\n", ""}, listed("the stage", "removed", "mixed/noise")},
		{"with others", []string{"workers: 20", "workers: 20, scenarios: [look]"}, listed("loaded with buy", "not loaded with it", "mixed/noise")},
		{"before all that is judged", []string{"workers: 5", "workers: 1"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) { checkLoosened(t, looseBeside, tt.edit, tt.want) })
	}
}
