package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

const (
	defaultWidth   = 120 // columns, where nobody knows: a pipe, a CI log
	narrowest      = 20  // columns; less is taken for this
	failureRows    = 10  // the first ones show the kind; all are in the result file
	timelineRows   = 30
	timelineEvents = 10
	sectionIndent  = "  "
)

// TermOptions says what the terminal can show.
type TermOptions struct {
	Width int  // columns; 0: 120
	Color bool // verdicts are words, so nothing is lost without
}

// Terminal writes a judged run as text for a terminal: tables of objectives
// and stages, findings, what the cluster did, failing responses, and last the
// verdict, which is what remains on the screen.
func Terminal(w io.Writer, r *result.Run, opts TermOptions) error {
	p := newPage(opts)
	v := NewView(r)
	p.comparison(v.Comparison)
	p.objectives(v)
	p.loosened(v.Loosened)
	p.baseline(v.Baseline)
	p.stages(v.Stages, v.Costed(), v.MemoryKnown())
	p.capacities(v.Capacities)
	p.changes(v.Changes)
	p.headRoom(v.HeadRoom)
	p.findings(v.Findings)
	p.timeline(v.Timeline)
	p.metrics(v.Metrics)
	p.profiles(v.Profiles)
	p.failures(v.Failures)
	p.warnings(v.Warnings)
	p.precision(v.Precision)
	p.coverage(v.Coverage)
	p.verdict(v.Verdict, v.Sentence)
	if _, err := io.WriteString(w, p.text.String()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// page collects the lines of the report.
type page struct {
	painter
	text  strings.Builder
	width int
}

func newPage(opts TermOptions) *page {
	if opts.Width == 0 {
		opts.Width = defaultWidth
	}
	return &page{width: max(opts.Width, narrowest), painter: painter(opts.Color)}
}

func (p *page) line(text string) { p.text.WriteString(harmless(text) + "\n") }

// harmless keeps a line from being a command to a CI runner, which looks for
// "::" behind any blanks. Text from outside is made visible word by word, but
// wrapping can bring the middle of a word to the front.
func harmless(line string) string {
	blanks := len(line) - len(strings.TrimSpace(line))
	if strings.HasPrefix(line[min(blanks, len(line)):], "::") {
		return strings.Replace(line, "::", `\x3a:`, 1)
	}
	return line
}

func (p *page) heading(text string) {
	if p.text.Len() > 0 {
		p.line("")
	}
	p.line(p.paint(bold, text))
}

func (p *page) table(t table) {
	for _, line := range t.lines(p.width-len(sectionIndent), p.painter) {
		p.line(sectionIndent + line)
	}
}

// paragraph writes wrapped text behind mark; further lines are aligned with
// the first.
func (p *page) paragraph(mark, text string) {
	p.styled(mark, plain, text)
}

func (p *page) styled(mark string, s style, text string) {
	for _, line := range hanging(cell{text: mark}, cells.StringWidth(mark), cell{text, s}, p.width, p.painter) {
		p.line(line)
	}
}

func (p *page) comparison(sentence Text) {
	if !sentence.Empty() {
		p.paragraph("", sentence.String())
	}
}

func (p *page) objectives(v View) {
	list := v.Objectives
	if len(list) == 0 {
		return
	}
	p.heading("Objectives")
	t := table{columns: []column{
		{head: "verdict"},
		{head: "objective", wrap: true, title: true}, // the bound stands there, too
		{head: "stage", cut: true},
		{head: "measured", right: true},
		{head: "interval", spare: v.Compared()}, // then the change's counts
		{head: "bound", right: true, spare: true},
		{head: strings.ToLower(v.BaselineHead()), right: true},
		{head: "change", right: true},
		{head: "sees", right: true},
	}}
	for _, o := range list {
		t.rows = append(t.rows, []cell{
			{o.Verdict.Word, o.Verdict.style()},
			{text: o.words()},
			{text: o.Stage.String()},
			{text: o.Measured},
			{text: o.interval()},
			{text: o.Bound},
			{text: o.Baseline},
			{text: o.changed()},
			{text: o.Sees},
		})
	}
	p.table(t)
	if v.Compared() {
		p.styled(sectionIndent, dim, "sees: the smallest change that the comparison would have shown")
	}
	for _, o := range list {
		if !o.Reason.Empty() {
			p.paragraph(sectionIndent, fmt.Sprintf("%s in %s: %s", o.Text, o.Stage, o.Reason))
		}
	}
}

// changed is the change with its interval, where it has one.
func (o Objective) changed() string {
	if o.Between == "" {
		return o.Change
	}
	return o.Change + " (" + o.Between + ")"
}

// words is the objective as written; that missing it only warns is said where
// the verdict cannot say it.
func (o Objective) words() string {
	if o.Severity == "warn" {
		return o.Text.String() + " (warn)"
	}
	return o.Text.String()
}

func (o Objective) interval() string {
	if o.Interval == "" || o.Margin == "" {
		return o.Interval
	}
	return o.Interval + ", " + o.Margin
}

func (v Verdict) style() style {
	switch v.Word {
	case "pass":
		return green
	case "warn":
		return yellow
	case "fail":
		return red
	case "inconclusive", "cancelled":
		return purple
	}
	return dim
}

func (p *page) stages(list []Stage, costed, memory bool) {
	if len(list) == 0 {
		return
	}
	p.heading("Stages")
	t := table{columns: []column{
		{head: "stage", cut: true},
		{head: "side", title: true},
		{head: "workload", cut: true, spare: true},
		{head: "requests", right: true},
		{head: "throughput", right: true},
		{head: "p50", right: true},
		{head: "p95", right: true},
		{head: "p99", right: true},
		{head: "max", right: true},
		{head: "success", right: true},
	}}
	if costed {
		t.columns = append(t.columns, column{head: "CPU/request", right: true})
	}
	if memory {
		t.columns = append(t.columns, column{head: "memory", right: true, spare: true})
	}
	for _, s := range list {
		row := []cell{
			{text: s.Name.String()},
			{text: s.Side},
			{text: s.Workload},
			{text: s.Requests},
			{text: s.Throughput},
			{text: s.P50},
			{text: s.P95},
			{text: s.P99},
			{text: s.Max},
			{text: s.Success},
		}
		if costed {
			row = append(row, cell{text: s.Cost.PerRequest})
		}
		if memory {
			row = append(row, cell{text: s.Cost.Memory})
		}
		t.rows = append(t.rows, row)
	}
	p.table(t)
	for _, s := range list {
		if note := s.note(); note != "" {
			p.paragraph(sectionIndent, joined(", ", s.Name.String(), s.Side)+": "+note)
		}
	}
}

func (p *page) capacities(list []Capacity) {
	for _, c := range list {
		p.heading("Capacity: " + c.Stage.String())
		p.paragraph(sectionIndent, c.Sentence.String())
		t := table{columns: []column{
			{head: "rate", right: true},
			{head: "throughput", right: true},
			{head: "p95", right: true},
			{head: "success", right: true},
			{head: "objectives", cut: true},
		}}
		for _, s := range c.Steps {
			t.rows = append(t.rows, []cell{
				{text: s.Rate},
				{text: s.Throughput},
				{text: s.P95},
				{text: s.Success},
				{text: s.Outcome.String()},
			})
		}
		p.table(t)
	}
}

func (p *page) headRoom(h *HeadRoom) {
	if h == nil {
		return
	}
	p.heading("Head-room")
	p.paragraph(sectionIndent, "at "+h.PerRequest+" of CPU per request, as in "+h.Stage.String()+", if nothing else is the limit")
	t := table{columns: []column{{head: "load", right: true}, {head: "requests", right: true}, {head: "cores", right: true}}}
	if h.Replicas {
		t.columns = append(t.columns, column{head: "replicas", right: true})
	}
	for _, r := range h.Rows {
		cells := []cell{{text: r.Times}, {text: r.Rate}, {text: r.Cores}}
		if h.Replicas {
			cells = append(cells, cell{text: r.Replicas})
		}
		t.rows = append(t.rows, cells)
	}
	p.table(t)
}

func (p *page) changes(list []Change) {
	if len(list) == 0 {
		return
	}
	p.heading("From stage to stage")
	t := table{columns: []column{
		{head: "step", cut: true},
		{head: "load"},
		{head: "throughput", right: true},
		{head: "mean of successful", right: true},
		{head: "p99", right: true},
		{head: "success", right: true},
	}}
	for _, c := range list {
		t.rows = append(t.rows, []cell{
			{text: c.From.String() + " → " + c.To.String()},
			{text: c.Load},
			{text: c.Throughput},
			{text: c.Mean},
			{text: c.P99},
			{text: c.Success},
		})
	}
	p.table(t)
}

// note says what the stage's row has no column for.
func (s Stage) note() string {
	var parts []string
	if s.State != "completed" {
		state := strings.ReplaceAll(s.State, "-", " ")
		if !s.Reason.Empty() {
			state += " (" + s.Reason.String() + ")"
		}
		parts = append(parts, state)
	}
	if s.Errors != "" {
		parts = append(parts, s.Errors)
	}
	if limited := s.Cost.limited(); limited != "" {
		parts = append(parts, limited)
	}
	if !s.Judged {
		parts = append(parts, "not judged")
	}
	return strings.Join(parts, "; ")
}

func (p *page) findings(list []Finding) {
	if len(list) == 0 {
		return
	}
	p.heading("Findings")
	for i, f := range list {
		if i > 0 {
			p.line("")
		}
		p.finding(f)
	}
}

func (p *page) finding(f Finding) {
	title := f.Title.String()
	switch {
	case f.Stage.Empty():
	case f.Since != "":
		title = f.Stage.String() + ", " + f.Since + ": " + title
	default:
		title = f.Stage.String() + ": " + title
	}
	if f.Certainty != "" {
		title += " (" + f.Certainty + ")"
	}
	p.styled(sectionIndent, bold, title)
	for _, e := range f.Evidence {
		p.paragraph("    - ", e.String())
	}
	for _, s := range f.Suggestion {
		p.paragraph("    try: ", s.String())
	}
	if !f.Disproof.Empty() {
		p.styled("    ", dim, "wrong if: "+f.Disproof.String())
	}
}

func (p *page) timeline(t *Timeline) {
	if t == nil {
		return
	}
	p.heading("Replicas")
	p.paragraph(sectionIndent, joined(": ", t.Name.String(), t.Limits))
	rows := table{columns: []column{
		{head: "at", right: true},
		{head: "ready", right: true},
		{head: "replicas", right: true},
		{head: "desired", right: true},
		{head: "wanted", right: true},
		{head: "CPU", right: true},
		{head: "note", cut: true},
	}}
	for _, r := range t.Rows[:min(len(t.Rows), timelineRows)] {
		rows.rows = append(rows.rows, []cell{
			{text: r.At},
			{text: r.Ready},
			{text: r.Replicas},
			{text: r.Desired},
			{text: r.Wanted},
			{text: r.CPU},
			{text: r.Note},
		})
	}
	if len(t.Rows) > 0 {
		p.table(rows)
	}
	p.more(len(t.Rows) - timelineRows)
	for _, e := range t.Events[:min(len(t.Events), timelineEvents)] {
		p.paragraph("    ", joined(": ", joined(" ", e.At, e.Object.String(), e.Reason.String(), e.Count), e.Message.String()))
	}
	p.more(len(t.Events) - timelineEvents)
	for _, m := range t.Missing {
		p.styled("    ", dim, "not seen: "+m.String())
	}
}

func (p *page) metrics(list []Metric) {
	if len(list) == 0 {
		return
	}
	p.heading("Metrics")
	t := table{columns: []column{
		{head: "metric", cut: true, title: true},
		{head: "stage", cut: true},
		{head: "mean", right: true},
		{head: "min", right: true},
		{head: "max", right: true},
		{head: "last", right: true},
		{head: "course", spare: true},
	}}
	for _, m := range list {
		t.rows = append(t.rows, []cell{
			{text: m.Name.String()},
			{text: m.Stage.String()},
			{text: m.Mean},
			{text: m.Min},
			{text: m.Max},
			{text: m.Last},
			{text: m.Course},
		})
	}
	p.table(t)
	for _, m := range list {
		if !m.Missing.Empty() {
			p.styled("    ", dim, m.Name.String()+" in "+m.Stage.String()+": "+m.Missing.String())
		}
	}
}

func (p *page) profiles(list []Profile) {
	for _, one := range list {
		p.heading("CPU profile: " + one.Stage.String())
		p.paragraph(sectionIndent, one.Caption()+" "+one.Of.String())
		t := table{columns: []column{{head: "function", cut: true, title: true}}}
		heads := []string{"own", "with callees"}
		if one.Compared {
			heads = []string{"own: base", "head", "with callees: base", "head"}
		}
		for _, h := range heads {
			t.columns = append(t.columns, column{head: h, right: true})
		}
		for _, r := range one.Rows {
			row := []cell{{text: r.Name.String()}, {text: r.Flat}, {text: r.Cum}}
			if one.Compared {
				row = []cell{row[0], {text: r.FlatBefore}, {text: r.Flat}, {text: r.CumBefore}, {text: r.Cum}}
			}
			t.rows = append(t.rows, row)
		}
		if len(t.rows) > 0 {
			p.table(t)
		}
	}
}

// more says how many rows were left out.
func (p *page) more(n int) {
	if n > 0 {
		p.paragraph(sectionIndent, fmt.Sprintf("and %s more in the result file", quantity.Count(int64(n))))
	}
}

func (p *page) failures(list []Failure) {
	if len(list) == 0 {
		return
	}
	p.heading("Failing responses")
	for _, f := range list[:min(len(list), failureRows)] {
		stage := joined(", ", f.Stage.String(), f.Side)
		head := fmt.Sprintf("%s at %s, %s: %s after %s", stage, f.At, f.Step, joined(" ", f.Class, f.Status), f.Response)
		p.paragraph(sectionIndent, head)
		p.example("    ", f.Detail.String())
		p.example("    > ", f.Body.String())
	}
	p.more(len(list) - failureRows)
}

// example writes one line of something longer, cut.
func (p *page) example(mark, text string) {
	if text != "" {
		p.line(mark + p.paint(dim, cut(text, p.width-len(mark))))
	}
}

// baseline shows what the run was compared with, and the course of the main
// indicators up to this run.
func (p *page) baseline(b *Baseline) {
	if b == nil {
		return
	}
	p.heading("Earlier results")
	p.paragraph("  ", b.Sentence())
	t := table{columns: []column{
		{head: "stage", cut: true},
		{head: "p95 from run to run", spare: true},
		{head: "p95", right: true},
		{head: "success from run to run", spare: true},
		{head: "success", right: true},
		{head: "throughput from run to run", spare: true},
		{head: "throughput", right: true},
	}}
	for _, s := range b.Trends {
		t.rows = append(t.rows, []cell{
			{text: s.Stage.String()},
			{text: s.P95.Line},
			{text: s.P95.Now},
			{text: s.Success.Line},
			{text: s.Success.Now},
			{text: s.Throughput.Line},
			{text: s.Throughput.Now},
		})
	}
	p.table(t)
}

func (p *page) warnings(list []Text) {
	if len(list) == 0 {
		return
	}
	p.heading("Warnings")
	for _, w := range list {
		p.paragraph("  - ", w.String())
	}
}

func (p *page) loosened(list []Loosening) {
	if len(list) == 0 {
		return
	}
	p.heading("What this change asks less of")
	for _, l := range list {
		where := "all stages"
		if !l.Stages.Empty() {
			where = l.Stages.String()
		}
		p.paragraph("  - ", fmt.Sprintf("%s: %s → %s", where, l.Before, l.After))
	}
}

// coverage is one line: the names stand in the other forms.
func (p *page) coverage(c *Coverage) {
	if c == nil {
		return
	}
	p.line("")
	p.paragraph("", fmt.Sprintf("%s (%s)", c.Title, c.Document))
}

func (p *page) precision(list []Precision) {
	if len(list) == 0 {
		return
	}
	p.heading("Precision")
	t := table{columns: []column{
		{head: "stage", cut: true},
		{head: "side", title: true},
		{head: "samples", right: true},
		{head: "sent late (p99)", right: true},
		{head: "generator's CPU", right: true},
		{head: "unsent", right: true},
		{head: "known to within"},
		{head: "engine", cut: true, spare: true},
	}}
	for _, s := range list {
		t.rows = append(t.rows, []cell{
			{text: s.Stage.String()},
			{text: s.Side},
			{text: s.Samples},
			{text: s.Lateness},
			{text: s.CPU},
			{text: s.Unsent},
			{text: s.Within.String()},
			{text: s.Engine.String()},
		})
	}
	p.table(t)
}

func (p *page) verdict(v Verdict, sentence Text) {
	if p.text.Len() > 0 {
		p.line("")
	}
	lines := wrap(joined(". ", "Verdict: "+v.Word, sentence.String()), p.width)
	for i, line := range lines {
		if i == 0 {
			line = p.emphasise(line, v)
		}
		p.line(line)
	}
}

// emphasise colours the verdict's word in the last lines.
func (p *page) emphasise(line string, v Verdict) string {
	rest, ok := strings.CutPrefix(line, "Verdict: "+v.Word)
	if !ok {
		return line // a very narrow terminal broke the line there
	}
	return "Verdict: " + p.paint(bold+";"+v.style(), v.Word) + rest
}

// joined joins the parts that are not empty.
func joined(separator string, parts ...string) string {
	var out []string
	for _, part := range parts {
		if part != "" {
			out = append(out, part)
		}
	}
	return strings.Join(out, separator)
}
