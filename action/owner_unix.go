//go:build unix

package action

import (
	"os"
	"syscall"
)

// giveToOwner makes the owner of the root the owner of a path in it. A link is
// given itself, not what it points to.
func giveToOwner(root *os.Root, path string) {
	info, err := root.Stat(".")
	if err != nil {
		return
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = root.Lchown(path, int(owner.Uid), int(owner.Gid))
	}
}
