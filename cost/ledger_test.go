package cost

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLedger(t *testing.T) {
	type step []task
	for _, c := range []struct {
		name  string
		steps []step
		want  []time.Duration
	}{
		{
			"what was used before does not count",
			[]step{{{pid: 1, own: 100}}, {{pid: 1, own: 107}}},
			[]time.Duration{0, 7},
		},
		{
			"a new child has used all of its time since",
			[]step{{{pid: 1, own: 100}}, {{pid: 1, own: 100}, {pid: 2, parent: 1, own: 30, children: 4}}},
			[]time.Duration{0, 34},
		},
		{
			"a child that is waited for counts once",
			[]step{
				{{pid: 1}, {pid: 2, parent: 1, own: 50}},
				{{pid: 1}, {pid: 2, parent: 1, own: 60}},
				{{pid: 1, children: 63}},
			},
			[]time.Duration{0, 10, 13},
		},
		{
			"a child that came and went in between",
			[]step{{{pid: 1, children: 500}}, {{pid: 1, children: 520}}},
			[]time.Duration{0, 20},
		},
		{
			"a child that nobody waited for keeps what was counted",
			[]step{
				{{pid: 1, children: 500}, {pid: 2, parent: 1, own: 50}},
				{{pid: 1, children: 500}, {pid: 2, parent: 1, own: 80}},
				{{pid: 1, own: 5, children: 500}},
			},
			[]time.Duration{0, 30, 35},
		},
		{
			"another process with the number of one that ended",
			[]step{{{pid: 1}, {pid: 2, parent: 1, born: 7, own: 50}}, {{pid: 1, children: 50}, {pid: 2, parent: 1, born: 9, own: 3}}},
			[]time.Duration{0, 3},
		},
		{
			"the whole service is started anew",
			[]step{{{pid: 1, born: 1, own: 50}}, {{pid: 8, born: 2, own: 4}}},
			[]time.Duration{0, 4},
		},
	} {
		var l ledger
		var got []time.Duration
		for _, s := range c.steps {
			got = append(got, l.advance(s))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
