package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

type notesCommand struct {
	Version string `required:"" help:"vX.Y.Z."`
	File    string `default:"CHANGELOG.md" help:"The change log."`
}

// Run prints what the change log says of a version. A version that it does not
// name cannot be released.
func (c *notesCommand) Run(stdout io.Writer) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	notes, err := notesOf(string(text), c.Version)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	_, err = io.WriteString(stdout, notes)
	return err
}

// notesOf returns the text below the heading "## VERSION", which may go on
// after a blank ("## v1.2.3 – 2026-12-01").
func notesOf(text, version string) (string, error) {
	var b strings.Builder
	inside, found := false, false
	for line := range strings.Lines(text) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			name, _, _ := strings.Cut(strings.TrimSpace(heading), " ")
			inside = name == version
			found = found || inside
			continue
		}
		if inside {
			b.WriteString(line)
		}
	}
	notes := strings.TrimSpace(b.String())
	switch {
	case !found:
		return "", fmt.Errorf("no heading %q: rename %q in a commit before the release", "## "+version, "## Unreleased")
	case notes == "":
		return "", fmt.Errorf("nothing below %q", "## "+version)
	}
	return notes + "\n", nil
}
