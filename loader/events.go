package loader

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/slo"
)

// events are those of one answer: how many came and when, and as much of them
// as checks and captures look at.
type events struct {
	step  *step
	user  *user
	stop  stop
	picks []int // by their numbers: what captures look at

	from  time.Time // the request was sent
	count int
	first time.Time
	last  time.Time
	gaps  []time.Duration
	trips []time.Duration // of a WebSocket: from a message to the one that was waited for

	text    string // the last event
	kind    string // its type, of server-sent events
	kept    map[int]string
	cutter  cutter
	stopped bool  // what was waited for came
	wrong   error // why no more can be read
	end     time.Time
}

// stop says when no further events are waited for.
type stop struct {
	until *slo.Check
	sees  sight         // what it looks at
	after time.Duration // 0: never
}

// eventsOf returns nil where a step's answer is one whole.
func eventsOf(st *step, u *user) *events {
	e := &events{step: st, user: u, picks: slo.Picks(st.request.Captures)}
	switch s := st.request.Stream; {
	case s != nil:
		e.stop.after, e.cutter.as = s.For, s.As
		e.until(s.Until)
	case st.request.WebSocket == nil:
		return nil
	}
	return e
}

// until sets what ends the wait for more; nil: nothing does.
func (e *events) until(c *slo.Check) {
	if e.stop.until, e.stopped = c, false; c != nil {
		e.stop.sees = sightOf([]slo.Check{*c})
	}
}

// special names a kind of step that only the portable engine does; empty:
// there is none.
func (p *plan) special() string {
	for _, st := range p.all {
		switch r := st.request; {
		case r.GRPC != nil:
			return "gRPC"
		case r.Stream != nil:
			return "streams"
		case r.WebSocket != nil:
			return "WebSockets"
		case r.TCP != "" || r.DNS != nil:
			return "steps without HTTP"
		}
	}
	return ""
}

// calls reports whether a step calls a method of gRPC.
func (p *plan) calls() bool {
	return slices.ContainsFunc(p.all, func(st *step) bool { return st.callee != nil })
}

// follow lets the parser cut an answer into events.
func (x *exchanged) follow(e *events) {
	x.events = e
	e.begin(x.wrote)
	x.conn.parser.Each(func(piece []byte) { e.take(x.conn.parser.Status(), piece, time.Now()) })
}

func (e *events) begin(now time.Time) { e.from = now }

// over is when the step ends by its time; zero: it does not.
func (e *events) over() time.Time {
	if e == nil || e.stop.after == 0 {
		return time.Time{}
	}
	return e.from.Add(e.stop.after)
}

// isOver reports whether the time for which a stream is to be read has passed.
func (e *events) isOver(now time.Time) bool {
	over := e.over()
	return !over.IsZero() && !now.Before(over)
}

// listen ends the wait for more once an answer has begun, when the step says so.
func (x *exchanged) listen(deadline time.Time) {
	if over := x.events.over(); !over.IsZero() && over.Before(deadline) {
		_ = x.conn.SetDeadline(over) // a connection that takes none fails the read
	}
}

// take reads on in an answer with the status.
func (e *events) take(status int, piece []byte, now time.Time) {
	if e == nil || e.stopped || e.wrong != nil || !e.step.accepts(status) {
		return
	}
	e.wrong = e.cutter.cut(piece, func(text, kind string) bool {
		e.add(text, kind, now)
		return !e.stopped && e.wrong == nil
	})
}

// add notes an event.
func (e *events) add(text, kind string, now time.Time) {
	if e.count++; e.count == 1 {
		e.first = now
	} else {
		e.gaps = append(e.gaps, now.Sub(e.last))
	}
	e.last, e.text, e.kind = now, text, kind
	e.pick(text)
	if e.count > slo.MaxEvents {
		e.wrong = fmt.Errorf("the answer has more than %d events", slo.MaxEvents)
	}
	if e.stop.until == nil {
		return
	}
	seen := &slo.Answer{Latency: now.Sub(e.from), Size: len(text)}
	e.show(seen, e.stop.sees)
	e.user.show(seen, *e.stop.until)
	// What cannot be computed for an event is not what is waited for.
	held, err := e.stop.until.Holds(seen)
	e.stopped = err == nil && held
}

// pick keeps the events that captures look at, and those between them and the
// end.
func (e *events) pick(text string) {
	if len(e.picks) == 0 {
		return
	}
	if e.kept == nil {
		e.kept = map[int]string{}
	}
	for back := slices.Min(e.picks); back < -1; back++ {
		if before, ok := e.kept[back+1]; ok {
			e.kept[back] = before
		}
	}
	e.kept[-1] = text
	if slices.Contains(e.picks, e.count) {
		e.kept[e.count] = text
	}
}

