package slo

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// testEnv is the environment of the tests.
func testEnv(name string) (string, bool) {
	value, ok := map[string]string{
		"API_TOKEN": "s3cr3t", "USER_NAME": "anna \"quoted\" & more", "WITH_MARKS": "a b&c=ü/?",
		"EMPTY": "", "NEWLINE": "a\r\nx-evil: 1", "BAD_PORT": "http://localhost:99999",
		"WITH_PASSWORD": "http://user:hunter2@localhost", "PASSWORD": "p4ss",
	}[name]
	return value, ok
}

func testOptions(path string) Options {
	trusted := func(host string) bool { return host != "untrusted.example" }
	return Options{Path: path, Env: testEnv, Workspace: filepath.Dir(path), Trusted: trusted, EnvDenied: func(name string) string {
		if name == "DENIED" {
			return "list DENIED in the input env of the workflow"
		}
		return ""
	}}
}

// parseFile reads a file of testdata under its base name.
func parseFile(t *testing.T, path string) (*File, error) {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(path))
	return Parse(src, testOptions(filepath.Base(path)))
}

func TestParseAccepts(t *testing.T) {
	for _, path := range glob(t, "testdata/ok/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if _, err := parseFile(t, path); err != nil {
				t.Errorf("Parse:\n%s", pretty(t, err))
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, path := range glob(t, "testdata/err/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			out, err := filepath.Abs(strings.TrimSuffix(path, ".yaml") + ".out")
			if err != nil {
				t.Fatal(err)
			}
			_, err = parseFile(t, path)
			if err == nil {
				t.Fatal("Parse accepts the file")
			}
			golden(t, out, pretty(t, err))
		})
	}
}

// pretty checks the type of an error and gives its text.
func pretty(t *testing.T, err error) string {
	t.Helper()
	list, ok := errors.AsType[ErrorList](err)
	if !ok {
		t.Fatalf("the error is %T, want ErrorList", err)
	}
	return list.Pretty()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("glob %s: %d files, %v", pattern, len(paths), err)
	}
	return paths
}
