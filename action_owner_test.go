//go:build unix

package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// The folder of a run that loaded nothing belongs to the workspace's owner, too:
// on a self-hosted runner the next job could not delete it.
func TestOwnerOfARefusedRunsFolder(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	const owner = 1234
	for name, env := range map[string]map[string]string{
		"not ready": nil,
		"a shard":   {"INPUT_SHARD": "1/2", "INPUT_SEED": "1"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			t.Chdir(j.dir)
			j.env["INPUT_OUT"] = "perf/out"
			j.write(t, "slo.yaml", strings.Replace(sloFile("iris", "http://"+deadAddress, "p95 <= 30s"), "timeout: 20s", "timeout: 100ms", 1))
			if err := os.Chown(j.dir, owner, owner); err != nil {
				t.Fatal(err)
			}
			if code, log := j.run(t, env); code == exitPass {
				t.Fatal(log)
			}
			for _, path := range []string{"perf", "perf/out"} {
				info, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				if got := info.Sys().(*syscall.Stat_t).Uid; got != owner {
					t.Errorf("%s belongs to %d", path, got)
				}
			}
		})
	}
}
