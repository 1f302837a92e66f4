//go:build unix

package result

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadFileOfAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), "truncated, or not JSON") {
		t.Errorf("nobody writes: error %v", err)
	}
	// As the shell has it: <(zcat result.json.gz).
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	written := make(chan error, 1)
	go func() { written <- errors.Join(Encode(w, small()), w.Close()) }()
	got, err := ReadFile(fmt.Sprintf("/dev/fd/%d", r.Fd()))
	if err != nil || got.Name != small().Name {
		t.Errorf("%+v, %v", got, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}
