package slo

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Setup is a step that runs once, before the first stage.
type Setup struct {
	Step
	Every time.Duration // it is run again this often while the stages run; 0: never
}

// Session says how long the cookies of a user live.
type Session string

// The lives of cookies. Either way an iteration begins with those that the
// user's start steps left.
const (
	NoSession        Session = ""          // none are kept
	IterationSession Session = "iteration" // and those of the iteration before are gone
	WorkerSession    Session = "worker"    // and those of the iterations before
)

// Limits of repeated steps. They bound the steps that an iteration unfolds to.
const (
	maxRepeat    = 10_000
	maxIteration = 10_000
	minEvery     = time.Second
)

// noteBefore notes the captures of before, which are known everywhere.
func (p *parser) noteBefore(n *node) {
	p.noteCaptures(n)
	p.scope.before = true
	for _, name := range namesOfCaptures(n) {
		if variableName.MatchString(name) && !isReserved(name) {
			p.everywhere[name] = p.numberOf(name)
		}
	}
	p.scope = p.newScope()
}

// namesOfCaptures are those of a list of steps, each once.
func namesOfCaptures(n *node) []string {
	var names []string
	if n == nil {
		return nil
	}
	for _, item := range n.items {
		captures := item.child("capture")
		if captures == nil {
			continue
		}
		for _, e := range captures.entries {
			if !slices.Contains(names, e.key) {
				names = append(names, e.key)
			}
		}
	}
	return names
}

// before reads the steps that run once before the first stage. Each sees what
// the ones before it have captured.
func (p *parser) before(n *node) {
	if n == nil {
		return
	}
	p.scope = &scope{made: map[string]int{}, before: true}
	defer func() { p.scope = p.newScope() }()
	taken := map[string]bool{}
	for _, item := range p.list(n, "before", maxSteps) {
		o := objectOf[setupDoc](p, item, "a step of before")
		o.exclude(p, "pause", []string{"every"}, "a pause is a step of its own: - pause: 200ms")
		s := Setup{Step: p.stepOf(o), Every: p.duration(o.get("every"), "every", 0, maxDuration)}
		if s.Every > 0 && s.Every < minEvery {
			p.failNode(o.get("every"), CodeRange, "every must be at least "+writeDuration(minEvery), "")
		}
		p.refuseMeasures([]Step{s.Step}, "before")
		p.nameStep(s.Step, item, taken)
		p.file.Before = append(p.file.Before, s)
	}
}

// after reads the steps that run once after the last stage.
func (p *parser) after(n *node) {
	p.scope = p.newScope()
	p.file.After = p.plainSteps(n, "after", map[string]bool{})
	p.refuseMeasures(p.file.After, "after")
	p.scope = p.newScope()
}

// plainSteps reads requests and pauses.
func (p *parser) plainSteps(n *node, what string, taken map[string]bool) []Step {
	var steps []Step
	for _, item := range p.list(n, what, maxSteps) {
		step := p.stepOf(objectOf[stepDoc](p, item, "a step"))
		p.nameStep(step, item, taken)
		steps = append(steps, step)
	}
	return steps
}

// nameStep makes the name of a step unique among those of its scenario.
func (p *parser) nameStep(s Step, n *node, taken map[string]bool) {
	if s.Request != nil {
		s.Request.Name = p.unique(taken, s.Request.Name, n, "step")
	}
}

// scenarioStep reads a step of a scenario, which may be a block that is
// repeated.
func (p *parser) scenarioStep(n *node, taken map[string]bool) []Step {
	o := objectOf[scenarioStepDoc](p, n, "a step")
	if n.kind != mapNode {
		return nil
	}
	if o.has("repeat") {
		return p.block(o, taken)
	}
	if o.has("steps") {
		e := o.values["steps"]
		p.fail(e.pos, width(e.key), CodeCombination, `"steps" in a step needs "repeat"`, "- {repeat: 10, steps: […]}")
	}
	step := p.stepOf(o)
	p.nameStep(step, n, taken)
	return []Step{step}
}

// block reads steps that are done several times in an iteration.
func (p *parser) block(o *object, taken map[string]bool) []Step {
	o.exclude(p, "repeat", append([]string{"name", "pause"}, keysOf[requestDoc]()...), "write what is repeated into steps: - {repeat: 10, steps: […]}")
	times := p.count(o.get("repeat"), "repeat", 1, maxRepeat)
	steps := p.plainSteps(o.need(p, "steps", "what is repeated: - {repeat: 10, steps: […]}"), "steps", taken)
	if times*int64(len(steps)) > maxIteration {
		p.failNode(o.get("repeat"), CodeTooMany, fmt.Sprintf("the block makes %d steps, at most %d are accepted", times*int64(len(steps)), maxIteration), "")
		return steps
	}
	all := slices.Repeat(steps, int(times))
	for i := len(steps); i < len(all); i++ {
		all[i].Again = true
	}
	return all
}

// session reads how long cookies live. They are kept where something needs
// them: the key, steps that begin a user, or a capture of a cookie.
func (p *parser) session(n *node, s *Scenario) {
	switch {
	case n != nil:
		s.Session = choice(p, n, "session", IterationSession, WorkerSession)
	case len(s.Start) > 0, slices.ContainsFunc(s.Steps, capturesCookie):
		s.Session = IterationSession
	}
}

func capturesCookie(s Step) bool {
	return s.Request != nil && slices.ContainsFunc(s.Request.Captures, func(c Capture) bool { return c.Source == FromCookie })
}

