package draft

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// finder knows which values of a session come from an earlier answer: an id
// that a later request names is captured instead of repeated.
type finder struct {
	values []foundValue
	at     map[string]int // value to its first place in values
	sent   map[string]bool
}

// foundValue is a value in the JSON of an answer.
type foundValue struct {
	text string
	name string // the key that it stands under
	path string
	step int
	made string // the name of the capture, once there is one

	number bool
}

// Values that are shorter say nothing: a page number and an id look alike.
const (
	leastText   = 6
	leastDigits = 3
	maxValues   = 20_000
)

var digits = regexp.MustCompile(`^[0-9]+$`)

func isTelling(text string) bool {
	if digits.MatchString(text) {
		return len(text) >= leastDigits && len(text) <= 40
	}
	return len(text) >= leastText && len(text) <= 4096
}

// answer keeps the values of an answer of a step.
func (f *finder) answer(step int, e *recorded) {
	content := e.Answer.Content
	text := content.Text
	if content.Encoding == "base64" {
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return
		}
		text = string(decoded)
	}
	if e.Answer.Status >= 400 || !strings.Contains(content.Type, "json") {
		return
	}
	n, err := parseJSON([]byte(text))
	if err != nil {
		return
	}
	if f.at == nil {
		f.at = map[string]int{}
	}
	f.walk(step, "$", e.url.Path, n, 0)
}

func (f *finder) walk(step int, path, name string, n *yaml.Node, depth int) {
	if depth > maxDepth || len(f.values) > maxValues {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			f.walk(step, path+member(key), key, n.Content[i+1], depth+1)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			f.walk(step, path+"["+strconv.Itoa(i)+"]", name, item, depth+1)
		}
	default:
		isValue := n.Tag == "!!str" || n.Tag == "!!float"
		_, known := f.at[n.Value]
		if isValue && !known && isTelling(n.Value) && !f.sent[n.Value] && len(path) < 900 {
			f.at[n.Value] = len(f.values)
			f.values = append(f.values, foundValue{text: n.Value, name: name, path: path, step: step, number: n.Tag == "!!float"})
		}
	}
}

var simpleKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// member selects a key in a JSONPath (RFC 9535).
func member(key string) string {
	if simpleKey.MatchString(key) {
		return "." + key
	}
	quoted, _ := json.Marshal(key) // the escapes of JSON are those of JSONPath
	return "[" + string(quoted) + "]"
}

// knows reports a value that an earlier answer held.
func (f *finder) knows(text string) bool {
	_, known := f.at[text]
	return known
}

// reference makes the capture of a value and gives its ${…}.
func (f *finder) reference(s *Scenario, text string, secret bool) string {
	v := &f.values[f.at[text]]
	if v.made == "" {
		name := captureName(v.name)
		if secret || isSensitive(v.name) {
			name = "secret_" + name
		}
		v.made = strings.ReplaceAll(numbered(name, f.isTaken), " #", "_")
		step := &s.Steps[v.step]
		step.Captures = append(step.Captures, Field{v.made, v.path})
	}
	return "${" + v.made + "}"
}

func (f *finder) isTaken(name string) bool {
	name = strings.ReplaceAll(name, " #", "_")
	return slices.ContainsFunc(f.values, func(v foundValue) bool { return v.made == name })
}

// use puts captures in the place of values that earlier answers held, and
// notes what the step sends itself: a value that was sent first is the user's.
func (f *finder) use(s *Scenario, step *Step) {
	if f.sent == nil {
		f.sent = map[string]bool{}
	}
	replace := func(text string) string {
		if !f.knows(text) {
			f.sent[text] = true
			return text
		}
		return f.reference(s, text, false)
	}
	path, query, found := strings.Cut(step.Path, "?")
	segments := strings.Split(path, "/")
	for i := range segments {
		segments[i] = replace(segments[i])
	}
	step.Path = strings.Join(segments, "/")
	if found {
		parts := strings.Split(query, "&")
		for i, part := range parts {
			if name, value, ok := strings.Cut(part, "="); ok {
				parts[i] = name + "=" + replace(value)
			}
		}
		step.Path += "?" + strings.Join(parts, "&")
	}
	for i := range step.Headers {
		step.Headers[i].Value = replace(step.Headers[i].Value)
	}
	for i := range step.Body.Form {
		step.Body.Form[i].Value = replace(step.Body.Form[i].Value)
	}
	for i := range step.Body.Multipart {
		step.Body.Multipart[i].Value = replace(step.Body.Multipart[i].Value)
	}
	f.inJSON(step.Body.JSON, replace)
}

// inJSON replaces scalars of the same kind: a value alone keeps its type.
func (f *finder) inJSON(n *yaml.Node, replace func(string) string) {
	switch {
	case n == nil:
	case n.Kind == yaml.ScalarNode:
		if at, known := f.at[n.Value]; known && f.values[at].number != (n.Tag == "") {
			return
		}
		if changed := replace(n.Value); changed != n.Value {
			*n = *text(changed)
		}
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			f.inJSON(item, replace)
		}
	default:
		for i := 1; i < len(n.Content); i += 2 {
			f.inJSON(n.Content[i], replace)
		}
	}
}

// placeOf writes a place of a document.
func placeOf(line, column int) string { return fmt.Sprintf("line %d, column %d", line, column) }
