package loader

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// plan is what every stage sends: the file's scenarios with all that can be
// computed before the first request.
type plan struct {
	scenarios []scenario
	weights   []int // running sums, for a draw by weight
	steps     []*step
}

type scenario struct {
	number  int // among all scenarios of the file
	name    string
	steps   []element
	longest time.Duration // that an iteration may take: all timeouts and pauses
}

// element is a request, or a pause where step is nil.
type element struct {
	step  *step
	pause slo.Pause
}

// step is one request of one scenario.
type step struct {
	number   int // among all requests of the file
	scenario string
	request  *slo.Request
	message  *message
	sees     sight
	kept     int // bytes of an answer's body
}

// sight says which parts of an answer the checks of a step look at, so that
// the others need not be kept.
type sight struct{ body, json, header bool }

func compile(file *slo.File, target *url.URL, opts Options) (*plan, error) {
	p := &plan{}
	sum := 0
	for _, sc := range file.Scenarios {
		c := scenario{number: len(p.scenarios), name: sc.Name}
		for _, e := range sc.Steps {
			el := element{pause: e.Pause}
			c.longest += e.Pause.Max
			if e.Request != nil {
				st, err := compileStep(e.Request, target, opts.Version)
				if err != nil {
					return nil, fmt.Errorf("scenario %q, step %q: %w", sc.Name, e.Request.Name, err)
				}
				st.number, st.scenario = len(p.steps), sc.Name
				p.steps = append(p.steps, st)
				el.step = st
				c.longest += st.timeout()
			}
			c.steps = append(c.steps, el)
		}
		if c.firstStep() == nil {
			return nil, fmt.Errorf("scenario %q sends no request", sc.Name)
		}
		sum += max(sc.Weight, 1)
		p.scenarios = append(p.scenarios, c)
		p.weights = append(p.weights, sum)
	}
	if sum == 0 {
		return nil, errors.New("no scenario")
	}
	return p, nil
}

func compileStep(r *slo.Request, target *url.URL, version string) (*step, error) {
	m, err := compileMessage(r, target, version)
	return &step{request: r, message: m, sees: sightOf(r.Checks)}, err
}

// sightOf looks for the names of an answer's parts in the checks' text. A name
// inside of a string literal only costs the time to prepare what nobody reads.
func sightOf(checks []slo.Check) sight {
	var s sight
	for _, c := range checks {
		all := strings.Contains(c.Text, "$env") // reaches every part by a computed name
		s.json = s.json || all || strings.Contains(c.Text, "json")
		s.body = s.body || all || s.json || strings.Contains(c.Text, "body")
		s.header = s.header || all || strings.Contains(c.Text, "header")
	}
	return s
}

// accepts reports whether a status code is a success before any check.
func (st *step) accepts(status int) bool {
	if len(st.request.Accept) == 0 {
		return 200 <= status && status <= 399
	}
	return slices.ContainsFunc(st.request.Accept, func(r slo.StatusRange) bool { return r.Contains(status) })
}

// judge finds the class of an answer, and for an unsuccessful one why.
func (st *step) judge(r *reply, service time.Duration) (result.Class, string) {
	if !st.accepts(r.status) {
		return result.BadStatus, fmt.Sprintf("status %d", r.status)
	}
	if len(st.request.Checks) == 0 {
		return result.Success, ""
	}
	seen := st.show(r, service)
	for _, c := range st.request.Checks {
		if held, err := c.Holds(seen); err != nil {
			return result.FailedCheck, fmt.Sprintf("check %s: %v", c.Text, err)
		} else if !held {
			return result.FailedCheck, "check " + c.Text
		}
	}
	return result.Success, ""
}

// show makes what the step's checks can see of an answer.
func (st *step) show(r *reply, service time.Duration) *slo.Answer {
	seen := &slo.Answer{Status: r.status, Size: int(r.size), Latency: service}
	if st.sees.header {
		seen.Header = make(map[string]string, len(r.header))
		for name, values := range r.header {
			seen.Header[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	if st.sees.body {
		seen.Body = string(r.body)
	}
	if st.sees.json {
		seen.JSON = decodeJSON(r.body)
	}
	return seen
}

// timeout is the time that the whole request may take, connecting included.
func (st *step) timeout() time.Duration { return st.request.Timeout }
