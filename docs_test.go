package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/slogate/slogate/demo"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// The example that the demo runs is valid without any setting.
func TestExampleIsValid(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	if _, err := slo.Parse(exampleFile, slo.Options{Path: "slo.example.yaml", Env: none}); err != nil {
		t.Error(err)
	}
}

// The demo in a cluster is one whole: what its SLO file watches scales what is
// deployed, and one pod has what the simulated ones have.
func TestDemoInAClusterIsValid(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile("demo/kubernetes/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	none := func(string) (string, bool) { return "", false }
	file, err := slo.Parse([]byte(read("slo.yaml")), slo.Options{Path: "slo.yaml", Env: none})
	if err != nil {
		t.Fatal(err)
	}
	service, err := demo.New(demo.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l := service.Timeline().Limits
	for name, wants := range map[string][]string{
		"deployment.yaml": {
			"name: iris-classifier\n", fmt.Sprintf("requests: {cpu: %dm, memory: 128Mi}", l.RequestMilli), fmt.Sprintf("limits: {cpu: %dm, memory: 256Mi}", l.LimitMilli),
			"containerPort: 8000", "path: /health",
		},
		"service.yaml": {"name: " + strings.TrimPrefix(file.Target, "http://") + "\n", "selector: {app: iris-classifier}", "port: 80, targetPort: http"},
		"hpa.yaml": {
			"name: " + file.Kubernetes.HPA + "\n", "kind: Deployment, name: iris-classifier}",
			fmt.Sprintf("minReplicas: %d\n", l.MinReplicas), fmt.Sprintf("maxReplicas: %d\n", l.MaxReplicas), fmt.Sprintf("averageUtilization: %.0f}", 100*l.TargetCPU),
		},
	} {
		text := read(name)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
}

// docs/cli.md is the help of every command; -update writes it.
func TestCommandLineDocument(t *testing.T) {
	var want strings.Builder
	want.WriteString("# Command line\n\nWhat `slogate --help` and the help of each command print. Results go to standard output, everything else to standard error. The exit codes in full: [verdicts](verdicts.md#exit-codes). `slogate completion` makes a shell complete calls, `man/slogate.1` is this page for `man`.\n")
	pages := [][]string{{"--help"}}
	for _, command := range newParser(&program{stdout: io.Discard, stderr: io.Discard}, func(int) {}).Model.Children {
		if !command.Hidden {
			pages = append(pages, []string{command.Name, "--help"})
		}
	}
	for _, args := range pages {
		var out bytes.Buffer
		Main(t.Context(), args, os.LookupEnv, &out, &out)
		want.WriteString("\n## slogate " + strings.TrimSuffix(strings.Join(args, " "), " --help") + "\n\n```text\n" + strings.TrimSpace(out.String()) + "\n```\n")
	}
	const path = "docs/cli.md"
	text := strings.Replace(want.String(), "## slogate --help", "## slogate", 1)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != text {
		t.Errorf("%s is not what the commands print: go test -run %s -update .", path, t.Name())
	}
}

// Editors find the schemas where the files of slogate init say: beside the
// documents. -update writes them.
func TestPublishedSchemas(t *testing.T) {
	for path, schema := range map[string][]byte{"docs/slo.schema.json": slo.Schema(), "docs/slogate-result.schema.json": result.Schema()} {
		if *update {
			if err := os.WriteFile(path, schema, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, schema) {
			t.Errorf("%s is not what slogate schema prints: go test -run %s -update .", path, t.Name())
		}
	}
	for _, name := range []string{"templates/slo.yaml", "draft/write.go"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(source, []byte("$schema=https://raw.githubusercontent.com/slogate/slogate/v1/docs/slo.schema.json")) {
			t.Errorf("%s does not name the published schema", name)
		}
	}
}
