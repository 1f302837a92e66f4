package draft

import (
	"cmp"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/slogate/slogate/slo"
)

// collection is what is read of a Postman collection, format 2.0 and 2.1.
type collection struct {
	Info *struct {
		Name   string `json:"name"`
		Schema string `json:"schema"`
	} `json:"info"`
	folder
	Variables []postmanVariable `json:"variable"`
}

type folder struct {
	Items    []postmanItem `json:"item"`
	Auth     *postmanAuth  `json:"auth"`
	Events   []event       `json:"event"`
	Behavior struct {
		KeepsBody bool `json:"disableBodyPruning"` // of methods that usually have none
	} `json:"protocolProfileBehavior"`
}

type postmanItem struct {
	Name    string      `json:"name"`
	Request *postmanAny `json:"request"` // an object, or a URL alone
	folder
}

type postmanRequest struct {
	Method  string       `json:"method"`
	URL     postmanAny   `json:"url"`
	Headers postmanAny   `json:"header"`
	Auth    *postmanAuth `json:"auth"`
	Body    *postmanBody `json:"body"`
}

type postmanBody struct {
	Mode     string           `json:"mode"`
	Raw      string           `json:"raw"`
	Form     []postmanPair    `json:"urlencoded"`
	Parts    []postmanPart    `json:"formdata"`
	File     postmanAny       `json:"file"`
	GraphQL  *json.RawMessage `json:"graphql"`
	Disabled bool             `json:"disabled"`
	Options  struct {
		Raw struct {
			Language string `json:"language"`
		} `json:"raw"`
	} `json:"options"`
}

type postmanPair struct {
	Key      string     `json:"key"`
	Value    postmanAny `json:"value"`
	Disabled bool       `json:"disabled"`
}

// postmanPart is a field of a form with files. Its source is a path, or a list
// of them.
type postmanPart struct {
	postmanPair
	Kind   string     `json:"type"`
	Source postmanAny `json:"src"`
	Type   string     `json:"contentType"`
}

func (p postmanPart) files() []string {
	var all []string
	if json.Unmarshal(p.Source, &all) != nil {
		all = []string{p.Source.text()}
	}
	return slices.DeleteFunc(all, func(name string) bool { return name == "" })
}

type postmanVariable struct {
	Key   string     `json:"key"`
	ID    string     `json:"id"`
	Value postmanAny `json:"value"`
}

// postmanAuth keeps the settings of each kind, which format 2.0 writes as an
// object and 2.1 as a list.
type postmanAuth struct {
	Type string
	Kind map[string]postmanAny
}

func (a *postmanAuth) UnmarshalJSON(src []byte) error {
	var all map[string]json.RawMessage
	if json.Unmarshal(src, &all) != nil {
		return nil // null, or a shape that says nothing
	}
	a.Kind = map[string]postmanAny{}
	for key, value := range all {
		if key == "type" {
			_ = json.Unmarshal(value, &a.Type) // no type is no auth
			continue
		}
		a.Kind[key] = postmanAny(value)
	}
	return nil
}

// setting gives one setting of the auth's kind.
func (a *postmanAuth) setting(key string) string {
	raw := a.Kind[a.Type]
	var pairs []postmanPair
	if json.Unmarshal(raw, &pairs) == nil {
		for _, p := range pairs {
			if p.Key == key {
				return p.Value.text()
			}
		}
	}
	var object map[string]postmanAny
	if json.Unmarshal(raw, &object) == nil {
		return object[key].text()
	}
	return ""
}

// postmanAny is a value that has several shapes.
type postmanAny []byte

// UnmarshalJSON keeps the value as it is written.
func (a *postmanAny) UnmarshalJSON(src []byte) error {
	*a = slices.Clone(src)
	return nil
}

// text gives a string as it is, another value as it is written.
func (a postmanAny) text() string {
	var s string
	if len(a) == 0 || string(a) == "null" {
		return ""
	}
	if json.Unmarshal(a, &s) == nil {
		return s
	}
	return string(a)
}

