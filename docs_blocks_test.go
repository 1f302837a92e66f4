package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"gopkg.in/yaml.v3"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// checkers hold each code block of the documents to what it is, by its language.
// An indented block, which has none, is for a shell.
var checkers = map[string]func(t testing.TB, b block){
	"":        checkShell,
	"bash":    checkShell,
	"console": checkConsole,
	"diff":    checkDiff,
	"go":      checkGo,
	"groovy":  checkJenkinsfile,
	"json":    checkJSON,
	"mermaid": checkMermaid,
	"sh":      checkShell,
	"text":    checkSample,
	"yaml":    checkYAML,
	"yml":     checkYAML, // SLO files with gRPC, which slo/proto_test.go parses with the tag
}

// samples are the blocks of text: the test that knows them, by document and
// first line.
var samples = map[string]string{
	"docs/slo-file.md: slo.yaml:14:9: SLO012: unknown key": "TestDocsShowAnError",
	"docs/kubernetes.md: What if":                          "TestWhatIf",
	"docs/cli.md: Usage: slogate":                          "TestCommandLineDocument",
	"docs/verdicts.md: max(tolerance":                      "TestDetectable",
}

// heldElsewhere are the documents whose blocks of YAML and text another test
// holds: each file is wrong and prints the text below it, or the text is a
// message of the program.
var heldElsewhere = map[string]string{
	"docs/errors.md":          "TestErrorsDocument",
	"docs/troubleshooting.md": "TestTroubleshootingDocument",
}

var workflows = flag.String("workflows", "", "folder that the workflows of the documents are written into, for actionlint")

// block is a code block of a document.
type block struct {
	document, language, text string
	line                     int
}

// Every code block of every document runs or is parsed. With -v the test lists
// how many there are of each kind.
func TestDocumentBlocks(t *testing.T) {
	for _, d := range documents(t) {
		counts := map[string]int{}
		for _, b := range d.blocks() {
			counts[b.kind()]++
			t.Run(fmt.Sprintf("%s:%d", b.document, b.line), func(t *testing.T) {
				check, known := checkers[b.language]
				if !known {
					t.Fatalf("a block of %q, for which there is no check: known are %q", b.language, slices.Sorted(maps.Keys(checkers)))
				}
				if test, held := heldElsewhere[b.document]; held && (b.language == "yaml" || b.language == "text") {
					wantTest(t, test)
					return
				}
				check(t, b)
			})
		}
		if len(counts) > 0 {
			t.Logf("%s: %s", d.path, listed(counts))
		}
	}
}

func (b block) kind() string {
	if b.language == "" {
		return "shell, indented"
	}
	return b.language
}

func listed(counts map[string]int) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	return strings.Join(parts, ", ")
}

// A block that is broken is found, whatever it is.
func TestBrokenBlocksAreFound(t *testing.T) {
	for name, b := range map[string]block{
		"shell":                 {text: "for x in; do"},
		"flag":                  {text: "slogate run --durration 5s"},
		"command":               {text: "TARGET=x ./in.sh env A=b /tmp/slogate rum slo.yaml"},
		"file":                  {text: "slogate check gone.yaml"},
		"prompt":                {language: "console", text: "slogate check slo.yaml\n"},
		"prompt's flag":         {language: "console", text: "$ slogate check --gone slo.yaml\n"},
		"go's folder":           {text: "go run ./gone"},
		"go's flag":             {text: "go run ./bench -gone 3"},
		"go's test":             {text: "go test -run TestThatIsGone ./bench"},
		"image":                 {text: "docker run --rm -v x:/w registry.example/slogate:1@sha256:0 run --gone slo.yaml"},
		"build argument":        {text: "docker build --build-arg GONE=1 ."},
		"key":                   {language: "yaml", text: "stages:\n  - {name: steady, durration: 5s}\n"},
		"YAML":                  {language: "yaml", text: "on: [push\n"},
		"input":                 {language: "yaml", text: "- uses: slogate/slogate@v1\n  with: {gone: 1}\n"},
		"version of an action":  {language: "yaml", text: "- uses: actions/checkout\n"},
		"step's shell":          {language: "yaml", text: "- run: slogate check --gone slo.yaml\n"},
		"job's key":             {language: "yaml", text: "on: push\njobs: {a: {runs_on: x, steps: [{run: make}]}}\n"},
		"second document":       {language: "yaml", text: "- run: make\n---\n- run: slogate --gone\n"},
		"GitLab's key":          {language: "yaml", text: "slogate: {scripts: [make]}\n"},
		"GitLab's report":       {language: "yaml", text: "slogate: {script: [make], artifacts: {reports: {gone: x}}}\n"},
		"GitLab's shell":        {language: "yaml", text: "slogate: {script: [slogate check --gone]}\n"},
		"field of a Role":       {language: "yaml", text: "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nrules: [{resource: [pods]}]\n"},
		"kind":                  {language: "yaml", text: "apiVersion: v1\nkind: Gone\n"},
		"JSON":                  {language: "json", text: "{"},
		"result":                {language: "json", text: `{"stages": [{}], "judgement": {"verdict": "gone"}}`},
		"sample":                {language: "text", text: "nobody knows this"},
		"Go":                    {language: "go", text: "func {"},
		"patch":                 {language: "diff", text: "gone\n"},
		"Jenkinsfile":           {language: "groovy", text: "pipeline {\nsh 'slogate check --gone'\n}\n"},
		"Jenkinsfile's bracket": {language: "groovy", text: "pipeline {\nsh 'make'\n"},
		"edge":                  {language: "mermaid", text: "flowchart LR\na --> --> b\n"},
		"chart's group":         {language: "mermaid", text: "flowchart LR\nsubgraph a\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if !fails(t, b) {
				t.Errorf("not found: %q", b.text)
			}
		})
	}
}

