// Package revision finds two revisions of a git repository and checks each out
// in a worktree of its own, beside the one that the user works in.
//
// In comes a text such as main..HEAD; out come two commits and two folders,
// which [Worktree.Remove] takes away again. It changes no branch, no index and
// no file of the user's, runs no hook, and fetches nothing. It needs the git
// command.
package revision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Range is a base and a head as the user names them.
type Range struct {
	Base, Head string
	MergeBase  bool // compare with the commit that both have in common
}

// ParseRange reads BASE..HEAD, or BASE...HEAD for what both have in common.
// The default of HEAD is the commit that is checked out. It reports false for
// what is no range.
func ParseRange(s string) (Range, bool) {
	base, head, found := strings.Cut(s, "..")
	if !found || base == "" {
		return Range{}, false
	}
	r := Range{Base: base}
	r.Head, r.MergeBase = strings.CutPrefix(head, ".")
	if r.Head == "" {
		r.Head = "HEAD"
	}
	return r, isName(r.Base) && isName(r.Head)
}

// isName reports a text that can name a revision: see git-check-ref-format(1)
// and gitrevisions(7). One that begins with a dash would be an option.
func isName(s string) bool {
	return s != "" && !strings.ContainsRune("-/.", rune(s[0])) && !strings.Contains(s, "..") && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`?*[\`, r)
	})
}

// Revision is a commit.
type Revision struct {
	Ref    string // as the user names it
	Commit string // its full number
	Branch string // where Ref is one; empty otherwise
}

// Short gives what people recognise a commit by.
func (r Revision) Short() string { return r.Commit[:min(len(r.Commit), 10)] }

// String gives the name and the number.
func (r Revision) String() string {
	if strings.HasPrefix(r.Commit, r.Ref) {
		return r.Short()
	}
	return r.Ref + " (" + r.Short() + ")"
}

// UnknownError says that a repository has no such revision.
type UnknownError struct {
	Ref    string
	Remote bool // origin has a branch of that name
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("revision %q is not known in this repository", e.Ref)
}

// ApartError says that two revisions have no commit in common, as far as the
// repository knows.
type ApartError struct{ Base, Head Revision }

func (e *ApartError) Error() string {
	return fmt.Sprintf("%s and %s have no commit in common here", e.Base, e.Head)
}

// NoRepositoryError says that a folder lies in no repository that git can
// read.
type NoRepositoryError struct {
	Dir string
	Why error // git's refusal, or that there is no git
}

func (e *NoRepositoryError) Error() string {
	return fmt.Sprintf("no git repository can be read in %s: %v", e.Dir, e.Why)
}

func (e *NoRepositoryError) Unwrap() error { return e.Why }

// Repository is the git repository of a folder.
type Repository struct {
	Root string // the top folder of the user's worktree, symbolic links resolved
	env  []string
}

// Open finds the repository that a folder lies in. Git gets the environment
// but for what [Outside] leaves out. The error is a [*NoRepositoryError], or
// ctx's.
func Open(ctx context.Context, dir string, environment []string) (*Repository, error) {
	env := append(Outside(environment), "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0")
	r := &Repository{Root: dir, env: env}
	out, err := r.git(ctx, "rev-parse", "--show-toplevel")
	if ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		return nil, &NoRepositoryError{Dir: dir, Why: err}
	}
	if r.Root, err = filepath.EvalSymlinks(strings.TrimSuffix(out, "\n")); err != nil {
		return nil, fmt.Errorf("find the repository: %w", err)
	}
	return r, nil
}

// Resolve finds the commits of a range. The error is an [*UnknownError] where
// one is not there, an [*ApartError] where they have none in common, or ctx's.
func (r *Repository) Resolve(ctx context.Context, names Range) (base, head Revision, err error) {
	if base, err = r.revision(ctx, names.Base); err != nil {
		return base, head, err
	}
	if head, err = r.revision(ctx, names.Head); err != nil || !names.MergeBase {
		return base, head, err
	}
	common, err := r.git(ctx, "merge-base", base.Commit, head.Commit)
	if ctx.Err() != nil {
		return base, head, err
	}
	if err != nil {
		return base, head, &ApartError{base, head}
	}
	base = Revision{Ref: names.Base + "..." + names.Head, Commit: strings.TrimSpace(common)}
	return base, head, nil
}

func (r *Repository) revision(ctx context.Context, ref string) (Revision, error) {
	commit, err := r.commit(ctx, ref)
	if err != nil {
		return Revision{}, err
	}
	out := Revision{Ref: ref, Commit: commit}
	// What has no full name is no branch, such as HEAD~2.
	if full, err := r.git(ctx, "rev-parse", "--symbolic-full-name", ref); err == nil {
		if name, ok := strings.CutPrefix(strings.TrimSpace(full), "refs/heads/"); ok {
			out.Branch = name
		}
	}
	return out, ctx.Err()
}

func (r *Repository) commit(ctx context.Context, ref string) (string, error) {
	out, err := r.git(ctx, "rev-parse", "--verify", "--quiet", ref+"^{commit}")
	switch {
	case err == nil:
		return strings.TrimSpace(out), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	_, err = r.git(ctx, "rev-parse", "--verify", "--quiet", "refs/remotes/origin/"+ref+"^{commit}")
	return "", &UnknownError{Ref: ref, Remote: err == nil}
}

// Changed counts the files of the user's worktree that are not as in the commit
// that is checked out, but for one. New files that git does not know yet are
// not counted.
func (r *Repository) Changed(ctx context.Context, except string) (int, error) {
	out, err := r.git(ctx, "status", "--porcelain", "--untracked-files=no", "-z", "--no-renames")
	if err != nil {
		return 0, err
	}
	n := 0
	for entry := range strings.SplitSeq(out, "\x00") {
		if len(entry) > 3 && filepath.FromSlash(entry[3:]) != except {
			n++
		}
	}
	return n, nil
}

// Worktree is a folder that a commit is checked out in.
type Worktree struct {
	Dir        string
	repository *Repository
}

// Checkout checks a commit out in a folder that is not there yet.
func (r *Repository) Checkout(ctx context.Context, commit, dir string) (*Worktree, error) {
	w := &Worktree{Dir: dir, repository: r}
	if _, err := r.git(ctx, "worktree", "add", "--quiet", "--detach", dir, commit); err != nil {
		return nil, errors.Join(err, w.Remove())
	}
	return w, nil
}

// removeWithin bounds the removal, which goes on when the run is cancelled.
const removeWithin = 30 * time.Second

// Remove removes the folder and what git knows of it.
func (w *Worktree) Remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), removeWithin)
	defer cancel()
	// Twice --force removes a worktree, too, that was cancelled while it was made.
	_, gitErr := w.repository.git(ctx, "worktree", "remove", "--force", "--force", w.Dir)
	if err := os.RemoveAll(w.Dir); err != nil {
		return fmt.Errorf("remove the worktree: %w", err)
	}
	if gitErr == nil {
		return nil
	}
	list, err := w.repository.git(ctx, "worktree", "list", "--porcelain", "-z")
	if err == nil && !slices.Contains(strings.Split(list, "\x00"), "worktree "+w.Dir) {
		return nil // it was never made
	}
	return errors.Join(gitErr, err)
}

// endWithin is how long a cancelled git may take to tidy up.
const endWithin = 5 * time.Second

// git runs git and gives what it prints.
func (r *Repository) git(ctx context.Context, args ...string) (string, error) {
	// A hook of the user's may do anything, and is not meant for a worktree of
	// some minutes.
	args = append([]string{"-c", "core.hooksPath=" + os.DevNull, "-c", "advice.detachedHead=false"}, args...)
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = r.Root, r.env
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = endWithin
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("git %s: %w%s", args[4], err, said(stderr.String()))
	}
	return stdout.String(), nil
}

// said is the last line of what git complained about.
func said(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := strings.TrimPrefix(lines[len(lines)-1], "fatal: ")
	if last == "" {
		return ""
	}
	const most = 200
	if runes := []rune(last); len(runes) > most {
		last = string(runes[:most-1]) + "…"
	}
	return fmt.Sprintf(": %q", last)
}

// Outside leaves the variables out of an environment that tie git to one
// repository: in a hook they are set, and would lead every command to the
// user's worktree instead of its own.
func Outside(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		// The list of `git rev-parse --local-env-vars`, but for its settings.
		return slices.Contains([]string{
			"GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE",
			"GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NO_REPLACE_OBJECTS",
			"GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
		}, name)
	})
}
