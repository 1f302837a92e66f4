package slo

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const errorsPath = "../docs/errors.md"

// shownOtherwise are the sources of the codes that no block of a document can
// show.
var shownOtherwise = map[Code]string{
	CodeTooLarge: strings.Repeat("# a long comment\n", 100_000),
	CodeEncoding: "name: caf\xe9\n",
	CodeEmpty:    "",
}

// askedFor are settings beside the file that an example's code is about.
var askedFor = map[Code]func(*Options){
	CodeProfile: func(o *Options) { o.Profile = "nightli" },
	CodeShards:  func(o *Options) { o.Shards = 8 },
}

// docsFiles lie beside the examples of the documents.
var docsFiles = map[string]string{
	"flower.json": "{}", "openapi.yaml": "openapi: 3.1.0", "users.csv": "user,password\nanna,secret\nbert,hidden\n",
	"customers.csv": "user,password,category,amount\nanna,secret,tea,1\n", "products.jsonl": `{"product": 7, "price": 1.50}`,
	"broken.csv": "user,password\nanna,secret\nbert,pass,word\n",
}

// docsFolder is a folder with the files that examples name.
func docsFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range docsFiles {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// errorSection is what docs/errors.md says of one code.
type errorSection struct {
	code    Code
	example string // empty: the text of shownOtherwise
	advice  string
}

var (
	sectionStart = regexp.MustCompile(`(?m)^## `)
	textBlock    = regexp.MustCompile("(?s)```text\n(.*?)```\n")
)

// errorSections splits the document into what stands before the table of codes
// and a section for each code.
func errorSections(t *testing.T) (intro string, sections []errorSection) {
	t.Helper()
	text, err := os.ReadFile(errorsPath)
	if err != nil {
		t.Fatal(err)
	}
	parts := sectionStart.Split(string(text), -1)
	intro, _, _ = strings.Cut(parts[0], "\n| ")
	for _, part := range parts[1:] {
		code, rest, _ := strings.Cut(part, "\n")
		s := errorSection{code: Code(code)}
		if block := yamlBlock.FindStringSubmatch(rest); block != nil {
			s.example = block[1]
		}
		if at := textBlock.FindStringIndex(rest); at != nil {
			s.advice = strings.TrimSpace(rest[at[1]:])
		}
		sections = append(sections, s)
	}
	return intro, sections
}

// printed is what slogate says to the section's example, of this code alone.
func (s errorSection) printed(t *testing.T, dir string) string {
	t.Helper()
	opts := testOptions(filepath.Join(dir, "slo.yaml"))
	if set := askedFor[s.code]; set != nil {
		set(&opts)
	}
	src, otherwise := shownOtherwise[s.code]
	if !otherwise {
		src = wholeFile(s.example)
	}
	_, err := Parse([]byte(src), opts)
	if err == nil {
		t.Errorf("%s: Parse accepts the example\n%s", s.code, src)
		return ""
	}
	text := pretty(t, err)
	for _, fault := range err.(ErrorList) {
		if fault.Code != s.code {
			t.Errorf("%s: the example has another fault, too:\n%s", s.code, text)
		}
	}
	return strings.ReplaceAll(text, dir+"/", "")
}

// sentence makes one of a comment.
func sentence(comment string) string { return strings.ToUpper(comment[:1]) + comment[1:] + "." }

// docs/errors.md has each code with an example and what slogate prints for it.
// By hand are the examples and what to do; -update writes the rest.
func TestErrorsDocument(t *testing.T) {
	meanings, dir := codes(t), docsFolder(t)
	intro, sections := errorSections(t)
	var index, body strings.Builder
	index.WriteString("| code | what is wrong |\n| --- | --- |\n")
	shown := map[Code]bool{}
	for _, s := range sections {
		shown[s.code] = true
		if meanings[s.code] == "" || s.advice == "" || (s.example == "") == (shownOtherwise[s.code] == "" && s.code != CodeEmpty) {
			t.Errorf("%s: no such code, no advice, or no example: %+v", s.code, s)
			continue
		}
		index.WriteString("| [`" + string(s.code) + "`](#" + strings.ToLower(string(s.code)) + ") | " + meanings[s.code] + " |\n")
		body.WriteString("\n## " + string(s.code) + "\n\n" + sentence(meanings[s.code]) + "\n\n")
		if s.example != "" {
			body.WriteString("```yaml\n" + s.example + "```\n\n")
		}
		body.WriteString("```text\n" + s.printed(t, dir) + "```\n\n" + s.advice + "\n")
	}
	for _, code := range slices.Sorted(maps.Keys(meanings)) {
		if !shown[code] {
			t.Errorf("%s lacks a section for %s: %s", errorsPath, code, meanings[code])
		}
	}
	golden(t, errorsPath, intro+"\n"+index.String()+body.String())
}

// A code is for ever: none goes away, and none gets another meaning. -update
// only adds those that are new.
func TestCodesAreStable(t *testing.T) {
	const path = "testdata/codes.txt"
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	now, known := codes(t), map[Code]bool{}
	for line := range strings.Lines(string(kept)) {
		code, meaning, _ := strings.Cut(strings.TrimSpace(line), " ")
		known[Code(code)] = true
		if diff := cmp.Diff(meaning, now[Code(code)]); diff != "" {
			t.Errorf("%s means something else (-%s +errors.go):\n%s", code, path, diff)
		}
	}
	var added strings.Builder
	for _, code := range slices.Sorted(maps.Keys(now)) {
		if !known[code] {
			added.WriteString(string(code) + " " + now[code] + "\n")
		}
	}
	switch {
	case added.Len() == 0 || t.Failed():
	case !*update:
		t.Errorf("%s lacks codes (-update adds them):\n%s", path, added.String())
	default:
		if err := os.WriteFile(path, append(kept, added.String()...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
