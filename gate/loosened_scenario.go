package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/slo"
)

// shares compares how much of a stage's iterations each of base's scenarios is:
// a light one beside it lightens the load as a lower rate does. The file of base
// holds those alone that its stage loads.
func (l *loosenings) shares(base, head *slo.File, stage slo.Stage) {
	loaded := head.In(stage)
	for _, b := range base.Scenarios {
		h, found := counterpart(b, base.Scenarios, head.Scenarios)
		if !found {
			continue // its requests are gone, or in another one
		}
		before, now := base.ShareOf(b.Name), loaded.ShareOf(h.Name)
		switch {
		case now == 0:
			l.add(stage.Name, "loaded with "+b.Name, "not loaded with it")
		case now < before:
			l.add(stage.Name, "iterations of "+b.Name+": "+quantity.Share(before), quantity.Share(now))
		}
	}
}

// counterpart is the scenario of the same name or else one of a new name with
// all of its requests.
func counterpart(b slo.Scenario, base, head []slo.Scenario) (slo.Scenario, bool) {
	named := func(list []slo.Scenario, name string) int {
		return slices.IndexFunc(list, func(s slo.Scenario) bool { return s.Name == name })
	}
	if i := named(head, b.Name); i >= 0 {
		return head[i], true
	}
	i := slices.IndexFunc(head, func(h slo.Scenario) bool { return named(base, h.Name) < 0 && hasAll(h, b) })
	if i < 0 {
		return slo.Scenario{}, false
	}
	return head[i], true
}

// hasAll reports whether a scenario has every request of another.
func hasAll(h, b slo.Scenario) bool {
	return !slices.ContainsFunc(b.Steps, func(s slo.Step) bool { return s.Request != nil && requestIn(h, s.Request.Name) == nil })
}

func requestIn(s slo.Scenario, name string) *slo.Request {
	for _, step := range s.Steps {
		if step.Request != nil && step.Request.Name == name {
			return step.Request
		}
	}
	return nil
}

func (l *loosenings) scenario(b slo.Scenario, head []slo.Scenario) {
	for _, step := range b.Steps {
		if step.Request != nil && !step.Again {
			l.request(step.Request, likeliest(b.Name, step.Request.Name, head))
		}
	}
	i := slices.IndexFunc(head, func(h slo.Scenario) bool { return h.Name == b.Name })
	if i < 0 {
		return
	}
	h := head[i]
	l.change("rows of "+b.Name, rows(b), rows(h))
	l.change("session of "+b.Name, string(b.Session), string(h.Session))
	for _, step := range b.Steps {
		if step.Request == nil || step.Again {
			continue
		}
		if before, now := times(b, step.Request.Name), times(h, step.Request.Name); 0 < now && now < before {
			l.add("", fmt.Sprintf("%s in an iteration of %s: %d times", step.Request.Name, b.Name, before), fmt.Sprint(now))
		}
	}
	if before, now := pauses(b), pauses(h); now > before {
		l.add("", "pauses in an iteration of "+b.Name+": "+slo.DurationText(before), slo.DurationText(now))
	}
}

// rows says which data the iterations of a scenario take.
func rows(s slo.Scenario) string {
	var all []string
	for _, d := range s.Data {
		all = append(all, fmt.Sprintf("%s, %s", d.File, d.Order))
	}
	return strings.Join(all, "; ")
}

// times is how often an iteration sends a request.
func times(s slo.Scenario, name string) int {
	n := 0
	for _, step := range s.Steps {
		if step.Request != nil && step.Request.Name == name {
			n++
		}
	}
	return n
}

// pauses are how long the pauses of an iteration are on average.
func pauses(s slo.Scenario) time.Duration {
	var sum time.Duration
	for _, step := range s.Steps {
		if step.Request == nil {
			sum += (step.Pause.Min + step.Pause.Max) / 2
		}
	}
	return sum
}

// likeliest finds a request by its name, in the scenario of the same name or
// else in any.
func likeliest(scenario, name string, head []slo.Scenario) *slo.Request {
	var found *slo.Request
	for _, s := range head {
		r := requestIn(s, name)
		if r != nil && s.Name == scenario {
			return r
		}
		if found == nil {
			found = r
		}
	}
	return found
}