type event struct {
	Listen string `json:"listen"`
	Script struct {
		Lines postmanAny `json:"exec"`
	} `json:"script"`
}

// Postman drafts a scenario for each folder of a collection; where a folder
// uses what scripts of another set, one scenario for the whole collection.
func Postman(name string, src []byte, target string) (*Draft, error) {
	var c collection
	if err := decodeJSON(name, src, &c); err != nil {
		return nil, err
	}
	if c.Info == nil || len(c.Items) == 0 {
		return nil, failure(name, src, 1, 1, slo.CodeDocument, "not a Postman collection: it has no info and item", "Postman exports one as Collection v2.1")
	}
	r := &postmanReader{draft: &Draft{From: name}, variables: map[string]string{}, set: map[string]bool{}}
	for _, v := range c.Variables {
		r.variables[cmp.Or(v.Key, v.ID)] = v.Value.text()
	}
	r.scripts("the collection", c.Events)
	r.together = r.isShared(c.folder)
	whole := Scenario{Name: nameOf(cmp.Or(c.Info.Name, "collection"))}
	r.folder(&whole, "", c.folder, c.Auth, 0)
	r.keep(whole)
	if len(r.draft.Scenarios) == 0 {
		return nil, failure(name, src, 1, 1, slo.CodeDocument, "no request of the collection can be loaded", strings.Join(r.reasons(), "; "))
	}
	r.draft.Target = cmp.Or(target, r.host, fallbackTarget)
	return r.draft, nil
}

type postmanReader struct {
	draft     *Draft
	variables map[string]string // of the collection
	set       map[string]bool   // the variables that scripts set from answers
	host      string            // scheme and host of the first request
	together  bool              // all folders are one scenario
	here      []string          // the variables that are captured in the scenario
}

// keep puts a scenario into the draft. Postman keeps cookies from request to
// request.
func (r *postmanReader) keep(s Scenario) {
	s.Cookies = len(s.Steps) > 1
	r.draft.keep(s)
}

// reasons are the first notes, for an error.
func (r *postmanReader) reasons() []string {
	var all []string
	for _, n := range r.draft.Notes[:min(len(r.draft.Notes), 3)] {
		all = append(all, n.String())
	}
	return all
}

// each visits all items, with the path of their folder.
func (f folder) each(path string, depth int, visit func(path string, item postmanItem)) {
	for _, item := range f.Items {
		visit(path, item)
		if depth < maxDepth {
			item.each(path+"/"+item.Name, depth+1, visit)
		}
	}
}

// isShared reports whether scripts set variables in one folder that requests
// of another use. It notes which variables scripts set.
func (r *postmanReader) isShared(root folder) bool {
	setIn := map[string][]string{} // variable to folders
	root.each("", 0, func(path string, item postmanItem) {
		for _, e := range item.Events {
			for _, s := range settersIn(e) {
				setIn[s.Name] = append(setIn[s.Name], path)
				r.set[s.Name] = true
			}
		}
	})
	shared := false
	root.each("", 0, func(path string, item postmanItem) {
		if item.Request == nil {
			return
		}
		for _, m := range postmanValue.FindAllStringSubmatch(string(*item.Request), -1) {
			in, isSet := setIn[m[1]]
			shared = shared || isSet && !slices.Contains(in, path)
		}
	})
	return shared
}

// folder reads the requests of a folder into a scenario, and its folders into
// scenarios of their own.
func (r *postmanReader) folder(s *Scenario, path string, f folder, auth *postmanAuth, depth int) {
	if depth > maxDepth {
		r.draft.note(path, "left out: folders are nested more than %d deep", maxDepth)
		return
	}
	for _, item := range f.Items {
		name := item.Name
		if path != "" {
			name = path + " / " + item.Name
		}
		r.scripts(name, item.Events)
		if item.Request != nil {
			r.request(s, name, item, auth)
			continue
		}
		inner := auth
		if item.Auth != nil {
			inner = item.Auth
		}
		if r.together {
			r.folder(s, name, item.folder, inner, depth+1)
			continue
		}
		outer := r.here
		r.here = nil
		own := Scenario{Name: nameOf(name)}
		r.folder(&own, name, item.folder, inner, depth+1)
		r.keep(own)
		r.here = outer
	}
}

