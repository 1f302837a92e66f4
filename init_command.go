package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/slogate/slogate/draft"
	"github.com/slogate/slogate/slo"
)

// initCommand writes the first files of a user.
type initCommand struct {
	From           string   `arg:"" optional:"" name:"url" help:"What to load (default: http://localhost:8080/), or a curl command in quotes. With a document below: where its requests are sent." placeholder:"URL"`
	File           string   `default:"slo.yaml" help:"The SLO file to write (default: ${default})." placeholder:"FILE" complete:".yaml,.yml"`
	OpenAPI        string   `name:"openapi" xor:"source" help:"Draft it from an OpenAPI 3 or Swagger 2 document." placeholder:"SPEC" complete:".yaml,.yml,.json"`
	OpenAPIMethods []string `name:"openapi-methods" help:"Its methods to take, such as GET,POST (default: GET,HEAD)." placeholder:"METHODS"`
	AllMethods     bool     `help:"Take all methods of it."`
	HAR            string   `name:"har" xor:"source" help:"Draft it from a recorded session (HAR)." placeholder:"FILE" complete:".har,.json"`
	Postman        string   `name:"postman" xor:"source" help:"Draft it from a Postman collection (v2.1)." placeholder:"FILE" complete:".json"`
	Force          bool     `help:"Overwrite files that exist."`
}

// Run writes the SLO file, which must not be there yet, and the workflow where
// there is none.
func (c *initCommand) Run(_ context.Context, p *program) (int, error) {
	at := layoutOf(c.File)
	d, config, target, err := c.config(at.name)
	if err != nil {
		return exitUsage, err
	}
	w := workflowFor(target, at.file, d)
	adds := !c.Force && isThere(at.workflow)
	if !c.Force && isThere(c.File) {
		return exitUsage, hinted{fmt.Errorf("init: %s exists already, nothing was written", c.File), "--force overwrites it, and the workflow"}
	}
	if err := p.create(c.File, config); err != nil {
		return exitUsage, err
	}
	if !adds {
		if err := p.create(at.workflow, w.text()); err != nil {
			return exitUsage, err
		}
	}
	p.printDrafted(d)
	fmt.Fprintf(p.stdout, "\nNext, with the service running:\n    slogate check %[1]s\n    slogate run %[1]s\n", c.File)
	switch {
	case adds:
		fmt.Fprintf(p.stdout, "and add a step to %s, which was there before:\n\n%s\n", at.workflow, w.step(at.name))
	case w.starts():
		fmt.Fprintf(p.stdout, "and say in %s how the service is built and started.\n", at.workflow)
	}
	return exitPass, nil
}

// config is the text of the SLO file and the target in it, with the draft that
// it was made of, if any.
func (c *initCommand) config(name string) (d *draft.Draft, config []byte, target string, err error) {
	if d, err = c.draft(); err != nil {
		return nil, nil, "", err
	}
	if d == nil {
		config, target, err = c.first(name)
		return nil, config, target, err
	}
	d.Name = name
	config, target, err = c.drafted(d)
	return d, config, target, err
}

// isThere reports a file, a folder or a link of the name.
func isThere(name string) bool {
	_, err := os.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// create writes a file and its folder, and says so.
func (p *program) create(name string, content []byte) error {
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, content, 0o644)); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	fmt.Fprintf(p.stdout, "written: %s\n", name)
	return nil
}

// first writes an SLO file for one URL.
func (c *initCommand) first(name string) (config []byte, target string, err error) {
	raw := cmp.Or(c.From, "http://localhost:8080/")
	target, path, err := splitURL(raw)
	if err != nil {
		return nil, "", err
	}
	config = render("templates/slo.yaml", map[string]string{"Name": name, "Target": target, "Path": path})
	if _, err := slo.Parse(config, slo.Options{Path: c.File}); err != nil {
		return nil, "", hinted{fmt.Errorf("init: no SLO file can be written for %q: %s", raw, err), "a URL is http:// or https:// with a host, and perhaps a port and a path"}
	}
	return config, target, nil
}

// splitURL parts a URL into the target and the path to request.
func splitURL(raw string) (target, path string, err error) {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", "", hinted{fmt.Errorf("init: %q is not an http or https URL", raw), "slogate init http://localhost:8080/health"}
	}
	if u.User != nil {
		return "", "", hinted{errors.New("init: the user or password in the URL would stand in the file"), "leave it out, and add a header with ${secret.NAME} to the file"}
	}
	path = u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return u.Scheme + "://" + u.Host, path, nil
}
