package slo

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
)

// A profile chooses among the stages of a file, so that one file serves a short
// run for every change and a long one at night.
type profile struct {
	stages     []string // by name; nil: all
	objectives []Objective
}

// profileName is what a flag can name without quotes.
var profileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$`)

const (
	maxProfiles    = 100
	profileExample = "profiles: {smoke: {stages: [normal]}, full: {}}"
)

// profiles reads all profiles and gives the one that the options choose.
// complete says that all stages of the plan are known.
func (p *parser) profiles(n *node, plan []plannedStage, complete bool) profile {
	var names []string
	var chosen profile
	for _, e := range p.profileEntries(n) {
		one := p.profile(e, plan, complete)
		names = append(names, e.key)
		if e.key == p.opts.Profile {
			chosen = one
		}
	}
	p.file.Profile = p.opts.Profile
	if wanted := p.opts.Profile; wanted != "" && !slices.Contains(names, wanted) {
		hint := "the profiles are " + listed(names)
		if len(names) == 0 {
			hint = "the file has none: " + profileExample
		}
		p.failFile(CodeProfile, "there is no profile "+quote(wanted)+didYouMean(wanted, names), hint)
	}
	return chosen
}

func (p *parser) profileEntries(n *node) []entry {
	switch {
	case n == nil:
		return nil
	case n.kind != mapNode:
		p.failNode(n, CodeKind, "profiles must be a map, this is "+n.describe(), profileExample)
		return nil
	case len(n.entries) > maxProfiles:
		p.failNode(n, CodeTooMany, fmt.Sprintf("there are %d profiles, at most %d are accepted", len(n.entries), maxProfiles), "")
		return nil
	}
	return n.entries
}

func (p *parser) profile(e entry, plan []plannedStage, complete bool) profile {
	if !profileName.MatchString(e.key) {
		p.fail(e.pos, width(e.key), CodeName, quote(e.key)+" cannot be the name of a profile", "a name has up to 60 letters, digits and . _ - and begins with a letter or a digit")
	}
	o := objectOf[profileDoc](p, e.value, "a profile")
	one := profile{objectives: p.objectives(o.get("objectives"), false)}
	for _, item := range p.list(o.get("stages"), "stages", maxStages) {
		if name := p.name(item, "the stage"); name != "" {
			one.stages = append(one.stages, name)
			p.checkProfileStage(item, name, plan, complete)
		}
	}
	if !complete {
		return one
	}
	p.checkObjectiveStages(plan, one.objectives)
	if known := one.of(plan); len(known) > 0 && !slices.ContainsFunc(known, func(s plannedStage) bool { return s.Judge }) {
		p.fail(e.pos, width(e.key), CodeNothingDone, "no stage of the profile "+quote(e.key)+" is judged", "add one: a run that judges nothing can never fail")
	}
	return one
}

func (p *parser) checkProfileStage(n *node, name string, plan []plannedStage, complete bool) {
	var known []string
	for _, s := range plan {
		known = append(known, s.names()...)
	}
	if complete && !slices.Contains(known, name) {
		p.failNode(n, CodeProfileStage, "there is no stage "+quote(name)+didYouMean(name, known), "the stages are "+namesOf(plan))
	}
}

// names are those that an objective or a profile may give a stage: its own, that
// of the parallel one that it is part of, and of a staircase those of the levels.
func (s plannedStage) names() []string {
	names := []string{s.Name}
	if s.Parallel != "" {
		names = append(names, s.Parallel)
	}
	for _, l := range s.levels {
		if l.name != "" {
			names = append(names, s.at(l).Name)
		}
	}
	return names
}

// of gives the stages of the profile, with the levels and the objectives that
// they have in it.
func (c profile) of(plan []plannedStage) []plannedStage {
	var chosen []plannedStage
	for _, s := range plan {
		if c.stages != nil && !slices.Contains(c.stages, s.Name) && !slices.Contains(c.stages, cmp.Or(s.Parallel, s.Name)) {
			s.levels = slices.DeleteFunc(slices.Clone(s.levels), func(l level) bool { return !slices.Contains(c.stages, s.at(l).Name) })
		}
		s.own = slices.DeleteFunc(slices.Clone(s.own), func(o Objective) bool {
			return slices.ContainsFunc(c.objectives, func(by Objective) bool {
				return by.Stage != "" && slices.Contains(s.names(), by.Stage) && o.isLike(by)
			})
		})
		if len(s.levels) > 0 {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

// override gives the objectives of the file, and the profile's in the place of
// those like them.
func (c profile) override(everywhere []Objective) []Objective {
	kept := slices.DeleteFunc(slices.Clone(everywhere), func(o Objective) bool {
		return slices.ContainsFunc(c.objectives, func(by Objective) bool { return by.Stage == o.Stage && o.isLike(by) })
	})
	return append(kept, c.objectives...)
}
