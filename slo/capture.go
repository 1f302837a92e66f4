package slo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/spec"
)

// Capture takes a value out of an answer, for the steps that follow.
type Capture struct {
	Name   string
	Number int    // of its name among those of the file: File.Captures
	Text   string // where the value is, as written
	Source Source
	Pos    Pos

	key     string // of a header in lower case, or of a cookie
	event   int    // its number, from 1 or from -1
	path    *jsonpath.Path
	pattern *regexp.Regexp
}

// Source is the part of an answer that a capture looks at.
type Source string

// The parts of an answer that a capture can look at.
const (
	FromJSON   Source = "json"
	FromHeader Source = "header"
	FromCookie Source = "cookie"
	FromBody   Source = "body"
	FromEvent  Source = "event"
)

// SecretCapture begins the names of captures whose values are masked in
// everything that slogate writes.
const SecretCapture = "secret_"

// Limits of captures. A secret is looked for in every spelling that a service
// may echo, which are up to six times as long.
const (
	maxCaptures       = 50
	maxCaptureText    = 1000
	maxCaptured       = 64 << 10
	MaxSecretCaptured = 8 << 10
)

// Content is a value from outside: captured from an answer, or read from a
// data file.
type Content struct {
	Text  string // as it stands in a path, a header or a text
	Typed bool   // a number, bool, list or map: in JSON it stands without quotes
}

// Value is what a check sees of the content.
func (c Content) Value() any {
	if !c.Typed {
		return c.Text
	}
	var v any
	if json.Unmarshal([]byte(c.Text), &v) != nil {
		return c.Text
	}
	return v
}

// IsSecret reports whether the value must not be written anywhere.
func (c Capture) IsSecret() bool { return strings.HasPrefix(c.Name, SecretCapture) }

var errNothing = errors.New("found nothing")

// Find takes the value out of an answer. The error says why there is none, and
// holds nothing of the answer.
func (c Capture) Find(a *Answer) (Content, error) {
	found, err := c.find(a)
	switch most := c.most(); {
	case err != nil:
		return Content{}, err
	case len(found.Text) > most:
		return Content{}, fmt.Errorf("found more than %d bytes", most)
	}
	return found, nil
}

// Secrets returns what of an answer must be written nowhere: the value of a
// capture named secret_, and of a list or map every text and number in it, which
// may be spelled otherwise than Find writes it. It returns false where the answer
// is not what the capture reads, or the value is larger than can be looked for:
// then nothing of the answer may be written.
func (c Capture) Secrets(a *Answer) ([]string, bool) {
	if c.Source == FromJSON && a.Exact == nil {
		return nil, false
	}
	found, err := c.find(a)
	switch {
	case err != nil:
		return nil, true
	case len(found.Text) > c.most():
		return nil, false
	}
	all := []string{found.Text}
	if found.Typed {
		all = appendScalars(all, ExactJSON([]byte(found.Text)))
	}
	return all, true
}

func appendScalars(dst []string, v any) []string {
	switch v := v.(type) {
	case string:
		return append(dst, v)
	case json.Number:
		return append(dst, v.String())
	case []any:
		for _, one := range v {
			dst = appendScalars(dst, one)
		}
	case map[string]any:
		for _, one := range v {
			dst = appendScalars(dst, one)
		}
	}
	return dst
}

func (c Capture) most() int {
	if c.IsSecret() {
		return MaxSecretCaptured
	}
	return maxCaptured
}

func (c Capture) find(a *Answer) (Content, error) {
	switch c.Source {
	case FromJSON:
		return c.inJSON(a.Exact)
	case FromHeader:
		if text, ok := a.Header[c.key]; ok {
			return Content{Text: text}, nil
		}
	case FromCookie:
		return c.inCookies(a.SetCookie)
	case FromBody:
		return inText(c.pattern, a.Body)
	case FromEvent:
		return c.inEvent(a.Picked)
	}
	return Content{}, errNothing
}

// first is the first value that the path selects. The body is whatever a
// service sent: a panic of the library must not end the run.
func (c Capture) first(body any) (found any, err error) {
	if body == nil {
		return nil, errors.New("found no JSON in the body")
	}
	defer func() {
		if recover() != nil {
			found, err = nil, errNothing
		}
	}()
	found, ok := firstOf(c.path.Query().Segments(), body)
	switch {
	case !ok:
		return nil, errNothing
	case found == nil:
		return nil, errors.New("found null")
	}
	return found, nil
}

