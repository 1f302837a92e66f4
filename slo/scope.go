package slo

import (
	"fmt"
	"slices"
	"strings"
)

// maxObjectives bounds the table of a report, maxOfSteps with those that stand
// for each step.
const (
	maxObjectives = 200
	maxOfSteps    = 500
)

// objectives reads a list of objectives, of the file or of one stage.
func (p *parser) objectives(n *node, ofStage bool) []Objective {
	var all []Objective
	for _, item := range p.list(n, "objectives", maxObjectives) {
		all = append(all, p.objective(item, ofStage)...)
		if len(all) > maxOfSteps {
			p.failNode(item, CodeTooMany, fmt.Sprintf("with each step there are more than %d objectives", maxOfSteps), "name the steps that matter")
			return nil
		}
	}
	return all
}

// objective reads an objective: one, or one for each step.
func (p *parser) objective(n *node, ofStage bool) []Objective {
	if n.kind != mapNode {
		objective, ok := p.judged(n, Fail)
		return only(objective, ok)
	}
	o := objectOf[objectiveDoc](p, n, "an objective")
	var objective Objective
	ok := false
	switch severity, text := p.severity(o); severity {
	case Show:
		objective, ok = p.shown(text)
	case Fail, Warn:
		objective, ok = p.judged(text, severity)
	}
	objective.Abort = p.isOn(o.get("abort"), "abort", false)
	objective.Grace = p.duration(o.get("grace"), "grace", 0, maxDuration)
	objective.Stage = p.name(o.get("stage"), "the stage")
	objective.Decide = p.rule(o.get("decide"), objective.Decide)
	if objective.Window = p.window(o, objective.Indicator, ok); objective.Window > 0 {
		objective.Decide = ""
	}
	p.checkObjectiveKeys(o, objective.Abort, ofStage)
	if len(objective.Relative) > 0 {
		p.needsValue(o, "abort", objective.Abort, "a comparison with the baseline is judged when the run is over")
		p.needsValue(o, "decide", o.has("decide"), "a comparison with the baseline has a rule of its own")
		p.needsValue(o, "for", o.has("for"), "the baseline is a value of the whole stage")
	}
	return p.scoped(o, objective, ok)
}

// only is a list of one objective, or of none where it could not be read.
func only(o Objective, ok bool) []Objective {
	if !ok {
		return nil
	}
	return []Objective{o}
}

// needsValue refuses a key of an objective against the baseline.
func (p *parser) needsValue(o *object, key string, used bool, why string) {
	if !used {
		return
	}
	e := o.values[key]
	p.fail(e.pos, width(e.key), CodeCombination, fmt.Sprintf("%q needs a bound that is a value", key), why)
}

// rule reads what decides an objective.
func (p *parser) rule(n *node, otherwise Decide) Decide {
	if n == nil {
		return otherwise
	}
	return choice(p, n, "decide", Measured, Sure, Lenient)
}

// severity finds the one of fail, warn and show that an objective has.
func (p *parser) severity(o *object) (Severity, *node) {
	severities := []string{string(Fail), string(Warn), string(Show)}
	for i, key := range severities {
		if n := o.get(key); n != nil {
			o.exclude(p, key, severities[i+1:], "write two objectives")
			return Severity(key), n
		}
	}
	if !slices.ContainsFunc(severities, o.isWritten) && len(o.values) == len(o.node.entries) {
		p.fail(o.node.pos, 0, CodeMissing, "the objective has none of fail, warn and show", "- warn: p99 <= 1s")
	}
	return "", nil
}

// judged reads an objective with a bound.
func (p *parser) judged(n *node, severity Severity) (Objective, bool) {
	text, ok := p.raw(n, "an objective")
	if !ok {
		return Objective{}, false
	}
	o, err := parseObjective(text)
	if err == nil {
		err = p.isMeasured(o.Indicator)
	}
	if err != nil {
		p.failText(n, err)
		return Objective{}, false
	}
	o.Severity, o.Pos = severity, n.pos
	if len(o.Relative) == 0 {
		o.Decide = p.decide
	}
	return o, true
}

// isMeasured refuses a measure that no step has, and a metric that no query
// gives.
func (p *parser) isMeasured(i Indicator) error {
	if i.Kind == Metric {
		return p.isAsked(i)
	}
	if i.Clock != MeasuredNumber || p.counted == nil || slices.Contains(p.file.Measures, i.Measure) {
		return nil
	}
	hint := "a step has it: " + measureExample
	if len(p.file.Measures) > 0 {
		hint = "the measures are " + listed(p.file.Measures)
	}
	return &fault{code: CodeMeasure, msg: "no step measures " + quote(i.Measure) + didYouMean(i.Measure, p.file.Measures), hint: hint}
}

// shown reads an indicator that is only printed.
func (p *parser) shown(n *node) (Objective, bool) {
	text, ok := p.raw(n, "an indicator")
	if !ok {
		return Objective{}, false
	}
	if i := strings.IndexAny(text, "<>="); i >= 0 {
		p.failText(n, at(&fault{code: CodeObjective, msg: "show takes an indicator without a bound", hint: "show: " + strings.TrimSpace(text[:i])}, text, i, len(text)))
		return Objective{}, false
	}
	i, err := parseIndicator(strings.TrimSpace(text))
	if err == nil {
		err = p.isMeasured(i)
	}
	if err != nil {
		p.failText(n, err)
		return Objective{}, false
	}
	return Objective{Text: strings.TrimSpace(text), Indicator: i, Severity: Show, Pos: n.pos}, true
}

