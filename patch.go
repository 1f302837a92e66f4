package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/slogate/slogate/slo"
)

// edit gives an objective of an SLO file another bound.
type edit struct {
	at        slo.Pos // of the objective's text
	objective slo.Objective
	bound     string
}

// applyEdits gives the lines of a file before and after. Only lines are
// changed, none is added: the positions stay.
func applyEdits(src []byte, edits []edit) (before, after []string, err error) {
	text := string(src)
	// A diff counts lines by \n alone, YAML by more. A \r before it stays in the
	// line.
	if strings.ContainsAny(strings.ReplaceAll(text, "\r\n", "\n"), "\r\u0085\u2028\u2029") {
		return nil, nil, errors.New("it has unusual line breaks")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }) {
		return nil, nil, errors.New("it holds control characters")
	}
	before = strings.Split(text, "\n")
	after = slices.Clone(before)
	// From the end of a line to its beginning, so that columns stay true.
	slices.SortFunc(edits, func(a, b edit) int {
		return cmp.Or(cmp.Compare(a.at.Line, b.at.Line), cmp.Compare(b.at.Column, a.at.Column))
	})
	for _, e := range edits {
		if e.at.Line < 1 || e.at.Line > len(after) {
			return nil, nil, fmt.Errorf("%s is not where it was", e.objective.Text)
		}
		line := &after[e.at.Line-1]
		if *line, err = e.apply(*line); err != nil {
			return nil, nil, err
		}
	}
	return before, after, nil
}

// apply replaces the bound, which follows the comparison.
func (e edit) apply(line string) (string, error) {
	runes := []rune(strings.TrimPrefix(line, "\uFEFF"))
	mark := line[:len(line)-len(string(runes))]
	from := min(e.at.Column-1, len(runes))
	head, rest := mark+string(runes[:from]), string(runes[from:])
	indicator, bound, _ := strings.Cut(e.objective.Text, string(e.objective.Cmp))
	bound = strings.TrimSpace(bound)
	name, tail, found := strings.Cut(rest, string(e.objective.Cmp))
	value := strings.TrimLeft(tail, " ")
	// With escapes in it, the next comparison would be another objective's.
	isPlain := strings.TrimSpace(strings.TrimLeft(name, `"'`)) == strings.TrimSpace(indicator)
	if !found || !isPlain || bound == "" || !strings.HasPrefix(value, bound) {
		return "", fmt.Errorf("%s is written over several lines, or with blanks or escapes", e.objective.Text)
	}
	blanks := tail[:len(tail)-len(value)]
	return head + name + string(e.objective.Cmp) + blanks + e.bound + value[len(bound):], nil
}

// diffContext is how many unchanged lines stand around a change.
const diffContext = 3

// patchPath is a file's name as a patch has it: relative to the working
// directory, and in it, or git apply would refuse it.
func patchPath(path string) (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if filepath.IsAbs(path) {
		if path, err = filepath.Rel(here, path); err != nil {
			return "", err
		}
	}
	path = filepath.Clean(path)
	switch {
	case !filepath.IsLocal(path):
		return "", errors.New("it lies outside of the working directory")
	case strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) || r == '"' || r == '\\' }):
		return "", errors.New("its name has unusual characters")
	}
	return filepath.ToSlash(path), nil
}

// unifiedDiff gives the difference of two texts of the same number of lines as
// patch and git apply read it.
func unifiedDiff(path string, before, after []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "--- a/%s\n+++ b/%[1]s\n", path)
	for from := 0; from < len(before); {
		first := from
		for first < len(before) && before[first] == after[first] {
			first++
		}
		if first == len(before) {
			break
		}
		// A hunk ends where so many lines are the same that the next one's
		// context does not touch.
		last := first
		for i := first; i < min(last+2*diffContext+2, len(before)); i++ {
			if before[i] != after[i] {
				last = i
			}
		}
		writeHunk(&b, before, after, max(first-diffContext, from), last)
		from = last + 1
	}
	return b.String()
}

// writeHunk writes the lines from begin to those after last, the last one that
// has changed.
func writeHunk(b *strings.Builder, before, after []string, begin, last int) {
	end := min(last+diffContext+1, len(before))
	open := before[len(before)-1] != "" // the file does not end in a line break
	if !open {
		end = min(end, len(before)-1)
	}
	fmt.Fprintf(b, "@@ -%d,%d +%[1]d,%[2]d @@\n", begin+1, end-begin)
	write := func(sign string, lines []string, i int) {
		b.WriteString(sign + lines[i] + "\n")
		if open && i == len(lines)-1 {
			b.WriteString("\\ No newline at end of file\n")
		}
	}
	for i := begin; i < end; {
		if before[i] == after[i] {
			write(" ", before, i)
			i++
			continue
		}
		run := i
		for run < end && before[run] != after[run] {
			write("-", before, run)
			run++
		}
		for ; i < run; i++ {
			write("+", after, i)
		}
	}
}
