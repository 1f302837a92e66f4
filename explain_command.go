package main

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"github.com/slogate/slogate/slo"
)

//go:embed docs/errors.md
var errorsDocument string

// explainCommand prints what docs/errors.md says of the codes of errors.
type explainCommand struct {
	Code []string `arg:"" optional:"" help:"Codes of errors, such as SLO012; without one, all are listed." placeholder:"CODE" complete:"code"`
}

// Run prints a section for each code, or the list of them.
func (c *explainCommand) Run(_ context.Context, p *program) (int, error) {
	intro, sections := explanations(errorsDocument)
	if len(c.Code) == 0 {
		return p.print(codeList(intro))
	}
	var texts []string
	for _, code := range c.Code {
		text, known := sections[strings.ToUpper(code)]
		if !known {
			return exitUsage, hinted{fmt.Errorf("there is no code %q", code), "slogate explain lists them"}
		}
		texts = append(texts, plainText(text))
	}
	return p.print(strings.Join(texts, "\n"))
}

// explanations splits the document by its codes.
func explanations(document string) (intro string, sections map[string]string) {
	parts := strings.Split(document, "\n## ")
	sections = map[string]string{}
	for _, part := range parts[1:] {
		code, _, _ := strings.Cut(part, "\n")
		sections[code] = part
	}
	return parts[0], sections
}

var codeRow = regexp.MustCompile("(?m)^\\| \\[`(SLO[0-9]+)`\\]\\([^)]*\\) \\| (.*) \\|$")

// codeList is the table of codes for a terminal.
func codeList(intro string) string {
	var b strings.Builder
	for _, row := range codeRow.FindAllStringSubmatch(intro, -1) {
		b.WriteString(row[1] + "  " + row[2] + "\n")
	}
	return b.String()
}

var markdownLink = regexp.MustCompile(`\[([^]]*)\]\(([^)]*)\)`)

// plainText is Markdown for a terminal: blocks are indented, and links name the
// document.
func plainText(markdown string) string {
	var b strings.Builder
	block := false
	for line := range strings.Lines(strings.TrimSpace(markdown) + "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			block = !block
		case block:
			b.WriteString("    " + line)
		default:
			b.WriteString(strings.ReplaceAll(markdownLink.ReplaceAllString(line, "$1 (docs/$2)"), "`", ""))
		}
	}
	return b.String()
}

// mostExplained is how many codes one hint names: it stays one line.
const mostExplained = 5

// explainHint says how to learn more of the errors of a file.
func explainHint(all slo.ErrorList) string {
	var codes []string
	seen := map[slo.Code]bool{}
	for _, e := range all {
		if !seen[e.Code] && len(codes) < mostExplained {
			codes = append(codes, string(e.Code))
		}
		seen[e.Code] = true
	}
	return "what to do: slogate explain " + strings.Join(codes, " ")
}
