package loader

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// plan is what every stage sends: the file's scenarios with all that can be
// computed before the first request.
type plan struct {
	scenarios []scenario
	weights   []int   // running sums, for a draw by weight
	steps     []*step // of the scenarios: their requests are counted and judged
	all       []*step // by number: first those of the scenarios, then those of start, before and after
	setup     setup
}

type scenario struct {
	number       int // among all scenarios of the file
	name         string
	start        []element // once for each user
	steps        []element
	longest      time.Duration // that an iteration may take: all timeouts and pauses
	data         []*slo.Data
	captures     []int // the numbers of what its steps capture
	cookies      bool  // users have some
	keepsCookies bool  // from one iteration to the next
}

// element is a request, or a pause where step is nil.
type element struct {
	step  *step
	pause slo.Pause
	again bool // it repeats an element before
}

// step is one request of one scenario.
type step struct {
	number   int // among all requests of the file
	scenario string
	request  *slo.Request
	message  *message
	sees     sight
	hides    bool        // one of its captures is a secret
	cookies  bool        // those of the answer are kept
	callee   callee      // nil: no method of gRPC is called
	kept     int         // bytes of an answer's body
	turn     *sync.Mutex // of the answers with much to unpack, one after the other; nil: none
}

// A value of JSON takes many times the memory of its text, 50 times where it is
// a list of zeros, and so do the parts of a text that is split: 20 times. Answers
// up to much are unpacked at once, larger ones one after the other, and no larger
// ones than most.
const (
	muchUnpacked = 256 << 10
	mostUnpacked = 8 << 20
)

// sight says which parts of an answer the checks and captures of a step look
// at, so that the others need not be kept. exact is JSON with its numbers as
// they are written; parts are what split makes of a text.
type sight struct{ body, json, exact, parts, header, cookies, coding bool }

func compile(file *slo.File, m *manner) (*plan, error) {
	c := compiler{plan: &plan{}, manner: m}
	err := c.scenarios(file)
	if err == nil {
		err = c.setup(file)
	}
	return c.plan, err
}

// of is the plan of a stage: the scenarios that it loads.
func (p *plan) of(stage slo.Stage) *plan {
	if len(stage.Scenarios) == 0 {
		return p
	}
	part := &plan{steps: p.steps, all: p.all}
	sum := 0
	for i, sc := range p.scenarios {
		if !stage.Loads(sc.name) {
			continue
		}
		weight := p.weights[i]
		if i > 0 {
			weight -= p.weights[i-1]
		}
		sum += weight
		part.scenarios = append(part.scenarios, sc)
		part.weights = append(part.weights, sum)
	}
	return part
}

// compiler makes a plan.
type compiler struct {
	*plan
	manner *manner
}

func (c *compiler) scenarios(file *slo.File) (err error) {
	p, sum := c.plan, 0
	for number, sc := range file.Scenarios {
		s := scenario{number: number, name: sc.Name, data: sc.Data, cookies: sc.Session != slo.NoSession, keepsCookies: sc.Session == slo.WorkerSession}
		if s.steps, err = c.elements(&s, sc.Steps); err != nil {
			return err
		}
		for _, e := range s.steps {
			s.longest += e.pause.Max
			if e.step != nil {
				s.longest += e.step.timeout()
			}
			if e.step != nil && !e.again {
				s.captures = append(s.captures, numbersOf(e.step.request.Captures)...)
			}
		}
		if s.firstStep() == nil {
			return fmt.Errorf("scenario %q sends no request", sc.Name)
		}
		sum += max(sc.Weight, 1)
		p.scenarios = append(p.scenarios, s)
		p.weights = append(p.weights, sum)
	}
	if sum == 0 {
		return errors.New("no scenario")
	}
	p.steps = slices.Clone(p.all)
	for i, sc := range file.Scenarios {
		s := &p.scenarios[i]
		if s.start, err = c.elements(s, sc.Start); err != nil {
			return err
		}
	}
	return nil
}

// setup compiles before and after. They share their cookies.
func (c *compiler) setup(file *slo.File) (err error) {
	s := &c.plan.setup
	s.before = scenario{number: len(file.Scenarios), name: "before", cookies: true, keepsCookies: true}
	s.after = s.before
	s.after.name = "after"
	var before []slo.Step
	for _, step := range file.Before {
		before = append(before, step.Step)
		s.every = append(s.every, step.Every)
	}
	if s.before.steps, err = c.elements(&s.before, before); err != nil {
		return err
	}
	s.after.steps, err = c.elements(&s.after, file.After)
	return err
}

