package slo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// scope says which captures and columns may be used at a place of the file.
// Every step adds what it captures.
type scope struct {
	made    map[string]int // the captures that exist here, with their numbers
	columns []string       // of the rows of the scenario's data
	before  bool           // the place is in before
}

// hasRow reports whether the place has rows.
func (s *scope) hasRow() bool { return len(s.columns) > 0 }

// newScope begins a scenario, or what is like one: it sees what before has
// captured.
func (p *parser) newScope() *scope { return &scope{made: maps.Clone(p.everywhere)} }

// numberOf gives a capture's name its number. The same name in two scenarios
// has two.
func (p *parser) numberOf(name string) int {
	known := p.scope.made
	if p.scope.before {
		known = p.everywhere
	}
	if number, ok := known[name]; ok {
		return number
	}
	p.file.Captures = append(p.file.Captures, name)
	return len(p.file.Captures) - 1
}

// noteCaptures notes where the names of captures stand, so that one that is
// used too early can be told from one that does not exist.
func (p *parser) noteCaptures(n *node) {
	if n == nil {
		return
	}
	for _, item := range n.items {
		p.noteCaptures(item)
	}
	for _, e := range n.entries {
		switch e.key {
		case "capture":
			for _, c := range e.value.entries {
				p.captured[c.key] = append(p.captured[c.key], c.pos)
			}
		case "steps", "start":
			p.noteCaptures(e.value)
		}
	}
}

// changing reads a value that changes with each request.
func (p *parser) changing(inside string) (Part, error) {
	if column, ok := strings.CutPrefix(inside, "row."); ok {
		return p.column(column)
	}
	if number, ok := p.scope.made[inside]; ok {
		return Part{Value: Captured, Name: inside, Number: number}, nil
	}
	if at := p.captured[inside]; len(at) > 0 {
		return Part{}, unmade(inside, at)
	}
	part, err := dynamicValue(inside)
	if err == nil {
		return part, nil
	}
	f := asFault(err)
	if f.code == CodeValue && !strings.Contains(f.msg, "did you mean") {
		f.msg += didYouMean(inside, slices.Sorted(maps.Keys(p.scope.made)))
	}
	return part, f
}

// unmade is a capture that does not exist yet where it is used.
func unmade(name string, at []Pos) *fault {
	lines := make([]string, 0, len(at))
	for _, pos := range at {
		if line := fmt.Sprint(pos.Line); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return &fault{
		code: CodeUnmade, msg: "the capture " + quote(name) + " is not made before this step",
		hint: "it is made at line " + strings.Join(lines, ", ") + "; a step sees what earlier steps of its scenario and of before have captured",
	}
}

// column finds a column of the scenario's rows.
func (p *parser) column(name string) (Part, error) {
	if f := p.scope.noColumn(name); f != nil {
		return Part{}, f
	}
	return Part{Value: Row, Name: name, Number: slices.Index(p.scope.columns, name)}, nil
}

// noColumn says why a column cannot be used, nil where it can.
func (s *scope) noColumn(name string) *fault {
	switch {
	case !s.hasRow():
		return &fault{code: CodeColumn, msg: "there is no row here", hint: "a scenario takes rows from its data: data: {file: users.csv}"}
	case !slices.Contains(s.columns, name):
		return &fault{code: CodeColumn, msg: "the data has no column " + quote(name) + didYouMean(name, s.columns), hint: "the columns are " + strings.Join(s.columns, " ")}
	}
	return nil
}

// defaultHeaders are the headers of the file that a step sends: those whose
// captures are made.
func (p *parser) defaultHeaders() []Header {
	var all []Header
	for _, h := range p.file.HTTP.Headers {
		if p.isMade(h.Value) {
			all = append(all, h)
		}
	}
	return all
}

// isMade reports whether the captures of a template are made here.
func (p *parser) isMade(t Template) bool {
	return !slices.ContainsFunc(t, func(part Part) bool {
		_, made := p.scope.made[part.Name]
		return part.Value == Captured && !made || part.Value == Base64 && !p.isMade(part.Of)
	})
}
