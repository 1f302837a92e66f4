package report

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

// Every form says how many operations are not loaded; all but the terminal
// name them.
func TestCoverage(t *testing.T) {
	r := sampleRun(result.Pass)
	r.Coverage = &result.Coverage{Document: "openapi.yaml", Operations: 212, Loaded: 5}
	for i := range 207 {
		r.Coverage.Missing = append(r.Coverage.Missing, fmt.Sprintf("GET /items/%d", i))
	}
	const title = "Operations that are not loaded: 207 of 212"
	forms := []struct {
		name  string
		write func(io.Writer, *result.Run) error
		want  []string
	}{
		{"markdown", Markdown, []string{"<summary>" + title + "</summary>", "- `GET /items/99`", "- and 107 more"}},
		{"html", HTML, []string{title, "<code>GET /items/99</code>", "and 107 more"}},
		{"json", JSON, []string{`"operations": 212`, `"loaded": 5`, `"GET /items/206"`}},
		{"terminal", func(w io.Writer, r *result.Run) error { return Terminal(w, r, TermOptions{}) }, []string{title + " (openapi.yaml)"}},
	}
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			var out strings.Builder
			if err := f.write(&out, r); err != nil {
				t.Fatal(err)
			}
			for _, want := range f.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}
