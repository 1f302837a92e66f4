//go:build linux

package faults

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func machineFaults() []fault {
	passed := outcome{0, "pass", allFiles}
	limited := outcome{3, "inconclusive", allFiles}
	// prepared loads a good service by a slogate that a shell starts.
	prepared := func(script string, change func(*plan)) func(*testing.T, *bed) ending {
		return func(t *testing.T, b *bed) ending {
			needRoot(t)
			b.via = shell(script)
			p := counted(serve(t, good).url)
			if change != nil {
				change(&p)
			}
			return b.run(t, p)
		}
	}
	return []fault{
		{
			group: "machine", name: "the disk is full when the files are written: the printed verdict counts", want: outcome{0, "", noFiles},
			inject: func(t *testing.T, b *bed) ending {
				needRoot(t)
				// A disk of a page that something else uses, and what is on it when
				// slogate has ended.
				via := shell(`mkdir disk out && mount -t tmpfs -o size=4k tmpfs disk && head -c 4096 /dev/zero > disk/other && "$@"; code=$?; cp disk/* out && exit $code`)
				b.write(t, "slo.yaml", counted(serve(t, good).url).String())
				return b.start(t, call{via: via, args: []string{"run", "--out", "disk", "slo.yaml"}}).wait(t)
			},
			says: []string{"no space left on device", "Verdict: pass"},
		},
		{
			group: "machine", name: "the workspace is read-only", want: outcome{2, "", noFiles},
			inject: prepared(`mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && exec "$@"`, nil),
			says:   []string{"output folder out: read-only file system", "name another folder with --out"},
		},
		{
			group: "machine", name: "the output folder belongs to another user", want: outcome{2, "", noFiles},
			inject: func(t *testing.T, b *bed) ending {
				needRoot(t)
				b.open(t)
				if err := os.Mkdir(b.path("out"), 0o755); err != nil {
					t.Fatal(err)
				}
				b.via = []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"}
				return b.run(t, counted(serve(t, good).url))
			},
			says: []string{"output folder out: permission denied", "name another folder with --out"},
		},
		{
			group: "machine", name: "the output folder is a file", want: outcome{2, "", noFiles},
			inject: func(t *testing.T, b *bed) ending {
				b.write(t, "out", "")
				return b.run(t, counted(serve(t, good).url))
			},
			says: []string{"output folder out: not a directory"},
		},
		{
			group: "machine", name: "the output folder is deleted in the run: it is made again", want: passed,
			inject: func(t *testing.T, b *bed) ending {
				s := serve(t, after(100, func(s *server, c net.Conn, n int64) bool {
					os.RemoveAll(b.path("out"))
					return good(s, c, n)
				}))
				return b.run(t, counted(s.url))
			},
			says: []string{"written: out/slogate-result.json"},
		},
		{
			group: "machine", name: "64 MiB of memory, 10,000 requests", want: passed,
			inject: func(t *testing.T, b *bed) ending {
				b.via = group(t, "memory", "64M")
				p := counted(serve(t, good).url)
				p.stage = "requests: 10000, workers: 50"
				return b.run(t, p)
			},
			says: []string{"the only objective is met"},
		},
		{
			group: "machine", name: "a fifth of a core for slogate, at 20,000/s with the portable engine", want: limited,
			inject: func(t *testing.T, b *bed) ending {
				b.via = group(t, "cpu", "20000 100000")
				p := steady(launch(t, "127.0.0.1:0").url())
				p.http, p.stage, p.objectives = "timeout: 10s", "rate: 20000/s, duration: 3s", []string{"p95 <= 40ms"}
				return b.run(t, p, "--engine", "portable")
			},
			says: []string{"generator limited", "held back by a CPU limit"},
		},
		{
			group: "machine", name: "64 open files, a service that needs 100 connections", want: limited,
			inject: func(t *testing.T, b *bed) ending {
				b.via = shell(`ulimit -n 64 && exec "$@"`)
				p := steady(serve(t, func(s *server, c net.Conn, n int64) bool {
					time.Sleep(time.Second) // what the service takes
					return good(s, c, n)
				}).url)
				p.http = "timeout: 5s"
				return b.run(t, p)
			},
			says: []string{"generator limited", "open files"},
		},
		{
			group: "machine", name: "16 threads at most", want: passed,
			inject: func(t *testing.T, b *bed) ending {
				b.via = group(t, "pids", "16")
				return b.run(t, counted(serve(t, good).url))
			},
			says: []string{"the only objective is met"},
		},
		{
			group: "machine", name: "no /proc", want: passed,
			inject: prepared(`mount -t tmpfs tmpfs /proc && exec "$@"`, nil),
			says:   []string{"the only objective is met"},
		},
		{
			group: "machine", name: "no /tmp", want: passed,
			inject: prepared(`exec 9< "$1" && shift && mount -t tmpfs -o ro tmpfs /tmp && TMPDIR=/nowhere exec /proc/self/fd/9 "$@"`, nil),
			says:   []string{"the only objective is met"},
		},
		{
			group: "machine", name: "standard output is closed (slogate run | head -1)", want: passed,
			inject: func(t *testing.T, b *bed) ending {
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				r.Close()
				defer w.Close()
				return b.printing(t, w)
			},
			says: []string{"broken pipe"},
		},
		{
			group: "machine", name: "standard output is full", want: passed,
			inject: func(t *testing.T, b *bed) ending {
				full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer full.Close()
				return b.printing(t, full)
			},
			says: []string{"no space left on device"},
		},
		{
			group: "machine", name: "the clock is set an hour ahead in a stage", want: passed,
			inject: stepping(time.Hour),
			says:   []string{"all 2 objectives are met"},
		},
		{
			group: "machine", name: "the clock is set an hour back in a stage", want: passed,
			inject: stepping(-time.Hour),
			says:   []string{"all 2 objectives are met"},
		},
	}
}

