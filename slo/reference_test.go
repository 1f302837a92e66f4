package slo

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

const referencePath = "../docs/slo-reference.md"

// place is a map of the SLO file: one section of the reference.
type place struct {
	title string
	typ   reflect.Type
	guide string // the section of the guide that tells how it is used
	// with is a part of a file with %s where a key of the map may stand: defaults
	// are compared with what Parse makes of it. Empty: none of them is a value.
	with string
}

// places are all maps of the SLO file, in the order of the reference.
var places = []place{
	{"The file", reflect.TypeFor[document](), "the-file", "%s\nobjectives: [p95 <= 1s]\n"},
	{"http", reflect.TypeFor[httpDoc](), "http", "http: {%s}\n"},
	{"tls", reflect.TypeFor[tlsDoc](), "tls", "target: https://localhost\nhttp: {tls: {%s}}\n"},
	{"auth", reflect.TypeFor[authDoc](), "auth", ""},
	{"basic", reflect.TypeFor[basicDoc](), "auth", ""},
	{"oauth2", reflect.TypeFor[oauth2Doc](), "auth", ""},
	{"sigv4", reflect.TypeFor[sigV4Doc](), "auth", ""},
	{"hmac", reflect.TypeFor[hmacDoc](), "auth", "http: {auth: {hmac: {header: x-signature, key: k, over: [body], %s}}}\n"},
	{"wait_for", reflect.TypeFor[waitForDoc](), "wait_for", "wait_for: {request: GET /health, %s}\n"},
	{"A step of before", reflect.TypeFor[setupDoc](), "before-and-after", ""},
	{"A scenario", reflect.TypeFor[scenarioDoc](), "scenarios", "scenarios: [{request: GET /, name: a, %s}, {request: GET /, name: b}]\n"},
	{"data", reflect.TypeFor[dataDoc](), "data", "scenarios: [{request: GET /, data: {file: users.csv, %s}}]\nstages: [{name: a, workers: 1, requests: 1}]\n"},
	{"A step of a scenario", reflect.TypeFor[scenarioStepDoc](), "scenarios", ""},
	{"A step", reflect.TypeFor[stepDoc](), "scenarios", ""},
	{"A request or a pause", reflect.TypeFor[plainStep](), "scenarios", ""},
	{"pause", reflect.TypeFor[pauseDoc](), "pauses", "scenarios: [{steps: [{request: GET /}, {pause: {distribution: exponential, mean: 15s, %s}}]}]\n"},
	{"A request", reflect.TypeFor[requestDoc](), "requests", "scenarios: [{request: POST /, json: {a: 1}, %s}]\n"},
	{"multipart", reflect.TypeFor[multipartDoc](), "multipart", ""},
	{"stream", reflect.TypeFor[streamDoc](), "streams", ""},
	{"A message", reflect.TypeFor[messageDoc](), "websockets", "scenarios: [{websocket: /, messages: [{send: a, %s}]}]\n"},
	{"dns", reflect.TypeFor[dnsDoc](), "tcp-and-dns", "scenarios: [{name: a, dns: {name: a.example, server: 127.0.0.1, %s}}]\n"},
	{"A stage", reflect.TypeFor[stageDoc](), "stages", "stages: [{name: a, search: 50/s..100/s, %s}]\nobjectives: [p95 <= 1s]\n"},
	{"A workload", reflect.TypeFor[workloadDoc](), "stages", ""},
	{"A load", reflect.TypeFor[loadDoc](), "stages", "stages: [{name: b, rate: 10/s, duration: 15s}, {name: a, rate: 10/s, duration: 15s, %s}]\n"},
	{"An objective", reflect.TypeFor[objectiveDoc](), "objectives", "objectives: [{fail: p95 <= 1s, %s}]\n"},
	{"baseline", reflect.TypeFor[baselineDoc](), "baseline", "baseline: {files: results, %s}\nobjectives: [p95 <= baseline + 10%%]\n"},
	{"A profile", reflect.TypeFor[profileDoc](), "profiles", ""},
	{"service", reflect.TypeFor[serviceDoc](), "service", ""},
	{"limits", reflect.TypeFor[limitsDoc](), "limits", ""},
	{"metrics", reflect.TypeFor[metricsDoc](), "metrics", ""},
	{"prometheus", reflect.TypeFor[prometheusDoc](), "metrics", "metrics: {prometheus: {url: 'http://localhost:9090', queries: {a: up}, %s}}\n"},
	{"cpu_profile", reflect.TypeFor[cpuProfileDoc](), "metrics", "metrics: {cpu_profile: {path: /debug/pprof/profile, %s}}\nstages: [{name: a, rate: 10/s, duration: 60s}]\n"},
	{"kubernetes", reflect.TypeFor[kubernetesDoc](), "kubernetes", ""},
}

