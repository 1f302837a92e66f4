package slo

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of the load. They stop a mistyped number before it harms anybody.
const (
	maxStages   = 200
	maxLevels   = 50
	maxRate     = 1_000_000.0
	maxWorkers  = 100_000
	maxRequests = 1_000_000_000_000
)

// plannedStage is a stage as it is written, before its staircase is expanded.
type plannedStage struct {
	Stage
	levels []level
	own    []Objective
	node   *node
	group  *node // the name of the parallel stage that it is part of
}

// level is the load of one step of a staircase, or of a stage without one.
type level struct {
	name     string // of the step; empty without a staircase
	from, to float64
}

// stages reads the stages, the objectives and the profiles of the file, and
// puts each objective where it applies.
func (p *parser) stages(n, objectives, profiles *node) {
	everywhere := p.objectives(objectives, false)
	items := p.list(n, "stages", maxStages)
	var plan []plannedStage
	complete := len(items) > 0
	for _, item := range items {
		read, ok := p.stage(item)
		plan = append(plan, read...)
		// Whether a name exists can be told only when all stages could be read.
		complete = complete && ok
	}
	if complete {
		p.checkScopes(plan, everywhere)
	}
	chosen := p.profiles(profiles, plan, complete)
	everywhere = chosen.override(everywhere)
	// Another stage may load what is looked at, or one that could not be read.
	all := complete && chosen.stages == nil && len(p.errs) == 0
	p.expand(n, chosen.of(plan), everywhere)
	if all {
		p.checkLoaded(everywhere)
	}
}

// expand makes one stage for each level of a staircase.
func (p *parser) expand(n *node, plan []plannedStage, everywhere []Objective) {
	first := map[string]int{}
	begin, until, within := time.Duration(0), time.Duration(0), true
	for i, written := range plan {
		if i == 0 || written.group == nil || written.group != plan[i-1].group {
			begin = until
			p.nameParallel(written, first)
		}
		for _, l := range written.levels {
			s := written.at(l)
			if line, taken := first[s.Name]; taken && s.Name != "" {
				p.failNode(written.node.mend("name"), CodeNameTwice, fmt.Sprintf("a stage named %s stands before, at line %d", quote(s.Name), line), "")
			}
			first[s.Name] = written.Pos.Line
			s.Longest = p.file.In(s).longest()
			if s.Judge {
				s.Objectives = applying(everywhere, written, s.Name)
				s.Objectives = p.loadedObjectives(s)
				s.Apart = apart(s.Objectives)
				s.Iterations = slices.ContainsFunc(s.Objectives, func(o Objective) bool { return o.Indicator.Clock == IterationTime })
				p.checkWindows(s)
				p.checkSearch(written, s)
			}
			p.file.Stages = append(p.file.Stages, s)
			if within { // the first stage that exceeds the limits says it for all
				var end time.Duration
				end, within = p.checkLoad(written, s, begin)
				until = max(until, end)
			}
			if s.Parallel == "" {
				begin = until
			}
		}
	}
	p.checkTogether(plan)
	if len(p.file.Stages) > maxStages {
		p.failNode(n, CodeTooMany, fmt.Sprintf("the staircases make %d stages, at most %d are accepted", len(p.file.Stages), maxStages), "")
	}
}

// stage reads one stage, or the workloads of a parallel one.
func (p *parser) stage(n *node) ([]plannedStage, bool) {
	o := objectOf[stageDoc](p, n, "a stage")
	if n.kind != mapNode {
		return nil, false
	}
	if o.has("parallel") {
		return p.parallel(o)
	}
	s := p.workloadStage(o, p.searchOrLoad)
	s.IdleBefore = p.idle(o.get("idle_before"))
	return []plannedStage{s}, s.Name != ""
}

// workloadStage reads what a stage and a workload of a parallel one have in
// common.
func (p *parser) workloadStage(o *object, load func(*object, *Workload) []level) plannedStage {
	s := plannedStage{node: o.node, Stage: Stage{
		Name:       p.name(o.need(p, "name", "name: steady"), "the name"),
		Judge:      p.isOn(o.get("judge"), "judge", true),
		StopOnDead: p.isOn(o.get("stop_on_dead"), "stop_on_dead", true),
		Pos:        o.node.pos,
	}}
	s.levels = load(o, &s.Workload)
	s.Scenarios = p.stageScenarios(o.get("scenarios"))
	own := o.get("objectives")
	p.refuseUnjudged(own, s.Judge)
	s.own = p.objectives(own, true)
	return s
}

// refuseUnjudged refuses objectives of a stage that is not judged.
func (p *parser) refuseUnjudged(objectives *node, judged bool) {
	if objectives != nil && !judged {
		p.failNode(objectives, CodeNotJudged, "objectives on a stage with judge: false", "remove one of the two")
	}
}

// at gives the stage for one level of its staircase.
func (s plannedStage) at(l level) Stage {
	stage := s.Stage
	if l.name != "" {
		stage.Name += "/" + l.name
	}
	if stage.Workload.Model == Open {
		stage.Workload.RateFrom, stage.Workload.RateTo = l.from, l.to
	} else {
		stage.Workload.WorkersFrom, stage.Workload.WorkersTo = int(l.from), int(l.to)
	}
	return stage
}

