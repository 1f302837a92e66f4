package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

const (
	liveEvery  = 200 * time.Millisecond // a few times a second reads as moving
	plainEvery = 10 * time.Second       // a log of an hour stays a few hundred lines
	liveWidth  = 80                     // columns, where the terminal does not tell
	rateWindow = 3 * time.Second        // what "now" means for the rate that is shown
)

// ProgressOptions says what the display may do.
type ProgressOptions struct {
	Live  bool          // a block of lines, drawn again and again; for terminals alone
	Width func() int    // columns, asked before each drawing; nil or 0: 80 live, no limit otherwise
	Color bool          // only used with Live
	Every time.Duration // least time between two drawings; 0: 200 ms live, 10 s otherwise
}

// Progress shows a run while it goes on, either as a block of as many lines as
// the terminal's width needs, which is redrawn, or, where nobody watches a
// terminal, as a line now and then without any control character.
//
// Three things are kept apart: the loader counts, the caller ticks ([Progress.Update])
// and the display draws. Progress itself only decides when. It is safe for
// concurrent use, and a display that cannot be written to any more is left
// alone: a run does not end because nobody looks.
type Progress struct {
	mu     sync.Mutex
	screen screen
	every  time.Duration
	stages []running // that run, as far as they are known; several where they do so at the same time
	drawn  time.Time // the last drawing; zero: none in this stage
	pods   line      // what the service's replicas do; empty: nobody watches them
}

// screen draws. Only the running stage's block may be drawn over.
type screen struct {
	note  func(text string)
	start func(line)    // what is about to be loaded
	draw  func(...line) // how the stages go
	end   func(line)    // what the stage came to
	close func()
}

// NewProgress returns a display on w.
func NewProgress(w io.Writer, opts ProgressOptions) *Progress {
	out := &output{w: w, width: opts.Width, painter: painter(opts.Color && opts.Live)}
	p := &Progress{screen: out.plain(), every: plainEvery}
	if opts.Live {
		p.screen, p.every = out.live(), liveEvery
	}
	if opts.Every > 0 {
		p.every = opts.Every
	}
	return p
}

// Note shows one line that stays, such as how readiness goes.
func (p *Progress) Note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.screen.note(visible(shorten(text, blockLimit)))
}

// StageStart says that a stage begins, after an idle time that may be zero.
func (p *Progress) StageStart(name string, w result.Workload, idle time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	stage := running{name: name, workload: w, idle: idle}
	p.stages = append(p.stages, stage)
	p.drawn = time.Time{}
	p.screen.start(stage.opening())
}

// Update ticks: s is what a running stage has measured so far, nil while it
// idles. All are drawn when the time has come.
func (p *Progress) Update(now time.Time, s *result.Stage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.stages {
		if len(p.stages) == 1 || s == nil || p.stages[i].name == s.Name {
			p.stages[i].see(s)
		}
	}
	if len(p.stages) == 0 || !p.due(now) {
		return
	}
	p.drawn = now
	var lines []line
	for _, stage := range p.stages {
		lines = append(lines, stage.line())
	}
	lines[0] = append(lines[0], p.pods...)
	p.screen.draw(lines...)
}

// Replicas takes what was seen of the service's replicas last, to draw it beside
// the stage.
func (p *Progress) Replicas(s result.ClusterSample) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf("%d/%s ready", s.Ready, plural(s.Replicas, "pod"))
	if s.CPU > 0 {
		text += ", CPU " + quantity.Share(s.CPU)
	}
	if s.AtCeiling {
		text += ", at the ceiling"
	}
	p.pods = line{{text: text}}
}

// due reports whether it is time to draw. The first tick of a stage only
// starts the clock: that the stage began has just been said.
func (p *Progress) due(now time.Time) bool {
	if p.drawn.IsZero() {
		p.drawn = now
		return false
	}
	return now.Sub(p.drawn) >= p.every
}

// StageEnd shows what the stage came to, in a line that stays.
func (p *Progress) StageEnd(s *result.Stage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.screen.end(closing(s))
	p.stages = slices.DeleteFunc(p.stages, func(r running) bool { return len(p.stages) == 1 || r.name == s.Name })
}

// Close leaves the screen in order: whatever comes next begins on a new line.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.screen.close()
}

// running is what is known of the stage that runs.
type running struct {
	name     string
	workload result.Workload
	idle     time.Duration
	stage    *result.Stage // nil: not started
	window   []reading     // of the last few seconds, oldest first
}

// reading is how many requests had finished at a time in the stage.
type reading struct {
	at       time.Duration
	finished int64
}

func (r *running) see(s *result.Stage) {
	r.stage = s
	if s == nil {
		return
	}
	r.window = append(r.window, reading{s.Duration, s.Counters.Finished()})
	old := 0
	for old < len(r.window)-1 && s.Duration-r.window[old+1].at >= rateWindow {
		old++
	}
	r.window = slices.Delete(r.window, 0, old)
}

