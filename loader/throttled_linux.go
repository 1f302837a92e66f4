package loader

import (
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// throttled is how long a CPU limit has held this process's control group back
// so far, summed over the processors, and 0 where there is no such limit.
func throttled() time.Duration {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	for _, file := range cpuStats(string(groups)) {
		if text, err := os.ReadFile(file); err == nil {
			return throttledIn(string(text))
		}
	}
	return 0
}

// cpuStats lists where the statistics of a process's CPU limit may be, from what
// its /proc/PID/cgroup says: those of its group, and of the mounted root, which
// is the group of a container that sees nothing above itself.
func cpuStats(groups string) []string {
	const root, stat = "/sys/fs/cgroup", "cpu.stat"
	var all []string
	for line := range strings.Lines(groups) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch controllers := fields[1]; {
		case controllers == "": // version 2
			all = append(all, path.Join(root, path.Clean("/"+fields[2]), stat), path.Join(root, stat))
		case strings.Contains(","+controllers+",", ",cpu,"):
			// The limit is where the CPU controller is, whatever else is mounted.
			mount := path.Join(root, controllers)
			all = append([]string{path.Join(mount, path.Clean("/"+fields[2]), stat), path.Join(mount, stat)}, all...)
		}
	}
	return all
}

// throttledIn reads cpu.stat of a control group, of version 1 or 2.
func throttledIn(stat string) time.Duration {
	for line := range strings.Lines(stat) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			continue
		}
		switch key {
		case "throttled_usec":
			return time.Duration(n) * time.Microsecond
		case "throttled_time":
			return time.Duration(n)
		}
	}
	return 0
}
