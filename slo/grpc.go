package slo

import "strings"

// GRPC is a call of a method that takes one message, written as JSON in the
// request's body.
type GRPC struct {
	Service string // with its package
	Method  string
	// Files is the set of descriptors that the method needs, as protobuf encodes
	// a FileDescriptorSet; nil: the server is asked by reflection.
	Files []byte
}

// grpc reads a step that calls a method.
func (p *parser) grpc(o *object, n *node, r *Request) {
	p.refuseProxy(n, "gRPC")
	o.exclude(p, "grpc", []string{"form", "body", "body_file"}, "the message is written as json: {name: anna}")
	text, ok := p.sentText(n, "the method")
	if !ok {
		return
	}
	service, method, found := strings.Cut(strings.TrimPrefix(text, "/"), "/")
	if !found || !isSymbol(service) || !isSymbol(method) || strings.Contains(method, ".") {
		p.failNode(n, CodeGRPC, quote(text)+" is not PACKAGE.SERVICE/METHOD", "such as shop.v1.Orders/Get")
		return
	}
	if r.Stream == nil {
		r.Stream = &Stream{As: Messages}
	}
	r.Method, r.Name = "POST", defaultName("GRPC", service+"/"+method)
	r.Path = Template{{Literal: "/" + service + "/" + method}}
	if len(r.Body) == 0 {
		r.Body = Template{{Literal: "{}"}}
	}
	r.GRPC = &GRPC{Service: service, Method: method}
	p.describe(o, n, r)
}

// isSymbol reports a name of protobuf, with its package.
func isSymbol(s string) bool {
	for word := range strings.SplitSeq(s, ".") {
		if !variableName.MatchString(word) {
			return false
		}
	}
	return true
}