func (p *parser) checkObjectiveKeys(o *object, abort, ofStage bool) {
	o.exclude(p, "show", []string{"abort", "grace"}, "what is only shown cannot stop the run")
	o.exclude(p, "show", []string{"decide"}, "what is only shown is not judged")
	o.exclude(p, "show", []string{"for"}, "which part of the stage is the worst follows from a bound")
	o.exclude(p, "for", []string{"decide"}, "the measured value of the worst part of the stage decides: an interval is of the whole stage")
	o.exclude(p, "for", []string{"grace"}, "the objective is missed as soon as one part of this length misses it")
	if o.has("grace") && !o.has("show") && !abort {
		e := o.values["grace"]
		p.fail(e.pos, width(e.key), CodeCombination, `"grace" needs abort: true`, "it says how long the objective must have been broken before the run stops")
	}
	if o.has("stage") && ofStage {
		e := o.values["stage"]
		p.fail(e.pos, width(e.key), CodeCombination, `"stage" cannot stand in the objectives of a stage`, "they apply to their stage alone")
	}
}

// checkScopes refuses objectives on stages that are not there or not judged,
// and a file in which none is.
func (p *parser) checkScopes(plan []plannedStage, everywhere []Objective) {
	p.checkObjectiveStages(plan, everywhere)
	if !slices.ContainsFunc(plan, func(s plannedStage) bool { return s.Judge }) {
		p.fail(plan[0].Pos, 0, CodeNothingDone, "no stage is judged", "remove judge: false from a stage: a run that judges nothing can never fail")
	}
}

func (p *parser) checkObjectiveStages(plan []plannedStage, everywhere []Objective) {
	judged := map[string]bool{}
	var names []string
	for _, s := range plan {
		for _, name := range s.names() {
			judged[name] = judged[name] || s.Judge
			names = append(names, name)
		}
	}
	var last Pos
	for _, o := range everywhere {
		isJudged, known := judged[o.Stage]
		again := o.Pos == last // of several steps
		last = o.Pos
		switch {
		case o.Stage == "" || again:
		case !known:
			p.fail(o.Pos, width(o.Text), CodeNoStage, "there is no stage "+quote(o.Stage)+" for this objective"+didYouMean(o.Stage, names), "the stages are "+namesOf(plan))
		case !isJudged:
			p.fail(o.Pos, width(o.Text), CodeNotJudged, fmt.Sprintf("the stage %s of this objective has judge: false", quote(o.Stage)), "")
		}
	}
}

// namesOf lists the stages for a message.
func namesOf(plan []plannedStage) string {
	const most = 20
	var names []string
	for _, s := range plan[:min(len(plan), most)] {
		names = append(names, s.Name)
	}
	if len(plan) > most {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

// applying gives the objectives of a stage: its own, which are those written
// in it and those that name it, and the file's without those whose indicator
// an own one has.
func applying(everywhere []Objective, written plannedStage, name string) []Objective {
	own := slices.Clone(written.own)
	for _, o := range everywhere {
		if o.Stage != "" && (o.Stage == written.Name || o.Stage == name || o.Stage == written.Parallel) {
			own = append(own, o)
		}
	}
	var all []Objective
	for _, o := range everywhere {
		if o.Indicator.Kind == Capacity && !written.Workload.Search {
			continue
		}
		if o.Stage == "" && !slices.ContainsFunc(own, o.isLike) {
			all = append(all, o)
		}
	}
	for _, o := range own {
		o.Stage = name
		all = append(all, o)
	}
	if !slices.ContainsFunc(all, Objective.judgesSuccess) {
		all = append(all, implicitSuccess())
	}
	for i := range all {
		all[i].Text += all[i].where()
	}
	return all
}

// where ends the text of an objective that does not judge the whole stage.
func (o Objective) where() string {
	text := ""
	switch s := o.Scope; {
	case s.Step != "" && s.Scenario != "":
		text = ", step " + s.Step + " of " + s.Scenario
	case s.Step != "":
		text = ", step " + s.Step
	case s.Scenario != "":
		text = ", scenario " + s.Scenario
	}
	if o.Window > 0 {
		text += ", for " + writeDuration(o.Window)
	}
	return text
}

// isLike reports whether two objectives have the same indicator, scope and
// window and are of the same kind: absolute, relative or only shown. What is
// shown takes the place of no bound.
func (o Objective) isLike(other Objective) bool {
	return o.Indicator == other.Indicator && (o.Relative == nil) == (other.Relative == nil) &&
		(o.Severity == Show) == (other.Severity == Show) && o.Scope == other.Scope && o.Window == other.Window
}

// judgesSuccess reports an objective that a service which only answers with
// errors would miss. A goodput is none: it says how many succeeded, not of how
// many.
func (o Objective) judgesSuccess() bool {
	switch o.Indicator.Kind {
	case SuccessRate, ErrorRate, Errors:
		// A relative one may be skipped, and one step is not all.
		return o.Severity != Show && o.Relative == nil && o.Scope == Scope{}
	}
	return false
}

// implicitSuccess is what a stage must meet at least.
func implicitSuccess() Objective {
	const share = 0.99
	return Objective{
		Text: "success_rate >= 99%", Indicator: Indicator{Kind: SuccessRate},
		Cmp: GE, Bound: share, Severity: Warn, Implicit: true,
	}
}
