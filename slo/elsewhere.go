package slo

import (
	"slices"
	"strings"
)

// elsewhere are words of other tools, without hyphens and underscores, with
// what says the same in an SLO file, or holds what does.
var elsewhere = map[string][]string{
	// keys
	"arrivalrate": {"rate", "stages"}, "rps": {"rate", "stages", "throughput"}, "qps": {"rate", "stages", "throughput"},
	"vus": {"workers", "stages"}, "users": {"workers", "stages"}, "virtualusers": {"workers", "stages"}, "concurrency": {"workers", "stages"}, "threads": {"workers", "stages"},
	"iterations": {"requests", "stages"}, "count": {"requests"}, "time": {"duration"},
	"url": {"request", "target"}, "baseurl": {"target"}, "host": {"target"}, "endpoint": {"request", "target"},
	"method": {"request"}, "path": {"request"}, "get": {"request"}, "post": {"request"},
	"payload": {"body"}, "params": {"query"}, "assert": {"checks"}, "asserts": {"checks"}, "assertions": {"checks"}, "expect": {"checks"}, "match": {"checks"},
	"extract": {"capture"}, "sleep": {"pause"}, "think": {"pause"}, "loop": {"repeat"}, "flow": {"steps"}, "feeder": {"data"},
	"thresholds": {"objectives"}, "ensure": {"objectives"}, "slo": {"objectives"}, "slos": {"objectives"},
	"phases": {"stages"}, "ready": {"wait_for"}, "readiness": {"wait_for"}, "healthcheck": {"wait_for"}, "within": {"timeout"}, "setup": {"before"}, "teardown": {"after"},
	// keys of ours, at the top of the file
	"rate": {"stages"}, "workers": {"stages"}, "duration": {"stages"}, "request": {"scenarios"}, "steps": {"scenarios"}, "checks": {"scenarios"},
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
