package draft

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/slo"
)

const coveredAPI = `openapi: 3.0.0
servers: [{url: "http://h/api"}, {url: "http://other"}]
paths:
  /users: {get: {}, post: {}}
  /users/me: {get: {}}
  /users/{id}: {get: {}, delete: {}}
  /users/{id}/files/{name}.txt: {get: {}}
  /search: {get: {}}
  x-note: {get: {}}
`

func TestCover(t *testing.T) {
	tests := []struct{ name, scenarios, stages, missing string }{
		{"literal before parameter", "[{request: GET /api/users/me}]", "", "GET /users, POST /users, GET /users/{id}, DELETE /users/{id}, GET /users/{id}/files/{name}.txt, GET /search"},
		{"a value is a parameter", `[{request: "GET /users/${random.int(1,9)}?x=/search"}]`, "", "GET /users, POST /users, GET /users/me, DELETE /users/{id}, GET /users/{id}/files/{name}.txt, GET /search"},
		{"a value is no literal", `[{request: "GET /api/${random.of(users,search)}"}]`, "", "GET /users, POST /users, GET /users/me, GET /users/{id}, DELETE /users/{id}, GET /users/{id}/files/{name}.txt, GET /search"},
		{"a part of a segment", `[{request: "GET /users/7/files/${uuid}.txt"}]`, "", "GET /users, POST /users, GET /users/me, GET /users/{id}, DELETE /users/{id}, GET /search"},
		{"query and other methods", `[{request: "GET /search?q=1"}, {request: DELETE /users/1}, {request: PUT /users}]`, "", "GET /users, POST /users, GET /users/me, GET /users/{id}, GET /users/{id}/files/{name}.txt"},
		{"stages that are not judged", "[{name: a, request: GET /search}, {name: b, request: GET /users}]", "[{name: w, rate: 1/s, duration: 1s, judge: false}, {name: s, rate: 1/s, duration: 1s, scenarios: [b]}]", "POST /users, GET /users/me, GET /users/{id}, DELETE /users/{id}, GET /users/{id}/files/{name}.txt, GET /search"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stages := tt.stages
			if stages == "" {
				stages = "[{name: s, rate: 1/s, duration: 1s}]"
			}
			file, err := slo.Parse([]byte("version: 1\ntarget: http://h\nscenarios: "+tt.scenarios+"\nstages: "+stages+"\n"), slo.Options{Path: "slo.yaml"})
			if err != nil {
				t.Fatal(err)
			}
			c, err := Cover("api.yaml", []byte(coveredAPI), file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.missing, strings.Join(c.Missing, ", ")); diff != "" || c.Operations != 7 {
				t.Errorf("of %d operations are missing (-want +got):\n%s", c.Operations, diff)
			}
		})
	}
}

// The error of a document that a file names holds nothing of it: the file may
// be a stranger's, and the document any file of the workspace.
func TestCoverShowsNothing(t *testing.T) {
	for _, src := range []string{"[core]\n\textraheader = s3cr3t-word: x: y\n", "{\"a\": s3cr3t-word}", "s3cr3t-word"} {
		_, err := Cover("config", []byte(src), &slo.File{})
		e, ok := errors.AsType[*slo.Error](err)
		if !ok || strings.Contains(e.Pretty(), "s3cr3t") {
			t.Errorf("%q: %v", src, err)
		}
	}
}
