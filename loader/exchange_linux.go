//go:build amd64 || arm64

package loader

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/slogate/slogate/loader/epoll"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// readsAtOnce is how often one connection is read before the others have their
// turn: an endless body must not hold them up.
const readsAtOnce = 16

// proceed takes a guest on until it waits for something.
func (l *lane) proceed(g *guest) {
	for {
		if l.stopped || l.shift > 0 && g.due >= l.shift || g.until > 0 && l.clock >= g.until {
			l.leave(g)
			return
		}
		if g.scenario == nil {
			if g.enter(l.plan, l.iteration(l.iterations.Add(1)-1)); g.starts && l.isSpent() {
				l.leave(g)
				return
			}
		}
		if g.at == len(g.list) && g.starts {
			g.session.started(g.scenario)
			g.list, g.at, g.starts = g.scenario.steps, 0, false
			g.pass = enter(g.due)
		}
		if g.at == len(g.list) {
			l.passed(l.shard, g.scenario, &g.pass, true)
			g.scenario = nil
			if l.load.Model == slo.Open {
				l.leave(g)
				return
			}
			continue
		}
		e := g.list[g.at]
		g.at++
		if e.step != nil {
			if l.heldBack(g) {
				return
			}
			g.step = e.step
			l.request(g)
			return
		}
		if l.pause(g, e.pause) {
			return
		}
	}
}

// pause lets a guest rest, and reports whether it has to.
func (l *lane) pause(g *guest, p slo.Pause) bool {
	return l.restUntil(g, g.due+g.user.pause(p))
}

// heldBack lets a guest rest until the limits permit its next request, and
// reports whether it has to, or has to leave. Its ticket comes first: who gets
// none must not wait for a place.
func (l *lane) heldBack(g *guest) bool {
	if l.limit == nil || g.placed {
		return false
	}
	g.at-- // it comes back to this step
	if g.placed = g.starts || l.ticket(); !g.placed {
		l.leave(g)
		return true
	}
	if at := l.place(l.clock); at > l.clock && l.restUntil(g, at) {
		return true
	}
	g.at++
	return false
}

// restUntil makes a moment a guest's due one and lets it rest until then, if
// that is still to come.
func (l *lane) restUntil(g *guest, due time.Duration) bool {
	l.letGo(g)
	g.paused = g.due
	g.due = due
	if g.due <= l.clock {
		l.rested(g)
		return false
	}
	g.wakes = g.due
	if g.until > 0 {
		g.wakes = min(g.wakes, g.until)
	}
	heap.Push(&l.resting, g)
	return true
}

// request sends a guest's next request, or puts the guest in line for a
// connection.
func (l *lane) request(g *guest) {
	if !g.held {
		if l.slots == 0 {
			g.queued = l.since()
			l.inLine.add(g)
			return
		}
		l.slots--
		g.held = true
	}
	if !g.starts && !g.placed && !l.ticket() {
		g.at-- // the step is not done
		l.leave(g)
		return
	}
	g.placed = false
	l.send(g)
}

// unserved counts a request that was due and found no connection until the
// stage ended. In a counted stage the ticket says what is due, not the clock.
func (l *lane) unserved(g *guest) {
	l.shard.waited(l.clock - g.queued)
	if l.load.Requests == 0 && !g.starts {
		g.owes = false
		l.record(l.shard, &outcome{step: g.step, class: l.missedAs(), due: g.due})
	}
	g.at-- // the step is not done
	l.leave(g)
}

// send starts a request.
func (l *lane) send(g *guest) {
	g.exchange = newExchange(l.clock)
	l.inFlight.Add(1)
	l.timeouts[g.step.number].add(g, l.clock)
	if m := g.step.message; m.whole == nil {
		message, err := m.render(g.message[:0], g.user)
		if g.message = message; err != nil {
			o := g.ended(l.clock)
			l.unwritten(&o, err)
			l.settle(g, o)
			l.ready = append(l.ready, g)
			return
		}
	}
	l.dispatch(g)
}

// dispatch puts a request on an idle connection or a new one. A connection
// that was closed before the request reached it is left out.
func (l *lane) dispatch(g *guest) {
	for c := l.takeIdle(); c != nil; c = l.takeIdle() {
		if l.lives.over(c.dies) { // while it was idle
			l.drop(c)
			continue
		}
		g.reused = true
		if err := l.put(c, g); err == nil || g.out > 0 {
			l.continued(g, err)
			return
		}
		l.leaveOut(c)
	}
	l.dial(g)
}

