package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// This file is about several SLO files in one call.

const defaultFile = "slo.yaml"

// expand gives the SLO files that names and patterns stand for, each once: what
// a pattern matches in the order of the names.
func expand(named []string) ([]string, error) {
	if len(named) == 0 {
		return []string{defaultFile}, nil
	}
	var all []string
	for _, name := range named {
		paths := []string{name}
		if isPattern(name) && !exists(name) {
			var err error
			if paths, err = filepath.Glob(name); err != nil {
				return nil, fmt.Errorf("%q is not a pattern of files: %w", name, err)
			}
			if len(paths) == 0 {
				return nil, hinted{fmt.Errorf("no file matches %q", name), "slogate init writes a first one; * does not reach into folders"}
			}
		}
		for _, path := range paths {
			if path = filepath.Clean(path); !slices.Contains(all, path) {
				all = append(all, path)
			}
		}
	}
	return all, nil
}

// unsafe are the characters that the name of a file or folder has not.
var unsafe = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// folderOf is the folder of a file's results below the output folder.
func folderOf(file *slo.File) string {
	return safeName(file.Name, "slo")
}

// safeName is a name of the SLO file as one of a file, another one where nothing is
// left of it.
func safeName(name, other string) string {
	return cmp.Or(strings.Trim(unsafe.ReplaceAllString(name, "-"), "-."), other)
}

// distinct refuses files that one could not tell apart later: by their names go
// their folders, comments and kept results.
func distinct(files []*slo.File) error {
	first := map[string]*slo.File{}
	for _, f := range files {
		if other := first[folderOf(f)]; other != nil {
			return hinted{
				fmt.Errorf("%s and %s have the same name, %q and %q", other.Path, f.Path, other.Name, f.Name),
				"give each a name of its own, by the key name: their folders, comments and kept results go by it",
			}
		}
		first[folderOf(f)] = f
	}
	return nil
}

// joined are the errors of several files, shown one after the other.
type joined []error

func (j joined) Error() string { return errors.Join(j...).Error() }

func (j joined) Unwrap() []error { return j }

// ended is how the run of one file ended.
type ended struct {
	file *slo.File
	run  *result.Run // nil: nothing was loaded
	code int
	err  error
}

// worst is the exit code of several runs: whoever cancelled wants no verdict,
// and what kept a run from being made hides one; a fail is certain, whatever
// else is not.
func worst(codes []int) int {
	for _, code := range []int{exitCancelled, exitUsage, exitFail, exitInconclusive} {
		if slices.Contains(codes, code) {
			return code
		}
	}
	return exitPass
}

// worstOf gives the first of the runs of the worst exit code that has the worst
// verdict: the code may let any pass.
func worstOf(all []ended) ended {
	codes := make([]int, len(all))
	for i, e := range all {
		codes[i] = e.code
	}
	code := worst(codes)
	alike := slices.DeleteFunc(slices.Clone(all), func(e ended) bool { return e.code != code })
	return slices.MinFunc(alike, func(a, b ended) int { return cmp.Compare(a.rank(), b.rank()) })
}

// rank orders runs by their verdicts, the worst first. One that loaded nothing
// has none, which hides no other but one that passes.
func (e ended) rank() int {
	if e.run == nil {
		return slices.Index(worstFirst, "")
	}
	return slices.Index(worstFirst, e.run.Judgement.Verdict)
}

var worstFirst = []result.Verdict{result.Fail, result.Inconclusive, "", result.Warn, result.Pass}

// printEnds says how each file fared, in a line.
func printEnds(w io.Writer, all []ended) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FILE\tVERDICT\tWHY")
	for _, e := range all {
		verdict, why := "not run", "cancelled"
		switch {
		case e.run != nil:
			verdict, why = string(e.run.Judgement.Verdict), e.run.Judgement.Reason
		case e.err != nil:
			why, _, _ = strings.Cut(e.err.Error(), "\n")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", report.OneLine(e.file.Path), verdict, report.OneLine(why))
	}
	return t.Flush()
}
