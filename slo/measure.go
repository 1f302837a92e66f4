package slo

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Measure takes a number out of each successful answer.
type Measure struct {
	Name   string
	Text   string // where the number is, as written
	from   Capture
	length bool // how many elements or characters the value has
}

// MaxMeasured is the largest number that a measure takes; the smallest is 0.
// Numbers are told apart to a thousandth, and to three significant digits.
const MaxMeasured = 3_600_000

// maxMeasures bounds the distributions that are kept for each step.
const maxMeasures = 20

const (
	lengthSuffix   = ".length"
	measureForms   = "a measure is a JSONPath ($.price, $.items.length), header NAME or body ~ REGEXP that finds a number"
	measureExample = "for example measure: {price: $.price, items: $.items.length}"
)

// measures reads the map of measures of a step.
func (p *parser) measures(n *node) []Measure {
	switch {
	case n == nil:
		return nil
	case n.kind != mapNode:
		p.failNode(n, CodeKind, "measure must be a map, this is "+n.describe(), measureExample)
		return nil
	case len(n.entries) > maxMeasures:
		p.failNode(n, CodeTooMany, fmt.Sprintf("more than %d measures", maxMeasures), "")
		return nil
	}
	var all []Measure
	for _, e := range n.entries {
		if !variableName.MatchString(e.key) || width(e.key) > maxName {
			p.fail(e.pos, width(e.key), CodeMeasure, quote(e.key)+" is not the name of a measure", "a name has letters, digits and underscores, and begins with no digit")
			continue
		}
		text, ok := p.raw(e.value, "a measure")
		if !ok {
			continue
		}
		m, err := parseMeasure(strings.TrimSpace(text))
		if err != nil {
			p.failText(e.value, err)
			continue
		}
		m.Name = e.key
		all = append(all, m)
		if !slices.Contains(p.file.Measures, m.Name) {
			p.file.Measures = append(p.file.Measures, m.Name)
		}
	}
	return all
}

// refuseMeasures refuses measures in steps that nothing judges.
func (p *parser) refuseMeasures(steps []Step, where string) {
	for _, s := range steps {
		if s.Request != nil && len(s.Request.Measures) > 0 {
			p.fail(s.Request.Pos, 0, CodeMeasure, "a step of "+where+" measures nothing: it is not judged", "measure in a step of a scenario")
		}
	}
}

func parseMeasure(text string) (Measure, error) {
	m := Measure{Text: text}
	if f := holdsValue(text, "a measure", plainHint); f != nil {
		return m, f
	}
	if len(text) > maxCaptureText {
		return m, &fault{code: CodeMeasure, msg: fmt.Sprintf("the measure has more than %d bytes", maxCaptureText)}
	}
	m.from.Text = text
	if strings.HasPrefix(text, "$") {
		m.from.Text, m.length = strings.CutSuffix(text, lengthSuffix)
	}
	if err := m.from.parse(); err != nil {
		f := *asFault(err)
		f.code, f.hint = CodeMeasure, measureForms
		f.msg = strings.ReplaceAll(f.msg, "a capture", "a measure")
		return m, &f
	}
	if m.from.Source == FromCookie {
		return m, &fault{code: CodeMeasure, msg: "a cookie is no number", hint: measureForms}
	}
	return m, nil
}

// Source is the part of an answer that the measure looks at.
func (m Measure) Source() Source { return m.from.Source }

// Find takes the number out of an answer. The error says why there is none, and
// holds nothing of the answer but the number.
func (m Measure) Find(a *Answer) (float64, error) {
	v, err := m.number(a)
	switch {
	case err != nil:
		return 0, err
	case !(v >= 0 && v <= MaxMeasured):
		return 0, fmt.Errorf("found %s, which is not between 0 and %d", writeNumber(v), MaxMeasured)
	}
	return v, nil
}

func (m Measure) number(a *Answer) (float64, error) {
	if m.from.Source != FromJSON {
		found, err := m.from.find(a)
		if err != nil {
			return 0, err
		}
		return parseMeasured(found.Text)
	}
	found, err := m.from.first(a.Exact)
	if err != nil {
		return 0, err
	}
	switch v := found.(type) {
	case []any:
		return float64(len(v)), nil
	case map[string]any:
		return float64(len(v)), nil
	case string:
		if m.length {
			return float64(utf8.RuneCountInString(v)), nil
		}
		return parseMeasured(v)
	case json.Number:
		if !m.length {
			return parseMeasured(v.String())
		}
	}
	if m.length {
		return 0, errors.New("found neither a list nor a map nor a text")
	}
	return 0, errNoNumber
}

var errNoNumber = errors.New("found no number")

func parseMeasured(text string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0, errNoNumber
	}
	return v, nil
}