// onFail reads what a step that failed means for its iteration.
func (p *parser) onFail(n *node) (goesOn bool) {
	const stop, goOn = "stop", "continue"
	return choice(p, n, "on_fail", stop, goOn) == goOn
}

// stageScenarios reads the scenarios of a stage.
func (p *parser) stageScenarios(n *node) []string {
	var known, all []string
	for _, s := range p.file.Scenarios {
		known = append(known, s.Name)
	}
	for _, item := range p.list(n, "scenarios", maxScenarios) {
		name := p.name(item, "the scenario")
		switch {
		case name == "" || len(known) == 0:
		case !slices.Contains(known, name):
			p.failNode(item, CodeNoScenario, "there is no scenario "+quote(name)+didYouMean(name, known), "the scenarios are "+strings.Join(known[:min(len(known), 20)], ", "))
		case slices.Contains(all, name):
			p.failNode(item, CodeNameTwice, "the scenario "+quote(name)+" stands twice", "its weight says how often it is chosen")
		default:
			all = append(all, name)
		}
	}
	return all
}

// Loads reports whether the stage loads a scenario.
func (s Stage) Loads(scenario string) bool {
	return len(s.Scenarios) == 0 || slices.Contains(s.Scenarios, scenario)
}

// loads reports whether the stage sends requests of a scope.
func (p *parser) loads(s Stage, scope Scope) bool {
	return len(s.Scenarios) == 0 || slices.ContainsFunc(p.stepNames(scope), func(step Scope) bool { return s.Loads(step.Scenario) })
}

// hasValue reports whether the stage sends what an objective looks at.
func (p *parser) hasValue(s Stage, o Objective) bool {
	if !p.loads(s, o.Scope) {
		return false
	}
	if o.Indicator.source() == "" || p.counted == nil {
		return true
	}
	return slices.ContainsFunc(p.file.In(s).Scenarios, func(sc Scenario) bool {
		return slices.ContainsFunc(sc.Steps, func(step Step) bool {
			return step.Request != nil && o.Scope.Covers(sc.Name, step.Request.Name) && step.Request.gives(o.Indicator)
		})
	})
}

// source names the steps that alone have a value of the indicator; empty: all
// have one.
func (i Indicator) source() string {
	switch {
	case i.Clock == MeasuredNumber:
		return "a step with the measure " + quote(i.Measure)
	case i.Clock == RoundTrip:
		return "a step with round trips"
	case i.Clock == FirstEvent, i.Clock == EventGap, i.Kind == Events, i.Kind == EventRate:
		return "a step with events"
	}
	return ""
}

// gives reports whether the request is of the indicator's source.
func (r *Request) gives(i Indicator) bool {
	switch i.Clock {
	case MeasuredNumber:
		return slices.ContainsFunc(r.Measures, func(m Measure) bool { return m.Name == i.Measure })
	case RoundTrip:
		return r.awaits(func(m Message) bool { return m.Sends && m.Expect != nil })
	}
	return r.Stream != nil || r.awaits(func(m Message) bool { return m.Expect != nil })
}

// awaits reports whether the request has a message like this: of a WebSocket
// those alone are read that something expects.
func (r *Request) awaits(like func(Message) bool) bool {
	return r.WebSocket != nil && slices.ContainsFunc(r.WebSocket.Messages, like)
}

// loadedObjectives leaves out the objectives on what the stage does not send:
// they would never have a value. The file's are for other stages, and each step
// means those that are there; of the stage's own one must be.
func (p *parser) loadedObjectives(s Stage) []Objective {
	var loaded []Objective
	for _, o := range s.Objectives {
		switch alike := func(other Objective) bool { return other.Pos == o.Pos && p.hasValue(s, other) }; {
		case p.hasValue(s, o):
			loaded = append(loaded, o)
		case o.Stage != "" && !slices.ContainsFunc(s.Objectives, alike):
			p.failUnloaded(o, "the stage "+quote(s.Name)+" does not load")
		}
	}
	return loaded
}

// checkLoaded refuses objectives of the file on what no stage sends.
func (p *parser) checkLoaded(everywhere []Objective) {
	sent := map[Pos]bool{}
	for _, o := range everywhere {
		sent[o.Pos] = sent[o.Pos] || slices.ContainsFunc(p.file.Stages, func(s Stage) bool { return s.Judge && p.hasValue(s, o) })
	}
	for _, o := range everywhere {
		if o.Stage == "" && !sent[o.Pos] {
			p.failUnloaded(o, "no judged stage loads")
		}
	}
}

// failUnloaded reports an objective once, not for each level and step.
func (p *parser) failUnloaded(o Objective, who string) {
	if slices.ContainsFunc(p.errs, func(e *Error) bool { return e.Code == CodeUnloaded && e.Line == o.Pos.Line && e.Column == o.Pos.Column }) {
		return
	}
	what, hint := "the scenario "+quote(o.Scope.Scenario)+" of", "add its scenario to the scenarios of the stage, or remove the objective"
	if o.Scope.Step != "" {
		what = "the step " + quote(o.Scope.Step) + " of"
	}
	if source := o.Indicator.source(); source != "" {
		what, hint = source+" for", "load a scenario with such a step, or remove the objective"
	}
	p.fail(o.Pos, width(strings.TrimSuffix(o.Text, o.where())), CodeUnloaded, who+" "+what+" this objective, so that it could never be met", hint)
}
