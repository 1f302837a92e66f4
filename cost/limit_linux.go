package cost

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/slogate/slogate/result"
)

// ownLimit is the statistics file of a process's control group (version 2),
// empty where it shares this process's group or the whole machine's: what is
// throttled there is not the service alone.
func ownLimit(pid int) string {
	group := groupOf(strconv.Itoa(pid))
	if group == "" || group == "/" || group == groupOf("self") {
		return ""
	}
	path := filepath.Join("/sys/fs/cgroup", filepath.Clean("/"+group), "cpu.stat")
	if _, err := readThrottling(path); err != nil {
		return ""
	}
	return path
}

func groupOf(pid string) string {
	text, _ := os.ReadFile(filepath.Join("/proc", pid, "cgroup"))
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return path
		}
	}
	return ""
}

func readThrottling(path string) (*result.Throttling, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseThrottling(string(text))
}

// parseThrottling reads cpu.stat of a control group.
func parseThrottling(text string) (*result.Throttling, error) {
	var t result.Throttling
	found := 0
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			continue
		}
		found++
		switch key {
		case "nr_periods":
			t.Periods = n
		case "nr_throttled":
			t.Throttled = n
		case "throttled_usec":
			t.Waited = time.Duration(n) * time.Microsecond
		default:
			found--
		}
	}
	if found < 3 {
		return nil, errors.New("no statistics of a CPU limit")
	}
	return &t, nil
}