func (l *lane) leaveOut(c *wireConn) {
	c.guest.reused, c.guest.conn, c.guest.out = false, nil, 0
	l.closedByPeer(c)
}

// put writes a request to an open connection.
func (l *lane) put(c *wireConn, g *guest) error {
	if l.stamped && !c.stamped {
		c.socket.Stamp()
		c.stamped = true
	}
	c.state, c.guest, c.hungUp = busyConn, g, false
	g.conn, g.wrote = c, l.clock
	c.parser.Begin(g.step.request.Method == http.MethodHead, g.step.kept, g.step.sees.header || g.step.sees.cookies || g.step.sees.coding)
	if c.rest = g.step.message.whole; c.rest == nil {
		c.rest = g.message
	}
	return l.write(c)
}

// write sends as much of the request as the connection takes.
func (l *lane) write(c *wireConn) error {
	for len(c.rest) > 0 {
		n, err := c.socket.Write(c.rest)
		if err != nil {
			return err
		}
		if n == 0 {
			break // until it is writable again
		}
		c.guest.out += int64(n)
		c.rest = c.rest[n:]
	}
	l.block(c, len(c.rest) > 0)
	return nil
}

// continued ends a request whose write failed. The other side may have
// answered before it stopped to listen.
func (l *lane) continued(g *guest, err error) {
	if err == nil {
		return
	}
	c := g.conn
	c.rest, c.hungUp = nil, true
	l.read(c)
	if c.guest == g && c.state == busyConn {
		l.fail(g, netError("write", net.TCPAddrFromAddrPort(c.to), err))
	}
}

// dial opens a connection for a request, to the first address that takes one.
func (l *lane) dial(g *guest) {
	err := l.targets.none()
	l.targets.follow(l.requests, time.Now())
	for to, ok := l.targets.choose(&g.exchange); ok; to, ok = l.targets.choose(&g.exchange) {
		var c *wireConn
		if c, err = l.open(to, l.stamped); err == nil {
			c.guest, c.to = g, to
			g.conn, g.dialed = c, l.clock
			return
		}
		l.targets.failed(to, err)
		err = netError("dial", net.TCPAddrFromAddrPort(to), err)
		g.tries++
	}
	g.conn = nil
	l.fail(g, err)
}

// connected goes on when connecting has ended.
func (l *lane) connected(c *wireConn) {
	g := c.guest
	if err := c.socket.Err(); err != nil {
		l.targets.failed(c.to, err)
		l.drop(c)
		g.conn = nil
		g.tries++
		if _, more := l.targets.choose(&g.exchange); more {
			l.dial(g)
			return
		}
		l.fail(g, netError("dial", net.TCPAddrFromAddrPort(c.to), err))
		return
	}
	l.targets.reached(c.to)
	c.dies = l.lives.until(time.Now())
	g.opened, g.connect = true, l.since()-g.dialed
	l.continued(g, l.put(c, g))
}

// collect handles the events of the last wait.
func (l *lane) collect(n int) {
	again := l.again
	l.again = nil
	for _, c := range again {
		if c.state == busyConn {
			l.read(c)
		}
	}
	for i := range n {
		e, ok := l.loop.Event(i)
		if c := l.eventConn(e, ok); c != nil {
			l.handle(c, e)
		}
	}
}

func (l *lane) handle(c *wireConn, e epoll.Event) {
	switch c.state {
	case idleConn:
		if l.isOver(c, e) {
			l.closedByPeer(c)
		}
		return
	case connecting:
		if !e.Writable {
			return
		}
		l.connected(c)
	default:
		if e.Writable && len(c.rest) > 0 {
			l.continued(c.guest, l.write(c))
		}
	}
	if c.key == e.Key && c.state == busyConn && e.Readable {
		c.hungUp = c.hungUp || e.HungUp
		l.read(c)
	}
}

