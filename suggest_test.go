package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/revision"
	"github.com/slogate/slogate/slo"
)

const suggestSLO = `version: 1
target: http://localhost:8000
scenarios: [{request: GET /}]
stages:
  - {name: normal, workers: 5, requests: 1000}
  - name: high
    workers: 20
    requests: 1000
    objectives: [{warn: 'p99  <=  300ms'}, p50 <= 2s]   # by hand
# what every stage must meet

objectives:
  - p95 <= 105ms
  - success_rate >= 99.9%
  - error_rate <= 0
  - throughput >= 1/s
  - p95 <= baseline + 10% or + 5ms
  - {fail: success_rate >= baseline - 0.1%, stage: high}
  - errors <= 5
  - show: p99.9
`

// digestOf is how a result names the file that it followed.
func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// writeResults writes results whose times lie round 100 ms, those of the stage
// high round 200 ms, and differ from run to run as told.
func writeResults(t *testing.T, slo string, changes ...float64) {
	t.Helper()
	for i, change := range changes {
		r := &result.Run{
			Version: result.Version, Slogate: "v1.0.0", Name: "iris", SLO: result.SLO{Path: "slo.yaml", Digest: digestOf(slo)},
			Target: "http://localhost:8000", Start: time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC), Seed: uint64(i + 1),
			Stages: []result.Stage{measuredStage("normal", 5, 100*change), measuredStage("high", 20, 200*change)},
		}
		if err := result.WriteFile(fmt.Sprintf("run-%d.json", i+1), r); err != nil {
			t.Fatal(err)
		}
	}
}

func measuredStage(name string, workers int, millis float64) result.Stage {
	random := rand.New(rand.NewPCG(1, 2))
	var times result.Recorder
	for range 1000 {
		times.Record(time.Duration(millis * (0.8 + 0.2*random.Float64()) * float64(time.Millisecond)))
	}
	h := times.Histogram()
	s := result.Stage{
		Name: name, Judged: true, State: result.Completed, Duration: 20 * time.Second,
		Workload: result.Workload{Model: "closed", Requests: 1000, WorkersFrom: workers, WorkersTo: workers},
	}
	s.Counters.Success = 1000
	s.Response, s.OK, s.Service, s.OnTime = h, h, h, h
	return s
}

func suggest(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(t.Context(), append([]string{"suggest"}, args...), os.LookupEnv, &out, &errs)
	return code, out.String(), errs.String()
}

// The whole of what suggest prints; -update writes it. Git takes it as a patch,
// check accepts the patched file, and then there is nothing more to suggest.
func TestSuggest(t *testing.T) {
	golden, err := filepath.Abs("testdata/suggest.txt")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("slo.yaml", []byte(suggestSLO), 0o644); err != nil {
		t.Fatal(err)
	}
	writeResults(t, suggestSLO, 1, 1.04, 0.98, 1.01, 0.96, 1.1, 0.99)
	other, err := result.ReadFile("run-1.json")
	if err != nil {
		t.Fatal(err)
	}
	other.Seed, other.Slogate = 99, "v0.9.0"
	if err := result.WriteFile("old.json", other); err != nil {
		t.Fatal(err)
	}
	code, patch, stderr := suggest(t, ".")
	if code != exitPass {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(patch), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), patch); diff != "" {
		t.Errorf("suggest (-want +got; -update rewrites it):\n%s", diff)
	}
	gitApply(t, patch)
	var out bytes.Buffer
	if code := Main(t.Context(), []string{"check", "slo.yaml"}, os.LookupEnv, &out, &out); code != exitPass {
		t.Errorf("check of the patched file: %s", &out)
	}
	if _, again, _ := suggest(t, "--slo", "slo.yaml", "."); !strings.Contains(again, "# Nothing to change.") {
		t.Errorf("of the patched file: %s", again)
	}
}