func (p place) anchor() string { return strings.ReplaceAll(strings.ToLower(p.title), " ", "-") }

func placeOf(t reflect.Type) (place, bool) {
	i := slices.IndexFunc(places, func(p place) bool { return p.typ == t })
	if i < 0 {
		return place{}, false
	}
	return places[i], true
}

// valueKind says what a type of the document accepts, for people.
type valueKind struct {
	words string
	inner reflect.Type // the map that it may be instead, or holds
}

func says(words string) valueKind { return valueKind{words: words} }

// valueKinds are the scalars of the document. Those that are a choice of words
// are taken from the schema.
var valueKinds = map[reflect.Type]valueKind{
	reflect.TypeFor[string]():          says("text"),
	reflect.TypeFor[templateText]():    says("text with [values](slo-file.md#values)"),
	reflect.TypeFor[fixedText]():       says("text"),
	reflect.TypeFor[branchText]():      says("text"),
	reflect.TypeFor[commandText]():     says("shell command"),
	reflect.TypeFor[versionText]():     says("`1`"),
	reflect.TypeFor[durationText]():    says("[duration](#values-and-units)"),
	reflect.TypeFor[rateText]():        says("[rate](#values-and-units)"),
	reflect.TypeFor[rateValue]():       says("[rate](#values-and-units), ramp of rates or list of rates"),
	reflect.TypeFor[searchText]():      says("two [rates](#values-and-units), the lowest and the highest"),
	reflect.TypeFor[workersValue]():    says("number, ramp of numbers or list of numbers"),
	reflect.TypeFor[countValue]():      says("whole number"),
	reflect.TypeFor[switchValue]():     says("`on` or `off`"),
	reflect.TypeFor[requestText]():     says("`METHOD PATH`"),
	reflect.TypeFor[statusValue]():     says("`200`, `2xx` or `200..204`"),
	reflect.TypeFor[checkText]():       says("[condition](slo-file.md#checks)"),
	reflect.TypeFor[artifactText]():    says("letters, digits, `.`, `_` and `-`, at most 60"),
	reflect.TypeFor[objectiveText]():   says("[objective](slo-file.md#objectives)"),
	reflect.TypeFor[indicatorText]():   says("[indicator](verdicts.md#what-is-measured)"),
	reflect.TypeFor[signedText]():      says("`method`, `path`, `host`, `body` or `header NAME`"),
	reflect.TypeFor[anyJSON]():         says("any YAML"),
	reflect.TypeFor[headerMap]():       says("map of texts by header names"),
	reflect.TypeFor[formMap]():         says("map of texts, or lists of them, by names"),
	reflect.TypeFor[resolveMap]():      says("map of addresses by hosts"),
	reflect.TypeFor[captureMap]():      says("map of [what is taken](slo-file.md#captures) by names"),
	reflect.TypeFor[queryMap]():        says("map of PromQL by names"),
	reflect.TypeFor[variableMap]():     says("map of texts by names"),
	reflect.TypeFor[filesValue]():      says("path or list of paths"),
	reflect.TypeFor[connectionsText](): says("`keep`, `new` or a [duration](#values-and-units)"),
	reflect.TypeFor[tlsVersionText]():  says("`1.2` or `1.3`"),

	reflect.TypeFor[authItem]():      {"`none` or %s", reflect.TypeFor[authDoc]()},
	reflect.TypeFor[baselineItem]():  {"`none` or %s", reflect.TypeFor[baselineDoc]()},
	reflect.TypeFor[objectiveItem](): {"an [objective](slo-file.md#objectives) as text, or %s", reflect.TypeFor[objectiveDoc]()},
	reflect.TypeFor[pauseValue]():    {"[duration](#values-and-units), range of durations, or %s", reflect.TypeFor[pauseDoc]()},
	reflect.TypeFor[streamValue]():   {"`sse`, `lines`, `chunks`, `messages`, or %s", reflect.TypeFor[streamDoc]()},
	reflect.TypeFor[dataValue]():     {"%s, or a list of them", reflect.TypeFor[dataDoc]()},
	reflect.TypeFor[multipartMap]():  {"map of texts, %s, or lists of them, by names", reflect.TypeFor[multipartDoc]()},
	reflect.TypeFor[profileMap]():    {"map of %s by names", reflect.TypeFor[profileDoc]()},
}

