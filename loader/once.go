package loader

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/slogate/slogate/loader/http1"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/secret"
	"github.com/slogate/slogate/slo"
)

// onceBody bounds the bodies that Once prints.
const onceBody = 16 << 10

// once prints one iteration of scenarios. Every line from outside begins with
// a mark, so that none can be taken for a command of the CI.
type once struct {
	loader *Loader
	mask   *secret.Mask // of the loader, and of what was captured
	out    io.Writer
	err    error // the first of out
}

func (o *once) printf(format string, args ...any) {
	if o.err == nil {
		_, o.err = fmt.Fprintf(o.out, format, args...)
	}
}

// lines prints text from outside, each line behind the mark.
func (o *once) lines(mark, text string) {
	for line := range strings.Lines(visible(text, true)) {
		o.printf("  %s %s\n", mark, strings.TrimSuffix(line, "\n"))
	}
}

// scenario does one iteration. A failed step ends it, as under load.
func (o *once) scenario(ctx context.Context, number int) error {
	sc := &o.loader.plan.scenarios[number]
	o.printf("scenario %s\n", visible(sc.name, false))
	u := newUser(0, o.loader.opts.Seed, nil)
	u.session = o.loader.sessions.take(0)
	defer o.loader.sessions.give(u)
	u.beginWith(sc)
	ended := ""
	if u.isToStart(sc) {
		if ended = o.elements(ctx, u, sc.start); ended == "" {
			u.session.started(sc)
		}
	}
	if ended == "" {
		ended = o.elements(ctx, u, sc.steps)
	}
	if ended != "" {
		o.printf("  the iteration ends here: the step was not successful\n")
	}
	o.printf("\n")
	return cmp.Or(context.Cause(ctx), o.err)
}

// elements does requests and pauses, each of a repeated block once. It returns
// the name of the step that ended them, if one did.
func (o *once) elements(ctx context.Context, u *user, list []element) (failed string) {
	for _, e := range list {
		switch {
		case ctx.Err() != nil:
			return ""
		case e.again:
		case e.step == nil:
			d := u.pause(e.pause)
			o.printf("\npause %s\n", quantity.Duration(d))
			sleep(ctx, d)
		default:
			if !o.step(ctx, u, e.step) && !e.step.request.GoesOn {
				return e.step.request.Name
			}
		}
	}
	return ""
}

// before does the steps of before and shows every user what they captured.
func (o *once) before(ctx context.Context) error {
	l := o.loader
	s := &l.plan.setup
	if len(s.before.steps) == 0 {
		return nil
	}
	o.printf("before\n")
	s.user = l.setupUser()
	failed := o.elements(ctx, s.user, s.before.steps)
	l.publish()
	o.printf("\n")
	if failed != "" {
		return &SetupError{Step: failed, Detail: "it was not successful, so nothing can be loaded"}
	}
	return cmp.Or(context.Cause(ctx), o.err)
}

func (o *once) after(ctx context.Context) error {
	l := o.loader
	s := &l.plan.setup
	if len(s.after.steps) == 0 {
		return nil
	}
	o.printf("after\n")
	if s.user == nil {
		s.user = l.setupUser()
	}
	for _, e := range s.after.steps {
		o.elements(ctx, s.user, []element{e})
	}
	o.printf("\n")
	return cmp.Or(context.Cause(ctx), o.err)
}

// step sends one request and prints everything about it.
func (o *once) step(ctx context.Context, u *user, st *step) bool {
	o.printf("\nstep %s\n", visible(st.request.Name, false))
	o.mask = o.loader.mask.With(u.secrets())
	r, err := requestOf(st, u, nil)
	if err != nil {
		o.lines("!", o.mask.Text(err.Error()))
		return false
	}
	o.mask = o.loader.mask.With(u.secrets()) // a signature is known now
	if r.message != nil {
		o.request(st, r.message)
	}
	r.keep, r.headers = max(r.keep, onceBody+o.mask.Longest()+o.loader.sessions.longest()+1), true
	x := o.loader.follow(ctx, st, u, r)
	defer x.done()
	a := &x.answer
	if err := a.decode(st.sees.body); err != nil && a.err == nil { // it is printed as it came
		a.err = err
	}
	u.keepCookies(st, &a.reply)
	seen := st.show(u, &a.reply, a.service())
	if st.hides {
		u.hide(st, &a.reply, seen)
		o.mask = o.loader.mask.With(u.secrets(a.texts()...))
	}
	if a.status != 0 {
		o.answer(a)
	}
	if a.err != nil {
		failed := &outcome{step: st, user: u}
		failed.take(a)
		o.lines("!", bounded(o.mask.Text(fmt.Sprintf("%s: %s", failed.class, failed.detail)), detailBytes))
		return false
	}
	if why := st.excess(&a.reply); why != "" {
		o.lines("!", why)
		return false
	}
	return o.checks(st, a.status, seen) && o.captures(u, st, seen) && o.measures(st, seen)
}

