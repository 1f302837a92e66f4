//go:build linux

// Package faults breaks the world around slogate and looks at what is left: the
// exit code, the verdict, the files and what the user reads. Each row is a
// fault that is injected for real; docs/faults.md is the table of all rows. The
// table is compared in every go test, the rows run with the tag e2e, as root.
package faults

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/faults.md")

// fault is one row of docs/faults.md.
type fault struct {
	group  string // target, network, machine, process, forge, files
	name   string // what happens, as the document says it
	inject func(t *testing.T, b *bed) ending
	want   outcome
	says   []string // texts that the user reads about it, in the terminal or the report
}

// outcome is what a fault leaves.
type outcome struct {
	exit    int
	verdict string // of the result file; empty where none was written
	files   string // allFiles, noFiles, or the names of those that are there
}

// ending is the end of one call of slogate.
type ending struct {
	outcome
	said string // standard output, standard error and the report in Markdown
}

// The files of a run that a row's outcome names. A name stands for a whole
// file: a torn one is called so.
const (
	allFiles = "result and reports"
	noFiles  = "none"
)

// groups are the chapters of docs/faults.md in order.
var groups = []struct{ name, title, intro string }{
	{"target", "The service", "A service that dies, stalls or lies."},
	{"network", "The network between slogate and the service", ""},
	{"machine", "The machine that slogate runs on", "What the generator lacks is never a failure of the service."},
	{"process", "The process", "The result file and every report are absent, old or whole, never torn."},
	{"forge", "GitHub", "A read-only token, a fork, an outage or an old server change no verdict: the job summary holds the report, and a notice says what could not be posted. Comparisons with earlier results that cannot be read are skipped; where an SLO file has nothing else, nothing was judged."},
	{"files", "Files that slogate reads", "A broken baseline never turns a comparison into a pass."},
}

// faults are all rows.
func faults() []fault {
	return slices.Concat(
		targetFaults(),
		networkFaults(),
		machineFaults(),
		processFaults(),
		forgeFaults(), artifactFaults(), runnerFaults(),
		fileFaults(),
	)
}

// docs/faults.md is the table of the rows; -update writes it.
func TestFaultsDocument(t *testing.T) {
	const path = "../../docs/faults.md"
	want := document(faults())
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not the table of the rows: go test -run %s -update .", path, t.Name())
	}
}

// Every row has a name of its own, in a group that the document has, and says
// something to the user.
func TestRowsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range faults() {
		known := slices.ContainsFunc(groups, func(g struct{ name, title, intro string }) bool { return g.name == f.group })
		if !known || f.name == "" || seen[f.name] || f.inject == nil || f.want.files == "" || len(f.says) == 0 {
			t.Errorf("row %q of group %q is not whole, or not the only one of its name", f.name, f.group)
		}
		seen[f.name] = true
	}
}

// document renders the rows as docs/faults.md.
func document(all []fault) string {
	var w strings.Builder
	w.WriteString("# What happens when something breaks\n\n" +
		"Each row is a fault that a test injects for real (`e2e/faults`), and what is left of the run. " +
		"The verdict is that of the result file; without one nothing was measured. [verdicts.md](verdicts.md) says what the exit codes mean.\n")
	for _, g := range groups {
		var rows []fault
		for _, f := range all {
			if f.group == g.name {
				rows = append(rows, f)
			}
		}
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(&w, "\n## %s\n\n", g.title)
		if g.intro != "" {
			fmt.Fprintf(&w, "%s\n\n", g.intro)
		}
		w.WriteString("| what happens | verdict | exit | files | slogate says |\n| --- | --- | --- | --- | --- |\n")
		for _, f := range rows {
			fmt.Fprintf(&w, "| %s | %s | %s | %s | %s |\n", cell(f.name), cmp.Or(f.want.verdict, "—"), exitText(f.want.exit), f.want.files, quoted(f.says))
		}
	}
	return w.String()
}

// killed is the exit of a process that a signal ended: it has no code.
const killed = -1

func exitText(code int) string {
	if code == killed {
		return "killed"
	}
	return fmt.Sprint(code)
}

func quoted(texts []string) string {
	var all []string
	for _, s := range texts {
		all = append(all, "“"+cell(s)+"”")
	}
	return strings.Join(all, ", ")
}

// cell is a text in a table of Markdown.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(text)
}
