package loader

import (
	"context"
	"slices"
	"sync"
	"time"
)

// arrival is one scheduled start of a scenario.
type arrival struct {
	iteration int64
	due       time.Time
	queued    time.Time     // when it found no slot
	wait      time.Duration // for a slot
}

// slots bounds the requests in flight. Who finds none waits in line: users in
// the middle of an iteration first, so that iterations end, then arrivals. An
// arrival in line is a few words, not a goroutine: a rate that the service
// cannot follow piles up a lot of them.
type slots struct {
	start func(arrival) // starts an arrival that holds a slot

	mu       sync.Mutex
	free     int
	users    []chan struct{}
	arrivals []arrival
	ended    bool
}

func newSlots(n int) *slots { return &slots{free: n} }

// acquire takes a slot for a user, and says whether it had to wait. It reports
// false when ctx ended first.
func (s *slots) acquire(ctx context.Context) (waited, ok bool) {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return false, true
	}
	turn := make(chan struct{})
	s.users = append(s.users, turn)
	s.mu.Unlock()
	select {
	case <-turn:
		return true, true
	case <-ctx.Done():
	}
	s.mu.Lock()
	i := slices.Index(s.users, turn)
	if i >= 0 {
		s.users = slices.Delete(s.users, i, i+1)
	}
	s.mu.Unlock()
	if i < 0 {
		s.release() // it was this user's turn at the same moment
	}
	return true, false
}

// arrive starts an arrival, at once or when a slot is free.
func (s *slots) arrive(a arrival) {
	s.mu.Lock()
	if s.free == 0 {
		a.queued = time.Now()
		s.arrivals = append(s.arrivals, a)
		s.mu.Unlock()
		return
	}
	s.free--
	s.mu.Unlock()
	s.start(a)
}

// release gives a slot back, or to the next in line.
func (s *slots) release() {
	s.mu.Lock()
	if len(s.users) > 0 {
		close(s.users[0])
		s.users = s.users[1:]
		s.mu.Unlock()
		return
	}
	if s.ended || len(s.arrivals) == 0 {
		s.free++
		s.mu.Unlock()
		return
	}
	a := s.arrivals[0]
	s.arrivals = s.arrivals[1:]
	s.mu.Unlock()
	a.wait = time.Since(a.queued)
	s.start(a)
}

// end starts no further arrival and returns those in line.
func (s *slots) end() []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	return s.arrivals
}
