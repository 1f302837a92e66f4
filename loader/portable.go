package loader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slogate/slogate/loader/http1"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/secret"
	"github.com/slogate/slogate/slo"
)

// portable is the engine for every platform, with and without TLS: a goroutine
// for each user, on the net package's connections.
type portable struct{ client *client }

func (p *portable) name() string { return PortableEngine }

func (p *portable) prepare(context.Context) {} // each connection looks the name up

func (p *portable) disconnect() {} // the client does

func (p *portable) close() {}

func (p *portable) load(ctx context.Context, s *stage) {
	d := &drive{client: p.client, stage: s, slots: newSlots(s.connections)}
	if s.load.Model == slo.Open {
		d.open(ctx)
	} else {
		d.closed(ctx)
	}
	for _, u := range d.idle {
		d.loader.sessions.give(u.user)
	}
}

// drive is the portable engine at work on one stage.
type drive struct {
	*stage
	client *client
	slots  *slots
	wg     sync.WaitGroup

	mu    sync.Mutex
	idle  []*visitor
	users int
}

// visitor is a virtual user and its memory.
type visitor struct {
	*user
	buffer []byte // of its requests
}

// user returns a free user or a new one.
func (d *drive) user() *visitor {
	d.mu.Lock()
	defer d.mu.Unlock()
	if last := len(d.idle) - 1; last >= 0 {
		u := d.idle[last]
		d.idle = d.idle[:last]
		return u
	}
	u := newUser(d.numbers.of(d.users), d.seed, d.shards[d.users%len(d.shards)])
	u.session, u.rows = d.loader.sessions.take(u.number), d.rowNumbers()
	d.users++
	return &visitor{user: u}
}

func (d *drive) free(u *visitor) {
	d.mu.Lock()
	d.idle = append(d.idle, u)
	d.mu.Unlock()
}

// turn is where a user is in its iteration.
type turn struct {
	due  time.Time     // when the next request is to start
	wait time.Duration // the part since then that was spent waiting for a slot
	held bool          // a slot is held already

	arrived time.Time // when the iteration was due, while owes is set
	owes    bool      // the arrival has not been counted yet
}

// iterate passes once through a scenario, the first request being due at
// t.due, and returns when the iteration that follows at once would be due. It
// reports false when no request may be started any more.
func (d *drive) iterate(ctx context.Context, u *visitor, iteration int64, t turn) (time.Time, bool) {
	sc := u.begin(d.plan, iteration)
	defer func() { d.letGo(&t); d.settleUp(iteration, &t) }()
	way, whole := enter(d.offset(t.due)), false
	defer func() { d.passed(u.shard, sc, &way, whole) }()
	if u.isToStart(sc) {
		if d.isSpent() {
			return t.due, false
		}
		t.arrived, t.owes = t.due, d.load.Model == slo.Open
		failed, more := d.begin(ctx, u, sc, &t)
		if failed != nil {
			way.add(failed, d.offset(t.due))
			whole = true
		}
		if failed != nil || !more {
			return t.due, more
		}
		way = enter(d.offset(t.due))
	}
	for _, e := range sc.steps {
		if e.step == nil {
			d.letGo(&t)
			if !d.pause(ctx, u, e.pause, &t) {
				return t.due, false
			}
			continue
		}
		if d.limit != nil && (!d.ticket() || !d.heldBack(ctx, u, &t)) {
			return t.due, false
		}
		if !t.held && !d.acquire(ctx, u, e.step, &t, true) {
			return t.due, false
		}
		if d.limit == nil && !d.ticket() {
			return t.due, false
		}
		t.owes = false
		o := d.send(u, e.step, &t, true)
		d.letGo(&t)
		t.due, t.wait = t.due.Add(o.response), 0
		way.add(o, d.offset(t.due))
		if o.class != result.Success && !e.step.request.GoesOn {
			break
		}
	}
	whole = true
	return t.due, ctx.Err() == nil
}

// begin does the start steps of a user. Where one does not succeed that has to,
// the user's first request was due and cannot be sent: that is the outcome it
// returns. It reports false when no request may be started any more.
func (d *drive) begin(ctx context.Context, u *visitor, sc *scenario, t *turn) (failed *outcome, more bool) {
	for _, e := range sc.start {
		if e.step == nil {
			d.letGo(t)
			if !d.pause(ctx, u, e.pause, t) {
				return nil, false
			}
			continue
		}
		if d.limit != nil && !d.heldBack(ctx, u, t) {
			return nil, false
		}
		if !t.held && !d.acquire(ctx, u, e.step, t, false) {
			return nil, false
		}
		o := d.send(u, e.step, t, false)
		d.letGo(t)
		t.due, t.wait = t.due.Add(o.response), 0
		if o.class == result.Success || e.step.request.GoesOn {
			continue
		}
		if !d.ticket() {
			return nil, false
		}
		t.owes = false
		unsent := failedStart(sc.firstStep(), o)
		d.record(u.shard, &unsent)
		return &unsent, ctx.Err() == nil
	}
	u.session.started(sc)
	return nil, true
}

