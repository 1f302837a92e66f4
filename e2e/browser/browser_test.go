//go:build e2e

// Package browser looks at the written reports as their readers do: in a real
// browser. Each is opened on a wide screen and on a phone, light and dark, and
// held against what a reader needs: no error, charts that are drawn, readable
// colours, no sideways scrolling. What it saw is kept in the folder pictures.
//
// It is a module of its own so that the browser's driver stays out of the
// program's. See README.md.
package browser

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/slogate/slogate/result"
)

// pictures is where screenshots are kept; git ignores it.
const pictures = "pictures"

// samples are the runs that report's tests keep as result files.
var samples = []string{"pass", "warn", "fail", "inconclusive", "cancelled", "compared"}

func sample(t *testing.T, name string) *result.Run {
	t.Helper()
	r, err := result.ReadFile(filepath.Join("..", "..", "report", "testdata", "json", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A screen is a way to look at a page.
type screen struct {
	name          string
	width, height int64
	dark          bool
	media         string // print; empty: screen
}

var (
	wide      = screen{name: "wide", width: 1100, height: 800}
	wideDark  = screen{name: "wide-dark", width: 1100, height: 800, dark: true}
	phone     = screen{name: "phone", width: 390, height: 844}
	phoneDark = screen{name: "phone-dark", width: 390, height: 844, dark: true}
	paper     = screen{name: "print", width: 794, height: 1123, media: "print"}
)

// newBrowser starts a browser that ends with the test.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("no browser: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, // the profile is a temporary one that chromedp removes
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return ctx
}

// A tab is one opened page.
type tab struct {
	*testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // errors of scripts, of the console and of the policy
}

// open shows a page on a screen.
func open(t *testing.T, browser context.Context, html string, s screen) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(html), 0o644); err != nil {
		t.Fatal(err)
	}
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	tb := &tab{T: t, ctx: ctx}
	chromedp.ListenTarget(ctx, tb.note)
	tb.do(
		log.Enable(),
		chromedp.EmulateViewport(s.width, s.height),
		emulation.SetEmulatedMedia().WithMedia(s.media).WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Navigate((&url.URL{Scheme: "file", Path: path}).String()),
	)
	return tb
}

// note keeps what the page's scripts and the browser complain about.
func (tb *tab) note(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			text = "console: " + string(e.Type)
			for _, arg := range e.Args {
				text += " " + string(arg.Value) + arg.Description
			}
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			text = e.Entry.Text
		}
	case *page.EventJavascriptDialogOpening:
		text = "dialog: " + e.Message
	}
	if text != "" {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		tb.problems = append(tb.problems, text)
	}
}

func (tb *tab) do(actions ...chromedp.Action) {
	tb.Helper()
	if err := chromedp.Run(tb.ctx, actions...); err != nil {
		tb.Fatal(err)
	}
}

// eval runs a script, which may return a promise, and reads what it returns.
func (tb *tab) eval(script string, into any) {
	tb.Helper()
	tb.do(chromedp.Evaluate(script, into, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
}

// lines runs a script that returns complaints, and fails for each.
func (tb *tab) lines(what, script string) {
	tb.Helper()
	var found []string
	tb.eval(script, &found)
	for _, line := range found {
		tb.Errorf("%s: %s", what, line)
	}
}

// noProblems fails for each error since the page was opened.
func (tb *tab) noProblems() {
	tb.Helper()
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, p := range tb.problems {
		tb.Errorf("the page complains: %s", p)
	}
}

// keep takes a picture of the whole page.
func (tb *tab) keep(name string) {
	tb.Helper()
	var png []byte
	tb.do(chromedp.FullScreenshot(&png, 100))
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pictures, strings.ReplaceAll(name, "/", "-")+".png"), png, 0o644); err != nil {
		tb.Fatal(err)
	}
}
