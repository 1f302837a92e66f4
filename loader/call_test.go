//go:build grpc

package loader

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/interop"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/reflection"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	grpcmessage "github.com/slogate/slogate/loader/grpc"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// serveGRPC starts the servers of gRPC's own library.
func serveGRPC(t *testing.T, reflects bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	healthpb.RegisterHealthServer(s, health.NewServer())
	testpb.RegisterTestServiceServer(s, interop.NewTestServer())
	if reflects {
		reflection.Register(s)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-done })
	return "http://" + l.Addr().String()
}

const healthProto = `syntax = "proto3";
package grpc.health.v1;
import "status.proto";
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse { ServingStatus status = 1; }
service Health {
  rpc Check(HealthCheckRequest) returns (HealthCheckResponse);
  rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
}
`

const statusProto = `syntax = "proto3";
package grpc.health.v1;
enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
`

// parseBeside reads steps of a file that lies beside the .proto files.
func parseBeside(t *testing.T, url, steps string) *slo.File {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"health.proto": healthProto, "shared/status.proto": statusProto} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	src := "version: 1\ntarget: " + url + "\nscenarios:\n" + steps + "\nstages: [{name: s, requests: 1, workers: 1}]\n"
	file, err := slo.Parse([]byte(src), slo.Options{Path: filepath.Join(dir, "slo.yaml"), Workspace: dir})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestGRPC(t *testing.T) {
	t.Parallel()
	const byFile = `, proto: health.proto, import_paths: [shared]`
	tests := map[string]struct {
		step, detail string
		want         result.Class
		events       int64 // of six calls
	}{
		"by a file":             {`grpc: grpc.health.v1.Health/Check` + byFile + `, checks: ['json.status == "SERVING"', status == 200, events == 1, 'header["grpc-status"] == "0"']`, "", result.Success, 6},
		"no such service":       {`grpc: grpc.health.v1.Health/Check, json: {service: shop}` + byFile, "status 404 gRPC NOT_FOUND", result.BadStatus, 0},
		"accepted":              {`grpc: grpc.health.v1.Health/Check, json: {service: shop}, accept: [404]` + byFile, "", result.Success, 0},
		"a stream that goes on": {`grpc: grpc.health.v1.Health/Watch` + byFile + `, stream: {as: messages, until: 'json.status == "SERVING"'}`, "", result.Success, 6},
		"by reflection":         {`grpc: grpc.testing.TestService/UnaryCall, json: {responseSize: 3, payload: {body: "aGVsbG8="}}, checks: ['json.payload.body == "AAAA"'], capture: {payload: $.payload.body}`, "", result.Success, 6},
		"a measure alone":       {`grpc: grpc.testing.TestService/UnaryCall, json: {responseSize: 3}, measure: {letters: $.payload.body.length}`, "", result.Success, 6},
		"a stream":              {`grpc: grpc.testing.TestService/StreamingOutputCall, json: {responseParameters: [{size: 1}, {size: 2}, {size: 3}]}, checks: [events == 3, 'json.payload.body == "AAAA"'], capture: {head: event 1 $.payload.body}`, "", result.Success, 18},
		"its own status":        {`grpc: grpc.testing.TestService/UnaryCall, json: {responseStatus: {code: 8, message: "full\nup"}}`, "gRPC RESOURCE_EXHAUSTED", result.BadStatus, 0},
		"unknown field":         {`grpc: grpc.testing.TestService/UnaryCall, json: {respnseSize: "${random.int(1,9)}"}`, `unknown field "respnseSize"`, result.Protocol, 0},
		"unknown method":        {`grpc: grpc.testing.TestService/UnaryCal`, "no method UnaryCal", result.Protocol, 0},
		"unknown service":       {`grpc: shop.v1.Orders/Get`, "reflection: ", result.Protocol, 0},
		"takes a stream":        {`grpc: grpc.testing.TestService/StreamingInputCall`, "takes a stream", result.Protocol, 0},
		"a failed check":        {`grpc: grpc.health.v1.Health/Check` + byFile + `, checks: ['json.status == "UNKNOWN"']`, "check json.status", result.FailedCheck, 6},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := parseBeside(t, serveGRPC(t, true), "  - {"+test.step+"}")
			s := newLoader(t, file, Options{}).Run(t.Context(), counted(6, 2))
			coherent(t, s)
			if *s.Counters.Of(test.want) != 6 || s.Events != test.events {
				t.Fatalf("%+v, %d events, %+v", s.Counters, s.Events, s.Failures)
			}
			if test.detail != "" && !strings.Contains(s.Failures[0].Detail, test.detail) {
				t.Errorf("%+v", s.Failures[0])
			}
		})
	}
}

// A server without reflection is no reason to hang or to crash.
func TestGRPCWithoutReflection(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"gRPC": serveGRPC(t, false), "HTTP/2": speaking(t, slo.H2C, nil, ok).Target} {
		s := newLoader(t, parseBeside(t, url, "  - {grpc: grpc.health.v1.Health/Check}"), Options{}).Run(t.Context(), counted(2, 1))
		coherent(t, s)
		if s.Counters.Protocol != 2 || !strings.Contains(s.Failures[0].Detail, "reflection") {
			t.Errorf("%s: %+v %+v", name, s.Counters, s.Failures)
		}
	}
	// Calls wait together for a server that says nothing.
	silent, _ := (&server{accept: func(p *peer) { p.wait() }}).start(t)
	s := newLoader(t, parseBeside(t, silent, "  - {grpc: grpc.health.v1.Health/Check, timeout: 300ms}"), Options{}).Run(t.Context(), counted(8, 8))
	coherent(t, s)
	if s.Counters.Timeout != 8 {
		t.Errorf("%+v %+v", s.Counters, s.Failures)
	}
	for name, url := range map[string]string{"HTTP/2": speaking(t, slo.H2C, nil, ok).Target, "HTTP/1.1": serve(t, ok)} {
		s := newLoader(t, parseBeside(t, url, "  - {grpc: grpc.health.v1.Health/Check, proto: health.proto, import_paths: [shared]}"), Options{}).Run(t.Context(), counted(2, 1))
		coherent(t, s)
		if s.Counters.Success > 0 {
			t.Errorf("%s: %+v %+v", name, s.Counters, s.Failures)
		}
	}
}

// A server whose files import one another without end takes no more than the
// time of one call.
func TestGRPCReflectionHasTheTimeOfACall(t *testing.T) {
	t.Parallel()
	url := speaking(t, slo.H2C, nil, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		at := bytes.LastIndexByte(body, 'f') + 1 // of the file, which is asked for by its name
		number, _ := strconv.Atoi(string(body[at:]))
		time.Sleep(20 * ms)
		file, _ := proto.Marshal(&descriptorpb.FileDescriptorProto{Name: new(fmt.Sprintf("f%d", number)), Dependency: []string{fmt.Sprintf("f%d", number+1)}})
		files := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), file)
		w.Header().Set("Trailer", "Grpc-Status")
		w.Write(grpcmessage.Frame(protowire.AppendBytes(protowire.AppendTag(nil, 4, protowire.BytesType), files)))
		w.Header().Set("Grpc-Status", "0")
	}).Target
	s := newLoader(t, parseBeside(t, url, "  - {grpc: shop.v1.Orders/Get, timeout: 200ms}"), Options{}).Run(t.Context(), counted(2, 2))
	coherent(t, s)
	if s.Counters.Timeout != 2 {
		t.Errorf("%+v %+v", s.Counters, s.Failures)
	}
}
