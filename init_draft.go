package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slogate/slogate/draft"
	"github.com/slogate/slogate/slo"
)

// draft reads what the SLO file is drafted from, nil where there is only a URL.
func (c *initCommand) draft() (*draft.Draft, error) {
	isCurl := draft.IsCurl(c.From)
	target := ""
	if c.From != "" && !isCurl {
		var path string
		var err error
		if target, path, err = splitURL(c.From); err != nil {
			return nil, err
		}
		if path != "/" && c.source() != "" {
			return nil, fmt.Errorf("init: %q has a path; the paths are those of %s", c.From, c.source())
		}
	}
	if c.source() == "" {
		if isCurl {
			d, err := draft.Curl(c.From)
			if err != nil {
				err = hinted{fmt.Errorf("init: %w", err), "the whole command stands in quotes: slogate init 'curl -X POST http://localhost:8080/orders -d @order.json'"}
			}
			return d, err
		}
		return nil, nil
	}
	if isCurl {
		return nil, fmt.Errorf("init: a curl command and %s exclude each other", c.source())
	}
	src, err := readSource(c.source())
	if err != nil {
		return nil, err
	}
	name := filepath.ToSlash(c.source())
	switch {
	case c.HAR != "":
		return draft.HAR(name, src, target)
	case c.Postman != "":
		return draft.Postman(name, src, target)
	}
	return c.openAPI(name, src, target)
}

// source is the document to draft from.
func (c *initCommand) source() string { return c.OpenAPI + c.HAR + c.Postman }

// readSource reads a document, as far as it is read at all.
func readSource(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, draft.MaxSource+1))
	if err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	return src, nil
}

func (c *initCommand) openAPI(name string, src []byte, target string) (*draft.Draft, error) {
	o := draft.Options{Target: target, All: c.AllMethods}
	for _, m := range c.OpenAPIMethods {
		o.Methods = append(o.Methods, strings.ToUpper(strings.TrimSpace(m)))
	}
	d, err := draft.OpenAPI(name, src, o)
	if err != nil {
		return nil, err
	}
	// The SLO file names the document where it may read it.
	if relative, err := filepath.Rel(filepath.Dir(c.File), c.OpenAPI); err == nil && filepath.IsLocal(c.OpenAPI) && filepath.IsLocal(c.File) {
		d.OpenAPI = strings.ReplaceAll(filepath.ToSlash(relative), "${", "$${")
	}
	return d, nil
}

// drafted writes the draft. What it says must be an SLO file: anything else is
// a mistake of ours, which is said and not written.
func (c *initCommand) drafted(d *draft.Draft) (config []byte, target string, err error) {
	d.Place(c.place)
	config = d.Write()
	set := func(name string) (string, bool) {
		return "x", slices.ContainsFunc(d.Secrets, func(s draft.Secret) bool { return s.Name == name })
	}
	if _, err := slo.Parse(config, slo.Options{Path: c.File, Env: set}); err != nil {
		return nil, "", fmt.Errorf("no SLO file can be written from %s: %w", d.From, err)
	}
	return config, d.Target, nil
}

// place gives the name by which the SLO file reads a file that the source names:
// one in the folder of the run, be it the file itself or one of its name beside
// the SLO file.
func (c *initCommand) place(name string) (string, bool) {
	folder := filepath.Dir(c.File)
	for _, path := range []string{name, filepath.Join(filepath.Dir(c.source()), name), filepath.Join(folder, filepath.Base(filepath.FromSlash(name)))} {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if relative, ok := within(folder, path); ok {
			return relative, true
		}
	}
	return "", false
}

// within gives the path of a file of the working directory from a folder.
func within(folder, path string) (string, bool) {
	if _, err := relative(path); err != nil {
		return "", false
	}
	from, err := filepath.Abs(folder)
	if err != nil {
		return "", false
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return "", false
	}
	name, err := filepath.Rel(from, to)
	return filepath.ToSlash(name), err == nil
}

// printDrafted says what a draft needs and what it lacks.
func (p *program) printDrafted(d *draft.Draft) {
	if d == nil {
		return
	}
	if len(d.Secrets) > 0 {
		fmt.Fprintf(p.stdout, "\nSet in the environment, and as secrets of the workflow:\n")
	}
	for _, s := range d.Secrets {
		fmt.Fprintf(p.stdout, "    %s: %s\n", s.Name, s.Meaning)
	}
	if len(d.Notes) > 0 {
		fmt.Fprintf(p.stderr, "not translated:\n")
	}
	for _, n := range d.Notes {
		fmt.Fprintf(p.stderr, "    %s\n", n)
	}
}
