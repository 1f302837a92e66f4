// Package grpc turns JSON into the messages of a gRPC method and back, and
// knows how they are framed. It opens no connection: the loader sends what it
// makes over HTTP/2.
//
// gRPC itself needs no more than that: a call is a POST whose body is a message
// behind five bytes, and whose status comes in the trailers ("gRPC over HTTP2",
// PROTOCOL-HTTP2.md). What a service offers is read from a compiled .proto file
// or asked for by reflection.
package grpc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Method is one method of a service.
type Method struct{ descriptor protoreflect.MethodDescriptor }

// Load finds a method in an encoded FileDescriptorSet.
func Load(files []byte, service, method string) (*Method, error) {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(files, &set); err != nil {
		return nil, fmt.Errorf("descriptors: %w", err)
	}
	return find(&set, service, method)
}

func find(set *descriptorpb.FileDescriptorSet, service, method string) (*Method, error) {
	files, err := protodesc.FileOptions{AllowUnresolvable: true}.NewFiles(set)
	if err != nil {
		return nil, fmt.Errorf("descriptors: %w", err)
	}
	found, err := files.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return nil, fmt.Errorf("there is no service %s", service)
	}
	s, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is no service", service)
	}
	m := s.Methods().ByName(protoreflect.Name(method))
	if m == nil {
		return nil, fmt.Errorf("the service %s has no method %s", service, method)
	}
	if m.IsStreamingClient() {
		return nil, fmt.Errorf("the method %s takes a stream of messages", method)
	}
	return &Method{m}, nil
}

// Encode makes a framed message of JSON.
func (m *Method) Encode(json []byte) ([]byte, error) {
	message := dynamicpb.NewMessage(m.descriptor.Input())
	if err := protojson.Unmarshal(json, message); err != nil {
		return nil, fmt.Errorf("the message is no %s: %s", m.descriptor.Input().FullName(), plain(err))
	}
	encoded, err := proto.Marshal(message)
	return Frame(encoded), err
}

// Decode writes a message of the answer as JSON.
func (m *Method) Decode(message []byte) (string, error) {
	decoded := dynamicpb.NewMessage(m.descriptor.Output())
	if err := proto.Unmarshal(message, decoded); err != nil {
		return "", fmt.Errorf("the answer is no %s: %s", m.descriptor.Output().FullName(), plain(err))
	}
	text, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(decoded)
	return string(text), err
}

// plain takes out the blank with which the library makes its errors differ from
// build to build.
func plain(err error) string {
	return strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
}

// frameHead is a flag, which says that the message is compressed, and its length.
const frameHead = 5

// Frame puts its head before a message.
func Frame(message []byte) []byte {
	framed := make([]byte, frameHead, frameHead+len(message))
	binary.BigEndian.PutUint32(framed[1:], uint32(len(message)))
	return append(framed, message...)
}

// Next reads a message of at most most bytes. The error is [io.EOF] where the
// stream has ended before one.
func Next(from io.Reader, most int) ([]byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[1:])
	switch {
	case head[0] != 0:
		return nil, errors.New("a message is compressed, which was not asked for")
	case int64(length) > int64(most):
		return nil, fmt.Errorf("a message has %d bytes, at most %d are read", length, most)
	}
	message := make([]byte, length)
	if _, err := io.ReadFull(from, message); err != nil {
		return nil, fmt.Errorf("within a message: %w", noEOF(err))
	}
	return message, nil
}

// noEOF makes an end within something an unexpected one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Status is how a call ended.
type Status struct {
	Code    int // of gRPC; 0: well
	Message string
}

// StatusOf reads the status of an answer whose body has been read. It may stand
// in the headers of one without a body.
func StatusOf(answer *http.Response) (Status, error) {
	header := answer.Trailer
	if header.Get("Grpc-Status") == "" {
		header = answer.Header
	}
	text := header.Get("Grpc-Status")
	if text == "" {
		return Status{}, errors.New("the answer has no grpc-status")
	}
	var code int
	if _, err := fmt.Sscanf(text, "%d", &code); err != nil || code < 0 {
		return Status{}, fmt.Errorf("grpc-status is %.20q", text)
	}
	return Status{code, header.Get("Grpc-Message")}, nil
}

// codes are gRPC's, in their order (google.rpc.Code), with the status of HTTP
// that stands for each in its gateway.
var codes = []struct {
	name string
	http int
}{
	{"OK", 200},
	{"CANCELLED", 499},
	{"UNKNOWN", 500},
	{"INVALID_ARGUMENT", 400},
	{"DEADLINE_EXCEEDED", 504},
	{"NOT_FOUND", 404},
	{"ALREADY_EXISTS", 409},
	{"PERMISSION_DENIED", 403},
	{"RESOURCE_EXHAUSTED", 429},
	{"FAILED_PRECONDITION", 400},
	{"ABORTED", 409},
	{"OUT_OF_RANGE", 400},
	{"UNIMPLEMENTED", 501},
	{"INTERNAL", 500},
	{"UNAVAILABLE", 503},
	{"DATA_LOSS", 500},
	{"UNAUTHENTICATED", 401},
}

// HTTP is the status of HTTP that stands for it.
func (s Status) HTTP() int {
	if s.Code >= len(codes) {
		return http.StatusInternalServerError
	}
	return codes[s.Code].http
}

func (s Status) String() string {
	name := fmt.Sprintf("code %d", s.Code)
	if s.Code < len(codes) {
		name = codes[s.Code].name
	}
	if s.Message == "" {
		return "gRPC " + name
	}
	return "gRPC " + name + ": " + s.Message
}
