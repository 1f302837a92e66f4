package result

import (
	"testing"
	"time"
)

func TestWithoutSlowest(t *testing.T) {
	var r Recorder
	for _, d := range []time.Duration{time.Millisecond, time.Millisecond, 3 * time.Millisecond, time.Second} {
		r.Record(d)
	}
	all := r.Histogram()
	for n, want := range []time.Duration{time.Second, 3 * time.Millisecond, time.Millisecond, time.Millisecond} {
		rest := all.WithoutSlowest(int64(n))
		got, ok := rest.Max()
		if want = Equivalent(want); !ok || got != want || rest.Total() != int64(4-n) {
			t.Errorf("without %d: %d values up to %v, want up to %v", n, rest.Total(), got, want)
		}
	}
	for _, n := range []int64{4, 5} {
		if rest := all.WithoutSlowest(n); !rest.Equal(Histogram{}) {
			t.Errorf("without %d: %d values", n, rest.Total())
		}
	}
}
