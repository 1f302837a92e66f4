package loader

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// RunTogether loads several stages at the same time, as the workloads of one.
// They begin at the same moment and share the connections and the limits; each
// ends by itself, and a target that is dead for one of them ends all. Otherwise
// it is like [Loader.Run].
func (l *Loader) RunTogether(ctx context.Context, plans []slo.Stage) []*result.Stage {
	if len(plans) == 1 {
		return []*result.Stage{l.Run(ctx, plans[0])}
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	l.engine.prepare(ctx)
	stages := l.together(plans)
	defer l.show(stages...)()
	out := make([]*result.Stage, len(stages))
	var wg sync.WaitGroup
	for i, s := range stages {
		wg.Go(func() {
			out[i] = s.run(ctx)
			if state := out[i].State; state == result.Dead || state == result.Aborted {
				stop(&StopError{State: state, Reason: fmt.Sprintf("in %s: %s", out[i].Name, out[i].Reason)})
			}
		})
	}
	wg.Wait()
	for i := range out {
		out[i].Beside = beside(stages, i)
	}
	return out
}

// together prepares stages that share what a single one has for itself.
func (l *Loader) together(plans []slo.Stage) []*stage {
	var stages []*stage
	var own []slo.Stage
	for _, plan := range plans {
		stages = append(stages, newStage(l, plan, nil))
		plan.Workload = l.opts.Shard.Part(plan.Workload)
		own = append(own, plan)
	}
	connections := shareConnections(l.opts.MaxConnections, own)
	users, open := usersOf(plans)
	limit := newLimiter(l.opts.Shard.limits(besideRates(l.file, plans), plans...), slo.Workload{Model: slo.Closed}, l.file.HTTP.Sent())
	start, first := time.Now(), 0
	for i, s := range stages {
		s.start, s.connections = start, connections[i]
		if s.load.Model == slo.Open {
			s.numbers.first, s.numbers.step = users+openBefore(plans, i), open
			continue
		}
		s.numbers.first, s.limit = first, limit
		first += workersOf(s.load)
	}
	return stages
}

// beside are the workloads of all other stages.
func beside(stages []*stage, i int) []result.Workload {
	var all []result.Workload
	for j, s := range stages {
		if j != i {
			all = append(all, Describe(s.load))
		}
	}
	return all
}

func workersOf(w slo.Workload) int { return max(w.WorkersFrom, w.WorkersTo) }

// shareConnections gives every worker a connection of its own as far as they
// reach, and parts the rest among the stages with a rate. Each has one at least.
func shareConnections(total int, plans []slo.Stage) []int {
	workers, open := usersOf(plans)
	shares := make([]int, len(plans))
	for i, plan := range plans {
		if plan.Workload.Model == slo.Open {
			shares[i] = max((total-workers)/open, 1)
		} else {
			shares[i] = max(min(workersOf(plan.Workload), total-(workers-workersOf(plan.Workload))-open), 1)
		}
	}
	return shares
}

// usersOf counts the workers of all stages, and the stages with a rate.
func usersOf(plans []slo.Stage) (workers, open int) {
	for _, plan := range plans {
		if plan.Workload.Model == slo.Open {
			open++
		} else {
			workers += workersOf(plan.Workload)
		}
	}
	return workers, open
}

// openBefore counts the stages with a rate before one.
func openBefore(plans []slo.Stage, i int) int {
	_, open := usersOf(plans[:i])
	return open
}

// leastRate is a rate that is as good as none.
const leastRate = 0.001

// besideRates are the limits that the rates leave to the workers.
func besideRates(file *slo.File, plans []slo.Stage) slo.Limits {
	left := file.Limits
	for _, plan := range plans {
		if left.Rate > 0 && plan.Workload.Model == slo.Open {
			left.Rate = max(left.Rate-file.Peak(plan), leastRate)
		}
	}
	return left
}

// numbering gives the users of a stage their numbers. Those of stages that run
// at the same time, and of shards, have none in common: what they send may name
// them.
type numbering struct {
	first, step int
	shard       Shard
}

// of is the number of the shard's i-th user of the stage.
func (n numbering) of(i int) int { return n.first + n.shard.at(i)*max(n.step, 1) }
