package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
)

var (
	documentLink = regexp.MustCompile(`^[a-z][a-z+.-]*:`)
	notInAnchors = regexp.MustCompile(`[^\p{L}\p{N}\p{M}_ -]`)
	namedAnchors = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
)

// Every relative link of every document leads to a file of the repository, and
// every anchor to a heading.
func TestDocumentLinks(t *testing.T) {
	all := documents(t)
	anchors := map[string][]string{}
	for _, d := range all {
		anchors[d.path] = d.anchors()
	}
	for _, d := range all {
		links := 0
		ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			var to string
			switch n := n.(type) {
			case *ast.Link:
				to = string(n.Destination)
			case *ast.Image:
				to = string(n.Destination)
			}
			if !entering || to == "" || documentLink.MatchString(to) {
				return ast.WalkContinue, nil
			}
			links++
			file, anchor, _ := strings.Cut(to, "#")
			target := d.path
			if file != "" {
				target = path.Join(path.Dir(d.path), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", d.path, to, err)
			} else if anchor != "" && !slices.Contains(anchors[target], anchor) {
				t.Errorf("%s links to %s: %s has no such heading", d.path, to, target)
			}
			return ast.WalkContinue, nil
		})
		t.Logf("%s: %d links", d.path, links)
	}
}

// anchors are the names that GitHub gives the headings, and those that the
// document sets itself.
func (d document) anchors() []string {
	var all []string
	seen := map[string]int{}
	ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if _, heading := n.(*ast.Heading); !heading || !entering {
			return ast.WalkContinue, nil
		}
		anchor := strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(textOf(n, d.source)), ""), " ", "-")
		if times := seen[anchor]; times > 0 {
			all = append(all, fmt.Sprintf("%s-%d", anchor, times))
		} else {
			all = append(all, anchor)
		}
		seen[anchor]++
		return ast.WalkSkipChildren, nil
	})
	for _, m := range namedAnchors.FindAllSubmatch(d.source, -1) {
		all = append(all, string(m[1]))
	}
	return all
}

func textOf(n ast.Node, source []byte) string {
	var b strings.Builder
	ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if leaf, ok := n.(*ast.Text); ok && entering {
			b.Write(leaf.Segment.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// Each test that a document names is there.
func TestDocumentsNameTests(t *testing.T) {
	name := regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)[A-Z]\w*$`)
	for _, d := range documents(t) {
		ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if _, code := n.(*ast.CodeSpan); !code || !entering {
				return ast.WalkContinue, nil
			}
			if word := textOf(n, d.source); name.MatchString(word) && !slices.Contains(testNames(), word) {
				t.Errorf("%s names the test %s, which is not there", d.path, word)
			}
			return ast.WalkContinue, nil
		})
	}
}

// Each figure in the first table of docs/measuring.md stands in the documents
// that use it and in those that it comes from.
func TestFiguresAreMeasured(t *testing.T) {
	source, err := os.ReadFile("docs/measuring.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(source), "| figure | stands in | comes from |\n")
	if !found {
		t.Fatal("docs/measuring.md has no table of figures")
	}
	table, _, _ := strings.Cut(rest, "\n\n")
	figures := 0
	for _, row := range strings.Split(table, "\n")[1:] {
		for _, figure := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row, -1) {
			for _, link := range regexp.MustCompile(`\]\(([^)#]+)`).FindAllStringSubmatch(row, -1) {
				figures++
				document, err := os.ReadFile(path.Join("docs", link[1]))
				if err != nil {
					t.Fatal(err)
				}
				number := strings.TrimSuffix(figure[1], " µs")
				if !regexp.MustCompile(`(^|[^\d.])` + regexp.QuoteMeta(number) + `($|[^\d])`).Match(document) {
					t.Errorf("%s does not hold the figure %s", link[1], figure[1])
				}
			}
		}
	}
	if figures < 20 {
		t.Errorf("only %d figures are found", figures)
	}
}

// The index names every page, and that of the decisions every record.
func TestIndexesAreComplete(t *testing.T) {
	for index, pattern := range map[string]string{"docs/README.md": "docs/*.md", "docs/decisions/README.md": "docs/decisions/[0-9]*.md"} {
		source, err := os.ReadFile(index)
		if err != nil {
			t.Fatal(err)
		}
		pages, err := filepath.Glob(pattern)
		if err != nil || len(pages) == 0 {
			t.Fatalf("%s: %d pages: %v", pattern, len(pages), err)
		}
		for _, page := range pages {
			if name := filepath.Base(page); name != "README.md" && !strings.Contains(string(source), "]("+name+")") {
				t.Errorf("%s does not name %s", index, name)
			}
		}
	}
}
