package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestComplete(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"slo.yaml": "profiles:\n  smoke: {}\n  \"a\\tb\": {}\n", "wrong.yml": "\t", "notes.txt": "", ".hidden.yaml": "", "a\nb.yaml": "",
		"out/slogate-result.json": "", "out/report.html": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("HOME", filepath.Join(dir, "out"))
	for name, test := range map[string]struct {
		call string // words apart by spaces; the last one is completed
		want string
	}{
		"a command":                    {"calib", "calibrate"},
		"hidden commands":              {"act", ""},
		"flags of no command":          {"--v", "--version"},
		"flags":                        {"run --max-", "--max-rate --max-duration"},
		"flags that were given":        {"run --max-rate=1/s --max-", "--max-duration"},
		"a flag that may stand twice":  {"run --baseline a.json --basel", "--baseline"},
		"a choice":                     {"run --gate ", "enforce report"},
		"a choice behind =":            {"run --gate=r", "--gate=report"},
		"an optional choice":           {"run --on ", "kubernetes"},
		"a value behind a switch":      {"run --once slo", "slo.yaml"},
		"SLO files":                    {"check ", "out/ slo.yaml wrong.yml"},
		"more of them":                 {"check slo.yaml wr", "wrong.yml"},
		"hidden files":                 {"check .h", ".hidden.yaml"},
		"results":                      {"report out/", "out/slogate-result.json"},
		"one result is enough":         {"report out/slogate-result.json ", ""},
		"the second result":            {"compare a.json out/s", "out/slogate-result.json"},
		"folders":                      {"run --out ", "out/"},
		"any file":                     {"report --out n", "notes.txt"},
		"home":                         {"report ~/s", "~/slogate-result.json"},
		"a folder that is not there":   {"report none/", ""},
		"profiles":                     {"run --profile=", "--profile=smoke"},
		"profiles of the current file": {"compare main..HEAD --profile ", "smoke"},
		"profiles of a flag's file":    {"compare main..HEAD --slo wrong.yml --profile ", ""},
		"profiles of a wrong file":     {"run wrong.yml --profile ", ""},
		"profiles of no file":          {"run none.yaml --profile ", ""},
		"a shell":                      {"completion z", "zsh"},
		"a command to explain":         {"help calib", "calibrate"},
		"codes":                        {"explain SLO17", "SLO170 SLO171"},
		"nothing known":                {"run --seed ", ""},
		"after --":                     {"check -- --", ""},
		"flags that do not exist":      {"run --none=1 --nothing sl", "slo.yaml"},
	} {
		var words []string
		for _, c := range complete(newParser(&program{stdout: io.Discard, stderr: io.Discard}, func(int) {}).Model.Node, strings.Split(test.call, " ")) {
			words = append(words, c.word)
		}
		if diff := cmp.Diff(test.want, strings.Join(words, " ")); diff != "" {
			t.Errorf("%s: %q (-want +got):\n%s", name, test.call, diff)
		}
	}
}

// Every flag and argument that takes a file, a folder or a name of a file says
// how it is completed.
func TestValuesThatCanBeCompletedAre(t *testing.T) {
	app := newParser(&program{stdout: io.Discard, stderr: io.Discard}, func(int) {}).Model
	paths := []string{"FILE", "DIR", "SPEC", "RESULT", "A", "B"}
	for _, command := range app.Children {
		values := slices.Clone(command.Positional)
		for _, flag := range command.Flags {
			values = append(values, flag.Value)
		}
		for _, v := range values {
			if needs := slices.Contains(paths, v.Tag.PlaceHolder); needs && v.Tag.Get("complete") == "" {
				t.Errorf("slogate %s: %s has no tag complete", command.Name, v.Name)
			}
		}
	}
}
