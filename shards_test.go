package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
)

func TestParseStart(t *testing.T) {
	now := time.Unix(1_772_366_400, 0)
	for _, test := range []struct {
		text string
		want time.Time // zero: an error
	}{
		{"+30s", now.Add(30 * time.Second)},
		{"1772366460", now.Add(time.Minute)},
		{now.Add(time.Hour).UTC().Format(time.RFC3339), now.Add(time.Hour)},
		{now.Add(time.Hour).In(time.FixedZone("", 3600)).Format(time.RFC3339), now.Add(time.Hour)},
		{"1772366399", time.Time{}},
		{"+-1s", time.Time{}},
		{"+7h", time.Time{}},
		{"30s", time.Time{}},
		{"99999999999999999999", time.Time{}},
		{"9223372036854775807", time.Time{}},
		{"-1", time.Time{}},
		{"now", time.Time{}},
	} {
		got, err := parseStart(test.text, now)
		if !got.Equal(test.want) || (err == nil) == test.want.IsZero() {
			t.Errorf("%q is %v, %v, want %v", test.text, got, err, test.want)
		}
	}
}

func FuzzParseShard(f *testing.F) {
	for _, text := range []string{"", "1/1", "3/8", "0/1", "1/0", "-1/3", "1/2/3", "a/b", "1000/1000", "9223372036854775808/2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseShard(text)
		if err == nil && text != "" && (s.Index < 0 || s.Index >= s.Count || s.Count > result.MaxShards) {
			t.Errorf("%q is %+v", text, s)
		}
		if err != nil && s != (loader.Shard{}) {
			t.Errorf("%q is %+v and %v", text, s, err)
		}
	})
}

// Three shards that begin together are one run: as many requests as it plans,
// in the histograms that their own ones add up to.
func TestShardsAreOneRun(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	t.Chdir(t.TempDir())
	const slo = `version: 1
target: TARGET
scenarios: [{request: GET /}]
stages:
  - {name: open, rate: 20/s..100/s, duration: 2s, arrivals: poisson}
  - {name: users, requests: 101, workers: 4}
  - {name: mixed, parallel: [{name: a, rate: 31/s, duration: 1s}, {name: b, requests: 20, workers: 2}]}
objectives: [p50 <= 60s]
`
	if err := os.WriteFile("slo.yaml", []byte(strings.Replace(slo, "TARGET", server.URL, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	passes(t, func() (int, string) {
		loadShards(t)
		return slogate(t, "merge", "shards")
	})
	m := read(t, filepath.Join("slogate-out", resultFile))
	var due []int64
	var times []result.Histogram
	for i, s := range m.Stages {
		var sum result.Histogram
		for n := 1; n <= 3; n++ {
			sum = sum.Merge(read(t, fmt.Sprintf("shards/%d/%s", n, resultFile)).Stages[i].Response)
		}
		due, times = append(due, s.Counters.Due()), append(times, sum)
	}
	one := oneRun(t)
	for i, s := range m.Stages {
		if diff := cmp.Diff(one.Stages[i].Workload, s.Workload); diff != "" || one.Stages[i].Counters.Due() != due[i] {
			t.Errorf("%s: %d requests, one generator has %d; its workload (-one +merged):\n%s", s.Name, due[i], one.Stages[i].Counters.Due(), diff)
		}
		if diff := cmp.Diff(times[i], s.Response); diff != "" {
			t.Errorf("%s: response times (-shards +merged):\n%s", s.Name, diff)
		}
	}
	if m.Shard != (result.Shard{Count: 3}) {
		t.Errorf("the merged result is of %+v", m.Shard)
	}
}

// loadShards loads as three generators that begin together.
func loadShards(t *testing.T) {
	start := time.Now().Add(5 * time.Second).Format(time.RFC3339Nano)
	var wg sync.WaitGroup
	for i := 1; i <= 3; i++ {
		wg.Go(func() {
			code, said := slogate(t, "run", "--shard", fmt.Sprintf("%d/3", i), "--seed", "9", "--start-at", start, "--out", fmt.Sprintf("shards/%d", i))
			if code != exitPass || !strings.Contains(said, fmt.Sprintf("This is shard %d of 3 of one run, which is judged after slogate merge.", i)) {
				t.Errorf("shard %d: exit code %d\n%s", i, code, said)
			}
		})
	}
	wg.Wait()
}

// passes loads calmly, and wants the verdict of it to be pass.
func passes(t *testing.T, load func() (code int, said string)) {
	t.Helper()
	var code int
	var said string
	calmly(func() string {
		code, said = load()
		return said
	})
	if code != exitPass {
		t.Errorf("exit code %d\n%s", code, said)
	}
}

// slogate is the command line.
func slogate(t *testing.T, args ...string) (code int, said string) {
	var out strings.Builder
	code = Main(t.Context(), args, os.LookupEnv, &out, &out)
	return code, out.String()
}

// oneRun is what one generator measures with the same file and seed.
func oneRun(t *testing.T) *result.Run {
	passes(t, func() (int, string) { return slogate(t, "run", "--seed", "9", "--out", "one") })
	return read(t, filepath.Join("one", resultFile))
}

func read(t *testing.T, path string) *result.Run {
	t.Helper()
	r, err := result.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