func (r *postmanReader) request(s *Scenario, name string, item postmanItem, auth *postmanAuth) {
	var q postmanRequest
	if json.Unmarshal(*item.Request, &q) != nil {
		q = postmanRequest{URL: *item.Request}
	}
	step := Step{Method: strings.ToUpper(cmp.Or(q.Method, "GET"))}
	if !r.address(&step, name, q.URL) {
		return
	}
	var headers []postmanPair
	if json.Unmarshal(q.Headers, &headers) != nil {
		headers = headerLines(q.Headers.text())
	}
	for _, h := range headers {
		switch value := r.text(name, h.Value.text()); {
		case h.Disabled:
		case strings.EqualFold(strings.TrimSpace(h.Key), "host"):
			step.hostHeader(oneLine(value), r.host)
		default:
			r.draft.header(&step, name, h.Key, value)
		}
	}
	if slices.Contains(bodiless, step.Method) && !item.Behavior.KeepsBody {
		q.Body = nil
	}
	if !r.body(&step, name, q.Body) {
		return
	}
	if step.Body.isEmpty() {
		step.drop("content-type")
	}
	switch {
	case q.Auth != nil:
		auth = q.Auth
	case item.Auth != nil:
		auth = item.Auth
	}
	r.auth(&step, name, auth)
	captured := len(r.here)
	r.tests(&step, name, item.Events)
	step.Path = r.draft.hideQuery(step.Path)
	step.Name = s.freeName(cmp.Or(nameOf(shortName(name, r.together)), nameOf(step.Method+" "+step.Path)))
	if !r.draft.add(s, step) {
		r.here = r.here[:captured]
	}
}

// bodiless are the methods without the body that a request may keep from another
// method, unless it says so.
var bodiless = []string{"GET", "HEAD", "PURGE"}

// shortName leaves out the folder where it is the scenario.
func shortName(name string, together bool) string {
	if together {
		return name
	}
	parts := strings.Split(name, " / ")
	return parts[len(parts)-1]
}

// headerLines reads headers that are written as one text.
func headerLines(text string) []postmanPair {
	var all []postmanPair
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			quoted, _ := json.Marshal(strings.TrimSpace(value)) // a string always encodes
			all = append(all, postmanPair{Key: strings.TrimSpace(name), Value: postmanAny(quoted)})
		}
	}
	return all
}

// address reads the URL: its host is the target's, the rest the path.
func (r *postmanReader) address(step *Step, name string, raw postmanAny) bool {
	text := raw.text()
	var parts struct {
		Raw       string            `json:"raw"`
		Variables []postmanVariable `json:"variable"`
	}
	if json.Unmarshal(raw, &parts) == nil && parts.Raw != "" {
		text = parts.Raw
	}
	text = strings.TrimSpace(text)
	whole := r.constant(text)
	base, rest := splitAddress(whole)
	u, err := url.Parse(base)
	if err != nil || !slo.IsTarget(origin(u)) {
		if base, rest = unknownHost(whole); base == "" {
			shown, _, _ := strings.Cut(text, "?")
			r.draft.note(name, "left out: %q is not an http URL", Visible(shown))
			return false
		}
		r.draft.note("", "the value of %s is not known: the target stands for it", base)
	} else if r.isElsewhere(origin(u)) {
		r.draft.note(name, "left out: another host than the target's, %s", origin(u))
		return false
	}
	for _, v := range parts.Variables {
		rest = replaceSegment(rest, ":"+cmp.Or(v.Key, v.ID), escapePostman(v.Value.text()))
	}
	step.Path = cleanPath(r.text(name, rest))
	return true
}

