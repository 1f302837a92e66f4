package loader

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCPUStats(t *testing.T) {
	for name, c := range map[string]struct {
		groups string
		want   []string
	}{
		"version 2": {"0::/user.slice/run.scope\n", []string{
			"/sys/fs/cgroup/user.slice/run.scope/cpu.stat", "/sys/fs/cgroup/user.slice/cpu.stat", "/sys/fs/cgroup/cpu.stat",
		}},
		"version 1 beside version 2": {"4:memory:/a\n3:cpu,cpuacct:/job\n0::/\n", []string{
			"/sys/fs/cgroup/cpu,cpuacct/job/cpu.stat", "/sys/fs/cgroup/cpu,cpuacct/cpu.stat", "/sys/fs/cgroup/cpu.stat",
		}},
		"no CPU controller": {"2:cpuset:/a\n1:cpuacct:/b\n", nil},
		"a way out":         {"0::/../../etc\n", []string{"/sys/fs/cgroup/etc/cpu.stat", "/sys/fs/cgroup/cpu.stat"}},
		"garbage":           {"x\n::\n", []string{"/sys/fs/cgroup/cpu.stat"}},
	} {
		if diff := cmp.Diff(c.want, cpuStats(c.groups)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestThrottledIn(t *testing.T) {
	for stat, want := range map[string]time.Duration{
		"usage_usec 5\nnr_throttled 3\nthrottled_usec 1500\n": 1500 * time.Microsecond,
		"nr_periods 7\nthrottled_time 2500\n":                 2500,
		"usage_usec 5\n":                                      0,
		"throttled_usec -1\nthrottled_usec x\n":               0,
	} {
		if got := throttledIn(stat); got != want {
			t.Errorf("%q: %v, want %v", stat, got, want)
		}
	}
}
