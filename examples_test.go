package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every suite passes check, names its source with commit and licence, and
// stands in the table beside them.
func TestSuites(t *testing.T) {
	paths, err := filepath.Glob("examples/suites/*.yaml")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d suites: %v", len(paths), err)
	}
	table, err := os.ReadFile("examples/suites/README.md")
	if err != nil {
		t.Fatal(err)
	}
	source := regexp.MustCompile(`(?m)^# https://github\.com/[\w.-]+/[\w.-]+/blob/[0-9a-f]{40}/\S+\n# (MIT|MPL-2\.0|Apache-2\.0), `)
	env := func(name string) (string, bool) {
		return "x", strings.HasSuffix(name, "PASSWORD") || strings.HasPrefix(name, "PETSTORE_")
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !source.Match(src) {
				t.Error("the file does not name its source, commit and licence")
			}
			if !strings.Contains(string(table), "]("+filepath.Base(path)+")") {
				t.Error("the README does not list the file")
			}
			var out bytes.Buffer
			if code := Main(t.Context(), []string{"check", path}, env, &out, &out); code != exitPass {
				t.Errorf("check exits %d:\n%s", code, out.String())
			}
		})
	}
}
