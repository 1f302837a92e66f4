package draft

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/slogate/slogate/slo"
)

// apiDocument is an OpenAPI document of version 3, or a Swagger document of
// version 2. It is kept as a tree with positions and read where it is needed:
// real documents break the rules of their format in places that do not matter
// here, and a loader that decodes the whole would refuse them.
type apiDocument struct {
	name    string
	src     []byte
	root    *yaml.Node
	swagger bool
}

// readAPI reads a document. Nothing outside of it is ever read.
func readAPI(name string, src []byte) (*apiDocument, error) {
	if err := checkSize(name, src); err != nil {
		return nil, err
	}
	src = bytes.TrimPrefix(src, []byte("\xEF\xBB\xBF"))
	root, err := readTree(name, src)
	if err != nil {
		return nil, err
	}
	d := &apiDocument{name: name, src: src, root: root}
	switch version := scalar(get(root, "openapi")); {
	case strings.HasPrefix(scalar(get(root, "swagger")), "2"):
		d.swagger = true
	case !strings.HasPrefix(version, "3."):
		return nil, failure(name, src, max(root.Line, 1), max(root.Column, 1), slo.CodeDocument, "not an OpenAPI document", `it begins with openapi: 3.x or swagger: "2.0"`)
	}
	if paths := get(root, "paths"); paths == nil || paths.Kind != yaml.MappingNode {
		return nil, failure(name, src, max(root.Line, 1), max(root.Column, 1), slo.CodeDocument, "the document has no paths", "")
	}
	return d, nil
}

// yamlLine finds the line in an error of the library.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// readTree reads YAML or JSON. The YAML library refuses some JSON (tabs, pairs
// of surrogates) and has panicked on broken input.
func readTree(name string, src []byte) (root *yaml.Node, err error) {
	if trimmed := bytes.TrimSpace(src); bytes.HasPrefix(trimmed, []byte("{")) {
		r := newJSONReader(src)
		root, err := r.whole()
		if err != nil {
			return nil, unreadable(name, src, r.decoder.InputOffset(), err)
		}
		return root, nil
	}
	if yamlNodes(src) > maxTreeNodes {
		return nil, failure(name, src, 0, 0, slo.CodeDocument, fmt.Sprintf("the document has more than %d keys and values", maxTreeNodes), "")
	}
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, failure(name, src, 0, 0, slo.CodeDocument, "not YAML", "")
		}
	}()
	var document yaml.Node
	if err := yaml.Unmarshal(src, &document); err != nil {
		line := 0
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			line, _ = strconv.Atoi(m[1])
		}
		return nil, failure(name, src, line, 0, slo.CodeDocument, "not YAML: "+yamlLine.ReplaceAllString(err.Error(), ""), "")
	}
	if len(document.Content) == 0 {
		return nil, failure(name, src, 0, 0, slo.CodeDocument, "the document is empty", "")
	}
	return document.Content[0], nil
}

// maxTreeNodes bounds the keys and values of a document: each takes 160 bytes, of
// which a text of 2 can make one.
const maxTreeNodes = 1 << 20

// yamlNodes is about how many keys and values a text of YAML can have, by what
// stands before one: it is no less than half of them.
func yamlNodes(src []byte) int {
	n := 0
	for _, before := range []string{"\n", ":", ",", "[", "{", "- ", "-\t", "? ", "?\t"} {
		n += bytes.Count(src, []byte(before))
	}
	return n
}

// get gives the value of a key of a map, or nil.
func get(n *yaml.Node, key string) *yaml.Node {
	if n = follow(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return follow(n.Content[i+1])
		}
	}
	return nil
}

// follow follows an alias of YAML.
func follow(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// scalar gives the text of a scalar, "" of anything else.
func scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return ""
	}
	return n.Value
}

func isTrue(n *yaml.Node) bool { return scalar(n) == "true" }

// items gives the entries of a list.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// maxReferences bounds a chain of references.
const maxReferences = 100

// resolve follows references. The error says where the one stands that leads
// nowhere.
func (d *apiDocument) resolve(n *yaml.Node) (*yaml.Node, error) {
	n = follow(n)
	var seen []*yaml.Node
	for {
		reference := get(n, "$ref")
		if reference == nil || reference.Kind != yaml.ScalarNode {
			return n, nil
		}
		at := placeOf(reference.Line, reference.Column)
		if slices.Contains(seen, n) {
			return nil, fmt.Errorf("the reference %q (%s) leads back to itself", Visible(reference.Value), at)
		}
		if seen = append(seen, n); len(seen) > maxReferences {
			return nil, fmt.Errorf("more than %d references lead from one to the next (%s)", maxReferences, at)
		}
		if !strings.HasPrefix(reference.Value, "#") {
			return nil, fmt.Errorf("the reference %q (%s) leads out of the document; bundle it into one", Visible(reference.Value), at)
		}
		if n = d.lookup(reference.Value); n == nil {
			return nil, fmt.Errorf("the reference %q (%s) leads nowhere", Visible(reference.Value), at)
		}
	}
}

