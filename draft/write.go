package draft

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// maxNotes is how many notes the file repeats: all of them are printed once.
const maxNotes = 100

// Write gives the draft as an SLO file: the same one for the same draft.
func (d *Draft) Write() []byte {
	var b bytes.Buffer
	b.WriteString(schemaLine)
	d.writeHead(&b)
	b.WriteString("version: 1\n")
	if d.Name != "" {
		section(&b, "name", text(d.Name))
	}
	section(&b, "target", text(d.Target))
	if d.OpenAPI != "" {
		b.WriteString("# The report says which operations of this document are not loaded.\n")
		section(&b, "openapi", text(d.OpenAPI))
	}
	common := d.common()
	if http := d.httpNode(common); len(http.Content) > 0 {
		b.WriteString("\n")
		section(&b, "http", http)
	}
	b.WriteString("\n")
	scenarios := list()
	for _, s := range d.Scenarios {
		scenarios.Content = append(scenarios.Content, s.node(common))
	}
	section(&b, "scenarios", scenarios)
	d.writeLoad(&b)
	return b.Bytes()
}

const schemaLine = "# yaml-language-server: $schema=https://raw.githubusercontent.com/slogate/slogate/v1/docs/slo.schema.json\n"

// writeHead says where the file comes from, what it needs and what it lacks.
func (d *Draft) writeHead(b *bytes.Buffer) {
	fmt.Fprintf(b, "# Drafted by slogate init from %s: a beginning, to be looked through.\n", Visible(d.From))
	b.WriteString("# Every key: https://github.com/slogate/slogate/blob/main/docs/slo-reference.md\n")
	if len(d.Secrets) > 0 {
		b.WriteString("#\n# To be set in the environment:\n")
	}
	for _, s := range d.Secrets {
		fmt.Fprintf(b, "#   %s: %s\n", s.Name, s.Meaning)
	}
	if len(d.Notes) > 0 {
		b.WriteString("#\n# Not translated:\n")
	}
	for _, n := range d.Notes[:min(len(d.Notes), maxNotes)] {
		fmt.Fprintf(b, "#   - %s\n", n)
	}
	if more := len(d.Notes) - maxNotes; more > 0 {
		fmt.Fprintf(b, "#   - and %d more\n", more)
	}
}

// shared is what all requests have, and how most of them show who sends them,
// when there are several.
type shared struct {
	headers []Field
	auth    Auth
}

// httpNode is what holds for all requests.
func (d *Draft) httpNode(common shared) *yaml.Node {
	n := mapping()
	if len(common.headers) > 0 {
		with(n, "headers", fields(common.headers))
	}
	if !common.auth.isNone() {
		with(n, "auth", common.auth.node())
	}
	d.HTTP.add(n)
	return n
}

func (d *Draft) common() shared {
	var all shared
	requests := 0
	for _, s := range d.Scenarios {
		for _, step := range s.Steps {
			if requests++; requests == 1 {
				all.headers = slices.Clone(step.Headers)
				continue
			}
			all.headers = slices.DeleteFunc(all.headers, func(f Field) bool { return !slices.Contains(step.Headers, f) })
		}
	}
	if requests < 2 {
		return shared{}
	}
	// A capture does not exist yet where wait_for and others send the file's headers.
	all.headers = slices.DeleteFunc(all.headers, func(f Field) bool { return d.captures(f.Value) })
	all.auth = d.commonAuth(requests)
	return all
}

// commonAuth is the one of at least half of the requests, none where there is
// none: it stands once, and its token is fetched once.
func (d *Draft) commonAuth(requests int) Auth {
	var auths []Auth
	for _, s := range d.Scenarios {
		for _, step := range s.Steps {
			if !step.Auth.isNone() && !slices.ContainsFunc(step.Auth.Settings, func(f Field) bool { return d.captures(f.Value) }) {
				auths = append(auths, step.Auth)
			}
		}
	}
	for _, a := range auths {
		same := slices.DeleteFunc(slices.Clone(auths), func(b Auth) bool { return !a.equals(b) })
		if len(same) > 1 && 2*len(same) >= requests {
			return a
		}
	}
	return Auth{}
}

// captures reports whether a text uses a capture of the draft.
func (d *Draft) captures(text string) bool {
	for _, s := range d.Scenarios {
		for _, step := range s.Steps {
			for _, c := range step.Captures {
				if strings.Contains(text, "${"+c.Name+"}") {
					return true
				}
			}
		}
	}
	return false
}

func (s Scenario) node(common shared) *yaml.Node {
	if s.isSingle() {
		return s.Steps[0].node(s.Name, common)
	}
	n := mapping()
	addText(n, "name", s.Name)
	if s.Cookies {
		addText(n, "session", "iteration")
	}
	steps := list()
	for _, step := range s.Steps {
		if step.Pause > 0 {
			steps.Content = append(steps.Content, mapping(entry("pause", text(writeDuration(step.Pause)))))
		}
		steps.Content = append(steps.Content, step.node(step.Name, common))
	}
	return with(n, "steps", steps)
}

// isSingle reports a scenario of one request, which has one name: the short
// form says all of it.
func (s Scenario) isSingle() bool {
	step := s.Steps[0]
	return len(s.Steps) == 1 && step.Pause == 0 && !s.Cookies && (step.Name == "" || step.Name == s.Name)
}

