package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		width      int
		want       string
	}{
		{"fits", "normal", 6, "normal"},
		{"longer", "normal load", 8, "normal …"},
		{"wide characters", "負荷試験", 5, "負荷…"},
		{"a wide character does not fit in half", "負荷試験", 4, "負…"},
		{"combined characters stay together", "cafe\u0301s and more", 5, "cafe\u0301…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := cut(tt.text, tt.width); got != tt.want {
				t.Errorf("cut(%q, %d) = %q, want %q", tt.text, tt.width, got, tt.want)
			}
		})
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		width      int
		want       []string
	}{
		{"empty", "", 10, nil},
		{"blanks alone", "   ", 10, nil},
		{"fits", "one two", 7, []string{"one two"}},
		{"at blanks", "one two three", 8, []string{"one two", "three"}},
		{"a long word", "a abcdefghij b", 4, []string{"a", "abcd", "efgh", "ij b"}},
		{"wide characters", "負荷 試験", 6, []string{"負荷", "試験"}},
		{"number and unit stay together", "it took 10 s.", 10, []string{"it took", "10 s."}},
		{"grouped digits stay together", "with 1\u202f000 requests", 8, []string{"with", "1\u202f000", "requests"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, wrap(tt.text, tt.width)); diff != "" {
				t.Errorf("wrap(%q, %d) (-want +got):\n%s", tt.text, tt.width, diff)
			}
		})
	}
}

func sampleTable() table {
	return table{
		columns: []column{
			{head: "verdict"},
			{head: "stage", cut: true, title: true},
			{head: "p95", right: true},
			{head: "nothing"},
			{head: "remark", spare: true},
		},
		rows: [][]cell{
			{{"pass", green}, {text: "a stage with quite a long name, longer than needed"}, {text: "9 ms"}, {}, {text: "as expected"}},
			{{"fail", red}, {text: "extreme"}, {text: "1.25 s"}, {}, {text: "not as expected"}},
		},
	}
}

func TestTableLines(t *testing.T) {
	for _, tt := range []struct {
		name    string
		width   int
		painter painter
		want    string
	}{
		{"everything fits", 100, false, `
verdict  stage                                                  p95  remark
pass     a stage with quite a long name, longer than needed    9 ms  as expected
fail     extreme                                             1.25 s  not as expected`},
		{"spare columns go first", 80, false, `
verdict  stage                                                  p95
pass     a stage with quite a long name, longer than needed    9 ms
fail     extreme                                             1.25 s`},
		{"then text is cut", 60, false, `
verdict  stage                                           p95
pass     a stage with quite a long name, longer tha…    9 ms
fail     extreme                                      1.25 s`},
		{"narrow terminals stack", 30, false, `
pass  a stage with quite a
      long name, longer than
      needed
  p95     9 ms
  remark  as expected
fail  extreme
  p95     1.25 s
  remark  not as expected`},
		{"colour does not move anything", 80, true, `
{2mverdict{0m  {2mstage{0m                                                  {2mp95{0m
{32mpass{0m     a stage with quite a long name, longer than needed    9 ms
{31mfail{0m     extreme                                             1.25 s`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := "\n" + strings.Join(sampleTable().lines(tt.width, tt.painter), "\n")
			got = strings.ReplaceAll(got, "\x1b[", "{")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Numbers are never cut: a table of numbers that does not fit is stacked.
func TestTableStacksWhatCannotBeCut(t *testing.T) {
	var tb table
	row := []cell{}
	for range 12 {
		tb.columns = append(tb.columns, column{head: "p95", right: true})
		row = append(row, cell{text: "123 ms"})
	}
	tb.rows = [][]cell{row}
	if got, want := len(tb.lines(80, false)), 12; got != want {
		t.Errorf("a row of 12 numbers at 80 columns takes %d lines, want them below each other in %d", got, want)
	}
	if got := tb.lines(100, false); len(got) != 2 {
		t.Errorf("a row of 12 numbers fits in 100 columns, got:\n%s", strings.Join(got, "\n"))
	}
}

func TestTableWithoutRows(t *testing.T) {
	if got := (table{columns: []column{{head: "stage"}}}).lines(80, false); got != nil {
		t.Errorf("a table without rows has the lines %q, want none", got)
	}
}
