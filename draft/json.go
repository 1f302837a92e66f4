package draft

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/slogate/slogate/slo"
)

// Limits of a value that is written into an SLO file, far below the file's own.
const (
	maxDepth = 30
	maxNodes = 5000
)

// failure is an error at a place of a document.
func failure(name string, src []byte, line, column int, code slo.Code, msg, hint string) *slo.Error {
	e := &slo.Error{Code: code, File: name, Line: line, Column: column, Msg: msg, Hint: hint}
	lines := bytes.SplitN(src, []byte("\n"), line+1)
	if line > 0 && line <= len(lines) {
		const most = 4096 // of a document on one line: the excerpt shows less
		if source := lines[line-1]; len(source) <= most {
			e.Source = strings.TrimSuffix(string(source), "\r")
		}
	}
	return e
}

// unreadable is a document that cannot be read at an offset.
func unreadable(name string, src []byte, offset int64, err error) *slo.Error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = e.Offset
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	before := src[:min(max(offset, 0), int64(len(src)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:])))
	return failure(name, src, line, max(column, 1), slo.CodeDocument, "not JSON: "+strings.TrimPrefix(err.Error(), "json: "), "")
}

// checkSize refuses a document that is too large.
func checkSize(name string, src []byte) error {
	if len(src) > MaxSource {
		return failure(name, nil, 0, 0, slo.CodeDocument, fmt.Sprintf("the document has %d bytes, at most %d are read", len(src), MaxSource), "")
	}
	return nil
}

// decodeJSON reads a document into v.
func decodeJSON(name string, src []byte, v any) error {
	if err := checkSize(name, src); err != nil {
		return err
	}
	src = bytes.TrimPrefix(src, []byte("\xEF\xBB\xBF"))
	err := json.Unmarshal(src, v)
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return unreadable(name, src, 0, err)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return unreadable(name, src, e.Offset, fmt.Errorf("%s is a %s here", e.Field, e.Value))
	}
	return err
}

// parseJSON reads JSON into a tree that keeps the order of its keys.
func parseJSON(src []byte) (*yaml.Node, error) { return newJSONReader(src).whole() }

func newJSONReader(src []byte) *jsonReader {
	r := &jsonReader{src: src, decoder: json.NewDecoder(bytes.NewReader(src))}
	r.decoder.UseNumber()
	return r
}

// whole reads one value, with the lines and columns of the document.
func (r *jsonReader) whole() (*yaml.Node, error) {
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return n, nil
}

type jsonReader struct {
	src     []byte
	decoder *json.Decoder
	nodes   int
	offset  int // up to which line has counted
	line    int
	start   int // of the line
}

// maxJSONDepth bounds the recursion.
const maxJSONDepth = 500

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxJSONDepth)
	}
	if r.nodes++; r.nodes > maxTreeNodes {
		return nil, fmt.Errorf("more than %d keys and values", maxTreeNodes)
	}
	n := &yaml.Node{Kind: yaml.ScalarNode}
	n.Line, n.Column = r.place()
	switch t := token.(type) {
	case json.Delim:
		return r.container(n, t, depth)
	case string:
		n.Tag, n.Value = "!!str", t
	case json.Number:
		n.Tag, n.Value = "!!float", t.String()
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(t)
	case nil:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}

func (r *jsonReader) container(n *yaml.Node, open json.Delim, depth int) (*yaml.Node, error) {
	n.Kind = yaml.SequenceNode
	if open == '{' {
		n.Kind = yaml.MappingNode
	}
	for r.decoder.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, item)
	}
	_, err := r.decoder.Token() // the closing bracket
	return n, err
}

// place is the line and column of the end of the last token, counted on from
// the one before.
func (r *jsonReader) place() (line, column int) {
	end := int(r.decoder.InputOffset())
	for ; r.offset < end; r.offset++ {
		if r.src[r.offset] == '\n' {
			r.line++
			r.start = r.offset + 1
		}
	}
	return r.line + 1, max(end-r.start, 1)
}

// cleaner copies a tree for the json: of a step.
type cleaner struct {
	text  func(name, value string) string // writes a string of the document under a name as a text of the SLO file
	nodes int
}

// jsonOf gives a body of JSON as a tree for the SLO file, or nil.
func jsonOf(body string, text func(name, value string) string) *yaml.Node {
	n, err := parseJSON([]byte(body))
	if err != nil {
		return nil
	}
	c := cleaner{text: text}
	return c.copy("", n, 0)
}

// copy gives nil for what is too large or too deep.
func (c *cleaner) copy(name string, n *yaml.Node, depth int) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if c.nodes++; depth > maxDepth || c.nodes > maxNodes || len(n.Value) > maxBody {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return c.copyMap(n, depth)
	case yaml.SequenceNode:
		out := list()
		for _, item := range n.Content {
			copied := c.copy(name, item, depth+1)
			if copied == nil {
				return nil
			}
			out.Content = append(out.Content, copied)
		}
		return out
	}
	return c.scalar(name, n)
}

func (c *cleaner) copyMap(n *yaml.Node, depth int) *yaml.Node {
	out := mapping()
	at := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		copied := c.copy(key, n.Content[i+1], depth+1)
		if copied == nil {
			return nil
		}
		if place, twice := at[key]; twice {
			out.Content[place] = copied // as decoders of JSON do
			continue
		}
		with(out, plain(key), copied)
		at[key] = len(out.Content) - 1
	}
	return out
}

func (c *cleaner) scalar(name string, n *yaml.Node) *yaml.Node {
	switch tag := n.ShortTag(); {
	case (tag == "!!int" || tag == "!!float") && json.Valid([]byte(n.Value)):
		return bare(n.Value)
	case tag == "!!bool":
		return bare(strings.ToLower(n.Value))
	case tag == "!!null":
		return bare("null")
	}
	return text(c.text(name, n.Value))
}
