package report

import (
	"embed"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"text/template"

	"github.com/slogate/slogate/result"
)

//go:embed markdown/*.md.tmpl
var markdownFiles embed.FS

var markdownTemplates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").
		Funcs(template.FuncMap{"nowrap": nowrap}).
		ParseFS(markdownFiles, "markdown/*.md.tmpl"))
})

// nowrap keeps numbers and their units on one line of a narrow cell. Between
// the two of an interval it may break.
func nowrap(numbers string) string { return joinBlanks(numbers, "&nbsp;") }

func joinBlanks(numbers, blank string) string {
	parts := strings.Split(numbers, " to ")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(part, " ", blank)
	}
	return strings.Join(parts, blank+"to ")
}

// A markdownForm is what is written as Markdown for one kind of reader.
type markdownForm struct {
	limit    int // bytes
	sections []markdownSection
	rest     string // where the reader finds what was left out
}

// markdownSection is a part of a form, in the order of the page. Where they do
// not fit, those with the highest rank go first; at rank 0 they stay.
type markdownSection struct {
	file  string
	title string
	rank  int
}

// summaryForm is a job's summary. Its limit is a little less than the
// 1,048,576 bytes that GitHub takes: it drops a longer one as a whole.
var summaryForm = markdownForm{
	limit: 1_000_000,
	rest:  "The result file and the HTML page hold everything.",
	sections: []markdownSection{
		{"head", "verdict", 0},
		{"warnings", "warnings", 3},
		{"objectives", "objectives", 1},
		{"loosened", "what this change asks less of", 1},
		{"findings", "findings", 2},
		{"baseline", "earlier results", 8},
		{"stages", "stages", 4},
		{"capacity", "capacity", 5},
		{"changes", "changes from stage to stage", 6},
		{"headroom", "head-room", 9},
		{"timeline", "replicas", 7},
		{"cluster", "charts of the replicas", 12},
		{"metrics", "metrics", 7},
		{"profiles", "CPU profiles", 7},
		{"charts", "charts by stage", 10},
		{"time", "charts over time", 12},
		{"failures", "failing responses", 11},
		{"coverage", "operations that are not loaded", 8},
		{"precision", "precision", 9},
		{"facts", "what was tested", 5},
	},
}

// plainForm is a summary for a server that draws no Mermaid.
var plainForm = markdownForm{limit: summaryForm.limit, rest: summaryForm.rest, sections: withoutCharts(summaryForm.sections)}

func withoutCharts(sections []markdownSection) []markdownSection {
	var plain []markdownSection
	for _, s := range sections {
		switch s.file {
		case "charts":
			plain = append(plain, markdownSection{"bars", "bars by stage", s.rank})
		case "time", "cluster":
		default:
			plain = append(plain, s)
		}
	}
	return plain
}

// markdownPage is what the templates see: the view and its charts as Mermaid
// draws them.
type markdownPage struct {
	View
	StageCharts   []mermaidChart
	TimeCharts    []mermaidChart
	ClusterCharts []mermaidChart
	SummaryURL    string
	Foreign       bool
	OriginURL     string
	Commit        string // abbreviated; empty: not known
}

// Markdown writes the run as GitHub's Markdown, for a job summary or a file.
// It stays below 1,000,000 bytes: where that is not enough, whole sections are
// left out and named at the end.
func Markdown(w io.Writer, r *result.Run) error {
	return summaryForm.writeTo(w, newMarkdownPage(r))
}

func newMarkdownPage(r *result.Run) markdownPage {
	page := markdownPage{View: newView(r, markdown)}
	page.StageCharts = stageCharts(page.Charts.Stages)
	page.TimeCharts = timeCharts(r)
	page.ClusterCharts = clusterCharts(page.Charts.Cluster)
	return page
}

// Summary is [Markdown] for a job summary with room for so many bytes; without
// charts, bars of characters take their place.
func Summary(w io.Writer, r *result.Run, room int, charts bool) error {
	form := plainForm
	if charts {
		form = summaryForm
	}
	form.limit = min(form.limit, room)
	return form.writeTo(w, newMarkdownPage(r))
}

func (f markdownForm) writeTo(w io.Writer, page markdownPage) error {
	text, err := f.write(page)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// write renders every section, and leaves out what is too much.
func (f markdownForm) write(page markdownPage) (string, error) {
	texts := make([]string, len(f.sections))
	for i, s := range f.sections {
		text, err := section(s.file, page)
		if err != nil {
			return "", fmt.Errorf("write the section %s: %w", s.title, err)
		}
		texts[i] = text
	}
	return strings.Join(f.fit(texts), ""), nil
}

// blankLines are more of them than Markdown needs; templates with conditions
// leave them behind. Sections fence what comes from outside before this, and
// lose nothing but empty lines.
var blankLines = regexp.MustCompile(`\n{3,}`)

// section renders one part, with one empty line behind it.
func section(file string, page markdownPage) (string, error) {
	var b strings.Builder
	if err := markdownTemplates().ExecuteTemplate(&b, file+".md.tmpl", page); err != nil {
		return "", err
	}
	text := strings.TrimSpace(blankLines.ReplaceAllString(b.String(), "\n\n"))
	if text == "" {
		return "", nil
	}
	return text + "\n\n", nil
}

// fit leaves out the least important texts until the rest is within the
// limit, and appends what was left out.
func (f markdownForm) fit(texts []string) []string {
	var left []string
	for size(texts)+noteSize > f.limit {
		i := f.leastImportant(texts)
		if i < 0 {
			break
		}
		left = append(left, f.sections[i].title)
		texts[i] = ""
	}
	if left == nil {
		return texts
	}
	note := "> [!NOTE]\n> Left out for lack of room: " + strings.Join(left, ", ") + ". " + f.rest + "\n"
	return append(texts, note)
}

// noteSize is more than the note about what was left out can take.
const noteSize = 500

func size(texts []string) int {
	n := 0
	for _, t := range texts {
		n += len(t)
	}
	return n
}

// leastImportant returns the place of the text to leave out next, -1 where
// only those are left that stay.
func (f markdownForm) leastImportant(texts []string) int {
	found := -1
	for i, s := range f.sections {
		if texts[i] != "" && s.rank > 0 && (found < 0 || s.rank > f.sections[found].rank) {
			found = i
		}
	}
	return found
}
