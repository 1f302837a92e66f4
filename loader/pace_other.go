//go:build !linux

package loader

import "time"

func preciseTimers() {}

// sleepExactly sleeps d, as exactly as the Go runtime can.
func sleepExactly(d time.Duration) { time.Sleep(d) }
