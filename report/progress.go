package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

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
	Live  bool          // one line, drawn again and again; for terminals alone
	Width func() int    // columns, asked before each drawing; nil or 0: 80 live, no limit otherwise
	Color bool          // only used with Live
	Every time.Duration // least time between two drawings; 0: 200 ms live, 10 s otherwise
}

// Progress shows a run while it goes on, either as one line that is redrawn
// or, where nobody watches a terminal, as a line now and then without any
// control character.
//
// Three things are kept apart: the loader counts, the caller ticks ([Progress.Update])
// and the display draws. Progress itself only decides when. It is safe for
// concurrent use, and a display that cannot be written to any more is left
// alone: a run does not end because nobody looks.
type Progress struct {
	mu     sync.Mutex
	screen screen
	every  time.Duration
	stage  running   // the stage that runs, as far as it is known
	drawn  time.Time // the last drawing; zero: none in this stage
}

// screen draws. Only the running stage's line may be drawn over.
type screen struct {
	note  func(text string)
	start func(line) // what is about to be loaded
	draw  func(line) // how the stage goes
	end   func(line) // what the stage came to
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
	p.stage = running{name: name, workload: w, idle: idle}
	p.drawn = time.Time{}
	p.screen.start(p.stage.opening())
}

// Update ticks: s is what the running stage has measured so far, nil while it
// idles. It is drawn when the time has come.
func (p *Progress) Update(now time.Time, s *result.Stage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stage.see(s)
	if !p.due(now) {
		return
	}
	p.drawn = now
	p.screen.draw(p.stage.line())
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
	p.stage = running{}
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
		return "of " + rate(w.RateFrom+(w.RateTo-w.RateFrom)*at)
	}
	return "by " + plural(w.WorkersFrom+int(float64(w.WorkersTo-w.WorkersFrom)*at+0.5), "worker")
}

// opening says what is about to be loaded.
func (r running) opening() line {
	text := workload(r.workload)
	if r.idle > 0 {
		text = "idle for " + duration(r.idle) + ", then " + text
	}
	return line{nameField(r.name), {text: text}}
}

// line says how the stage goes.
func (r running) line() line {
	if r.stage == nil {
		return r.opening()
	}
	s := *r.stage
	out := line{
		nameField(r.name),
		{bar: true, done: r.done(), width: barLeast, rank: 6},
		{text: fmt.Sprintf("%.0f %%", 100*r.done()), width: 5, right: true, rank: 3},
		{text: duration(s.Duration.Round(100 * time.Millisecond)), width: 6, right: true, rank: 5},
	}
	if perSecond, ok := r.rate(); ok {
		now := fmt.Sprintf("%6s", rate(perSecond))
		out = append(out, field{text: now + " " + r.asked(), rank: 9, short: now, shortRank: 4})
	}
	return append(append(out, percentileFields(s)...), errorField(s.Counters))
}

// closing says what a stage came to.
func closing(s *result.Stage) line {
	out := line{nameField(s.Name)}
	if s.State != result.NotRun {
		out = append(out,
			field{text: plural(int(s.Counters.Due()), "request"), width: 14, right: true, rank: 5},
			field{text: duration(s.Duration), width: 6, right: true, rank: 6},
			field{text: orNone(throughput(*s), rate), width: 6, right: true, rank: 4})
		out = append(out, percentileFields(*s)...)
	}
	return append(out, errorField(s.Counters), stateField(s))
}

func nameField(name string) field {
	return field{text: visible(shorten(name, nameLimit)), width: nameLeast, style: bold}
}

// percentileFields are what objectives judge: failed requests count with their
// timeout.
func percentileFields(s result.Stage) line {
	return line{
		{text: "p50 " + stageQuantile(s, 50, 100), width: 10, rank: 10},
		{text: "p95 " + stageQuantile(s, 95, 100), width: 10, rank: 2},
		{text: "p99 " + stageQuantile(s, 99, 100), width: 10, rank: 7},
	}
}

func errorField(c result.Counters) field {
	short := ""
	if n := c.Errors() + c.Unsent; n > 0 {
		short = plural(int(n), "error")
	}
	return field{text: errorsByClass(c), rank: 8, short: short, shortRank: 1, style: red}
}

func stateField(s *result.Stage) field {
	if s.State == result.Completed {
		return field{}
	}
	state := strings.ReplaceAll(visible(shorten(string(s.State), nameLimit)), "-", " ")
	return field{text: joined(": ", state, visible(shorten(s.Reason, sentenceLimit))), rank: 11, short: state, style: yellow}
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

	rank      int    // where the line is too long, the highest is left out first; 0 stays
	short     string // tried before the field is left out
	shortRank int

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

// fit lays the fields out within width columns; 0 is no limit, but then there
// is no bar either.
func (l line) fit(width int, p painter) string {
	l = slices.Clone(l)
	if width > 0 {
		l[0].text = cut(l[0].text, min(max(nameLeast, width/4), width))
		l[0].width = min(l[0].width, width)
		l = l.shortened(width)
		l.fill(width - l.columns())
	}
	var parts []string
	for _, f := range l {
		if !f.empty() {
			parts = append(parts, f.draw(p))
		}
	}
	return strings.TrimRight(strings.Join(parts, strings.Repeat(" ", columnGap)), " ")
}

// shortened leaves fields out by their rank until the others fit, or only
// those remain that always stay.
func (l line) shortened(width int) line {
	if width < nameLeast+columnGap+2 {
		return l[:1]
	}
	empty := field.empty
	l = slices.DeleteFunc(l, empty)
	for l.columns() > width {
		f := &l[l.leastNeeded()]
		if f.rank == 0 {
			break
		}
		if f.short == "" {
			f.bar, f.width = false, 0
		}
		f.text, f.short, f.rank = f.short, "", f.shortRank
		l = slices.DeleteFunc(l, empty)
	}
	return l
}

// leastNeeded is the field of the highest rank.
func (l line) leastNeeded() int {
	found := 0
	for i, f := range l {
		if f.rank > l[found].rank {
			found = i
		}
	}
	return found
}

// fill gives room that is left over to the bar, and takes what is missing from
// the last field.
func (l line) fill(room int) {
	for i := range l {
		if l[i].bar {
			l[i].width = min(barLeast+room, barMost)
		}
	}
	if last := &l[len(l)-1]; room < 0 {
		last.text = cut(last.text, max(last.columns()+room, 1))
		last.width = 0
	}
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
		o.write(l.fit(o.columns(), o.painter) + "\n")
	}
	return screen{
		note:  func(text string) { o.write(text + "\n") },
		start: keep,
		draw:  keep,
		end:   keep,
		close: func() {},
	}
}

const toStart, clearRest = "\r", "\x1b[K"

// live is a screen for terminals: the last line is drawn over.
func (o *output) live() screen {
	shown := ""
	place := func(text string) { o.write(toStart + text + clearRest) }
	draw := func(l line) {
		shown = o.onOneRow(l)
		place(shown)
	}
	return screen{
		note: func(text string) {
			place(text)
			o.write("\n" + shown)
		},
		start: draw,
		draw:  draw,
		end: func(l line) {
			place(o.onOneRow(l))
			o.write("\n")
			shown = ""
		},
		close: func() {
			if shown != "" {
				o.write("\n")
			}
			shown = ""
		},
	}
}

// onOneRow leaves the last column free: some terminals begin a new row as soon
// as it is written.
func (o *output) onOneRow(l line) string {
	width := o.columns()
	if width == 0 {
		width = liveWidth
	}
	return l.fit(max(width-1, 1), o.painter)
}
