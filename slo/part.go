package slo

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// This file reads what part of a stage an objective judges: the requests of a
// scenario or a step, and the windows of its time.

// eachStep is the word of the key each.
const eachStep = "step"

// scoped gives an objective its scope, or one objective for each step.
func (p *parser) scoped(o *object, objective Objective, ok bool) []Objective {
	scope := Scope{
		Scenario: p.name(o.get("scenario"), "the scenario"),
		Step:     p.name(o.get("step"), "the step"),
	}
	o.exclude(p, "step", []string{"each"}, "step names one, each: step means all")
	each, isEach := p.fixed(o.get("each"), "each")
	if isEach && each != eachStep {
		p.failNode(o.get("each"), CodeChoice, "unknown each "+quote(each)+didYouMean(each, []string{eachStep}), "each is step")
	}
	keys := []string{"scenario", "step", "each"}
	if objective.Indicator.Clock == IterationTime {
		keys = keys[1:]
	}
	if key := o.anyOf(keys...); key != "" && ok && !objective.Indicator.OfRequests() {
		e := o.values[key]
		hint := "it is measured for the stage as a whole"
		if objective.Indicator.Clock == IterationTime {
			hint = "an iteration is all steps of a scenario: scenario names one"
		}
		p.fail(e.pos, width(e.key), CodeCombination, fmt.Sprintf("%q does not go with %s", key, objective.Indicator), hint)
	}
	if p.counted == nil || !p.checkNames(o, scope) || !ok {
		return only(objective, ok)
	}
	if isEach {
		return p.forEach(o.get("each"), objective, scope)
	}
	objective.Scope = p.shortest(scope)
	return []Objective{objective}
}

// anyOf gives the first of some keys that the file has.
func (o *object) anyOf(keys ...string) string {
	for _, key := range keys {
		if o.has(key) {
			return key
		}
	}
	return ""
}

// countSteps counts the steps of each scope that the scenarios have.
func (p *parser) countSteps() {
	p.counted = map[Scope]int{}
	for _, s := range p.stepNames(Scope{}) {
		for _, scope := range []Scope{{}, {Step: s.Step}, {Scenario: s.Scenario}, s} {
			p.counted[scope]++
		}
	}
}

// stepNames lists the steps that send a request and belong to a scope, each
// with its scenario.
func (p *parser) stepNames(within Scope) []Scope {
	var all []Scope
	for _, sc := range p.file.Scenarios {
		for _, step := range sc.Steps {
			if step.Request != nil && !step.Again && within.Covers(sc.Name, step.Request.Name) {
				all = append(all, Scope{sc.Name, step.Request.Name})
			}
		}
	}
	return all
}

// checkNames refuses scenarios and steps that are not there.
func (p *parser) checkNames(o *object, scope Scope) bool {
	if of := (Scope{Scenario: scope.Scenario}); p.counted[of] == 0 {
		var scenarios []string
		for _, sc := range p.file.Scenarios {
			scenarios = append(scenarios, sc.Name)
		}
		p.failNode(o.get("scenario"), CodeNoStep, "there is no scenario "+quote(scope.Scenario)+didYouMean(scope.Scenario, scenarios), "the scenarios are "+listed(scenarios))
		return false
	}
	if p.counted[scope] > 0 {
		return true
	}
	var steps []string
	for _, s := range p.stepNames(Scope{Scenario: scope.Scenario}) {
		if !slices.Contains(steps, s.Step) {
			steps = append(steps, s.Step)
		}
	}
	of := ""
	if scope.Scenario != "" {
		of = " of " + quote(scope.Scenario)
	}
	p.failNode(o.get("step"), CodeNoStep, "there is no step "+quote(scope.Step)+of+didYouMean(scope.Step, steps), "the steps"+of+" are "+listed(steps))
	return false
}

// listed writes names for a message.
func listed(names []string) string {
	const most = 20
	if len(names) > most {
		names = append(slices.Clone(names[:most]), "…")
	}
	return strings.Join(names, ", ")
}

// forEach makes an objective for each step of a scope.
func (p *parser) forEach(n *node, objective Objective, scope Scope) []Objective {
	steps := p.stepNames(scope)
	if len(steps) > maxObjectives {
		p.failNode(n, CodeTooMany, fmt.Sprintf("each step gives %d objectives, at most %d are accepted", len(steps), maxObjectives), "name the steps that matter, or a scenario")
		return nil
	}
	var all []Objective
	for _, s := range steps {
		objective.Scope = p.shortest(s)
		all = append(all, objective)
	}
	return all
}

// shortest leaves the scenario out where the step's name says enough.
func (p *parser) shortest(s Scope) Scope {
	if s.Step != "" && p.counted[Scope{Step: s.Step}] == 1 {
		s.Scenario = ""
	}
	return s
}

// apart lists the scopes of objectives that are not the whole.
func apart(objectives []Objective) []Scope {
	var all []Scope
	for _, o := range objectives {
		if o.Scope != (Scope{}) && o.Indicator.Clock != IterationTime && !slices.Contains(all, o.Scope) {
			all = append(all, o.Scope)
		}
	}
	return all
}

// window reads the length of the windows of an objective.
func (p *parser) window(o *object, ind Indicator, ok bool) time.Duration {
	n := o.get("for")
	d := p.duration(n, "for", 0, maxDuration)
	e := o.values["for"]
	switch {
	case d == 0:
	case d%time.Second != 0:
		p.failNode(n, CodeRange, "for must be in whole seconds", "measurements are kept second by second")
	case ok && !ind.InSlices():
		p.fail(e.pos, width(e.key), CodeCombination, fmt.Sprintf("%q does not go with %s", "for", ind), "second by second there are response times, success_rate error_rate throughput goodput requests errors timeouts unsent")
	default:
		return d
	}
	return 0
}

// checkWindows refuses windows that a stage does not have.
func (p *parser) checkWindows(s Stage) {
	planned := s.Workload.Planned()
	for _, o := range s.Objectives {
		if o.Window == 0 || planned == 0 {
			continue
		}
		slice := SliceWidth(planned)
		if o.Scope != (Scope{}) || o.Indicator.Clock == IterationTime {
			slice = StepSliceWidth(planned)
		}
		switch {
		case o.Window > planned:
			p.failWindow(o, fmt.Sprintf("the stage %s lasts %s, which is less than %s", quote(s.Name), writeDuration(planned), writeDuration(o.Window)),
				"shorten the window, or name the stage that the objective is for")
		case slice > time.Second && o.Window%slice != 0:
			p.failWindow(o, fmt.Sprintf("in the stage %s of %s the measurements of a step are kept for every %s", quote(s.Name), writeDuration(planned), writeDuration(slice)),
				"make the window a multiple of that")
		}
	}
}

// failWindow reports an objective once, not for each stage and step.
func (p *parser) failWindow(o Objective, msg, hint string) {
	if slices.ContainsFunc(p.errs, func(e *Error) bool { return e.Code == CodeWindow && e.Line == o.Pos.Line && e.Column == o.Pos.Column }) {
		return
	}
	p.fail(o.Pos, width(strings.TrimSuffix(o.Text, o.where())), CodeWindow, msg, hint)
}
