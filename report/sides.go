package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/slogate/slogate/result"
)

// The sides of a comparison, as every form names them.
const (
	baseSide = "base"
	headSide = "head"
)

// sided is one side of one stage.
type sided struct {
	side string // base or head; empty: the run is no comparison
	*result.Stage
}

// sides lists the stages of a run. Those that base and head took turns in come
// as base's and then head's: what was before stands before what is now.
func sides(r *result.Run) []sided {
	var out []sided
	for i := range r.Stages {
		head := &r.Stages[i]
		if r.Base == nil {
			out = append(out, sided{"", head})
			continue
		}
		if base := r.Base.Stage(head.Name); base != nil {
			out = append(out, sided{baseSide, base})
		}
		out = append(out, sided{headSide, head})
	}
	return out
}

// stagesTogether lists the stages in the order in which they ran, those that ran at
// the same time in one group.
func stagesTogether(r *result.Run) [][]*result.Stage {
	var out [][]*result.Stage
	var end time.Time
	for _, alone := range stagesApart(r) {
		s := alone[0]
		if n := len(out); n > 0 && len(s.Beside) > 0 && s.Start.Before(end) {
			out[n-1] = append(out[n-1], s)
		} else {
			out, end = append(out, alone), time.Time{}
		}
		if done := s.Start.Add(s.Duration); done.After(end) {
			end = done
		}
	}
	return out
}

// stagesApart has a group for every stage.
func stagesApart(r *result.Run) [][]*result.Stage {
	out := make([][]*result.Stage, len(r.Stages))
	for i := range r.Stages {
		out[i] = []*result.Stage{&r.Stages[i]}
	}
	return out
}

// groupName is what the names of stages that ran together begin with:
// mixed/reads and mixed/writes are mixed.
func groupName(group []*result.Stage) string {
	name := group[0].Name
	if len(group) == 1 {
		return name
	}
	for _, s := range group[1:] {
		for !strings.HasPrefix(s.Name, name) {
			name = name[:len(name)-1]
		}
	}
	return name[:max(strings.LastIndexByte(name, '/'), 0)]
}

// comparison says in a sentence what the run was compared with, and what that
// cannot tell: another start of the same program may be a little faster or
// slower.
func comparison(r *result.Run) string {
	if r.Base == nil {
		return ""
	}
	base := "base at " + shorten(r.Base.Target, nameLimit)
	if ref := r.Base.Source.Ref; ref != "" {
		base = "base (" + shorten(ref, nameLimit) + ")"
	}
	compared := "one start of each was compared"
	if n := r.Base.Starts; n > 1 {
		compared = fmt.Sprintf("%d starts of each were compared", n)
	}
	return "Compared with " + base + " in the same run; " + compared + "."
}

// track is a stage's place on the run's time.
type track struct {
	start time.Duration // since the run's start
	head  []result.Slice
	base  []result.Slice // empty: head was loaded alone
	turns bool           // base and head took turns
}

func trackOf(r *result.Run, s *result.Stage) track {
	t := track{start: s.Start.Sub(r.Start), head: s.Slices}
	base := r.Base.Stage(s.Name)
	if base == nil || len(base.Slices) == 0 {
		return t
	}
	t.base = base.Slices
	apart := s.Start.Sub(base.Start).Abs()
	t.turns = apart > base.Slices[0].Width/2 // in a mixed stage both begin at once
	if t.turns {
		t.start = min(t.start, base.Start.Sub(r.Start))
	}
	return t
}

// tracksOf gives those of the stages that have slices, and the time from the
// first one's start to the last one's end.
func tracksOf(r *result.Run, stages []*result.Stage) (tracks []track, from, to time.Duration) {
	from, to = math.MaxInt64, 0
	for _, s := range stages {
		if len(s.Slices) == 0 {
			continue
		}
		t := trackOf(r, s)
		first, last := t.span(0, len(t.head))
		from, to = min(from, first), max(to, last, plus(t.start, s.Duration))
		tracks = append(tracks, t)
	}
	return tracks, from, to
}

// span is where the windows from i up to j lie. Slices of a comparison keep the
// time in which their own side was loaded: while the two take turns, both go
// by.
func (t track) span(i, j int) (from, to time.Duration) {
	from, to = plus(t.start, t.head[i].Offset), plus(t.start, endOf(t.head, j))
	if t.turns {
		from, to = plus(from, endOf(t.base, i)), plus(to, endOf(t.base, j))
	}
	return from, to
}

// plus is the sum of a time and a length, or the latest time where a file has
// them so far apart that there is none.
func plus(at, length time.Duration) time.Duration {
	return at + min(length, math.MaxInt64-max(at, 0))
}

// endOf is the end of the first n slices.
func endOf(list []result.Slice, n int) time.Duration {
	n = min(n, len(list))
	if n == 0 {
		return 0
	}
	return list[n-1].Offset + list[n-1].Width
}

// windows are base's slices from i up to j, as far as there are any.
func (t track) windows(i, j int) []result.Slice {
	return t.base[min(i, len(t.base)):min(j, len(t.base))]
}
