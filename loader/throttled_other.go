//go:build !linux

package loader

import "time"

// throttled is unknown here: no CPU limit holds a process back.
func throttled() time.Duration { return 0 }