var pointerEscapes = strings.NewReplacer("~1", "/", "~0", "~")

// lookup follows a JSON pointer (RFC 6901) in a fragment.
func (d *apiDocument) lookup(reference string) *yaml.Node {
	pointer, err := url.PathUnescape(strings.TrimPrefix(reference, "#"))
	if err != nil {
		return nil
	}
	n := follow(d.root)
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" {
			break
		}
		key := pointerEscapes.Replace(part)
		if n != nil && n.Kind == yaml.SequenceNode {
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(n.Content) {
				return nil
			}
			n = follow(n.Content[i])
			continue
		}
		if n = get(n, key); n == nil {
			return nil
		}
	}
	return n
}

// operation is a method of a path of a document.
type operation struct {
	method string // upper case
	path   string // a template such as /pets/{id}
	item   *yaml.Node
	node   *yaml.Node
}

func (o operation) String() string { return o.method + " " + o.path }

var operationKeys = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

// maxOperations bounds what is read of a document: the largest public ones have
// some thousands.
const maxOperations = 20_000

// operations gives all operations in the order of the document, and what keeps
// a path from being read.
func (d *apiDocument) operations() (all []operation, problems []Note) {
	paths := get(d.root, "paths")
	for i := 0; i+1 < len(paths.Content) && len(all) < maxOperations; i += 2 {
		path := paths.Content[i].Value
		if !strings.HasPrefix(path, "/") {
			continue // x-…
		}
		item, err := d.resolve(paths.Content[i+1])
		if err != nil {
			problems = append(problems, Note{path, "left out: " + err.Error()})
			continue
		}
		for _, key := range operationKeys {
			if node := get(item, key); node != nil && node.Kind == yaml.MappingNode {
				all = append(all, operation{strings.ToUpper(key), path, item, node})
			}
		}
	}
	return all, problems
}

// servers gives the addresses of the service as they are written, variables
// put in.
func (d *apiDocument) servers() []string {
	var all []string
	if d.swagger {
		scheme := "https"
		for _, s := range items(get(d.root, "schemes")) {
			if s.Value == "http" || s.Value == "https" {
				scheme = s.Value
				break
			}
		}
		host := scalar(get(d.root, "host"))
		if host != "" {
			host = scheme + "://" + host
		}
		return []string{host + scalar(get(d.root, "basePath"))}
	}
	for _, s := range items(get(d.root, "servers")) {
		address := scalar(get(s, "url"))
		variables := get(s, "variables")
		address = templated.ReplaceAllStringFunc(address, func(m string) string {
			return cmp.Or(scalar(get(get(variables, m[1:len(m)-1]), "default")), m)
		})
		all = append(all, address)
	}
	return all
}

// templated is a part of a path or address that stands for a value.
var templated = regexp.MustCompile(`\{[^{}/]*\}`)

// address parts the first server into the target and the path in front of all
// paths.
func (d *apiDocument) address() (target, prefix string) {
	servers := d.servers()
	if len(servers) == 0 {
		return "", ""
	}
	return splitServer(servers[0])
}

func splitServer(address string) (target, prefix string) {
	u, err := url.Parse(address)
	if err != nil {
		return "", ""
	}
	if slo.IsTarget(origin(u)) {
		target = origin(u)
	}
	return target, strings.TrimRight(u.Path, "/")
}

// Options say what is taken of an OpenAPI document.
type Options struct {
	Target  string   // instead of the document's server
	Methods []string // in upper case; none: GET and HEAD, which change nothing
	All     bool     // all methods
}

func (o Options) takes(method string) bool {
	if len(o.Methods) == 0 {
		return o.All || method == "GET" || method == "HEAD"
	}
	return o.All || slices.Contains(o.Methods, method)
}

// fallbackTarget stands where a source names no service.
const fallbackTarget = "http://localhost:8080"

