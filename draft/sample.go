package draft

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Bounds of what is made of a schema. A schema that contains itself ends where
// its value would.
const (
	maxSampleDepth = 12
	maxSampleNodes = 500
	maxItems       = 10
)

// sampler makes values that a schema accepts: the document's own examples
// first, then defaults, constants and the first of an enumeration, else the
// simplest value of the type.
type sampler struct {
	doc      *apiDocument
	draft    *Draft
	open     []*yaml.Node // the schemas that are being sampled
	nodes    int
	guessed  []string // names of values that the document does not give
	problems []string
}

func (s *sampler) guess(name string) {
	if name != "" && !slices.Contains(s.guessed, name) {
		s.guessed = append(s.guessed, name)
	}
}

func (s *sampler) problem(err error) {
	if !slices.Contains(s.problems, err.Error()) {
		s.problems = append(s.problems, err.Error())
	}
}

// literal writes a value of the document.
func (s *sampler) literal(name string, n *yaml.Node) *yaml.Node {
	c := cleaner{text: func(key, value string) string { return s.draft.hide(key, plain(value)) }}
	return c.copy(name, n, 0)
}

// example gives the example of a parameter, media type or schema.
func (s *sampler) example(name string, n *yaml.Node) *yaml.Node {
	for _, key := range []string{"example", "x-example"} {
		if e := get(n, key); e != nil {
			return s.literal(name, e)
		}
	}
	examples := get(n, "examples")
	if list := items(examples); len(list) > 0 {
		return s.literal(name, follow(list[0]))
	}
	if examples == nil || examples.Kind != yaml.MappingNode || len(examples.Content) < 2 {
		return nil
	}
	first, err := s.doc.resolve(examples.Content[1])
	if err != nil {
		s.problem(err)
		return nil
	}
	if v := get(first, "value"); v != nil {
		return s.literal(name, v)
	}
	return nil
}

// parameter gives the values of a parameter as texts of the SLO file: several
// for a list, none where there cannot be one.
func (s *sampler) parameter(p *yaml.Node) []string {
	name := scalar(get(p, "name"))
	if e := s.example(name, p); e != nil {
		return scalars(e)
	}
	schema := get(p, "schema")
	if schema == nil {
		schema = p // Swagger 2
		if _, media := preferred(get(p, "content")); media != nil {
			return scalars(s.media(media))
		}
	}
	return scalars(s.value(name, schema, 0))
}

// media gives a body of one kind.
func (s *sampler) media(media *yaml.Node) *yaml.Node {
	if e := s.example("", media); e != nil {
		return e
	}
	return s.value("", get(media, "schema"), 0)
}

// scalars gives a scalar or the scalars of a list as texts; nil for a map.
func scalars(n *yaml.Node) []string {
	switch {
	case n == nil || n.Kind == yaml.MappingNode:
		return nil
	case n.Kind == yaml.ScalarNode:
		return []string{n.Value}
	}
	var all []string
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode {
			return nil
		}
		all = append(all, item.Value)
	}
	return all
}

// value makes a value of a schema, nil where it cannot.
func (s *sampler) value(name string, schema *yaml.Node, depth int) *yaml.Node {
	schema, err := s.doc.resolve(schema)
	if err != nil {
		s.problem(err)
		return nil
	}
	s.nodes++
	if depth > maxSampleDepth || s.nodes > maxSampleNodes || schema != nil && slices.Contains(s.open, schema) {
		return nil
	}
	if v := s.given(name, schema); v != nil {
		return v
	}
	if schema != nil {
		s.open = append(s.open, schema)
		defer func() { s.open = s.open[:len(s.open)-1] }()
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		for _, choice := range items(get(schema, key)) {
			if v := s.value(name, choice, depth+1); v != nil {
				return s.merged(name, schema, v, depth)
			}
		}
	}
	if len(items(get(schema, "allOf"))) > 0 {
		return s.merged(name, schema, nil, depth)
	}
	return s.typed(name, schema, depth)
}

// given is the value that the schema itself names.
func (s *sampler) given(name string, schema *yaml.Node) *yaml.Node {
	if e := s.example(name, schema); e != nil {
		return e
	}
	for _, key := range []string{"const", "default"} {
		if v := get(schema, key); v != nil {
			return s.literal(name, v)
		}
	}
	for _, v := range items(get(schema, "enum")) {
		if v = follow(v); v.ShortTag() != "!!null" {
			return s.literal(name, v)
		}
	}
	return nil
}

// merged joins the properties of all parts of a schema.
func (s *sampler) merged(name string, schema, first *yaml.Node, depth int) *yaml.Node {
	parts := []*yaml.Node{first}
	for _, part := range items(get(schema, "allOf")) {
		parts = append(parts, s.value(name, part, depth+1))
	}
	if get(schema, "properties") != nil {
		parts = append(parts, s.object(schema, depth))
	}
	var whole *yaml.Node
	for _, part := range parts {
		switch {
		case part == nil:
		case whole == nil || whole.Kind != yaml.MappingNode:
			whole = part
		case part.Kind == yaml.MappingNode:
			join(whole, part)
		}
	}
	return whole
}