func (step Step) node(name string, common shared) *yaml.Node {
	n := mapping()
	var comments []string
	for _, c := range step.Comments {
		comments = append(comments, "# "+Visible(c))
	}
	n.HeadComment = strings.Join(comments, "\n")
	addText(n, "name", name)
	addText(n, "request", step.Method+" "+step.Path)
	if own := slices.DeleteFunc(slices.Clone(step.Headers), func(f Field) bool { return slices.Contains(common.headers, f) }); len(own) > 0 {
		with(n, "headers", fields(own))
	}
	switch {
	case step.Auth.equals(common.auth):
	case !step.Auth.isNone():
		with(n, "auth", step.Auth.node())
	case !step.has("authorization"): // which wins
		addText(n, "auth", "none")
	}
	step.Body.add(n)
	if step.Timeout > 0 {
		addText(n, "timeout", writeDuration(step.Timeout))
	}
	if len(step.Accept) > 0 {
		accept := list()
		accept.Style = yaml.FlowStyle
		for _, a := range step.Accept {
			accept.Content = append(accept.Content, bare(a))
		}
		with(n, "accept", accept)
	}
	if len(step.Checks) > 0 {
		checks := list()
		for _, c := range step.Checks {
			checks.Content = append(checks.Content, text(c))
		}
		with(n, "checks", checks)
	}
	if len(step.Captures) > 0 {
		with(n, "capture", fields(step.Captures))
	}
	if step.GoesOn {
		addText(n, "on_fail", "continue")
	}
	return n
}

func (body Body) add(n *yaml.Node) {
	switch {
	case body.JSON != nil:
		with(n, "json", body.JSON)
	case len(body.Form) > 0:
		with(n, "form", fields(body.Form))
	case len(body.Multipart) > 0:
		with(n, "multipart", multipartNode(body.Multipart))
	case body.File != "":
		addText(n, "body_file", body.File)
	default:
		addText(n, "body", body.Text)
	}
}

// writeLoad writes stages of about 50 requests a second, long enough for whole
// iterations, and the objectives to begin with.
func (d *Draft) writeLoad(b *bytes.Buffer) {
	requests, longest := 0, time.Duration(0)
	for _, s := range d.Scenarios {
		var pauses time.Duration
		for _, step := range s.Steps {
			requests++
			pauses += step.Pause
		}
		longest = max(longest, pauses)
	}
	rate := max(1, 50*len(d.Scenarios)/max(requests, 1))
	duration := min(max(30*time.Second, (3*longest).Truncate(10*time.Second)), 5*time.Minute)
	fmt.Fprintf(b, load, rate, writeDuration(duration))
}

const load = `
stages:
  - {name: warm-up, rate: 1/s, duration: 5s, judge: false}
  - {name: steady, rate: %d/s, duration: %s}

objectives:
  - p95 <= 500ms # 95 %% of all requests answered well within this time
  - success_rate >= 99%%
  - warn: p99 <= 1s # reported, does not fail the build
  - p95 <= baseline + 10%% or + 5ms # skipped where there is nothing to compare with
`

// writeDuration writes a time in whole milliseconds, or seconds.
func writeDuration(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", max(d.Milliseconds(), 1))
}

// section writes one key of the file.
func section(b *bytes.Buffer, key string, value *yaml.Node) {
	e := yaml.NewEncoder(b)
	e.SetIndent(2)
	if err := e.Encode(mapping(entry(key, value))); err != nil {
		panic("draft: nodes must encode: " + err.Error())
	}
	e.Close()
}

func list() *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode} }

// pair is a key of a map with its value.
type pair [2]*yaml.Node

func entry(key string, value *yaml.Node) pair { return pair{text(key), value} }

func mapping(entries ...pair) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range entries {
		n.Content = append(n.Content, e[0], e[1])
	}
	return n
}

func with(n *yaml.Node, key string, value *yaml.Node) *yaml.Node {
	n.Content = append(n.Content, text(key), value)
	return n
}

// addText adds a key whose value is not empty.
func addText(n *yaml.Node, key, value string) {
	if value != "" {
		with(n, key, text(value))
	}
}

// fields are a map. A name that stands several times has a list of values.
func fields(all []Field) *yaml.Node {
	n := mapping()
	at := map[string]*yaml.Node{}
	for _, f := range all {
		first, twice := at[f.Name]
		switch {
		case !twice:
			at[f.Name] = text(f.Value)
			with(n, f.Name, at[f.Name])
		case first.Kind == yaml.SequenceNode:
			first.Content = append(first.Content, text(f.Value))
		default:
			value := *first
			*first = *list()
			first.Content = []*yaml.Node{&value, text(f.Value)}
		}
	}
	return n
}

// text is a string, quoted where YAML would read it otherwise.
func text(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.ToValidUTF8(s, "\uFFFD")}
	if strings.ContainsFunc(n.Value, isUnusual) || command.MatchString(n.Value) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// command is a line that a CI would take for a command to it.
var command = regexp.MustCompile(`(?m)^\s*::`)

// isUnusual reports what a plain or folded text would not keep.
func isUnusual(r rune) bool {
	return r < ' ' && r != '\n' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xFEFF
}

// bare is a number or a word that stands without quotes.
func bare(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }
