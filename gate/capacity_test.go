package gate

import (
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

func searching(found *result.Search) *result.Stage {
	s := steadyStage("limit", 1000, 10*time.Millisecond)
	s.Workload.Search, s.Search = true, found
	return s
}

// steadyStage answers every request in the same time.
func steadyStage(name string, n int, takes time.Duration) *result.Stage {
	var r result.Recorder
	for range n {
		r.Record(takes)
	}
	s := &result.Stage{Name: name, Judged: true, State: result.Completed, Duration: 30 * time.Second}
	s.Counters.Success = int64(n)
	s.Response = r.Histogram()
	s.OK, s.Service, s.OnTime = s.Response, s.Response, s.Response
	return s
}

func parsedSearch(t *testing.T, objectives string) *slo.File {
	t.Helper()
	file, err := slo.Parse([]byte(`version: 1
target: http://localhost:1
scenarios: [{request: GET /}]
stages: [{name: limit, search: 50/s..2000/s}]
objectives: [`+objectives+`]
`), slo.Options{Path: "slo.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCapacityIsJudged(t *testing.T) {
	file := parsedSearch(t, "p95 <= 100ms, capacity >= 400/s")
	tests := map[string]struct {
		found  *result.Search
		want   result.Verdict
		reason string
	}{
		"enough":       {&result.Search{Capacity: 410, Below: 430}, result.Pass, ""},
		"equal":        {&result.Search{Capacity: 400, Below: 420}, result.Pass, "near the bound: a search tells rates apart by 5 %"},
		"too little":   {&result.Search{Capacity: 390, Below: 410}, result.Fail, "near the bound: a search tells rates apart by 5 %"},
		"none":         {&result.Search{Below: 50}, result.Fail, ""},
		"the top":      {&result.Search{Capacity: 2000}, result.Pass, ""},
		"unclear":      {&result.Search{Below: 50, Unclear: "it moved"}, result.Inconclusive, "it moved"},
		"not searched": {nil, result.Inconclusive, "the search did not come to an end"},
	}
	for name, test := range tests {
		j := Judge(file, &result.Run{Stages: []result.Stage{*searching(test.found)}}, Options{})
		for _, o := range j.Objectives {
			if o.Indicator == "capacity" && (o.Verdict != test.want || o.Reason != test.reason) {
				t.Errorf("%s: %s (%s), want %s (%s)", name, o.Verdict, o.Reason, test.want, test.reason)
			}
		}
	}
}

func TestCapacityAgainstEarlierResults(t *testing.T) {
	file := parsedSearch(t, "p95 <= 100ms, capacity >= baseline - 10%")
	var earlier []*result.Run
	for i, capacity := range []float64{820, 800, 840, 810, 830, 820, 815} {
		earlier = append(earlier, &result.Run{Seed: uint64(i), Start: time.Unix(int64(i), 0), Stages: []result.Stage{*searching(&result.Search{Capacity: capacity, Below: capacity * 1.05})}})
	}
	for capacity, want := range map[float64]result.Verdict{810: result.Pass, 610: result.Fail} {
		now := &result.Run{Start: time.Unix(100, 0), Stages: []result.Stage{*searching(&result.Search{Capacity: capacity, Below: capacity * 1.05})}}
		j := Judge(file, now, Options{Baseline: earlier})
		for _, o := range j.Objectives {
			if o.Indicator == "capacity" && o.Verdict != want {
				t.Errorf("capacity %g after 820/s is %s (%s), want %s", capacity, o.Verdict, o.Reason, want)
			}
		}
	}
}

// Of a stage whose target never answered nothing is known, no capacity either.
func TestCapacityOfATargetThatNeverAnswered(t *testing.T) {
	var p population
	for i := range 1000 {
		p.add(time.Duration(i)*10*time.Millisecond, time.Millisecond, result.Refused)
	}
	s := p.stage("limit", 10*time.Second)
	s.State, s.Search = result.Dead, &result.Search{Below: 50}
	for _, o := range judge(parsedSearch(t, "p95 <= 100ms, capacity >= 400/s"), s).Objectives {
		if o.Verdict != result.Inconclusive || o.Reason != "the target never answered" {
			t.Errorf("%s: %s (%s)", o.Text, o.Verdict, o.Reason)
		}
	}
}

// A lower rate has less of everything that is counted: what asks for much says
// nothing of the service, what asks for little does.
func TestHoldsWithoutWhatAsksForMuch(t *testing.T) {
	stage := steadyStage("limit", 1000, 10*time.Millisecond)
	stage.Counters.Refused = 1
	for objective, want := range map[string]result.Verdict{
		"throughput >= 100/s":           result.Pass,
		"goodput > 100/s":               result.Pass,
		"requests >= 5000":              result.Pass,
		"requests == 5000":              result.Pass,
		"iteration.throughput >= 100/s": result.Pass,
		"bytes_in >= 1GB":               result.Pass,
		"cpu >= 2":                      result.Pass,
		"errors <= 1":                   result.Pass,
		"errors <= 0":                   result.Fail,
		"errors == 0":                   result.Fail,
		"requests <= 500":               result.Fail,
	} {
		plan := parsedSearch(t, "p95 <= 100ms, '"+objective+"'").Stages[0]
		if got := Holds(plan, stage); got.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", objective, got.Verdict, got.Reason, want)
		}
	}
}

// What a Prometheus server says is known after the run: a search does not look
// at it.
func TestHoldsWithoutMetrics(t *testing.T) {
	file, err := slo.Parse([]byte(`version: 1
target: http://localhost:1
scenarios: [{request: GET /}]
metrics: {prometheus: {url: "http://localhost:9090", queries: {cpu: up}}}
stages: [{name: limit, search: 50/s..2000/s}]
objectives: [p95 <= 100ms, metric.cpu <= 0.8]
`), slo.Options{Path: "slo.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	if got := Holds(file.Stages[0], steadyStage("limit", 1000, 10*time.Millisecond)); got.Verdict != result.Pass {
		t.Errorf("%s (%s), want pass", got.Verdict, got.Reason)
	}
}

func TestHolds(t *testing.T) {
	plan := parsedSearch(t, "p95 <= 100ms, success_rate >= 98%, capacity >= 400/s").Stages[0]
	fine := steadyStage("limit", 1000, 10*time.Millisecond)
	slow := steadyStage("limit", 1000, 200*time.Millisecond)
	few := steadyStage("limit", 10, 10*time.Millisecond)
	unsent := steadyStage("limit", 1000, 10*time.Millisecond)
	unsent.Counters.Success, unsent.Counters.Unsent = 970, 30
	late := steadyStage("limit", 1000, 10*time.Millisecond)
	late.Counters.Success, late.Counters.Unsent, late.Generator.UnsentOwn = 970, 30, 30
	late.InFlight = []int{1, 2, 4, 8, 16}
	piling := steadyStage("limit", 1000, 10*time.Millisecond)
	piling.InFlight = []int{1, 2, 4, 8, 16}
	standing := steadyStage("limit", 1000, 10*time.Millisecond)
	standing.InFlight = []int{9, 9, 9, 9, 16}
	tests := map[string]struct {
		stage  *result.Stage
		want   result.Verdict
		reason string
	}{
		"fine":     {fine, result.Pass, ""},
		"slow":     {slow, result.Fail, "p95 was 200 ms, not <= 100 ms"},
		"few":      {few, result.Inconclusive, "p95 <= 100ms: too few requests: p95 needs 100, there were 10"},
		"unsent":   {unsent, result.Fail, "success_rate was 97 %, not >= 98 %"},
		"left":     {late, result.Inconclusive, "generator limited: it left 3 % of the due requests unsent; lower the rate or give slogate more CPU"},
		"piling":   {piling, result.Fail, "requests piled up: 4 were in flight in the middle, 16 at the end"},
		"standing": {standing, result.Pass, ""},
	}
	for name, test := range tests {
		if got := Holds(plan, test.stage); got.Verdict != test.want || got.Reason != test.reason {
			t.Errorf("%s: %s (%s), want %s (%s)", name, got.Verdict, got.Reason, test.want, test.reason)
		}
	}
}
