//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/diagnose"
	"github.com/slogate/slogate/result"
)

// load reads the result files of a case, in the order of the rounds.
func load(s settings, c testCase) ([]*result.Run, error) {
	paths, err := filepath.Glob(filepath.Join(s.data, c.name+"_[0-9]*.json"))
	if err != nil {
		return nil, fmt.Errorf("list results: %w", err)
	}
	slices.Sort(paths)
	var runs []*result.Run
	for _, path := range paths {
		r, err := result.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// tally counts how a rule did. right of found are findings that were asked for
// or that are true too; hit of wanted are those that were asked for.
type tally struct{ found, right, hit, wanted int }

func (t *tally) add(o tally) {
	t.found += o.found
	t.right += o.right
	t.hit += o.hit
	t.wanted += o.wanted
}

// outcome is what was found in the runs of one case.
type outcome struct {
	testCase
	runs  int
	rules map[string]tally
	notes map[string]int
	quiet int // runs without any finding
}

func judge(c testCase, runs []*result.Run) outcome {
	o := outcome{testCase: c, runs: len(runs), rules: map[string]tally{}, notes: map[string]int{}}
	for _, r := range runs {
		found := map[string]bool{}
		for _, f := range diagnose.Find(r) {
			if f.Note {
				o.notes[f.Rule]++
			} else {
				found[f.Rule] = true
			}
		}
		if len(found) == 0 {
			o.quiet++
		}
		for rule := range found {
			t := tally{found: 1}
			if slices.Contains(c.want, rule) || slices.Contains(c.also, rule) {
				t.right = 1
			}
			t.add(o.rules[rule])
			o.rules[rule] = t
		}
		for _, rule := range c.want {
			t := tally{wanted: 1}
			if found[rule] {
				t.hit = 1
			}
			t.add(o.rules[rule])
			o.rules[rule] = t
		}
	}
	return o
}

// writeReport judges all runs by the rules as they are.
func writeReport(s settings) error {
	var all []outcome
	machines := map[string]bool{}
	for _, c := range cases {
		runs, err := load(s, c)
		if err != nil {
			return err
		}
		for _, r := range runs {
			machines[fmt.Sprintf("%s, %d cores, %s", r.Machine.CPU, r.Machine.Cores, r.Machine.OS)] = true
		}
		all = append(all, judge(c, runs))
	}
	var b strings.Builder
	fmt.Fprintf(&b, head, len(cases), healthy(), runtime.NumCPU(), s.beside)
	fmt.Fprintf(&b, "Measured on: %s.\n", strings.Join(sorted(machines), "; "))
	overall(&b, all)
	byRule(&b, all)
	byCase(&b, all)
	if err := os.WriteFile(s.out, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

const head = `# How often findings are right

Written by ` + "`go run ./bench/findings`" + `; not edited by hand.

%d cases, %d of them healthy: a real service on loopback with the behaviour that the last table names, loaded for 15 to 30 s by slogate's own stations. The pods of the cases pods-… are simulated, their requests are real. This machine has %d cores, for the generator, the service and what else ran; up to %d cases were measured at a time, so the healthy ones are not alone either. Notes, of one sign, are not counted as findings. In brackets: numbers, and the 95 %% interval of the share.

A finding is right where the case asks for it, or where it is true of the case too or follows from it (a queue that is full also refuses); those are listed beside it. Precision is the share of findings that are right, recall the share of asked-for findings that were made. The rules and the cases were tuned on other runs than these. No case asks for dip, generator, littles-law, pending-pods, and the throttling of a container.

`

func healthy() int {
	n := 0
	for _, c := range cases {
		if len(c.want) == 0 {
			n++
		}
	}
	return n
}

func overall(b *strings.Builder, all []outcome) {
	var t tally
	runs, quiet := 0, 0
	for _, o := range all {
		for _, r := range o.rules {
			t.add(r)
		}
		if len(o.want) == 0 {
			runs += o.runs
			quiet += o.quiet
		}
	}
	fmt.Fprintf(b, "\n## In all\n\n| | |\n| --- | --- |\n| precision | %s |\n| recall | %s |\n| findings that were asked for, not only true too | %s |\n| healthy runs without any finding | %s |\n",
		loopback.Share(t.right, t.found), loopback.Share(t.hit, t.wanted), loopback.Share(t.hit, t.found), loopback.Share(quiet, runs))
}

func byRule(b *strings.Builder, all []outcome) {
	rules := map[string]tally{}
	for _, o := range all {
		for rule, t := range o.rules {
			t.add(rules[rule])
			rules[rule] = t
		}
	}
	fmt.Fprint(b, "\n## By rule\n\n| rule | precision | recall |\n| --- | --- | --- |\n")
	for _, rule := range sorted(rules) {
		t := rules[rule]
		fmt.Fprintf(b, "| %s | %s | %s |\n", rule, loopback.Share(t.right, t.found), loopback.Share(t.hit, t.wanted))
	}
}

func byCase(b *strings.Builder, all []outcome) {
	fmt.Fprint(b, "\n## By case\n\n| case | the service | load | asked for | true too | found, in so many of the runs | notes |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, o := range all {
		var found, notes []string
		for _, rule := range sorted(o.rules) {
			if t := o.rules[rule]; t.found > 0 {
				wrong := ""
				if t.right < t.found {
					wrong = " **wrong**"
				}
				found = append(found, fmt.Sprintf("%s %d of %d%s", rule, t.found, o.runs, wrong))
			}
		}
		for _, rule := range sorted(o.notes) {
			notes = append(notes, fmt.Sprintf("%s %d", rule, o.notes[rule]))
		}
		load := strings.Join(strings.Fields(o.stages), " ")
		if o.timeout != "" {
			load += "; timeout " + o.timeout
		}
		fmt.Fprintf(b, "| %s | %s | `%s` | %s | %s | %s | %s |\n", o.name, o.what, load,
			texts(o.want), texts(o.also), texts(found), texts(notes))
	}
}

func texts(list []string) string {
	if len(list) == 0 {
		return "–"
	}
	return strings.Join(list, ", ")
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