// fails says whether the check of a block complains.
func fails(t *testing.T, b block) bool {
	c := &complaint{TB: t}
	done := make(chan struct{})
	go func() { // Fatal ends its goroutine
		defer close(done)
		checkers[b.language](c, b)
	}()
	<-done
	return c.made
}

// complaint is a test of a test.
type complaint struct {
	testing.TB
	made bool
}

func (c *complaint) Error(...any)          { c.made = true }
func (c *complaint) Errorf(string, ...any) { c.made = true }
func (c *complaint) Fatal(...any)          { c.made = true; runtime.Goexit() }
func (c *complaint) Fatalf(string, ...any) { c.made = true; runtime.Goexit() }

// document is a Markdown file of the repository.
type document struct {
	path   string
	source []byte
	root   ast.Node
}

// documents are all of them but those that tests hold as data.
func documents(t *testing.T) []document {
	t.Helper()
	var all []document
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "." && name != ".github"
		if entry.IsDir() && (hidden || slices.Contains([]string{"testdata", "node_modules", "slogate-out"}, entry.Name())) {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".md" {
			return nil
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
		all = append(all, document{path: filepath.ToSlash(name), source: source, root: root})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d documents are found", len(all))
	}
	return all
}

func (d document) blocks() []block {
	var all []block
	ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		fenced, isFenced := n.(*ast.FencedCodeBlock)
		_, isIndented := n.(*ast.CodeBlock)
		if !entering || !isFenced && !isIndented || n.Lines().Len() == 0 {
			return ast.WalkContinue, nil
		}
		b := block{document: d.path, line: 1 + bytes.Count(d.source[:n.Lines().At(0).Start], []byte("\n")), text: string(n.Lines().Value(d.source))}
		if isFenced {
			// A fence without a language says nothing of what it holds.
			b.language = "no language"
			if language := fenced.Language(d.source); language != nil {
				b.language = string(language)
			}
		}
		all = append(all, b)
		return ast.WalkContinue, nil
	})
	return all
}

// checkYAML looks at each document of a block by what it is.
func checkYAML(t testing.TB, b block) {
	if b.isSLOFile() {
		checkSLOFile(t, b)
		return
	}
	decoder := yaml.NewDecoder(strings.NewReader(b.text))
	for {
		var tree any
		err := decoder.Decode(&tree)
		if err != nil {
			if err.Error() != "EOF" {
				t.Error(err)
			}
			return
		}
		switch top := tree.(type) {
		case map[string]any:
			checkMapping(t, b, top)
		case []any:
			keepWorkflow(t, b, "on: push\njobs:\n  part:\n    runs-on: ubuntu-latest\n    steps:\n"+indented(b.text))
			for _, step := range top {
				checkStep(t, step)
			}
		default:
			t.Errorf("neither a map nor a list: %v", tree)
		}
	}
}

