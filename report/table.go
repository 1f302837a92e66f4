package report

import (
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// cells measures text as terminals draw it. It is not the library's default,
// which follows the machine's locale and would lay out tables differently from
// one machine to the next.
var cells = &runewidth.Condition{StrictEmojiNeutral: true}

const (
	stackBelow = 60 // columns; a table of numbers is not readable on less
	columnGap  = 2
	columnMin  = 8 // a text column is never cut below this
)

// style is the parameter of an SGR escape sequence; empty is plain text.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	purple style = "35"
)

// painter writes text in a style, or plainly where colour is off. The text
// must not hold escape sequences: widths are measured before it is painted.
type painter bool

func (on painter) paint(s style, text string) string {
	if !on || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// column describes one column of a table.
type column struct {
	head  string
	right bool // numbers are aligned right
	title bool // stands beside the first cell when the table is stacked
	cut   bool // may be cut with … where the table is too wide
	wrap  bool // may go on in further lines there: nothing of it is lost
	spare bool // left out before anything is cut: another column says it too, or nobody decides by it
}

// cell is one cell of a table: plain, visible text and how to draw it.
type cell struct {
	text  string
	style style
}

// table is a table for terminals. A row has one cell for each column; its
// first column names the row when the table is stacked.
type table struct {
	columns []column
	rows    [][]cell
}

// lines lays the table out within width columns. Columns that hold nothing
// are left out. Where it is too wide, spare columns go, the first of them
// first, then text is cut or wrapped.
// Numbers never are: where they do not fit, and on narrow terminals, every
// row becomes a small block of its own.
func (t table) lines(width int, p painter) []string {
	if len(t.rows) == 0 {
		return nil
	}
	t = t.without(t.isEmpty)
	if width < stackBelow {
		return t.stacked(width, p)
	}
	for spare := t.spare(); spare >= 0 && !t.fits(width); spare = t.spare() {
		t = t.without(func(i int) bool { return i == spare })
	}
	widths, fits := t.fitted(width)
	if !fits {
		return t.stacked(width, p)
	}
	head := make([]cell, len(t.columns))
	for i, c := range t.columns {
		head[i] = cell{c.head, dim}
	}
	var out []string
	for _, r := range append([][]cell{head}, t.rows...) {
		for _, line := range t.wrapped(r, widths) {
			out = append(out, t.row(line, widths, p))
		}
	}
	return out
}

// spare returns the first column that may be left out, or -1.
func (t table) spare() int {
	return slices.IndexFunc(t.columns, func(c column) bool { return c.spare })
}

func (t table) fits(width int) bool {
	_, total := t.natural()
	return total <= width
}

// without returns the table without the columns that leave picks.
func (t table) without(leave func(column int) bool) table {
	out := table{rows: make([][]cell, len(t.rows))}
	for i, c := range t.columns {
		if leave(i) {
			continue
		}
		out.columns = append(out.columns, c)
		for n, r := range t.rows {
			out.rows[n] = append(out.rows[n], r[i])
		}
	}
	return out
}

// isEmpty reports whether the column holds nothing; the first one stays even
// then.
func (t table) isEmpty(column int) bool {
	if column == 0 {
		return false
	}
	for _, r := range t.rows {
		if r[column].text != "" {
			return false
		}
	}
	return true
}

// natural returns the width that each column would have by itself, and that of
// the table.
func (t table) natural() (widths []int, total int) {
	widths = make([]int, len(t.columns))
	total = columnGap * (len(t.columns) - 1)
	for i, c := range t.columns {
		widths[i] = cells.StringWidth(c.head)
		for _, r := range t.rows {
			widths[i] = max(widths[i], cells.StringWidth(r[i].text))
		}
		total += widths[i]
	}
	return widths, total
}

// fitted takes from the widest column that may be cut or wrapped until the table
// fits.
func (t table) fitted(width int) (widths []int, fits bool) {
	widths, total := t.natural()
	for total > width {
		i := t.widest(widths)
		if i < 0 {
			return nil, false
		}
		widths[i]--
		total--
	}
	return widths, true
}

// widest returns the widest column that may still be narrower, or -1.
func (t table) widest(widths []int) int {
	found := -1
	for i, c := range t.columns {
		if (c.cut || c.wrap) && widths[i] > columnMin && (found < 0 || widths[i] > widths[found]) {
			found = i
		}
	}
	return found
}

// wrapped gives the lines of a row: one, or more where text is wrapped.
func (t table) wrapped(r []cell, widths []int) [][]cell {
	lines := [][]cell{slices.Clone(r)}
	for i, c := range t.columns {
		if !c.wrap {
			continue
		}
		for n, text := range wrap(r[i].text, widths[i]) {
			if n == len(lines) {
				lines = append(lines, make([]cell, len(r)))
			}
			lines[n][i] = cell{text, r[i].style}
		}
	}
	return lines
}

func (t table) row(r []cell, widths []int, p painter) string {
	var b strings.Builder
	for i, c := range r {
		text := cut(c.text, widths[i])
		pad := strings.Repeat(" ", widths[i]-cells.StringWidth(text))
		if i > 0 {
			b.WriteString(strings.Repeat(" ", columnGap))
		}
		if t.columns[i].right {
			b.WriteString(pad + p.paint(c.style, text))
		} else {
			b.WriteString(p.paint(c.style, text) + pad)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// stacked writes the first cell of each row as a heading, with the titles, and
// the others below it, each with its column's name.
func (t table) stacked(width int, p painter) []string {
	label := 0
	for _, c := range t.columns[1:] {
		if !c.title {
			label = max(label, cells.StringWidth(c.head))
		}
	}
	var out []string
	for _, r := range t.rows {
		out = append(out, t.title(r, width, p)...)
		for i, c := range t.columns {
			if i > 0 && !c.title && r[i].text != "" {
				out = append(out, labelled(c.head, label, r[i], width, p)...)
			}
		}
	}
	return out
}

// title is the heading of a stacked row.
func (t table) title(r []cell, width int, p painter) []string {
	titles := ""
	for i, c := range t.columns {
		if c.title {
			titles = joined(" ", titles, r[i].text)
		}
	}
	if titles == "" {
		return hanging(cell{}, 0, r[0], width, p)
	}
	return hanging(r[0], cells.StringWidth(r[0].text)+columnGap, cell{text: titles}, width, p)
}

// labelled writes one cell behind its column's name.
func labelled(name string, label int, c cell, width int, p painter) []string {
	lines := hanging(cell{name, dim}, label+columnGap, c, width-2, p)
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return lines
}

// hanging writes c behind front, which takes indent columns; further lines are
// aligned below the first.
func hanging(front cell, indent int, c cell, width int, p painter) []string {
	var out []string
	for i, line := range wrap(c.text, max(width-indent, columnMin)) {
		pad := strings.Repeat(" ", indent)
		if i == 0 {
			pad = p.paint(front.style, front.text) + strings.Repeat(" ", max(indent-cells.StringWidth(front.text), 0))
		}
		out = append(out, pad+p.paint(c.style, line))
	}
	return out
}

// cut shortens text to width columns, with … in place of what was taken away.
func cut(text string, width int) string {
	if cells.StringWidth(text) <= width {
		return text
	}
	return cells.Truncate(text, width, "…")
}

// wrap breaks text at blanks into lines of at most width columns; words that
// are longer are broken anywhere.
func wrap(text string, width int) []string {
	width = max(width, 2) // room for one wide character
	var out []string
	line := ""
	for _, w := range words(text) {
		if line != "" && cells.StringWidth(line)+1+cells.StringWidth(w) <= width {
			line += " " + w
			continue
		}
		if line != "" {
			out = append(out, line)
		}
		pieces := broken(w, width)
		line = pieces[len(pieces)-1]
		out = append(out, pieces[:len(pieces)-1]...)
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

// words splits text at blanks, but not between a number and its unit: "10 s"
// is one word. No-break spaces do not split.
func words(text string) []string {
	var out []string
	for w := range strings.SplitSeq(text, " ") {
		last := len(out) - 1
		switch {
		case w == "":
		case last >= 0 && endsInDigit(out[last]) && isUnit(w):
			out[last] += " " + w
		default:
			out = append(out, w)
		}
	}
	return out
}

func endsInDigit(s string) bool { return s != "" && '0' <= s[len(s)-1] && s[len(s)-1] <= '9' }

// isUnit reports whether the word is a unit as package quantity writes them.
func isUnit(word string) bool {
	return slices.Contains([]string{"%", "µs", "ms", "s", "min", "h", "B", "kB", "MB", "GB", "TB"}, strings.TrimRight(word, ".,;:)"))
}

// broken cuts one word into pieces of at most width columns.
func broken(word string, width int) []string {
	if cells.StringWidth(word) <= width {
		return []string{word}
	}
	return strings.Split(cells.Wrap(word, width), "\n")
}
