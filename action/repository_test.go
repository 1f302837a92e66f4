package action

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRepositoryPath(t *testing.T) {
	workspace := t.TempDir()
	folder := func(path string) {
		if err := os.MkdirAll(filepath.Join(workspace, path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	git := func(dir, gitdir string) {
		folder(dir)
		if err := os.WriteFile(filepath.Join(workspace, dir, ".git"), []byte("gitdir: "+gitdir+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(workspace, name)); err != nil {
			t.Fatal(err)
		}
	}
	folder(".git")
	folder("head/.git")
	folder("head/ci")
	git("tree", "/home/ann/iris/.git/worktrees/tree")
	git("sub", "../.git/modules/sub")
	git("head/sub", "/w/head/.git/modules/worktrees/sub")
	git("named", "/w/.git/modules/.git/worktrees/named")
	link(".", "perf")
	link("head", "other")
	link("..", "head/ci/up")
	folder("linked")
	link("../.git", "linked/.git")
	for path, want := range map[string]string{
		"slo.yaml": "slo.yaml", "ci/slo.yaml": "ci/slo.yaml", "head/slo.yaml": "slo.yaml", "head/ci/slo.yaml": "ci/slo.yaml",
		filepath.Join(workspace, "head", "slo.yaml"): "slo.yaml", "../slo.yaml": "", "/etc/slo.yaml": "", "a/../../slo.yaml": "",
		"tree/slo.yaml": "slo.yaml", "sub/slo.yaml": "sub/slo.yaml", "head/sub/slo.yaml": "sub/slo.yaml", "named/slo.yaml": "named/slo.yaml",
		"perf/slo.yaml": "perf/slo.yaml", "perf/head/slo.yaml": "perf/head/slo.yaml", "other/slo.yaml": "other/slo.yaml",
		"head/ci/up/slo.yaml": "ci/up/slo.yaml", "linked/slo.yaml": "linked/slo.yaml",
	} {
		if got, ours := RepositoryPath(workspace, path); got != want || ours != (want != "") {
			t.Errorf("%s: %q, %v, want %q", path, got, ours, want)
		}
	}
}
