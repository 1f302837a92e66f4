package report

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

func TestHeadRoom(t *testing.T) {
	if h := NewView(sampleRun(result.Pass)).HeadRoom; h != nil {
		t.Errorf("of a service whose cost is not known: %+v", h)
	}
	r := sampleCosts()
	r.Timeline.Limits = result.ClusterLimits{MaxReplicas: 3, RequestMilli: 100, TargetCPU: 0.5}
	h := NewView(r).HeadRoom
	if h == nil || h.PerRequest != "2.34 ms" || len(h.Rows) != 3 || !h.Replicas {
		t.Fatalf("head-room %+v", h)
	}
	for _, row := range h.Rows {
		if row.Rate == "" || row.Cores == "" || row.Replicas == "" {
			t.Errorf("row %+v", row)
		}
	}
	r.Timeline = nil
	var text strings.Builder
	if err := Markdown(&text, r); err != nil || !strings.Contains(text.String(), "| Load | Requests | Cores |\n") {
		t.Errorf("without replicas: %v, %s", err, text.String())
	}
}

// A failure often costs less than the work does.
func TestHeadRoomOfFailures(t *testing.T) {
	r := sampleCosts()
	for i := range r.Stages {
		c := &r.Stages[i].Counters
		c.BadStatus, c.Success = c.BadStatus+c.Success/2, c.Success-c.Success/2
	}
	if h := NewView(r).HeadRoom; h != nil {
		t.Errorf("of stages that fail half of their requests: %+v", h)
	}
}

func TestReplicasFor(t *testing.T) {
	hpa := result.ClusterLimits{MaxReplicas: 3, RequestMilli: 100, TargetCPU: 0.5, LimitMilli: 200}
	for _, test := range []struct {
		cores  float64
		limits result.ClusterLimits
		want   string
	}{
		{0.001, hpa, "1"},
		{0.1, hpa, "2"},
		{0.101, hpa, "3"},
		{0.5, hpa, "10, above the 3 allowed"},
		{0.5, result.ClusterLimits{LimitMilli: 200}, "3"},
		{0.5, result.ClusterLimits{}, ""},
	} {
		if got := replicasFor(test.cores, test.limits); got != test.want {
			t.Errorf("%g cores take %q replicas, want %q", test.cores, got, test.want)
		}
	}
}

func TestCapacityIsInEveryForm(t *testing.T) {
	tests := map[string]struct {
		found result.Search
		want  string
	}{
		"found":   {result.Search{Capacity: 410, Below: 430}, "410/s met the objectives, 430/s did not."},
		"all":     {result.Search{Capacity: 2000}, "the highest rate of the search, met the objectives"},
		"none":    {result.Search{Below: 50}, "Not even 50/s met the objectives."},
		"unclear": {result.Search{Unclear: "it moved"}, "The capacity could not be told: it moved"},
	}
	for name, test := range tests {
		r := sampleRun(result.Pass)
		test.found.Steps = []result.SearchStep{
			{Rate: 410, Throughput: 409, P95: 80 * time.Millisecond, Success: 1, Met: true, Confirms: true},
			{Rate: 430, Throughput: 402, P95: 800 * time.Millisecond, Success: 1, Reason: "p95 was 800 ms, not under 450 ms", Runs: 2},
		}
		r.Stages[0].Search = &test.found
		for form, write := range map[string]func(io.Writer, *result.Run) error{
			"terminal": func(w io.Writer, r *result.Run) error { return Terminal(w, r, TermOptions{Width: 160}) },
			"markdown": Markdown,
			"page":     HTML,
		} {
			var text strings.Builder
			if err := write(&text, r); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"Capacity: ", test.want, "met; tried once more to confirm it", "not under 450 ms; loaded 2 times, near a bound"} {
				if !strings.Contains(strings.ReplaceAll(text.String(), "\n    ", " "), want) {
					t.Errorf("%s, %s: no %q", name, form, want)
				}
			}
		}
	}
}

// What was measured stands before what it would mean for more load.
func TestCapacityBeforeHeadRoom(t *testing.T) {
	r := sampleCosts()
	r.Stages[0].Search = &result.Search{Capacity: 410, Below: 430}
	var page strings.Builder
	if err := HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	capacity, headRoom := strings.Index(page.String(), "<h2>Capacity"), strings.Index(page.String(), `<h2 id="head-room"`)
	if capacity < 0 || headRoom < capacity {
		t.Errorf("capacity at %d, head-room at %d", capacity, headRoom)
	}
}
