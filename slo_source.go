package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/slogate/slogate/slo"
)

// readSLOFile reads an SLO file that its user names: a file or a pipe, such as
// the one of <(envsubst < slo.yaml). One that nobody writes to is empty: what
// waits for a writer could not be interrupted.
func readSLOFile(path string) ([]byte, error) {
	flags := os.O_RDONLY
	if info, err := os.Stat(path); err == nil {
		if info.Mode()&fs.ModeNamedPipe != 0 {
			flags |= syscall.O_NONBLOCK
		} else if err := regular(info); err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f)
}

// readSLOFileIn reads an SLO file of a folder that it must not lead out of.
func readSLOFileIn(root *os.Root, path string) ([]byte, error) {
	info, err := root.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := regular(info); err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f, err := root.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f)
}

// regular refuses what has no end, such as a device.
func regular(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return syscall.EISDIR
	case !info.Mode().IsRegular():
		return errors.New("not a regular file")
	}
	return nil
}

// readBounded reads no more than is needed to see that a file is too large.
func readBounded(f io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(f, slo.MaxBytes+1))
}