func (c Capture) inJSON(body any) (Content, error) {
	first, err := c.first(body)
	if err != nil {
		return Content{}, err
	}
	switch v := first.(type) {
	case string:
		return Content{Text: v}, nil
	case json.Number:
		return Content{Text: v.String(), Typed: true}, nil
	default:
		text, err := json.Marshal(v)
		return Content{Text: string(text), Typed: true}, err
	}
}

// inCookies takes the value that is set last, as a browser would.
func (c Capture) inCookies(lines []string) (Content, error) {
	for _, line := range slices.Backward(lines) {
		if name, value, _, ok := CutCookie(line); ok && name == c.key {
			return Content{Text: unquoted(value)}, nil
		}
	}
	return Content{}, errNothing
}

// unquoted is a value without the quotes around it.
func unquoted(value string) string {
	if inner, ok := strings.CutPrefix(value, `"`); ok && strings.HasSuffix(inner, `"`) {
		return strings.TrimSuffix(inner, `"`)
	}
	return value
}

// CutCookie takes a line of Set-Cookie apart as a browser does (RFC 6265, section
// 5.2), which is less strict than net/http: values such as {"a":1} are common. It
// reports false for a line that sets nothing, or holds control characters.
func CutCookie(line string) (name, value, attributes string, ok bool) {
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, ok = strings.Cut(pair, "=")
	name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
	isControl := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	return name, value, attributes, ok && name != "" && !strings.ContainsFunc(pair, isControl)
}

const captureForms = `a capture is a JSONPath ($.id), header NAME, cookie NAME or body ~ REGEXP; of a stream also event`

// plainHint is for a ${ in what is looked for in an answer.
const plainHint = "it is looked for as it is written; in a pattern a plain ${ is [$][{]"

// captures reads the map of captures of a step and makes its names known to
// the steps that follow.
func (p *parser) captures(n *node) []Capture {
	switch {
	case n == nil:
		return nil
	case n.kind != mapNode:
		p.failNode(n, CodeKind, "capture must be a map, this is "+n.describe(), "for example capture: {id: $.id, etag: header etag}")
		return nil
	case len(n.entries) > maxCaptures:
		p.failNode(n, CodeTooMany, fmt.Sprintf("more than %d captures", maxCaptures), "")
		return nil
	}
	var all []Capture
	for _, e := range n.entries {
		if !p.captureName(e) {
			continue
		}
		c := Capture{Name: e.key, Pos: e.pos}
		if p.capture(e.value, &c) {
			all = append(all, c)
		}
	}
	for i := range all {
		all[i].Number = p.numberOf(all[i].Name)
		p.scope.made[all[i].Name] = all[i].Number
	}
	return all
}

// captureName refuses names that could not be used, or that mean something
// else already.
func (p *parser) captureName(e entry) bool {
	switch _, taken := p.everywhere[e.key]; {
	case !variableName.MatchString(e.key) || width(e.key) > maxName:
		p.fail(e.pos, width(e.key), CodeCapture, quote(e.key)+" is not the name of a capture", "a name has letters, digits and underscores, and begins with no digit")
	case isReserved(e.key):
		p.fail(e.pos, width(e.key), CodeCapture, "a capture cannot be named "+quote(e.key), "the name means something else in values and checks")
	case taken && !p.scope.before:
		p.fail(e.pos, width(e.key), CodeNameTwice, "the capture "+quote(e.key)+" is made in before already", "its name is known everywhere")
	default:
		return true
	}
	return false
}

// exprWords are the words of the checks' language that cannot name a value.
var exprWords = []string{
	"in", "not", "and", "or", "matches", "contains", "startsWith", "endsWith", "let", "if", "else",
	"true", "false", "nil", "null", "row",
	"status", "header", "body", "json", "size", "latency", "tls", "event", "events", "event_type",
}

func isReserved(name string) bool {
	head := func(word string) bool { w, _, _ := strings.Cut(word, "."); return w == name }
	return slices.ContainsFunc(valueWords, head) || slices.Contains(exprWords, name) || slices.Contains(checkFunctions, name)
}

// capture reads where a value is.
func (p *parser) capture(n *node, c *Capture) bool {
	text, ok := p.raw(n, "a capture")
	if !ok {
		return false
	}
	if len(text) > maxCaptureText {
		p.failNode(n, CodeCapture, fmt.Sprintf("the capture has more than %d bytes", maxCaptureText), "")
		return false
	}
	if f := holdsValue(text, "a capture", plainHint); f != nil {
		p.failText(n, f)
		return false
	}
	c.Text = strings.TrimSpace(text)
	err := c.parse()
	if err == nil && c.Source == FromEvent && !p.events {
		err = noEvents("the capture")
	}
	if err != nil {
		p.failText(n, err)
		return false
	}
	return true
}

