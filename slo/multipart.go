package slo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"path"
	"slices"
	"strings"
	"unicode"
)

const multipartExample = "for example multipart: {title: flower, image: {file: flower.png, type: image/png}}"

// multipart makes a body of a map of fields, each a text, a file or a list of
// them (RFC 7578).
func (p *parser) multipart(n *node) (body Template, contentType string) {
	if n.kind != mapNode {
		p.failNode(n, CodeKind, "multipart must be a map, this is "+n.describe(), multipartExample)
		return nil, ""
	}
	boundary := p.boundary(n)
	var b builder
	for _, e := range n.entries {
		values := []*node{e.value}
		if e.value.kind == listNode {
			values = e.value.items
		}
		for _, v := range values {
			b.literal("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + quotedParameter(e.key) + `"`)
			p.multipartField(&b, v)
		}
	}
	b.literal("--" + boundary + "--\r\n")
	return b.template(), "multipart/form-data; boundary=" + boundary
}

// boundary follows from the SLO file and the place, so that base and head are
// sent the same bytes, and no text holds it by accident.
func (p *parser) boundary(n *node) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d:%d", p.file.Digest, n.pos.Line, n.pos.Column))
	return "slogate-" + hex.EncodeToString(sum[:16])
}

// quotedParameter writes a name as browsers do (HTML, section 4.10.22.8).
func quotedParameter(s string) string {
	return strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22").Replace(s)
}

func (p *parser) multipartField(b *builder, n *node) {
	if n.kind == mapNode {
		p.multipartFile(b, n)
		return
	}
	b.literal("\r\n\r\n")
	if text, ok := p.raw(n, "a field of multipart"); ok {
		p.write(b, n, text, plainText)
	}
	b.literal("\r\n")
}

func (p *parser) multipartFile(b *builder, n *node) {
	o := objectOf[multipartDoc](p, n, "a file of multipart")
	file := o.need(p, "file", multipartExample)
	content, contentType := p.bodyFile(file)
	written, _ := p.sentText(file, "the file")
	name := path.Base(strings.ReplaceAll(written, `\`, "/"))
	if o.has("name") {
		name = p.name(o.get("name"), "the name of the file")
	}
	if t, ok := scalarOf(p, o.get("type"), "the type of the file", parseMediaType); ok {
		contentType = t
	}
	b.literal(`; filename="` + quotedParameter(name) + "\"\r\nContent-Type: " + contentType + "\r\n\r\n")
	for _, part := range content {
		b.part(part)
	}
	b.literal("\r\n")
}

func parseMediaType(s string) (string, error) {
	if _, _, err := mime.ParseMediaType(s); err != nil || !strings.Contains(s, "/") || strings.ContainsFunc(s, unicode.IsControl) {
		return "", &fault{code: CodeMediaType, msg: quote(s) + " is not a media type", hint: "such as image/png"}
	}
	return s, nil
}

// gzip lets a request send its body compressed.
func (p *parser) gzip(n *node, r *Request) {
	if r.Gzip = p.isOn(n, "gzip", false); !r.Gzip {
		return
	}
	switch {
	case len(r.Body) == 0:
		p.failNode(n, CodeCombination, "gzip without a body", "beside json, form, multipart, body or body_file")
	case hasHeader(r.Headers, "Content-Encoding"):
		p.failNode(n, CodeCombination, "gzip beside a header Content-Encoding", "gzip sets the header")
	default:
		r.Headers = append(slices.Clone(r.Headers), Header{Name: "Content-Encoding", Value: Template{{Literal: "gzip"}}})
	}
}
