package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var licenseName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// licenses are the texts that come with the modules in a binary, which whoever
// hands the binary out has to hand out, too.
func (b *builder) licenses(ctx context.Context, a artifact) ([]byte, error) {
	listed, err := b.tool(ctx, b.toolEnv(a), "list", "-deps", "-tags", a.tags,
		"-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", ".")
	if err != nil {
		return nil, err
	}
	modules := slices.Compact(slices.Sorted(strings.SplitSeq(listed, "\n")))
	goroot, err := b.tool(ctx, b.toolEnv(a), "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	for _, m := range append(modules, "The Go standard library\t"+goroot) {
		if m == "" {
			continue // packages of the standard library have no module
		}
		name, dir, _ := strings.Cut(m, "\t")
		if err := appendLicenses(&text, name, dir); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}

func appendLicenses(text *bytes.Buffer, name, dir string) error {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !licenseName.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		found = true
		fmt.Fprintf(text, "==== %s: %s\n\n%s\n\n", name, e.Name(), bytes.TrimSpace(content))
	}
	if !found {
		return fmt.Errorf("%s has no license in %s", name, dir)
	}
	return nil
}