func (c *Capture) parse() (err error) {
	word, rest, _ := strings.Cut(c.Text, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.HasPrefix(c.Text, "$"):
		c.Source = FromJSON
		c.path, err = parsePath(c.Text)
	case word == "event":
		return c.parseEvent(rest)
	case word == "header" && isToken(rest):
		c.Source, c.key = FromHeader, strings.ToLower(rest)
	case word == "cookie" && isToken(rest):
		c.Source, c.key = FromCookie, rest
	case word == "body" && strings.HasPrefix(rest, "~"):
		c.Source = FromBody
		c.pattern, err = parsePattern(strings.TrimSpace(rest[1:]))
	default:
		return &fault{code: CodeCapture, msg: quote(c.Text) + " is not a capture", hint: captureForms}
	}
	return err
}

func parsePattern(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, &fault{code: CodeCapture, msg: "the capture has no pattern", hint: captureForms}
	}
	pattern, err := regexp.Compile(text)
	if err != nil {
		return nil, &fault{code: CodeCapture, msg: "not a regular expression: " + strings.TrimPrefix(err.Error(), "error parsing regexp: "), hint: captureForms}
	}
	return pattern, nil
}

func parsePath(text string) (path *jsonpath.Path, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &fault{code: CodeCapture, msg: fmt.Sprint("not a JSONPath: ", r), hint: captureForms}
		}
	}()
	if path, err = jsonpath.Parse(text); err != nil {
		return nil, &fault{code: CodeCapture, msg: "not a JSONPath: " + strings.TrimPrefix(err.Error(), "jsonpath: "), hint: captureForms}
	}
	if why := costly(path.Query()); why != "" {
		return nil, &fault{code: CodeCapture, msg: why, hint: "a capture takes no longer than the answer is large"}
	}
	return path, nil
}

// costly says why a path could take longer than the answer is large, or gives
// "". With one selector in each segment and one descent, every value of the
// answer is looked at once for each segment at most.
func costly(q *spec.PathQuery) string {
	descents := 0
	for _, s := range q.Segments() {
		if s.IsDescendant() {
			descents++
		}
		if descents > 1 {
			return "the path has more than one .."
		}
		if len(s.Selectors()) > 1 {
			return "the path has several selectors in one pair of brackets"
		}
		for _, selector := range s.Selectors() {
			f, ok := selector.(*spec.FilterSelector)
			switch {
			case !ok:
			case costlyFilter(f.String()):
				return "a filter may only compare parts of the element itself: no $, no .., no list of selectors and no function"
			case descents > 0 && comparesParts(f.String()):
				return "a filter after .. may only compare a part of the element with a value"
			}
		}
	}
	return ""
}

// costlyFilter looks outside of the strings of a filter for what reaches
// beyond its element, or to a part of it more than once, and for functions:
// match and search compile their pattern for each element, and the library's
// functions panic where an element lacks the part that they are given.
func costlyFilter(text string) bool {
	var inside bytes.Buffer // the open brackets
	for at := 0; at < len(text); at++ {
		switch ch := text[at]; ch {
		case '"', '\'':
			at += stringEnd(text[at:]) - 1
		case '$':
			return true
		case '.':
			if strings.HasPrefix(text[at:], "..") {
				return true
			}
		case '[', '(':
			if ch == '(' && at > 0 && isWordByte(text[at-1]) {
				return true
			}
			inside.WriteByte(ch)
		case ']', ')':
			inside.Truncate(max(inside.Len()-1, 0))
		case ',':
			if bytes.HasSuffix(inside.Bytes(), []byte("[")) {
				return true
			}
		}
	}
	return false
}

// comparesParts reports whether a filter compares two parts of its element, as
// @.a == @.b does. That takes as long as the element is large; after a descent
// every element would be gone through once for each of those around it.
func comparesParts(text string) bool {
	part, compared := false, false // the side of a comparison begins with @; a side stands before it
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '"', '\'':
			at += stringEnd(text[at:]) - 1
		case '@':
			if compared {
				return true
			}
			part = true
		case '=', '<', '>':
			part, compared = false, part || compared
		case '&', '|', '?', '(', ')':
			part, compared = false, false
		}
	}
	return false
}

func isWordByte(b byte) bool { return b == '_' || 'a' <= b && b <= 'z' || isDigit(b) }
