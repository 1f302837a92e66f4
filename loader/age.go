package loader

import (
	"math"
	"sync/atomic"
	"time"
)

// lives says how long connections carry requests. Behind a load balancer that
// distributes connections, such as Kubernetes' kube-proxy, a server that is
// added later gets nothing from connections that stay. Nil: they stay.
type lives struct {
	longest time.Duration
	opened  atomic.Uint32
}

func newLives(longest time.Duration) *lives {
	if longest <= 0 {
		return nil
	}
	return &lives{longest: longest}
}

// until is when a connection that is opened now carries no further request:
// after half of the longest life up to all of it. Those that are opened at the
// same time end one after the other, by the multiples of the golden ratio, which
// lie evenly however many there are.
func (l *lives) until(now time.Time) time.Time {
	if l == nil {
		return time.Time{}
	}
	_, part := math.Modf(float64(l.opened.Add(1)) / math.Phi)
	return now.Add(time.Duration((1 - part/2) * float64(l.longest)))
}

// over reports whether the life of a connection has ended.
func (l *lives) over(until time.Time) bool { return l != nil && time.Now().After(until) }
