package result

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "rewrite golden files")

func encoded(t testing.TB, r *Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRunSurvivesTheFile(t *testing.T) {
	for seed := range seeds(20) {
		want := randomRun(seed)
		got, err := Decode(strings.NewReader(encoded(t, want)))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: read back (-written +read):\n%s", seed, diff)
		}
	}
}

// small is a run that a reader of the golden file can follow.
func small() *Run {
	ok := histogramOf(12*time.Millisecond, 15*time.Millisecond, 40*time.Millisecond)
	all := ok.Merge(histogramOf(10 * time.Second))
	measured, upper := 10003455.0, 0.9
	return &Run{
		Version: Version, Slogate: "v0.1.0", Name: "iris",
		SLO:    SLO{Path: "slo.yaml", Digest: "sha256:0123"},
		Target: "http://localhost:8000", Route: "127.0.0.1:8000",
		Start: began, End: began.Add(2 * time.Second), Seed: 42,
		Source:  Source{Commit: "0123abc", Branch: "main"},
		Machine: Machine{OS: "linux", Arch: "amd64", CPU: "Xeon", Cores: 2},
		Stages: []Stage{
			{
				Name: "normal", Workload: Workload{Model: "closed", Requests: 4, WorkersFrom: 2, WorkersTo: 2},
				Judged: true, State: Completed, Start: began, Duration: time.Second,
				Requests: Requests{
					Counters: Counters{Success: 3, Timeout: 1}, Status: map[int]int64{200: 3}, BytesIn: 300, BytesOut: 400,
					Response: all, OK: ok, Service: all, OnTime: all, Connect: histogramOf(100 * time.Microsecond), TTFB: ok,
				},
				Slices:    []Slice{{Width: time.Second, Counters: Counters{Success: 3, Timeout: 1}, Response: all}},
				Generator: Generator{Engine: "http1", Lateness: histogramOf(0, 0, 20*time.Microsecond), Opened: 2, Reused: 2},
				Failures:  []Sample{{Scenario: "GET /", Step: "GET /", Class: Timeout, Response: 10 * time.Second, Detail: "no answer within 10s"}},
				InFlight:  []int{0},
			},
			{
				Name: "users", Workload: Workload{Model: "open", Duration: time.Minute, RateFrom: 10, RateTo: 50, Arrivals: "uniform"},
				Judged: true, State: NotRun, Reason: "the run was cancelled",
			},
		},
		Timeline: &Timeline{
			Source: "demo", Name: "iris-classifier", Limits: ClusterLimits{MinReplicas: 1, MaxReplicas: 3, TargetCPU: 0.5, RequestMilli: 100, LimitMilli: 200},
			Samples: []ClusterSample{{At: began, Ready: 1, Replicas: 1, Desired: 1, Wanted: 2, UsageMilli: 90, CPU: 0.9}},
		},
		Judgement: &Judgement{
			Verdict: Fail, Reason: "p95 of normal is at least 10 s, 450 ms allowed",
			Objectives: []JudgedObjective{{
				Text: "p95 <= 450ms", Indicator: "p95", Unit: "duration", Stage: "normal", Severity: "fail", Verdict: Fail,
				Measured: &measured, AtLeast: true, Samples: 4, Cmp: "<=", Bound: 450000, Line: 9, Column: 5,
			}, {
				Text: "show: error_rate", Indicator: "error_rate", Unit: "share", Stage: "normal", Severity: "show", Verdict: Shown, Upper: &upper, Samples: 4,
			}},
		},
		Findings: []Finding{{Rule: "timeouts", Stage: "normal", Title: "requests ran into the timeout", Evidence: []string{"1 of 4 requests timed out"}, Note: true}},
	}
}