// OpenAPI drafts a scenario for each operation of a document.
func OpenAPI(name string, src []byte, o Options) (*Draft, error) {
	doc, err := readAPI(name, src)
	if err != nil {
		return nil, err
	}
	r := &apiReader{doc: doc, draft: &Draft{From: name}}
	var target string
	target, r.prefix = doc.address()
	if target == "" && o.Target == "" {
		r.draft.note("", "the document names no server: the target is %s", fallbackTarget)
	}
	r.draft.Target = cmp.Or(o.Target, target, fallbackTarget)
	all, problems := doc.operations()
	r.draft.Notes = append(r.draft.Notes, problems...)
	left, tooMany := map[string][]string{}, 0
	for _, op := range all {
		switch {
		case !o.takes(op.method):
			left[op.method] = append(left[op.method], op.path)
		case len(r.draft.Scenarios) >= maxScenarios:
			tooMany++
		default:
			r.operation(op)
		}
	}
	if tooMany > 0 {
		r.draft.note("", "left out: %s more, a file has at most %d scenarios", plural(tooMany, "operation"), maxScenarios)
	}
	for _, method := range methods {
		if paths := left[method]; len(paths) > 0 {
			r.draft.note(method, "left out: %s that may change data; --openapi-methods or --all-methods takes them: %s", plural(len(paths), "operation"), firstOf(paths, 10))
		}
	}
	if len(r.draft.Scenarios) == 0 {
		return nil, nothingLeft(doc, r.draft.Notes)
	}
	return r.draft, nil
}

func nothingLeft(doc *apiDocument, notes []Note) error {
	paths := get(doc.root, "paths")
	hint := "--all-methods takes those, too, that may change data"
	if len(notes) > 0 {
		hint = notes[len(notes)-1].String()
	}
	return failure(doc.name, doc.src, max(paths.Line, 1), max(paths.Column, 1), slo.CodeDocument, "no operation of the document can be loaded", hint)
}

// firstOf names the first entries of a list.
func firstOf(all []string, most int) string {
	text := strings.Join(all[:min(len(all), most)], ", ")
	if len(all) > most {
		text += ", …"
	}
	return text
}

// apiReader makes scenarios of operations.
type apiReader struct {
	doc    *apiDocument
	draft  *Draft
	prefix string
}

func (r *apiReader) operation(op operation) {
	step := Step{Method: op.method}
	s := &sampler{doc: r.doc, draft: r.draft}
	parameters := r.parameters(op)
	step.Path = r.path(op, s, parameters)
	for _, p := range parameters {
		r.parameter(&step, op, s, p)
	}
	if err := r.body(&step, op, s, parameters); err != nil {
		r.draft.note(op.String(), "left out: %s", err)
		return
	}
	r.security(&step, op)
	r.accept(&step, op)
	step.Path = r.draft.hideQuery(step.Path)
	if len(s.guessed) > 0 {
		step.Comments = append(step.Comments, "guessed, the document has no example: "+firstOf(s.guessed, 12))
	}
	for _, problem := range s.problems {
		r.draft.note(op.String(), "%s", problem)
	}
	one := Scenario{Name: r.draft.freeName(cmp.Or(nameOf(scalar(get(op.node, "operationId"))), nameOf(op.String())))}
	r.draft.add(&one, step)
	r.draft.keep(one)
}

// parameters are those of the operation and, where it has no other of that
// name, of the path.
func (r *apiReader) parameters(op operation) []*yaml.Node {
	var all []*yaml.Node
	for _, n := range slices.Concat(items(get(op.node, "parameters")), items(get(op.item, "parameters"))) {
		p, err := r.doc.resolve(n)
		if err != nil {
			r.draft.note(op.String(), "a parameter is left out: %s", err)
			continue
		}
		isSame := func(o *yaml.Node) bool {
			return scalar(get(o, "name")) == scalar(get(p, "name")) && scalar(get(o, "in")) == scalar(get(p, "in"))
		}
		if scalar(get(p, "name")) != "" || scalar(get(p, "in")) == "body" {
			if !slices.ContainsFunc(all, isSame) {
				all = append(all, p)
			}
		}
	}
	return all
}

// path puts values in the place of {name}.
func (r *apiReader) path(op operation, s *sampler, parameters []*yaml.Node) string {
	filled := templated.ReplaceAllStringFunc(plain(op.path), func(m string) string {
		name := m[1 : len(m)-1]
		for _, p := range parameters {
			if scalar(get(p, "in")) == "path" && scalar(get(p, "name")) == name {
				if values := s.parameter(p); len(values) > 0 && values[0] != "" {
					return outside(strings.Join(values, ","), url.PathEscape)
				}
			}
		}
		s.guess(name)
		return "1"
	})
	return cleanPath(plain(r.prefix) + filled)
}