// innerOf is the map of the file that stands at a type, nil for none.
func innerOf(t reflect.Type) reflect.Type {
	switch {
	case t.Kind() == reflect.Slice:
		return innerOf(t.Elem())
	case t.Kind() == reflect.Struct:
		return t
	}
	return valueKinds[t].inner
}

// accepted says what may stand at a type.
func accepted(t *testing.T, typ reflect.Type, schemas map[reflect.Type]*jsonschema.Schema) string {
	if typ.Kind() == reflect.Slice {
		return "list: " + accepted(t, typ.Elem(), schemas)
	}
	if p, ok := placeOf(typ); ok {
		return "[map](#" + p.anchor() + ")"
	}
	kind, known := valueKinds[typ]
	if !known {
		s := schemas[typ]
		if s == nil || len(s.Enum) == 0 {
			t.Errorf("%s has neither words nor a choice of the schema", typ)
			return ""
		}
		return oneOf(s.Enum)
	}
	if kind.inner == nil {
		return kind.words
	}
	return fmt.Sprintf(kind.words, accepted(t, kind.inner, schemas))
}

func oneOf(words []any) string {
	var all []string
	for _, w := range words {
		all = append(all, "`"+fmt.Sprint(w)+"`")
	}
	if len(all) == 1 {
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

// key is one line of the reference.
type key struct {
	name, meaning, def string
	typ                reflect.Type
	needed             bool
}

var defaultText = regexp.MustCompile(`^(.*?) ?Default: (.*)\.$`)

// keysAt gives the keys that a map has of its own, and the maps whose keys it
// takes over.
func keysAt(t *testing.T, typ reflect.Type) (own []key, from []place) {
	t.Helper()
	for f := range typ.Fields() {
		if f.Anonymous {
			p, ok := placeOf(f.Type)
			if !ok {
				t.Errorf("the reference has no section for %s", f.Type)
			}
			from = append(from, p)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		k := key{name: name, meaning: f.Tag.Get("jsonschema"), typ: f.Type, needed: options == ""}
		if m := defaultText.FindStringSubmatch(k.meaning); m != nil {
			k.meaning, k.def = m[1], m[2]
		}
		own = append(own, k)
	}
	return own, from
}

// value is the default where it is a value that could be written, and what
// follows it: "10s", ", and …".
func (k key) value() (value, rest string) {
	value, rest, cut := strings.Cut(k.def, ",")
	if semicolon, more, also := strings.Cut(value, ";"); also {
		value, rest, cut = semicolon, more+rest, false
		rest = ";" + rest
	}
	if cut {
		rest = "," + rest
	}
	if strings.Contains(value, " ") || value == "none" || value == "all" {
		return "", ""
	}
	return value, rest
}

func (k key) defaultCell() string {
	if k.needed {
		return "needed"
	}
	if value, rest := k.value(); value != "" {
		return "`" + value + "`" + rest
	}
	return k.def
}

// exclusive names the keys of a map one of which must stand in it.
func exclusive(typ reflect.Type, schemas map[reflect.Type]*jsonschema.Schema) []any {
	s := schemas[typ]
	switch typ {
	case reflect.TypeFor[authDoc]():
		s = authSchema(schemas)
	case reflect.TypeFor[objectiveDoc]():
		s = objectiveSchema(schemas)
	}
	var keys []any
	if s != nil {
		for _, one := range s.OneOf {
			keys = append(keys, one.Required[0])
		}
	}
	return keys
}

// standsAt says where a map may stand: by the keys of others.
func standsAt(t *testing.T, typ reflect.Type) string {
	var all []string
	for _, p := range places {
		own, _ := keysAt(t, p.typ)
		for _, k := range own {
			if innerOf(k.typ) == typ {
				all = append(all, "`"+k.name+"` of ["+p.title+"](#"+p.anchor()+")")
			}
		}
	}
	return strings.Join(all, ", ")
}

// longestExample is how long an example may be to stand in a table.
const longestExample = 80

// examples collects the first short example of each key: from the guide, whose
// blocks another test parses, else from the files that are accepted.
func examples(t *testing.T) map[reflect.Type]map[string]string {
	t.Helper()
	all := map[reflect.Type]map[string]string{}
	var sources []string
	for _, block := range anyYAML.FindAllStringSubmatch(readDocs(t), -1) {
		sources = append(sources, block[1])
	}
	for _, path := range glob(t, "testdata/ok/*.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, string(text))
	}
	for _, source := range sources {
		var root yaml.Node
		if err := yaml.Unmarshal([]byte(source), &root); err != nil {
			t.Fatal(err)
		}
		collect(all, reflect.TypeFor[document](), root.Content[0])
	}
	return all
}

var anyYAML = regexp.MustCompile("(?s)```ya?ml\n(.*?)```")

// collect walks a value of the file beside its type.
func collect(all map[reflect.Type]map[string]string, typ reflect.Type, n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if typ.Kind() == reflect.Slice || n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			collect(all, innerOf(typ), item)
		}
		return
	}
	if inner := innerOf(typ); typ.Kind() != reflect.Struct && inner != nil {
		if typ == reflect.TypeFor[profileMap]() || typ == reflect.TypeFor[multipartMap]() {
			for i := 1; i < len(n.Content); i += 2 {
				collect(all, inner, n.Content[i])
			}
			return
		}
		typ = inner
	}
	if typ.Kind() != reflect.Struct || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i].Value, n.Content[i+1]
		owner, field := fieldOf(typ, name)
		if owner == nil {
			continue
		}
		if all[owner] == nil {
			all[owner] = map[string]string{}
		}
		if text := onOneLine(name, value); all[owner][name] == "" && len(text) <= longestExample {
			all[owner][name] = text
		}
		if innerOf(field) != nil {
			collect(all, field, value)
		}
	}
}

