//go:build amd64 || arm64

package loader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slogate/slogate/quantity"
)

// guest is a virtual user in a lane: where it is in its iteration, and the
// request that it has under way. Times are offsets from the stage's start.
type guest struct {
	*user
	scenario *scenario
	list     []element     // what it passes through: the scenario's steps, or its start before them
	at       int           // the next element of the list
	starts   bool          // the list is the scenario's start
	owes     bool          // its arrival has not been counted yet
	step     *step         // the request to come or under way
	until    time.Duration // when a worker of a ramp leaves; 0: it stays
	held     bool          // it may use a connection
	placed   bool          // it has the ticket and the place of its next request

	arrived time.Duration // when its iteration was due, while it owes

	due    time.Duration // when the request is or was to start
	wait   time.Duration // the part since then that was spent waiting for a connection
	queued time.Duration // since when it waits for one
	wakes  time.Duration // the end of its pause or the beginning of its shift
	paused time.Duration // when its pause began

	pass pass // the iteration
	exchange
	message []byte // the request, where it is written for each user

	expires       time.Duration
	deadlines     *deadlines // the list that it is in
	before, after *guest
}

// exchange is one request and its answer.
type exchange struct {
	conn      *wireConn
	started   time.Duration // before a connection was taken
	dialed    time.Duration // before the connection's own address was tried
	wrote     time.Duration // longAgo: never
	firstByte time.Duration // first byte of the answer; longAgo: none came
	in, out   int64
	choices   choices // since the first try to connect
	tries     int     // addresses that could not be connected to
	opened    bool
	reused    bool
	connect   time.Duration
}

// enter begins an iteration, with what the user has to do before its first.
func (g *guest) enter(p *plan, iteration int64) {
	g.scenario, g.at = g.begin(p, iteration), 0
	g.list = g.scenario.steps
	if g.starts = g.isToStart(g.scenario); g.starts {
		g.list = g.scenario.start
	}
	g.pass = enter(g.due)
}

func newExchange(now time.Duration) exchange {
	return exchange{started: now, wrote: longAgo, firstByte: longAgo}
}

// service is the time from the write to the end.
func (x *exchange) service(end time.Duration) time.Duration {
	if x.wrote == longAgo {
		return end - x.started
	}
	return end - x.wrote
}

// ended is the outcome of a request but for its class.
func (g *guest) ended(end time.Duration) outcome {
	o := outcome{
		step: g.step, user: g.user, due: g.due, response: end - g.due, service: g.service(end),
		connect: g.connect, opened: g.opened, reused: g.reused, in: g.in, out: g.out,
	}
	o.own = min(max(g.started-g.due-g.wait, 0), o.response)
	if g.firstByte != longAgo {
		o.ttfb = g.firstByte - g.wrote
	}
	return o
}

// answered judges the answer that the connection's parser holds.
func (g *guest) answered(c *wireConn, end time.Duration) outcome {
	o := g.ended(end)
	r := reply{status: c.parser.Status(), body: c.parser.Body(), size: c.parser.Size()}
	if g.step.sees.header {
		r.header = headerOf(&c.parser)
	}
	if g.step.sees.cookies {
		r.setCookie = setCookieOf(&c.parser)
	}
	if g.step.sees.coding {
		r.encoding = encodingOf(&c.parser)
	}
	o.class, o.detail = g.step.judge(g.user, &r, o.service)
	o.status, o.body = r.status, r.body
	return o
}

// failed finds the class of a request that has no answer.
func (g *guest) failed(err error, end time.Duration) outcome {
	o := g.ended(end)
	if c := g.conn; c != nil && (c.state == busyConn) {
		o.status, o.body = c.parser.Status(), g.step.written(c.parser.Body())
	}
	o.class, o.detail = classify(err), err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		o.detail = fmt.Sprintf("timeout after %s %s", quantity.Duration(g.step.timeout()), g.phase())
	}
	return o
}

// phase says what the request was waiting for at its end.
func (g *guest) phase() string {
	switch {
	case g.wrote == longAgo:
		return "while connecting"
	case g.firstByte == longAgo:
		return "while waiting for the answer"
	case !g.conn.parser.HeaderDone():
		return "within the answer's headers"
	}
	return "within the answer's body"
}
