//go:build unix

package action

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestHandOver(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	s := newStep(t, nil)
	outside := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(s.dir, "a", "b"), 0o755))
	must(os.WriteFile(filepath.Join(s.dir, "a", "b", "result.json"), nil, 0o600))
	must(os.WriteFile(filepath.Join(s.dir, "other"), nil, 0o600))
	must(os.WriteFile(filepath.Join(outside, "file"), nil, 0o600))
	must(os.Symlink(outside, filepath.Join(s.dir, "link")))
	must(os.Chown(s.dir, 1234, 5678))

	s.HandOver("a/b/result.json", filepath.Join(outside, "file"), "../x", "link/file", "missing")

	for path, want := range map[string]uint32{
		filepath.Join(s.dir, "a"): 1234, filepath.Join(s.dir, "a", "b"): 1234,
		filepath.Join(s.dir, "a", "b", "result.json"): 1234, filepath.Join(s.dir, "other"): 0,
		outside: 0, filepath.Join(outside, "file"): 0,
	} {
		info, err := os.Stat(path)
		must(err)
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
			t.Errorf("owner of %s = %d, want %d", path, got, want)
		}
	}
}
