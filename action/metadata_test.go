package action

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// metadata is an action.yml.
type metadata struct {
	Inputs  map[string]struct{ Description, Default string }
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using, Image, Entrypoint string
		Args                     []string
		Steps                    []struct {
			ID, Shell, Run string
			Env            map[string]string
		}
	}
	order map[string][]string
}

func readMetadata(t *testing.T) metadata {
	t.Helper()
	return readMetadataOf(t, "../action.yml")
}

func readMetadataOf(t *testing.T, path string) metadata {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m metadata
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		t.Fatal(err)
	}
	if err := node.Decode(&m); err != nil {
		t.Fatal(err)
	}
	m.order = map[string][]string{}
	top := node.Content[0].Content
	for i := 0; i < len(top); i += 2 {
		for j := 0; j < len(top[i+1].Content); j += 2 {
			m.order[top[i].Value] = append(m.order[top[i].Value], top[i+1].Content[j].Value)
		}
	}
	return m
}

func TestMetadataDeclaresTheInputs(t *testing.T) {
	want, got := map[string]string{}, map[string]string{}
	for _, i := range inputs {
		want[i.name] = i.fallback
		if i.context != "" {
			want[i.name] = i.context
		}
	}
	for name, i := range readMetadata(t).Inputs {
		got[name] = i.Default
		if i.Description == "" {
			t.Errorf("input %s has no description", name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inputs and defaults of action.yml (-code +action.yml):\n%s", diff)
	}
}

func TestMetadataDeclaresTheOutputs(t *testing.T) {
	var want, got []string
	for _, o := range outputs(run(), Files{}) {
		want = append(want, o.name)
	}
	m := readMetadata(t)
	for name, o := range m.Outputs {
		if o.Description == "" {
			t.Errorf("output %s has no description", name)
		}
	}
	got = m.order["outputs"]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outputs of action.yml (-code +action.yml):\n%s", diff)
	}
}

func TestMetadataStartsTheImage(t *testing.T) {
	m := readMetadata(t)
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(dockerfile), fmt.Sprintf("ENTRYPOINT [%q]", m.Runs.Entrypoint)) {
		t.Errorf("the Dockerfile does not start %q as action.yml does", m.Runs.Entrypoint)
	}
	// A tagged commit names the image that was built of it.
	released := regexp.MustCompile(`^docker://ghcr\.io/slogate/slogate@sha256:[0-9a-f]{64}$`)
	if m.Runs.Using != "docker" || m.Runs.Image != "Dockerfile" && !released.MatchString(m.Runs.Image) || !slices.Equal(m.Runs.Args, []string{"action"}) {
		t.Errorf("runs = %+v", m.Runs)
	}
}

// The action for the host has the same inputs and outputs: a step can take
// either form.
func TestHostActionIsTheSame(t *testing.T) {
	container, host := readMetadata(t), readMetadataOf(t, "../host/action.yml")
	if diff := cmp.Diff(container.order["inputs"], host.order["inputs"]); diff != "" {
		t.Errorf("inputs (-action.yml +host/action.yml):\n%s", diff)
	}
	if diff := cmp.Diff(container.order["outputs"], host.order["outputs"]); diff != "" {
		t.Errorf("outputs (-action.yml +host/action.yml):\n%s", diff)
	}
	for name, want := range container.Inputs {
		if name == "network" {
			want.Description = host.Inputs[name].Description // there is one network alone
		}
		if diff := cmp.Diff(want, host.Inputs[name]); diff != "" {
			t.Errorf("input %s (-action.yml +host/action.yml):\n%s", name, diff)
		}
	}
	for name, want := range container.Outputs {
		want.Value = "${{ steps.slogate.outputs." + name + " }}"
		if diff := cmp.Diff(want, host.Outputs[name]); diff != "" {
			t.Errorf("output %s (-want +got):\n%s", name, diff)
		}
	}
}