func numbersOf(captures []slo.Capture) []int {
	var all []int
	for _, c := range captures {
		all = append(all, c.Number)
	}
	return all
}

// elements compiles the steps of a scenario. What is repeated is compiled once.
func (c *compiler) elements(s *scenario, steps []slo.Step) ([]element, error) {
	compiled := map[*slo.Request]*step{}
	all := make([]element, 0, len(steps))
	for _, e := range steps {
		el := element{pause: e.Pause, again: e.Again}
		switch {
		case e.Request == nil:
		case e.Again && compiled[e.Request] != nil:
			el.step = compiled[e.Request]
		default:
			st, err := compileStep(e.Request, c.manner, s.cookies)
			if err == nil && len(s.data) > 0 && st.message != nil {
				st.message.whole = nil // it is sent only where the iteration has a row
			}
			if err != nil {
				return nil, fmt.Errorf("scenario %q, step %q: %w", s.name, e.Request.Name, err)
			}
			st.number, st.scenario = len(c.all), s.name
			c.all = append(c.all, st)
			compiled[e.Request], el.step = st, st
		}
		all = append(all, el)
	}
	return all, nil
}

func compileStep(r *slo.Request, mn *manner, cookies bool) (*step, error) {
	if !r.IsHTTP() {
		return &step{request: r, sees: sightOf(r.Checks).with(r.Captures)}, nil
	}
	m, err := compileMessage(r, mn)
	if err != nil {
		return nil, err
	}
	if cookies {
		m.whole = nil // what it carries changes
		m.cookies = !slices.ContainsFunc(r.Headers, func(h slo.Header) bool { return h.Name == "Cookie" })
	}
	callee, err := newCallee(r)
	if err != nil {
		return nil, err
	}
	sees := sightOf(r.Checks).with(r.Captures).measuring(r.Measures)
	sees.cookies = sees.cookies || cookies
	sees.header = sees.header || mn.http.Redirects > 0 // one of them says where to
	if sees.coding = mn.http.Compression; sees.coding && looksAt(r.Checks, "size") {
		sees.body = true // its size is known when it has been decoded
	}
	return &step{
		request: r, message: m, sees: sees, cookies: cookies, callee: callee,
		hides: slices.ContainsFunc(r.Captures, slo.Capture.IsSecret),
	}, nil
}

// sightOf looks for the names of an answer's parts in the checks' text. A name
// inside of a string literal only costs the time to prepare what nobody reads.
func sightOf(checks []slo.Check) sight {
	var s sight
	for _, c := range checks {
		all := strings.Contains(c.Text, "$env") // reaches every part by a computed name
		s.json = s.json || all || strings.Contains(c.Text, "json")
		s.body = s.body || all || s.json || strings.Contains(c.Text, "body")
		s.parts = s.parts || strings.Contains(c.Text, "split")
		s.header = s.header || all || strings.Contains(c.Text, "header")
	}
	return s
}

func looksAt(checks []slo.Check, name string) bool {
	return slices.ContainsFunc(checks, func(c slo.Check) bool { return strings.Contains(c.Text, name) })
}

// with adds what captures look at.
func (s sight) with(captures []slo.Capture) sight {
	for _, c := range captures {
		s.add(c.Source)
	}
	return s
}

// measuring adds what measures look at.
func (s sight) measuring(measures []slo.Measure) sight {
	for _, m := range measures {
		s.add(m.Source())
	}
	return s
}

func (s *sight) add(from slo.Source) {
	switch from {
	case slo.FromJSON:
		s.exact, s.body = true, true
	case slo.FromHeader:
		s.header = true
	case slo.FromCookie:
		s.cookies = true
	case slo.FromBody:
		s.body = true
	}
}

// accepts reports whether a status code is a success before any check.
func (st *step) accepts(status int) bool {
	if len(st.request.Accept) == 0 {
		return 200 <= status && status <= 399
	}
	return slices.ContainsFunc(st.request.Accept, func(r slo.StatusRange) bool { return r.Contains(status) })
}

