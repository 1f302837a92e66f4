package result

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Search is how a stage looked for the highest rate of arrivals at which it
// meets its objectives.
type Search struct {
	Steps    []SearchStep `json:"steps"`             // in the order in which they were tried
	Capacity float64      `json:"capacity"`          // the highest rate that met them; 0: none did
	Below    float64      `json:"below,omitempty"`   // the lowest rate that missed them; 0: none did
	Unclear  string       `json:"unclear,omitempty"` // why the capacity could not be told
}

// SearchStep is one rate that was tried.
type SearchStep struct {
	Rate       float64       `json:"rate"`               // planned arrivals a second
	Throughput float64       `json:"throughput"`         // finished requests a second
	P95        time.Duration `json:"p95_ns"`             // of the response time
	Success    float64       `json:"success"`            // share of the judged requests
	Met        bool          `json:"met"`                // the objectives
	Reason     string        `json:"reason,omitempty"`   // why not
	Runs       int           `json:"runs,omitempty"`     // how often it was loaded, where more than once
	Confirms   bool          `json:"confirms,omitempty"` // it tried the answer once more
}

// maxSearchSteps is more than the widest search takes.
const maxSearchSteps = 200

func checkSearch(s *Search) error {
	if s == nil {
		return nil
	}
	if len(s.Steps) > maxSearchSteps {
		return fmt.Errorf("%d steps, at most %d are possible", len(s.Steps), maxSearchSteps)
	}
	numbers := []float64{s.Capacity, s.Below}
	for _, step := range s.Steps {
		numbers = append(numbers, step.Rate, step.Throughput, step.Success, float64(step.Runs), float64(step.P95))
	}
	for _, v := range numbers {
		if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			return errors.New("a negative number")
		}
	}
	return nil
}
