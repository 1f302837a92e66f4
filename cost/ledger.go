package cost

import "time"

// task is a process of the service at a moment.
type task struct {
	pid, parent int
	born        uint64        // when it was started, to tell it from a later one of the same number
	own         time.Duration // processor time of all of its threads, those that have ended included
	children    time.Duration // of its children that have ended and were waited for, and of theirs
	memory      int64         // resident bytes
	name        string
}

// identity of a process: numbers are used again.
type identity struct {
	pid  int
	born uint64
}

func (t task) id() identity { return identity{t.pid, t.born} }

// ledger adds up what the processes of a service use while some end and others
// begin.
type ledger struct {
	last  map[identity]task
	total time.Duration
}

// advance takes the processes of now and returns all that was used since the
// first call.
//
// A process that is new has used all of its time since the last call. One that
// is gone was waited for by its parent, whose children's time then holds what
// was counted of it before, or by nobody, and then its last moments are lost.
func (l *ledger) advance(now []task) time.Duration {
	seen := make(map[identity]task, len(now))
	ended := map[int]time.Duration{} // children's time by parent
	for _, t := range now {
		seen[t.id()] = t
		before, known := l.last[t.id()]
		switch {
		case known:
			l.total += max(t.own-before.own, 0)
			ended[t.pid] += t.children - before.children
		case l.last != nil:
			l.total += t.own + t.children
		}
	}
	for id, t := range l.last {
		if _, alive := seen[id]; !alive {
			ended[t.parent] -= t.own + t.children
		}
	}
	for _, d := range ended {
		l.total += max(d, 0)
	}
	l.last = seen
	return l.total
}
