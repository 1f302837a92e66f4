package cost

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// pids are the numbers of all processes that can be seen.
func pids() []int {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1) // what was read until an error is all that there is
	var all []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			all = append(all, pid)
		}
	}
	slices.Sort(all)
	return all
}

// readStat reads a process's line of proc_pid_stat(5).
func readStat(pid int) (task, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return task{}, err
	}
	return parseStat(string(text))
}

// perTick is a tick of USER_HZ, which is 100 on every architecture that Go runs
// on.
const perTick = time.Second / 100

// parseStat reads a line of proc_pid_stat(5). The second field, the program's
// name, may hold blanks and brackets.
func parseStat(line string) (task, error) {
	const parent, user, system, childUser, childSystem, born, resident, count = 1, 11, 12, 13, 14, 19, 21, 22
	open, closing := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 1 || closing < open {
		return task{}, errors.New("no line of a process")
	}
	fields := strings.Fields(line[closing+1:])
	if len(fields) < count {
		return task{}, errors.New("too short a line of a process")
	}
	var wrong error
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		wrong = cmp.Or(wrong, err)
		return n
	}
	t := task{
		pid:      int(number(strings.TrimSpace(line[:open]))),
		name:     line[open+1 : closing],
		parent:   int(number(fields[parent])),
		own:      perTick * time.Duration(number(fields[user])+number(fields[system])),
		children: perTick * time.Duration(number(fields[childUser])+number(fields[childSystem])),
		born:     uint64(number(fields[born])),
		memory:   number(fields[resident]) * int64(os.Getpagesize()),
	}
	return t, wrong
}

// cpuClock reads the processor time of all threads of a process, those that
// have ended included, in nanoseconds: the clock that clock_getcpuclockid(3)
// names. Unlike /proc/PID/schedstat it holds more than the first thread, and
// unlike /proc/PID/stat it does not count in hundredths of a second. The time of
// a thread that runs on another core right now is up to a tick of the scheduler
// old.
func cpuClock(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()), nil
}

// memoryOf is the resident memory of the processes. What several share counts
// once, where the system tells: their proportional set sizes.
func memoryOf(tasks []task) int64 {
	var resident, proportional int64
	for _, t := range tasks {
		resident += t.memory
	}
	if len(tasks) == 1 {
		return resident
	}
	for _, t := range tasks {
		size, ok := proportionalSize(t.pid)
		if !ok {
			return resident
		}
		proportional += size
	}
	return proportional
}

// proportionalSize reads the Pss line of proc_pid_smaps_rollup(5), in kB.
func proportionalSize(pid int) (int64, bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(text) {
		if fields := bytes.Fields(line); len(fields) == 3 && string(fields[0]) == "Pss:" {
			kB, err := strconv.ParseInt(string(fields[1]), 10, 48)
			return kB << 10, err == nil
		}
	}
	return 0, false
}
