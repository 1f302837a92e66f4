package cost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"
)

// processes reads a service that is a process of this machine, with all that
// descend from it.
type processes struct {
	at     []netip.AddrPort
	roots  []int  // those that hold the listening socket
	limit  string // cpu.stat of the service's own control group; empty: it has none
	coarse bool   // the system counts in ticks alone
	now    []task
	ledger ledger

	reads     int
	strangers map[int]bool // processes that are not the service's
}

// findProcess finds the processes that listen at one of the addresses.
func findProcess(at []netip.AddrPort) (Source, error) {
	local, err := localOnes(at)
	if err != nil {
		return nil, err
	}
	s := &processes{at: local}
	if err := s.find(); err != nil {
		return nil, err
	}
	if _, err := cpuClock(s.roots[0]); err != nil {
		s.coarse = true
	}
	return s, nil
}

// find looks for the holders of the listening socket.
func (s *processes) find() error {
	sockets, err := listening(s.at)
	if err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	holders, hidden := holdersOf(sockets)
	if len(holders) > 1 {
		// Of a socket that was handed on, the first process only keeps it.
		holders = slices.DeleteFunc(holders, func(pid int) bool { return pid == 1 })
	}
	switch {
	case len(holders) == 0 && hidden > 0:
		return fmt.Errorf("/proc: the process that listens at %v is another user's or in a container", s.at[0])
	case len(holders) == 0:
		return fmt.Errorf("/proc: no process here listens at %v", s.at[0])
	case slices.Contains(holders, os.Getpid()):
		return errors.New("/proc: the target is this process")
	}
	for _, pid := range holders {
		if why := forwarders[nameOf(pid)]; why != "" {
			return errors.New("/proc: " + why)
		}
	}
	s.roots, s.reads = holders, 0
	s.limit = ownLimit(holders[0])
	return nil
}

// Read adds up what all processes of the service have used. It looks for them
// again where the one that listened has ended.
func (s *processes) Read(context.Context) (Reading, error) {
	tasks := s.family()
	if len(tasks) == 0 {
		if err := s.find(); err != nil {
			return Reading{}, err
		}
		if tasks = s.family(); len(tasks) == 0 {
			return Reading{}, errors.New("/proc: the process that listened has ended")
		}
	}
	s.now = tasks
	r := Reading{At: time.Now(), CPU: s.ledger.advance(tasks), Memory: memoryOf(tasks)}
	if s.limit != "" {
		if t, err := readThrottling(s.limit); err == nil {
			r.Throttling = t
		}
	}
	return r, nil
}

// lookAround is after how many readings every process of the machine is looked
// at again. In between only new ones are: to read all takes milliseconds. A
// number that was used again meanwhile is then seen for what it is.
const lookAround = 20

// family are the roots and everything that descends from them, but not this
// process and its own.
func (s *processes) family() []task {
	if s.reads%lookAround == 0 {
		s.strangers = map[int]bool{}
	}
	s.reads++
	all := map[int]task{}
	for _, pid := range pids() {
		if s.strangers[pid] {
			continue
		}
		if t, err := readStat(pid); err == nil {
			all[pid] = t
		}
	}
	var out []task
	for pid, t := range all {
		if !s.descends(pid, all) {
			s.strangers[pid] = true
			continue
		}
		if !s.coarse {
			if own, err := cpuClock(pid); err == nil {
				t.own = own
			} else if before, known := s.ledger.last[t.id()]; known {
				t.own = before.own // it has just ended
			}
		}
		out = append(out, t)
	}
	return out
}

// descends reports whether a process is one of the roots or below one, or was
// before its parent ended.
func (s *processes) descends(pid int, all map[int]task) bool {
	for range len(all) {
		t, known := all[pid]
		if !known || pid == os.Getpid() {
			return false
		}
		if _, was := s.ledger.last[t.id()]; was || slices.Contains(s.roots, pid) {
			return true
		}
		pid = t.parent
	}
	return false
}

// shares reports whether another source reads one of these processes.
func (s *processes) shares(other Source) bool {
	o, isProcess := other.(*processes)
	return isProcess && slices.ContainsFunc(s.now, func(t task) bool {
		return slices.ContainsFunc(o.now, func(u task) bool { return t.id() == u.id() })
	})
}

func (s *processes) String() string {
	main := slices.MinFunc(s.now, func(a, b task) int { return cmp.Compare(a.born, b.born) })
	text := fmt.Sprintf("process %d (%s)", main.pid, main.name)
	switch others := len(s.now) - 1; {
	case others == 1:
		text += " and 1 child"
	case others > 1:
		text += fmt.Sprintf(" and %d children", others)
	}
	return text + ", from /proc"
}

// Resolution is a nanosecond where the clocks of processes can be read.
func (s *processes) Resolution() time.Duration {
	if s.coarse {
		return perTick
	}
	return 1
}
