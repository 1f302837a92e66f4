package slo

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
)

// resolved reads the schema that Schema writes.
func resolved(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// instance gives the document as an editor sees it.
func instance(t *testing.T, src []byte) any {
	t.Helper()
	p := &parser{lines: splitLines(src), file: &File{}}
	root := p.readYAML(src)
	if root == nil || len(p.errs) > 0 {
		t.Fatalf("not YAML: %v", p.errs)
	}
	return plain(t, root)
}

func plain(t *testing.T, n *node) any {
	t.Helper()
	switch n.kind {
	case listNode:
		all := []any{}
		for _, item := range n.items {
			all = append(all, plain(t, item))
		}
		return all
	case mapNode:
		all := map[string]any{}
		for _, e := range n.entries {
			all[e.key] = plain(t, e.value)
		}
		return all
	}
	var v any = n.text
	if n.typ != stringScalar {
		if err := json.Unmarshal([]byte(n.text), &v); err != nil {
			t.Fatalf("%q: %v", n.text, err)
		}
	}
	return v
}

func TestSchemaAccepts(t *testing.T) {
	schema := resolved(t)
	for _, path := range globAll(t, "testdata/ok/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(instance(t, src)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSchemaRefuses(t *testing.T) {
	schema := resolved(t)
	for name, text := range map[string]string{
		"unknown key":       head + oneGet + oneStage + "objektives: []\n",
		"unknown stage key": head + oneGet + "stages: [{name: a, rate: 10/s, durration: 5s}]\n",
		"no stages":         head + oneGet,
		"version":           "version: 2\ntarget: http://x\n" + oneGet + oneStage,
		"rate without unit": head + oneGet + "stages: [{name: a, rate: 10, duration: 5s}]\n",
		"two loads":         head + oneGet + "stages: [{name: a, rate: 10/s, workers: 5, duration: 5s}]\n",
		"unknown indicator": head + oneGet + oneStage + "objectives: [p95x <= 1s]\n",
		"two severities":    head + oneGet + oneStage + "objectives: [{fail: p95 <= 1s, warn: p95 <= 1s}]\n",
		"no request":        head + "scenarios: [{name: a}]\n" + oneStage,
		"pause and request": head + "scenarios: [{steps: [{pause: 1s, request: GET /}]}]\n" + oneStage,
		"method":            head + "scenarios: [{request: /}]\n" + oneStage,
		"status":            head + "scenarios: [{request: GET /, accept: [600]}]\n" + oneStage,
		"service: no start": head + oneGet + oneStage + "service: {build: make}\n",
		"service: variable": head + oneGet + oneStage + "service: {start: ./run, env: {a-b: c}}\n",
		"list of keys":      head + "scenarios: {request: GET /}\n" + oneStage,
	} {
		if err := schema.Validate(instance(t, []byte(text))); err == nil {
			t.Errorf("%s: the schema accepts\n%s", name, text)
		}
	}
}

// The schema has every key that the parser accepts, with a description.
func TestSchemaDescribesKeys(t *testing.T) {
	s := documentSchema()
	stage, scenario := s.Properties["stages"].Items, s.Properties["scenarios"].Items
	for what, c := range map[string]struct {
		schema *jsonschema.Schema
		keys   []string
	}{
		"file":     {s, keysOf[document]()},
		"http":     {s.Properties["http"], keysOf[httpDoc]()},
		"wait_for": {s.Properties["wait_for"], keysOf[waitForDoc]()},
		"scenario": {scenario, keysOf[scenarioDoc]()},
		"step":     {scenario.Properties["steps"].Items, keysOf[scenarioStepDoc]()},
		"start":    {scenario.Properties["start"].Items, keysOf[stepDoc]()},
		"before":   {s.Properties["before"].Items, keysOf[setupDoc]()},
		"stage":    {stage, keysOf[stageDoc]()},
		"service":  {s.Properties["service"], keysOf[serviceDoc]()},
	} {
		if len(c.keys) != len(c.schema.Properties) {
			t.Errorf("%s has %d keys, its schema %d", what, len(c.keys), len(c.schema.Properties))
		}
		for _, key := range c.keys {
			if p := c.schema.Properties[key]; p == nil || p.Description == "" {
				t.Errorf("%s: key %q has no description", what, key)
			}
		}
	}
}
