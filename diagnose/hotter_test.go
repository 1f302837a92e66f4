package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// profiled is a stage with a profile of so many samples, of which a part is in
// burn, and requests of so much CPU time each.
func profiled(burn float64, each time.Duration) result.Stage {
	s := result.Stage{Name: "steady", Judged: true, State: result.Completed, Duration: time.Minute, Workload: result.Workload{Model: "closed", WorkersFrom: 1, WorkersTo: 1}}
	s.Counters.Success = 1000
	if each > 0 {
		s.Cost = &result.Cost{CPU: 1000 * each, Span: time.Minute}
	}
	s.Profile = &result.Profile{Samples: 1000, Least: 0.005, Functions: []result.Function{
		{Name: "main", Cum: 1}, {Name: "burn", Flat: burn, Cum: burn}, {Name: "serve", Flat: 1 - burn, Cum: 1},
	}}
	return s
}

func TestHotterFunction(t *testing.T) {
	for name, c := range map[string]struct {
		base, head result.Stage
		title      string // empty: no finding
		note       bool
	}{
		"a request costs more, too": {profiled(0.02, ms), profiled(0.31, 2*ms), "head spends more of its CPU time in burn: 31 %, 2 % in base", false},
		"a share alone":             {profiled(0.02, ms), profiled(0.31, ms), "head spends more of its CPU time in burn: 31 %, 2 % in base", true},
		"the cost is not known":     {profiled(0.02, 0), profiled(0.31, 0), "head spends more of its CPU time in burn: 31 %, 2 % in base", true},
		"it is new":                 {changed(profiled(0, ms), func(s *result.Stage) { s.Profile.Functions = s.Profile.Functions[:1] }), profiled(0.31, ms), "head spends more of its CPU time in serve: 69 %, less than 0.5 % in base", true},
		"the same":                  {profiled(0.02, ms), profiled(0.025, 2*ms), "", false},
		"no profile of base":        {result.Stage{Name: "steady"}, profiled(0.31, ms), "", false},
	} {
		r := &result.Run{Stages: []result.Stage{c.head}, Base: &result.Base{Stages: []result.Stage{c.base}}}
		var got []result.Finding
		for _, f := range Find(r) {
			if f.Rule == "hotter-function" {
				got = append(got, f)
			}
		}
		switch {
		case c.title == "" && len(got) == 0:
		case c.title == "" || len(got) != 1 || got[0].Title != c.title || got[0].Note != c.note || !strings.Contains(got[0].Evidence[0], "1000"):
			t.Errorf("%s: %+v, want %q, note %v", name, got, c.title, c.note)
		}
	}
}
