//go:build !linux

// Command bench compares slogate with other load generators. It runs on Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: it pins processes and reads the kernel's accounting: it runs on Linux")
	os.Exit(1)
}
