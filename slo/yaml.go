package slo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// This file alone knows the YAML library. It gives the rest of the package a
// tree of nodes with positions, free of aliases, merge keys, tags and duplicate
// keys.

// Limits of a file. They are far above what a person writes, and keep the
// time and memory for a hostile file small.
const (
	MaxBytes  = 1 << 20 // of an SLO file
	maxDepth  = 50
	maxSize   = 4 << 20 // bytes after aliases and variables have been put in: bounds what ten nested aliases can unfold to
	nodeSize  = 16      // what a node counts beside its text
	maxErrors = 100     // a file of another kind would otherwise bring an error for each line
)

// nodeKind is the shape of a node.
type nodeKind string

const (
	scalarNode nodeKind = "text"
	listNode   nodeKind = "a list"
	mapNode    nodeKind = "a map"
	brokenNode nodeKind = "broken" // an error has been reported; further ones on it are not
)

// scalarType is what YAML takes an unquoted scalar for.
type scalarType string

const (
	stringScalar scalarType = "string"
	numberScalar scalarType = "number"
	boolScalar   scalarType = "bool"
	nullScalar   scalarType = "null"
)

// node is a value of the document.
type node struct {
	kind    nodeKind
	typ     scalarType // of a scalar
	text    string     // of a scalar
	pos     Pos
	items   []*node // of a list
	entries []entry // of a map, in the order of the file
	used    Pos     // of the alias that stands for the node; zero: it is written in its place
}

// entry is a key of a map with its value.
type entry struct {
	key    string
	pos    Pos
	value  *node
	merged Pos // of the merge key that has put it in; zero: it is written in its map
}

// place is where the entry can be taken out of its map.
func (e entry) place() (at Pos, long int) {
	if e.merged != (Pos{}) {
		return e.merged, len(mergeKey)
	}
	return e.pos, width(e.key)
}

// origin says in a message that an entry comes from elsewhere.
func (e entry) origin() string {
	if e.merged != (Pos{}) {
		return fmt.Sprintf(", merged in line %d", e.merged.Line)
	}
	return ""
}

// mend is where the value of a key can be changed for this map alone: not in
// what an alias or a merge key stands for.
func (n *node) mend(key string) *node {
	if n.used != (Pos{}) {
		return &node{kind: mapNode, pos: n.used}
	}
	for _, e := range n.entries {
		switch {
		case e.key != key:
		case e.merged != (Pos{}):
			return &node{kind: mapNode, pos: e.merged}
		default:
			return e.value
		}
	}
	return n
}

// isNull reports whether nothing was written.
func (n *node) isNull() bool { return n.kind == scalarNode && n.typ == nullScalar }

// readYAML gives the root of the document, or nil after an error.
func (p *parser) readYAML(src []byte) *node {
	if !p.isText(src) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	root, err := decode(decoder)
	switch {
	case errors.Is(err, io.EOF), err == nil && isEmpty(root):
		p.failFile(CodeEmpty, "the file is empty", "`slogate init` writes a first one")
		return nil
	case err != nil:
		p.failSyntax(err)
		return nil
	}
	if next, err := decode(decoder); err == nil {
		p.fail(Pos{next.Line, next.Column}, 0, CodeDocuments, "a second YAML document begins here", "an SLO file holds one document: remove the line \"---\" and what follows")
		return nil
	} else if !errors.Is(err, io.EOF) {
		p.failSyntax(err)
		return nil
	}
	return p.convert(root.Content[0], 0)
}

func isEmpty(root *yaml.Node) bool {
	return len(root.Content) == 0 || root.Content[0].Kind == yaml.ScalarNode && root.Content[0].Tag == "!!null" && root.Content[0].Value == ""
}

func (p *parser) isText(src []byte) bool {
	if len(src) > MaxBytes {
		p.failFile(CodeTooLarge, fmt.Sprintf("the file has more than %d bytes, an SLO file has at most so many", MaxBytes), "")
		return false
	}
	if at := invalidUTF8(src); at >= 0 {
		line := bytes.Count(src[:at], []byte("\n")) + 1
		p.add(&Error{Code: CodeEncoding, Line: line, Msg: fmt.Sprintf("byte %d is not UTF-8", at+1), Hint: "save the file as UTF-8"})
		return false
	}
	return true
}

// invalidUTF8 gives the index of the first byte that is not UTF-8, or -1. A
// zero byte is the mark of UTF-16 and of binary files.
func invalidUTF8(src []byte) int {
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && size == 1 || r == 0 {
			return i
		}
		i += size
	}
	return -1
}

