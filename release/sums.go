package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// sum is one line of SHA256SUMS.
type sum struct{ digest, name string }

type sums []sum

var sumForm = regexp.MustCompile(`^([0-9a-f]{64})  ([\w.+-]+)$`)

func readSums(path string) (sums, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all sums
	for line := range strings.Lines(string(content)) {
		found := sumForm.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if found == nil {
			return nil, fmt.Errorf("%s: %q is no digest with a name", path, line)
		}
		all = append(all, sum{digest: found[1], name: found[2]})
	}
	return all, nil
}

// of returns the digest of a file, or nothing.
func (all sums) of(name string) string {
	for _, s := range all {
		if s.name == name {
			return s.digest
		}
	}
	return ""
}
