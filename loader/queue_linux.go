//go:build amd64 || arm64

package loader

import "time"

// deadlines holds guests whose requests have the same timeout, in the order in
// which they were started: the first one is the first to expire.
type deadlines struct {
	timeout     time.Duration
	first, last *guest
}

func (d *deadlines) add(g *guest, start time.Duration) {
	g.expires, g.deadlines = start+d.timeout, d
	g.before, g.after = d.last, nil
	if d.last != nil {
		d.last.after = g
	} else {
		d.first = g
	}
	d.last = g
}

// remove takes a guest out of the list that it is in, if any.
func (g *guest) met() {
	d := g.deadlines
	if d == nil {
		return
	}
	if g.before != nil {
		g.before.after = g.after
	} else {
		d.first = g.after
	}
	if g.after != nil {
		g.after.before = g.before
	} else {
		d.last = g.before
	}
	g.deadlines, g.before, g.after = nil, nil, nil
}

// alarms is a heap of guests by the time at which they wake up, for
// container/heap.
type alarms []*guest

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].wakes < a[j].wakes }
func (a alarms) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

// Push is called by container/heap.
func (a *alarms) Push(x any) { *a = append(*a, x.(*guest)) }

// Pop is called by container/heap.
func (a *alarms) Pop() any {
	last := len(*a) - 1
	g := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return g
}

// line is a queue: first in, first out.
type line[T any] struct {
	items []T
	head  int
}

func (l *line[T]) len() int { return len(l.items) - l.head }

func (l *line[T]) add(item T) {
	if l.head > 1024 && l.head > len(l.items)/2 {
		l.items = append(l.items[:0], l.items[l.head:]...)
		l.head = 0
	}
	l.items = append(l.items, item)
}

// next takes the first item out of a line that is not empty.
func (l *line[T]) next() T {
	item := l.items[l.head]
	var none T
	l.items[l.head] = none
	l.head++
	return item
}