// join adds the keys that a map lacks.
func join(to, from *yaml.Node) {
	for i := 0; i+1 < len(from.Content); i += 2 {
		if get(to, from.Content[i].Value) == nil {
			to.Content = append(to.Content, from.Content[i], from.Content[i+1])
		}
	}
}

func (s *sampler) typed(name string, schema *yaml.Node, depth int) *yaml.Node {
	switch kindOf(schema) {
	case "object":
		return s.object(schema, depth)
	case "array":
		return s.array(name, schema, depth)
	case "boolean":
		s.guess(name)
		return bare("true")
	case "integer", "number":
		s.guess(name)
		return bare(numberOf(schema))
	case "string":
		return s.string(name, schema)
	case "file":
		return nil
	}
	s.guess(name)
	return text("text")
}

// kindOf is the type of a schema: the first that is not null, else what its
// keys say.
func kindOf(schema *yaml.Node) string {
	kind := get(schema, "type")
	for _, k := range items(kind) {
		if k.Value != "null" {
			return k.Value
		}
	}
	switch {
	case scalar(kind) != "":
		return scalar(kind)
	case get(schema, "properties") != nil, get(schema, "additionalProperties") != nil:
		return "object"
	case get(schema, "items") != nil:
		return "array"
	case get(schema, "format") != nil, get(schema, "pattern") != nil, get(schema, "minLength") != nil:
		return "string"
	case get(schema, "minimum") != nil, get(schema, "maximum") != nil:
		return "number"
	}
	return ""
}

// object has the properties that are required, and all where none is.
func (s *sampler) object(schema *yaml.Node, depth int) *yaml.Node {
	out := mapping()
	properties := get(schema, "properties")
	if properties == nil || properties.Kind != yaml.MappingNode {
		return out
	}
	required := map[string]bool{}
	for _, r := range items(get(schema, "required")) {
		required[r.Value] = true
	}
	for i := 0; i+1 < len(properties.Content); i += 2 {
		key := properties.Content[i].Value
		property, err := s.doc.resolve(properties.Content[i+1])
		if err != nil {
			s.problem(err)
			continue
		}
		if len(required) > 0 && !required[key] || isTrue(get(property, "readOnly")) {
			continue
		}
		if v := s.value(key, property, depth+1); v != nil {
			with(out, plain(key), v)
		}
	}
	return out
}

func (s *sampler) array(name string, schema *yaml.Node, depth int) *yaml.Node {
	out := list()
	count, err := strconv.Atoi(scalar(get(schema, "minItems")))
	if err != nil {
		count = 1
	}
	for range min(max(count, 1), maxItems) {
		v := s.value(name, get(schema, "items"), depth+1)
		if v == nil {
			break
		}
		out.Content = append(out.Content, v)
	}
	return out
}

// numberOf is the least number that is allowed, else 1.
func numberOf(schema *yaml.Node) string {
	least, hasLeast := numberIn(schema, "minimum")
	if above, exclusive := numberIn(schema, "exclusiveMinimum"); exclusive { // a number since 3.1
		least, hasLeast = above+1, true
	} else if isTrue(get(schema, "exclusiveMinimum")) {
		least++
	}
	if most, hasMost := numberIn(schema, "maximum"); !hasLeast {
		least = 1
		if hasMost && most < 1 {
			least = most
		}
	}
	if step, has := numberIn(schema, "multipleOf"); has && step > 0 && least < step {
		least = step
	}
	return strconv.FormatFloat(least, 'f', -1, 64)
}

func numberIn(schema *yaml.Node, key string) (float64, bool) {
	v, err := strconv.ParseFloat(scalar(get(schema, key)), 64)
	return v, err == nil && v > -1e15 && v < 1e15
}

// formats are the values of the formats that JSON Schema and OpenAPI name.
var formats = map[string]string{
	"uuid": "${uuid}", "date-time": "${now}", "date": "2024-01-31", "time": "12:00:00Z", "duration": "PT1H",
	"email": "user@example.com", "hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
	"uri": "https://example.com/", "url": "https://example.com/", "uri-reference": "/", "byte": "dGV4dA==", "int64": "1", "int32": "1",
}

func (s *sampler) string(name string, schema *yaml.Node) *yaml.Node {
	format := scalar(get(schema, "format"))
	if format == "password" || isSensitive(name) {
		return text(s.draft.secret(name, "", "the value of "+name))
	}
	if v, known := formats[format]; known {
		if !strings.HasPrefix(v, "${") {
			s.guess(name)
		}
		return text(v)
	}
	s.guess(name)
	value := "text"
	if least, ok := numberIn(schema, "minLength"); ok && int(least) > len(value) && least <= 1000 {
		value = strings.Repeat(value, int(least)/len(value)+1)[:int(least)]
	}
	if most, ok := numberIn(schema, "maxLength"); ok && most >= 0 && int(most) < len(value) {
		value = value[:int(most)]
	}
	return text(value)
}