// What holds is never made looser, and no bound gives way to the same one.
func TestSuggestions(t *testing.T) {
	const fine, missed = 0, 0.02
	for _, tt := range []struct {
		objective string
		support   gate.Support
		want      string
	}{
		{"p95 <= baseline + 10% or + 5ms", gate.Support{Alarms: fine, Tolerance: 5, Smallest: 0.23}, ""},
		{"p95 <= baseline + 10% or + 5ms", gate.Support{Alarms: missed, Tolerance: 0.1, Smallest: 0.23}, "baseline + 25% or + 5ms"},
		{"p95 <= baseline + 50% or + 5ms", gate.Support{Alarms: fine, Tolerance: 0.5, Smallest: 0.23}, "baseline + 25% or + 5ms"},
		{"p95 <= baseline + 10% or + 90%", gate.Support{Alarms: fine, Tolerance: 0.9, Smallest: 0.23}, ""},
		{"p95 <= baseline + 5ms", gate.Support{Alarms: fine, Tolerance: 5, Smallest: 0.23}, ""},
		{"p95 <= baseline + 5ms", gate.Support{Alarms: missed, Tolerance: 0.1, Smallest: 0.23}, "baseline + 25% or + 5ms"},
		{"p95 <= baseline + 25%", gate.Support{Alarms: missed, Tolerance: 0.25, Smallest: 0.249}, ""},
		{"throughput >= baseline - 25%", gate.Support{Alarms: missed, Tolerance: 0.25, Smallest: 0.249}, ""},
		{"success_rate >= baseline - 1%", gate.Support{Alarms: missed, Tolerance: 0.01, Smallest: 0.0098, Points: true}, ""},
		{"p95 <= 250ms", gate.Support{Alarms: missed, Within: 246_000, Worst: 240_000}, ""},
		{"p95 <= 0.25s", gate.Support{Alarms: missed, Within: 246_000, Worst: 240_000}, ""},
		{"p95 <= 200ms", gate.Support{Alarms: missed, Within: 246_000, Worst: 240_000}, "250ms"},
	} {
		o, err := slo.ParseObjective(tt.objective)
		if err != nil {
			t.Fatal(err)
		}
		tt.support.Objective = o
		if got := suggestions([]gate.Support{tt.support})[0].bound; got != tt.want {
			t.Errorf("%s with %+v: %q, want %q", tt.objective, tt.support, got, tt.want)
		}
	}
}

// gitApply applies a patch in the working directory, which is no repository.
func gitApply(t *testing.T, patch string) {
	t.Helper()
	cmd := exec.Command("git", "apply", "--verbose", "-")
	cmd.Env = revision.Outside(os.Environ())
	cmd.Stdin = strings.NewReader(patch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s%s", err, out, patch)
	}
}