// isElsewhere reports a host that is not the first one.
func (r *postmanReader) isElsewhere(host string) bool {
	if r.host == "" {
		r.host = host
	}
	return r.host != host
}

// splitAddress parts scheme and host from path and query. A URL without a
// scheme means http, as in Postman.
func splitAddress(text string) (base, rest string) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	base, rest = splitHost(text)
	if !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	return base, rest
}

// unknownHost parts a variable that has no value from the path behind it.
func unknownHost(text string) (base, rest string) {
	m := leadingValue.FindStringSubmatch(text)
	if m == nil {
		return "", ""
	}
	_, rest = splitAddress("http://host" + m[2])
	return m[1], rest
}

var leadingValue = regexp.MustCompile(`^(?:https?://)?(\{\{[^{}]*\}\}[^/?#]*)(.*)$`)

// escapePostman escapes a segment of a path around its {{variables}}.
func escapePostman(s string) string {
	var b strings.Builder
	at := 0
	for _, m := range postmanValue.FindAllStringIndex(s, -1) {
		b.WriteString(url.PathEscape(s[at:m[0]]) + s[m[0]:m[1]])
		at = m[1]
	}
	return b.String() + url.PathEscape(s[at:])
}

// replaceSegment replaces whole segments of a path.
func replaceSegment(path, old, with string) string {
	before, query, found := strings.Cut(path, "?")
	segments := strings.Split(before, "/")
	for i, s := range segments {
		if s == old {
			segments[i] = with
		}
	}
	before = strings.Join(segments, "/")
	if found {
		return before + "?" + query
	}
	return before
}

// body reports whether the request can be sent.
func (r *postmanReader) body(step *Step, name string, b *postmanBody) bool {
	if b == nil || b.Disabled {
		return true
	}
	switch b.Mode {
	case "raw":
		if len(b.Raw) > maxBody {
			r.draft.note(name, "left out: its body has %d bytes, at most %d are written into the file", len(b.Raw), maxBody)
			return false
		}
		step.Body = bodyOf(b.Raw, func(key, value string) string { return r.hide(name, key, value) })
		if kind := rawTypes[b.Options.Raw.Language]; kind != "" && !step.Body.isEmpty() && !step.has("content-type") {
			step.Headers = append(step.Headers, Field{"content-type", kind})
		}
	case "urlencoded":
		for _, f := range b.Form {
			if !f.Disabled && f.Key != "" {
				step.Body.Form = append(step.Body.Form, Field{r.text(name, f.Key), r.hide(name, f.Key, f.Value.text())})
			}
		}
	case "graphql":
		r.graphQL(step, name, b)
	case "formdata":
		r.parts(step, name, b.Parts)
	case "file":
		var file struct {
			Source string `json:"src"`
		}
		if json.Unmarshal(b.File, &file) != nil || file.Source == "" {
			r.draft.note(name, "its body is left out: the collection names no file")
			break
		}
		step.Body.File = plain(file.Source)
	}
	step.dropOwnType()
	return true
}

// rawTypes are the content types of the languages that a body is written in.
var rawTypes = map[string]string{
	"json": "application/json", "xml": "application/xml", "html": "text/html", "javascript": "application/javascript", "text": "text/plain",
}

// parts reads the fields of a form with files.
func (r *postmanReader) parts(step *Step, name string, all []postmanPart) {
	for _, f := range all {
		if f.Disabled || f.Key == "" {
			continue
		}
		if f.Kind != "file" {
			step.Body.Multipart = append(step.Body.Multipart, Part{Name: f.Key, Value: r.hide(name, f.Key, f.Value.text())})
			continue
		}
		files := f.files()
		if len(files) == 0 {
			r.draft.note(name, "the field %s is left out: the collection names no file", Visible(f.Key))
		}
		for _, file := range files {
			step.Body.Multipart = append(step.Body.Multipart, Part{Name: f.Key, File: plain(file), Type: mediaType(f.Type)})
		}
	}
	step.drop("content-type")
}

