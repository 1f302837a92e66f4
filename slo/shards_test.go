package slo

import (
	"strings"
	"testing"
)

func TestShardsRefuse(t *testing.T) {
	const file = "version: 1\ntarget: http://localhost:8000\nscenarios: [{request: GET /}]\n"
	for _, test := range []struct {
		name, src string
		opts      Options
		want      string // empty: it is accepted
	}{
		{"one generator", "stages: [{name: a, search: 1/s..9/s}]\nobjectives: [p95 <= 1s]", Options{Shards: 1}, ""},
		{"a rate", "stages: [{name: a, rate: 9/s, duration: 9s}]\nlimits: {connections: 3}", Options{Shards: 3}, ""},
		{"a search", "stages: [{name: a, rate: 9/s, duration: 9s}, {name: b, search: 1/s..9/s}]\nobjectives: [p95 <= 1s]", Options{Shards: 2}, `slo.yaml:4:46: SLO171: the stage "b" searches`},
		{"a comparison", "stages: [{name: a, rate: 9/s, duration: 9s}]\nbaseline: {base_target: 'http://localhost:8001'}", Options{Shards: 2}, "slo.yaml:5:26: SLO171: base and head cannot be compared in shards"},
		{"a comparison by the flag", "stages: [{name: a, rate: 9/s, duration: 9s}]", Options{Shards: 2, BaseTarget: "http://localhost:8001"}, "slo.yaml: SLO171: base and head cannot be compared in shards"},
		{"too few connections", "stages: [{name: a, rate: 9/s, duration: 9s}]\nlimits: {connections: 3}", Options{Shards: 4}, "slo.yaml:5:23: SLO171: the limits permit 3 connections, 4 shards need one each at least"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.opts.Path = "slo.yaml"
			_, err := Parse([]byte(file+test.src+"\n"), test.opts)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("error %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