// finish takes what is left when the answer has ended.
func (e *events) finish(status int, now time.Time) {
	if e == nil {
		return
	}
	if e.end = now; e.stopped || e.cutter.as != slo.Lines {
		return
	}
	e.take(status, []byte("\n"), now)
}

// ended reports whether no more is waited for, or why no more can be read.
func (e *events) ended() (stop bool, err error) {
	if e == nil {
		return false, nil
	}
	return e.stopped, e.wrong
}

// lack says what a stream has not brought that ended before its time.
func (e *events) lack() string {
	if e == nil || e.stop.until == nil || e.stopped || e.isOver(e.end) {
		return ""
	}
	return fmt.Sprintf("until %s: the stream ended before, after %d events", e.stop.until.Text, e.count)
}

// show lets checks and captures see the events.
func (e *events) show(seen *slo.Answer, sees sight) {
	if e == nil {
		return
	}
	seen.Events, seen.Event, seen.EventType, seen.Picked = e.count, e.text, e.kind, e.kept
	if sees.json {
		seen.JSON = decodeJSON([]byte(e.text))
	}
	if sees.exact {
		seen.Exact = slo.ExactJSON([]byte(e.text))
	}
}

func (e *events) String() string {
	if e.count == 0 {
		return "no event"
	}
	return fmt.Sprintf("%d events, the first after %s", e.count, quantity.Duration(e.first.Sub(e.from)))
}

// cutter cuts a stream into events. What it keeps between two pieces is
// bounded.
type cutter struct {
	as    slo.StreamKind
	line  []byte // the beginning of the line under way
	begun bool   // the first line has been read
	cr    bool   // the line before ended in a carriage return
	data  []byte // of the event under way
	has   bool   // it has data
	kind  string
}

var errEventTooLarge = fmt.Errorf("an event is larger than %d KiB", slo.MaxEvent>>10)

// cut gives every event that the piece completes to emit, until that says false.
func (c *cutter) cut(piece []byte, emit func(text, kind string) bool) error {
	if c.as == slo.Chunks {
		if len(piece) > 0 {
			emit(string(piece), "")
		}
		return nil
	}
	for len(piece) > 0 {
		end := bytes.IndexAny(piece, c.ends())
		if end < 0 {
			return c.hold(piece)
		}
		wasLF := piece[end] == '\n' && end == 0 && len(c.line) == 0 && c.cr
		c.cr = piece[end] == '\r'
		part := piece[:end]
		piece = piece[end+1:]
		if wasLF {
			continue // the second half of a line break
		}
		if err := c.hold(part); err != nil {
			return err
		}
		more := c.whole(emit)
		c.line = c.line[:0]
		if !more {
			return nil
		}
	}
	return nil
}

// ends are the bytes that end a line.
func (c *cutter) ends() string {
	if c.as == slo.SSE {
		return "\r\n"
	}
	return "\n"
}

func (c *cutter) hold(part []byte) error {
	if len(c.line)+len(c.data)+len(part) > slo.MaxEvent {
		return errEventTooLarge
	}
	c.line = append(c.line, part...)
	return nil
}

// whole takes a line that is complete.
func (c *cutter) whole(emit func(text, kind string) bool) bool {
	if c.as == slo.SSE {
		return c.field(emit)
	}
	if line := bytes.TrimSuffix(c.line, []byte("\r")); len(bytes.TrimSpace(line)) > 0 {
		return emit(string(line), "")
	}
	return true
}

// byteOrderMark may stand at the beginning of a stream.
var byteOrderMark = []byte("\uFEFF")

// field takes a line of server-sent events: the HTML standard, section 9.2.6,
// "Interpreting an event stream".
func (c *cutter) field(emit func(text, kind string) bool) bool {
	line := c.line
	if !c.begun {
		line, c.begun = bytes.TrimPrefix(line, byteOrderMark), true
	}
	if len(line) == 0 {
		return c.dispatch(emit)
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		if c.has {
			c.data = append(c.data, '\n')
		}
		c.data, c.has = append(c.data, value...), true
	case "event":
		c.kind = string(value)
	}
	return true
}

// dispatch ends an event. One without data is none.
func (c *cutter) dispatch(emit func(text, kind string) bool) bool {
	text, kind, has := string(c.data), c.kind, c.has
	c.data, c.kind, c.has = c.data[:0], "", false
	if !has {
		return true
	}
	if kind == "" {
		kind = "message"
	}
	return emit(text, kind)
}
