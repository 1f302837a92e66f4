package run

import (
	"context"
	"fmt"
	"time"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Comparer loads base and head with the same stage, in turn.
type Comparer interface {
	Run(ctx context.Context, stage slo.Stage, turns loader.Turns) (base, head *result.Stage)
	// Snapshot returns what head has measured so far in the running stage, nil
	// between stages.
	Snapshot() *result.Stage
}

// How long the parts of a comparison last.
const (
	// WarmUp is for how long each side is loaded before anything is compared.
	WarmUp = 5 * time.Second
	// extension is the time after which a comparison is looked at again.
	extension = 30 * time.Second
)

// compared is the comparison of one run.
type compared struct {
	pair   Comparer
	rules  slo.Baseline
	family int
	warmed time.Duration // for which each side has been loaded
}

// turns plans a stage of both sides.
func (c *compared) turns(stage slo.Stage, o Observer) loader.Turns {
	t := loader.Turns{Block: gate.Block, Windows: gate.Windows(stage.Workload.Duration)}
	if stage.Workload.Requests > 0 {
		t.Windows = int(stage.Workload.Requests) // a window sends one of each side's at least
	}
	if c.rules.Schedule == slo.Mixed && stage.Workload.Model == slo.Open {
		t.Mixed, t.Block = true, 2*gate.Block
	}
	if cold := WarmUp - c.warmed; cold > 0 {
		t.WarmUp = int((cold + t.Block - 1) / t.Block)
	}
	t.More = func(base, head *result.Stage) int { return c.more(stage, base, head, o) }
	return t
}

// more is how many windows a stage is extended by.
func (c *compared) more(stage slo.Stage, base, head *result.Stage, o Observer) int {
	const window = 2 * gate.Block
	if !stage.Judge || gate.Settled(stage, c.family, base, head) {
		return 0
	}
	left := c.rules.Max - time.Duration(len(head.Slices))*window
	n := int(min(extension, left) / window)
	if n > 0 {
		o.Note(fmt.Sprintf("%s: base and head cannot be told apart well enough yet, %d s more", stage.Name, int((time.Duration(n) * window).Seconds())))
	}
	return n
}

// stage loads both sides and adds base's to the run.
func (c *compared) stage(ctx context.Context, stage slo.Stage, o Observer, r *result.Run) *result.Stage {
	w := loader.Describe(stage.Workload)
	w.Duration /= 2
	turns := c.turns(stage, o)
	o.StageStart(stage.Name, w, stage.IdleBefore)
	if !idle(ctx, stage.IdleBefore) {
		s := notRun(stage, "the run was cancelled")
		o.StageEnd(&s)
		return &s
	}
	type sides struct{ base, head *result.Stage }
	stageCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan sides, 1)
	go func() {
		base, head := c.pair.Run(stageCtx, stage, turns)
		done <- sides{base, head}
	}()
	s := lookOn(done, stage, c.pair.Snapshot, o, stop)
	c.warmed += time.Duration(turns.WarmUp)*turns.Block + s.head.Duration
	r.Base.Stages = append(r.Base.Stages, *s.base)
	o.StageEnd(s.head)
	return s.head
}
