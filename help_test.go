package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/shell"
)

// Each command has examples, and the command line takes them.
func TestExamplesOfHelpParse(t *testing.T) {
	parser := newParser(&program{stdout: io.Discard, stderr: io.Discard}, func(int) {})
	for _, command := range parser.Model.Children {
		if !command.Hidden && len(examples[command.Name]) == 0 {
			t.Errorf("slogate %s has no example", command.Name)
		}
	}
	for name, lines := range examples {
		for _, line := range lines {
			words, err := shell.Fields(line, func(string) string { return "" })
			if err != nil {
				t.Fatal(err)
			}
			ctx, err := newParser(&program{stdout: io.Discard, stderr: io.Discard}, func(int) {}).Parse(words[1:])
			if err != nil || words[0] != "slogate" || ctx.Selected().Name != name {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

// Every line of every help fits a terminal of 80 columns.
func TestHelpFitsATerminal(t *testing.T) {
	parser := newParser(&program{stdout: io.Discard, stderr: io.Discard}, func(int) {})
	pages := [][]string{{"--help"}}
	for _, command := range parser.Model.Children {
		pages = append(pages, []string{command.Name, "--help"})
	}
	for _, args := range pages {
		var out bytes.Buffer
		if code := Main(t.Context(), args, func(string) (string, bool) { return "", false }, &out, &out); code != exitPass {
			t.Errorf("%v: exit code %d", args, code)
		}
		for line := range strings.Lines(out.String()) {
			if len([]rune(line)) > 80+1 && args[0] != "action" {
				t.Errorf("%v: %d columns: %s", args, len([]rune(line))-1, line)
			}
		}
	}
}
