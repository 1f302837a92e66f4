package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

type reproduceCommand struct {
	Version  string   `help:"As given to build."`
	Dist     string   `default:"dist" help:"Folder of what was built first."`
	Platform []string `help:"Only these, such as linux/amd64."`
	Cached   bool     `help:"Use the build cache. It keeps no path, but a second build that compiles nothing proves less."`
}

// Run builds once more, from a copy of the tree in another folder and without
// what was compiled before, and compares every digest.
func (c *reproduceCommand) Run(ctx context.Context, stdout io.Writer) error {
	o, err := originOf(ctx, c.Version)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	b := &builder{root: filepath.Join(scratch, "another", "folder"), out: filepath.Join(scratch, "dist"), origin: o, log: io.Discard}
	if !c.Cached {
		b.env = []string{"GOCACHE=" + filepath.Join(scratch, "cache")}
	}
	if err := copyTree(ctx, b.root); err != nil {
		return err
	}
	if err := b.release(ctx, c.Platform); err != nil {
		return err
	}
	return compare(stdout, c.Dist, b.out)
}

// copyTree copies what git would commit of the current folder.
func copyTree(ctx context.Context, to string) error {
	listed, err := output(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		content, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and not committed yet
		}
		path := filepath.Join(to, name)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
			return err
		}
	}
	return nil
}

// compare prints both digests of everything in the second folder, and returns
// an error where one differs or is missing in the first.
func compare(w io.Writer, first, second string) error {
	one, err := readSums(filepath.Join(first, sumsFile))
	if err != nil {
		return err
	}
	two, err := readSums(filepath.Join(second, sumsFile))
	if err != nil {
		return err
	}
	if len(two) == 0 {
		return errors.New("nothing was built")
	}
	var differ []string
	for _, s := range two {
		was := one.of(s.name)
		fmt.Fprintf(w, "%s\n  %s\n  %s\n", s.name, was, s.digest)
		if was != s.digest {
			differ = append(differ, s.name)
		}
	}
	if differ != nil {
		return fmt.Errorf("not reproduced: %s", strings.Join(differ, ", "))
	}
	return nil
}
