package grpc

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// ReflectionPaths are the methods of server reflection, the newest first. Both
// versions speak the same messages (grpc/reflection/v1/reflection.proto), of
// which three fields are used here: too little to bring in generated code.
var ReflectionPaths = []string{
	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}

// Numbers of the fields.
const (
	fieldByFilename = 3 // of a request
	fieldBySymbol   = 4
	fieldFiles      = 4 // of an answer: FileDescriptorResponse
	fieldError      = 7 // ErrorResponse
)

// Bounds of what a server can make a client ask for, and keep: large sets of
// services have some hundred files of some KiB each, which take many times that
// in memory once they are read.
const (
	maxFiles = 1000
	maxBytes = 8 << 20 // of all answers
)

// Reflect finds a method by asking the server. ask sends one framed request of
// reflection and returns the message that answers it.
func Reflect(service, method string, ask func(request []byte) (answer []byte, err error)) (*Method, error) {
	r := reflection{ask: ask, known: map[string]bool{}}
	if err := r.fetch(fieldBySymbol, service); err != nil {
		return nil, err
	}
	for len(r.wanted) > 0 {
		name := r.wanted[0]
		if r.wanted = r.wanted[1:]; r.known[name] {
			continue
		}
		if err := r.fetch(fieldByFilename, name); err != nil {
			return nil, err
		}
	}
	return find(&r.set, service, method)
}

// reflection collects a file and all that it imports.
type reflection struct {
	ask    func([]byte) ([]byte, error)
	set    descriptorpb.FileDescriptorSet
	known  map[string]bool
	wanted []string
	bytes  int // of the answers
}

func (r *reflection) fetch(field protowire.Number, value string) error {
	request := protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), value)
	answer, err := r.ask(Frame(request))
	if err != nil {
		return err
	}
	if r.bytes += len(answer); r.bytes > maxBytes {
		return fmt.Errorf("the files have more than %d MiB", maxBytes>>20)
	}
	files, err := filesOf(answer)
	if err != nil {
		return fmt.Errorf("%s: %w", value, err)
	}
	for _, encoded := range files {
		var file descriptorpb.FileDescriptorProto
		if err := proto.Unmarshal(encoded, &file); err != nil {
			return fmt.Errorf("%s: %w", value, err)
		}
		if r.known[file.GetName()] {
			continue
		}
		if r.known[file.GetName()] = true; len(r.known) > maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		r.set.File = append(r.set.File, &file)
		r.wanted = append(r.wanted, file.GetDependency()...)
	}
	if field == fieldByFilename && !r.known[value] {
		return fmt.Errorf("the server does not know the file %q", value)
	}
	return nil
}

// filesOf takes the encoded files out of an answer.
func filesOf(answer []byte) (files [][]byte, err error) {
	err = eachField(answer, func(number protowire.Number, value []byte) error {
		switch number {
		case fieldFiles:
			return eachField(value, func(number protowire.Number, file []byte) error {
				if number == 1 {
					files = append(files, file)
				}
				return nil
			})
		case fieldError:
			return errorOf(value)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = errors.New("the server gave no file")
	}
	return files, err
}

func errorOf(value []byte) error {
	text := "the server answers with an error"
	_ = eachField(value, func(number protowire.Number, message []byte) error {
		if number == 2 {
			text = string(message)
		}
		return nil
	})
	return errors.New(text)
}

// eachField calls f for each field of an encoded message that holds bytes.
func eachField(message []byte, f func(number protowire.Number, value []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return protowire.ParseError(n)
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := f(number, value); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}
