package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// Profile is where a service spent its CPU time in a stage: in a comparison the
// functions whose share grew, else those with the most.
type Profile struct {
	Stage    Text
	Known    bool // something was sampled, in a comparison on both sides
	Compared bool
	Of       Text // how much was sampled, or why there is no profile
	Rows     []ProfileRow
}

// ProfileRow is one function. Flat is its own share of the CPU time, cum that
// with what it calls.
type ProfileRow struct {
	Name             Text
	FlatBefore, Flat string
	CumBefore, Cum   string
}

// profileRows is how many functions a table names. All are in the result file.
const profileRows = 10

func (b builder) profiles() []Profile {
	var out []Profile
	for i := range b.run.Stages {
		s := &b.run.Stages[i]
		if s.Profile == nil {
			continue
		}
		p := Profile{Stage: b.name(s.Name), Of: b.sentence(sampled(s.Profile)), Known: s.Profile.Samples > 0}
		base := b.run.Base.Stage(s.Name)
		switch {
		case base != nil && base.Profile != nil:
			p.Compared, p.Known = true, p.Known && base.Profile.Samples > 0
			p.Of = b.sentence("head: " + sampled(s.Profile) + "; base: " + sampled(base.Profile))
			p.Rows = b.grown(s.Profile.Grown(base.Profile))
		default:
			p.Rows = b.hottest(s.Profile.Functions)
		}
		out = append(out, p)
	}
	return out
}

func sampled(p *result.Profile) string {
	if p.Missing != "" {
		return p.Missing
	}
	return fmt.Sprintf("%s of %s of CPU time", plural(int(p.Samples), "sample"), quantity.Duration(p.CPU))
}

func (b builder) grown(list []result.Growth) []ProfileRow {
	var rows []ProfileRow
	for _, g := range list[:min(len(list), profileRows)] {
		row := ProfileRow{Name: b.name(g.Name), FlatBefore: quantity.Share(g.FlatBefore), Flat: quantity.Share(g.Flat), CumBefore: quantity.Share(g.CumBefore), Cum: quantity.Share(g.Cum)}
		if g.New {
			row.FlatBefore, row.CumBefore = "≤ "+row.FlatBefore, "≤ "+row.CumBefore
		}
		rows = append(rows, row)
	}
	return rows
}

// hottest are the functions that take most CPU time themselves.
func (b builder) hottest(list []result.Function) []ProfileRow {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b result.Function) int {
		return cmp.Or(cmp.Compare(b.Flat, a.Flat), cmp.Compare(b.Cum, a.Cum), cmp.Compare(a.Name, b.Name))
	})
	var rows []ProfileRow
	for _, f := range list[:min(len(list), profileRows)] {
		rows = append(rows, ProfileRow{Name: b.name(f.Name), Flat: quantity.Share(f.Flat), Cum: quantity.Share(f.Cum)})
	}
	return rows
}

// Caption says what the rows are.
func (p Profile) Caption() string {
	switch {
	case !p.Known:
		return "Nothing was sampled."
	case !p.Compared:
		return "The functions that took most of the CPU time."
	case len(p.Rows) > 0:
		return "The functions whose share of the CPU time grew from base to head by more than sampling explains."
	}
	return "No function's share of the CPU time grew from base to head by more than sampling explains."
}
