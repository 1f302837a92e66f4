package slo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Limits of bodies: a file is kept in memory as a whole.
const (
	maxBodyFile  = 10 << 20
	maxBodyFiles = 64 << 20 // all of an SLO file together
)

// body reads the one of json, form, multipart, body and body_file that a
// request has.
func (p *parser) body(o *object, r *Request) {
	kinds := []string{"json", "form", "multipart", "body", "body_file"}
	contentType, found := "", false
	for i, kind := range kinds {
		n := o.get(kind)
		if n == nil {
			continue
		}
		o.exclude(p, kind, kinds[i+1:], "a request has one body")
		if found {
			continue
		}
		found = true
		r.Body, contentType = p.bodyOf(kind, n)
	}
	if o.has("multipart") {
		r.Headers = slices.DeleteFunc(r.Headers, func(h Header) bool { return h.Name == "Content-Type" })
	}
	if contentType != "" && !hasHeader(r.Headers, "Content-Type") {
		r.Headers = append(r.Headers, Header{Name: "Content-Type", Value: Template{{Literal: contentType}}})
	}
	p.gzip(o.get("gzip"), r)
}

func (p *parser) bodyOf(kind string, n *node) (body Template, contentType string) {
	switch kind {
	case "json":
		var b builder
		p.json(&b, n)
		return b.template(), "application/json"
	case "form":
		return p.fields(n, kind, "for example form: {user: anna, role: [reader, writer]}"), "application/x-www-form-urlencoded"
	case "multipart":
		return p.multipart(n)
	case "body_file":
		return p.bodyFile(n)
	}
	text, ok := p.raw(n, "the body")
	if !ok {
		return nil, ""
	}
	body, _ = p.template(n, text, plainText)
	return body, "text/plain; charset=utf-8"
}

// json writes a value of the file as JSON.
func (p *parser) json(b *builder, n *node) {
	switch n.kind {
	case listNode:
		b.literal("[")
		for i, item := range n.items {
			b.separate(i, ",")
			p.json(b, item)
		}
		b.literal("]")
	case mapNode:
		b.literal("{")
		for i, e := range n.entries {
			b.separate(i, ",")
			p.jsonString(b, &node{kind: scalarNode, text: e.key, pos: e.pos})
			b.literal(":")
			p.json(b, e.value)
		}
		b.literal("}")
	default:
		p.jsonScalar(b, n)
	}
}

// separate writes a separator before every entry but the first.
func (b *builder) separate(i int, separator string) {
	if i > 0 {
		b.literal(separator)
	}
}

func (p *parser) jsonScalar(b *builder, n *node) {
	switch n.typ {
	case nullScalar:
		b.literal("null")
	case boolScalar:
		b.literal(strings.ToLower(n.text))
	case numberScalar:
		if !json.Valid([]byte(n.text)) {
			p.failNode(n, CodeJSON, quote(n.text)+" is a number that JSON cannot hold", "for a string, "+singleQuotes(n.text))
		}
		b.literal(n.text)
	default:
		if part, ok := p.typedValue(n); ok {
			b.value(part)
			return
		}
		p.jsonString(b, n)
	}
}

// typedValue gives the value of a string that is one value alone and makes
// numbers, or comes from outside: it keeps its type in JSON.
func (p *parser) typedValue(n *node) (Part, bool) {
	segments, err := splitValues(n.text)
	if err != nil || len(segments) != 1 || !segments[0].value {
		return Part{}, false
	}
	part, err := p.changing(segments[0].text)
	if err == nil && (part.Value == Captured || part.Value == Row) {
		part.Escape = EscapeValue
		return part, true
	}
	return part, err == nil && part.isNumber()
}

// isNumber reports whether a value always makes a number.
func (p Part) isNumber() bool {
	switch p.Value {
	case RandomInt, Worker, Iteration:
		return true
	case RandomOf:
		for _, choice := range p.Args {
			var n json.Number
			if json.Unmarshal([]byte(choice), &n) != nil || choice[0] == '"' || choice == "null" {
				return false
			}
		}
		return true
	}
	return false
}

