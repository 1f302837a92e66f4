package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
)

// reportCommand writes a result again in any form.
type reportCommand struct {
	Result string `arg:"" help:"A result file of a run." placeholder:"RESULT" complete:".json"`
	Format string `enum:"text,markdown,html,json,junit,openmetrics,hlog,csv" default:"text" help:"text (the default), markdown, html, json, junit (XML), openmetrics, hlog (HdrHistogram's log) or csv (a line a second)." placeholder:"FORMAT"`
	Out    string `help:"File to write instead of standard output." placeholder:"FILE" complete:"*"`
}

// Run reads the result, which may come from anybody, and writes it. What the
// run's verdict was does not matter to the exit code.
func (c *reportCommand) Run(_ context.Context, p *program) (int, error) {
	r, err := result.ReadFile(c.Result)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = hinted{err, "slogate run writes " + resultFile + " into its output folder"}
		}
		return exitUsage, err
	}
	if c.Out == "" {
		if err := p.form(c.Format)(p.stdout, r); err != nil {
			return exitUsage, err
		}
		return exitPass, nil
	}
	// In memory first: a form that fails leaves no half of a file.
	var page bytes.Buffer
	if err := plainForm(c.Format)(&page, r); err != nil {
		return exitUsage, err
	}
	if err := os.WriteFile(c.Out, page.Bytes(), 0o644); err != nil {
		return exitUsage, fmt.Errorf("write report: %w", err)
	}
	return exitPass, nil
}

// form returns what writes a result in a format to the program's own output,
// which may be a terminal.
func (p *program) form(format string) func(io.Writer, *result.Run) error {
	if format != "text" {
		return plainForm(format)
	}
	opts := p.shows()
	return func(w io.Writer, r *result.Run) error { return report.Terminal(w, r, opts) }
}

// shows is what the program's own output can show.
func (p *program) shows() report.TermOptions {
	width, _ := terminal(p.stdout)
	return report.TermOptions{Width: width, Color: p.color(p.stdout)}
}

// plainForm returns what writes a result in a format to a file.
func plainForm(format string) func(io.Writer, *result.Run) error {
	switch format {
	case "markdown":
		return report.Markdown
	case "html":
		return report.HTML
	case "json":
		return report.JSON
	case "junit":
		return report.JUnit
	case "openmetrics":
		return report.OpenMetrics
	case "hlog":
		return report.HLog
	case "csv":
		return report.CSV
	}
	return func(w io.Writer, r *result.Run) error { return report.Terminal(w, r, report.TermOptions{}) }
}
