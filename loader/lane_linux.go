//go:build amd64 || arm64

package loader

import (
	"container/heap"
	"context"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/slogate/slogate/loader/epoll"
	"github.com/slogate/slogate/loader/schedule"
	"github.com/slogate/slogate/slo"
)

// lane is one engine thread at work on one stage: a loop around the
// connections of its pool. It does every lanes-th arrival of an open stage, or
// every lanes-th worker of a closed one.
//
// Nothing in it is locked but the shard that it records into, and nothing is
// allocated for a request in the steady state.
type lane struct {
	*stage
	*pool
	targets *targets
	shard   *shard
	number  int // of this lane
	lanes   int

	clock time.Duration // since the stage's start, as of the last tick
	skew  int64         // the wall clock minus the stage's clock, in nanoseconds

	pace     pacing
	stamped  bool // reads tell when the kernel got the bytes
	priority priority
	arrivals arrivals
	shift    time.Duration // when the stage's load ends; 0: with its requests
	stopped  bool          // nothing new is started any more

	slots    int                 // connections that may be used at the same time
	inLine   line[*guest]        // users that wait for one in the middle of an iteration
	crowd    line[queuedArrival] // arrivals that wait for one
	resting  alarms              // guests in a pause or before their shift
	waiting  []deadlines         // guests with a request under way, a list for each timeout
	timeouts []*deadlines        // by the number of the step
	ready    []*guest            // guests whose next element is to be begun
	next     []*guest            // memory for ready
	again    []*wireConn         // connections that may have more to read
	lives    *lives
	away     []*guest // free users of an open stage
	alive    int      // guests that are neither free nor gone
	users    int      // made so far

	cancel atomic.Bool // the stage is to end
	giveUp atomic.Bool // requests under way are to be given up
}

// queuedArrival is an arrival that found no free connection.
type queuedArrival struct {
	iteration int64
	due       time.Duration
	queued    time.Duration
}

// arrivals are those of a lane, in the order of time.
type arrivals struct {
	times *schedule.Schedule
	index int64
	due   time.Duration
	more  bool
}

// run drives the lane until nothing is under way any more. It keeps its thread,
// whose priority and timers end with it.
func (l *lane) run(ctx context.Context) {
	runtime.LockOSThread()
	preciseTimers()
	l.cancel.Store(ctx.Err() != nil) // it may have waited for the name of the service
	defer context.AfterFunc(ctx, func() { l.cancel.Store(true); l.loop.Wake() })()
	defer context.AfterFunc(l.requests, func() { l.giveUp.Store(true); l.loop.Wake() })()
	l.drain()
	l.keep(l.slots)
	l.tick()
	l.hurry()
	l.begin()
	for {
		l.obey()
		l.expire()
		l.wake()
		l.arrive()
		l.serve()
		if l.alive == 0 && (l.stopped || l.load.Model == slo.Closed) {
			l.dismiss()
			return
		}
		l.rest()
		l.tick()
		if l.priority.watch(l.clock) {
			l.tell(l.clock)
		}
	}
}

// hurry raises the thread's priority for arrivals, where that is allowed and
// wished.
func (l *lane) hurry() {
	if l.load.Model != slo.Open {
		return
	}
	if !l.loader.opts.NormalPriority {
		l.priority.raise(l.clock)
	}
	l.tell(0)
}

// tell notes how arrivals are timed. lowered is when the priority was given
// back, 0 where it was not.
func (l *lane) tell(lowered time.Duration) {
	if l.number == 0 {
		l.setMode(l.pace.mode() + l.priority.describe(lowered))
	}
}

// tick reads the clocks.
func (l *lane) tick() {
	now := time.Now()
	l.clock = now.Sub(l.start)
	l.skew = now.UnixNano() - int64(l.clock)
}

// begin prepares the lane's part of the stage.
func (l *lane) begin() {
	l.listTimeouts()
	if l.timed() {
		l.shift = l.load.Duration
	}
	if l.load.Model == slo.Open {
		l.arrivals = arrivals{times: l.times(), index: l.firstIteration() - 1}
		l.nextArrival()
		return
	}
	for k := l.number; k < l.loader.opts.Shard.of(workersOf(l.load)); k += l.lanes {
		l.hire(k)
	}
}