// rate is how many requests finish a second, lately: the mean since the start
// would follow a ramp too late.
func (r running) rate() (perSecond float64, ok bool) {
	if r.stage == nil {
		return 0, false
	}
	from, to := reading{}, reading{r.stage.Duration, r.stage.Counters.Finished()}
	if to.at > rateWindow && len(r.window) > 0 {
		from = r.window[0]
	}
	if to.at <= from.at {
		return 0, false
	}
	return float64(to.finished-from.finished) / (to.at - from.at).Seconds(), true
}

// done is how much of the stage is over, 0 to 1, by requests or by time.
func (r running) done() float64 {
	share := 0.0
	switch w := r.workload; {
	case r.stage == nil:
	case w.Requests > 0:
		share = float64(r.stage.Counters.Finished()) / float64(w.Requests)
	case w.Duration > 0:
		share = r.elapsed()
	}
	return min(max(share, 0), 1)
}

// elapsed is the share of the planned duration that is over.
func (r running) elapsed() float64 {
	if r.stage == nil || r.workload.Duration <= 0 {
		return 0
	}
	return min(r.stage.Duration.Seconds()/r.workload.Duration.Seconds(), 1)
}

// asked says what load the plan wants at this moment.
func (r running) asked() string {
	w, at := r.workload, r.elapsed()
	if w.Model == "open" {
		return "of " + quantity.Rate(w.RateFrom+(w.RateTo-w.RateFrom)*at)
	}
	return "by " + plural(w.WorkersFrom+int(float64(w.WorkersTo-w.WorkersFrom)*at+0.5), "worker")
}

// opening says what is about to be loaded.
func (r running) opening() line {
	out := line{nameField(r.name)}
	if r.idle > 0 {
		out = append(out, field{text: "idle for " + quantity.Duration(r.idle) + ", then"})
	}
	return append(out, field{text: workload(r.workload)})
}

// line says how the stage goes.
func (r running) line() line {
	if r.stage == nil {
		return r.opening()
	}
	s := *r.stage
	out := line{
		nameField(r.name),
		{bar: true, done: r.done(), width: barLeast},
		{text: fmt.Sprintf("%.0f %%", 100*r.done()), width: 5, right: true},
		{text: quantity.Duration(s.Duration.Round(100 * time.Millisecond)), width: 6, right: true},
	}
	if perSecond, ok := r.rate(); ok {
		out = append(out, field{text: fmt.Sprintf("%6s %s", quantity.Rate(perSecond), r.asked())})
	}
	return append(append(out, percentileFields(s)...), errorFields(s.Counters)...)
}

// closing says what a stage came to.
func closing(s *result.Stage) line {
	out := line{nameField(s.Name)}
	if s.State != result.NotRun {
		out = append(out,
			field{text: plural(int(s.Counters.Due()), "request"), width: 14, right: true},
			field{text: quantity.Duration(s.Duration), width: 6, right: true},
			field{text: orNone(throughput(*s), quantity.Rate), width: 6, right: true})
		out = append(out, percentileFields(*s)...)
	}
	out = append(out, errorFields(s.Counters)...)
	return append(out, stateField(s))
}

func nameField(name string) field {
	return field{text: visible(shorten(name, nameLimit)), width: nameLeast, style: bold}
}

// percentileFields are what objectives judge: failed requests count with their
// timeout.
func percentileFields(s result.Stage) line {
	return line{
		{text: "p50 " + stageQuantile(s, 50, 100), width: 10, begin: true},
		{text: "p95 " + stageQuantile(s, 95, 100), width: 10},
		{text: "p99 " + stageQuantile(s, 99, 100), width: 10},
	}
}

// errorFields are the errors by class.
func errorFields(c result.Counters) line {
	var out line
	for _, k := range classes {
		if n := *c.Of(k.class); n > 0 {
			out = append(out, field{text: quantity.Count(n) + " " + k.name, style: red})
		}
	}
	return out
}

func stateField(s *result.Stage) field {
	if s.State == result.Completed {
		return field{}
	}
	state := strings.ReplaceAll(visible(shorten(string(s.State), nameLimit)), "-", " ")
	return field{text: joined(": ", state, visible(shorten(s.Reason, sentenceLimit))), style: yellow}
}

const (
	nameLeast = 8  // columns for the stage's name, so that lines begin alike
	barLeast  = 10 // columns; a shorter bar shows nothing
	barMost   = 24 // a longer one shows no more
)

// field is one part of a line.
type field struct {
	text  string
	style style
	width int  // padded to this many columns: a line that is redrawn should not jump
	right bool // padded on the left
	begin bool // begins a row where the line needs several

	bar  bool // drawn as wide as there is room, instead of text
	done float64
}

func (f field) empty() bool { return f.text == "" && !f.bar }

func (f field) columns() int { return max(cells.StringWidth(f.text), f.width) }

