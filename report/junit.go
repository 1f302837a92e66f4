package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/slogate/slogate/result"
)

// The elements of JUnit's format that both GitLab and Jenkins read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"` // seconds
		Timestamp  string          `xml:"timestamp,attr,omitempty"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Output     string          `xml:"system-out,omitempty"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Time    string        `xml:"time,attr"`
		Failure *junitOutcome `xml:"failure,omitempty"`
		Error   *junitOutcome `xml:"error,omitempty"`
		Skipped *junitOutcome `xml:"skipped,omitempty"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitOutcome struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the run as JUnit XML: one test case for each objective and
// stage, all in one suite, so that a case keeps its name from run to run.
//
// A missed objective that can fail is a failure; one that could not be decided
// is an error where it decides the run's verdict, because GitLab's merge
// request and Jenkins's trend show errors and pass over skipped cases, and
// otherwise skipped. A missed warning passes and says so in its output. There
// is a failure or an error exactly where the run did not pass: where no
// objective says why, a case named after the run does.
func JUnit(w io.Writer, r *result.Run) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(junit(r)); err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	return nil
}

func junit(r *result.Run) junitSuites {
	b := builder{run: r, write: visible}
	s := junitSuite{Name: b.name(r.Name).String(), Time: junitSeconds(r.End.Sub(r.Start)), Properties: b.properties()}
	if !r.Start.IsZero() {
		s.Timestamp = r.Start.UTC().Format("2006-01-02T15:04:05")
	}
	var shown []string
	if sentence := comparison(r); sentence != "" {
		shown = append(shown, b.sentence(sentence).String())
	}
	if r.Judgement != nil {
		for _, o := range r.Judgement.Objectives {
			if o.Verdict == result.Shown {
				shown = append(shown, b.junitText(o))
				continue
			}
			s.add(b.junitCase(o))
		}
	}
	s.Output = strings.Join(shown, "\n")
	if s.Failures+s.Errors == 0 && !b.passed() {
		s.add(b.junitRun())
	}
	return junitSuites{
		Name: s.Name, Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Skipped: s.Skipped,
		Time: s.Time, Suites: []junitSuite{s},
	}
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

// passed reports whether the build may go on.
func (b builder) passed() bool {
	return result.Verdict(runVerdict(b.run).Word).Passes()
}

func (b builder) properties() []junitProperty {
	out := []junitProperty{{"verdict", runVerdict(b.run).Word}}
	for _, f := range b.facts() {
		out = append(out, junitProperty{f.Name, f.Value.String()})
	}
	return out
}

// junitCase is one objective of one stage. Its name and class hold nothing that
// was measured: by these two GitLab and Jenkins know it again.
func (b builder) junitCase(o result.JudgedObjective) junitCase {
	c := junitCase{
		Class: b.name(b.run.Name).String() + "." + b.name(o.Stage).String(),
		Name:  b.name(o.Text).String(),
		Time:  "0", // of its stage, whose objectives share it: adding them up would be wrong
	}
	if o.Line > 0 {
		c.File, c.Line = b.sentence(b.run.SLO.Path).String(), o.Line
	}
	text := b.junitText(o)
	outcome := &junitOutcome{Message: text, Type: verdict(o.Verdict).Word, Text: b.junitDetails(o)}
	switch {
	case o.Verdict == result.Fail:
		c.Failure = outcome
	case o.Verdict == result.Inconclusive && o.Severity == string(result.Fail) && !b.passed():
		c.Error = outcome
	case o.Verdict == result.Inconclusive, o.Verdict == result.Skipped:
		c.Skipped = outcome
	case o.Verdict == result.Warn:
		c.Output = "warning: " + text
	default:
		c.Output = text
	}
	return c
}

// junitText is what was measured, on one line.
func (b builder) junitText(o result.JudgedObjective) string {
	v := b.objective(o)
	text := v.Text.String() + " in " + v.Stage.String() + ": measured " + v.Measured
	if v.Interval != "" {
		text += " (" + v.Interval + ")"
	}
	if v.Bound != "" {
		text += ", bound " + v.Bound
	}
	if v.Baseline != "" {
		text += ", " + b.baselineWord() + " " + v.Baseline + ", change " + v.changed() + ", sees " + v.Sees
	}
	text += ", " + plural(int(o.Samples), "sample")
	if !v.Reason.Empty() {
		text += "; " + v.Reason.String()
	}
	return text
}

func (b builder) baselineWord() string {
	if b.run.Base != nil {
		return "base"
	}
	return "baseline"
}

// junitFindings bounds what a missed objective says about its cause: the first
// findings are the strongest, and every missed objective repeats them.
const junitFindings = 5

// junitDetails is what helps further: the place in the SLO file and what was
// found in the objective's stage.
func (b builder) junitDetails(o result.JudgedObjective) string {
	lines := []string{b.junitText(o)}
	if place := b.place(o); !place.Empty() {
		lines = append(lines, "written at "+place.String())
	}
	for _, f := range b.run.Findings[:min(len(b.run.Findings), junitFindings)] {
		if f.Stage != "" && f.Stage != o.Stage {
			continue
		}
		lines = append(lines, "", b.sentence(f.Title).String())
		for _, list := range [][]string{f.Evidence, f.Suggestion} {
			for _, t := range b.sentences(list) {
				lines = append(lines, "- "+t.String())
			}
		}
	}
	return strings.Join(lines, "\n")
}

// junitRun is the case of a run that did not pass for a reason of its own.
func (b builder) junitRun() junitCase {
	v := runVerdict(b.run)
	text := b.sentence(sentence(b.run)).String()
	outcome := &junitOutcome{Message: v.Word + ": " + text, Type: v.Word, Text: text}
	c := junitCase{Class: b.name(b.run.Name).String(), Name: "run", Time: "0"}
	if v.Word == string(result.Fail) {
		c.Failure = outcome
		return c
	}
	c.Error = outcome
	return c
}

func junitSeconds(d time.Duration) string {
	return fmt.Sprintf("%.3f", max(d, 0).Seconds())
}
