package draft

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// checkDraft says what holds for every draft: its file is an SLO file of what
// the draft says and of nothing else.
func checkDraft(t *testing.T, d *Draft, err error) {
	t.Helper()
	if err != nil {
		checkText(t, err.Error())
		return
	}
	d.Place(nowhere)
	file := parsed(t, d)
	if file.Service != nil || file.Before != nil || file.After != nil || file.OpenAPI != nil || len(file.Limits.Hosts) > 0 || len(file.Stages) != 2 {
		t.Fatalf("the file has more than the draft:\n%s", d.Write())
	}
	if len(file.Scenarios) != len(d.Scenarios) {
		t.Fatalf("%d scenarios of %d:\n%s", len(file.Scenarios), len(d.Scenarios), d.Write())
	}
	for i, s := range d.Scenarios {
		requests := 0
		for _, step := range file.Scenarios[i].Steps {
			if step.Request != nil {
				requests++
			}
		}
		if requests != len(s.Steps) {
			t.Fatalf("%d requests of %d in %s", requests, len(s.Steps), s.Name)
		}
	}
	for _, n := range d.Notes {
		checkText(t, n.String())
	}
	for line := range strings.Lines(string(d.Write())) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") && strings.HasPrefix(line, "#") {
			t.Fatalf("a command of the CI in %q", line)
		}
	}
}

// checkText looks for what could move a cursor or end a line.
func checkText(t *testing.T, text string) {
	t.Helper()
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("not printable: %q", text)
	}
}

func addSources(f *testing.F, pattern string) {
	paths, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(paths) == 0 {
		f.Fatal(pattern, err)
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
}

func FuzzOpenAPI(f *testing.F) {
	addSources(f, "*.yaml")
	addSources(f, "swagger.json")
	f.Add([]byte("openapi: 3.1.0\npaths:\n  \"/a\\n::error::x\": {get: {operationId: \"x\\nservice: {start: evil}\\n##[error]\"}}\n"))
	f.Add([]byte("openapi: 3.1.0\npaths: &a\n  /x: {get: {parameters: [{name: a, in: query, required: true, example: *a}]}}\n"))
	f.Add([]byte(`{"openapi":"3.0.0","servers":[{"url":"http://h/ {x}"}],"paths":{"/a b?c=%zz#d":{"get":{"parameters":[{"name":"q\r\n","in":"header","required":true,"example":"a\u0000b"}]}}}}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := OpenAPI("spec.yaml", src, Options{All: true})
		checkDraft(t, d, err)
	})
}

func FuzzHAR(f *testing.F) {
	addSources(f, "*.har")
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := HAR("session.har", src, "")
		checkDraft(t, d, err)
	})
}

func FuzzPostman(f *testing.F) {
	addSources(f, "*.postman.json")
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := Postman("collection.json", src, "")
		checkDraft(t, d, err)
	})
}

func FuzzCurl(f *testing.F) {
	for _, c := range curls {
		f.Add(c.command)
	}
	f.Add("curl http://h/ -H $'a: b\\n::error::' -d $'x\\0y' -X 'GET\n'")
	f.Fuzz(func(t *testing.T, command string) {
		d, err := Curl(command)
		checkDraft(t, d, err)
	})
}
