package report

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/slogate/slogate/result"
)

func terminalText(t testing.TB, r *result.Run, opts TermOptions) string {
	t.Helper()
	var b strings.Builder
	if err := Terminal(&b, r, opts); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTerminalGolden(t *testing.T) {
	for name, r := range sampleRuns() {
		t.Run(name, func(t *testing.T) {
			golden(t, filepath.Join("terminal", name+".txt"), terminalText(t, r, TermOptions{}))
		})
	}
}

func TestTerminalWidths(t *testing.T) {
	for name, r := range map[string]*result.Run{"warn": sampleRun(result.Warn), "compared": sampleCompared()} {
		for _, width := range []int{50, 80, 120} {
			t.Run(fmt.Sprint(name, width), func(t *testing.T) {
				got := terminalText(t, r, TermOptions{Width: width})
				golden(t, fmt.Sprintf("terminal/%s-%d.txt", name, width), got)
			})
		}
	}
}

func TestTerminalFitsItsWidth(t *testing.T) {
	for name, r := range sampleRuns() {
		for width := 40; width <= 160; width += 3 {
			for line := range strings.Lines(terminalText(t, r, TermOptions{Width: width})) {
				if got := cells.StringWidth(strings.TrimSuffix(line, "\n")); got > width {
					t.Errorf("%s: a line of %d columns on a terminal of %d: %q", name, got, width, line)
				}
			}
		}
	}
}

// Colour adds escape sequences and nothing else: whoever sees none misses
// nothing.
func TestTerminalColor(t *testing.T) {
	for name, r := range sampleRuns() {
		colored := terminalText(t, r, TermOptions{Color: true})
		without := colored
		for _, s := range []style{bold, dim, red, green, yellow, purple, "0"} {
			without = strings.ReplaceAll(without, "\x1b["+string(s)+"m", "")
			without = strings.ReplaceAll(without, "\x1b["+string(bold+";"+s)+"m", "")
		}
		if without == colored {
			t.Errorf("%s: no colour in the coloured report", name)
		}
		if want := terminalText(t, r, TermOptions{}); without != want {
			t.Errorf("%s: without its colours the report reads\n%s\nwant\n%s", name, without, want)
		}
	}
}

func TestTerminalEndsWithTheVerdict(t *testing.T) {
	for name, r := range sampleRuns() {
		paragraphs := strings.Split(terminalText(t, r, TermOptions{}), "\n\n")
		last := paragraphs[len(paragraphs)-1]
		if want := "Verdict: " + runVerdict(r).Word + "."; !strings.HasPrefix(last, want) {
			t.Errorf("%s: the report ends with %q, want it to begin with %q", name, last, want)
		}
	}
}

func TestTerminalOfAnEmptyRun(t *testing.T) {
	want := "Verdict: not judged. The run was not judged.\n"
	if got := terminalText(t, &result.Run{}, TermOptions{}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTerminalSaysWhatItLeftOut(t *testing.T) {
	r := sampleRun(result.Fail)
	for range failureRows {
		r.Stages[2].Failures = append(r.Stages[2].Failures, sampleFailures()[0])
	}
	if got, want := terminalText(t, r, TermOptions{}), "and 2 more in the result file"; !strings.Contains(got, want) {
		t.Errorf("12 failing responses, and the report does not say %q:\n%s", want, got)
	}
}

// brokenPipe fails every write and counts them.
type brokenPipe struct{ writes int }

var errBroken = errors.New("broken pipe")

func (b *brokenPipe) Write([]byte) (int, error) {
	b.writes++
	return 0, errBroken
}

func TestTerminalReportsWriteErrors(t *testing.T) {
	if err := Terminal(&brokenPipe{}, sampleRun(result.Pass), TermOptions{}); !errors.Is(err, errBroken) {
		t.Errorf("got error %v, want %v", err, errBroken)
	}
}

// outside is a run with s wherever a string from outside can stand.
func outside(s string) *result.Run {
	r := sampleRun(result.Fail)
	r.Name, r.SLO.Path, r.Target, r.Route = s, s, s, s
	r.Warnings = []string{s}
	r.Judgement.Verdict, r.Judgement.Reason, r.Judgement.Notices = result.Verdict(s), s, []string{s}
	for i := range r.Judgement.Objectives {
		o := &r.Judgement.Objectives[i]
		o.Text, o.Indicator, o.Unit, o.Stage, o.Severity, o.Verdict = s, s, s, s, s, result.Verdict(s)
		o.Reason, o.Margin, o.Cmp = s, s, s
	}
	for i := range r.Stages {
		stage := &r.Stages[i]
		stage.Name, stage.State, stage.Reason = s, result.State(s), s
		stage.Workload.Model, stage.Workload.Arrivals = s, s
		stage.Generator.Engine, stage.Generator.Mode = s, s
		stage.Failures = []result.Sample{{Scenario: s, Step: s, Class: result.Class(s), Detail: s, Body: s}}
	}
	r.Timeline.Source, r.Timeline.Name = s, s
	r.Base = &result.Base{Target: s, Route: s, Stages: slices.Clone(r.Stages[1:])}
	r.Findings = []result.Finding{{
		Rule: s, Stage: s, Title: s, Evidence: []string{s}, Suggestion: []string{s}, Disproof: s,
	}}
	return r
}

// harmful says what in a text could act on a terminal or a CI runner.
func harmful(text string) string {
	if !utf8.ValidString(text) {
		return "bytes that are no UTF-8"
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		for _, r := range line {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
				return fmt.Sprintf("the character %U in %q", r, line)
			}
		}
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			return fmt.Sprintf("a runner's command in %q", line)
		}
	}
	return ""
}

// FuzzTerminalText puts a string into every place that can hold one from
// outside, in the report and in the progress lines.
func FuzzTerminalText(f *testing.F) {
	for _, s := range []string{
		"", "extreme", "\x1b[2J\x1b[31mgone", "a\r\nb\tc\x00\x7f\u009b31m", "::error::gone", " ::set-output name=a::b",
		strings.Repeat("x", 41) + "::warning::" + strings.Repeat("y", 41), "##[group]a", "\u202egnorts", "a\u2028b", "\xff\xfe",
		"負荷 試験", "\u200d\u200b", "e\u0301", "  ", strings.Repeat("long ", 500),
	} {
		f.Add(s, 80)
		f.Add(s, 44)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		width = min(max(width, 0), 400)
		r := outside(s)
		if bad := harmful(terminalText(t, r, TermOptions{Width: width})); bad != "" {
			t.Error("report: " + bad)
		}
		var log strings.Builder
		p := NewProgress(&log, ProgressOptions{Width: func() int { return width }})
		p.Note(s)
		p.StageStart(s, r.Stages[0].Workload, time.Second)
		for i := range r.Stages {
			p.Update(started.Add(time.Duration(i)*time.Hour), &r.Stages[i])
		}
		p.StageEnd(&r.Stages[2])
		p.Close()
		if bad := harmful(log.String()); bad != "" {
			t.Error("progress: " + bad)
		}
	})
}

// However long the names are, one sees what was missed and by what bound.
func TestTerminalShowsEveryBound(t *testing.T) {
	r := sampleRun(result.Fail)
	for i := range r.Judgement.Objectives {
		o := &r.Judgement.Objectives[i]
		o.Stage = "checkout with a large basket, of a user who is new"
		o.Text = "p99.9 of orders/checkout <= baseline + 10% or + 5ms"
		o.Severity, o.Verdict = "warn", result.Fail
	}
	for width := 60; width <= 120; width += 10 {
		// The table alone: reasons repeat an objective.
		_, text, _ := strings.Cut(terminalText(t, r, TermOptions{Width: width}), "Objectives\n")
		table, _, _ := strings.Cut(text, "\n\n")
		seen := strings.Join(strings.Fields(table), " ")
		for _, part := range []string{"p99.9", "orders/", "baseline", "10%", "5ms", "(warn)"} {
			if got, want := strings.Count(seen, part), len(r.Judgement.Objectives); got < want {
				t.Errorf("%d columns: %q is seen %d times, want %d:\n%s", width, part, got, want, table)
			}
		}
	}
}
