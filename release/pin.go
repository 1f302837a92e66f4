package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

type pinCommand struct {
	Image   string `required:"" help:"The image that was pushed, with its digest: ghcr.io/slogate/slogate@sha256:…"`
	Version string `required:"" help:"vX.Y.Z."`
	Sums    string `default:"dist/SHA256SUMS" help:"Digests of the archives."`
	Root    string `default:"." help:"The tree that is changed."`
}

var (
	imageForm   = regexp.MustCompile(`^[a-z0-9.:-]+(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}$`)
	fromSources = regexp.MustCompile(`(?m)^  image: Dockerfile$`)
)

// Run changes a tree into that of the tagged commit. Its actions build nothing:
// the container action names its image by digest, and the one for the host has
// a list of the archives with their digests (host/SHA256SUMS).
func (c *pinCommand) Run(context.Context) error {
	if !imageForm.MatchString(c.Image) {
		return fmt.Errorf("%q is no image with a digest", c.Image)
	}
	if !versionForm.MatchString(c.Version) {
		return fmt.Errorf("%q is no version such as v1.2.3", c.Version)
	}
	archives, err := c.archives()
	if err != nil {
		return err
	}
	path := filepath.Join(c.Root, "action.yml")
	metadata, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := len(fromSources.FindAll(metadata, -1)); n != 1 {
		return fmt.Errorf("%s has %d lines %q, not one", path, n, "  image: Dockerfile")
	}
	pinned := fromSources.ReplaceAllLiteral(metadata, []byte("  image: docker://"+c.Image+" # "+c.Version))
	if err := os.WriteFile(path, pinned, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.Root, "host", sumsFile), []byte(archives), 0o644)
}

// archives are the digests of what the action for the host downloads: the
// image's edition for every platform.
func (c *pinCommand) archives() (string, error) {
	all, err := readSums(c.Sums)
	if err != nil {
		return "", err
	}
	wanted, err := artifacts(c.Root, c.Version, nil)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, a := range wanted {
		if a.tags == "" {
			continue
		}
		digest := all.of(a.archive())
		if digest == "" {
			return "", fmt.Errorf("%s lacks %s", c.Sums, a.archive())
		}
		b.WriteString(digest + "  " + a.archive() + "\n")
	}
	return b.String(), nil
}
