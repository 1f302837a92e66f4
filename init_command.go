package main

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/slogate/slogate/slo"
)

//go:embed templates
var templates embed.FS

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

// Run writes the SLO file and the workflow. It writes neither when one exists.
func (c *initCommand) Run(_ context.Context, p *program) (int, error) {
	d, err := c.draft()
	if err != nil {
		return exitUsage, err
	}
	var config []byte
	var target string
	if d != nil {
		config, target, err = c.drafted(d)
	} else {
		config, target, err = c.first()
	}
	if err != nil {
		return exitUsage, err
	}
	workflow := filepath.Join(".github", "workflows", "slogate.yml")
	values := map[string]string{"Target": target, "File": filepath.ToSlash(c.File), "Env": workflowEnv(d)}
	files := map[string][]byte{c.File: config, workflow: workflowFor(target, values)}
	if err := c.refuseExisting(c.File, workflow); err != nil {
		return exitUsage, err
	}
	for _, name := range []string{c.File, workflow} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, files[name], 0o644)); err != nil {
			return exitUsage, fmt.Errorf("init: %w", err)
		}
		fmt.Fprintf(p.stdout, "written: %s\n", name)
	}
	p.printDrafted(d)
	fmt.Fprintf(p.stdout, "\nNext, with the service running:\n    slogate check %[1]s\n    slogate run %[1]s\n", c.File)
	if _, here := hostPort(target); here {
		fmt.Fprintf(p.stdout, "and say in %s how the service is built and started.\n", workflow)
	}
	return exitPass, nil
}

// first writes an SLO file for one URL.
func (c *initCommand) first() (config []byte, target string, err error) {
	raw := cmp.Or(c.From, "http://localhost:8080/")
	target, path, err := splitURL(raw)
	if err != nil {
		return nil, "", err
	}
	config = render("templates/slo.yaml", map[string]string{"Target": target, "Path": path})
	if _, err := slo.Parse(config, slo.Options{Path: c.File}); err != nil {
		return nil, "", hinted{fmt.Errorf("init: no SLO file can be written for %q: %s", raw, err), "a URL is http:// or https:// with a host, and perhaps a port and a path"}
	}
	return config, target, nil
}

// workflowFor writes the workflow that compares the base's build with the
// change's, each at a port of the runner. A service that runs elsewhere cannot
// be started twice.
func workflowFor(target string, values map[string]string) []byte {
	address, here := hostPort(target)
	if !here {
		return render("templates/workflow.yml", values)
	}
	host, port, _ := net.SplitHostPort(address) // as hostPort joined it
	number, _ := strconv.Atoi(port)
	beside := number + 1
	if beside > 65535 {
		beside = number - 1
	}
	u, _ := url.Parse(target) // as splitURL wrote it
	values["Port"], values["BasePort"] = port, strconv.Itoa(beside)
	values["BaseTarget"] = u.Scheme + "://" + net.JoinHostPort(host, values["BasePort"])
	return render("templates/compare.yml", values)
}

func (c *initCommand) refuseExisting(names ...string) error {
	if c.Force {
		return nil
	}
	for _, name := range names {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return hinted{fmt.Errorf("init: %s exists already, nothing was written", name), "--force overwrites it"}
		}
	}
	return nil
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

// render fills one of the embedded templates.
func render(name string, values map[string]string) []byte {
	t := template.Must(template.ParseFS(templates, name))
	var b bytes.Buffer
	if err := t.Execute(&b, values); err != nil {
		panic("slogate: template " + name + ": " + err.Error())
	}
	return b.Bytes()
}
