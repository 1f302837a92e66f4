package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/yuin/goldmark/ast"
	shell "mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// checkShell looks at a block of commands.
func checkShell(t testing.TB, b block) { checkScript(t, b.text) }

// checkConsole looks at the lines behind the prompt; the others are output.
func checkConsole(t testing.TB, b block) {
	found := false
	for line := range strings.Lines(b.text) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			found = true
			checkScript(t, command)
		}
	}
	if !found {
		t.Error("no line begins with a prompt: $ COMMAND")
	}
}

// checkScript parses shell, looks at each command of it, and runs those of
// slogate that need nothing from outside.
func checkScript(t testing.TB, script string) {
	t.Helper()
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil {
		t.Fatalf("%s\n%v", script, err)
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			checkWords(t, fields(t, call))
		}
		return true
	})
}

// fields are the words of a command, with a value in each variable.
func fields(t testing.TB, call *syntax.CallExpr) []string {
	t.Helper()
	values := map[string]string{"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "3", "START_AT": "+30s"}
	env := shell.FuncEnviron(func(name string) string {
		if value, ok := values[name]; ok {
			return value
		}
		value, _ := documentEnv(name)
		return value
	})
	words, err := shell.Fields(&shell.Config{Env: env, CmdSubst: func(w io.Writer, _ *syntax.CmdSubst) error {
		_, err := io.WriteString(w, "value")
		return err
	}}, call.Args...)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

// wrappers run the command that follows them.
var wrappers = []string{"env", "nice", "sudo", "time", "in.sh", "exec"}

var assignment = regexp.MustCompile(`^[A-Za-z_]\w*=`)

func checkWords(t testing.TB, words []string) {
	t.Helper()
	for len(words) > 0 && (slices.Contains(wrappers, path.Base(words[0])) || assignment.MatchString(words[0])) {
		words = words[1:]
	}
	switch {
	case len(words) == 0:
	case path.Base(words[0]) == "slogate":
		checkSlogate(t, words[1:])
	case len(words) > 2 && slices.Equal(words[:3], []string{"go", "run", "."}):
		checkSlogate(t, words[3:])
	case words[0] == "go":
		checkGoCommand(t, words[1:])
	case words[0] == "docker":
		checkDocker(t, words[1:])
	}
}

// checkSlogate parses the command line as the program does, and runs it where
// that only reads and writes files.
func checkSlogate(t testing.TB, args []string) {
	t.Helper()
	if parsed(t, args) && runsAlone(args) {
		runHere(t, args)
	}
}

// parsed says whether the program takes a command line.
func parsed(t testing.TB, args []string) bool {
	t.Helper()
	exited := false
	parser, err := kong.New(&commandLine{}, kong.Name("slogate"), kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) { exited = true }), kong.Vars{"version": version()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil && !exited {
		t.Errorf("slogate %q: %v", args, err)
		return false
	}
	return true
}

// runsAlone says that a command needs no service, cluster, repository or token.
// The scripts in testdata/script run the others.
func runsAlone(args []string) bool {
	if len(args) == 0 || slices.Contains(args, "--result") && args[0] != "schema" {
		return false
	}
	switch args[0] {
	case "check", "init", "report", "schema", "suggest":
		return true
	case "compare":
		return len(args) == 3 && strings.HasSuffix(args[1], ".json")
	}
	return false
}

// runHere runs slogate in a folder with the files that the documents speak of:
// it must do what they say, whatever the verdict is.
func runHere(t testing.TB, args []string) {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	provide(t, root, dir)
	if args[0] == "init" {
		if err := os.Remove(filepath.Join(dir, "slo.yaml")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chdir(dir); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.Chdir(root); err != nil {
			t.Fatal(err)
		}
	}()
	var out bytes.Buffer
	code := Main(context.WithoutCancel(t.Context()), args, documentEnv, &out, &out)
	if code != exitPass && !(args[0] == "compare" && code != exitUsage) {
		t.Errorf("slogate %q exits %d:\n%s", args, code, out.String())
	}
}

// provide puts the files in place that the commands of the documents name.
func provide(t testing.TB, root, dir string) {
	t.Helper()
	const result = "report/testdata/json/pass.json"
	for name, from := range map[string]string{
		"openapi.yaml":                    "draft/testdata/shop.yaml",
		"spec.yaml":                       "draft/testdata/shop.yaml",
		"session.har":                     "draft/testdata/session.har",
		"shop.postman_collection.json":    "draft/testdata/shop.postman.json",
		"slogate-out/slogate-result.json": result,
		"slogate-result.json":             result,
		"yesterday.json":                  result,
		"today.json":                      "report/testdata/json/fail.json",
		"results/1.json":                  result,
		"slo.yaml":                        "slo.example.yaml",
	} {
		source, err := os.ReadFile(filepath.Join(root, from))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, source, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
		t.Fatal(err)
	}
}

// checkGoCommand wants the folders of the repository that a go command names to
// be there, the flags of our own programs to be theirs, and the tests that it
// chooses to exist.
func checkGoCommand(t testing.TB, words []string) {
	t.Helper()
	if len(words) < 2 {
		return
	}
	for i, word := range words {
		if folder, ok := strings.CutPrefix(word, "./"); ok && folder != "..." {
			entries, err := os.ReadDir(folder)
			if err != nil {
				t.Errorf("go %q: %v", words, err)
				continue
			}
			if words[0] == "run" && i == 1 {
				checkFlags(t, folder, entries, words[2:])
			}
		}
		if word == "-run" && i+1 < len(words) {
			checkTests(t, words[i+1])
		}
	}
}

// checkFlags wants each flag to be declared in the sources of the program.
func checkFlags(t testing.TB, folder string, entries []os.DirEntry, words []string) {
	t.Helper()
	var source []byte
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".go") {
			text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			source = append(source, text...)
		}
	}
	for _, word := range words {
		name, isFlag := strings.CutPrefix(word, "-")
		if !isFlag {
			continue
		}
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "-"), "=")
		if !declares(name).Match(source) {
			t.Errorf("go run ./%s has no flag -%s", folder, name)
		}
	}
}

