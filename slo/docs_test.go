package slo

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const docsPath = "../docs/slo-file.md"

func readDocs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// Each example of the guide is a file, once it has what it lacks.
func TestDocsExamples(t *testing.T) {
	blocks := yamlBlock.FindAllStringSubmatch(readDocs(t), -1)
	if len(blocks) < 10 {
		t.Fatalf("%d examples", len(blocks))
	}
	schema := resolved(t)
	dir := docsFolder(t)
	for _, block := range blocks {
		src := []byte(wholeFile(block[1]))
		opts := testOptions(filepath.Join(dir, "slo.yaml"))
		if _, err := Parse(src, opts); err != nil {
			t.Errorf("%s\n%s", src, pretty(t, err))
			continue
		}
		if err := schema.Validate(instance(t, src)); err != nil {
			t.Errorf("%s\nschema: %v", src, err)
		}
	}
}

func wholeFile(part string) string {
	for _, line := range []string{"version: 1\n", "target: http://localhost:8000\n", oneGet, oneStage} {
		key, _, _ := strings.Cut(line, ":")
		if !regexp.MustCompile(`(?m)^` + key + `:`).MatchString(part) {
			part += line
		}
	}
	return part
}

// The guide names every key, indicator and value.
func TestDocsAreComplete(t *testing.T) {
	docs := readDocs(t)
	keys := append(keysOf[document](), keysOf[httpDoc]()...)
	keys = append(append(keys, keysOf[waitForDoc]()...), keysOf[scenarioDoc]()...)
	keys = append(append(keys, keysOf[stepDoc]()...), keysOf[stageDoc]()...)
	keys = append(append(keys, keysOf[scenarioStepDoc]()...), keysOf[setupDoc]()...)
	keys = append(append(keys, keysOf[dataDoc]()...), keysOf[multipartDoc]()...)
	keys = append(append(keys, keysOf[tlsDoc]()...), keysOf[authDoc]()...)
	keys = append(append(keys, keysOf[oauth2Doc]()...), keysOf[sigV4Doc]()...)
	keys = append(append(keys, keysOf[basicDoc]()...), keysOf[hmacDoc]()...)
	keys = append(append(keys, keysOf[streamDoc]()...), keysOf[messageDoc]()...)
	keys = append(keys, keysOf[dnsDoc]()...)
	keys = append(append(keys, keysOf[metricsDoc]()...), keysOf[prometheusDoc]()...)
	keys = append(keys, keysOf[cpuProfileDoc]()...)
	keys = append(keys, keysOf[baselineDoc]()...)
	keys = append(keys, keysOf[serviceDoc]()...)
	keys = append(append(keys, keysOf[profileDoc]()...), keysOf[pauseDoc]()...)
	for _, key := range append(keys, keysOf[objectiveDoc]()...) {
		if !strings.Contains(docs, "`"+key+"`") {
			t.Errorf("%s does not describe the key %q", docsPath, key)
		}
	}
	for _, name := range indicatorNames {
		if !strings.Contains(docs, name) {
			t.Errorf("%s does not describe the indicator %q", docsPath, name)
		}
	}
	for _, word := range valueWords {
		if !strings.Contains(docs, "`${"+word) {
			t.Errorf("%s does not describe the value %q", docsPath, word)
		}
	}
}

// The example that the loader's tests run is the one that the guide shows.
func TestDocsShowTheExample(t *testing.T) {
	example, err := os.ReadFile("../loader/testdata/shop/slo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(readDocs(t), "```yaml\n"+string(example)+"```\n") {
		t.Errorf("%s does not show testdata/shop/slo.yaml", docsPath)
	}
}

// The error that the guide shows is the one that Parse gives.
func TestDocsShowAnError(t *testing.T) {
	src := strings.Repeat("\n", 11) + "stages:\n  -\n        durration: 5s\n"
	_, err := Parse([]byte(src), Options{Path: "slo.yaml"})
	list, _ := err.(ErrorList)
	i := slices.IndexFunc(list, func(e *Error) bool { return e.Code == CodeUnknownKey })
	if i < 0 {
		t.Fatalf("Parse gives\n%v", err)
	}
	if shown := "```text\n" + list[i].Pretty() + "```\n"; !strings.Contains(readDocs(t), shown) {
		t.Errorf("%s does not show\n%s", docsPath, shown)
	}
}
