package report

import (
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

func TestProfilesAreInEveryForm(t *testing.T) {
	base := &result.Profile{Samples: 1000, CPU: 10e9, Least: 0.005, Functions: []result.Function{{Name: "main", Cum: 1}, {Name: "serve[go.shape.int]", Flat: 0.40, Cum: 0.40}}}
	head := &result.Profile{Samples: 1200, CPU: 12e9, Least: 0.005, Functions: []result.Function{
		{Name: "main", Cum: 1}, {Name: "serve[go.shape.int]", Flat: 0.55, Cum: 0.55}, {Name: "burn|<b>", Flat: 0.25, Cum: 0.25},
	}}
	empty := &result.Profile{Missing: "GET /debug: status 404"}
	for name, c := range map[string]struct {
		head, base *result.Profile
		want, not  []string
	}{
		"compared": {head, base, []string{"whose share of the CPU time grew", "burn", "≤ 0.5 %", "25 %", "serve[go.shape.int]", "40 %", "55 %", "1 200 samples", "base: 1 000 samples"}, []string{"<b>", "took most"}},
		"the same": {base, base, []string{"No function's share"}, []string{"serve["}},
		"alone":    {head, nil, []string{"took most of the CPU time", "burn", "serve[go.shape.int]", "55 %"}, []string{"<b>", "grew"}},
		"missing":  {empty, base, []string{"Nothing was sampled.", "GET /debug: status 404", "1 000 samples"}, []string{"grew", "took most"}},
	} {
		r := &result.Run{Stages: []result.Stage{{Name: "steady", State: result.Completed, Profile: c.head}}}
		if c.base != nil {
			r.Base = &result.Base{Stages: []result.Stage{{Name: "steady", State: result.Completed, Profile: c.base}}}
		}
		for form, text := range everyForm(t, r) {
			at := strings.Index(text, "CPU profile")
			if at < 0 {
				t.Errorf("%s: %s has no profile:\n%s", name, form, text)
				continue
			}
			part := text[at:min(at+4000, len(text))]
			plain := strings.NewReplacer("&nbsp;", " ", "\u202f", " ", "&#39;", "'", "\n   ", "").Replace(part)
			for _, w := range c.want {
				if !strings.Contains(plain, w) && !strings.Contains(strings.Join(strings.Fields(plain), " "), w) {
					t.Errorf("%s: %s lacks %q:\n%s", name, form, w, part)
				}
			}
			for _, w := range c.not {
				if w == "<b>" && form == "terminal" || w == "<b>" && form == "markdown" {
					continue // a terminal shows it, and Markdown in a code span
				}
				if strings.Contains(plain, w) {
					t.Errorf("%s: %s has %q:\n%s", name, form, w, part)
				}
			}
		}
	}
}
