package action

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

const (
	// A runner keeps ten annotations of each level of a step; the tenth says
	// how many more there are.
	annotationsPerLevel = 9
	// A runner cuts a message at 4096 UTF-16 units. That many bytes never hold
	// more of them.
	longestMessage = 4096
)

// annotation is a message at a place of a file. The zero line and column mean
// the file as a whole; no file, the run as a whole.
type annotation struct {
	level   string // error, warning
	file    string
	line    int
	column  int
	title   string
	message string
}

// Annotate marks the SLO file's line of each objective that was not met: an
// error where it failed, a warning where it only warns or is inconclusive.
func (a *Action) Annotate(file string, j *result.Judgement, against Against) error {
	var errs, warnings []annotation
	for _, m := range Missed(j, against) {
		n := annotation{level: m.Level, file: file, line: m.Line, column: m.Column, title: m.Title, message: m.Text}
		if m.Level == Failure {
			errs = append(errs, n)
		} else {
			warnings = append(warnings, n)
		}
	}
	return errors.Join(a.annotate(errs), a.annotate(warnings))
}

// Against writes what an objective was compared with, and the change, as a
// report does. It is empty where there was no comparison.
type Against func(o result.JudgedObjective) string

// The levels of an annotation, in the words of workflow commands.
const (
	Failure = "error"
	Warning = "warning"
	Remark  = "notice"
)

// Note is a message at a place of the SLO file. A line of 0 is the file as a
// whole.
type Note struct {
	Level        string
	Line, Column int
	Title, Text  string
}

// Missed are notes on the objectives that were not met.
func Missed(j *result.Judgement, against Against) []Note {
	var all []Note
	for _, o := range j.Objectives {
		switch o.Verdict {
		case result.Fail:
			all = append(all, missed(Failure, "failed", o, against))
		case result.Warn:
			all = append(all, missed(Warning, "missed", o, against))
		case result.Inconclusive:
			all = append(all, missed(Warning, "inconclusive", o, against))
		}
	}
	return all
}

func missed(level, how string, o result.JudgedObjective, against Against) Note {
	var text strings.Builder
	text.WriteString(o.Text + ": " + measured(o))
	for _, more := range []string{against(o), o.Reason} {
		if more != "" {
			text.WriteString("; " + more)
		}
	}
	return Note{
		Level: level, Line: o.Line, Column: o.Column, Text: text.String(),
		// Without the objective's "=", which runners made from act do not allow here.
		Title: fmt.Sprintf("%s %s in stage %s", o.Subject(), how, o.Stage),
	}
}

// Remarks marks places of the SLO file with what a user may want to change and
// nothing depends on.
func (a *Action) Remarks(file string, notes []Note) error {
	var all []annotation
	for _, n := range notes {
		all = append(all, annotation{level: Remark, file: file, line: n.Line, column: n.Column, title: n.Title, message: n.Text})
	}
	return a.annotate(all)
}

func measured(o result.JudgedObjective) string {
	if o.Measured == nil {
		return "nothing was measured"
	}
	value := quantity.Of(o.Unit, *o.Measured)
	if o.AtLeast {
		value = "at least " + value
	}
	if o.Until > 0 {
		value += fmt.Sprintf(" from %s to %s", quantity.Duration(o.From), quantity.Duration(o.Until))
	}
	return fmt.Sprintf("measured %s, from %d samples", value, o.Samples)
}

// Fault is an error at a place of a file, such as one in the SLO file. Line
// and column count from 1; 0 means that there is none.
type Fault interface {
	error
	Place() (file string, line, column int)
}

// Error marks an error that kept the run from its end: each [Fault] in it at
// its place, or the whole where there is none.
func (a *Action) Error(err error) error {
	notes := []annotation{{level: "error", title: "slogate", message: advised(err)}}
	if found := faults(err); len(found) > 0 {
		notes = notes[:0]
		for _, f := range found {
			file, line, column := f.Place()
			notes = append(notes, annotation{level: "error", title: "slogate", file: file, line: line, column: column, message: advised(f)})
		}
	}
	return a.annotate(notes)
}

// advised is an error with what it advises, if it does.
func advised(err error) string {
	text := err.Error()
	if a, ok := errors.AsType[interface {
		error
		Advice() string
	}](err); ok && a.Advice() != "" {
		text += "\n" + a.Advice()
	}
	return text
}

func faults(err error) []Fault {
	switch e := err.(type) {
	case Fault:
		return []Fault{e}
	case interface{ Unwrap() error }:
		return faults(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []Fault
		for _, part := range e.Unwrap() {
			all = append(all, faults(part)...)
		}
		return all
	}
	return nil
}

// annotate writes notes of one level, as many as a runner keeps.
func (a *Action) annotate(notes []annotation) error {
	var errs []error
	for i, n := range notes {
		if i == annotationsPerLevel {
			n = annotation{level: n.level, title: "slogate", message: fmt.Sprintf("%d more, see the job summary and the log", len(notes)-i)}
		}
		errs = append(errs, a.command(n.level, a.properties(n), cut(clean(n.message), longestMessage)))
		if i == annotationsPerLevel {
			break
		}
	}
	return errors.Join(errs...)
}

// properties place an annotation, by the path that the repository knows. A file
// outside of the workspace is none of the repository's, so it is not named.
func (a *Action) properties(n annotation) githubactions.CommandProperties {
	p := githubactions.CommandProperties{"title": cut(cleanLine(n.title), 200)}
	path, ours := RepositoryPath(a.Workspace(), n.file)
	if n.file == "" || !ours {
		return p
	}
	p["file"] = cut(cleanLine(path), longestMessage)
	if n.line > 0 {
		p["line"] = strconv.Itoa(n.line)
	}
	if n.line > 0 && n.column > 0 {
		p["col"] = strconv.Itoa(n.column)
	}
	return p
}

// clean makes each line of a text harmless.
func clean(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, line := range lines {
		lines[i] = harmless(line)
	}
	return strings.Join(lines, "\n")
}

// cleanLine makes a harmless single line of a text.
func cleanLine(text string) string { return strings.ReplaceAll(clean(text), "\n", " ") }

// Notice marks the run with a notice, for what a user may want to change and
// nothing depends on.
func (a *Action) Notice(message string) error {
	return a.annotate([]annotation{{level: "notice", title: "slogate", message: message}})
}

// Warn marks the run with a warning that no objective is the cause of.
func (a *Action) Warn(message string) error {
	return a.annotate([]annotation{{level: "warning", title: "slogate", message: message}})
}
