//go:build amd64 || arm64

package loader

import (
	"net/netip"
	"slices"
	"time"

	"github.com/slogate/slogate/loader/epoll"
	"github.com/slogate/slogate/loader/http1"
)

// pool holds the connections of one engine thread. They stay open between
// stages.
type pool struct {
	loop   *epoll.Loop
	engine *epollEngine
	// conns are all connections by their index; those in spare are closed.
	conns []*wireConn
	spare []*wireConn
	idle  []*wireConn // the most recently used last: it is taken first
	// blocked counts the connections that wait until they can be written to.
	blocked int
}

type connState uint8

const (
	closedConn connState = iota
	connecting
	idleConn
	busyConn
)

// wireConn is one connection of an engine thread.
type wireConn struct {
	socket  epoll.Socket
	key     epoll.Key
	state   connState
	stamped bool           // its reads tell when the kernel got the bytes
	hungUp  bool           // the other side has sent its last byte
	blocked bool           // it waits until it can be written to
	to      netip.AddrPort // where it leads
	guest   *guest
	rest    []byte    // of the request, not yet taken by the socket
	dies    time.Time // it carries no request after this
	parser  http1.Parser
}

// open begins to connect to an address.
func (p *pool) open(to netip.AddrPort, stamped bool) (*wireConn, error) {
	c := p.unused()
	p.engine.opens()
	socket, err := p.loop.Connect(to, c.key, stamped)
	if err != nil {
		p.engine.open.Add(-1)
		p.spare = append(p.spare, c)
		return nil, err
	}
	c.socket, c.state, c.stamped, c.hungUp = socket, connecting, stamped, false
	p.block(c, true)
	return c, nil
}

// block notes whether a connection waits until it can be written to.
func (p *pool) block(c *wireConn, waits bool) {
	switch {
	case waits && !c.blocked:
		p.blocked++
	case !waits && c.blocked:
		p.blocked--
	}
	c.blocked = waits
}

func (p *pool) unused() *wireConn {
	if last := len(p.spare) - 1; last >= 0 {
		c := p.spare[last]
		p.spare = p.spare[:last]
		c.key.Generation++ // events of the connection before are not this one's
		return c
	}
	c := &wireConn{key: epoll.Key{Index: int32(len(p.conns))}}
	p.conns = append(p.conns, c)
	return c
}

// of returns the connection that an event is about, nil where it was closed
// meanwhile.
func (p *pool) of(key epoll.Key) *wireConn {
	c := p.conns[key.Index]
	if c.key != key || c.state == closedConn {
		return nil
	}
	return c
}

// takeIdle returns an open connection that nobody uses, or nil.
func (p *pool) takeIdle() *wireConn {
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c
}

func (p *pool) giveBack(c *wireConn) {
	c.state, c.guest, c.rest = idleConn, nil, nil
	p.idle = append(p.idle, c)
}

func (p *pool) drop(c *wireConn) {
	if c.state == idleConn {
		if i := slices.Index(p.idle, c); i >= 0 {
			p.idle = slices.Delete(p.idle, i, i+1)
		}
	}
	c.socket.Close()
	p.block(c, false)
	p.engine.open.Add(-1)
	c.state, c.guest, c.rest = closedConn, nil, nil
	p.spare = append(p.spare, c)
}

func (p *pool) close() {
	p.disconnect()
	p.loop.Close()
}

// disconnect closes the connections of a pool that no stage uses.
func (p *pool) disconnect() {
	for _, c := range p.conns {
		if c.state != closedConn {
			p.drop(c)
		}
	}
}

// drain closes the idle connections that the other side gave up since the
// stage before.
func (p *pool) drain() {
	for range len(p.conns)/64 + 1 {
		n := p.loop.Wait(0)
		for i := range n {
			e, ok := p.loop.Event(i)
			if c := p.eventConn(e, ok); c != nil && c.state == idleConn && p.isOver(c, e) {
				p.drop(c)
			}
		}
	}
}

// keep closes idle connections until there are at most n.
func (p *pool) keep(n int) {
	for len(p.idle) > n {
		p.drop(p.idle[0])
	}
}

func (p *pool) eventConn(e epoll.Event, ok bool) *wireConn {
	if !ok {
		return nil
	}
	return p.of(e.Key)
}

// isOver reports whether an idle connection cannot be used any more: the other
// side closed it, or said what nobody asked for.
func (p *pool) isOver(c *wireConn, e epoll.Event) bool {
	if e.HungUp {
		return true
	}
	if !e.Readable {
		return false
	}
	data, err := p.loop.Read(c.socket)
	return err != nil || len(data) > 0
}

// longAgo is before every moment of a stage.
const longAgo = time.Duration(-1 << 62)
