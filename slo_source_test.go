//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/slogate/slogate/slo"
)

// A pipe is read as a file is, such as the one of <(envsubst < slo.yaml); one
// without a writer is empty, and what has no end is refused.
func TestReadSLOFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(at("pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("large"), make([]byte, 2*slo.MaxBytes), 0o644); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.WriteString(w, "version: 1\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for path, want := range map[string]struct {
		length int
		err    string
	}{
		at("pipe"):                        {0, ""},
		at("large"):                       {slo.MaxBytes + 1, ""},
		fmt.Sprintf("/dev/fd/%d", r.Fd()): {len("version: 1\n"), ""},
		dir:                               {0, "is a directory"},
		os.DevNull:                        {0, "not a regular file"},
		at("none"):                        {0, "no such file"},
	} {
		text, err := readSLOFile(path)
		if len(text) != want.length || (err == nil) != (want.err == "") || err != nil && !strings.Contains(err.Error(), want.err) {
			t.Errorf("%s: %d bytes, %v; want %d, %q", path, len(text), err, want.length, want.err)
		}
	}
}

// In a workspace a pipe could hold a job for ever.
func TestReadSLOFileInAWorkspace(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "slo.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := readSLOFileIn(root, "slo.yaml"); err == nil || !strings.Contains(err.Error(), "slo.yaml: not a regular file") {
		t.Errorf("error %v", err)
	}
}