// fieldOf finds the map that a key belongs to, which may be one whose keys are
// taken over.
func fieldOf(typ reflect.Type, name string) (owner, field reflect.Type) {
	for f := range typ.Fields() {
		if f.Anonymous {
			if owner, field = fieldOf(f.Type, name); owner != nil {
				return owner, field
			}
		}
		if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key == name {
			return typ, f.Type
		}
	}
	return nil, nil
}

// onOneLine writes a key and its value in brackets.
func onOneLine(name string, value *yaml.Node) string {
	pair := yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: name}, inBrackets(value)}}
	text, err := yaml.Marshal(&pair)
	if err != nil {
		return strings.Repeat("?", longestExample+1)
	}
	return strings.TrimSpace(string(text))
}

func inBrackets(n *yaml.Node) *yaml.Node {
	plain := *n
	plain.HeadComment, plain.LineComment, plain.FootComment, plain.Anchor = "", "", "", ""
	plain.Content = nil
	for _, c := range n.Content {
		plain.Content = append(plain.Content, inBrackets(c))
	}
	if n.Kind != yaml.ScalarNode {
		plain.Style = yaml.FlowStyle
	}
	return &plain
}

// cell escapes a text for a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

const referenceIntro = `# Every key of the SLO file

This page lists every key by its place: what it accepts, what it means, its default, and an example. It is generated from the types that slogate reads the file with, as the JSON Schema (` + "`slogate schema`" + `) is. How the keys are used together: [the SLO file](slo-file.md). What is wrong with a file: [errors](errors.md).

## Values and units

| value | written as |
| --- | --- |
| duration | ` + "`450ms`, `1.5s`, `1h30m`; the units are `us ms s m h d`" + ` |
| rate | ` + "`200/s`, `600/m`, `1000/h`" + ` |
| share | ` + "`98%`, `99.95%`" + ` |
| size | ` + "`10KB`, `1MiB`; the units are `B KB MB GB KiB MiB GiB`" + ` |
| ramp, range | ` + "`50/s..500/s`, `0..50`, `100ms..500ms`" + ` |
| switch | ` + "`on`, `off`, `true`, `false`" + ` |

In every text ` + "`${env.NAME}` and `${env.NAME:-default}`" + ` stand for the environment; in texts with values also ` + "`${uuid}`" + ` and [the others](slo-file.md#values), which change with each request.
`

