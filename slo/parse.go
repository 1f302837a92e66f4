package slo

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Options say where an SLO file comes from and what it may see.
type Options struct {
	// Path is the file as the user named it, for messages and for the names
	// of body files, which are relative to its folder.
	Path string

	// Env gives the value of an environment variable and whether it is set.
	// Nil: the file may read no variable.
	Env func(name string) (string, bool)

	// EnvDenied gives a hint for a variable that Env does not give, such as
	// the setting that would permit it; may be nil.
	EnvDenied func(name string) string

	// Target overrides the target of the file when it is not empty.
	Target string

	// Trusted reports whether the values of environment variables may be sent
	// to a host. Nil: to every one.
	Trusted func(host string) bool

	// Stranger says that the file may come from anybody: every variable of the
	// environment is a secret then.
	Stranger bool

	// Limits hold besides those of the file: the lower one counts.
	Limits Limits

	// Profile chooses one of the file's profiles; empty: all stages are loaded.
	Profile string

	// BaseTarget overrides the baseline's base_target when it is not empty.
	BaseTarget string

	// Shards is how many generators share the load, where they are several.
	Shards int

	// Service says that the file's service will be built and started: the
	// variables of its env are read.
	Service bool

	// Plan says that nothing will be loaded: a file whose service slogate would
	// start itself needs no target of its own.
	Plan bool

	// Watched says that the replicas of the service are watched, whatever the
	// file says.
	Watched bool

	// Workspace is the folder that body files must stay within, symbolic
	// links resolved. The working directory by default.
	Workspace string

	// Reads is told of every file that the SLO file makes slogate read, relative
	// to the workspace, before it is opened. It may be nil.
	Reads func(path string)
}

// Parse reads an SLO file. The error is of type [ErrorList] and holds all
// that is wrong with it.
func Parse(src []byte, opts Options) (*File, error) {
	p := newParser(src, opts)
	sum := sha256.Sum256(src)
	p.file = &File{Path: opts.Path, Stranger: opts.Stranger, Digest: "sha256:" + hex.EncodeToString(sum[:])}
	if root := p.readYAML(src); root != nil && !p.tooDeep {
		p.document(root)
	}
	if len(p.errs) > 0 {
		return nil, p.sorted().without(p.file.Secrets)
	}
	return p.file, nil
}

// NameIn returns the name of an SLO file that may be wrong in all else. One that
// cannot be read, or that holds a variable, is as that of a file without a name.
func NameIn(src []byte, path string) string {
	p := newParser(src, Options{})
	p.file = &File{}
	name := ""
	if root := p.readYAML(src); root != nil && !p.tooDeep {
		name = p.name(objectOf[document](p, root.withoutNotes(), "an SLO file").get("name"), "the name")
	}
	return cmp.Or(name, nameOf(path))
}

// parser collects the file and every error on the way.
type parser struct {
	opts    Options
	lines   []string
	errs    ErrorList
	size    int           // of the nodes and variables so far, in bytes
	dropped int           // errors beyond maxErrors
	tooDeep bool          // that the limit of size or depth is exceeded has been reported
	read    int64         // bytes of body files
	decide  Decide        // of the objectives that say nothing else
	counted map[Scope]int // how many steps belong to a scope; nil where the scenarios could not be read
	keeps   bool          // the file says itself how long connections live
	file    *File

	sent  []sentValue   // the values of variables that requests carry
	hosts []destination // of requests, besides the targets

	scope      *scope            // of the place that is being read
	whose      auth              // of the requests that say nothing else
	events     bool              // the request that is being read has some
	everywhere map[string]int    // the captures that before makes, with their numbers
	captured   map[string][]Pos  // the names of all captures, where they stand
	tables     map[string]*table // the data files, by their names
	profiled   []*node           // the names of stages that a profile is taken in
}

func newParser(src []byte, opts Options) *parser {
	p := &parser{opts: opts, lines: splitLines(src), everywhere: map[string]int{}, captured: map[string][]Pos{}, tables: map[string]*table{}}
	p.scope = p.newScope()
	return p
}

// lineBreak is what YAML counts as the end of a line.
var lineBreak = regexp.MustCompile(`\r\n|[\n\r\x{85}\x{2028}\x{2029}]`)

func splitLines(src []byte) []string {
	if len(src) > MaxBytes {
		return nil
	}
	return lineBreak.Split(strings.TrimPrefix(string(src), "\uFEFF"), -1)
}

