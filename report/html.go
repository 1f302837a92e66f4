package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/slogate/slogate/result"
)

//go:embed page
var pageFiles embed.FS

var (
	pageTemplate = template.Must(template.ParseFS(pageFiles, "page/page.html.tmpl"))
	pageStyle    = pageText("page/uplot/uPlot.min.css") + pageText("page/page.css")
	pageScript   = pageText("page/uplot/uPlot.iife.min.js") + pageText("page/page.js")
	pagePolicy   = policy(pageStyle, pageScript)
)

// htmlPage is what the page's template sees.
type htmlPage struct {
	View
	Policy string
	Style  template.CSS
	Script template.JS
}

// HTML writes the run as one page that needs no network: style, script and
// numbers are in it. Tables say everything that the charts show.
func HTML(w io.Writer, r *result.Run) error {
	page := htmlPage{
		View:   NewView(r),
		Policy: pagePolicy,
		Style:  template.CSS(pageStyle), // our own files: nothing from outside
		Script: template.JS(pageScript),
	}
	if err := pageTemplate.Execute(w, page); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// policy allows the page its own style and script, known by their digests, and
// nothing else: whatever slipped into the page could not run.
func policy(style, script string) string {
	return fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'",
		digest(style), digest(script))
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// pageText reads an embedded file with a line break at its end.
func pageText(name string) string {
	text, err := pageFiles.ReadFile(name)
	if err != nil {
		panic("report: " + err.Error()) // it was embedded when the program was built
	}
	return strings.TrimRight(string(text), "\n") + "\n"
}
