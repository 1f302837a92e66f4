package slo

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadsAreTold(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"load/order.json": "{}", "rows.csv": "id\n1\n", "load/api.yaml": "openapi: 3.0.0\ninfo: {title: a, version: '1'}\npaths: {}\n"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	const file = `version: 1
target: http://localhost:8000
openapi: api.yaml
baseline: {files: [earlier.json]}
scenarios:
  - name: order
    data: {file: ../rows.csv}
    steps: [{request: POST /orders, body_file: order.json}]
stages: [{name: a, requests: 1, workers: 1}]
objectives: [success_rate >= 98%]
`
	var read []string
	opts := Options{Path: filepath.Join(dir, "load", "slo.yaml"), Workspace: dir, Reads: func(path string) { read = append(read, filepath.ToSlash(path)) }}
	if _, err := Parse([]byte(file), opts); err != nil {
		t.Fatal(err)
	}
	slices.Sort(read)
	if diff := cmp.Diff([]string{"load/api.yaml", "load/order.json", "rows.csv"}, slices.Compact(read)); diff != "" {
		t.Error(diff)
	}
}
