package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// readSLOFile reads an SLO file that its user names: a file or a pipe, such as
// the one of <(envsubst < slo.yaml).
func readSLOFile(path string) ([]byte, error) {
	f, err := result.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f)
}

// readSLOFileIn reads an SLO file of a workspace, which may be a link to another
// one: not to one outside, nor to where steps of the workflow leave credentials,
// which the errors of a file that is none would show.
func readSLOFileIn(root *os.Root, path string) ([]byte, error) {
	if to := slo.Resolved(root.Name(), path); to != path {
		if err := slo.Sheltered(to); err != nil {
			return nil, fmt.Errorf("%s is a link: %w", path, err)
		}
	}
	info, err := root.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := result.CheckFile(info); err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f, err := root.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f)
}

// readBounded reads no more than is needed to see that a file is too large.
func readBounded(f io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(f, slo.MaxBytes+1))
}