// inJSON is the inside of a JSON string.
var inJSON = slot{dynamic: true, secret: true, literal: escapeJSON, static: escapeJSON, escape: EscapeJSON}

func (p *parser) jsonString(b *builder, n *node) {
	b.literal(`"`)
	p.write(b, n, n.text, inJSON)
	b.literal(`"`)
}

// escapeJSON writes a text for the inside of a JSON string. The HTML marks
// that Go escapes by default are kept.
func escapeJSON(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("slo: a string must encode: " + err.Error())
	}
	text := strings.TrimSuffix(b.String(), "\n")
	return text[1 : len(text)-1]
}

// fields writes a map as a form or a query is written. A field with a list
// stands once for each of its entries.
func (p *parser) fields(n *node, what, example string) Template {
	if n == nil {
		return nil
	}
	if n.kind != mapNode {
		p.failNode(n, CodeKind, what+" must be a map, this is "+n.describe(), example)
		return nil
	}
	var b builder
	for _, e := range n.entries {
		values := []*node{e.value}
		if e.value.kind == listNode {
			values = e.value.items
		}
		for _, v := range values {
			b.separate(len(b.parts)+b.text.Len(), "&")
			p.field(&b, e.key, v, what)
		}
	}
	return b.template()
}

// inForm is a field of a form or a query.
var inForm = slot{dynamic: true, secret: true, literal: url.QueryEscape, static: url.QueryEscape, escape: EscapeForm}

func (p *parser) field(b *builder, key string, n *node, what string) {
	b.literal(url.QueryEscape(key) + "=")
	if text, ok := p.raw(n, "a field of the "+what); ok {
		p.write(b, n, text, inForm)
	}
}

// bodyFile reads a file of the workspace. Its content is sent as it is,
// without values.
func (p *parser) bodyFile(n *node) (body Template, contentType string) {
	name, ok := p.fixed(n, "body_file")
	if !ok {
		return nil, ""
	}
	content, err := p.readWithin(name)
	if err != nil {
		p.failNode(n, CodeBodyFile, err.Error(), "a body file is relative to the SLO file and lies within the workspace")
		return nil, ""
	}
	if strings.EqualFold(filepath.Ext(name), ".json") {
		return Template{{Literal: string(content)}}, "application/json"
	}
	return Template{{Literal: string(content)}}, "application/octet-stream"
}

// workspace is the folder that files of the SLO file must stay within.
func (p *parser) workspace() string {
	if p.opts.Workspace == "" {
		return "."
	}
	return p.opts.Workspace
}

// readWithin reads a regular file that is relative to the SLO file and lies
// in the workspace, also when symbolic links are followed.
func (p *parser) readWithin(name string) ([]byte, error) {
	relative, err := p.toRead(name)
	if err == nil {
		err = p.sheltered(relative)
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(p.workspace())
	if err != nil {
		return nil, fmt.Errorf("open the workspace: %w", err)
	}
	defer root.Close()
	return p.readRegular(root, relative, name)
}

func (p *parser) readRegular(root *os.Root, path, name string) ([]byte, error) {
	// Looked at before it is opened: opening a pipe would wait for a writer.
	stat, err := root.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %s", quote(name), reason(err))
	case !stat.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", quote(name))
	case stat.Size() > maxBodyFile || p.read+stat.Size() > maxBodyFiles:
		return nil, fmt.Errorf("%s has %d bytes; a body file has at most %d, all together %d", quote(name), stat.Size(), maxBodyFile, maxBodyFiles)
	}
	f, err := root.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %s", quote(name), reason(err))
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxBodyFile))
	p.read += int64(len(content))
	return content, err
}

// reason gives an error of the file system without the path, which is that of
// the machine.
func reason(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
