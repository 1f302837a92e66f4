package main

import (
	"context"
	"embed"
	"fmt"
	"strings"
)

//go:embed all:completions
var completions embed.FS

// completionCommand prints what teaches a shell to complete calls of slogate.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish." placeholder:"SHELL"`
}

// Help says where the output goes.
func (*completionCommand) Help() string {
	return "bash: source <(slogate completion bash) in ~/.bashrc. zsh: write it to a file _slogate in a folder of fpath. fish: write it to ~/.config/fish/completions/slogate.fish."
}

// Run prints the script.
func (c *completionCommand) Run(_ context.Context, p *program) (int, error) {
	script, err := completions.ReadFile("completions/" + map[string]string{"bash": "slogate.bash", "zsh": "_slogate", "fish": "slogate.fish"}[c.Shell])
	if err != nil {
		return exitUsage, err
	}
	return p.print(string(script))
}

// completeCommand prints what a word of a call may be, for the scripts of
// [completionCommand].
type completeCommand struct {
	Words []string `arg:"" optional:"" help:"The call so far, without the program; the last word is the one to complete."`
}

// Run prints a candidate a line, with a tab and what it is.
func (c *completeCommand) Run(_ context.Context, p *program) (int, error) {
	var b strings.Builder
	for _, found := range complete(newParser(p, func(int) {}).Model.Node, c.Words) {
		fmt.Fprintf(&b, "%s\t%s\n", found.word, found.about)
	}
	return p.print(b.String())
}
