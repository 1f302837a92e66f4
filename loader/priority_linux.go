//go:build amd64 || arm64

package loader

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slogate/slogate/quantity"
)

const (
	// mostRaised is the share of a core that a thread may use with a raised
	// priority: less than it would get of a core that it shares with one busy
	// thread, so that the service has no less of it than without.
	mostRaised = 0.4
	// raisedWindow is how often the share is looked at.
	raisedWindow = 100 * time.Millisecond
)

// priority is the scheduling priority of a lane's thread. A raised one (the
// first of SCHED_FIFO) lets the thread run as soon as an arrival is due,
// whatever else the machine does. It takes root or CAP_SYS_NICE.
type priority struct {
	raised bool
	looked time.Duration // when the share was looked at last
	used   time.Duration // the thread's processor time then
}

// raise asks for a raised priority, which ends with the thread. Threads that
// the runtime starts from here have the normal one.
func (p *priority) raise(now time.Duration) {
	err := unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK}, 0)
	p.raised, p.looked, p.used = err == nil, now, threadTime()
}

// watch gives a raised priority back when the thread uses more than its share,
// and reports whether it did.
func (p *priority) watch(now time.Duration) bool {
	if !p.raised || now-p.looked < raisedWindow {
		return false
	}
	used := threadTime()
	share := float64(used-p.used) / float64(now-p.looked)
	p.looked, p.used = now, used
	if share <= mostRaised {
		return false
	}
	// A wish to be less important is never refused.
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_NORMAL}, 0)
	p.raised = false
	return true
}

// describe says for a report what became of the wish.
func (p *priority) describe(lowered time.Duration) string {
	switch {
	case p.raised:
		return ", raised priority"
	case lowered > 0:
		return fmt.Sprintf(", raised priority until %s: then it used more than %s of a core", quantity.Duration(lowered.Round(raisedWindow)), quantity.Share(mostRaised))
	}
	return ""
}

// threadTime is the processor time that the calling thread has used.
func threadTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