func (r *postmanReader) graphQL(step *Step, name string, b *postmanBody) {
	var q struct {
		Query     string     `json:"query"`
		Operation string     `json:"operationName"`
		Variables postmanAny `json:"variables"`
	}
	if b.GraphQL == nil || json.Unmarshal(*b.GraphQL, &q) != nil {
		return
	}
	step.Body.JSON = mapping(entry("query", text(r.text(name, q.Query))))
	addText(step.Body.JSON, "operationName", r.text(name, q.Operation))
	if n := jsonOf(q.Variables.text(), func(key, value string) string { return r.hide(name, key, value) }); n != nil {
		with(step.Body.JSON, "variables", n)
	}
}

// hide writes a value under a name as a text of the SLO file.
func (r *postmanReader) hide(where, key, value string) string {
	return r.draft.hide(key, r.text(where, value))
}

// auth sends the credentials of a request, of its folder or of the collection.
func (r *postmanReader) auth(step *Step, name string, a *postmanAuth) {
	if a == nil {
		return
	}
	switch a.Type {
	case "", "noauth", "inherit":
	case "bearer":
		token := r.text(name, a.setting("token"))
		if token == "" {
			token = r.draft.secret("BEARER_TOKEN", "", "the token of the header authorization")
		}
		r.draft.header(step, name, "authorization", "Bearer "+token)
	case "basic":
		step.Auth = r.draft.basicAuth(r.text(name, a.setting("username")), r.text(name, a.setting("password")), true)
	case "awsv4":
		r.sigV4(step, name, a)
	case "oauth2":
		r.oauth2(step, name, a)
	case "apikey":
		r.apiKey(step, name, a)
	default:
		r.draft.note(name, "the authorization %q is not translated", Visible(a.Type))
	}
}

func (r *postmanReader) sigV4(step *Step, name string, a *postmanAuth) {
	setting := func(key string) string { return r.text(name, a.setting(key)) }
	region, service := setting("region"), cmp.Or(setting("service"), "execute-api")
	if region == "" {
		region = "us-east-1" // as Postman does
	}
	var ok bool
	if step.Auth, ok = r.draft.sigV4Auth(region, service, setting("accessKey"), setting("secretKey"), setting("sessionToken")); !ok {
		r.draft.note(name, "its signature is left out: neither its region nor its service may have other than letters, digits and hyphens")
	}
}

// oauth2 gets tokens as the collection does where nobody has to be asked for
// one; any other token is a secret.
func (r *postmanReader) oauth2(step *Step, name string, a *postmanAuth) {
	setting := func(key string) string { return r.text(name, a.setting(key)) }
	if a.setting("grant_type") == "client_credentials" {
		tokenURL := r.text(name, r.constant(a.setting("accessTokenUrl")))
		auth, ok := r.draft.oauth2Auth(tokenURL, setting("clientId"), setting("clientSecret"), strings.Fields(setting("scope")))
		if ok {
			step.Auth = auth
			return
		}
	}
	r.draft.note(name, "its OAuth 2 token is a secret: only the grant client_credentials with a plain token URL is translated")
	r.draft.header(step, name, "authorization", "Bearer "+r.draft.secret("BEARER_TOKEN", "", "the token of the header authorization"))
}

func (r *postmanReader) apiKey(step *Step, name string, a *postmanAuth) {
	key, value := a.setting("key"), r.text(name, a.setting("value"))
	if key == "" {
		return
	}
	if value == "" || !isReference(value) {
		value = r.draft.secret(key, value, "the value of "+key)
	}
	if a.setting("in") == "query" {
		step.Path = addQuery(step.Path, key, value)
		return
	}
	r.draft.header(step, name, key, value)
}

// addQuery adds a parameter whose value is a text of the SLO file.
func addQuery(path, key, value string) string {
	separator := "?"
	if len(splitOutside(path, '?', 2)) > 1 {
		separator = "&"
	}
	return path + separator + url.QueryEscape(key) + "=" + value
}
