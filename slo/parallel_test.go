package slo

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Each workload is a stage with the objectives of the file, of the parallel
// stage and its own; what the service uses belongs to none of them.
func TestParallel(t *testing.T) {
	src, err := os.ReadFile("testdata/ok/parallel.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for profile, want := range map[string][]string{
		"": {
			"mixed/reads of mixed, idle 1s: p95 <= 1s, p99 <= 1s, success_rate >= 99%, p50 <= 1s",
			"mixed/writes of mixed, idle 1s: p95 <= 2s, p99 <= 1s, success_rate >= 99%",
			"plain of , idle 0s: p95 <= 1s, memory.max <= 300MB, success_rate >= 99%",
		},
		"both": {
			"mixed/reads of mixed, idle 1s: p95 <= 1s, p99 <= 1s, success_rate >= 99%, p50 <= 1s",
			"mixed/writes of mixed, idle 1s: p95 <= 2s, p99 <= 1s, success_rate >= 99%",
		},
		"reads": {"mixed/reads of , idle 1s: p95 <= 1s, memory.max <= 300MB, p99 <= 1s, success_rate >= 99%, p50 <= 1s"},
	} {
		opts := testOptions("testdata/ok/parallel.yaml")
		opts.Profile = profile
		file, err := Parse(src, opts)
		if err != nil {
			t.Errorf("%q: %s", profile, pretty(t, err))
			continue
		}
		var got []string
		for _, s := range file.Stages {
			var texts []string
			for _, o := range s.Objectives {
				texts = append(texts, o.Text)
			}
			got = append(got, fmt.Sprintf("%s of %s, idle %v: %s", s.Name, s.Parallel, s.IdleBefore, strings.Join(texts, ", ")))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("profile %q (-want +got):\n%s", profile, diff)
		}
		if n := len(file.Together()); profile == "" && n != 2 || profile != "" && n != 1 {
			t.Errorf("profile %q: %d after each other", profile, n)
		}
	}
}

// Workloads take the time of the longest one, whatever their order.
func TestParallelWithinDuration(t *testing.T) {
	const text = head + oneGet + `stages:
  - {name: first, rate: 1/s, duration: 10s}
  - {name: mixed, idle_before: 2s, parallel: [{name: a, rate: 1/s, duration: 30s}, {name: b, rate: 1/s, duration: 20s}]}
  - {name: last, rate: 1/s, duration: 10s}
`
	for limit, want := range map[time.Duration]Code{52 * time.Second: "", 51 * time.Second: CodeLimit} {
		opts := testOptions("slo.yaml")
		opts.Limits.Duration = limit
		if _, err := Parse([]byte(text), opts); codeOf(err) != want {
			t.Errorf("limit %v: %v, want %q", limit, err, want)
		}
	}
}
