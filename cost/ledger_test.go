package cost

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLedger(t *testing.T) {
	type step []task
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
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
		{
			"a grandchild that ends with its parent counts once",
			[]step{
				{{pid: 1, children: ms(500)}, {pid: 2, parent: 1, own: ms(20)}, {pid: 3, parent: 2, own: ms(50), children: ms(10)}},
				{{pid: 1, children: ms(500)}, {pid: 2, parent: 1, own: ms(23)}, {pid: 3, parent: 2, own: ms(52), children: ms(10)}},
				{{pid: 1, children: ms(590)}}, // of which 85 were known
			},
			[]time.Duration{0, ms(5), ms(10)},
		},
		{
			"its time is read a little short",
			[]step{
				{{pid: 1}, {pid: 2, parent: 1}, {pid: 3, parent: 2}, {pid: 4, parent: 3}},
				{{pid: 1}, {pid: 2, parent: 1, own: ms(37)}, {pid: 3, parent: 2, own: ms(58)}, {pid: 4, parent: 3, own: ms(69)}},
				{{pid: 1, children: ms(160)}},
			},
			[]time.Duration{0, ms(164), ms(164)},
		},
		{
			"a grandchild that nobody waited for takes nothing away",
			[]step{
				{{pid: 1}, {pid: 2, parent: 1, own: ms(20)}, {pid: 3, parent: 2, own: ms(500)}},
				{{pid: 1, children: ms(25)}},
			},
			[]time.Duration{0, ms(5)},
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
