package slo

import (
	"slices"
	"strings"
)

// elsewhere are words of other tools, without hyphens and underscores, with
// what says the same in an SLO file.
var elsewhere = map[string][]string{
	// keys
	"arrivalrate": {"rate"}, "rps": {"rate", "throughput"}, "qps": {"rate", "throughput"},
	"vus": {"workers"}, "users": {"workers"}, "virtualusers": {"workers"}, "concurrency": {"workers"}, "threads": {"workers"},
	"iterations": {"requests"}, "count": {"requests"}, "time": {"duration"},
	"url": {"request", "target"}, "baseurl": {"target"}, "host": {"target"}, "endpoint": {"request", "target"},
	"method": {"request"}, "path": {"request"}, "get": {"request"}, "post": {"request"},
	"payload": {"body"}, "params": {"query"}, "assert": {"checks"}, "asserts": {"checks"}, "assertions": {"checks"}, "expect": {"checks"}, "match": {"checks"},
	"extract": {"capture"}, "sleep": {"pause"}, "think": {"pause"}, "loop": {"repeat"}, "flow": {"steps"}, "feeder": {"data"},
	"thresholds": {"objectives"}, "ensure": {"objectives"}, "slo": {"objectives"}, "slos": {"objectives"},
	"phases": {"stages"}, "setup": {"before"}, "teardown": {"after"},
	// indicators
	"latency": {"p95"}, "responsetime": {"p95"}, "httpreqduration": {"p95"}, "p(95)": {"p95"}, "p(90)": {"p90"}, "p(99)": {"p99"},
	"avg": {"mean"}, "average": {"mean"}, "med": {"p50"}, "median": {"p50"},
	"httpreqfailed": {"error_rate"}, "failures": {"errors"}, "failurerate": {"error_rate"}, "availability": {"success_rate"}, "httpreqs": {"requests"},
}

// ours gives the known word for one of another tool, or "".
func ours(word string, known []string) string {
	plain := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(word))
	for _, own := range elsewhere[plain] {
		if slices.Contains(known, own) {
			return own
		}
	}
	return ""
}
