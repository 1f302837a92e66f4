//go:build e2e

package browser

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/dreampuf/mermaid.go"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
)

// github is what GitHub's style makes of a summary, as far as it matters here.
const github = `<style>
:root { color-scheme: light; --ink: #1f2328; --soft: #59636e; --page: #fff; --line: #d1d9e0; --code: #eff2f5; --link: #0969da; }
@media (prefers-color-scheme: dark) { :root { color-scheme: dark; --ink: #f0f6fc; --soft: #9198a1; --page: #0d1117; --line: #3d444d; --code: #212830; --link: #4493f8; } }
body { margin: 1rem auto; max-width: 1012px; padding: 0 1rem; background: var(--page); color: var(--ink); font: 16px/1.5 "Noto Sans", "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
table { display: block; width: max-content; max-width: 100%; overflow: auto; border-collapse: collapse; margin-bottom: 1rem; }
td, th { border: 1px solid var(--line); padding: 6px 13px; }
a { color: var(--link); }
blockquote { border-left: 4px solid var(--line); margin: 0 0 1rem; padding: 0 1rem; color: var(--soft); }
code, pre { background: var(--code); font-size: 85%; }
pre { padding: 1rem; overflow: auto; }
pre.mermaid { background: none; text-align: center; }
</style>`

// rendered is the Markdown as GitHub shows it: tables and folds as HTML, charts
// by Mermaid. Raw HTML is let through, so that what breaks out of a text is
// seen.
func rendered(t *testing.T, markdown string) string {
	t.Helper()
	var body bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := md.Convert([]byte(markdown), &body); err != nil {
		t.Fatal(err)
	}
	alerts := strings.ReplaceAll(body.String(), "<blockquote>\n<p>[!NOTE]\n", "<blockquote>\n<p><b>ⓘ Note</b><br>\n")
	return fmt.Sprintf("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>summary</title>%s<body><main>%s</main><script>%s</script></body></html>",
		github, alerts, mermaid_go.SourceMermaid)
}

// drawMermaid opens the folds and draws every block as GitHub does.
const drawMermaid = `(async () => {
  document.querySelectorAll("details").forEach((d) => { d.open = true; });
  for (const code of document.querySelectorAll("code.language-mermaid")) {
    const pre = code.parentElement;
    pre.textContent = code.textContent;
    pre.className = "mermaid";
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  mermaid.initialize({ startOnLoad: false, theme: dark ? "dark" : "default" });
  await mermaid.run({ querySelector: "pre.mermaid" });
  return document.querySelectorAll("pre.mermaid").length;
})()`

// checkMermaid complains of charts that were not drawn, and of bars and lines
// that cannot be told from what is behind them: WCAG 2.2, 1.4.11 asks for a
// contrast of 3.
const checkMermaid = `(() => {
  const out = [];
  document.querySelectorAll("pre.mermaid").forEach((pre, i) => {
    const svg = pre.querySelector("svg");
    if (!svg || svg.getAttribute("aria-roledescription") !== "xychart") { out.push("chart " + i + " is not drawn: " + pre.textContent.slice(0, 80)); return; }
    const back = look.parse(getComputedStyle(svg.querySelector("rect.background")).fill);
    const colours = new Set([
      ...[...svg.querySelectorAll("g.plot rect")].filter((r) => r.getBBox().height > 1).map((r) => getComputedStyle(r).fill),
      ...[...svg.querySelectorAll("g.plot path")].map((p) => getComputedStyle(p).stroke),
    ]);
    if (colours.size === 0) out.push("chart " + i + " has neither bars nor lines");
    for (const colour of colours) {
      const ratio = look.ratio(look.parse(colour), back);
      if (ratio < 3) out.push("chart " + i + ": " + colour + " has a contrast of " + ratio.toFixed(2));
    }
  });
  return out;
})()`

func markdownSummary(t *testing.T, r *result.Run) string {
	t.Helper()
	var b strings.Builder
	if err := report.Markdown(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSummary(t *testing.T) {
	browser := newBrowser(t)
	for _, name := range samples {
		for _, s := range []screen{wide, wideDark, phone} {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				text := markdownSummary(t, sample(t, name))
				tb := open(t, browser, rendered(t, text), s)
				tb.eval(checks, nil)
				var drawn int
				tb.eval(drawMermaid, &drawn)
				if want := strings.Count(text, "```mermaid"); drawn != want || drawn == 0 {
					t.Errorf("%d charts, want %d", drawn, want)
				}
				tb.lines("chart", checkMermaid)
				tb.lines("sideways", "look.sideways()")
				tb.lines("contrast", "look.contrast()")
				tb.noProblems()
				tb.keep("summary-" + name + "-" + s.name)
			})
		}
	}
}

var readme = flag.String("readme", "", "result file whose summary becomes the README's picture")

// The README's picture is the beginning of a real summary.
func TestReadmePicture(t *testing.T) {
	if *readme == "" {
		t.Skip("no -readme")
	}
	r, err := result.ReadFile(*readme)
	if err != nil {
		t.Fatal(err)
	}
	tb := open(t, newBrowser(t), rendered(t, markdownSummary(t, r)), screen{name: "readme", width: 1000, height: 860})
	var png []byte
	tb.do(chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(filepath.Join("..", "..", "docs", "summary.png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestComment(t *testing.T) {
	browser := newBrowser(t)
	for _, name := range samples {
		for _, s := range []screen{wide, phoneDark} {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				text, err := report.Comment(sample(t, name), report.CommentOptions{SummaryURL: "https://github.com/acme/iris/actions/runs/42"})
				if err != nil {
					t.Fatal(err)
				}
				tb := open(t, browser, rendered(t, text), s)
				tb.eval(checks, nil)
				tb.lines("sideways", "look.sideways()")
				tb.lines("contrast", "look.contrast()")
				tb.noProblems()
				tb.keep("comment-" + name + "-" + s.name)
			})
		}
	}
}

// A run whose every text is markup and one very long word: it is read as
// itself, nothing of it acts, and no page grows sideways.
func TestHostileRun(t *testing.T) {
	browser, r := newBrowser(t), sample(t, "hostile")
	comment, err := report.Comment(r, report.CommentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	if err := report.HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	for name, html := range map[string]string{
		"page": page.String(), "summary": rendered(t, markdownSummary(t, r)), "comment": rendered(t, comment),
	} {
		for _, s := range []screen{wide, phone} {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				tb := open(t, browser, html, s)
				tb.eval(checks, nil)
				if name == "summary" {
					var drawn int
					tb.eval(drawMermaid, &drawn)
					tb.lines("chart", checkMermaid)
				}
				tb.lines("sideways", "look.sideways()")
				tb.lines("acts", `[...document.querySelectorAll("main img, main script, main a, [onerror]")].map((e) => e.outerHTML.slice(0, 80))`)
				var read bool
				tb.eval(`document.body.textContent.includes("<img src=x onerror=alert(1)>")`, &read)
				if !read {
					t.Error("the text does not read as itself")
				}
				tb.noProblems()
				tb.keep("hostile-" + name + "-" + s.name)
			})
		}
	}
}