// parameter adds a parameter of the query, a header or a cookie that is needed,
// or that has an example.
func (r *apiReader) parameter(step *Step, op operation, s *sampler, p *yaml.Node) {
	name, in := scalar(get(p, "name")), scalar(get(p, "in"))
	if in != "query" && in != "header" && in != "cookie" || !isTrue(get(p, "required")) && !hasExample(p) {
		return
	}
	values := s.parameter(p)
	switch {
	case len(values) == 0:
		r.draft.note(op.String(), "the parameter %s is left out: no value for it", Visible(name))
	case in == "query":
		r.query(step, p, name, values)
	case in == "cookie":
		step.cookie(oneLine(plain(name) + "=" + r.draft.hide("cookie", values[0])))
	case !slices.Contains([]string{"accept", "content-type", "authorization"}, strings.ToLower(name)):
		r.draft.header(step, op.String(), name, strings.Join(values, ","))
	}
}

// query adds a list as several parameters, unless it is to be joined.
func (r *apiReader) query(step *Step, p *yaml.Node, name string, values []string) {
	style, explode := scalar(get(p, "style")), scalar(get(p, "explode"))
	format := scalar(get(p, "collectionFormat"))
	joined := explode == "false" || r.doc.swagger && format != "multi" && len(values) > 1
	if joined {
		separator := map[string]string{"spaceDelimited": "%20", "pipeDelimited": "%7C", "ssv": "%20", "tsv": "%09", "pipes": "%7C"}[cmp.Or(style, format)]
		for i := range values {
			values[i] = outside(values[i], url.QueryEscape)
		}
		step.Path = addQuery(step.Path, name, strings.Join(values, cmp.Or(separator, ",")))
		return
	}
	for _, v := range values {
		step.Path = addQuery(step.Path, name, outside(v, url.QueryEscape))
	}
}

func hasExample(p *yaml.Node) bool {
	return slices.ContainsFunc([]string{"example", "examples", "x-example"}, func(key string) bool { return get(p, key) != nil })
}

// body adds the body. The error says why the operation cannot be sent.
func (r *apiReader) body(step *Step, op operation, s *sampler, parameters []*yaml.Node) error {
	if r.doc.swagger {
		return r.swaggerBody(step, op, s, parameters)
	}
	body, err := r.doc.resolve(get(op.node, "requestBody"))
	if err != nil || body == nil {
		return err
	}
	content := get(body, "content")
	kind, media := preferred(content)
	switch {
	case media == nil:
		return nil
	case isJSONType(kind):
		n := s.media(media)
		if n == nil {
			return s.noBody()
		}
		step.Body.JSON = n
		step.typed(kind)
	case kind == "application/x-www-form-urlencoded":
		step.Body.Form = formFields(s.media(media))
	case strings.HasPrefix(kind, "text/"):
		step.Body.Text = scalar(s.media(media))
		step.typed(kind)
	case isTrue(get(body, "required")):
		return fmt.Errorf("a body of the type %s", Visible(kind))
	default:
		r.draft.note(op.String(), "its body of the type %s is left out", Visible(kind))
	}
	return nil
}

// typed adds the type of a body, where it is one type and not the usual one.
func (step *Step) typed(kind string) {
	if kind != "application/json" && !strings.Contains(kind, "*") {
		step.Headers = append(step.Headers, Field{"content-type", oneLine(plain(kind))})
	}
}

// preferred chooses the kind of body that can be written best.
func preferred(content *yaml.Node) (kind string, media *yaml.Node) {
	if content == nil || content.Kind != yaml.MappingNode {
		return "", nil
	}
	best := 0
	for i := 0; i+1 < len(content.Content); i += 2 {
		k := content.Content[i].Value
		rank := 1
		switch {
		case k == "application/json":
			rank = 5
		case isJSONType(k):
			rank = 4
		case k == "application/x-www-form-urlencoded":
			rank = 3
		case strings.HasPrefix(k, "text/"):
			rank = 2
		}
		if rank > best {
			best, kind, media = rank, k, follow(content.Content[i+1])
		}
	}
	return kind, media
}

func isJSONType(kind string) bool {
	base, _, _ := strings.Cut(kind, ";")
	base = strings.TrimSpace(base)
	return base == "application/json" || strings.HasSuffix(base, "+json") || base == "*/*"
}

func (r *apiReader) swaggerBody(step *Step, op operation, s *sampler, parameters []*yaml.Node) error {
	for _, p := range parameters {
		switch scalar(get(p, "in")) {
		case "body":
			n := s.value("", get(p, "schema"), 0)
			if n == nil {
				return s.noBody()
			}
			step.Body.JSON = n
		case "formData":
			if scalar(get(p, "type")) == "file" {
				return errors.New("a form with files (multipart)")
			}
			if isTrue(get(p, "required")) || hasExample(p) {
				for _, v := range s.parameter(p) {
					step.Body.Form = append(step.Body.Form, Field{plain(scalar(get(p, "name"))), r.draft.hide(scalar(get(p, "name")), v)})
				}
			}
		}
	}
	return nil
}