// isSLOFile says that each key at the top is one of the SLO file's.
func (b block) isSLOFile() bool {
	var top map[string]yaml.Node
	if yaml.Unmarshal([]byte(b.text), &top) != nil || len(top) == 0 {
		return false
	}
	for key := range top {
		if _, known := fileSchema().Schema().Properties[key]; !known && !strings.HasPrefix(key, "x-") {
			return false
		}
	}
	return true
}

// checkSLOFile parses a whole file, or a part beside a target, a scenario and a
// stage where it lacks them, and holds it to the schema.
func checkSLOFile(t testing.TB, b block) {
	src := b.text
	for _, line := range []string{"version: 1\n", "target: http://localhost:8000\n", "scenarios: [{request: GET /}]\n", "stages: [{name: steady, rate: 200/s, duration: 1m}]\n"} {
		key, _, _ := strings.Cut(line, ":")
		if !regexp.MustCompile(`(?m)^` + key + `:`).MatchString(src) {
			src += line
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"flower.json": "{}", "openapi.yaml": "openapi: 3.1.0", "products.jsonl": `{"product": 7, "price": 1.50}`,
		"users.csv": "user,password\nanna,secret\n", "customers.csv": "user,password,category,amount\nanna,secret,tea,1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := slo.Parse([]byte(src), slo.Options{Path: filepath.Join(dir, "slo.yaml"), Workspace: dir, Env: documentEnv, Service: true})
	if err != nil && !withoutGRPC(err) {
		t.Fatalf("%s\n%v", src, err)
	}
	var instance any
	if err := yaml.Unmarshal([]byte(src), &instance); err != nil {
		t.Fatal(err)
	}
	validate(t, fileSchema(), instance)
}

// withoutGRPC says that all that is wrong with a file is that this program does
// not speak gRPC.
func withoutGRPC(err error) bool {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return strings.Contains(err.Error(), "was built without gRPC")
	}
	return !slices.ContainsFunc(several.Unwrap(), func(err error) bool { return !withoutGRPC(err) })
}

// documentEnv is the environment of whoever follows the documents.
func documentEnv(name string) (string, bool) {
	switch {
	case strings.HasSuffix(name, "_URL"):
		return "http://localhost:8000", true
	case name == "KUBECONFIG", name == "IFS", strings.HasPrefix(name, "GITHUB_"), strings.HasPrefix(name, "DOCKER_"):
		return "", false
	}
	return "7", true
}

// The schemas that slogate publishes, ready to validate.
var (
	fileSchema   = sync.OnceValue(func() *jsonschema.Resolved { return resolved(slo.Schema()) })
	resultSchema = sync.OnceValue(func() *jsonschema.Resolved { return resolved(result.Schema()) })
)

func resolved(source []byte) *jsonschema.Resolved {
	var s jsonschema.Schema
	if err := json.Unmarshal(source, &s); err != nil {
		panic(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		panic(err)
	}
	return r
}

func validate(t testing.TB, schema *jsonschema.Resolved, instance any) {
	t.Helper()
	// As JSON has it: numbers and texts, without Go's types.
	data, err := json.Marshal(instance)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(json.Unmarshal(data, &instance), schema.Validate(instance)); err != nil {
		t.Errorf("schema: %v", err)
	}
}

// The keys of GitHub's workflows and of GitLab's jobs that the documents use.
// In CI actionlint looks closer at the workflows.
var (
	workflowKeys = []string{"name", "on", "permissions", "concurrency", "env", "jobs"}
	jobKeys      = []string{"name", "needs", "if", "runs-on", "permissions", "timeout-minutes", "strategy", "outputs", "services", "container", "concurrency", "env", "steps"}
	stepKeys     = []string{"id", "name", "if", "uses", "with", "env", "run", "shell", "working-directory", "continue-on-error"}
	artifactKeys = []string{"when", "paths", "expose_as", "reports", "expire_in"}
	reportKeys   = []string{"junit", "metrics", "dotenv"}
	gitlabKeys   = []string{"stage", "image", "services", "variables", "script", "artifacts", "needs", "parallel", "when", "allow_failure", "rules", "timeout", "resource_group", "interruptible", "tags"}
)

func checkMapping(t testing.TB, b block, top map[string]any) {
	_, manifest := top["apiVersion"]
	switch {
	case manifest:
		checkManifest(t, b, top)
	case subset(top, workflowKeys):
		checkWorkflow(t, b, top)
	default:
		checkGitLab(t, top)
	}
}

func subset(m map[string]any, of []string) bool {
	for key := range m {
		if !slices.Contains(of, key) {
			return false
		}
	}
	return true
}

// checkWorkflow looks at a workflow, or at some of the keys of one.
func checkWorkflow(t testing.TB, b block, top map[string]any) {
	text := b.text
	if top["on"] == nil {
		text = "on: push\n" + text
	}
	if top["jobs"] == nil {
		text += "jobs: {part: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n"
	}
	keepWorkflow(t, b, text)
	for name, job := range mapping(t, top["jobs"]) {
		fields := mapping(t, job)
		if !subset(fields, jobKeys) {
			t.Errorf("job %s has a key that is none of %q: %v", name, jobKeys, fields)
		}
		steps, _ := fields["steps"].([]any)
		if len(steps) == 0 {
			t.Errorf("job %s has no steps", name)
		}
		for _, step := range steps {
			checkStep(t, step)
		}
	}
}

// keepWorkflow writes a workflow for actionlint, which looks closer at it.
func keepWorkflow(t testing.TB, b block, text string) {
	t.Helper()
	if *workflows == "" {
		return
	}
	name := fmt.Sprintf("%s-%d.yml", strings.NewReplacer("/", "-", ".md", "").Replace(b.document), b.line)
	if err := os.WriteFile(filepath.Join(*workflows, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// indented puts a list of steps where steps stand.
func indented(text string) string {
	if strings.HasPrefix(text, "      - ") {
		return text
	}
	return "      " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n      ") + "\n"
}

func mapping(t testing.TB, value any) map[string]any {
	t.Helper()
	m, ok := value.(map[string]any)
	if !ok && value != nil {
		t.Errorf("not a map: %v", value)
	}
	return m
}

// checkStep looks at a step of a job: the inputs of the action, what a shell runs.
func checkStep(t testing.TB, step any) {
	fields := mapping(t, step)
	if !subset(fields, stepKeys) {
		t.Errorf("a step with a key that is none of %q: %v", stepKeys, fields)
	}
	uses, isAction := fields["uses"].(string)
	script, isScript := fields["run"].(string)
	switch {
	case isAction == isScript:
		t.Errorf("a step either uses or runs: %v", fields)
	case isScript:
		// GitHub puts values in before a shell sees the text.
		checkScript(t, regexp.MustCompile(`\$\{\{.*?\}\}`).ReplaceAllString(script, "value"))
	case strings.HasPrefix(uses, "slogate/slogate@"):
		checkInputs(t, mapping(t, fields["with"]))
	case !regexp.MustCompile(`^[\w.-]+/[\w./-]+@v?[\w.]+$`).MatchString(uses):
		t.Errorf("an action without a version: %s", uses)
	}
}

// checkInputs compares the inputs of a step with those of action.yml.
func checkInputs(t testing.TB, with map[string]any) {
	source, err := os.ReadFile("action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var declared struct{ Inputs map[string]any }
	if err := yaml.Unmarshal(source, &declared); err != nil {
		t.Fatal(err)
	}
	if !subset(with, slices.Collect(maps.Keys(declared.Inputs))) {
		t.Errorf("an input that action.yml does not declare: %v", with)
	}
}

// checkGitLab looks at jobs of GitLab CI: known keys, and what their shell runs.
func checkGitLab(t testing.TB, top map[string]any) {
	for name, job := range top {
		fields := mapping(t, job)
		if !subset(fields, gitlabKeys) || fields["script"] == nil {
			t.Errorf("%s is no job of GitLab with keys of %q: %v", name, gitlabKeys, fields)
			continue
		}
		artifacts := mapping(t, fields["artifacts"])
		if !subset(artifacts, artifactKeys) || !subset(mapping(t, artifacts["reports"]), reportKeys) {
			t.Errorf("%s keeps artifacts by keys that are none of %q and %q: %v", name, artifactKeys, reportKeys, artifacts)
		}
		lines, several := fields["script"].([]any)
		if !several {
			lines = []any{fields["script"]}
		}
		for _, line := range lines {
			checkScript(t, fmt.Sprint(line))
		}
	}
}

// manifests are the kinds of Kubernetes objects that the documents show.
var manifests = map[string]func() any{
	"rbac.authorization.k8s.io/v1 Role": func() any {
		return &struct {
			APIVersion, Kind string
			Metadata         struct{ Name, Namespace string }
			Rules            []struct {
				APIGroups     []string `json:"apiGroups"`
				Resources     []string
				ResourceNames []string `json:"resourceNames"`
				Verbs         []string
			}
		}{}
	},
}

// checkManifest decodes an object strictly: an unknown field is an error.
func checkManifest(t testing.TB, b block, object map[string]any) {
	kind := fmt.Sprint(object["apiVersion"], " ", object["kind"])
	into, known := manifests[kind]
	if !known {
		t.Fatalf("no check for objects of %s", kind)
	}
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into()); err != nil {
		t.Errorf("%s: %v", kind, err)
	}
}

// checkJSON holds results and SLO files to their schemas.
func checkJSON(t testing.TB, b block) {
	var value any
	if err := json.Unmarshal([]byte(b.text), &value); err != nil {
		t.Fatal(err)
	}
	object, _ := value.(map[string]any)
	switch {
	case object["judgement"] != nil && object["stages"] != nil:
		validate(t, resultSchema(), value)
	case object["scenarios"] != nil:
		validate(t, fileSchema(), value)
	}
}

// checkSample finds the test that knows a sample of output.
func checkSample(t testing.TB, b block) {
	for sample, test := range samples {
		document, begin, _ := strings.Cut(sample, ": ")
		if b.document == document && strings.HasPrefix(b.text, begin) {
			wantTest(t, test)
			return
		}
	}
	t.Errorf("no test is said to know this text: %.60q", b.text)
}

// wantTest complains where there is no such test.
func wantTest(t testing.TB, name string) {
	t.Helper()
	if !slices.Contains(testNames(), name) {
		t.Errorf("there is no test %s, which is said to hold this block", name)
	}
}

// testNames are the tests of the repository.
var testNames = sync.OnceValue(func() []string {
	var names []string
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	err := filepath.WalkDir(".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := os.ReadFile(name)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			names = append(names, string(m[1]))
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	return names
})

func checkGo(t testing.TB, b block) {
	source := b.text
	if !strings.HasPrefix(source, "package ") {
		source = "package p\n" + source
	}
	if _, err := parser.ParseFile(token.NewFileSet(), b.document, source, parser.AllErrors); err != nil {
		t.Error(err)
	}
}

// checkDiff wants each line to be one of a patch.
func checkDiff(t testing.TB, b block) {
	for line := range strings.Lines(b.text) {
		if !strings.Contains("+- @\n", line[:1]) && !strings.HasPrefix(line, "diff ") {
			t.Errorf("no line of a patch: %q", line)
		}
	}
}

// checkJenkinsfile wants its brackets to match, and its shell steps to parse.
func checkJenkinsfile(t testing.TB, b block) {
	if open, closed := strings.Count(b.text, "{"), strings.Count(b.text, "}"); open != closed {
		t.Errorf("%d { and %d }", open, closed)
	}
	steps := regexp.MustCompile(`(?m)\bsh '(.*)'$|\bscript: '(.*)'\)`).FindAllStringSubmatch(b.text, -1)
	if len(steps) == 0 {
		t.Error("no shell step")
	}
	for _, step := range steps {
		checkScript(t, step[1]+step[2])
	}
}

// mermaidLine is a line of the flow charts and sequences that the documents
// draw: a node or an edge with nodes at both ends.
var mermaidLine = func() *regexp.Regexp {
	const node = `[A-Za-z]\w*(?:\["[^"\[\]]+"\]|\("[^"()]+"\)|\[\("[^"]+"\)\])?`
	const edge = ` *(?:-->|-\.->|---|==>)(?:\|"?[^|"]+"?\|)? *`
	return regexp.MustCompile(`^\s*(?:flowchart (?:LR|TD|TB)|subgraph \w+(?:\["[^"]+"\])?|end|direction (?:LR|TD|TB)|%%.*|` + node + `(?:` + edge + node + `)*)?$`)
}()

// checkMermaid wants a flow chart of known lines, whose groups are closed.
func checkMermaid(t testing.TB, b block) {
	lines := strings.Split(strings.TrimSpace(b.text), "\n")
	if !strings.HasPrefix(lines[0], "flowchart ") {
		t.Errorf("not a flow chart: %s", lines[0])
	}
	open := 0
	for _, line := range lines {
		if !mermaidLine.MatchString(line) {
			t.Errorf("no line of a flow chart that is known here: %s", line)
		}
		switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "subgraph":
			open++
		case "end":
			open--
		}
	}
	if open != 0 {
		t.Errorf("%d groups are not closed", open)
	}
}
