//go:build linux

package main

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// What the peers print was recorded from real runs.
func TestPeersReports(t *testing.T) {
	tests := map[string]struct {
		parse func(string) (float64, error)
		want  float64
	}{
		"wrk.txt":     {parseWrk, 205998},
		"fortio.json": {parseFortio, 100},
		"vegeta.json": {parseVegeta, 100},
		"hey.txt":     {parseHey, 100},
		"k6.json":     {func(s string) (float64, error) { return parseK6([]byte(s)) }, 101},
	}
	for file, test := range tests {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := test.parse(string(text)); n != test.want || err != nil {
			t.Errorf("%s: %v, %v", file, n, err)
		}
		if n, err := test.parse("{}"); err == nil {
			t.Errorf("%s: nothing is read as %v", file, n)
		}
	}
}

func TestCompare(t *testing.T) {
	a := map[int]float64{0: 2, 1: 4, 2: 6, 3: 100}
	b := map[int]float64{0: 1, 1: 2, 2: 3}
	e, ok := compare(a, b)
	if !ok || e.value != 2 || e.rounds != 3 {
		t.Errorf("ratio %+v, of the three rounds that have both", e)
	}
	// Rounds of which each has the same ratio may be drawn in any way.
	if c, _ := compare(map[int]float64{0: 2, 1: 2}, map[int]float64{0: 1, 1: 1}); c.low != 2 || c.high != 2 {
		t.Errorf("interval %v to %v of rounds without spread", c.low, c.high)
	}
	if e, _ := compare(a, nil); e.value != 5 || e.low < 2 || e.high > 100 || e.low > e.value || e.high < e.value {
		t.Errorf("median %+v", e)
	}
	if _, ok := compare(nil, nil); ok {
		t.Error("an estimate of nothing")
	}
}

func TestQuantileIsOfRank(t *testing.T) {
	values := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for q, want := range map[float64]float64{0: 1, 0.1: 1, 0.11: 2, 0.5: 5, 0.9: 9, 0.99: 10, 1: 10} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if !math.IsNaN(quantile(nil, 0.5)) {
		t.Error("a quantile of nothing")
	}
}

// The service stands still for the last second of ten: requests that come then
// wait for its end.
func TestTruthOfStalls(t *testing.T) {
	times := dueTimes(0, 500, 20)
	if len(times) != 10_000 || times[0] != 1 || times[4499] != 1 || times[4500] != 1001 || times[4999] != 3 || times[5000] != 1 {
		t.Errorf("%d times: %v %v %v %v", len(times), times[4499], times[4500], times[4999], times[5000])
	}
	if late := dueTimes(9500*time.Millisecond, 500, 1); late[0] != 501 || late[250] != 1 {
		t.Errorf("from the middle of a stall: %v %v", late[0], late[250])
	}
}

func TestErrorsAgainstTheTruth(t *testing.T) {
	var r result.Recorder
	for i := range 1000 {
		r.Record(time.Duration(i+1) * time.Millisecond)
	}
	truth := make([]float64, 1000)
	for i := range truth {
		truth[i] = float64(i+1) / 1.1
	}
	got := compareTimes(r.Histogram(), truth, 500, 999)
	for _, name := range []string{"p50", "p99.9", "worst"} {
		if got[name] < 9.9 || got[name] > 10.2 {
			t.Errorf("%s is off by %v %%, want 10", name, got[name])
		}
	}
	if errorOf(1.4, 1) != 0 || errorOf(3, 2) != 50 {
		t.Error("errors of less than half a millisecond count")
	}
}

func TestEveryFigureIsMeasured(t *testing.T) {
	for _, f := range figures {
		i := slices.IndexFunc(allCells, func(c cell) bool { return c.name == f.cell })
		if i < 0 {
			t.Errorf("%s: there is no cell %q", f.what, f.cell)
			continue
		}
		for _, tool := range []string{f.tool, f.against} {
			if tool != "" && !slices.Contains(allCells[i].tools, tool) {
				t.Errorf("%s: cell %s has no %q", f.what, f.cell, tool)
			}
		}
	}
}

func TestRotationMeasuresEveryTool(t *testing.T) {
	tools := []string{"a", "b", "c"}
	if got := strings.Join(rotated(tools, 4), ""); got != "bca" {
		t.Errorf("round 4 goes %s", got)
	}
	if tools[0] != "a" {
		t.Error("the list itself was turned")
	}
}

func TestWrite(t *testing.T) {
	data := results{}
	for round := range 3 {
		off := float64(round) / 10
		data.add("closed64", "slogate", round, sample{"cpu": 4 + off, "user": 0.5, "rate": 200_000})
		data.add("closed64", "wrk", round, sample{"cpu": 5 + off, "user": 0.6, "rate": 180_000})
		data.add("memory", "slogate", round, sample{"peak": 21 + off, "connections": 2010})
		data.add("stall", "slogate", round, sample{"worst": 1.5, "lost": 0})
	}
	got := write(data, "- Machine: a test\n", settings{rounds: 3}, allCells)
	path := filepath.Join("testdata", "results.md")
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
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
