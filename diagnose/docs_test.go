package diagnose

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/findings.md explains every rule.
func TestRulesAreDocumented(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("..", "docs", "findings.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`Rule(?:: +|, f\.Stage = )"([a-z-]+)"`)
	names := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			names++
			if !strings.Contains(string(document), "`"+m[1]+"`") {
				t.Errorf("%s: docs/findings.md does not explain the rule %s", file, m[1])
			}
		}
	}
	if names < len(rules) {
		t.Errorf("%d names of rules are in the code, of %d rules", names, len(rules))
	}
}