// settleUp counts an arrival that ended before its first request was sent.
func (d *drive) settleUp(iteration int64, t *turn) {
	if t.owes {
		d.missed(iteration, d.offset(t.arrived), d.missedAs(), false)
	}
}

func (d *drive) letGo(t *turn) {
	if t.held {
		t.held = false
		d.slots.release()
	}
}

// pause waits until the pause that follows t.due is over.
func (d *drive) pause(ctx context.Context, u *visitor, p slo.Pause, t *turn) bool {
	return d.restUntil(ctx, u, t.due.Add(u.user.pause(p)), t)
}

// heldBack waits until the limits permit the next request. It reports false
// when the stage ended before.
func (d *drive) heldBack(ctx context.Context, u *visitor, t *turn) bool {
	now := time.Since(d.start)
	at := d.place(now)
	if at <= now {
		return true
	}
	d.letGo(t)
	return d.restUntil(ctx, u, d.start.Add(at), t)
}

// restUntil makes a moment the due one and waits for it.
func (d *drive) restUntil(ctx context.Context, u *visitor, due time.Time, t *turn) bool {
	from := t.due
	t.due = due
	timer := time.NewTimer(time.Until(t.due))
	defer timer.Stop()
	select {
	case <-timer.C:
		u.shard.paused(t.due.Sub(from))
		return true
	case <-ctx.Done():
		u.shard.paused(max(time.Since(from), 0))
		return false
	}
}

// acquire waits for a slot. A request that was due before the stage ended and
// found none is unsent, or cancelled with the run.
func (d *drive) acquire(ctx context.Context, u *visitor, st *step, t *turn, counted bool) bool {
	if end, ok := ctx.Deadline(); ctx.Err() != nil || ok && !t.due.Before(end) {
		return false
	}
	from := time.Now()
	waited, ok := d.slots.acquire(ctx)
	if waited {
		t.wait = time.Since(from)
		u.shard.waited(t.wait)
	}
	t.held = ok
	// In a counted stage the ticket says what is due, not the clock.
	if !ok && counted && d.load.Requests == 0 {
		t.owes = false
		d.record(u.shard, &outcome{step: st, class: d.missedAs(), due: d.offset(t.due)})
	}
	return ok
}

// note records how a request ended, where it is counted.
func (d *drive) note(u *visitor, o *outcome, counted bool) {
	if counted {
		d.record(u.shard, o)
	} else {
		u.shard.prepared(o)
	}
}

// send does one request and notes how it ended.
func (d *drive) send(u *visitor, st *step, t *turn, counted bool) *outcome {
	d.inFlight.Add(1)
	defer d.inFlight.Add(-1)
	o := &outcome{step: st, user: u.user, due: d.offset(t.due)}
	r, err := requestOf(st, u.user, u.buffer[:0])
	if err != nil {
		o.response = time.Since(t.due)
		d.unwritten(o, err)
		d.note(u, o, counted)
		return o
	}
	if r.message != nil && st.message.whole == nil {
		u.buffer = r.message
	}
	x := d.loader.follow(d.requests, st, u.user, r)
	o.response = x.end.Sub(t.due)
	o.own = min(max(x.start.Sub(t.due)-t.wait, 0), o.response)
	o.take(&x.answer)
	d.note(u, o, counted)
	if !counted {
		o.body = bytes.Clone(o.body) // it is looked at when the connection serves another one
	}
	if x.done() {
		u.shard.closedByPeer()
	}
	return o
}

// take fills in what an exchange came to.
func (o *outcome) take(a *answer) {
	o.status, o.service = a.status, a.service()
	o.connect, o.opened, o.reused = a.connect, a.opened, a.reused
	o.secured, o.resumed, o.streams = a.secured, a.resumed, a.streams
	o.in, o.out, o.body, o.redirects, o.events = a.in, a.out, a.body, a.redirects, a.events
	if !a.first.IsZero() {
		o.ttfb = a.first.Sub(a.wrote)
	}
	if a.err == nil {
		o.class, o.detail = o.step.judge(o.user, &a.reply, o.service)
		o.body = a.body // it may have been decoded
		return
	}
	o.body = o.step.written(a.body)
	o.class, o.detail = classify(a.err), a.err.Error()
	if _, lacks := errors.AsType[*lackError](a.err); lacks {
		o.class = result.FailedCheck // as of a request that could not be written
	}
	if late, ok := errors.AsType[*lateError](a.err); ok {
		o.detail = late.Error()
	} else if o.class == result.Timeout {
		o.detail = fmt.Sprintf("timeout after %s %s", quantity.Duration(o.step.timeout()), a.phase())
	}
}

// phase says what an exchange was waiting for at its end.
func (a *answer) phase() string {
	switch {
	case a.wrote.IsZero():
		return "while connecting"
	case a.first.IsZero():
		return "while waiting for the answer"
	case !a.headDone:
		return "within the answer's headers"
	}
	return "within the answer's body"
}

// keep is how much of an answer's body is kept.
func (st *step) keep(m *secret.Mask) int {
	if st.sees.body {
		return http1.MaxBody
	}
	return sampleBytes + m.Longest() + 1
}