func TestGolden(t *testing.T) {
	path := filepath.Join("testdata", "small.json")
	got := encoded(t, small())
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the file's format changed (-golden +written):\n%s", diff)
	}
	r, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(small(), r); diff != "" {
		t.Errorf("read back (-written +read):\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := encoded(t, small())
	replaced := func(from, to string) string {
		if !strings.Contains(good, from) {
			t.Fatalf("%q is not in the file", from)
		}
		return strings.Replace(good, from, to, 1)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "truncated, or not JSON"},
		{"not JSON", "hello", "line 1: not JSON"},
		{"not an object", "[]", "line 1: found array"},
		{"another object", "{}", `not a slogate result: it has no "version"`},
		{"a later version", replaced(`"version": 1`, `"version": 2`), "version 2 of the result file, this slogate reads version 1"},
		{"truncated", good[:len(good)/2], "truncated, or not JSON"},
		{"something behind", good + "{}", "not JSON"},
		{"NaN", replaced(`"cpu": 0`, `"cpu": NaN`), "not JSON"},
		{"a share of everything", replaced(`"cpu": 0`, `"cpu": 1.7e308`), "generator: a share of 1.7e+308 is not between 0 and 1"},
		{"less than none", replaced(`"cpu": 0`, `"cpu": -1`), "generator: a share of -1 is not between 0 and 1"},
		{"a text for a number", replaced(`"timeout": 1`, `"timeout": "1"`), "counters.timeout: found string"},
		{"a fraction for a count", replaced(`"timeout": 1`, `"timeout": 1.5`), "counters.timeout: found number 1.5"},
		{"negative counter", replaced(`"timeout": 1`, `"timeout": -1`), `stage "normal": counters: the count -1 is negative`},
		{"huge counter", replaced(`"timeout": 1`, fmt.Sprintf(`"timeout": %d`, math.MaxInt64)), "more than a result can hold"},
		{"counters beside the histogram", replaced(`"timeout": 1`, `"timeout": 2`), "response: the histogram holds 4 requests, the counters 5"},
		{"successes beside the histogram", replaced("\"success\": 3,\n    \"timeout\": 1", "\"success\": 2,\n    \"timeout\": 2"), "ok: the histogram holds 3 requests, the counters 2"},
		{"wrong histogram", replaced(wirePrefix, "H4sIAAAA"), "histogram: not HdrHistogram V2"},
		{"escaped histogram", replaced(wirePrefix, `\u0048ISTFAAA`), "histogram: not HdrHistogram V2"},
		{"verdict", replaced(`"verdict": "shown"`, `"verdict": "splendid"`), `unknown verdict "splendid", known are`},
		{"run's verdict", replaced(`"verdict": "fail"`, `"verdict": "shown"`), `judgement: unknown verdict "shown"`},
		{"severity", replaced(`"severity": "show"`, `"severity": ""`), `objective "show: error_rate": unknown severity ""`},
		{"state", replaced(`"state": "not-run"`, `"state": "running"`), `stage "users": unknown state "running"`},
		{"model", replaced(`"model": "open"`, `"model": "ajar"`), `unknown model "ajar"`},
		{"class", replaced(`"class": "timeout"`, `"class": "luck"`), `unknown class "luck"`},
		{"status", replaced(`"200": 3`, `"20": 3`), "20 is not an HTTP status"},
		{"rate", replaced(`"rate_from": 10`, `"rate_from": -10`), "is negative"},
		{"duration", replaced(`"duration_ns": 1000000000`, `"duration_ns": -1`), "out of range"},
		{"in flight", replaced("\"in_flight\": [\n    0", "\"in_flight\": [\n    -1"), "in flight: the count -1 is negative"},
		{"replicas", replaced(`"ready": 1`, `"ready": -1`), "timeline: sample 0: the count -1 is negative"},
		{"more replicas than are counted", replaced(`"wanted": 2`, `"wanted": 9223372036854775807`), "timeline: sample 0: the count 9223372036854775807 is more"},
		{"usage", replaced(`"usage_millicpu": 90`, `"usage_millicpu": -90`), "timeline: sample 0: a negative number"},
		{"limits of replicas", replaced(`"max_replicas": 3`, `"max_replicas": 9223372036854775807`), "timeline: limits: the count 9223372036854775807 is more"},
		{"cores", replaced(`"cores": 2`, `"cores": -2`), "machine: -2 cores"},
		{"samples", replaced(`"samples": 4,`, `"samples": -4,`), `objective "p95 <= 450ms": the count -4 is negative`},
		{"line", replaced(`"line": 9`, `"line": -9`), `objective "p95 <= 450ms": the count -9 is negative`},
		{"pairs", replaced(`"line": 9`, `"comparison": {"pairs": -1}, "line": 9`), `objective "p95 <= 450ms": the count -1 is negative`},
		{"baseline", replaced(`"reason": "p95 of`, `"baseline": {"covered": -1}, "reason": "p95 of`), "judgement: baseline: the count -1 is negative"},
		{"runs", replaced(`"judged": true`, `"judged": true, "runs": -2`), `stage "normal": -2 runs`},
		{"operations", replaced(`"source": {`, `"coverage": {"loaded": 9223372036854775807, "missing": ["GET /"]}, "source": {`), "coverage: 9223372036854775807 loaded and 1 missing of 0 operations"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Decode(strings.NewReader(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if r != nil {
				t.Error("a refused file gave a run")
			}
		})
	}
}

// Each text is small and would need gigabytes.
func TestDecodeIsBounded(t *testing.T) {
	bucket := make([]int64, bucketCount)
	for i := range bucket {
		bucket[i] = 1
	}
	bomb := `{"response":"` + whole(t, bucket...) + `"},`
	for _, tt := range []struct{ name, text, want string }{
		{"objects", `{"version":1,"stages":[` + strings.Repeat("{},", maxObjects) + `{}]}`, "objects"},
		{"numbers for stages", `{"version":1,"stages":[` + strings.Repeat("0,", maxElements) + `0]}`, "elements of lists"},
		{"texts for stages", `{"version":1,"stages":[` + strings.Repeat(`"}",`, maxElements) + `""]}`, "elements of lists"},
		{"nothing for stages", `{"version":1,"stages":[` + strings.Repeat("null,", maxElements) + `null]}`, "elements of lists"},
		{"lists for stages", `{"version":1,"stages":[` + strings.Repeat("[],", maxElements) + `[]]}`, "elements of lists"},
		{"histograms", `{"version":1,"stages":[` + strings.Repeat(bomb, 1+maxCounts/bucketCount) + `{}]}`, "histograms of more than"},
		{"size", strings.Repeat(" ", maxFile+1), "larger than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode(strings.NewReader(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// The census counts what it must and nothing that stands in a text.
func TestCensus(t *testing.T) {
	for text, want := range map[string][2]int{
		`{"a":1,"b":"[,{:","c":"\\"","d":"\\\\"}`:   {1, 0},
		`[0,"a",null,[1,2],{"a":[{"b":{}}],"c":3}]`: {3, 9},
		`{"a":[{},{}]}`: {3, 4},
		`"unclosed \`:   {0, 0},
	} {
		if objects, elements := census([]byte(text)); objects != want[0] || elements != want[1] {
			t.Errorf("%s: %d objects and %d elements, want %d", text, objects, elements, want)
		}
	}
}

func TestEncodeRefusesNaN(t *testing.T) {
	r := small()
	r.Stages[0].Generator.CPU = math.NaN()
	if err := Encode(&bytes.Buffer{}, r); err == nil {
		t.Error("NaN was written")
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slogate-result.json")
	for _, name := range []string{"first", "second"} {
		r := small()
		r.Name = name
		if err := WriteFile(path, r); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("%s: read back (-written +read):\n%s", name, diff)
		}
	}
	onlyFile(t, path)
}

func TestWriteFileKeepsTheOldOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slogate-result.json")
	if err := WriteFile(path, small()); err != nil {
		t.Fatal(err)
	}
	broken := small()
	broken.Stages[0].Generator.CPU = math.Inf(1)
	if err := WriteFile(path, broken); err == nil {
		t.Fatal("infinity was written")
	}
	if got, err := ReadFile(path); err != nil || !cmp.Equal(got, small()) {
		t.Errorf("the old file was lost: %v", err)
	}
	onlyFile(t, path)
}

func TestWriteFileOverAFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, small()); err == nil {
		t.Error("a folder was replaced by a file")
	}
	onlyFile(t, path)
}

func onlyFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != filepath.Base(path) {
		t.Errorf("the folder holds %v, want only %s", entries, filepath.Base(path))
	}
}

// What has no end, or is larger than every result, is not read; a pipe is, when
// somebody writes to it.
func TestReadFileOfAnotherKind(t *testing.T) {
	dir := t.TempDir()
	large, folder := filepath.Join(dir, "large.json"), filepath.Join(dir, "folder")
	if err := errors.Join(os.WriteFile(large, nil, 0o644), os.Truncate(large, maxFile+1), os.Mkdir(folder, 0o755)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{large: "larger than 128 MiB", folder: "is a directory", os.DevNull: "not a regular file"} {
		if _, err := ReadFile(path); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}

func TestReadFileNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broken.json")
	if _, err := ReadFile(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "broken.json") {
		t.Errorf("error %v, want one that says that broken.json does not exist", err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), "broken.json: truncated") {
		t.Errorf("error %v, want one that says that broken.json is truncated", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encoded(f, small()))
	f.Add(`{"version":1,"stages":null}`)
	f.Add(`{"version":1,"stages":[{"state":"completed","workload":{"model":"open"},"response":"` + whole(f, -1<<54, 1) + `"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Decode(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := Decode(strings.NewReader(encoded(t, r)))
		if err != nil {
			t.Fatalf("accepted, but not when written again: %v", err)
		}
		if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("changed by writing and reading:\n%s", diff)
		}
		for i := range r.Stages {
			checkSums(t, &r.Stages[i])
		}
		if _, err := Merge(r, again); err != nil && !strings.Contains(err.Error(), "can hold") && !strings.Contains(err.Error(), "out of range") {
			t.Errorf("does not merge with itself: %v", err)
		}
	})
}

// hour is an open stage of an hour in slices of a second.
func hour() *Run {
	r := randomRun(1)
	s := randomRun(2).Stages[1]
	for i := range 3600 {
		s.Slices = append(s.Slices, randomRun(uint64(i % 50)).Stages[0].Slices...)
	}
	s.Slices = s.Slices[:min(3600, len(s.Slices))]
	for i := range s.Slices {
		s.Slices[i].Offset = time.Duration(i) * time.Second
	}
	r.Stages = []Stage{s}
	return r
}

func BenchmarkEncodeHour(b *testing.B) {
	r := hour()
	b.ReportAllocs()
	for b.Loop() {
		if err := Encode(&bytes.Buffer{}, r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeHour(b *testing.B) {
	text := encoded(b, hour())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}
