package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// formatVerb is where a message holds a value.
var formatVerb = regexp.MustCompile(`%(\[\d+\])?[-+# 0]*[\d.*]*[a-zA-Z%]`)

// messages are the parts of all texts of the program, without the values in them.
func messages(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"bench", "e2e", "testdata", "tools", ".git"}, d.Name()):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(path, err)
				}
				all = append(all, formatVerb.Split(text, -1)...)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// isPrinted reports whether literals hold a text: one of them as a whole, or the
// end of one, whole ones and the beginning of another, which code puts together.
func isPrinted(text string, literals []string) bool {
	for _, literal := range literals {
		if strings.Contains(literal, text) {
			return true
		}
	}
	for i := 1; i < len(text); i++ {
		if slices.ContainsFunc(literals, func(l string) bool { return joins(l) && strings.HasSuffix(l, text[:i]) }) && continues(text[i:], literals) {
			return true
		}
	}
	return false
}

// continues reports whether a text goes on with literals.
func continues(text string, literals []string) bool {
	for _, literal := range literals {
		if strings.HasPrefix(literal, text) || joins(literal) && strings.HasPrefix(text, literal) && continues(text[len(literal):], literals) {
			return true
		}
	}
	return false
}

// joins leaves out short words, of which every text could be put together.
func joins(literal string) bool {
	const word = 6
	return len(literal) >= word || literal != "" && !strings.ContainsFunc(literal, unicode.IsLetter)
}

var indentedText = regexp.MustCompile("(?ms)^ *```text\n(.*?)```")

// Each message of docs/troubleshooting.md is one that slogate prints.
func TestTroubleshootingDocument(t *testing.T) {
	text, err := os.ReadFile("docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	literals, count := messages(t), 0
	for _, block := range indentedText.FindAllSubmatch(text, -1) {
		for line := range strings.Lines(string(block[1])) {
			count++
			line = strings.TrimPrefix(strings.TrimSpace(line), "hint: ")
			for part := range strings.SplitSeq(line, "…") {
				if part = strings.TrimSpace(part); !isPrinted(part, literals) {
					t.Errorf("nothing prints %q of the message %q", part, line)
				}
			}
		}
	}
	if count < 40 {
		t.Errorf("only %d messages", count)
	}
	for _, never := range []string{"there is no baseline to match with", "there is a baseline to compare with", "the stage was loaded thrice"} {
		if isPrinted(never, literals) {
			t.Errorf("%q is found, and nothing prints it", never)
		}
	}
}
