package draft

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/slogate/slogate/slo"
)

// What is no OpenAPI document is refused with its place.
func TestOpenAPIRefuses(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"empty", "", "api.yaml: SLO170: the document is empty"},
		{"not YAML", "openapi: 3.0.0\npaths:\n\t/x: {}\n", "api.yaml:3: SLO170: not YAML"},
		{"not JSON", "{\n  \"openapi\": \"3.0.0\",\n  \"paths\": {]\n}", "api.yaml:3:12: SLO170: not JSON"},
		{"cut off", `{"openapi": "3.0.0", "paths": {`, "api.yaml:1:31: SLO170: not JSON: unexpected EOF"},
		{"too deep", `{"openapi": "3.0.0", "x": ` + strings.Repeat("[", 600), "nested more than 500 deep"},
		{"another document", "swagger: 1.2\npaths: {}\n", "api.yaml:1:1: SLO170: not an OpenAPI document"},
		{"a list", "- openapi: 3.0.0\n", "api.yaml:1:1: SLO170: not an OpenAPI document"},
		{"no paths", "openapi: 3.1.0\ninfo: {}\n", "api.yaml:1:1: SLO170: the document has no paths"},
		{"nothing to load", "openapi: 3.1.0\npaths:\n  /x: {post: {}}\n", "api.yaml:3:3: SLO170: no operation of the document can be loaded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := OpenAPI("api.yaml", []byte(tt.src), Options{})
			if _, ok := errors.AsType[*slo.Error](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// References that lead nowhere are listed with their place, and the rest of
// the document is used.
// A document that would need hundreds of megabytes is refused before it does, and
// one that is merely long is read.
func TestDocumentsAreBounded(t *testing.T) {
	items := func(n int) string { return strings.Repeat("0,", n) + "0" }
	for name, src := range map[string]string{
		"JSON":      `{"openapi":"3.0.0","paths":{},"x":[` + items(maxTreeNodes) + `]}`,
		"YAML":      "openapi: 3.0.0\npaths: {}\nx: [" + items(maxTreeNodes) + "]\n",
		"YAML maps": "openapi: 3.0.0\npaths: {}\nx: " + strings.Repeat("{", 100) + strings.Repeat("{},", maxTreeNodes) + "\n",
		"YAML rows": "openapi: 3.0.0\npaths: {}\nx:\n" + strings.Repeat("- -\n", maxTreeNodes/2) + "\n",
	} {
		if _, err := readAPI("x", []byte(src)); err == nil || !strings.Contains(err.Error(), "keys and values") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	text := strings.Repeat("word ", maxTreeNodes)
	for name, src := range map[string]string{
		"JSON": `{"openapi":"3.0.0","paths":{},"x":"` + strings.Repeat("a, b: ", maxTreeNodes) + `"}`,
		"YAML": "openapi: 3.0.0\npaths: {}\nx: >\n  " + text + "\n",
	} {
		if _, err := readAPI("x", []byte(src)); err != nil {
			t.Errorf("long %s: %v", name, err)
		}
	}
}

func TestReferences(t *testing.T) {
	const src = `openapi: 3.0.0
servers: [{url: "http://h"}]
paths:
  /a:
    get: {parameters: [{$ref: "#/components/parameters/None"}]}
  /b:
    get: {parameters: [{$ref: "http://169.254.169.254/x.yaml#/p"}]}
  /c:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/A"}}}}
  /d:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/List"}}}}
components:
  schemas:
    A: {$ref: "#/components/schemas/B"}
    B: {$ref: "#/components/schemas/A"}
    List: {type: object, properties: {value: {type: integer}, next: {$ref: "#/components/schemas/List"}}}
`
	d, err := OpenAPI("api.yaml", []byte(src), Options{All: true})
	if err != nil {
		t.Fatal(err)
	}
	var notes strings.Builder
	for _, n := range d.Notes {
		notes.WriteString(n.String() + "\n")
	}
	for _, want := range []string{
		`GET /a: a parameter is left out: the reference "#/components/parameters/None" (line 5, column 31) leads nowhere`,
		`GET /b: a parameter is left out: the reference "http://169.254.169.254/x.yaml#/p" (line 7, column 31) leads out of the document`,
		`POST /c: left out: no body can be made of its schema: the reference "#/components/schemas/B" (line 16, column 15) leads back to itself`,
	} {
		if !strings.Contains(notes.String(), want) {
			t.Errorf("no %q in\n%s", want, notes.String())
		}
	}
	if got := string(d.Write()); !strings.Contains(got, "json:\n      value: 1\n") || strings.Contains(got, "next") {
		t.Errorf("the list that contains itself is\n%s", got)
	}
	parsed(t, d)
}

// A document that unfolds without end takes bounded time and space.
func TestUnfoldingIsBounded(t *testing.T) {
	var src strings.Builder
	src.WriteString("openapi: 3.0.0\nservers: [{url: \"http://h\"}]\npaths:\n  /x: {post: {requestBody: {content: {application/json: {schema: {$ref: \"#/components/schemas/S0\"}}}}}}\ncomponents:\n  schemas:\n")
	for i := range 40 {
		next := "#/components/schemas/S" + string(rune('0'+(i+1)%40))
		src.WriteString("    S" + string(rune('0'+i%40)) + ": {type: object, properties: {")
		for k := range 10 {
			src.WriteString("p" + string(rune('0'+k)) + ": {$ref: \"" + next + "\"}, ")
		}
		src.WriteString("}}\n")
	}
	d, err := OpenAPI("api.yaml", []byte(src.String()), Options{All: true})
	if err != nil {
		return // nothing could be made of it, which is an answer
	}
	if n := len(d.Write()); n > 1<<20 {
		t.Errorf("the file has %d bytes", n)
	}
}

// A range of types is none that could be sent.
func TestBodyOfAnyType(t *testing.T) {
	for kind, want := range map[string][]Field{
		"*/*": nil, "application/*+json": nil, "text/*": nil, "application/json": nil,
		"application/vnd.api+json": {{"content-type", "application/vnd.api+json"}}, "text/csv": {{"content-type", "text/csv"}},
	} {
		d, err := OpenAPI("api.yaml", []byte(`{"openapi": "3.0.0", "paths": {"/": {"post": {"requestBody": {"content": {"`+kind+`": {"example": "a"}}}}}}}`), Options{All: true})
		if err != nil {
			t.Fatal(kind, err)
		}
		if got := d.Scenarios[0].Steps[0].Headers; !slices.Equal(got, want) {
			t.Errorf("%s: headers %v, want %v", kind, got, want)
		}
	}
}
