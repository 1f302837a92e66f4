package slo

import (
	"fmt"
	"slices"
)

// This file is about stages whose workloads run at the same time.

const (
	maxParallel     = 20
	parallelExample = "parallel: [{name: reads, rate: 100/s, duration: 60s}, {name: writes, workers: 5, duration: 60s}]"
)

// parallel reads the workloads of a stage that run at the same time. Each
// becomes a stage.
func (p *parser) parallel(o *object) ([]plannedStage, bool) {
	o.exclude(p, "parallel", []string{"requests", "duration", "workers", "rate", "arrivals", "pacing", "scenarios"}, "each of the workloads has its own: "+parallelExample)
	o.exclude(p, "parallel", []string{"search", "hold"}, "a search is a stage of its own: nothing runs beside it")
	name := p.name(o.need(p, "name", "name: mixed"), "the name")
	judge, stops := p.isOn(o.get("judge"), "judge", true), p.isOn(o.get("stop_on_dead"), "stop_on_dead", true)
	idle, shared := p.idle(o.get("idle_before")), p.objectives(o.get("objectives"), true)
	items := p.list(o.get("parallel"), "parallel", maxParallel)
	if len(items) == 1 {
		p.failNode(items[0], CodeTooMany, "a single workload has none beside it", "write it as a stage of its own")
	}
	group := o.node.mend("name")
	var plan []plannedStage
	ok := name != "" && len(items) > 0
	for _, item := range items {
		one := objectOf[workloadDoc](p, item, "a workload")
		if item.kind != mapNode {
			ok = false
			continue
		}
		s := p.workloadStage(one, p.workload)
		ok = ok && s.Name != ""
		p.refuseStairs(one, s)
		if s.Judge {
			p.refuseUnjudged(one.get("objectives"), judge)
		}
		s.Name, s.Parallel, s.IdleBefore, s.group = name+"/"+s.Name, name, idle, group
		s.Judge, s.StopOnDead = s.Judge && judge, s.StopOnDead && stops
		for _, objective := range shared {
			if !slices.ContainsFunc(s.own, objective.isLike) {
				s.own = append(s.own, objective)
			}
		}
		plan = append(plan, s)
	}
	if len(plan) > 0 {
		p.refuseUnjudged(o.get("objectives"), slices.ContainsFunc(plan, func(s plannedStage) bool { return s.Judge }))
	}
	return plan, ok
}

// refuseStairs refuses a staircase: its levels would have nothing to run beside.
func (p *parser) refuseStairs(o *object, s plannedStage) {
	if len(s.levels) == 0 || s.levels[0].name == "" {
		return
	}
	n := o.get("rate")
	if n == nil {
		n = o.get("workers")
	}
	p.failNode(n, CodeParallel, "a staircase cannot run beside other workloads", "write a parallel stage for each level")
}

// nameParallel refuses the name of a parallel stage that another stage has.
func (p *parser) nameParallel(written plannedStage, first map[string]int) {
	if written.Parallel == "" {
		return
	}
	if line, taken := first[written.Parallel]; taken {
		p.failNode(written.group, CodeNameTwice, fmt.Sprintf("a stage named %s stands before, at line %d", quote(written.Parallel), line), "")
	}
	first[written.Parallel] = written.Pos.Line
}

// Together gives the stages in the order in which they run, those that run at
// the same time in one list.
func (f *File) Together() [][]Stage {
	var all [][]Stage
	for i, s := range f.Stages {
		if i > 0 && s.Parallel != "" && s.Parallel == f.Stages[i-1].Parallel {
			all[len(all)-1] = append(all[len(all)-1], s)
			continue
		}
		all = append(all, []Stage{s})
	}
	return all
}

