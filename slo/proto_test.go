//go:build grpc

package slo

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

const ordersProto = `syntax = "proto3";
package shop.v1;
message Order { string id = 1; int32 count = 2; }
message Note { string text = 1; }
service Orders {
  rpc Get(Order) returns (Order);
  rpc Watch(Order) returns (stream Note);
  rpc Put(stream Order) returns (Note);
}
`

// parseProto reads a step of a file that lies beside .proto files.
func parseProto(t *testing.T, step string) (*File, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"orders.proto": ordersProto, "broken.proto": "syntax = \"proto3\";\nmessage {", "lost.proto": "syntax = \"proto3\";\nimport \"nowhere.proto\";",
		"cycle.proto": "syntax = \"proto3\";\nimport \"cycle.proto\";", "outside.proto": "syntax = \"proto3\";\nimport \"../../etc/passwd\";",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	opts := testOptions(filepath.Join(dir, "slo.yaml"))
	opts.Workspace = dir
	return Parse([]byte(head+"scenarios:\n  - {"+step+"}\n"+oneStage), opts)
}

func TestProtoFiles(t *testing.T) {
	tests := map[string]struct{ step, want string }{
		"no service":     {`grpc: shop.v1.Order/Get, proto: orders.proto`, `slo.yaml:4:38: SLO154: there is no service "shop.v1.Order" in "orders.proto"`},
		"no method":      {`grpc: shop.v1.Orders/Gt, proto: orders.proto`, `has no method "Gt", did you mean "Get"?`},
		"takes a stream": {`grpc: shop.v1.Orders/Put, proto: orders.proto`, `SLO154: the method Put takes a stream of messages`},
		"broken":         {`grpc: shop.v1.Orders/Get, proto: broken.proto`, `SLO154: the .proto file does not compile: broken.proto:2:9: syntax error`},
		"lost import":    {`grpc: shop.v1.Orders/Get, proto: lost.proto`, `SLO154: the .proto file does not compile: lost.proto:2:8:`},
		"cycle":          {`grpc: shop.v1.Orders/Get, proto: cycle.proto`, `cycle found in imports`},
		"outside":        {`grpc: shop.v1.Orders/Get, proto: outside.proto`, `SLO154: the .proto file does not compile: outside.proto:2:8:`},
		"no file":        {`grpc: shop.v1.Orders/Get, proto: none.proto`, `SLO154: the .proto file does not compile:`},
		"a field":        {`grpc: shop.v1.Orders/Get, proto: orders.proto, json: {cuont: 1}`, `SLO154: the message is no shop.v1.Order: (line 1:2): unknown field "cuont"`},
		"a type":         {`grpc: shop.v1.Orders/Get, proto: orders.proto, json: {count: many}`, `SLO154: the message is no shop.v1.Order:`},
		"a body":         {`grpc: shop.v1.Orders/Get, proto: orders.proto, body: x`, `SLO015: "body" cannot stand beside "grpc"`},
		"a stream":       {`grpc: shop.v1.Orders/Watch, proto: orders.proto, stream: sse`, `SLO026: unknown stream "sse"`},
		"alone":          {`request: GET /, proto: orders.proto`, `SLO015: "proto" cannot stand beside "request"`},
	}
	for name, test := range tests {
		_, err := parseProto(t, test.step)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got\n%v\nwant\n%s", name, err, test.want)
		}
	}
	for _, step := range []string{
		`grpc: shop.v1.Orders/Get, proto: orders.proto, json: {id: a, count: 2}`,
		`grpc: shop.v1.Orders/Watch, proto: orders.proto, json: {count: "${random.int(1,9)}"}, stream: {as: messages, for: 1s}`,
		`grpc: shop.v1.Orders/Get`,
	} {
		file, err := parseProto(t, step)
		if err != nil {
			t.Errorf("%s: %v", step, err)
			continue
		}
		r := file.Scenarios[0].Steps[0].Request
		if r.GRPC.Service != "shop.v1.Orders" || !r.IsHTTP() || (r.GRPC.Files == nil) == strings.Contains(step, "proto") {
			t.Errorf("%s: %+v", step, r.GRPC)
		}
	}
}

var grpcBlock = regexp.MustCompile("(?s)```yml\n(.*?)```")

func TestDocsExamplesOfGRPC(t *testing.T) {
	blocks := grpcBlock.FindAllStringSubmatch(readDocs(t), -1)
	if len(blocks) == 0 {
		t.Fatal("no example")
	}
	for _, block := range blocks {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "orders.proto"), []byte(ordersProto), 0o644); err != nil {
			t.Fatal(err)
		}
		opts := testOptions(filepath.Join(dir, "slo.yaml"))
		opts.Workspace = dir
		if _, err := Parse([]byte(wholeFile(block[1])), opts); err != nil {
			t.Errorf("%s\n%v", block[1], err)
		}
	}
}

// FuzzProto compiles any .proto file of the workspace: to descriptors that a
// client can load, or to an error that anybody can read.
func FuzzProto(f *testing.F) {
	for _, src := range []string{
		ordersProto, "syntax = \"proto3\";\nmessage {", "import \"slo.yaml\";", "edition = \"2023\"; message A { A a = 1; repeated A b = 2 [default = 1]; }",
		"syntax=\"proto2\"; package shop.v1; message Order { optional group X = 1 { map<string, Order> y = 1; } extensions 100 to max; } service Orders { rpc Get(Order) returns (Order) { option (x).y = {a: [1, {b: \"\\x1b[31m\\n::error::\"}]}; } }",
		"import \"orders.proto\"; import public \"google/protobuf/any.proto\";", strings.Repeat("message A {", 200), "\x1b[31m\n::error::x", "syntax = \"proto3\"; // \u202e\xff",
	} {
		f.Add(src)
	}
	dir := f.TempDir()
	opts := testOptions(filepath.Join(dir, "slo.yaml"))
	opts.Workspace = dir
	file := []byte(head + "scenarios:\n  - {grpc: shop.v1.Orders/Get, proto: orders.proto, json: {id: a}}\n" + oneStage)
	f.Fuzz(func(t *testing.T, src string) {
		if err := os.WriteFile(filepath.Join(dir, "orders.proto"), []byte(src), 0o644); err != nil {
			t.Fatal(err)
		}
		parsed, err := Parse(file, opts)
		if err != nil {
			checkHarmless(t, err.(ErrorList).Pretty())
			return
		}
		var set descriptorpb.FileDescriptorSet
		if err := proto.Unmarshal(parsed.Scenarios[0].Steps[0].Request.GRPC.Files, &set); err != nil {
			t.Fatal(err)
		}
		files, err := protodesc.NewFiles(&set)
		if err != nil {
			t.Fatalf("%q: %v", src, err)
		}
		if _, err := files.FindDescriptorByName("shop.v1.Orders.Get"); err != nil {
			t.Errorf("%q: %v", src, err)
		}
	})
}
