//go:build e2e

package browser

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/slogate/slogate/report"
)

//go:embed checks.js
var checks string

func htmlPage(t *testing.T, name string) string {
	t.Helper()
	var b strings.Builder
	if err := report.HTML(&b, sample(t, name)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPage(t *testing.T) {
	browser := newBrowser(t)
	for _, name := range samples {
		for _, s := range []screen{wide, wideDark, phone, phoneDark, paper} {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				tb := open(t, browser, htmlPage(t, name), s)
				tb.keep("page-" + name + "-" + s.name)
				tb.check(s)
			})
		}
	}
}

// check holds a page with everything opened against what a reader needs.
func (tb *tab) check(s screen) {
	tb.Helper()
	tb.eval(checks+`; document.querySelectorAll("details").forEach((d) => { d.open = true; })`, nil)
	tb.lines("sideways", "look.sideways()")
	tb.lines("broken word", `look.brokenWords("thead th, tbody th, .badge, dt, h2, .verdict")`)
	tb.lines("contrast", "look.contrast()")
	tb.lines("chart", "look.canvases()")
	tb.lines("table", "look.tables()")
	if s.media == "" {
		tb.lines("keyboard", "look.keyboard()")
	}
	tb.noProblems()
}

// The first key press offers the way past the head, and every further stop
// shows that it has the focus.
func TestPageByKeyboard(t *testing.T) {
	tb := open(t, newBrowser(t), htmlPage(t, "fail"), phone)
	var at string
	tb.do(chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`document.activeElement.className`, &at))
	if at != "skip" {
		t.Fatalf("the first stop is %q, want the link past the head", at)
	}
	tb.do(chromedp.KeyEvent(kb.Enter), chromedp.Evaluate(`document.activeElement.id`, &at))
	if at != "results" {
		t.Errorf("the link leads to %q", at)
	}
	for range 8 {
		var outline string
		tb.do(chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`document.activeElement === document.body ? "end" : getComputedStyle(document.activeElement).outlineStyle`, &outline))
		if outline == "none" {
			t.Error("a stop without an outline")
		}
	}
}

// Without scripts the page says the same in tables.
func TestPageWithoutScript(t *testing.T) {
	html := htmlPage(t, "fail")
	cut := strings.LastIndex(html, "<script>")
	tb := open(t, newBrowser(t), html[:cut]+"</body></html>", wide)
	tb.keep("page-fail-no-script")
	var text string
	tb.do(chromedp.Evaluate(`document.body.innerText`, &text))
	for _, want := range []string{"p99 <= 720ms", "≥ 10 s", "iris-classifier", "The autoscaler is at its ceiling"} {
		if !strings.Contains(text, want) {
			t.Errorf("missing without scripts: %s", want)
		}
	}
	var charts int
	tb.do(chromedp.Evaluate(`[...document.querySelectorAll("figure")].filter((f) => f.getBoundingClientRect().height > 0).length`, &charts))
	if charts > 0 {
		t.Errorf("%d empty boxes where charts would be", charts)
	}
}