// Where the file is not the measured one, or not here, it is lines to copy,
// which a file takes.
func TestSuggestLines(t *testing.T) {
	for name, test := range map[string]struct {
		file, want string
	}{
		"changed": {strings.Replace(suggestSLO, "version: 1\n", "version: 1\nname: new\n", 1), "# No patch: slo.yaml has changed since the newest result was measured"},
		"gone":    {"", "# No patch: the SLO file slo.yaml is not here; --slo names it."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			writeResults(t, suggestSLO, 1, 1.1)
			if test.file != "" {
				if err := os.WriteFile("slo.yaml", []byte(test.file), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			code, lines, stderr := suggest(t, "run-1.json", "run-2.json")
			if code != exitPass || !strings.Contains(lines, test.want) || strings.Contains(lines, "\n--- ") {
				t.Fatalf("exit code %d: %s%s", code, lines, stderr)
			}
			head, _, _ := strings.Cut(suggestSLO, "# what every stage")
			file, err := slo.Parse([]byte(strings.Replace(head, "    objectives: [{warn: 'p99  <=  300ms'}, p50 <= 2s]   # by hand\n", "", 1)+lines), slo.Options{Path: "slo.yaml"})
			if err != nil {
				t.Fatalf("%v\n%s", err, lines)
			}
			for _, s := range file.Stages {
				if len(s.Objectives) < 3 {
					t.Errorf("%s has %d objectives:\n%s", s.Name, len(s.Objectives), lines)
				}
			}
		})
	}
}

func TestSuggestRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	writeResults(t, suggestSLO, 1)
	if err := os.WriteFile("broken.json", []byte(`{"version": 1, "stages": 7}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("other.yaml", []byte(strings.ReplaceAll(suggestSLO, "normal", "usual")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"read result missing.json: stat missing.json": {"missing.json"},
		"broken.json":                {"run-1.json", "broken.json"},
		"the folder holds no result": {"empty"},
		"read SLO file: open":        {"--slo", "missing.yaml", "run-1.json"},
	} {
		if code, _, stderr := suggest(t, args...); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit code %d, %s; want %s", args, code, stderr, want)
		}
	}
}

// A patch of any lines is what git makes the file of.
func TestUnifiedDiff(t *testing.T) {
	t.Chdir(t.TempDir())
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 40 {
		n := 1 + random.IntN(60)
		var before, after []string
		for i := range n {
			before = append(before, fmt.Sprintf("line %d", i))
			after = append(after, before[i])
			if random.IntN(1+round%12) == 0 {
				after[i] += " changed"
			}
		}
		if round%2 == 0 { // the file ends in a line break
			before, after = append(before, ""), append(after, "")
		}
		if round%3 == 0 {
			for i := range n {
				before[i], after[i] = before[i]+"\r", after[i]+"\r"
			}
		}
		if err := os.MkdirAll("a folder", 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("a folder", "slo.yaml")
		if err := os.WriteFile(path, []byte(strings.Join(before, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		if cmp.Equal(before, after) {
			continue
		}
		gitApply(t, "# not a part of it\n"+unifiedDiff("a folder/slo.yaml", before, after))
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Join(after, "\n"), string(got)); diff != "" {
			t.Fatalf("round %d (-want +got):\n%s", round, diff)
		}
	}
}

// Bounds are replaced where they stand, and nothing else is.
func TestApplyEdits(t *testing.T) {
	const head = "version: 1\ntarget: http://localhost:8000\nscenarios: [{request: GET /}]\nstages: [{name: s, rate: 100/s, duration: 30s}]\n"
	for text, want := range map[string]string{
		"objectives: [p95 <= 450ms, p99 <= 1s]  # p95 <= 450ms": "objectives: [p95 <= NEW, p99 <= NEW]  # p95 <= 450ms",
		"objectives: [\"p95 <= 450ms\", 'p99<=1s']":             "objectives: [\"p95 <= NEW\", 'p99<=NEW']",
		"objectives:\n  - warn: p95  <=   450ms":                "objectives:\n  - warn: p95  <=   NEW",
		"objectives:\r\n- {fail: p95 <= 450ms, stage: s}\r\n":   "objectives:\r\n- {fail: p95 <= NEW, stage: s}\r\n",
		"objectives: [ä, p95 <= 1s]":                            "",
		"objectives: [p95 <= baseline  + 10%]":                  "", // blanks within the bound
		"objectives:\n- p95\n  <= 450ms":                        "", // over two lines
		`objectives: ["p95 \u003c= 1s", p99 <= 1s]`:             "", // escapes
		"objectives: [p95 <= 450ms] # \u2028":                   "",
		"objectives: [p95 <= 450ms] # \x01":                     "",
	} {
		src := head + text
		file, err := slo.Parse([]byte(src), slo.Options{Path: "slo.yaml"})
		if err != nil {
			if want != "" {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		var edits []edit
		for _, o := range file.Stages[0].Objectives {
			if !o.Implicit {
				edits = append(edits, edit{at: o.Pos, objective: o, bound: "NEW"})
			}
		}
		_, after, err := applyEdits([]byte(src), edits)
		if got := strings.TrimPrefix(strings.Join(after, "\n"), head); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q becomes %q, %v; want %q", text, got, err, want)
		}
	}
}

// Edits change the bounds of objectives and nothing else, whatever a file looks
// like: with the bounds that stand there it stays the same, and with others it
// is read as the same file with these.
func FuzzApplyEdits(f *testing.F) {
	const head = "version: 1\ntarget: http://localhost:8000\nscenarios: [{request: GET /}]\nstages: [{name: s, rate: 100/s, duration: 30s}]\n"
	for _, text := range []string{
		"objectives: [p95 <= 450ms, p99 <= 1s]  # p95 <= 450ms", "objectives: [\"p95 <= 450ms\", 'p99<=1s']", "objectives:\r\n- {fail: p95 <= 450ms, stage: s}\r\n",
		"objectives: [ä, p95 <= 1s]", "objectives: [p95 <= baseline  + 10%]", "objectives:\n- p95\n  <= 450ms", "objectives:\n- >-\n  p95 <=\n  1s\n", "objectives: [\"p95 \\u003c= 1s\", &a p99 <= 1s, *a]",
		"objectives: [\"p95 <= 1\\\n  s\"]", "objectives:\n- |\n  p95 <= 1s\n- p95 <= 1s # \u2028",
	} {
		f.Add(head + text)
	}
	f.Fuzz(func(t *testing.T, src string) {
		file, err := slo.Parse([]byte(src), slo.Options{Path: "slo.yaml"})
		if err != nil {
			return
		}
		var same, other []edit
		for _, s := range file.Stages {
			for _, o := range s.Objectives {
				if o.Implicit || o.Cmp == "" || o.Indicator.Unit() != slo.UnitDuration || slices.ContainsFunc(same, func(e edit) bool { return e.at == o.Pos }) {
					continue
				}
				_, bound, _ := strings.Cut(o.Text, string(o.Cmp))
				same = append(same, edit{o.Pos, o, strings.TrimSpace(bound)})
				other = append(other, edit{o.Pos, o, "77ms"})
			}
		}
		before, after, err := applyEdits([]byte(src), same)
		if err != nil {
			return
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("the bounds that stand there change (-before +after):\n%s", diff)
		}
		_, after, err = applyEdits([]byte(src), other)
		if err != nil {
			t.Fatal(err)
		}
		again, err := slo.Parse([]byte(strings.Join(after, "\n")), slo.Options{Path: "slo.yaml"})
		if err != nil {
			t.Fatalf("%q becomes %q: %v", src, after, err)
		}
		for i, s := range file.Stages {
			for k, o := range s.Objectives {
				isEdited := slices.ContainsFunc(other, func(e edit) bool { return e.at == o.Pos })
				if got := again.Stages[i].Objectives[k].Text; !isEdited && got != o.Text || isEdited && !strings.HasSuffix(got, "77ms") {
					t.Errorf("%q of %q becomes %q", o.Text, src, got)
				}
			}
		}
	})
}

// Rounded bounds let more pass, and not much more.
func TestReadable(t *testing.T) {
	for _, c := range []struct {
		unit  slo.Unit
		value float64
		up    bool
		want  string
	}{
		{slo.UnitDuration, 148_200, true, "150ms"},
		{slo.UnitDuration, 150_000, true, "150ms"},
		{slo.UnitDuration, 1_310_000, true, "1400ms"},
		{slo.UnitDuration, 4.31, true, "4.4us"},
		{slo.UnitRate, 49.3, false, "49/s"},
		{slo.UnitRate, 1234, false, "1200/s"},
		{slo.UnitShare, 0.9907, false, "99%"},
		{slo.UnitShare, 0.9983, false, "99.8%"},
		{slo.UnitShare, 0.0012, true, "0.2%"},
		{slo.UnitShare, 0.3, false, ""},
		{slo.UnitScore, 0.857, false, "0.85"},
		{slo.UnitRate, 0, false, ""},
	} {
		got, ok := readable(c.unit, c.value, c.up)
		if text := slo.WriteValue(c.unit, got); ok != (c.want != "") || ok && text != c.want {
			t.Errorf("%v %v is rounded to %s, %v; want %s", c.value, c.unit, text, ok, c.want)
		}
	}
	for change, want := range map[float64]float64{0.231: 0.25, 0.25: 0.25, 0.034: 0.04, 0.101: 0.15} {
		if got := roundedChange(change, false); got != want {
			t.Errorf("%v is rounded to %v, want %v", change, got, want)
		}
	}
	if got := roundedChange(0.00931, true); got != 0.01 {
		t.Errorf("points are rounded to %v", got)
	}
}
