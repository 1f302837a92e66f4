package gate

import (
	"slices"

	"github.com/slogate/slogate/slo"
)

// besideJudged reports whether a stage is part of the load under which another
// one is judged.
func besideJudged(s slo.Stage, all []slo.Stage) bool {
	return s.Parallel != "" && slices.ContainsFunc(all, func(other slo.Stage) bool { return other.Judge && other.Parallel == s.Parallel })
}

// beside compares what a stage is loaded with that is not judged itself.
func (l *loosenings) beside(base, head *slo.File, b slo.Stage) {
	i := slices.IndexFunc(head.Stages, func(h slo.Stage) bool { return h.Name == b.Name })
	if i < 0 {
		l.add(b.Name, "the stage", removed)
		return
	}
	h := head.Stages[i]
	if lighter(b.Workload, h.Workload) {
		l.add(b.Name, load(b.Workload), load(h.Workload))
	}
	l.shares(base.In(b), head, h)
}
