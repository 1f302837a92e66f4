package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"github.com/slogate/slogate/result"
)

//go:embed page
var pageFiles embed.FS

// pageParts is what every page is made of.
type pageParts struct {
	template      *template.Template
	style, script string
	policy        string
}

// shell puts them together when the first page is written: a run holds no
// memory for its reports while it loads.
var shell = sync.OnceValue(func() pageParts {
	p := pageParts{
		template: template.Must(template.New("page.html.tmpl").
			Funcs(template.FuncMap{"nowrap": func(numbers string) string { return joinBlanks(numbers, "\u00a0") }}).
			ParseFS(pageFiles, "page/page.html.tmpl")),
		style:  pageText("page/uplot/uPlot.min.css") + pageText("page/page.css"),
		script: pageText("page/uplot/uPlot.iife.min.js") + pageText("page/page.js"),
	}
	p.policy = policy(p.style, p.script)
	return p
})

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
	own := shell()
	filled := htmlPage{
		View:   NewView(r),
		Policy: own.policy,
		Style:  template.CSS(own.style), // our own files: nothing from outside
		Script: template.JS(own.script),
	}
	if err := own.template.Execute(w, filled); err != nil {
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
