package slo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Stream says how an answer is read that comes bit by bit: as events.
type Stream struct {
	As    StreamKind
	Until *Check        // ends the step with the first event that meets it; nil: none does
	For   time.Duration // ends the step this long after the request was sent; 0: never
}

// StreamKind says what an event is.
type StreamKind string

// The kinds of streams.
const (
	SSE    StreamKind = "sse"    // server-sent events, as the HTML standard defines them
	Lines  StreamKind = "lines"  // each line that is not empty, such as JSON lines
	Chunks StreamKind = "chunks" // what arrives together

	Messages StreamKind = "messages" // of gRPC
)

// Limits of streams. Events are kept in memory as far as a capture names them.
const (
	// MaxEvent is how large one event may be.
	MaxEvent = 256 << 10
	// MaxEvents is how many events one answer may have.
	MaxEvents = 1 << 20
	// maxPick is how far from the beginning or the end a capture may reach.
	maxPick = 20
)

// lastEvent is what a capture takes that names no other event.
const lastEvent = -1

// eventNames are the names that a check can use of a step with events.
var eventNames = []string{"event", "events", "event_type"}

// Picks are the numbers of the events that captures look at: from 1, or from
// −1 at the end.
func Picks(captures []Capture) []int {
	var picks []int
	for _, c := range captures {
		if c.Source == FromEvent && !slices.Contains(picks, c.event) {
			picks = append(picks, c.event)
		}
	}
	return picks
}

// noteStream tells the checks and captures of a request whether it has events.
func (p *parser) noteStream(o *object) {
	p.events = o.isWritten("stream") || o.isWritten("websocket") || o.isWritten("grpc")
}

// stream reads how an answer is read that comes bit by bit.
func (p *parser) stream(step *object, r *Request) {
	n := step.get("stream")
	if n == nil {
		return
	}
	r.Stream = &Stream{}
	known := []StreamKind{SSE, Lines, Chunks}
	if step.isWritten("grpc") {
		known = []StreamKind{Messages}
	}
	if n.kind != mapNode {
		r.Stream.As = choice(p, n, "stream", known...)
		return
	}
	o := objectOf[streamDoc](p, n, "stream")
	if as := o.need(p, "as", "as: "+string(known[0])); as != nil {
		r.Stream.As = choice(p, as, "as", known...)
	}
	if until := o.get("until"); until != nil {
		if c, ok := p.check(until); ok {
			r.Stream.Until = &c
		}
	}
	r.Stream.For = p.duration(o.get("for"), "for", 0, maxTimeout)
	if r.Stream.For >= r.Timeout {
		p.failNode(o.get("for"), CodeStream, "the stream is to be read for "+writeDuration(r.Stream.For)+", and the request times out after "+writeDuration(r.Timeout), "timeout: "+writeDuration(2*r.Stream.For))
	}
}

// noEvents is the fault of an expression or a capture that looks at events
// where there are none.
func noEvents(what string) *fault {
	return &fault{code: CodeStream, msg: what + " looks at events, and the step has none", hint: "stream: sse, lines or chunks, or a websocket"}
}

// parseEvent reads a capture of an event: event [NUMBER] [$PATH | ~ REGEXP].
func (c *Capture) parseEvent(rest string) error {
	c.Source, c.event = FromEvent, lastEvent
	word, after, _ := strings.Cut(rest, " ")
	if n, err := strconv.Atoi(word); err == nil {
		if n == 0 || n > maxPick || n < -maxPick {
			return &fault{code: CodeCapture, msg: fmt.Sprintf("there is no event %d", n), hint: fmt.Sprintf("events are counted from 1 or, at the end, from -1, up to %d", maxPick)}
		}
		c.event, rest = n, strings.TrimSpace(after)
	}
	switch {
	case rest == "":
		return nil
	case strings.HasPrefix(rest, "$"):
		path, err := parsePath(rest)
		c.path = path
		return err
	case strings.HasPrefix(rest, "~"):
		pattern, err := parsePattern(strings.TrimSpace(rest[1:]))
		c.pattern = pattern
		return err
	}
	return &fault{code: CodeCapture, msg: quote(c.Text) + " is not a capture of an event", hint: "event, event 1, event -2, and after it nothing, a JSONPath or ~ REGEXP"}
}

// inEvent takes a value out of an event.
func (c Capture) inEvent(events map[int]string) (Content, error) {
	text, ok := events[c.event]
	switch {
	case !ok:
		return Content{}, errNothing
	case c.path != nil:
		return c.inJSON(ExactJSON([]byte(text)))
	case c.pattern != nil:
		return inText(c.pattern, text)
	}
	return Content{Text: text}, nil
}

// inText takes the first group of a pattern, or all of it where it has none.
func inText(pattern *regexp.Regexp, text string) (Content, error) {
	if at := pattern.FindStringSubmatchIndex(text); at != nil {
		group := at[len(at)-2:]
		if len(at) > 2 {
			group = at[2:4]
		}
		if group[0] >= 0 {
			return Content{Text: text[group[0]:group[1]]}, nil
		}
	}
	return Content{}, errNothing
}

// ExactJSON decodes one value with its numbers as they are written, and gives
// nil for what is none.
func ExactJSON(text []byte) any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	if _, err := d.Token(); err != io.EOF {
		return nil // there is more than one value
	}
	return v
}