// printing runs slogate with this as its standard output.
func (b *bed) printing(t *testing.T, stdout *os.File) ending {
	t.Helper()
	b.write(t, "slo.yaml", counted(serve(t, good).url).String())
	return b.start(t, call{args: []string{"run", "--out", "out", "slo.yaml"}, stdout: stdout}).wait(t)
}

// open lets every user reach the workspace and the program.
func (b *bed) open(t *testing.T) {
	t.Helper()
	for _, path := range []string{b.dir, b.binary} {
		for dir := path; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// shell starts slogate by a script, in a mount namespace of its own: "$@" is
// the call.
func shell(script string) []string {
	return []string{"unshare", "--mount", "--", "sh", "-c", script, "sh"}
}

var cgroups atomic.Int64

// group starts slogate in a control group with one limit, written as version 2
// of control groups does.
func group(t *testing.T, controller, limit string) []string {
	t.Helper()
	needRoot(t)
	name := fmt.Sprintf("slogate-%d-%d", os.Getpid(), cgroups.Add(1))
	dir := filepath.Join("/sys/fs/cgroup", name)
	files := map[string]string{controller + ".max": limit}
	if old := filepath.Join("/sys/fs/cgroup", controller); isDir(old) { // version 1
		dir = filepath.Join(old, name)
		switch quota, period, _ := strings.Cut(limit, " "); controller {
		case "memory":
			files = map[string]string{"memory.limit_in_bytes": limit}
		case "cpu":
			files = map[string]string{"cpu.cfs_period_us": period, "cpu.cfs_quota_us": quota}
		}
	} else if err := os.WriteFile("/sys/fs/cgroup/cgroup.subtree_control", []byte("+"+controller), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	for file, value := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(value), 0); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"sh", "-c", fmt.Sprintf(`echo $$ > %s/cgroup.procs && exec "$@"`, dir), "sh"}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