// reference writes the page.
func reference(t *testing.T) string {
	schemas, shown := scalarSchemas(), examples(t)
	var b strings.Builder
	b.WriteString(referenceIntro)
	for _, p := range places {
		own, from := keysAt(t, p.typ)
		fmt.Fprintf(&b, "\n## %s\n\n", p.title)
		var lines []string
		if at := standsAt(t, p.typ); at != "" {
			lines = append(lines, "Stands at "+at+".")
		}
		if keys := exclusive(p.typ, schemas); len(keys) > 1 {
			lines = append(lines, "Has exactly one of "+oneOf(keys)+".")
		}
		for _, f := range from {
			lines = append(lines, "Has the keys of ["+f.title+"](#"+f.anchor()+"), too.")
		}
		lines = append(lines, "[Guide](slo-file.md#"+p.guide+").")
		b.WriteString(strings.Join(lines, " ") + "\n")
		if len(own) == 0 {
			continue
		}
		b.WriteString("\n| key | accepts | meaning | default | example |\n| --- | --- | --- | --- | --- |\n")
		for _, k := range own {
			example := shown[p.typ][k.name]
			switch {
			case example != "":
			case innerOf(k.typ) != nil:
				example = k.name + ": …" // the map has a section with examples of its own
			default:
				t.Errorf("no short example of %q of %s in %s", k.name, p.title, docsPath)
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | `%s` |\n", k.name, cell(accepted(t, k.typ, schemas)), cell(k.meaning), cell(k.defaultCell()), cell(example))
		}
	}
	return b.String()
}

// docs/slo-reference.md is what the types say; -update writes it.
func TestReferenceDocument(t *testing.T) { golden(t, referencePath, reference(t)) }

// Every map that the document can hold has a section.
func TestReferenceHasEveryMap(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		if typ == nil || seen[typ] {
			return
		}
		seen[typ] = true
		if _, ok := placeOf(typ); !ok {
			t.Errorf("the reference has no section for %s", typ)
		}
		for f := range typ.Fields() {
			visit(innerOf(f.Type))
		}
	}
	visit(reflect.TypeFor[document]())
	for _, p := range places {
		if !seen[p.typ] {
			t.Errorf("nothing in the document holds %s", p.typ)
		}
	}
}

// notCompared are defaults that do not stand in the parsed file, with who knows
// them.
var notCompared = map[string]string{
	"the-file.decide":   "gate takes no word for measured",
	"tls.min_version":   "crypto/tls begins there by itself",
	"service.ready":     "it is a key of the file, not a value",
	"baseline.artifact": "the action knows it: the file only says another",
}

// A default that is a value means the same as no key, and another value does not.
func TestReferenceDefaults(t *testing.T) {
	dir := docsFolder(t)
	if err := os.Mkdir(filepath.Join(dir, "results"), 0o755); err != nil {
		t.Fatal(err)
	}
	parse := func(t *testing.T, text string) *File {
		t.Helper()
		opts := testOptions(filepath.Join(dir, "slo.yaml"))
		file, err := Parse([]byte(wholeFile(text)), opts)
		if err != nil {
			t.Fatalf("%s\n%s", text, pretty(t, err))
		}
		return file
	}
	same := cmp.Options{ignorePlaces, cmpopts.IgnoreUnexported(Data{}), cmpopts.IgnoreFields(File{}, "Digest")}
	schemas, compared := scalarSchemas(), 0
	for _, p := range places {
		own, _ := keysAt(t, p.typ)
		for _, k := range own {
			value, _ := k.value()
			name := p.anchor() + "." + k.name
			if value == "" || k.needed {
				continue
			}
			if notCompared[name] != "" {
				continue
			}
			compared++
			t.Run(name, func(t *testing.T) {
				if p.with == "" {
					t.Fatalf("%s has the default %q, and its place no part of a file to try it in", k.name, value)
				}
				file := func(key string) *File { return parse(t, fmt.Sprintf(p.with, key)) }
				without := file("")
				if diff := cmp.Diff(without, file(k.name+": "+value), same); diff != "" {
					t.Errorf("%s: %s is not what no key means (-without +with):\n%s", k.name, value, diff)
				}
				other := another(k.typ, value, schemas)
				if cmp.Equal(without, file(k.name+": "+other), same) {
					t.Errorf("%s: %s means the same as no key", k.name, other)
				}
			})
		}
	}
	if compared < 30 {
		t.Errorf("only %d defaults were compared", compared)
	}
}