// texts are what an answer says, but for its status.
func (r *reply) texts() [][]byte {
	all := [][]byte{r.body}
	for name, values := range r.header {
		all = append(all, []byte(name+": "+strings.Join(values, ", ")))
	}
	return all
}

// request prints a request as it goes over the wire, but for its compression.
func (o *once) request(st *step, message []byte) {
	head, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		o.lines(">", o.mask.Text(string(line)))
	}
	if st.request.Gzip {
		// A secret could not be found in what is compressed.
		body, _ = decompress(body, http1.MaxBody)
	}
	o.body(">", body, int64(len(body)))
}

func (o *once) answer(a *answer) {
	o.lines("<", fmt.Sprintf("%d %s, %s, %s bytes", a.status, http.StatusText(a.status), quantity.Duration(a.service()), quantity.Count(a.size)))
	o.header("<", a.header)
	o.body("<", a.body, a.size)
	if a.events != nil {
		o.lines("<", a.events.String())
	}
}

func (o *once) header(mark string, h http.Header) {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range h[name] {
			o.lines(mark, o.mask.Text(name+": "+value))
		}
	}
}

func (o *once) body(mark string, raw []byte, size int64) {
	if len(raw) == 0 {
		return
	}
	text := o.mask.Head(raw, onceBody)
	o.printf("  %s\n", mark)
	o.lines(mark, text[:min(len(text), onceBody)])
	if size > onceBody {
		o.printf("  %s … of %s bytes\n", mark, quantity.Count(size))
	}
}

// checks prints what was expected of the answer and whether it held.
func (o *once) checks(st *step, status int, seen *slo.Answer) bool {
	all := st.accepts(status)
	if all {
		o.printf("  %s status %d is accepted\n", word(all), status)
	} else {
		o.printf("  %s status %d is not accepted\n", word(all), status)
	}
	for _, c := range st.request.Checks {
		ok, err := c.Holds(seen)
		why := ""
		if err != nil {
			why = ": " + err.Error()
		}
		o.lines(word(ok), o.mask.Text(c.Text+why))
		all = all && ok
	}
	return all
}

// onceCaptured bounds the captured values that Once prints.
const onceCaptured = 200

// captures takes the values out of the answer and prints them.
func (o *once) captures(u *user, st *step, seen *slo.Answer) bool {
	all := true
	for _, c := range st.request.Captures {
		found, why := u.captureOne(c, seen)
		text := why
		switch {
		case why != "":
		case c.IsSecret():
			text = fmt.Sprintf("capture %s = %s", c.Name, secret.Masked)
		case found.Typed:
			text = fmt.Sprintf("capture %s = %s", c.Name, bounded(o.mask.Text(found.Text), onceCaptured))
		default:
			text = fmt.Sprintf("capture %s = %q", c.Name, bounded(o.mask.Text(found.Text), onceCaptured))
		}
		o.lines(word(why == ""), text)
		all = all && why == ""
	}
	return all
}

// measures prints the numbers that are taken out of the answer.
func (o *once) measures(st *step, seen *slo.Answer) bool {
	all := true
	for _, m := range st.request.Measures {
		v, err := m.Find(seen)
		text := fmt.Sprintf("measure %s = %v", m.Name, v)
		if err != nil {
			text = fmt.Sprintf("measure %s: %s %v", m.Name, m.Text, err)
		}
		o.lines(word(err == nil), o.mask.Text(text))
		all = all && err == nil
	}
	return all
}

func word(ok bool) string {
	if ok {
		return string(result.Pass)
	}
	return string(result.Fail)
}
