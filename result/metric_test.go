package result

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func points(values ...float64) []MetricPoint {
	var out []MetricPoint
	for i, v := range values {
		out = append(out, MetricPoint{At: time.Duration(i) * time.Second, Value: v})
	}
	return out
}

func TestMetricStatistics(t *testing.T) {
	type values struct{ Mean, Min, Max, Last float64 }
	for name, c := range map[string]struct {
		metric *Metric
		want   values
		known  bool
	}{
		"several":   {&Metric{Points: points(3, -1, 4)}, values{2, -1, 4, 4}, true},
		"equal":     {&Metric{Points: points(0.1, 0.1, 0.1, 0.1, 0.1, 0.1)}, values{0.1, 0.1, 0.1, 0.1}, true},
		"very much": {&Metric{Points: points(math.MaxFloat64, math.MaxFloat64)}, values{math.MaxFloat64, math.MaxFloat64, math.MaxFloat64, math.MaxFloat64}, true},
		"none":      {&Metric{}, values{}, false},
		"not asked": {nil, values{}, false},
	} {
		var got values
		for _, s := range []struct {
			into *float64
			of   func() (float64, bool)
		}{{&got.Mean, c.metric.Mean}, {&got.Min, c.metric.Min}, {&got.Max, c.metric.Max}, {&got.Last, c.metric.Last}} {
			v, ok := s.of()
			if *s.into = v; ok != c.known {
				t.Errorf("%s: known %v, want %v", name, ok, c.known)
			}
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestAppendKeepsWhenAStageWasLoaded(t *testing.T) {
	first, second := Loaded{began, began.Add(time.Second)}, Loaded{began.Add(time.Minute), began.Add(2 * time.Minute)}
	a, b := &Stage{Loaded: []Loaded{first}}, &Stage{Loaded: []Loaded{second}}
	if diff := cmp.Diff([]Loaded{first, second}, Append(a, b).Loaded); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The shards of a stage begin together: it was loaded until the last one ended.
func TestMergeKeepsTheLongestLoad(t *testing.T) {
	short, long := []Loaded{{began, began.Add(time.Second)}}, []Loaded{{began, began.Add(2 * time.Second)}}
	for _, pair := range [][2][]Loaded{{short, long}, {long, short}, {nil, long}, {long, nil}} {
		if diff := cmp.Diff(long, mergeLoaded(pair[0], pair[1])); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestReadRefusesMetrics(t *testing.T) {
	for name, c := range map[string]struct {
		stage Stage
		err   string
	}{
		"more than asked": {Stage{Metrics: []Metric{{Name: "cpu", Asked: 1, Points: points(1, 2)}}}, "2 values of 1 moments"},
		"no order":        {Stage{Metrics: []Metric{{Name: "cpu", Asked: 2, Points: []MetricPoint{{At: 5}, {At: 5}}}}}, "does not follow"},
		"twice":           {Stage{Metrics: []Metric{{Name: "cpu"}, {Name: "cpu"}}}, "is there twice"},
		"before":          {Stage{Metrics: []Metric{{Name: "cpu", Asked: 1, Points: []MetricPoint{{At: -1}}}}}, "out of range"},
		"infinite":        {Stage{Metrics: []Metric{{Name: "cpu", Asked: 1, Points: points(math.Inf(1))}}}, "no finite number"},
		"backwards":       {Stage{Loaded: []Loaded{{began.Add(time.Second), began}}}, "in no order"},
	} {
		c.stage.Workload.Model, c.stage.State = "open", Completed
		if err := new(tally).checkStage(&c.stage); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
	}
}

// Which of two answers is kept does not hang on their order.
func TestMergeMetrics(t *testing.T) {
	whole, part := Metric{Name: "cpu", Asked: 3, Points: points(1, 2, 3)}, Metric{Name: "cpu", Asked: 3, Points: points(1, 2)}
	lost := Metric{Name: "cpu", Missing: "refused"}
	for _, pair := range [][2][]Metric{{{whole}, {part}}, {{lost}, {whole}}, {{whole}, nil}} {
		for _, got := range [][]Metric{mergeMetrics(pair[0], pair[1]), mergeMetrics(pair[1], pair[0])} {
			if diff := cmp.Diff([]Metric{whole}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
}

// Checking many metrics takes a time that grows with them, not with their square.
func TestManyMetricsAreChecked(t *testing.T) {
	all := make([]Metric, 1<<18)
	for i := range all {
		all[i].Name = fmt.Sprint("metric ", i)
	}
	start := time.Now()
	if err := checkMetrics(all); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if err := checkMetrics(append(all, all[7])); err == nil {
		t.Error("a name that is there twice was taken")
	}
}