func (p *parser) idle(n *node) time.Duration {
	d, ok := scalarOf(p, n, "idle_before", parseDuration)
	if ok && d > maxDuration {
		p.failNode(n, CodeRange, "idle_before must be at most "+writeDuration(maxDuration), "")
	}
	return d
}

const loadHint = "workers: 10 with requests or duration waits for answers; rate: 200/s with duration does not"

// workload reads how a stage loads, and its levels: one without a staircase.
func (p *parser) workload(o *object, w *Workload) []level {
	w.Duration = p.duration(o.get("duration"), "the duration", 0, maxDuration)
	w.Requests = p.count(o.get("requests"), "requests", 0, maxRequests)
	switch {
	case o.has("rate"):
		o.exclude(p, "rate", []string{"workers", "requests"}, loadHint)
		return p.openLoad(o, w)
	case o.has("workers"):
		o.exclude(p, "workers", []string{"arrivals", "pacing"}, "arrivals and pacing belong to rate")
		return p.closedLoad(o, w)
	case !o.isMeant("rate") && !o.isMeant("workers"):
		p.fail(o.node.pos, 0, CodeCombination, "the stage has neither workers nor rate", loadHint)
	}
	return nil
}

func (p *parser) openLoad(o *object, w *Workload) []level {
	n := o.get("rate")
	w.Model = Open
	w.Arrivals = choice(p, o.get("arrivals"), "arrivals", Uniform, Poisson)
	w.Pacing = choice(p, o.get("pacing"), "pacing", AutoPacing, PrecisePacing, TickPacing)
	o.need(p, "duration", "a rate needs the time that it lasts: duration: 30s")
	levels := p.levels(n, rates)
	for _, l := range levels {
		if w.Duration > 0 && (l.from+l.to)/2*w.Duration.Seconds() < 1 {
			p.failNode(n, CodeCombination, "the stage is over before the first request is due", "raise the rate or the duration")
			break
		}
	}
	return levels
}

// choice reads one of a few words. The first one is the default.
func choice[T ~string](p *parser, n *node, key string, known ...T) T {
	text, ok := p.fixed(n, key)
	if !ok || slices.Contains(known, T(text)) {
		return cmp.Or(T(text), known[0])
	}
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	last := len(words) - 1
	p.failNode(n, CodeChoice, "unknown "+key+" "+quote(text)+didYouMean(text, words),
		key+" is "+strings.Join(words[:last], ", ")+" or "+words[last])
	return known[0]
}

func (p *parser) closedLoad(o *object, w *Workload) []level {
	n := o.get("workers")
	w.Model = Closed
	o.exclude(p, "requests", []string{"duration"}, "the stage ends after the requests, or after the duration")
	if !o.isWritten("requests") && !o.isWritten("duration") {
		p.fail(o.node.pos, 0, CodeCombination, "the stage has no end", "give it requests: 100 or duration: 30s")
	}
	levels := p.levels(n, workerCounts)
	for _, l := range levels {
		if l.from != l.to && o.has("requests") {
			p.failNode(n, CodeCombination, "a ramp of workers needs a duration, not a number of requests", "")
			break
		}
	}
	return levels
}

// loadScale is what a load is counted in.
type loadScale struct {
	what   string
	parse  func(string) (float64, error)
	most   float64
	limits string // for messages
}

var (
	rates        = loadScale{"a rate", parseRate, maxRate, "above 0 and at most 1000000/s"}
	workerCounts = loadScale{"a number of workers", parseWorkers, maxWorkers, "between 1 and 100000"}
)

func parseWorkers(s string) (float64, error) {
	v, err := parseCount(s)
	return float64(v), err
}

// levels reads a constant, a ramp or a staircase.
func (p *parser) levels(n *node, scale loadScale) []level {
	if n.kind != listNode {
		l, ok := scalarOf(p, n, scale.what, scale.ramp)
		if !ok {
			return nil
		}
		return []level{l}
	}
	var all []level
	for _, item := range p.list(n, "the staircase", maxLevels) {
		if l, ok := scalarOf(p, item, scale.what, scale.constant); ok {
			l.name = strconv.FormatFloat(l.from, 'f', -1, 64)
			all = append(all, l)
		}
	}
	return all
}

// ramp reads a constant or a ramp, which may begin or end with nothing.
func (c loadScale) ramp(s string) (level, error) {
	first, second, isRamp := strings.Cut(s, "..")
	if !isRamp {
		return c.constant(s)
	}
	from, err := c.parse(first)
	if err != nil {
		return level{}, err
	}
	to, err := c.parse(second)
	if err != nil {
		return level{}, err
	}
	if min(from, to) < 0 || max(from, to) == 0 || max(from, to) > c.most {
		return level{}, c.outside()
	}
	return level{from: from, to: to}, nil
}

func (c loadScale) constant(s string) (level, error) {
	v, err := c.parse(s)
	if err == nil && (v <= 0 || v > c.most) {
		err = c.outside()
	}
	return level{from: v, to: v}, err
}

func (c loadScale) outside() error {
	return &fault{code: CodeRange, msg: c.what + " must be " + c.limits}
}