func (f field) draw(p painter) string {
	if f.bar {
		filled := bar(f.done, 1, f.width)
		return filled + p.paint(dim, strings.Repeat("░", f.width-cells.StringWidth(filled)))
	}
	pad := strings.Repeat(" ", f.columns()-cells.StringWidth(f.text))
	if f.right {
		return pad + p.paint(f.style, f.text)
	}
	return p.paint(f.style, f.text) + pad
}

// line is a row of fields, the stage's name first.
type line []field

// rows lays the fields out in rows of at most width columns; 0 is no limit,
// but then there is no bar either. Nothing is left out: what does not fit
// behind the stage's name goes on below it.
func (l line) rows(width int, p painter) []string {
	l = slices.DeleteFunc(slices.Clone(l), field.empty)
	if width <= 0 {
		return []string{l.draw(p)}
	}
	l[0].text = cut(l[0].text, min(max(nameLeast, width/4), width))
	indent := nameLeast + columnGap
	if width < stackBelow {
		indent = min(columnGap, width-1)
	}
	broken := l.broken(width, indent, true)
	if tight := l.broken(width, indent, false); len(tight) < len(broken) || len(tight) == 1 {
		broken = tight
	}
	out := make([]string, len(broken))
	margin := 0
	for i, row := range broken {
		out[i] = strings.Repeat(" ", margin) + row.filled(width-margin).draw(p)
		margin = indent
	}
	return out
}

// broken splits a line into rows that fit, all but the first behind an indent;
// kept, what belongs together begins a row of its own.
func (l line) broken(width, indent int, kept bool) []line {
	rows := []line{l[:1]}
	for i := 1; i < len(l); i++ {
		row, room := &rows[len(rows)-1], width
		if len(rows) > 1 {
			room -= indent
		}
		if row.columns()+columnGap+l[i].columns() > room || kept && l[i].begin {
			rows = append(rows, l[i:i+1])
			continue
		}
		*row = (*row)[:len(*row)+1]
	}
	return rows
}

// filled gives room that is left over to the bar, and takes what is missing
// from a field that has a row of its own and is still too long.
func (l line) filled(width int) line {
	l = slices.Clone(l)
	room := width - l.columns()
	for i := range l {
		if l[i].bar {
			l[i].width = max(min(barLeast+room, barMost), 1)
		}
	}
	if room < 0 && !l[0].bar {
		l[0].text, l[0].width = cut(l[0].text, max(width, 1)), 0
	}
	return l
}

func (l line) draw(p painter) string {
	parts := make([]string, len(l))
	for i, f := range l {
		parts[i] = f.draw(p)
	}
	return strings.TrimRight(strings.Join(parts, strings.Repeat(" ", columnGap)), " ")
}

func (l line) columns() int {
	total := columnGap * (len(l) - 1)
	for _, f := range l {
		total += f.columns()
	}
	return total
}

// output writes lines. After the first error it writes nothing more.
type output struct {
	w       io.Writer
	width   func() int
	painter painter
	failed  bool
}

func (o *output) write(text string) {
	if o.failed {
		return
	}
	_, err := io.WriteString(o.w, text)
	o.failed = err != nil
}

func (o *output) columns() int {
	if o.width == nil {
		return 0
	}
	return max(o.width(), 0)
}

// plain is a screen for logs: every line stays.
func (o *output) plain() screen {
	keep := func(l line) {
		l = slices.DeleteFunc(l, func(f field) bool { return f.bar })
		o.write(strings.Join(l.rows(o.columns(), o.painter), "\n") + "\n")
	}
	return screen{
		note:  func(text string) { o.write(text + "\n") },
		start: keep,
		draw: func(lines ...line) {
			for _, l := range lines {
				keep(l)
			}
		},
		end:   keep,
		close: func() {},
	}
}

const toStart, clearRest = "\r", "\x1b[J"

// live is a screen for terminals: the last block is drawn over.
func (o *output) live() screen {
	var shown []string
	// over replaces the block that is shown, in one write: nobody sees it half.
	over := func(text string) {
		up := ""
		if n := len(shown) - 1; n > 0 {
			up = fmt.Sprintf("\x1b[%dA", n)
		}
		o.write(toStart + up + clearRest + text)
	}
	draw := func(lines ...line) {
		var rows []string
		for _, l := range lines {
			rows = append(rows, o.onRows(l)...)
		}
		over(strings.Join(rows, "\n"))
		shown = rows
	}
	end := func(text string) {
		over(text + "\n")
		shown = nil
	}
	return screen{
		note: func(text string) {
			block := shown
			end(text)
			if block != nil {
				o.write(strings.Join(block, "\n"))
			}
			shown = block
		},
		start: func(l line) { draw(l) },
		draw:  draw,
		end:   func(l line) { end(strings.Join(o.onRows(l), "\n")) },
		close: func() {
			if shown != nil {
				o.write("\n")
			}
			shown = nil
		},
	}
}

// onRows leaves the last column free: some terminals begin a new row as soon
// as it is written.
func (o *output) onRows(l line) []string {
	width := o.columns()
	if width == 0 {
		width = liveWidth
	}
	return l.rows(max(width-1, 1), o.painter)
}
