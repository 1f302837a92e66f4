//go:build e2e

package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// drawings complains of drawings that Mermaid did not make.
const drawings = `[...document.querySelectorAll("pre.mermaid")].flatMap((pre, i) => {
  const svg = pre.querySelector("svg");
  if (!svg || svg.getAttribute("aria-roledescription") === "error") return ["drawing " + i + " is not drawn: " + pre.textContent.slice(0, 80)];
  return svg.querySelectorAll("g.node").length > 1 ? [] : ["drawing " + i + " has no nodes"];
})`

// The drawings of the documents are drawn.
func TestDocuments(t *testing.T) {
	paths, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	browser := newBrowser(t)
	total := 0
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(source)
		want := strings.Count(text, "```mermaid")
		if want == 0 {
			continue
		}
		total += want
		for _, s := range []screen{wide, phoneDark} {
			t.Run(filepath.Base(path)+"/"+s.name, func(t *testing.T) {
				tb := open(t, browser, rendered(t, text), s)
				tb.eval(checks, nil)
				var drawn int
				tb.eval(drawMermaid, &drawn)
				if drawn != want {
					t.Errorf("%d drawings, want %d", drawn, want)
				}
				tb.lines("drawing", drawings)
				tb.keep("document-" + strings.TrimSuffix(filepath.Base(path), ".md") + "-" + s.name)
			})
		}
	}
	if total == 0 {
		t.Error("no document has a drawing")
	}
}