// add keeps an error, with its line of the file.
func (p *parser) add(e *Error) {
	if len(p.errs) >= maxErrors {
		p.dropped++
		return
	}
	// What several aliases or merge keys stand for is wrong once.
	if slices.ContainsFunc(p.errs, func(o *Error) bool {
		return o.Code == e.Code && o.Line == e.Line && o.Column == e.Column && (o.Msg == e.Msg || e.Code == CodeUnknownKey)
	}) {
		return
	}
	e.File = p.opts.Path
	if e.Line > 0 && e.Line <= len(p.lines) && e.Code != CodeEncoding {
		e.Source = p.lines[e.Line-1]
	}
	p.errs = append(p.errs, e)
}

// sorted gives the errors in the order of the file.
func (p *parser) sorted() ErrorList {
	p.errs.sort()
	if p.dropped > 0 {
		p.errs = append(p.errs, &Error{Code: CodeTooMany, File: p.opts.Path, Msg: fmt.Sprintf("%d more errors are not shown", p.dropped)})
	}
	return p.errs
}

func (p *parser) fail(pos Pos, width int, code Code, msg, hint string) {
	p.add(&Error{Code: code, Line: pos.Line, Column: pos.Column, Width: width, Msg: msg, Hint: hint})
}

func (p *parser) failFile(code Code, msg, hint string) {
	p.add(&Error{Code: code, Msg: msg, Hint: hint})
}

// failNode reports an error of a whole node.
func (p *parser) failNode(n *node, code Code, msg, hint string) {
	p.failText(n, &fault{code: code, msg: msg, hint: hint})
}

// failText reports an error in the text of a node.
func (p *parser) failText(n *node, err error) {
	if n.kind == brokenNode {
		return
	}
	if len(p.errs) >= maxErrors {
		p.dropped++ // before the place is looked for, which takes time
		return
	}
	f := asFault(err)
	pos, width := p.place(n, f.offset, f.width)
	p.fail(pos, width, f.code, f.msg, f.hint)
}

// place finds a part of a node's text in the file. Where quotes or folded
// lines have changed the text, it is the beginning of the node.
func (p *parser) place(n *node, offset, length int) (Pos, int) {
	if n.kind != scalarNode || n.pos.Line < 1 || n.pos.Line > len(p.lines) {
		return n.pos, 0
	}
	line, text := []rune(p.lines[n.pos.Line-1]), []rune(n.text)
	if length == 0 {
		offset, length = 0, len(text)
	}
	for start := n.pos.Column - 1; start <= n.pos.Column; start++ {
		if start < len(line) && len(text) > 0 && slices.Equal(text, line[start:min(start+len(text), len(line))]) {
			return Pos{n.pos.Line, start + offset + 1}, length
		}
	}
	return n.pos, 0
}

// keepSecret remembers a text that must not be written anywhere.
func (p *parser) keepSecret(s string) {
	if !slices.Contains(p.file.Secrets, s) {
		p.file.Secrets = append(p.file.Secrets, s)
	}
}

// object is a map of the file whose keys have been checked.
type object struct {
	node   *node
	keys   []string
	values map[string]entry
	meant  []string // keys that unknown ones probably stand for
}

// objectOf reads a map with the keys of T. A value of another kind is an
// error and gives an object without keys.
func objectOf[T any](p *parser, n *node, what string) *object { return p.object(n, what, keysOf[T]()) }

// object is apart from its generic caller, of which the binary has one for each
// type.
func (p *parser) object(n *node, what string, keys []string) *object {
	o := &object{node: n, keys: keys, values: map[string]entry{}}
	if n == nil {
		return o
	}
	if n.kind != mapNode {
		p.failNode(n, CodeKind, fmt.Sprintf("%s must be a map, this is %s", what, n.describe()), "it has the keys "+strings.Join(o.keys, " "))
		return o
	}
	for _, e := range n.entries {
		switch {
		case !slices.Contains(o.keys, e.key):
			o.meant = append(o.meant, meant(e.key, o.keys))
			p.fail(e.pos, width(e.key), CodeUnknownKey, "unknown key "+quote(e.key)+e.origin()+didYouMean(e.key, o.keys), "accepted here: "+strings.Join(o.keys, " "))
		case e.value.isNull() && e.key != "json":
			p.fail(e.pos, width(e.key), CodeMissing, "key "+quote(e.key)+" has no value", "write one, or remove the key")
		default:
			o.values[e.key] = e
		}
	}
	return o
}

