package loader

import (
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// throttled is how long CPU limits have held this process's control group back so
// far, its own limit and those of the groups around it, and 0 where there are
// none. The kernel adds up its processors: where several were held back at the
// same time it is more than time.
func throttled() time.Duration {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	var all time.Duration
	for _, file := range cpuStats(string(groups)) {
		if text, err := os.ReadFile(file); err == nil {
			all += throttledIn(string(text))
		}
	}
	return all
}

// cpuStats lists where the statistics of a process's CPU limit may be, from what
// its /proc/PID/cgroup says: those of its group and of all around it, up to the
// mounted root, which is the group of a container that sees nothing above itself.
func cpuStats(groups string) []string {
	const root = "/sys/fs/cgroup"
	var all []string
	for line := range strings.Lines(groups) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch controllers := fields[1]; {
		case controllers == "": // version 2
			all = append(all, statsUpTo(root, fields[2])...)
		case strings.Contains(","+controllers+",", ",cpu,"):
			// The limit is where the CPU controller is, whatever else is mounted.
			all = append(all, statsUpTo(path.Join(root, controllers), fields[2])...)
		}
	}
	return all
}

func statsUpTo(mount, group string) []string {
	var all []string
	for at := path.Clean("/" + group); ; at = path.Dir(at) {
		all = append(all, path.Join(mount, at, "cpu.stat"))
		if at == "/" {
			return all
		}
	}
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