// declares finds a flag in the source of a program: one of the standard library,
// or a field of kong's.
func declares(name string) *regexp.Regexp {
	var field strings.Builder
	for part := range strings.SplitSeq(name, "-") {
		field.WriteString("(?i:" + regexp.QuoteMeta(part) + ")")
	}
	return regexp.MustCompile(`[fF]lags?\.\w+\((?:&[\w.]+, )?"` + regexp.QuoteMeta(name) + `"|(?m)^\s+` + field.String() + `\s+\S+\s+` + "`")
}

// checkTests wants each name of a pattern to choose a test.
func checkTests(t testing.TB, pattern string) {
	t.Helper()
	for one := range strings.SplitSeq(pattern, "|") {
		chosen, err := regexp.Compile(strings.Split(one, "/")[0])
		if err != nil {
			t.Error(err)
			return
		}
		if one != "^$" && !slices.ContainsFunc(testNames(), chosen.MatchString) {
			t.Errorf("go test -run %s chooses no test", one)
		}
	}
}

// checkDocker parses what is run in an image of slogate, and wants build
// arguments to be those of the Dockerfile.
func checkDocker(t testing.TB, words []string) {
	t.Helper()
	if image := slices.IndexFunc(words, isOurImage); words[0] == "run" && image > 0 && image < len(words)-1 {
		parsed(t, words[image+1:])
	}
	if words[0] != "build" {
		return
	}
	source, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for i, word := range words[:len(words)-1] {
		if word != "--build-arg" {
			continue
		}
		name, _, _ := strings.Cut(words[i+1], "=")
		if !bytes.Contains(source, []byte("ARG "+name)) {
			t.Errorf("the Dockerfile has no argument %s", name)
		}
	}
}

// Commands within a sentence name commands and flags that there are. They have
// no values, or words in capitals for them.
func TestDocumentsNameCommands(t *testing.T) {
	flags := flagsOfCommands(t)
	named := 0
	for _, d := range documents(t) {
		ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if _, code := n.(*ast.CodeSpan); !code || !entering {
				return ast.WalkContinue, nil
			}
			text := textOf(n, d.source)
			if rest, ours := strings.CutPrefix(text, "slogate "); ours {
				named++
				words := strings.Fields(rest)
				known, isCommand := flags[words[0]]
				if !isCommand && !strings.HasPrefix(words[0], "--") {
					t.Errorf("%s: %s: there is no such command", d.path, text)
				}
				for _, word := range words[1:] {
					name, _, _ := strings.Cut(word, "=")
					if strings.HasPrefix(name, "--") && !slices.Contains(known, name) {
						t.Errorf("%s: %s: there is no flag %s", d.path, text, name)
					}
				}
			} else if strings.HasPrefix(text, "go run ./") || strings.HasPrefix(text, "go test ") {
				named++
				checkScript(t, text)
			}
			return ast.WalkContinue, nil
		})
	}
	if named < 50 {
		t.Errorf("only %d commands are found", named)
	}
}

// flagsOfCommands are the flags of each command, as they are written.
func flagsOfCommands(t *testing.T) map[string][]string {
	t.Helper()
	parser, err := kong.New(&commandLine{}, kong.Vars{"version": version()})
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string][]string{}
	for _, command := range parser.Model.Leaves(false) {
		for _, group := range command.AllFlags(false) {
			for _, flag := range group {
				flags[command.Name] = append(flags[command.Name], "--"+flag.Name)
			}
		}
	}
	return flags
}

// isOurImage says that a word names an image of slogate, with a tag, a digest or
// neither.
func isOurImage(word string) bool {
	name, _, _ := strings.Cut(path.Base(word), "@")
	name, _, _ = strings.Cut(name, ":")
	return name == "slogate"
}