// get gives the value of a key, or nil where the file has none.
func (o *object) get(key string) *node {
	if !slices.Contains(o.keys, key) {
		panic("slo: no key " + key)
	}
	return o.values[key].value
}

// has reports whether the file gives the key.
func (o *object) has(key string) bool { return o.get(key) != nil }

// need reports a missing key.
func (o *object) need(p *parser, key, hint string) *node {
	n := o.get(key)
	if n == nil && o.node != nil && o.node.kind == mapNode && !o.isMeant(key) {
		p.fail(o.node.pos, 0, CodeMissing, "key "+quote(key)+" is missing", hint)
	}
	return n
}

// isMeant reports a key that is there or that another one probably stands for,
// which has been reported already.
func (o *object) isMeant(key string) bool {
	return o.isWritten(key) || slices.Contains(o.meant, key)
}

// isWritten reports a key that is there, also without a usable value, which
// has been reported already.
func (o *object) isWritten(key string) bool { return o.node.child(key) != nil }

// exclude reports keys that cannot stand beside another.
func (o *object) exclude(p *parser, key string, others []string, hint string) {
	for _, other := range others {
		if o.has(key) && o.has(other) {
			at, long := o.values[other].place()
			p.fail(at, long, CodeCombination, quote(other)+" cannot stand beside "+quote(key), hint)
		}
	}
}

// describe names what a node is, for messages.
func (n *node) describe() string {
	switch {
	case n.kind != scalarNode:
		return string(n.kind)
	case n.typ == nullScalar:
		return "nothing"
	}
	return "the text " + quote(n.text)
}

// list gives the items of a list.
func (p *parser) list(n *node, what string, most int) []*node {
	switch {
	case n == nil:
		return nil
	case n.kind != listNode:
		p.failNode(n, CodeKind, fmt.Sprintf("%s must be a list, this is %s", what, n.describe()), "write each entry on its own line, after \"- \"")
		return nil
	case len(n.items) == 0:
		p.failNode(n, CodeTooMany, what+" is an empty list", "write an entry, or remove the key")
	case len(n.items) > most:
		p.failNode(n, CodeTooMany, fmt.Sprintf("%s has %d entries, at most %d are accepted", what, len(n.items), most), "")
		return nil
	}
	return n.items
}

// raw gives the text of a scalar as it is written.
func (p *parser) raw(n *node, what string) (string, bool) {
	switch {
	case n == nil:
		return "", false
	case n.kind == scalarNode && n.typ != nullScalar:
		return n.text, true
	case n.kind == mapNode && len(n.entries) > 0:
		p.failNode(n, CodeKind, what+" must be text, this is a map", "a text with \": \" in it must be put in single quotes")
	default:
		p.failNode(n, CodeKind, fmt.Sprintf("%s must be text, this is %s", what, n.describe()), "a text that begins with [ or { must be put in single quotes")
	}
	return "", false
}

// fixed gives the text of a scalar with variables of the environment put in.
func (p *parser) fixed(n *node, what string) (string, bool) {
	text, ok := p.raw(n, what)
	if !ok {
		return "", false
	}
	t, ok := p.template(n, text, fixed(what))
	s, _ := t.Static()
	return s, ok
}

// sentText is fixed for a text that leaves this machine: as a part of what is
// sent, or as a name that is looked up.
func (p *parser) sentText(n *node, what string) (string, bool) {
	text, ok := p.raw(n, what)
	if !ok {
		return "", false
	}
	c := fixed(what)
	c.sent = true
	t, ok := p.template(n, text, c)
	s, _ := t.Static()
	return s, ok
}

// scalarOf reads a scalar with a function of units.go.
func scalarOf[T any](p *parser, n *node, what string, parse func(string) (T, error)) (T, bool) {
	var zero T
	text, ok := p.fixed(n, what)
	if !ok {
		return zero, false
	}
	v, err := parse(text)
	if err != nil {
		p.failText(n, err)
		return zero, false
	}
	return v, true
}

// Limits of durations.
const (
	maxDuration = 24 * time.Hour
	maxTimeout  = time.Hour // what the histograms can hold
)

// duration reads a duration above 0; without a node it gives the default.
func (p *parser) duration(n *node, what string, byDefault, most time.Duration) time.Duration {
	d, ok := scalarOf(p, n, what, parseDuration)
	switch {
	case !ok:
		return byDefault
	case d <= 0 || d > most:
		p.failNode(n, CodeRange, fmt.Sprintf("%s must be above 0 and at most %s", what, writeDuration(most)), "")
		return byDefault
	}
	return d
}

