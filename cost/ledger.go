package cost

import (
	"cmp"
	"slices"
	"time"
)

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
	ended := map[identity]time.Duration{} // children's time by parent
	for _, t := range now {
		seen[t.id()] = t
		before, known := l.last[t.id()]
		switch {
		case known:
			l.total += max(t.own-before.own, 0)
			ended[t.id()] = t.children - before.children
		case l.last != nil:
			l.total += t.own + t.children
		}
	}
	for _, c := range l.counted(seen) {
		// Where the parent ended first nobody above has waited for its child.
		if c.generations == 1 || ended[c.in]+unrounded >= c.used {
			ended[c.in] -= c.used
		}
	}
	for _, d := range ended {
		l.total += max(d, 0)
	}
	l.last = seen
	return l.total
}

// unrounded is by how much the children's time of a process can grow less than
// they have used: it is read in hundredths of a second, of user and of system.
const unrounded = 20 * time.Millisecond

// counted is the time of a process that is gone, which was counted before, and
// the nearest process above it that is still there: that one's children's time
// holds it when all between them have been waited for.
type counted struct {
	in          identity
	generations int // 1: its child
	used        time.Duration
}

// counted lists what is gone, children first.
func (l *ledger) counted(seen map[identity]task) []counted {
	byNumber := make(map[int]task, len(l.last))
	for _, t := range l.last {
		byNumber[t.pid] = t
	}
	var all []counted
	for id, t := range l.last {
		if _, alive := seen[id]; alive {
			continue
		}
		at, alive := t, false
		for generations := 1; generations <= len(l.last) && !alive; generations++ {
			above, known := byNumber[at.parent]
			if !known {
				break
			}
			if _, alive = seen[above.id()]; alive {
				all = append(all, counted{above.id(), generations, t.own + t.children})
			}
			at = above
		}
	}
	slices.SortFunc(all, func(a, b counted) int {
		return cmp.Or(cmp.Compare(a.generations, b.generations), cmp.Compare(b.used, a.used))
	})
	return all
}
