package report

import (
	"fmt"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// Capacity is what a search found, and every rate that it tried.
type Capacity struct {
	Stage    Text
	Sentence Text
	Steps    []CapacityStep
}

// CapacityStep is one rate of a search.
type CapacityStep struct {
	Rate       string // planned
	Throughput string // finished requests
	P95        string
	Success    string
	Bar        string // p95 beside the other rates'
	Outcome    Text   // "met", or what was not
}

func (b builder) capacities() []Capacity {
	var out []Capacity
	for i := range b.run.Stages {
		s := &b.run.Stages[i]
		if s.Search == nil {
			continue
		}
		c := Capacity{Stage: b.name(s.Name), Sentence: b.sentence(found(s))}
		slowest := 0.0
		for _, step := range s.Search.Steps {
			slowest = max(slowest, float64(step.P95))
		}
		for _, step := range s.Search.Steps {
			c.Steps = append(c.Steps, CapacityStep{
				Rate:       quantity.Rate(step.Rate),
				Throughput: quantity.Rate(step.Throughput),
				P95:        quantity.Duration(step.P95),
				Success:    quantity.Share(step.Success),
				Bar:        bar(float64(step.P95), slowest, barCells),
				Outcome:    b.sentence(outcome(step)),
			})
		}
		out = append(out, c)
	}
	return out
}

// found says in a sentence what a search found.
func found(s *result.Stage) string {
	c := s.Search
	switch {
	case c.Unclear != "":
		return "The capacity could not be told: " + c.Unclear
	case c.Capacity == 0:
		return fmt.Sprintf("Not even %s met the objectives.", quantity.Rate(c.Below))
	case c.Below == 0:
		return fmt.Sprintf("%s, the highest rate of the search, met the objectives: the capacity is that or more.", quantity.Rate(c.Capacity))
	}
	return fmt.Sprintf("%s met the objectives, %s did not.", quantity.Rate(c.Capacity), quantity.Rate(c.Below))
}

func outcome(step result.SearchStep) string {
	text := "met"
	if !step.Met {
		text = step.Reason
	}
	switch {
	case step.Confirms:
		text += "; tried once more to confirm it"
	case step.Runs > 1:
		text += fmt.Sprintf("; loaded %d times, near a bound", step.Runs)
	}
	return text
}