// read takes in what has come of an answer.
func (l *lane) read(c *wireConn) {
	for range readsAtOnce {
		data, at, err := l.receive(c)
		switch {
		case errors.Is(err, io.EOF):
			l.ended(c, at)
			return
		case err != nil:
			l.fail(c.guest, netError("read", net.TCPAddrFromAddrPort(c.to), err))
			return
		case len(data) == 0:
			return
		}
		if l.take(c, data, at) {
			return
		}
		if len(data) < epoll.BufferSize && !c.hungUp {
			return // edge-triggered: what comes later is told
		}
		l.pace.bulky(l.clock)
	}
	l.again = append(l.again, c)
}

// receive reads from a connection. at is when the last byte of the data
// arrived.
func (l *lane) receive(c *wireConn) (data []byte, at time.Duration, err error) {
	if !l.stamped {
		data, err = l.loop.Read(c.socket)
		return data, l.since(), err
	}
	data, stamp, err := l.loop.ReadStamped(c.socket)
	at = l.since()
	// A wall clock that was set meanwhile shows as a time before the write.
	if arrived := time.Duration(stamp - l.skew); stamp != 0 && arrived < at && arrived >= c.guest.wrote {
		at = arrived
	}
	return data, at, err
}

// take feeds a part of an answer to the parser and reports whether the request
// has ended with it.
func (l *lane) take(c *wireConn, data []byte, at time.Duration) bool {
	g := c.guest
	g.in += int64(len(data))
	if g.firstByte == longAgo {
		g.firstByte = at
	}
	n, done, err := c.parser.Feed(data)
	if err != nil {
		l.fail(g, err)
		return true
	}
	if done {
		c.hungUp = c.hungUp || n < len(data) // what nobody asked for
		l.complete(c, at)
	}
	return done
}

// ended handles the end of what the other side says.
func (l *lane) ended(c *wireConn, at time.Duration) {
	c.hungUp = true
	g := c.guest
	if g.reused && !c.parser.Started() && c.socket.Unread(g.out) {
		l.leaveOut(c)
		l.dispatch(g)
		return
	}
	if err := c.parser.End(); err != nil {
		l.fail(g, netError("read", net.TCPAddrFromAddrPort(c.to), err))
		return
	}
	l.complete(c, at)
}

// complete ends a request that was answered.
func (l *lane) complete(c *wireConn, at time.Duration) {
	g := c.guest
	l.settle(g, g.answered(c, at))
	switch {
	case !c.parser.Reusable() || c.hungUp || len(c.rest) > 0 || g.step.message.closes:
		l.closedByPeer(c)
	case l.lives.over(c.dies):
		l.drop(c)
	default:
		l.giveBack(c)
	}
	g.conn = nil
	if r := g.step.request; r.Checks != nil || r.Captures != nil || r.Measures != nil {
		l.since() // they may have taken their time
	}
	l.proceed(g)
}

// fail ends a request without an answer.
func (l *lane) fail(g *guest, err error) {
	l.settle(g, g.failed(err, l.clock))
	if c := g.conn; c != nil {
		if c.state == connecting && errors.Is(err, context.DeadlineExceeded) {
			l.targets.failed(c.to, err)
		}
		if isAny(err, closed) {
			l.shard.closedByPeer()
		}
		l.drop(c)
		g.conn = nil
	}
	l.ready = append(l.ready, g)
}

// closedByPeer closes a connection that the other side ended.
func (l *lane) closedByPeer(c *wireConn) {
	l.shard.closedByPeer()
	l.drop(c)
}

// settle records how a request ended.
func (l *lane) settle(g *guest, o outcome) {
	g.met()
	l.inFlight.Add(-1)
	if g.starts {
		l.shard.prepared(&o)
	} else {
		g.owes = false
		l.record(l.shard, &o)
	}
	l.letGo(g)
	g.due, g.wait = g.due+o.response, 0
	switch {
	case g.starts && o.class != result.Success && !g.step.request.GoesOn:
		l.unstarted(g, &o)
		return
	case g.starts:
		return
	}
	g.pass.add(&o, g.due)
	if o.class != result.Success && !g.step.request.GoesOn {
		g.at = len(g.list) // a failed step ends the iteration
	}
}

// unstarted ends the iteration of a user whose start did not succeed. Its first
// request was due and could not be sent.
func (l *lane) unstarted(g *guest, start *outcome) {
	g.starts, g.at = false, len(g.list)
	if !l.ticket() {
		g.pass.open = false
		return
	}
	g.owes = false
	o := failedStart(g.scenario.firstStep(), start)
	l.record(l.shard, &o)
	g.pass.add(&o, g.due)
}
