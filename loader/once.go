package loader

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/result"
)

// onceBody bounds the bodies that Once prints.
const onceBody = 16 << 10

// once prints one iteration of scenarios. Every line from outside begins with
// a mark, so that none can be taken for a command of the CI.
type once struct {
	loader *Loader
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
	u.begin(o.loader.plan, 0)
	for _, e := range sc.steps {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if e.step == nil {
			d := u.pause(e.pause)
			o.printf("\npause %v\n", d.Round(time.Millisecond))
			sleep(ctx, d)
			continue
		}
		if !o.step(ctx, u, e.step) {
			o.printf("  the iteration ends here: the step was not successful\n")
			break
		}
	}
	o.printf("\n")
	return o.err
}

// step sends one request and prints everything about it.
func (o *once) step(ctx context.Context, u *user, st *step) bool {
	o.printf("\nstep %s\n", visible(st.request.Name, false))
	r, err := requestOf(st, u, nil)
	if err != nil {
		o.lines("!", o.loader.mask.text(err.Error()))
		return false
	}
	o.request(r.message)
	r.keep, r.headers = max(r.keep, onceBody+o.loader.mask.longest+1), true
	x := o.loader.client.do(ctx, r)
	defer x.done()
	a := &x.answer
	if a.status != 0 {
		o.answer(a)
	}
	if a.err != nil {
		failed := &outcome{step: st}
		failed.take(a)
		o.lines("!", o.loader.mask.text(fmt.Sprintf("%s: %s", failed.class, failed.detail)))
		return false
	}
	return o.checks(st, a)
}

// request prints a request as it goes over the wire.
func (o *once) request(message []byte) {
	head, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		o.lines(">", o.loader.mask.text(string(line)))
	}
	o.body(">", body, int64(len(body)))
}

func (o *once) answer(a *answer) {
	o.lines("<", fmt.Sprintf("%d %s, %v, %d bytes", a.status, http.StatusText(a.status), a.service().Round(10*time.Microsecond), a.size))
	o.header("<", a.header)
	o.body("<", a.body, a.size)
}

func (o *once) header(mark string, h http.Header) {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range h[name] {
			o.lines(mark, o.loader.mask.text(name+": "+value))
		}
	}
}

func (o *once) body(mark string, raw []byte, size int64) {
	if len(raw) == 0 {
		return
	}
	text := o.loader.mask.cut(raw, onceBody)
	o.printf("  %s\n", mark)
	o.lines(mark, text[:min(len(text), onceBody)])
	if size > onceBody {
		o.printf("  %s … of %d bytes\n", mark, size)
	}
}

// checks prints what was expected of the answer and whether it held.
func (o *once) checks(st *step, a *answer) bool {
	all := st.accepts(a.status)
	if all {
		o.printf("  %s status %d is accepted\n", held(all), a.status)
	} else {
		o.printf("  %s status %d is not accepted\n", held(all), a.status)
	}
	seen := st.show(&a.reply, a.service())
	for _, c := range st.request.Checks {
		ok, err := c.Holds(seen)
		why := ""
		if err != nil {
			why = ": " + err.Error()
		}
		o.lines(held(ok), o.loader.mask.text(c.Text+why))
		all = all && ok
	}
	return all
}

func held(ok bool) string {
	if ok {
		return string(result.Pass)
	}
	return string(result.Fail)
}
