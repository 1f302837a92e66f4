package grpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// files is a file with one service, and what it imports.
func files(t testing.TB) []*descriptorpb.FileDescriptorProto {
	t.Helper()
	text, optional := descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
	return []*descriptorpb.FileDescriptorProto{
		{
			Name: new("shop.proto"), Package: new("shop"), Syntax: new("proto3"),
			Dependency: []string{"google/protobuf/timestamp.proto"},
			MessageType: []*descriptorpb.DescriptorProto{{Name: new("Order"), Field: []*descriptorpb.FieldDescriptorProto{
				{Name: new("id"), Number: proto.Int32(1), Type: text, Label: optional, JsonName: new("id")},
				{Name: new("at"), Number: proto.Int32(2), Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), Label: optional, TypeName: new(".google.protobuf.Timestamp"), JsonName: new("at")},
			}}},
			Service: []*descriptorpb.ServiceDescriptorProto{{Name: new("Orders"), Method: []*descriptorpb.MethodDescriptorProto{
				{Name: new("Get"), InputType: new(".shop.Order"), OutputType: new(".shop.Order")},
				{Name: new("Put"), InputType: new(".shop.Order"), OutputType: new(".shop.Order"), ClientStreaming: new(true)},
			}}},
		},
		protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto),
	}
}