// A composite action gets no variables INPUT_…: it has to set each, and by
// variables alone, because an expression in a script is a part of the script.
// Bash on Windows leaves them as they are.
func TestHostActionHandsInputsOver(t *testing.T) {
	m := readMetadataOf(t, "../host/action.yml")
	want := map[string]string{"SLOGATE": "${{ steps.install.outputs.program }}", "MSYS2_ENV_CONV_EXCL": "*"}
	for name := range m.Inputs {
		want["INPUT_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = "${{ inputs." + name + " }}"
	}
	for _, step := range m.Runs.Steps {
		if step.Shell != "bash" || strings.Contains(step.Run, "${{") {
			t.Errorf("step %s is run by %q: %s", step.ID, step.Shell, step.Run)
		}
		if step.ID != "slogate" {
			continue
		}
		if diff := cmp.Diff(want, step.Env); diff != "" {
			t.Errorf("variables of the step (-want +got):\n%s", diff)
		}
		want = nil
	}
	if want != nil {
		t.Error("no step slogate")
	}
}

// The tables of docs/action.md are those of action.yml; -update writes them.
func TestDocumentedInputsAndOutputs(t *testing.T) {
	const path = "../docs/action.md"
	m := readMetadata(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := replaceTable(t, string(text), "inputs", m.inputTable())
	want = replaceTable(t, want, "outputs", m.outputTable())
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, string(text)); diff != "" && !*update {
		t.Errorf("%s is not what action.yml says: go test ./action -update (-want +got):\n%s", path, diff)
	}
}

func (m metadata) inputTable() string {
	var b strings.Builder
	b.WriteString("| input | default | meaning |\n| --- | --- | --- |\n")
	for _, name := range m.order["inputs"] {
		i := m.Inputs[name]
		fallback := "–"
		if i.Default != "" {
			fallback = "`" + i.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, fallback, i.Description)
	}
	return b.String()
}

func (m metadata) outputTable() string {
	var b strings.Builder
	b.WriteString("| output | meaning |\n| --- | --- |\n")
	for _, name := range m.order["outputs"] {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, m.Outputs[name].Description)
	}
	return b.String()
}

// replaceTable puts a table between the comments "NAME: from action.yml" and
// "end of NAME".
func replaceTable(t *testing.T, text, name, table string) string {
	t.Helper()
	between := regexp.MustCompile(`(?s)(<!-- ` + name + `: from action\.yml -->\n).*?(<!-- end of ` + name + ` -->)`)
	if !between.MatchString(text) {
		t.Fatalf("docs/action.md has no place for the %s", name)
	}
	return between.ReplaceAllStringFunc(text, func(old string) string {
		parts := between.FindStringSubmatch(old)
		return parts[1] + "\n" + table + "\n" + parts[2]
	})
}

// Every workflow that is shown or written gives the action inputs that it has.
// actionlint looks at this for local actions only.
func TestShownWorkflowsUseDeclaredInputs(t *testing.T) {
	declared := readMetadata(t).Inputs
	var files []string
	for _, pattern := range []string{"../README.md", "../docs/*.md", "../templates/*.yml", "../.github/workflows/*.yml", "../e2e/testdata/*.yml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	steps := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range stepsOf(string(text)) {
			steps++
			for _, name := range step {
				if _, ok := declared[name]; !ok {
					t.Errorf("%s gives the action an input %q", file, name)
				}
			}
		}
	}
	if steps < 6 {
		t.Errorf("found %d steps in %q: the documents are not read", steps, files)
	}
}

// stepsOf returns the inputs of each step that uses the action. The documents
// are looked at by line, because a template is no YAML yet.
func stepsOf(text string) [][]string {
	var steps [][]string
	key := regexp.MustCompile(`^( *)(?:- )?([\w-]+):(.*)$`)
	using, with := -1, -1
	for line := range strings.Lines(text) {
		found := key.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if found == nil {
			continue
		}
		indent := len(found[1])
		if strings.HasPrefix(strings.TrimLeft(line, " "), "- ") {
			indent += 2
			using, with = -1, -1
		}
		value := strings.TrimSpace(found[3])
		switch {
		case found[2] == "uses" && (value == "./" || value == "./host" || strings.HasPrefix(value, "slogate/slogate@") || strings.HasPrefix(value, "slogate/slogate/host@")):
			using, with = indent, -1
			steps = append(steps, nil)
		case using >= 0 && indent < using:
			using, with = -1, -1
		case using >= 0 && indent == using:
			with = -1
			if found[2] == "with" {
				with = indent
			}
		case with >= 0 && indent == with+2:
			steps[len(steps)-1] = append(steps[len(steps)-1], found[2])
		}
	}
	return steps
}