// checkTogether refuses workloads that are too much for the limits together, or
// that cannot run beside each other. A profile may have left one of them alone.
func (p *parser) checkTogether(plan []plannedStage) {
	for _, stages := range p.file.Together() {
		if len(stages) == 1 {
			continue
		}
		i := slices.IndexFunc(plan, func(s plannedStage) bool { return s.Parallel == stages[0].Parallel })
		p.checkSum(plan[i].group, stages)
		p.checkShared(stages)
		p.checkCosts(stages)
	}
	p.leaveAlone()
}

// leaveAlone makes a workload whose neighbours are not loaded a stage by itself.
func (p *parser) leaveAlone() {
	at := 0
	for _, stages := range p.file.Together() {
		if len(stages) == 1 {
			p.file.Stages[at].Parallel = ""
		}
		at += len(stages)
	}
}

// checkSum compares what all workloads plan with the limits.
func (p *parser) checkSum(n *node, stages []Stage) {
	l, rate, workers, open := p.file.Limits, 0.0, 0, 0
	for _, s := range stages {
		if s.Workload.Model == Open {
			open++
			rate += p.file.Peak(s)
		} else {
			workers += max(s.Workload.WorkersFrom, s.Workload.WorkersTo)
		}
	}
	name := quote(stages[0].Parallel)
	switch {
	case p.counted == nil:
	case l.Rate > 0 && rate > l.Rate:
		p.failNode(n, CodeLimit, fmt.Sprintf("the workloads of the stage %s have %s requests a second together, the limits permit %s", name, writeNumber(rate), writeNumber(l.Rate)), limitsHint)
	case l.Rate > 0 && rate == l.Rate && workers > 0:
		p.failNode(n, CodeLimit, fmt.Sprintf("the rates of the stage %s take all of the %s requests a second that the limits permit, and leave its workers none", name, writeNumber(l.Rate)), limitsHint)
	case l.Connections > 0 && workers+open > l.Connections:
		p.failNode(n, CodeLimit, fmt.Sprintf("the workloads of the stage %s need %d connections together, the limits permit %d", name, workers+open, l.Connections), "each worker has a connection of its own, and each rate needs one at least")
	}
}

// checkShared refuses rows that are taken once in two workloads at the same
// time: which of them takes a row would be chance.
func (p *parser) checkShared(stages []Stage) {
	for _, sc := range p.file.Scenarios {
		for _, d := range sc.Data {
			if d.takesOnce() && p.loadedTwice(stages, d) {
				p.fail(d.Pos, 0, CodeParallel, fmt.Sprintf("two workloads of the stage %s take rows of %s, each of which is taken once", quote(stages[0].Parallel), quote(d.File)), "let one of them load the scenarios with this file, or take its rows in another order that begins again: at_end: repeat")
			}
		}
	}
}

// takesOnce reports whether no row is taken again before all have been.
func (d *Data) takesOnce() bool { return d.AtEnd == Stop || d.Order == Unique }

func (p *parser) loadedTwice(stages []Stage, data *Data) bool {
	n := 0
	for _, s := range stages {
		for _, sc := range p.file.In(s).Scenarios {
			if slices.ContainsFunc(sc.Data, func(d *Data) bool { return d.File == data.File && d.takesOnce() }) {
				n++
				break
			}
		}
	}
	return n > 1
}

// checkCosts leaves the file's objectives on what the service uses out of
// workloads that use it together, and refuses those that are meant for one.
func (p *parser) checkCosts(stages []Stage) {
	for i := range p.file.Stages {
		s := &p.file.Stages[i]
		if s.Parallel != stages[0].Parallel {
			continue
		}
		for _, o := range s.Objectives {
			if o.Indicator.IsCost() && o.Stage != "" {
				p.fail(o.Pos, width(o.Text), CodeParallel, fmt.Sprintf("what the service uses in the stage %s cannot be told apart for each of its workloads", quote(s.Parallel)), "judge it in a stage with one workload")
			}
		}
		s.Objectives = slices.DeleteFunc(s.Objectives, func(o Objective) bool { return o.Indicator.IsCost() })
	}
}
