package loader

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/slogate/slogate/secret"
	"github.com/slogate/slogate/slo"
)

// sessions are what the virtual users of a loader carry along from step to
// step. They outlive a stage: a user of the next one goes on where the user of
// the same number ended. A file whose users carry nothing has none, which is
// what keeps its requests as cheap as they are.
type sessions struct {
	seed   uint64       // of the run
	names  []string     // of the captures
	secret []int        // the captures that must not be written anywhere
	values secretValues // of those captures
	places int          // scenarios, and the setup
	origin origin       // of the cookies

	// common are the values that all users see: what before has captured. They
	// are replaced as a whole, because users read them while they are renewed.
	common atomic.Pointer[[]held]

	mu   sync.Mutex
	free map[int]*session // by the number of the user that had it
}

// held is a captured value, where there is one.
type held struct {
	slo.Content
	made bool
}

// session is what one user carries along.
type session struct {
	of     *sessions
	now    []held   // by the number of the capture; those of before stay empty
	hidden []string // secrets of answers that were not successful
	places []place  // by the number of the scenario
	at     *place   // the scenario under way
	path   []byte   // of the request under way, with its query

	row     []slo.Content // of the iteration
	rowless error         // why it has none
}

// place is where a user is in one scenario.
type place struct {
	started bool // its start steps are done
	jar     jar
	left    []cookie // what start left in the jar
	held    []held   // and of the scenario's captures
}

// carries reports whether anything is carried along by the users of a file.
func carries(file *slo.File) bool {
	return len(file.Captures) > 0 || len(file.Before) > 0 || len(file.After) > 0 ||
		slices.ContainsFunc(file.Scenarios, func(s slo.Scenario) bool { return len(s.Start) > 0 || len(s.Data) > 0 || s.Session != slo.NoSession })
}

// newSessions returns nil where nothing is carried along.
func newSessions(file *slo.File, target *url.URL, opts Options) *sessions {
	if !carries(file) {
		return nil
	}
	s := &sessions{
		seed: opts.Seed, names: file.Captures, places: len(file.Scenarios) + 1,
		origin: originOf(target.Scheme, target.Hostname()), free: map[int]*session{},
	}
	for number, name := range file.Captures {
		if strings.HasPrefix(name, slo.SecretCapture) {
			s.secret = append(s.secret, number)
		}
	}
	return s
}

// take gives a user the session of its number, or a new one: blocks of a
// comparison may overlap, and two users never share one.
func (s *sessions) take(number int) *session {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.free[number]; kept != nil {
		delete(s.free, number)
		return kept
	}
	return &session{of: s, now: make([]held, len(s.names)), places: make([]place, s.places)}
}

// visitor is a session beside those of the users, which sees what before has
// captured and keeps nothing.
func (s *sessions) visitor() *session {
	if s == nil {
		return nil
	}
	return &session{of: s, now: make([]held, len(s.names))}
}

// forget ends all sessions, between stages: users begin anew. What was captured
// as a secret stays one.
func (s *sessions) forget() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.free)
	s.common.Store(nil)
}

// give takes a session back at the end of a stage.
func (s *sessions) give(u *user) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free[u.number] = u.session
}

// longest is how long a spelling of a captured secret may be: each byte of it
// can be written with six.
func (s *sessions) longest() int {
	if s == nil || len(s.secret) == 0 {
		return 0
	}
	return secret.LongestSpelling * slo.MaxSecretCaptured
}

// begin goes back to what the scenario's start left: what the iteration before
// has captured is forgotten, and its cookies unless the worker keeps them.
func (s *session) begin(sc *scenario) {
	s.hidden = s.hidden[:0]
	s.at = &s.places[sc.number]
	if !sc.keepsCookies {
		s.at.jar.list = append(s.at.jar.list[:0], s.at.left...)
	}
	for i, number := range sc.captures {
		s.now[number] = held{}
		if s.at.started && s.at.held != nil {
			s.now[number] = s.at.held[i]
		}
	}
}

// isToStart reports whether the scenario's start steps come first.
func (u *user) isToStart(sc *scenario) bool { return len(sc.start) > 0 && !u.session.at.started }

// started notes what the start steps left.
func (s *session) started(sc *scenario) {
	s.at.started = true
	s.at.left = slices.Clone(s.at.jar.list)
	for _, number := range sc.captures {
		s.at.held = append(s.at.held, s.now[number])
	}
}

