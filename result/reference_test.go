package result

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const referencePath = "../docs/result-file.md"

// comments are what the source says of the types of this package and of their
// fields: "Run", "Run.Version".
func comments(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	all := map[string]string{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok || decl.Tok != token.TYPE {
				return true
			}
			for _, spec := range decl.Specs {
				typ := spec.(*ast.TypeSpec)
				all[typ.Name.Name] = oneLine(decl.Doc)
				if fields, ok := typ.Type.(*ast.StructType); ok {
					for _, f := range fields.Fields.List {
						for _, name := range f.Names {
							all[typ.Name.Name+"."+name.Name] = strings.TrimSpace(oneLine(f.Doc) + " " + oneLine(f.Comment))
						}
					}
				}
			}
			return true
		})
	}
	return all
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

// structOf is the struct that a type holds, nil for none.
func structOf(typ reflect.Type) reflect.Type {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice:
		return structOf(typ.Elem())
	case reflect.Struct:
		if typ != reflect.TypeFor[time.Time]() && typ != reflect.TypeFor[Histogram]() {
			return typ
		}
	}
	return nil
}

// words says what a field holds.
func words(t *testing.T, typ reflect.Type) string {
	switch typ {
	case reflect.TypeFor[time.Time]():
		return "time (RFC 3339)"
	case reflect.TypeFor[time.Duration]():
		return "nanoseconds"
	case reflect.TypeFor[Histogram]():
		return "histogram"
	case reflect.TypeFor[map[int]int64]():
		return "counts by status"
	case reflect.TypeFor[map[string]Histogram]():
		return "histograms by name"
	}
	if schema := typeSchemas()[typ]; schema != nil && len(schema.Enum) > 0 {
		var all []string
		for _, word := range schema.Enum {
			all = append(all, fmt.Sprintf("`%v`", word))
		}
		return strings.Join(all, " ")
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return words(t, typ.Elem())
	case reflect.Slice:
		return "list: " + words(t, typ.Elem())
	case reflect.Struct:
		return "[" + typ.Name() + "](#" + strings.ToLower(typ.Name()) + ")"
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "boolean"
	case reflect.Float64:
		return "number"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "whole number"
	}
	t.Errorf("no words for %s", typ)
	return ""
}

// structs lists what a result file is made of, in the order in which one meets it.
func structs() []reflect.Type {
	all := []reflect.Type{reflect.TypeFor[Run]()}
	for i := 0; i < len(all); i++ {
		for f := range all[i].Fields() {
			if s := structOf(f.Type); s != nil && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// fields writes the tables of the reference from the types and their comments.
func fields(t *testing.T) string {
	said := comments(t)
	var b strings.Builder
	for _, typ := range structs() {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", typ.Name(), plainComment(said[typ.Name()]))
		var also []string
		for f := range typ.Fields() {
			if f.Anonymous {
				also = append(also, words(t, f.Type))
			}
		}
		if len(also) > 0 {
			fmt.Fprintf(&b, "\nIt has the fields of %s, too.\n", strings.Join(also, " and "))
		}
		b.WriteString("\n| field | holds | meaning |\n| --- | --- | --- |\n")
		for f := range typ.Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous || name == "-" {
				continue
			}
			holds := words(t, f.Type)
			if options != "" {
				holds += ", optional"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, holds, strings.ReplaceAll(plainComment(said[typ.Name()+"."+f.Name]), "|", `\|`))
		}
	}
	return b.String()
}

var (
	docLink = regexp.MustCompile(`\[(\w+)\]`)
	nilWord = regexp.MustCompile(`\bnil\b`)
)

// plainComment is a Go comment as Markdown, for readers of JSON.
func plainComment(comment string) string {
	comment = nilWord.ReplaceAllString(strings.ReplaceAll(comment, "<", "&lt;"), "absent")
	return docLink.ReplaceAllString(comment, "`$1`")
}

var example = regexp.MustCompile("(?s)```sh\njq (.*?) slogate-result.json\n```\n\n```text\n(.*?)```\n")

// answered puts what jq says into the examples of the document.
func answered(t *testing.T, text string) string {
	t.Helper()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("jq is not installed")
	}
	count := 0
	text = example.ReplaceAllStringFunc(text, func(block string) string {
		count++
		call := "jq " + example.FindStringSubmatch(block)[1] + " ../report/testdata/json/fail.json"
		out, err := exec.Command("bash", "-c", call).Output()
		if exit, failed := errors.AsType[*exec.ExitError](err); err != nil && (!failed || exit.ExitCode() != 1) {
			t.Errorf("%s: %v", call, err)
		}
		if len(out) == 0 {
			t.Errorf("%s: no output", call)
		}
		before, _, _ := strings.Cut(block, "```text\n")
		return before + "```text\n" + string(out) + "```\n"
	})
	if count < 5 {
		t.Errorf("only %d examples", count)
	}
	return text
}

// docs/result-file.md says of each field what the source says, and of each example
// what jq answers; -update writes both.
func TestReferenceDocument(t *testing.T) {
	text, err := os.ReadFile(referencePath)
	if err != nil {
		t.Fatal(err)
	}
	const start = "## Fields\n"
	intro, _, found := strings.Cut(string(text), start)
	if !found {
		t.Fatalf("%s has no %q", referencePath, start)
	}
	want := answered(t, intro) + start + fields(t)
	if *update {
		if err := os.WriteFile(referencePath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), want); diff != "" {
		t.Errorf("%s (-is +from the types): go test -run %s -update\n%s", referencePath, t.Name(), diff)
	}
}

// Every type of the file says what it is.
func TestEveryTypeOfTheFileIsDescribed(t *testing.T) {
	said := comments(t)
	for _, typ := range structs() {
		if said[typ.Name()] == "" {
			t.Errorf("%s has no comment", typ.Name())
		}
	}
}
