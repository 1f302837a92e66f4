package action

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// RepositoryPath is a file's path as its repository has it: below the folder of
// the workspace that the repository was checked out to. It reports false for a
// file outside of the workspace.
func RepositoryPath(workspace, path string) (string, bool) {
	rel, inside := Within(workspace, path)
	if !inside {
		return "", false
	}
	rel, _ = filepath.Rel(Checkout(workspace, rel), rel) // below it, as found
	return filepath.ToSlash(rel), true
}

// Checkout is the folder of the workspace that the repository with a file was
// checked out to: one of several, or the top. It goes through no link, which a
// change may have put there: behind one, a file has another path.
func Checkout(workspace, rel string) string {
	checkout, dir := ".", ""
	for part := range strings.SplitSeq(filepath.Dir(rel), string(filepath.Separator)) {
		dir = filepath.Join(dir, part)
		if info, err := os.Lstat(filepath.Join(workspace, dir)); err != nil || !info.IsDir() {
			break
		}
		if isCheckout(filepath.Join(workspace, dir)) {
			checkout = dir
		}
	}
	return checkout
}

// worktree is what the file .git of a worktree names: by its whole path, unlike
// that of a submodule.
var worktree = regexp.MustCompile(`^gitdir: (/|[A-Za-z]:).*/\.git/worktrees/[^/]+$`)

// isCheckout reports a folder that a repository was checked out to by itself. A
// submodule is none: a change chooses where it lies and what is in it.
func isCheckout(dir string) bool {
	git := filepath.Join(dir, ".git")
	info, err := os.Lstat(git)
	if err != nil || !info.Mode().IsRegular() {
		return err == nil && info.IsDir()
	}
	text, err := os.ReadFile(git)
	named := strings.TrimSpace(string(text))
	return err == nil && worktree.MatchString(named) && !strings.Contains(named, "/.git/modules/")
}
