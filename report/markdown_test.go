package report

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", path, diff)
	}
}

// sampleRuns has one run for each verdict that a run can end in, and a
// comparison.
func sampleRuns() map[string]*result.Run {
	return map[string]*result.Run{
		"pass":         sampleRun(result.Pass),
		"warn":         sampleRun(result.Warn),
		"fail":         sampleRun(result.Fail),
		"inconclusive": sampleRun(result.Inconclusive),
		"cancelled":    sampleCancelled(),
		"compared":     sampleCompared(),
	}
}

func TestMarkdownGolden(t *testing.T) {
	for name, r := range sampleRuns() {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := Markdown(&b, r); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("markdown", name+".md"), b.String())
		})
	}
}

// The result files of the sample runs: what the command line and the browser
// tests read. Their histograms are compressed, and compressors differ, so that
// the runs in them are compared.
func TestJSONGolden(t *testing.T) {
	runs := sampleRuns()
	runs["hostile"] = filled("<img src=x onerror=alert(1)>\"'|`</script>" + strings.Repeat("W", 700))
	for name, r := range runs {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := JSON(&b, r); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "json", name+".json")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := result.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := result.Decode(strings.NewReader(b.String()))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got; -update rewrites it):\n%s", path, diff)
			}
		})
	}
}