// decode reads one document. The library has panicked on some inputs in the
// past; such an input is not YAML.
func decode(d *yaml.Decoder) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	root = new(yaml.Node)
	return root, d.Decode(root)
}

// yamlLine finds the line in an error of the library, which names it only in
// its text.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?s).*)$`)

func (p *parser) failSyntax(err error) {
	e := &Error{Code: CodeSyntax, Msg: "not YAML: " + err.Error()}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Msg = "not YAML: " + m[2]
	}
	e.Line = min(e.Line, len(p.lines))
	if strings.Contains(e.Msg, "mapping values") {
		e.Hint = "a text with \": \" in it must be put in single quotes"
	}
	if strings.Contains(e.Msg, "expected '-' indicator") || strings.Contains(e.Msg, "expected key") {
		e.Hint = "from this line on: the keys of one map begin in the same column, and so do the hyphens of one list"
	}
	p.explainSyntax(e)
	p.add(e)
}

var (
	tabIndent    = regexp.MustCompile(`^ *\t`)
	quotedStart  = regexp.MustCompile(`^\s*(?:- +)*(?:[\w-]+: +)?("(?:[^"\\]|\\.)*"|'[^']*')[ \t]+[^\s#,:\]}]`)
	flowValue    = regexp.MustCompile(`[{,\[]\s*(?:[\w-]+:\s+)?(?:[^"'\s,{}\[\]$][^"',{}\[\]$]*)?(\$\{)`)
	flowQuestion = regexp.MustCompile(`[{,\[]\s*(?:[\w-]+:\s+)?[^"'\s,{}\[\]?][^"',{}\[\]?]*(\?)`)
	markedStart  = regexp.MustCompile("^\\s*(?:- +)*(?:[\\w-]+: +)?([@`%])")
)

// explainSyntax looks for the usual reasons near the line that the library
// names, which can lie one or two lines off.
func (p *parser) explainSyntax(e *Error) {
	for _, line := range []int{e.Line, e.Line - 1, e.Line + 1, e.Line - 2} {
		if line < 1 || line > len(p.lines) {
			continue
		}
		text := p.lines[line-1]
		if m := tabIndent.FindString(text); m != "" {
			e.Line, e.Column, e.Width = line, utf8.RuneCountInString(m), 1
			e.Msg, e.Hint = "a tab in the indentation", "indent with blanks; YAML forbids tabs there"
			return
		}
		if m := flowValue.FindStringSubmatchIndex(text); m != nil {
			e.Code, e.Line, e.Column, e.Width = CodeMisread, line, utf8.RuneCountInString(text[:m[2]])+1, 2
			e.Msg, e.Hint = "YAML reads the brackets of ${…} in a map or list in brackets as its own", "put the whole text in quotes"
			return
		}
		if m := flowQuestion.FindStringSubmatchIndex(text); m != nil {
			e.Code, e.Line, e.Column, e.Width = CodeMisread, line, utf8.RuneCountInString(text[:m[2]])+1, 1
			e.Msg, e.Hint = "YAML ends a text without quotes at the ? in a map or list in brackets", "put the whole text in quotes"
			return
		}
		for _, reason := range []*regexp.Regexp{quotedStart, markedStart} {
			if m := reason.FindStringSubmatchIndex(text); m != nil {
				e.Code, e.Line, e.Column = CodeMisread, line, utf8.RuneCountInString(text[:m[2]])+1
				e.Width = utf8.RuneCountInString(text[m[2]:m[3]])
				e.Msg = "YAML reads " + quote(text[m[2]:m[3]]) + " at the beginning of a value as its own mark"
				e.Hint = singleQuotes(strings.TrimSpace(text[m[2]:]))
				return
			}
		}
	}
}

// singleQuotes is the hint for a text that YAML misreads.
func singleQuotes(text string) string {
	return "put it in single quotes: '" + strings.ReplaceAll(text, "'", "''") + "'"
}

// convert makes a node of the library's, and follows aliases. What stands
// behind one keeps its own place, where a mistake in it can be mended.
func (p *parser) convert(y *yaml.Node, depth int) *node {
	if y.Kind == yaml.AliasNode {
		n := p.convert(y.Alias, depth)
		n.used = Pos{y.Line, y.Column}
		return n
	}
	pos := Pos{y.Line, y.Column}
	if !p.spend(nodeSize+len(y.Value)) || depth > maxDepth {
		p.failTooDeep(pos, depth)
		return &node{kind: brokenNode, pos: pos}
	}
	if !p.isPlain(y) {
		return &node{kind: brokenNode, pos: pos}
	}
	switch y.Kind {
	case yaml.MappingNode:
		return p.convertMap(y, depth)
	case yaml.SequenceNode:
		n := &node{kind: listNode, pos: pos}
		for _, item := range y.Content {
			n.items = append(n.items, p.convert(item, depth+1))
		}
		return n
	}
	return &node{kind: scalarNode, typ: scalarTypeOf(y), text: y.Value, pos: pos}
}

