package revision

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRange(t *testing.T) {
	for text, want := range map[string]Range{
		"main..HEAD":              {"main", "HEAD", false},
		"main..":                  {"main", "HEAD", false},
		"main...HEAD":             {"main", "HEAD", true},
		"origin/main...":          {"origin/main", "HEAD", true},
		"v1.2.0..feature/a.b":     {"v1.2.0", "feature/a.b", false},
		"HEAD~3..HEAD^":           {"HEAD~3", "HEAD^", false},
		"main@{yesterday}..HEAD":  {"main@{yesterday}", "HEAD", false},
		"main":                    {},
		"..HEAD":                  {},
		"...":                     {},
		"../results/a.json":       {},
		"results/../a.json":       {},
		"main....HEAD":            {},
		"--upload-pack=x..HEAD":   {},
		"main..-x":                {},
		"main..a b":               {},
		"main..a\x00":             {},
		"a.json":                  {},
		"results/*.json..results": {},
	} {
		got, ok := ParseRange(text)
		if ok != (want != Range{}) || ok && got != want {
			t.Errorf("ParseRange(%q) = %+v, %v; want %+v", text, got, ok, want)
		}
	}
}

// repository makes one with a branch main of two commits and a branch feature
// that leaves main at the first.
func repository(t *testing.T) (*Repository, func(...string) string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	// As a hook would have it: git must not follow it.
	t.Setenv("GIT_DIR", filepath.Join(dir, "elsewhere"))
	environment := append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a",
		"GIT_COMMITTER_EMAIL=a@example.com", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = dir, Outside(environment)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "--quiet", "--initial-branch=main")
	write(t, dir, "app", "one")
	run("add", "app")
	run("commit", "--quiet", "--message=one")
	run("branch", "feature")
	write(t, dir, "app", "two")
	run("commit", "--quiet", "--all", "--message=two")
	run("tag", "v2")
	r, err := Open(t.Context(), dir, environment)
	if err != nil {
		t.Fatal(err)
	}
	return r, run
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestResolve(t *testing.T) {
	r, run := repository(t)
	one, two := run("rev-parse", "main~1"), run("rev-parse", "main")
	run("update-ref", "refs/remotes/origin/topic", one)
	for text, want := range map[string][2]Revision{
		"feature..HEAD":  {{"feature", one, "feature"}, {"HEAD", two, "main"}},
		"HEAD~1..v2":     {{"HEAD~1", one, ""}, {"v2", two, ""}},
		"main...feature": {{"main...feature", one, ""}, {"feature", one, "feature"}},
	} {
		names, _ := ParseRange(text)
		base, head, err := r.Resolve(t.Context(), names)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, [2]Revision{base, head}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for text, want := range map[string]UnknownError{"nothing..HEAD": {"nothing", false}, "main..topic": {"topic", true}} {
		names, _ := ParseRange(text)
		_, _, err := r.Resolve(t.Context(), names)
		if got, ok := errors.AsType[*UnknownError](err); !ok || *got != want {
			t.Errorf("%s: error is %v, want %v", text, err, &want)
		}
	}
	run("checkout", "--quiet", "--orphan", "alone")
	run("commit", "--quiet", "--message=alone")
	_, _, err := r.Resolve(t.Context(), Range{"main", "alone", true})
	if err == nil || !strings.Contains(err.Error(), "no commit in common") {
		t.Errorf("error is %v", err)
	}
}

func TestRevisionString(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	for ref, want := range map[string]string{"main": "main (0123456789)", "0123456": "0123456789", commit: "0123456789"} {
		if got := (Revision{Ref: ref, Commit: commit}).String(); got != want {
			t.Errorf("%s is shown as %s, want %s", ref, got, want)
		}
	}
}

// A worktree has the commit's files and leaves nothing of itself.
func TestCheckout(t *testing.T) {
	r, run := repository(t)
	hook := filepath.Join(r.Root, ".git", "hooks", "post-checkout")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho hooked > app\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "base")
	w, err := r.Checkout(t.Context(), run("rev-parse", "feature"), dir)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "app")); err != nil || string(text) != "one" {
		t.Errorf("app is %q, %v", text, err)
	}
	write(t, dir, "built", "by the build")
	if err := w.Remove(); err != nil {
		t.Error(err)
	}
	if err := w.Remove(); err != nil {
		t.Errorf("once more: %v", err)
	}
	isAlone(t, run, dir)
}

// isAlone fails where git or the disk still knows a worktree.
func isAlone(t *testing.T, run func(...string) string, dir string) {
	t.Helper()
	if list := run("worktree", "list"); strings.Contains(list, "\n") {
		t.Errorf("worktrees are\n%s", list)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

func TestCheckoutFails(t *testing.T) {
	r, run := repository(t)
	dir := filepath.Join(t.TempDir(), "base")
	if _, err := r.Checkout(t.Context(), strings.Repeat("0", 40), dir); err == nil || !strings.Contains(err.Error(), "git worktree: exit status 128: ") {
		t.Errorf("error is %v", err)
	}
	isAlone(t, run, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Checkout(ctx, run("rev-parse", "main"), dir); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	isAlone(t, run, dir)
}

func TestChanged(t *testing.T) {
	r, run := repository(t)
	count := func(except string) int {
		n, err := r.Changed(t.Context(), except)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	write(t, r.Root, "new", "")
	if n := count(""); n != 0 {
		t.Errorf("%d files have changed, want none", n)
	}
	run("add", "new")
	write(t, r.Root, "app", "three")
	if n := count(""); n != 2 {
		t.Errorf("%d files have changed, want 2", n)
	}
	if n := count("app"); n != 1 {
		t.Errorf("%d files have changed beside app, want 1", n)
	}
}

func TestOpenOutside(t *testing.T) {
	if _, err := Open(t.Context(), t.TempDir(), os.Environ()); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("error is %v", err)
	}
}
