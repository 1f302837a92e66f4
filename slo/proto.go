//go:build grpc

package slo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// describe reads the .proto file, where there is one.
func (p *parser) describe(o *object, n *node, r *Request) {
	var paths []string
	for _, item := range p.list(o.get("import_paths"), "import_paths", maxChecks) {
		if folder, ok := p.fixed(item, "a path"); ok {
			paths = append(paths, folder)
		}
	}
	file := o.get("proto")
	name, ok := p.fixed(file, "the .proto file")
	if !ok {
		return
	}
	set, method, err := p.compileProto(name, paths, r.GRPC.Service, r.GRPC.Method)
	if err != nil {
		p.failText(file, err)
		return
	}
	r.GRPC.Files = set
	if err := fitsMessage(r.Body, method); err != nil {
		if body := o.get("json"); body != nil {
			n = body
		}
		p.failText(n, err)
	}
}

// compileProto compiles a file of the workspace, with all that it imports, and
// finds the method. The set of descriptors is what a client needs.
func (p *parser) compileProto(name string, importPaths []string, service, method string) (set []byte, m protoreflect.MethodDescriptor, err error) {
	files, err := p.compiled(name, importPaths)
	if err != nil {
		return nil, nil, err
	}
	found := files[0].FindDescriptorByName(protoreflect.FullName(service))
	s, isService := found.(protoreflect.ServiceDescriptor)
	if !isService {
		return nil, nil, &fault{code: CodeGRPC, msg: "there is no service " + quote(service) + " in " + quote(name), hint: servicesOf(files[0])}
	}
	if m = s.Methods().ByName(protoreflect.Name(method)); m == nil {
		return nil, nil, &fault{code: CodeGRPC, msg: "the service " + service + " has no method " + quote(method) + didYouMean(method, methodsOf(s)), hint: "it has " + strings.Join(methodsOf(s), ", ")}
	}
	if m.IsStreamingClient() {
		return nil, nil, &fault{code: CodeGRPC, msg: "the method " + method + " takes a stream of messages", hint: "methods that take one message can be called, also where the answer is a stream"}
	}
	set, err = proto.Marshal(&descriptorpb.FileDescriptorSet{File: withImports(nil, files[0], map[string]bool{})})
	return set, m, err
}

// maxImported bounds how many files a .proto file may bring in.
const maxImported = 1000

// compiled runs the compiler. Every error has its place in the .proto file.
func (p *parser) compiled(name string, importPaths []string) (files linker.Files, err error) {
	opened := 0
	source := &protocompile.SourceResolver{Accessor: func(wanted string) (io.ReadCloser, error) {
		if opened++; opened > maxImported {
			return nil, fmt.Errorf("more than %d files", maxImported)
		}
		content, err := p.readImport(wanted, name, importPaths)
		return io.NopCloser(bytes.NewReader(content)), err
	}}
	var first error
	handler := reporter.NewReporter(func(e reporter.ErrorWithPos) error {
		if first == nil {
			first = e
		}
		return e
	}, nil)
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(source), MaxParallelism: 1, Reporter: handler}
	files, err = c.Compile(context.Background(), path.Base(name))
	if first != nil {
		err = first
	}
	if err != nil {
		return nil, &fault{code: CodeGRPC, msg: "the .proto file does not compile: " + err.Error(), hint: "imports are looked for beside the file and in import_paths"}
	}
	return files, nil
}

// readImport finds a file beside the first one, or in one of the paths.
func (p *parser) readImport(wanted, first string, importPaths []string) (content []byte, err error) {
	var all []error // the one beside the file comes first
	for _, folder := range append([]string{path.Dir(first)}, importPaths...) {
		content, err = p.readWithin(path.Join(folder, wanted))
		if err == nil {
			return content, nil
		}
		all = append(all, err)
	}
	return nil, all[0]
}

func servicesOf(f protoreflect.FileDescriptor) string {
	var names []string
	for i := range f.Services().Len() {
		names = append(names, string(f.Services().Get(i).FullName()))
	}
	if len(names) == 0 {
		return "it has no service"
	}
	return "it has " + strings.Join(names, ", ")
}

func methodsOf(s protoreflect.ServiceDescriptor) []string {
	var names []string
	for i := range s.Methods().Len() {
		names = append(names, string(s.Methods().Get(i).Name()))
	}
	return names
}

// withImports lists a file after all that it imports.
func withImports(list []*descriptorpb.FileDescriptorProto, f protoreflect.FileDescriptor, seen map[string]bool) []*descriptorpb.FileDescriptorProto {
	if seen[f.Path()] {
		return list
	}
	seen[f.Path()] = true
	for i := range f.Imports().Len() {
		list = withImports(list, f.Imports().Get(i).FileDescriptor, seen)
	}
	return append(list, protodesc.ToFileDescriptorProto(f))
}

// fitsMessage reports why a message that is written as JSON is none of the
// method's; nil where it holds values that are put in later.
func fitsMessage(body Template, m protoreflect.MethodDescriptor) error {
	text, static := body.Static()
	if !static {
		return nil
	}
	err := protojson.Unmarshal([]byte(text), dynamicpb.NewMessage(m.Input()))
	if err == nil {
		return nil
	}
	// The library puts a different blank into its errors from build to build.
	why := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return &fault{code: CodeGRPC, msg: "the message is no " + string(m.Input().FullName()) + ": " + strings.TrimPrefix(why, "proto: "), hint: "fields are written as in the .proto file or in lowerCamelCase"}
}
