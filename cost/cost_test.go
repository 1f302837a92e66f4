package cost

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

func TestReadingsBetween(t *testing.T) {
	start := time.Now()
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	readings := Readings{
		{At: at(0), CPU: 0, Memory: 100, Throttling: &result.Throttling{}},
		{At: at(1), CPU: 100, Memory: 500, Throttling: &result.Throttling{Periods: 10, Throttled: 4, Waited: 8}},
		{At: at(2), CPU: 300, Memory: 200, Throttling: &result.Throttling{Periods: 20, Throttled: 4, Waited: 8}},
	}
	for _, c := range []struct {
		name     string
		from, to float64
		want     *result.Cost // nil: not covered
	}{
		{"all", 0, 2, &result.Cost{CPU: 300, Span: 2 * time.Second, Memory: 500, Throttling: &result.Throttling{Periods: 20, Throttled: 4, Waited: 8}}},
		{"between readings", 0.5, 1.5, &result.Cost{CPU: 150, Span: time.Second, Memory: 500, Throttling: &result.Throttling{Periods: 10, Throttled: 2, Waited: 4}}},
		{"within one", 1.25, 1.75, &result.Cost{CPU: 100, Span: time.Second / 2, Memory: 425, Throttling: &result.Throttling{Periods: 5}}},
		{"before the first", -1, 1, nil},
		{"after the last", 1, 3, nil},
		{"backwards", 2, 1, nil},
	} {
		got, ok := readings.Between(at(c.from), at(c.to))
		if ok != (c.want != nil) {
			t.Errorf("%s: covered %v", c.name, ok)
		}
		if c.want == nil {
			continue
		}
		if diff := cmp.Diff(*c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// A counter that fell, as no source should let it, is no negative cost.
func TestBetweenIsNeverNegative(t *testing.T) {
	later := Reading{At: time.Now(), CPU: 5, Throttling: &result.Throttling{Periods: 3}}
	earlier := Reading{At: later.At.Add(time.Second), CPU: 2, Throttling: &result.Throttling{}}
	want := result.Cost{Span: time.Second, Throttling: &result.Throttling{}}
	if diff := cmp.Diff(want, Between(later, earlier)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