// failTooDeep reports once: every further node would repeat it.
func (p *parser) failTooDeep(pos Pos, depth int) {
	if p.tooDeep {
		return
	}
	p.tooDeep = true
	if depth > maxDepth {
		p.fail(pos, 0, CodeTooDeep, fmt.Sprintf("nested more than %d deep", maxDepth), "")
		return
	}
	p.fail(pos, 0, CodeTooDeep, "the file is too large once its aliases are followed", "write the values out instead of using aliases")
}

// spend counts what the file unfolds to, and reports whether it is still
// bearable.
func (p *parser) spend(size int) bool {
	p.size += size
	return p.size <= maxSize
}

// isPlain refuses tags: `!json.ok` is meant as an expression.
func (p *parser) isPlain(y *yaml.Node) bool {
	pos := Pos{y.Line, y.Column}
	switch {
	case y.Style&yaml.TaggedStyle == 0:
		return true
	case strings.HasPrefix(y.Tag, "!!"):
		p.fail(pos, len(y.Tag), CodeUnsupported, "YAML tags such as "+quote(y.Tag)+" are not accepted", "")
	default:
		text := strings.TrimSpace(y.Tag + " " + y.Value)
		p.fail(pos, len([]rune(text)), CodeMisread, "YAML reads "+quote(y.Tag)+" as a tag", singleQuotes(text))
	}
	return false
}

// mergeKey puts the entries of another map into its own.
const mergeKey = "<<"

func (p *parser) convertMap(y *yaml.Node, depth int) *node {
	n := &node{kind: mapNode, pos: Pos{y.Line, y.Column}}
	first := map[string]Pos{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, pos := y.Content[i], Pos{y.Content[i].Line, y.Content[i].Column}
		value := p.convert(y.Content[i+1], depth+1)
		switch {
		case key.Kind != yaml.ScalarNode:
			n.kind = brokenNode
			p.fail(pos, 1, CodeUnsupported, "a key must be text", "a text that begins with [ or { must be put in single quotes")
			continue
		case !p.isPlain(key):
			n.kind = brokenNode
			continue
		}
		if at, twice := first[key.Value]; twice {
			p.fail(pos, len([]rune(key.Value)), CodeDuplicate, fmt.Sprintf("key %s stands twice in this map, first at line %d, column %d", quote(key.Value), at.Line, at.Column), "")
			continue
		}
		first[key.Value] = pos
		if key.Tag == "!!merge" {
			p.merge(n, value, pos)
			continue
		}
		n.entries = append(n.entries, entry{key: key.Value, pos: pos, value: value})
	}
	n.entries = withoutOverridden(n.entries)
	return n
}

// merge adds the entries that a merge key puts in: those of a map, or of
// several.
func (p *parser) merge(n, value *node, at Pos) {
	maps := []*node{value}
	if value.kind == listNode {
		maps = value.items
	}
	for _, m := range maps {
		if m.kind != mapNode {
			n.kind = brokenNode
			p.failMerge(m, at)
			continue
		}
		for _, e := range m.entries {
			e.merged = at
			n.entries = append(n.entries, e)
		}
	}
}

func (p *parser) failMerge(value *node, at Pos) {
	if value.kind != brokenNode {
		p.fail(at, len(mergeKey), CodeMerge, "<< takes a map or a list of maps, this is "+value.describe(), "<<: *NAME, of a map that is marked with &NAME")
	}
}

// withoutOverridden leaves out what was merged and is written in the map
// itself, or was merged from an earlier map already.
func withoutOverridden(entries []entry) []entry {
	own, merged := map[string]bool{}, map[string]bool{}
	for _, e := range entries {
		own[e.key] = own[e.key] || e.merged == (Pos{})
	}
	return slices.DeleteFunc(entries, func(e entry) bool {
		if e.merged == (Pos{}) {
			return false
		}
		again := own[e.key] || merged[e.key]
		merged[e.key] = true
		return again
	})
}

func scalarTypeOf(y *yaml.Node) scalarType {
	switch y.Tag {
	case "!!int", "!!float":
		return numberScalar
	case "!!bool":
		return boolScalar
	case "!!null":
		return nullScalar
	}
	return stringScalar // dates, too: JSON has none, and a header shall hold what was written
}