// listTimeouts makes a list for each different timeout.
func (l *lane) listTimeouts() {
	number := map[time.Duration]int{}
	for _, st := range l.plan.all {
		if _, ok := number[st.timeout()]; !ok {
			number[st.timeout()] = len(l.waiting)
			l.waiting = append(l.waiting, deadlines{timeout: st.timeout()})
		}
	}
	for _, st := range l.plan.all {
		l.timeouts = append(l.timeouts, &l.waiting[number[st.timeout()]])
	}
}

// hire makes worker k of those that the shard has of a closed stage.
func (l *lane) hire(k int) {
	from, to := shiftOf(l.load, l.loader.opts.Shard.at(k))
	g := &guest{user: l.newUser(k), until: to, due: from, paused: longAgo}
	l.alive++
	if from > l.clock {
		g.wakes = from
		heap.Push(&l.resting, g)
		return
	}
	l.ready = append(l.ready, g)
}

// nextArrival finds the lane's next arrival.
func (l *lane) nextArrival() {
	a := &l.arrivals
	a.more = true
	for a.more {
		a.due, a.more = a.times.Next()
		a.index++
		if number, own := l.isOwn(a.index); own && int(number%int64(l.lanes)) == l.number {
			return
		}
	}
}

// obey does what was asked from outside and what the time asks for.
func (l *lane) obey() {
	if !l.stopped && (l.cancel.Load() || l.shift > 0 && l.clock >= l.shift) {
		l.stop()
	}
	if l.stopped && l.giveUp.Load() {
		l.abandon()
	}
	if l.part != nil && l.clock >= l.shift+vacates {
		l.keep(0)
	}
}

// stop ends the stage's load: what is under way goes on, what waits does not.
func (l *lane) stop() {
	if l.load.Model == slo.Open {
		if !l.cancel.Load() && l.clock < l.shift+settle {
			// The pacing's error leaves nothing unsent that was due.
			l.release(l.shift)
		}
		l.missArrivals()
		l.arrivalsEnd.Store(int64(l.clock))
	}
	l.stopped = true
	for l.crowd.len() > 0 {
		a := l.crowd.next()
		l.shard.waited(l.clock - a.queued)
		l.missed(a.iteration, a.due, l.missedAs(), false)
	}
	for l.inLine.len() > 0 {
		l.unserved(l.inLine.next())
	}
	for len(l.resting) > 0 {
		g := heap.Pop(&l.resting).(*guest)
		l.rested(g)
		l.leave(g)
	}
}

// missArrivals counts the arrivals that were due and that the lane did not
// come to.
func (l *lane) missArrivals() {
	own := !l.cancel.Load()
	for ; l.arrivals.more && l.arrivals.due <= l.clock; l.nextArrival() {
		l.missed(l.arrivals.index, l.arrivals.due, l.missedAs(), own)
	}
	l.arrivals.more = false
}

// abandon gives up every request under way.
func (l *lane) abandon() {
	for _, c := range l.conns {
		if c.guest != nil {
			l.fail(c.guest, context.Canceled)
		}
	}
}

// expire ends the requests whose time is over. Where the generator itself stood
// still, their answers may wait to be read: these come first.
func (l *lane) expire() {
	if !l.overdue() {
		return
	}
	for range 1 + len(l.conns)/epoll.Batch {
		l.collect(l.loop.Wait(0))
	}
	for i := range l.waiting {
		for g := l.waiting[i].first; g != nil && g.expires <= l.clock; g = l.waiting[i].first {
			l.fail(g, context.DeadlineExceeded)
		}
	}
}

// overdue reports whether some request's time is over.
func (l *lane) overdue() bool {
	for i := range l.waiting {
		if g := l.waiting[i].first; g != nil && g.expires <= l.clock {
			return true
		}
	}
	return false
}

// wake goes on with the guests whose pause is over.
func (l *lane) wake() {
	for len(l.resting) > 0 && l.resting[0].wakes <= l.clock {
		g := heap.Pop(&l.resting).(*guest)
		l.rested(g)
		l.since()
		l.proceed(g)
	}
}

// rested counts a guest's pause.
func (l *lane) rested(g *guest) {
	if g.paused != longAgo {
		l.shard.paused(max(min(g.due, l.clock)-g.paused, 0))
	}
	g.paused = longAgo
}

