package main

import (
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"
)

// disturbed is what slogate says of a run that other work on this machine kept
// from its schedule, and that decided nothing therefore.
var disturbed = regexp.MustCompile(`generator\s+limited:\s+it\s+left|together:\s+they\s+began\s+it`)

// calmly loads, and again while slogate says that it was disturbed. One that
// always says so is not excused: its last word stands.
func calmly(load func() (said string)) {
	for range 5 {
		if !disturbed.MatchString(load()) {
			return
		}
	}
}

// calm is the exec of a script for what loads, done calmly.
func calm(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: calm program [args...]")
	}
	var err error
	calmly(func() string {
		err = ts.Exec(args[0], args[1:]...)
		return ts.ReadFile("stdout")
	})
	switch {
	case err == nil && neg:
		ts.Fatalf("unexpected command success")
	case err != nil && !neg:
		ts.Fatalf("unexpected command failure: %v", err)
	}
}