// judge finds the class of an answer, and for an unsuccessful one why.
func (st *step) judge(u *user, r *reply, service time.Duration) (result.Class, string) {
	u.keepCookies(st, r)
	if err := r.decode(st.sees.body); err != nil {
		return result.Protocol, err.Error()
	}
	if st.unpacks(r) && len(r.body) > muchUnpacked && st.turn != nil {
		st.turn.Lock()
		defer st.turn.Unlock()
	}
	var seen *slo.Answer
	if st.hides {
		seen = st.show(u, r, service)
		u.hide(st, r, seen)
	}
	if !st.accepts(r.status) {
		return result.BadStatus, strings.TrimSpace(fmt.Sprintf("status %d %s", r.status, r.said))
	}
	if len(st.request.Checks) == 0 && len(st.request.Captures) == 0 && len(st.request.Measures) == 0 && r.events == nil {
		return result.Success, ""
	}
	if seen == nil {
		seen = st.show(u, r, service)
	}
	if why := r.events.lack(); why != "" {
		return result.FailedCheck, why
	}
	if why := st.excess(r); why != "" {
		return result.FailedCheck, why
	}
	for _, c := range st.request.Checks {
		if held, err := c.Holds(seen); err != nil {
			return result.FailedCheck, fmt.Sprintf("check %s: %v", c.Text, err)
		} else if !held {
			return result.FailedCheck, "check " + c.Text
		}
	}
	if why := u.capture(st, seen); why != "" {
		return result.FailedCheck, why
	}
	if why := u.measure(st, seen); why != "" {
		return result.FailedCheck, why
	}
	return result.Success, ""
}

// written is what may be kept of an answer that is not whole: nothing where a
// secret would be taken out of it, which could not be found.
func (st *step) written(body []byte) []byte {
	if st.hides {
		return nil
	}
	return body
}

// readsJSON reports whether the checks, captures or measures look into the JSON
// of an answer's body.
func (st *step) readsJSON(r *reply) bool {
	return (st.sees.json || st.sees.exact) && r.events == nil
}

// unpacks reports whether looking at an answer's body takes many times its
// memory.
func (st *step) unpacks(r *reply) bool {
	return st.readsJSON(r) || st.sees.body && st.sees.parts && r.events == nil
}

// excess says that a body is too large for what is looked at.
func (st *step) excess(r *reply) string {
	switch {
	case !st.unpacks(r) || len(r.body) <= mostUnpacked:
		return ""
	case st.readsJSON(r):
		return fmt.Sprintf("the body has %d bytes; of JSON at most %d MiB are read", len(r.body), mostUnpacked>>20)
	}
	return fmt.Sprintf("the body has %d bytes; at most %d MiB are split", len(r.body), mostUnpacked>>20)
}

// measure takes the numbers of a step out of an answer, and says why one could
// not be found.
func (u *user) measure(st *step, seen *slo.Answer) string {
	u.measured = u.measured[:0]
	for _, m := range st.request.Measures {
		v, err := m.Find(seen)
		if err != nil {
			return fmt.Sprintf("measure %s: %s %v", m.Name, m.Text, err)
		}
		u.measured = append(u.measured, v)
	}
	return ""
}

// show makes what the step's checks and captures can see of an answer.
func (st *step) show(u *user, r *reply, service time.Duration) *slo.Answer {
	seen := &slo.Answer{Status: r.status, Size: int(r.size), Latency: service}
	if !r.expires.IsZero() {
		const day = 24 * time.Hour
		seen.TLS = slo.Certificate{DaysLeft: float64(r.expires.Sub(u.now())) / float64(day), Version: r.version}
	}
	if st.sees.header {
		seen.Header = make(map[string]string, len(r.header))
		for name, values := range r.header {
			seen.Header[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	if st.sees.body {
		seen.Body = string(r.body)
	}
	if st.readsJSON(r) && len(r.body) <= mostUnpacked {
		if st.sees.json {
			seen.JSON = decodeJSON(r.body)
		}
		if st.sees.exact {
			seen.Exact = slo.ExactJSON(r.body)
		}
	}
	seen.SetCookie = r.setCookie
	r.events.show(seen, st.sees)
	for _, c := range st.request.Checks {
		u.show(seen, c)
	}
	return seen
}

// timeout is the time that the whole request may take, connecting included.
func (st *step) timeout() time.Duration { return st.request.Timeout }