// arrive starts the arrivals that are due: in tick mode those that were so at
// the last tick.
func (l *lane) arrive() {
	if !l.stopped {
		l.release(l.pace.last(l.clock))
	}
}

// release starts the arrivals that were due until a moment.
func (l *lane) release(until time.Duration) {
	for ; l.arrivals.more && l.arrivals.due <= until; l.nextArrival() {
		a := queuedArrival{iteration: l.arrivals.index, due: l.arrivals.due}
		if l.slots == 0 {
			a.queued = l.since()
			l.crowd.add(a)
			continue
		}
		l.admit(a, 0)
	}
}

// since reads the stage's clock alone.
func (l *lane) since() time.Duration {
	l.clock = time.Since(l.start)
	return l.clock
}

// serve goes on with the guests that are ready and lets those in line have the
// free connections: users in the middle of an iteration first, so that
// iterations end.
func (l *lane) serve() {
	ready := l.ready
	l.ready = l.next[:0]
	for _, g := range ready {
		l.since()
		l.proceed(g)
	}
	l.next = ready
	for l.slots > 0 && l.inLine.len() > 0 {
		g := l.inLine.next()
		g.wait = l.since() - g.queued
		l.shard.waited(g.wait)
		l.request(g)
	}
	for l.slots > 0 && l.crowd.len() > 0 {
		a := l.crowd.next()
		l.admit(a, l.since()-a.queued)
	}
}

// admit lets a user do the iteration of an arrival that waited for a
// connection.
func (l *lane) admit(a queuedArrival, wait time.Duration) {
	g := l.user()
	g.due, g.wait, g.held = a.due, wait, true
	l.slots--
	l.alive++
	if wait > 0 {
		l.shard.waited(wait)
	}
	l.shard.arrived(l.since() - a.due - wait)
	g.enter(l.plan, a.iteration)
	g.arrived, g.owes = a.due, g.starts
	l.proceed(g)
}

// user returns a free user of an open stage or a new one.
func (l *lane) user() *guest {
	if last := len(l.away) - 1; last >= 0 {
		g := l.away[last]
		l.away = l.away[:last]
		return g
	}
	number := l.users*l.lanes + l.number
	l.users++
	return &guest{user: l.newUser(number), paused: longAgo}
}

func (l *lane) newUser(number int) *user {
	u := newUser(l.numbers.of(number), l.seed, l.shard)
	u.session, u.rows = l.loader.sessions.take(u.number), l.rowNumbers()
	return u
}

// leave ends a guest's iteration for good.
func (l *lane) leave(g *guest) {
	if g.owes {
		g.owes = false
		l.missed(g.iteration, g.arrived, l.missedAs(), false)
	}
	if g.scenario != nil {
		l.passed(l.shard, g.scenario, &g.pass, !g.starts && g.at == len(g.list))
	}
	l.letGo(g)
	l.alive--
	if l.load.Model == slo.Closed {
		l.loader.sessions.give(g.user)
	} else {
		g.scenario = nil
		l.away = append(l.away, g)
	}
}

// dismiss takes back what the users of an open stage carried along.
func (l *lane) dismiss() {
	for _, g := range l.away {
		l.loader.sessions.give(g.user)
	}
}

func (l *lane) letGo(g *guest) {
	if g.held {
		g.held = false
		l.slots++
	}
}

// rest waits until something happens or is due.
func (l *lane) rest() {
	next := l.nextMoment() - l.since()
	switch {
	case len(l.ready) > 0, len(l.again) > 0:
		next = 0
	case l.blocked == 0 && l.arrivals.more && l.pace.naps(l.clock, l.arrivals.due):
		l.loop.Nap(next)
		next = 0
	}
	l.collect(l.loop.Wait(next))
}

// nextMoment is when the lane has something to do by itself.
func (l *lane) nextMoment() time.Duration {
	next := time.Duration(math.MaxInt64)
	if !l.stopped {
		if l.shift > 0 {
			next = l.shift
		}
		if l.arrivals.more {
			next = min(next, l.pace.next(l.arrivals.due))
		}
	}
	if l.part != nil && len(l.idle) > 0 {
		next = min(next, l.shift+vacates)
	}
	if len(l.resting) > 0 {
		next = min(next, l.resting[0].wakes)
	}
	for i := range l.waiting {
		if g := l.waiting[i].first; g != nil {
			next = min(next, g.expires)
		}
	}
	return next
}
