package demo

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadCPU is the CPU time that the calling thread has used.
func threadCPU() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		panic("demo: no clock of the thread: " + err.Error()) // Linux has had it since 2.6.12
	}
	return time.Duration(now.Nano())
}
