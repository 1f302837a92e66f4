package report

import (
	"encoding/csv"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

// sampleMetrics is the sample run with a metric in its last two stages, which
// in the last one cannot be judged.
func sampleMetrics() *result.Run {
	r := sampleRun(result.Pass)
	for i := range r.Stages[1:] {
		m := result.Metric{Name: "queue", Every: time.Second, Asked: 4}
		for n := range 4 {
			m.Points = append(m.Points, result.MetricPoint{At: time.Duration(n) * time.Second, Value: float64(2 + 3*n)})
		}
		r.Stages[i+1].Metrics = []result.Metric{m}
	}
	last := &r.Stages[len(r.Stages)-1].Metrics[0]
	*last = result.Metric{Name: "queue", Missing: "the query gives 3 series"}
	return r
}

func TestMetricsAreInEveryForm(t *testing.T) {
	r := sampleMetrics()
	forms := everyForm(t, r)
	var table, metrics strings.Builder
	if err := errors.Join(CSV(&table, r), OpenMetrics(&metrics, r)); err != nil {
		t.Fatal(err)
	}
	forms["csv"], forms["openmetrics"] = table.String(), metrics.String()
	for name, want := range map[string][]string{
		"terminal":    {"Metrics", "queue", "6.5    2", "▂▄▆█", "queue in extreme: the query gives 3 series"},
		"markdown":    {"### Metrics", "queue", "6.5 | 2 | 11 | 11 | ▂▄▆█", "the query gives 3 series"},
		"page":        {`<h2 id="metrics">`, "queue over time", "the query gives 3 series"},
		"openmetrics": {`metric="queue",statistic="mean"} 6.5`, `metric="queue",statistic="last"} 11`},
	} {
		text, known := forms[name]
		if !known {
			t.Fatalf("there is no form %s", name)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %q:\n%s", name, w, text)
			}
		}
	}
	rows, err := csv.NewReader(strings.NewReader(forms["csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		if last := row[len(row)-1]; last != "" {
			got = append(got, last)
		}
	}
	if diff := cmp.Diff([]string{"metric.queue", "2", "5", "8", "11"}, got); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
}

// A chart has a gap between two stages, and no more points than are seen.
func TestMetricChart(t *testing.T) {
	var long []result.MetricPoint
	for i := range 5000 {
		long = append(long, result.MetricPoint{At: time.Duration(i) * time.Second, Value: 1})
	}
	r := sampleMetrics()
	r.Stages[2].Metrics[0] = result.Metric{Name: "queue", Points: long}
	c := metricCharts(r)
	if len(c) != 1 || len(c[0].At) != len(c[0].Line) || len(c[0].At) > timePoints+3 {
		t.Fatalf("%d charts: %+v", len(c), c)
	}
	text, _ := c[0].Line.MarshalJSON()
	if want := "[2,5,8,11,null,1,"; !strings.HasPrefix(string(text), want) {
		t.Errorf("%.40s, want %s", text, want)
	}
}