// noBody says why a schema gives none.
func (s *sampler) noBody() error {
	const message = "no body can be made of its schema"
	if len(s.problems) == 0 {
		return errors.New(message)
	}
	return errors.New(message + ": " + s.problems[0])
}

// formFields makes fields of an object.
func formFields(n *yaml.Node) []Field {
	var all []Field
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		for _, v := range scalars(n.Content[i+1]) {
			all = append(all, Field{n.Content[i].Value, v})
		}
	}
	return all
}

// accept takes the successful answers that the document describes.
func (r *apiReader) accept(step *Step, op operation) {
	responses := get(op.node, "responses")
	if responses == nil || responses.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(responses.Content); i += 2 {
		code := responses.Content[i].Value
		if statusCode.MatchString(code) && !slices.Contains(step.Accept, code) {
			step.Accept = append(step.Accept, strings.ToLower(code))
		}
	}
}

var statusCode = regexp.MustCompile(`^[23](?:\d\d|XX|xx)$`)

// security sends what the first of the alternatives needs.
func (r *apiReader) security(step *Step, op operation) {
	wanted := get(op.node, "security")
	if wanted == nil {
		wanted = get(r.doc.root, "security")
	}
	schemes := get(get(r.doc.root, "components"), "securitySchemes")
	if r.doc.swagger {
		schemes = get(r.doc.root, "securityDefinitions")
	}
	for _, alternative := range items(wanted) {
		alternative = follow(alternative)
		for i := 0; alternative != nil && i+1 < len(alternative.Content); i += 2 {
			name := alternative.Content[i].Value
			scheme, err := r.doc.resolve(get(schemes, name))
			if err != nil || scheme == nil {
				r.draft.note(op.String(), "the security scheme %s is not described", Visible(name))
				continue
			}
			r.scheme(step, op, name, scheme, scopesOf(alternative.Content[i+1]))
		}
		return
	}
}

// scopesOf are the scopes that an operation needs.
func scopesOf(n *yaml.Node) []string {
	var all []string
	for _, item := range items(n) {
		if s := scalar(item); s != "" {
			all = append(all, plain(s))
		}
	}
	return all
}

func (r *apiReader) scheme(step *Step, op operation, name string, scheme *yaml.Node, scopes []string) {
	kind, httpScheme := scalar(get(scheme, "type")), strings.ToLower(scalar(get(scheme, "scheme")))
	switch {
	case kind == "basic", kind == "http" && httpScheme == "basic":
		step.Auth = r.draft.basicAuth("", "", false)
	case kind == "oauth2" && r.oauth2(step, scheme, scopes):
	case kind == "http" && httpScheme == "bearer", kind == "oauth2", kind == "openIdConnect":
		r.draft.header(step, op.String(), "authorization", "Bearer "+r.draft.secret(name, "", "the token of the header authorization"))
	case kind == "apiKey":
		r.keyScheme(step, op, name, scheme)
	case kind == "mutualTLS":
		r.draft.note("", "the security scheme %s: name the client's certificate under http.tls, as cert_file and key_file", Visible(name))
	default:
		r.draft.note(op.String(), "the security scheme %s (%s %s) is not translated", Visible(name), Visible(kind), Visible(httpScheme))
	}
}

// oauth2 gets tokens by the client credentials grant, where the scheme offers
// it.
func (r *apiReader) oauth2(step *Step, scheme *yaml.Node, scopes []string) bool {
	flow := get(get(scheme, "flows"), "clientCredentials")
	if scalar(get(scheme, "flow")) == "application" { // Swagger 2
		flow = scheme
	}
	at := scalar(get(flow, "tokenUrl"))
	if strings.HasPrefix(at, "/") { // relative to the server
		at = r.draft.Target + at
	}
	auth, ok := r.draft.oauth2Auth(at, "", "", scopes)
	if ok {
		step.Auth = auth
	}
	return ok
}

func (r *apiReader) keyScheme(step *Step, op operation, name string, scheme *yaml.Node) {
	key := scalar(get(scheme, "name"))
	value := r.draft.secret(name, "", "the value of "+key)
	switch scalar(get(scheme, "in")) {
	case "query":
		step.Path = addQuery(step.Path, key, value)
	case "cookie":
		step.cookie(oneLine(plain(key)) + "=" + value)
	default:
		r.draft.header(step, op.String(), key, value)
	}
}