// captured finds a value.
func (s *session) captured(number int) held {
	if h := s.now[number]; h.made {
		return h
	}
	if all := s.of.common.Load(); all != nil {
		return (*all)[number]
	}
	return held{}
}

// secrets are the values that must not be written anywhere, for texts that a
// user got: its own, and those that stand in them of what any user has had.
func (u *user) secrets(texts ...[]byte) []string {
	return append(u.own(nil), standing(u.values(), texts...)...)
}

// values are what any user has had until now.
func (u *user) values() []*secretValue {
	if u == nil || u.session == nil {
		return nil
	}
	return u.session.of.values.all()
}

// own appends the user's own secrets to a list.
func (u *user) own(list []string) []string {
	if u == nil {
		return list
	}
	list = u.tokens.append(list)
	if u.signature != "" {
		list = append(list, u.signature)
	}
	if u.session == nil {
		return list
	}
	list = append(list, u.session.hidden...)
	for _, number := range u.session.of.secret {
		if h := u.session.captured(number); h.made {
			list = append(list, h.Text)
		}
	}
	return list
}

// hide keeps the secrets of an answer out of what is written of it, whatever
// becomes of the request. Where they cannot be looked for, nothing of the answer
// is kept.
func (u *user) hide(st *step, r *reply, seen *slo.Answer) {
	for _, c := range st.request.Captures {
		if !c.IsSecret() {
			continue
		}
		found, known := c.Secrets(seen)
		if !known {
			r.body, r.header = nil, nil
		}
		for _, text := range found {
			u.session.hidden = append(u.session.hidden, text)
			u.session.of.values.add(text)
		}
	}
}

// keepCookies keeps what an answer sets, whatever else it says.
func (u *user) keepCookies(st *step, r *reply) {
	if st.cookies && len(r.setCookie) > 0 {
		u.session.at.jar.set(u.session.of.origin, r.setCookie, u.session.path, u.now())
	}
}

// lackError says that a request needs a value that was not captured, because
// the step that captures it failed and the iteration went on.
type lackError struct{ name string }

func (e *lackError) Error() string {
	return fmt.Sprintf("capture %s is used here and was not made", e.name)
}

// appendContent appends a value from outside.
func (u *user) appendContent(dst []byte, p slo.Part) []byte {
	c, ok := u.content(p)
	switch {
	case !ok:
		u.lacks = p.Name
		return dst
	case p.Escape == slo.EscapeValue && c.Typed:
		return append(dst, c.Text...)
	case p.Escape == slo.EscapeValue:
		dst = append(dst, '"')
		dst = append(dst, escape(slo.EscapeJSON, c.Text)...)
		return append(dst, '"')
	}
	return append(dst, escape(p.Escape, c.Text)...)
}

// content finds the value that a template names.
func (u *user) content(p slo.Part) (slo.Content, bool) {
	if u.session == nil {
		return slo.Content{}, false
	}
	if p.Value == slo.Row {
		if p.Number >= len(u.session.row) {
			return slo.Content{}, false
		}
		return u.session.row[p.Number], true
	}
	h := u.session.captured(p.Number)
	return h.Content, h.made
}

// capture takes the values of a step out of an answer, and says why one could
// not be found.
func (u *user) capture(st *step, seen *slo.Answer) string {
	for _, c := range st.request.Captures {
		if _, why := u.captureOne(c, seen); why != "" {
			return why
		}
	}
	return ""
}

func (u *user) captureOne(c slo.Capture, seen *slo.Answer) (slo.Content, string) {
	found, err := c.Find(seen)
	if err != nil {
		return found, fmt.Sprintf("capture %s: %s %v", c.Name, c.Text, err)
	}
	u.session.now[c.Number] = held{found, true}
	return found, ""
}

// show gives a check the values from outside that it looks at.
func (u *user) show(seen *slo.Answer, c slo.Check) {
	if len(c.Columns) > 0 && seen.Row == nil {
		seen.Row = make([]any, len(u.session.row))
	}
	for _, number := range c.Columns {
		seen.Row[number] = u.session.row[number].Value()
	}
	if len(c.Captures) > 0 && seen.Captures == nil {
		seen.Captures = make([]any, len(u.session.now))
	}
	for _, number := range c.Captures {
		if h := u.session.captured(number); h.made {
			seen.Captures[number] = h.Value()
		}
	}
}
