package main

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

const manPath = "man/slogate.1"

// manPage writes the manual page in the macros of man(7), from the command line
// as kong knows it.
func manPage(app *kong.Node) string {
	m := &manual{}
	m.line(".TH SLOGATE 1")
	m.section("NAME")
	m.line(`slogate \- ` + roff("performance gate for pull requests and releases"))
	m.section("SYNOPSIS")
	m.line(".B slogate\n.I command\n.RI [ flags ]")
	m.section("DESCRIPTION")
	m.line(roff("slogate loads an HTTP service in stages, judges what it measured against the objectives of an SLO file, and fails on a miss. Results go to standard output, everything else to standard error."))
	m.section("COMMANDS")
	for _, command := range app.Children {
		if !command.Hidden {
			m.command(command)
		}
	}
	m.section("EXIT STATUS")
	for line := range strings.Lines(strings.TrimSpace(strings.TrimPrefix(exitCodes, "\nExit codes:\n"))) {
		code, meaning, _ := strings.Cut(strings.TrimSpace(line), " ")
		m.line(".TP\n.B " + code + "\n" + roff(strings.TrimSpace(meaning)))
	}
	m.section("FILES")
	m.line(".TP\n.I slo.yaml\n" + roff("The SLO file, where none is named. slogate init writes a first one, slogate schema prints its JSON Schema."))
	m.line(".TP\n.I slogate\\-out/\n" + roff("The result file, slogate-result.json, and the reports."))
	m.section("SEE ALSO")
	m.line(".UR https://github.com/slogate/slogate/tree/main/docs\nThe documents\n.UE ,\nwhich hold every key of the SLO file, how verdicts are made, and what to do about an error.")
	return m.String()
}

type manual struct{ strings.Builder }

func (m *manual) line(text string)    { m.WriteString(text + "\n") }
func (m *manual) section(name string) { m.line(".SH " + roff(name)) }

// command describes one command: what it does, its arguments, flags and
// examples.
func (m *manual) command(c *kong.Node) {
	m.line(".SS " + roff("slogate "+c.Summary()))
	m.line(roff(c.Help))
	if c.Detail != "" {
		m.line(".PP\n" + roff(c.Detail))
	}
	for _, arg := range c.Positional {
		m.line(".TP\n.I " + roff(arg.Summary()) + "\n" + roff(arg.Help))
	}
	for _, group := range groupsOf(c) {
		if group.title != "" {
			m.line(".PP\n" + roff(group.title))
		}
		for _, flag := range group.flags {
			m.line(".TP\n" + flagTag(flag) + "\n" + roff(flag.Help))
		}
	}
	for i, example := range examples[c.Name] {
		if i == 0 {
			m.line(".PP\nExamples:")
		}
		m.line(".PP\n.RS 4\n.EX\n" + roff(example) + "\n.EE\n.RE")
	}
}

func flagTag(f *kong.Flag) string {
	if f.IsBool() {
		return ".B " + roff("--"+f.Name)
	}
	return ".BI " + roff("--"+f.Name) + " =" + roff(f.FormatPlaceHolder())
}

type flagGroup struct {
	title string
	flags []*kong.Flag
}

// groupsOf gives the flags of a command in the order of its help.
func groupsOf(c *kong.Node) []flagGroup {
	groups := []flagGroup{{}}
	for _, flag := range c.Flags {
		title := ""
		if flag.Group != nil {
			title = flag.Group.Title
		}
		at := -1
		for i := range groups {
			if groups[i].title == title {
				at = i
			}
		}
		if at < 0 {
			at, groups = len(groups), append(groups, flagGroup{title: title})
		}
		if !flag.Hidden {
			groups[at].flags = append(groups[at].flags, flag)
		}
	}
	return groups
}

// roff escapes a text: no request, no hyphen where a minus is meant.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "~", `\(ti`, "^", `\(ha`, "…", `...`).Replace(text)
	if strings.HasPrefix(text, ".") {
		return `\&` + text
	}
	return text
}

// man/slogate.1 is what the command line says; -update writes it.
func TestManualPage(t *testing.T) {
	app := newParser(&program{stdout: io.Discard, stderr: io.Discard}, func(int) {}).Model
	want := manPage(app.Node)
	if *update {
		if err := os.WriteFile(manPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(manPath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the command line says: go test -run %s -update .", manPath, t.Name())
	}
}

// The page is one that a reader of such pages takes without a complaint.
func TestManualPageIsClean(t *testing.T) {
	if _, err := exec.LookPath("mandoc"); err != nil {
		t.Skip("mandoc is not installed")
	}
	// The page has no date: it would change with every build.
	out, err := exec.Command("mandoc", "-T", "lint", "-W", "warning", manPath).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "missing date") {
			t.Error(line)
		}
	}
	if text, readable := exec.Command("mandoc", "-T", "html", manPath).Output(); readable != nil || !strings.Contains(string(text), "EXIT_STATUS") {
		t.Errorf("mandoc shows %d bytes, %v, %v", len(text), readable, err)
	}
}

func TestRoff(t *testing.T) {
	for text, want := range map[string]string{".TH": `\&.TH`, `a\b`: `a\eb`, "--x 'y'": `\-\-x \(aqy\(aq`, "~/x": `\(ti/x`} {
		if got := roff(text); got != want {
			t.Errorf("roff(%q) = %q, want %q", text, got, want)
		}
	}
}
