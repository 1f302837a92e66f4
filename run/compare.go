package run

import (
	"context"
	"fmt"
	"time"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/quantity"
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

// window is one turn of each side.
const window = 2 * gate.Block

const (
	// restartEvery is for how long one start of each service is compared. A
	// layout of memory, a port or an order of goroutines lasts as long as the
	// process, and can be worth some percent.
	restartEvery = time.Minute
	// restartFrom is how long a comparison has to be, or may become by being
	// extended, for its services to be started anew: shorter ones would spend
	// more on warming up than a second start is worth.
	restartFrom = 3 * time.Minute
)

// compared is the comparison of one run.
type compared struct {
	pair     Comparer
	rules    slo.Baseline
	family   int
	warmed   time.Duration               // for which each side has been loaded
	restart  func(context.Context) error // nil: the services are not started anew
	since    int                         // windows since they were started
	restarts int
	costs    [2]*meter // of base and head
}

// newCompared prepares the comparison of a file's stages.
func newCompared(file *slo.File, opts Options) *compared {
	c := &compared{pair: opts.Pair, rules: file.Baseline, family: gate.Family(file)}
	if longestCompared(file) >= restartFrom {
		c.restart = opts.Restart
	}
	return c
}

// longestCompared is how long base and head may be compared in all stages together. A
// counted stage takes as long as the services do: it may be any time.
func longestCompared(file *slo.File) time.Duration {
	var sum time.Duration
	for _, s := range file.Stages {
		switch {
		case gate.Alone(s) != "":
		case s.Workload.Requests > 0:
			return restartFrom
		case gate.Extends(s):
			sum += max(s.Workload.Duration, file.Baseline.Max)
		default:
			sum += s.Workload.Duration
		}
	}
	return sum
}

// turns plans a stage of both sides.
func (c *compared) turns(ctx context.Context, stage slo.Stage, costs *bothSides, opts Options) loader.Turns {
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
	t.Border = func(begins bool) { costs.border(ctx, begins) }
	t.More = func(base, head *result.Stage) int {
		base, head = costs.charged(base, head)
		return c.more(ctx, stage, base, head, opts)
	}
	if c.restart != nil {
		t.Restarts = loader.Restarts{Every: int(restartEvery / window), Since: c.since, WarmUp: int(WarmUp / t.Block)}
		t.Restarts.Do = func(ctx context.Context) error {
			opts.Observer.Note(stage.Name + ": base and head are started anew")
			c.restarts++
			return c.restart(ctx)
		}
	}
	return t
}

// ofHead is a stage with the longest load that head may get of it, which is half
// of the comparison's time: what is lost is told by what may still follow.
func (c *compared) ofHead(stage slo.Stage) slo.Stage {
	most := stage.Workload.Duration
	if gate.Extends(stage) {
		most = max(most, c.rules.Max)
	}
	stage.Workload.Duration = most / 2
	return stage
}

// more is how many windows a stage is extended by.
func (c *compared) more(ctx context.Context, stage slo.Stage, base, head *result.Stage, opts Options) int {
	if !stage.Judge || gate.Settled(stage, c.family, base, head) {
		return 0
	}
	left := c.rules.Max - time.Duration(windowsOf(head))*window
	left = min(left, opts.spare(ctx)/10*9) // a window takes a little longer than its blocks
	n := int(min(extension, left) / window)
	if n > 0 {
		opts.Observer.Note(fmt.Sprintf("%s: base and head cannot be told apart well enough yet, %s more", stage.Name, quantity.Duration(time.Duration(n)*window)))
	}
	return n
}

// windowsOf counts the windows of one side, nil where its first one is still
// under way.
func windowsOf(s *result.Stage) int {
	if s == nil {
		return 0
	}
	return len(s.Slices)
}

// stage loads both sides and adds base's to the run.
func (c *compared) stage(ctx context.Context, stage slo.Stage, opts Options, r *result.Run) *result.Stage {
	o := opts.Observer
	w := loader.Describe(stage.Workload)
	w.Duration /= 2
	costs := &bothSides{base: windows{meter: c.costs[0]}, head: windows{meter: c.costs[1]}}
	turns := c.turns(ctx, stage, costs, opts)
	costs.inTurns = !turns.Mixed
	restarts := c.restarts
	o.StageStart(stage.Name, w, stage.IdleBefore)
	if !idle(ctx, stage.IdleBefore) {
		return ended(pointers(notRun([]slo.Stage{stage}, stopped(ctx))), o)[0]
	}
	type sides struct{ base, head *result.Stage }
	stageCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan sides, 1)
	ofBase, ofHead := beginProfile(ctx, stage, opts.BaseProfile), beginProfile(ctx, stage, opts.Profile)
	go func() {
		base, head := c.pair.Run(stageCtx, stage, turns)
		done <- sides{base, head}
	}()
	s := lookOn(done, []slo.Stage{c.ofHead(stage)}, c.live, c.costs[1].pods, opts, stop)
	until := time.Now() // a profile may take longer than the load
	c.costs[1].pods.charge([]*result.Stage{s.head})
	ofBase.end(s.base)
	ofHead.end(s.head)
	costs.charge(s.base, s.head)
	if opts.Series != nil && !costs.began.IsZero() {
		noteLoaded(s.head, costs.began, until)
	}
	c.warmed += time.Duration(turns.WarmUp)*turns.Block + s.head.Duration
	// Of a counted stage one side may have sent all of its requests in fewer
	// windows than the other.
	windows := max(len(s.base.Slices), len(s.head.Slices))
	c.since = min(c.since, turns.Restarts.Every) + windows - (c.restarts-restarts)*turns.Restarts.Every
	r.Base.Stages = append(r.Base.Stages, *s.base)
	o.StageEnd(named(s.base, "base"))
	o.StageEnd(named(s.head, "head"))
	return s.head
}

// live is what head has measured so far in the running stage.
func (c *compared) live() []*result.Stage {
	if s := c.pair.Snapshot(); s != nil {
		return []*result.Stage{s}
	}
	return nil
}

// named is a side of a stage for whoever looks on: both end at once.
func named(s *result.Stage, side string) *result.Stage {
	out := *s
	out.Name += ", " + side
	return &out
}
