package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/slogate/slogate/draft"
)

//go:embed templates
var templates embed.FS

// layout is where the files of init lie.
type layout struct {
	file     string // the SLO file, from the top of the repository on, with slashes
	workflow string // the workflow, from the working directory on
	name     string // of the SLO file; empty: the usual one
}

// layoutOf finds the top of the repository, where alone GitHub looks for
// workflows. Outside of a repository that is the working directory. Below the top
// there may be more services: each SLO file has the name of its folder.
func layoutOf(file string) layout {
	workflow := filepath.Join(".github", "workflows", "slogate.yml")
	here := layout{file: filepath.ToSlash(file), workflow: workflow}
	folder, err := filepath.Abs(".")
	if err != nil {
		return here
	}
	whole, err := filepath.Abs(file)
	if err != nil {
		return here
	}
	top, inside := topOf(folder)
	fromTop, err := filepath.Rel(top, whole)
	if !inside || err != nil || !filepath.IsLocal(fromTop) {
		return here
	}
	toTop, err := filepath.Rel(folder, top)
	if err != nil {
		return here
	}
	at := layout{file: filepath.ToSlash(fromTop), workflow: filepath.Join(toTop, workflow)}
	if below := filepath.Dir(fromTop); below != "." {
		at.name = safeName(filepath.Base(below), "")
	}
	return at
}

// topOf is the nearest folder from one upwards that is a repository.
func topOf(folder string) (top string, found bool) {
	for {
		_, err := os.Lstat(filepath.Join(folder, ".git")) // a file in a worktree
		parent := filepath.Dir(folder)
		switch {
		case err == nil:
			return folder, true
		case !errors.Is(err, fs.ErrNotExist) || parent == folder:
			return "", false
		}
		folder = parent
	}
}

// workflow is what is written for a workflow.
type workflow struct {
	template string
	values   map[string]string
}

// workflowFor compares the base's build with the change's, each at a port of the
// runner. A service that runs elsewhere cannot be started twice.
func workflowFor(target, file string, d *draft.Draft) workflow {
	values := map[string]string{"Target": target, "File": file, "Env": workflowEnv(d)}
	address, here := hostPort(target)
	if !here {
		return workflow{"templates/workflow.yml", values}
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
	return workflow{"templates/compare.yml", values}
}

// starts reports whether the workflow starts the service.
func (w workflow) starts() bool { return w.values["Port"] != "" }

func (w workflow) text() []byte { return render(w.template, w.values) }

// step is the step of slogate alone, for a job that has another one: its reports
// get a folder by the name of the SLO file.
func (w workflow) step(name string) []byte {
	values := maps.Clone(w.values)
	values["Name"] = name
	return renderBlock(w.template, "step", values)
}

// workflowEnv is what a workflow's step needs so that the SLO file can read
// its secrets.
func workflowEnv(d *draft.Draft) string {
	if d == nil || len(d.Secrets) == 0 {
		return ""
	}
	var names, values strings.Builder
	for _, s := range d.Secrets {
		fmt.Fprintf(&names, " %s", s.Name)
		fmt.Fprintf(&values, "\n          %[1]s: ${{ secrets.%[1]s }}", s.Name)
	}
	return "\n          env:" + names.String() + "\n        env:" + values.String()
}

// render fills one of the embedded templates.
func render(name string, values map[string]string) []byte {
	return renderBlock(name, filepath.Base(name), values)
}

// renderBlock fills one block of a template.
func renderBlock(name, block string, values map[string]string) []byte {
	t := template.Must(template.ParseFS(templates, name))
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, block, values); err != nil {
		panic("slogate: template " + name + ": " + err.Error())
	}
	return b.Bytes()
}