// another gives a value of a type that is not the given one.
func another(typ reflect.Type, value string, schemas map[reflect.Type]*jsonschema.Schema) string {
	switch typ {
	case reflect.TypeFor[durationText]():
		return "12s"
	case reflect.TypeFor[switchValue]():
		return map[string]string{"on": "off", "true": "false", "off": "on", "false": "true"}[value]
	case reflect.TypeFor[countValue]():
		return "7"
	case reflect.TypeFor[connectionsText]():
		return "new"
	case reflect.TypeFor[artifactText]():
		return "other"
	}
	for _, word := range schemas[typ].Enum {
		if w := fmt.Sprint(word); w != value {
			return w
		}
	}
	return ""
}

var (
	guideHeading = regexp.MustCompile("^#+ (.*)$")
	quotedWord   = regexp.MustCompile("`([a-z0-9_]+)`")
	quotedFirst  = regexp.MustCompile("^`([^`]+)`")
)

// keysNamed finds the keys of a name that a section of the guide is about, those of
// all maps where it is about none.
func keysNamed(t *testing.T) func(section, name string) []key {
	about, everywhere := map[[2]string][]key{}, map[string][]key{}
	for _, p := range places {
		own, _ := keysAt(t, p.typ)
		for _, k := range own {
			about[[2]string{p.guide, k.name}] = append(about[[2]string{p.guide, k.name}], k)
			everywhere[k.name] = append(everywhere[k.name], k)
		}
	}
	return func(section, name string) []key {
		if keys := about[[2]string{section, name}]; keys != nil {
			return keys
		}
		return everywhere[name]
	}
}

// The tables of the guide name keys that exist, each once, with the defaults of
// the reference.
func TestGuideTablesAgree(t *testing.T) {
	named, section, inTable, rows := keysNamed(t), "", false, 0
	var seen map[string]bool
	for line := range strings.Lines(readDocs(t)) {
		line = strings.TrimSpace(line)
		if m := guideHeading.FindStringSubmatch(line); m != nil {
			section = strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		}
		cells := strings.Split(strings.TrimPrefix(line, "| "), " |")
		switch {
		case !strings.HasPrefix(line, "|"):
			inTable = false
		case strings.HasPrefix(line, "| key") && strings.HasSuffix(line, "| default |"):
			inTable, seen = true, map[string]bool{}
		case !inTable || strings.HasPrefix(line, "| ---"):
		case len(cells) != 4:
			t.Errorf("%s: not three cells: %s", section, line)
		default:
			for _, word := range quotedWord.FindAllStringSubmatch(cells[0], -1) {
				rows++
				keys := named(section, word[1])
				if len(keys) == 0 || seen[word[1]] {
					t.Errorf("%s: %q is no key of the file, or stands twice: %s", section, word[1], line)
					continue
				}
				seen[word[1]] = true
				checkDefault(t, section, keys, strings.TrimSpace(cells[2]))
			}
		}
	}
	if rows < 100 {
		t.Errorf("only %d keys in the tables of %s", rows, docsPath)
	}
}

// checkDefault compares a default of the guide with that of the keys that it may
// be about.
func checkDefault(t *testing.T, section string, keys []key, cell string) {
	t.Helper()
	written := ""
	if m := quotedFirst.FindStringSubmatch(cell); m != nil {
		written = m[1]
	}
	for _, k := range keys {
		value, _ := k.value()
		if value == written || k.needed && cell == "needed" || value == "" && strings.HasPrefix(k.def, written) {
			return
		}
	}
	t.Errorf("%s: the default of %s is written as %q, and is %q", section, keys[0].name, cell, keys[0].defaultCell())
}