// server answers questions of reflection as a server does.
func server(t testing.TB, wrap func(number protowire.Number, value []byte) []byte) func([]byte) ([]byte, error) {
	return func(framed []byte) ([]byte, error) {
		request, err := Next(bytes.NewReader(framed), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		number, _, n := protowire.ConsumeTag(request)
		value, _ := protowire.ConsumeString(request[n:])
		for _, f := range files(t) {
			if number == fieldByFilename && f.GetName() == value || number == fieldBySymbol && f.GetName() == "shop.proto" && strings.HasPrefix(value, "shop.") {
				encoded, err := proto.Marshal(f)
				if err != nil {
					t.Fatal(err)
				}
				return wrap(fieldFiles, bytesField(1, encoded)), nil
			}
		}
		return wrap(fieldError, bytesField(2, []byte("not found: "+value))), nil
	}
}

func bytesField(number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

func TestReflect(t *testing.T) {
	whole := func(number protowire.Number, value []byte) []byte {
		other := protowire.AppendVarint(protowire.AppendTag(nil, 9, protowire.VarintType), 7)
		return append(other, bytesField(number, value)...)
	}
	m, err := Reflect("shop.Orders", "Get", server(t, whole))
	if err != nil {
		t.Fatal(err)
	}
	framed, err := m.Encode([]byte(`{"id": "a", "at": "2026-01-31T12:00:00Z"}`))
	if err != nil {
		t.Fatal(err)
	}
	message, err := Next(bytes.NewReader(framed), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.Decode(message)
	if err != nil || strings.ReplaceAll(text, " ", "") != `{"id":"a","at":"2026-01-31T12:00:00Z"}` {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := m.Encode([]byte(`{"no": 1}`)); err == nil || !strings.Contains(err.Error(), `unknown field "no"`) {
		t.Errorf("got %v", err)
	}
	if _, err := m.Decode([]byte{0xff}); err == nil {
		t.Error("no error of a broken message")
	}
	for name, test := range map[string]struct{ service, method, want string }{
		"no service": {"other.Orders", "Get", "not found: other.Orders"},
		"no method":  {"shop.Orders", "Gt", "has no method Gt"},
		"a message":  {"shop.Order", "Get", "is no service"},
		"a stream":   {"shop.Orders", "Put", "takes a stream"},
	} {
		if _, err := Reflect(test.service, test.method, server(t, whole)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	failing := errors.New("cut")
	if _, err := Reflect("a.B", "C", func([]byte) ([]byte, error) { return nil, failing }); !errors.Is(err, failing) {
		t.Errorf("got %v", err)
	}
	if _, err := Reflect("a.B", "C", func([]byte) ([]byte, error) { return nil, nil }); err == nil {
		t.Error("no error of an empty answer")
	}
}

// A server whose files import one another without end, or are large, is asked no
// more at some point.
func TestReflectIsBounded(t *testing.T) {
	for size, want := range map[int]string{0: "more than 1000 files", 1 << 20: "more than 8 MiB"} {
		asked := 0
		_, err := Reflect("a.B", "C", func([]byte) ([]byte, error) {
			asked++
			encoded, err := proto.Marshal(&descriptorpb.FileDescriptorProto{
				Name: new(strconv.Itoa(asked - 1)), Dependency: []string{strconv.Itoa(asked)}, Package: new(strings.Repeat("x", size)),
			})
			return bytesField(fieldFiles, bytesField(1, encoded)), err
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("asked %d times: %v", asked, err)
		}
	}
}

func TestNext(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want string
		err  error
	}{
		"one":        {"\x00\x00\x00\x00\x02ok", "ok", nil},
		"empty":      {"\x00\x00\x00\x00\x00", "", nil},
		"none":       {"", "", io.EOF},
		"in head":    {"\x00\x00", "", io.ErrUnexpectedEOF},
		"in message": {"\x00\x00\x00\x00\x03ok", "", io.ErrUnexpectedEOF},
		"no message": {"\x00\x00\x00\x00\x03", "", io.ErrUnexpectedEOF},
	} {
		got, err := Next(strings.NewReader(test.text), 10)
		if string(got) != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, text := range []string{"\x01\x00\x00\x00\x02ok", "\x00\xff\xff\xff\xff", "\x00\x00\x00\x00\x0b01234567890"} {
		if got, err := Next(strings.NewReader(text), 10); err == nil {
			t.Errorf("%q gives %q", text, got)
		}
	}
}

func TestStatus(t *testing.T) {
	for text, want := range map[string]struct {
		http int
		text string
	}{
		"0": {200, "gRPC OK: m"}, "5": {404, "gRPC NOT_FOUND: m"}, "16": {401, "gRPC UNAUTHENTICATED: m"}, "99": {500, "gRPC code 99: m"},
	} {
		for _, answer := range []*http.Response{
			{Trailer: http.Header{"Grpc-Status": {text}, "Grpc-Message": {"m"}}},
			{Header: http.Header{"Grpc-Status": {text}, "Grpc-Message": {"m"}}},
		} {
			got, err := StatusOf(answer)
			if err != nil || got.HTTP() != want.http || got.String() != want.text {
				t.Errorf("%s: %d %s, %v", text, got.HTTP(), got, err)
			}
		}
	}
	for _, header := range []http.Header{{}, {"Grpc-Status": {"five"}}, {"Grpc-Status": {"-1"}}} {
		if got, err := StatusOf(&http.Response{Header: header}); err == nil {
			t.Errorf("%v gives %v", header, got)
		}
	}
}

// Whatever a server says to reflection, nothing panics.
func FuzzReflect(f *testing.F) {
	f.Add(bytesField(fieldFiles, bytesField(1, []byte{10, 1, 'a'})))
	f.Add(bytesField(fieldError, []byte{1}))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if m, err := Reflect("shop.Orders", "Get", func([]byte) ([]byte, error) { return answer, nil }); (m == nil) == (err == nil) {
			t.Errorf("%v, %v", m, err)
		}
	})
}

// FuzzNext reads whatever a server streams: the frames that were written, one
// after the other, and nothing of more bytes than came.
func FuzzNext(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x02ok\x00\x00\x00\x00\x00"), uint16(100))
	f.Add([]byte("\x00\x7f\xff\xff\xffok"), uint16(0xffff))
	f.Add([]byte("\x01\x00\x00\x00\x02ok"), uint16(2))
	f.Fuzz(func(t *testing.T, stream []byte, most uint16) {
		from := bytes.NewReader(stream)
		var again []byte
		for {
			message, err := Next(from, int(most))
			if err != nil {
				if message != nil || err == io.EOF && from.Len() > 0 {
					t.Errorf("%x, %v", message, err)
				}
				break
			}
			if len(message) > int(most) {
				t.Errorf("%d bytes, at most %d are wanted", len(message), most)
			}
			again = append(again, Frame(message)...)
		}
		if !bytes.HasPrefix(stream, again) {
			t.Errorf("%x is read as %x", stream, again)
		}
	})
}

// FuzzMessage turns JSON into a message and any bytes into JSON: what was
// decoded can be sent again.
func FuzzMessage(f *testing.F) {
	m, err := Reflect("shop.Orders", "Get", server(f, bytesField))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"id": "a\u0000", "at": "2026-01-02T03:04:05Z"}`), []byte("\n\x01a"))
	f.Add([]byte(`{"at": "0000-01-01T00:00:00Z"}`), []byte("\x12\x02\x08\x01"))
	f.Add([]byte(`[`), []byte("\xff"))
	f.Fuzz(func(t *testing.T, text, message []byte) {
		if framed, err := m.Encode(text); err == nil {
			inner, err := Next(bytes.NewReader(framed), len(framed))
			if err != nil {
				t.Fatal(err)
			}
			message = inner
		}
		out, err := m.Decode(message)
		if err != nil {
			return
		}
		if !json.Valid([]byte(out)) {
			t.Fatalf("%x becomes %q", message, out)
		}
		framed, err := m.Encode([]byte(out))
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if again, err := m.Decode(framed[frameHead:]); err != nil || again != out {
			t.Errorf("%q becomes %q, %v", out, again, err)
		}
	})
}

// FuzzStatus reads any status: it has a status of HTTP that is an error, but
// for OK.
func FuzzStatus(f *testing.F) {
	f.Add("0", "m")
	f.Add("17 x", "\x1b")
	f.Add("9223372036854775807", "")
	f.Fuzz(func(t *testing.T, code, message string) {
		s, err := StatusOf(&http.Response{Header: http.Header{"Grpc-Status": {code}, "Grpc-Message": {message}}})
		if err != nil {
			return
		}
		if s.Code < 0 || s.Message != message || (s.HTTP() == http.StatusOK) != (s.Code == 0) || s.Code != 0 && s.HTTP() < 400 {
			t.Errorf("%q is %+v, HTTP %d", code, s, s.HTTP())
		}
	})
}

// What the SLO file's reader compiles is what is loaded here.
func TestLoad(t *testing.T) {
	encoded, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: files(t)})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := Load(encoded, "shop.Orders", "Get"); err != nil || m == nil {
		t.Errorf("%v, %v", m, err)
	}
	for _, broken := range [][]byte{encoded[:len(encoded)/2], {0xff}, nil} {
		if m, err := Load(broken, "shop.Orders", "Get"); err == nil {
			t.Errorf("%x gives %v", broken, m)
		}
	}
}
