//go:build linux

package faults

import (
	"fmt"
	"os"
)

// playRole is the main function of a process that a row starts: this test
// binary with FAULTS_ROLE in its environment.
func playRole(role string) {
	fmt.Fprintf(os.Stderr, "no role %q\n", role)
	os.Exit(2)
}
