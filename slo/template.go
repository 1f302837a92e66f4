package slo

import (
	"strings"
	"time"
)

// Template is a string with values that are put in for each request. Static
// values (the environment, secrets) are resolved when the file is read and
// are part of the literals.
type Template []Part

// Part is a literal, or a value where Value is set.
type Part struct {
	Literal string
	Value   Value
	Name    string   // Captured: of the capture; Row: of the column
	Number  int      // Captured: in File.Captures; Row: of the column in the scenario's rows; Token: in File.Tokens
	Of      Template // Base64: what is encoded
	Args    []string // RandomOf: the choices; RandomInt: inclusive bounds; RandomString: the length
	Escape  Escape
}

// Value names what a template puts in.
type Value string

// The values that are made for each request. Random ones come from the run's
// seed.
const (
	NoValue      Value = ""
	UUID         Value = "uuid"          // version 4
	Now          Value = "now"           // RFC 3339 with milliseconds, UTC
	Worker       Value = "worker"        // number of the user, from 0
	Iteration    Value = "iteration"     // number of the scenario's start in the stage, from 0
	RandomInt    Value = "random.int"    // Args: low, high
	RandomString Value = "random.string" // Args: length; letters and digits
	RandomOf     Value = "random.of"     // Args: the choices
	Captured     Value = "capture"       // what an earlier step found in its answer
	Row          Value = "row"           // a column of the iteration's row
	Token        Value = "token"         // of a token source
	Base64       Value = "base64"        // a template, encoded
)

// Escape says how a value is written at its place.
type Escape string

// The ways to write a value.
const (
	EscapeNone Escape = ""
	EscapeJSON Escape = "json" // inside of a JSON string
	EscapeForm Escape = "form" // application/x-www-form-urlencoded
	EscapePath Escape = "path" // one URL path segment

	// EscapeValue writes a value as JSON of its own: a text gets its quotes.
	EscapeValue Escape = "value"
)

// Static reports whether the template has no values, and its text.
func (t Template) Static() (string, bool) {
	var text strings.Builder
	for _, p := range t {
		if p.Value != NoValue {
			return "", false
		}
		text.WriteString(p.Literal)
	}
	return text.String(), true
}

// Certificate is what a check can see of the connection of an answer. The zero
// value is that of clear text.
type Certificate struct {
	DaysLeft float64 `expr:"days_left"` // until the service's certificate expires
	Version  string  `expr:"version"`   // of TLS, such as 1.3
}

// Answer is what a check can see of an answer.
type Answer struct {
	Status  int               `expr:"status"`
	Header  map[string]string `expr:"header"` // names in lower case
	Body    string            `expr:"body"`
	JSON    any               `expr:"json"` // nil where the body is not JSON
	Size    int               `expr:"size"` // bytes of the body
	Latency time.Duration     `expr:"latency"`
	TLS     Certificate       `expr:"tls"`

	// Of a step with events. There, JSON is the last event's.
	Events    int    `expr:"events"` // how many came
	Event     string `expr:"event"`  // the last one
	EventType string `expr:"event_type"`

	// Captures and Row hold the values that the check uses, by the numbers of
	// the captures and columns. No expression can spell their names.
	Captures []any `expr:"captured values"`
	Row      []any `expr:"values of the row"`

	// Exact and SetCookie are for captures alone: JSON with numbers as they are
	// written, nil where the body is none, and the lines of Set-Cookie.
	Exact     any      `expr:"-"`
	SetCookie []string `expr:"-"`

	// Picked are the events that captures look at, by [Picks].
	Picked map[int]string `expr:"-"`
}