// count reads a whole number between 1 and most.
func (p *parser) count(n *node, what string, byDefault, most int64) int64 {
	v, ok := scalarOf(p, n, what, parseCount)
	switch {
	case !ok:
		return byDefault
	case v < 1 || v > most:
		p.failNode(n, CodeRange, fmt.Sprintf("%s must be between 1 and %d", what, most), "")
		return byDefault
	}
	return v
}

// isOn reads a switch.
func (p *parser) isOn(n *node, what string, byDefault bool) bool {
	text, ok := p.fixed(n, what)
	if !ok {
		return byDefault
	}
	switch text {
	case "true", "on":
		return true
	case "false", "off":
		return false
	}
	p.failNode(n, CodeSwitch, quote(text)+" is neither on nor off", what+" is written as true, false, on or off")
	return byDefault
}

// maxName is the longest name: it stands in the columns of tables.
const maxName = 100

// name reads a name. A name is one line without control characters.
func (p *parser) name(n *node, what string) string {
	text, ok := p.fixed(n, what)
	text = strings.TrimSpace(text)
	switch {
	case !ok:
	case text == "":
		p.failNode(n, CodeName, what+" is empty", "")
	case width(text) > maxName:
		p.failNode(n, CodeName, fmt.Sprintf("%s has more than %d characters", what, maxName), "")
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		p.failNode(n, CodeName, what+" holds a control character", "")
	default:
		return text
	}
	return ""
}

// document reads the file from its root.
func (p *parser) document(root *node) {
	o := objectOf[document](p, root.withoutNotes(), "an SLO file")
	if root.kind != mapNode {
		return
	}
	p.version(o.need(p, "version", "the first line is: version: 1"))
	p.file.Name = p.name(o.get("name"), "the name")
	if !o.has("name") {
		p.file.Name = nameOf(p.opts.Path)
	}
	p.limits(o.get("limits"))
	p.target(o)
	p.noteBefore(o.get("before"))
	p.noteCaptures(o.get("scenarios"))
	p.http(o.get("http"))
	p.scope = &scope{}
	p.waitFor(o.get("wait_for"))
	p.before(o.get("before"))
	p.after(o.get("after"))
	p.baseline(o.get("baseline"))
	p.scope = &scope{} // a service is ready before the first step is run
	p.service(o.get("service"))
	p.scope = p.newScope()
	p.metrics(o.get("metrics"))
	p.kubernetes(o.get("kubernetes"))
	p.openAPI(o.get("openapi"))
	p.decide = p.rule(o.get("decide"), "")
	p.file.Confirm = p.isOn(o.get("confirm"), "confirm", true)
	faults := len(p.errs)
	p.scenarios(o.need(p, "scenarios", "it says what to request: scenarios: [{request: GET /}]"))
	// A mistyped key is told where it stands, and leaves no scenario.
	if len(p.errs) == faults && len(p.file.Scenarios) > 0 {
		p.countSteps()
	}
	p.stages(o.need(p, "stages", "it says how to load: stages: [{name: steady, rate: 10/s, duration: 30s}]"), o.get("objectives"), o.get("profiles"))
	p.checkRows()
	p.checkProfiled()
	p.checkWatched()
	p.checkSent()
	p.checkShards(under(o.get("baseline"), "base_target"), under(o.get("limits"), "connections"))
}

// noteKey begins the keys at the top of a file that are the user's own, such as
// for a map that others merge.
const noteKey = "x-"

func (n *node) withoutNotes() *node {
	out := *n
	out.entries = slices.DeleteFunc(slices.Clone(n.entries), func(e entry) bool { return strings.HasPrefix(e.key, noteKey) })
	return &out
}

func (p *parser) version(n *node) {
	v, ok := scalarOf(p, n, "the version", parseCount)
	if ok && v != Version {
		p.failNode(n, CodeVersion, fmt.Sprintf("version %d is unknown", v), fmt.Sprintf("this slogate reads version %d", Version))
	}
}

// nameOf gives the default name of a file: its base name without extension.
func nameOf(path string) string {
	base := filepath.Base(path)
	name := harmless(strings.TrimSuffix(base, filepath.Ext(base)))
	if name == "" || name == "." || path == "-" || path == "" {
		return "slo"
	}
	return string([]rune(name)[:min(len([]rune(name)), maxName)])
}
