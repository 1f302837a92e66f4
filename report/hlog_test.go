package report

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/slogate/slogate/result"
)

func hlogText(t testing.TB, r *result.Run) string {
	t.Helper()
	var b strings.Builder
	if err := HLog(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHLogGolden(t *testing.T) {
	for name, r := range sampleRuns() {
		t.Run(name, func(t *testing.T) {
			// Compressors differ between versions of Go; what they make is read back below.
			text := regexp.MustCompile(`,HISTFAAA.*`).ReplaceAllString(hlogText(t, r), ",HISTFAAA")
			golden(t, filepath.Join("hlog", name+".hlog"), text)
		})
	}
}

// HdrHistogram's own reader finds every slice of every stage again.
func TestHLogReadsBack(t *testing.T) {
	r := sampleRun(result.Fail)
	reader := hdrhistogram.NewHistogramLogReader(strings.NewReader(hlogText(t, r)))
	for _, s := range r.Stages {
		var all int64
		for range s.Slices {
			h, err := reader.NextIntervalHistogram()
			if err != nil {
				t.Fatal(err)
			}
			if h == nil || h.Tag() != s.Name {
				t.Fatalf("the interval is %v, want one of stage %s", h, s.Name)
			}
			all += h.TotalCount()
		}
		if all != s.Response.Total() {
			t.Errorf("stage %s has %d values in the log, %d in the result", s.Name, all, s.Response.Total())
		}
	}
	if h, err := reader.NextIntervalHistogram(); h != nil || err != nil {
		t.Errorf("after the last slice there is %v, %v", h, err)
	}
}

func TestHLogInterval(t *testing.T) {
	r := sampleRun(result.Pass)
	r.Stages = r.Stages[1:2]
	r.Stages[0].Slices = nil
	reader := hdrhistogram.NewHistogramLogReader(strings.NewReader(hlogText(t, r)))
	h, err := reader.NextIntervalHistogram()
	if err != nil {
		t.Fatal(err)
	}
	if got := time.UnixMilli(h.StartTimeMs()).Sub(r.Start); got.Round(time.Millisecond) != 7*time.Second {
		t.Errorf("the stage starts %v after the run, want 7s", got)
	}
	want, _ := r.Stages[0].Response.Quantile(95, 100)
	if got := time.Duration(h.ValueAtQuantile(95)) * time.Microsecond; got != want {
		t.Errorf("p95 is %v in the log, %v in the result", got, want)
	}
}

func TestLogTag(t *testing.T) {
	for in, want := range map[string]string{
		"stairs/50":  "stairs/50",
		"a,b c\nd\"": "a_b_c_d_",
		"":           "_",
		"größer":     "größer",
		"\xff":       "_",
	} {
		if got := logTag(in); got != want {
			t.Errorf("logTag(%q) = %q, want %q", in, got, want)
		}
	}
}
