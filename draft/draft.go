// Package draft writes a first SLO file from what a team has already: an
// OpenAPI document, a recorded session (HAR), a Postman collection or a curl
// command.
//
// In comes text from anywhere. Out comes a [Draft], plain steps in the words of
// the SLO file, which [Draft.Write] writes as YAML. What cannot be said there is
// a [Note]; nothing is left out silently. Credentials never get into a draft:
// they become ${secret.NAME}. The package sends nothing and opens no file.
package draft

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// MaxSource is how many bytes of a document are read: recorded sessions hold
// every answer.
const MaxSource = 64 << 20

// Limits of a draft: what an SLO file may hold.
const (
	maxScenarios = 200
	maxSteps     = 200
	maxHeaders   = 100
	maxPath      = 8000
	maxName      = 100
	maxBody      = 64 << 10
)

// Draft is an SLO file before it is written. Its texts are those of the file:
// ${…} is a value, and what only looks like one is escaped.
type Draft struct {
	From      string // what it was drafted from, such as openapi.yaml
	Name      string // empty: the usual one
	Target    string
	HTTP      HTTP
	OpenAPI   string // the document that the file names; empty: none
	Scenarios []Scenario
	Secrets   []Secret
	Notes     []Note

	secrets map[string]string // base name and value to name
}

// Scenario is what one user does.
type Scenario struct {
	Name    string
	Cookies bool // cookies that answers set are sent again
	Steps   []Step
}

// Step is one request, perhaps after a pause.
type Step struct {
	Comments []string // lines above it
	Pause    time.Duration
	Name     string // empty: the default one
	Method   string
	Path     string
	Headers  []Field
	Auth     Auth
	Body     Body
	Timeout  time.Duration
	Accept   []string
	Checks   []string
	Captures []Field
	GoesOn   bool
}

// Field is a name with its value.
type Field struct{ Name, Value string }

// Body is what a request carries: one of the fields, or none.
type Body struct {
	JSON      *yaml.Node
	Form      []Field
	Multipart []Part
	Text      string
	File      string // its path
}

func (b Body) isEmpty() bool {
	return b.JSON == nil && len(b.Form) == 0 && len(b.Multipart) == 0 && b.Text == "" && b.File == ""
}

// Secret is an environment variable that holds a credential.
type Secret struct {
	Name    string
	Meaning string // where it is sent
}

// Note is something that was not translated.
type Note struct {
	Where string // such as "POST /pets"
	What  string
}

func (n Note) String() string {
	if n.Where == "" {
		return Visible(n.What)
	}
	return Visible(n.Where + ": " + n.What)
}

// credentials may stand in what a note names: a query, and the user of a URL.
var credentials = regexp.MustCompile(`\?\S*|(//)[^/\s]*@`)

// note keeps what was not translated, once.
func (d *Draft) note(where, format string, args ...any) {
	n := Note{Where: credentials.ReplaceAllString(where, "$1"), What: fmt.Sprintf(format, args...)}
	if !slices.Contains(d.Notes, n) {
		d.Notes = append(d.Notes, n)
	}
}

// secret gives the reference to a credential. The same value has one name;
// another value under the same name gets a number.
func (d *Draft) secret(base, value, meaning string) string {
	base = variableName(base)
	key := base + "\x00" + value
	if d.secrets == nil {
		d.secrets = map[string]string{}
	}
	name, known := d.secrets[key]
	if !known {
		name = base
		isTaken := func(s Secret) bool { return s.Name == name }
		for i := 2; slices.ContainsFunc(d.Secrets, isTaken); i++ {
			name = base + "_" + strconv.Itoa(i)
		}
		d.secrets[key] = name
		d.Secrets = append(d.Secrets, Secret{Name: name, Meaning: Visible(meaning)})
	}
	return "${secret." + name + "}"
}

// add puts a step into a scenario, or notes why it cannot stand in an SLO file.
// It reports whether it could.
func (d *Draft) add(s *Scenario, step Step) bool {
	where := Visible(step.Method + " " + step.Path)
	switch {
	case len(s.Steps) >= maxSteps:
		d.note(s.Name, "more than %d requests in a scenario: the others are left out", maxSteps)
	case !slices.Contains(methods, step.Method):
		d.note(where, "left out: the method is none that slogate sends")
	case len(step.Path) > maxPath:
		d.note(where, "left out: the path has %d bytes, at most %d are accepted", len(step.Path), maxPath)
	case len(step.Headers) > maxHeaders:
		d.note(where, "left out: it has more than %d headers", maxHeaders)
	default:
		s.Steps = append(s.Steps, step)
		return true
	}
	return false
}

// keep puts a scenario into the draft when it has requests.
func (d *Draft) keep(s Scenario) {
	switch {
	case len(s.Steps) == 0:
	case len(d.Scenarios) >= maxScenarios:
		d.note("", "more than %d scenarios: the others are left out", maxScenarios)
	default:
		s.Name = d.freeName(s.Name)
		d.Scenarios = append(d.Scenarios, s)
	}
}

// freeName numbers a name that a scenario has already.
func (d *Draft) freeName(name string) string {
	return numbered(name, func(name string) bool {
		return slices.ContainsFunc(d.Scenarios, func(s Scenario) bool { return s.Name == name })
	})
}

// freeName numbers a name that a step has already.
func (s *Scenario) freeName(name string) string {
	return numbered(name, func(name string) bool {
		return slices.ContainsFunc(s.Steps, func(step Step) bool { return step.Name == name })
	})
}

func numbered(name string, taken func(string) bool) string {
	plain := name
	for i := 2; taken(name); i++ {
		name = plain + " #" + strconv.Itoa(i)
	}
	return name
}

// methods are those that an SLO file accepts.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "REPORT", "SEARCH", "PROPFIND", "PURGE"}

// header adds a header that slogate may send, and hides a credential in it.
func (d *Draft) header(step *Step, where, name, value string) {
	name = strings.TrimSpace(name)
	switch lower := strings.ToLower(name); {
	case strings.HasPrefix(name, ":"), slices.Contains(ownHeaders, lower):
	case !isToken(name):
		d.note(where, "a header is left out: its name is not one")
	case step.has(lower):
		d.note(where, "the header %s stands twice: the first one is sent", lower)
	default:
		step.Headers = append(step.Headers, Field{lower, d.hide(lower, oneLine(value))})
	}
}

// hostHeader names another host than the target, whose origin is given, does.
func (step *Step) hostHeader(host, target string) {
	if _, own, _ := strings.Cut(target, "://"); host != "" && !strings.EqualFold(host, own) {
		step.drop("host")
		step.Headers = append(step.Headers, Field{"host", host})
	}
}

// has reports whether the step has a header, named in lower case.
func (step *Step) has(header string) bool {
	return slices.ContainsFunc(step.Headers, func(f Field) bool { return f.Name == header })
}

// drop takes a header away, named in lower case.
func (step *Step) drop(header string) {
	step.Headers = slices.DeleteFunc(step.Headers, func(f Field) bool { return f.Name == header })
}

// dropOwnType leaves out the content type that follows from the kind of body.
func (step *Step) dropOwnType() {
	step.Headers = slices.DeleteFunc(step.Headers, func(f Field) bool {
		kind, _, _ := strings.Cut(strings.ToLower(f.Value), ";")
		return f.Name == "content-type" &&
			(step.Body.JSON != nil && kind == "application/json" || len(step.Body.Form) > 0 && kind == "application/x-www-form-urlencoded")
	})
}

// cookie adds a cookie to the header of all of them.
func (step *Step) cookie(pair string) {
	for i := range step.Headers {
		if step.Headers[i].Name == "cookie" {
			step.Headers[i].Value += "; " + pair
			return
		}
	}
	step.Headers = append(step.Headers, Field{"cookie", pair})
}

// ownHeaders are set by slogate, or depend on what it can decode.
var ownHeaders = []string{"host", "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "accept-encoding", "proxy-authorization"}

// hide puts a secret in the place of a credential. The value is a text of the
// SLO file; captures and secrets are kept.
func (d *Draft) hide(name, value string) string {
	switch {
	case slices.Contains(noCredentials, value), !isSensitive(name) && !jsonWebToken.MatchString(value):
		return value
	case isReference(value):
		return d.hideVariable(name, value)
	case !strings.EqualFold(name, "authorization"):
		return d.secret(name, value, "the value of "+name)
	}
	scheme, rest, found := strings.Cut(value, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case found && isReference(rest):
		return scheme + " " + d.hideVariable(name, rest)
	case found && strings.EqualFold(scheme, "bearer"):
		return scheme + " " + d.secret("BEARER_TOKEN", rest, "the token of the header authorization")
	case found && strings.EqualFold(scheme, "basic"):
		return scheme + " " + d.secret("BASIC_AUTH", rest, "user:password in base64, for the header authorization")
	}
	return d.secret("AUTHORIZATION", value, "the header authorization")
}

// noCredentials are values that switch something, whatever its name.
var noCredentials = []string{"", "0", "1", "true", "false", "null"}

// hideVariable makes a secret of a variable of the environment, whose default
// would be a credential.
func (d *Draft) hideVariable(name, reference string) string {
	inside, isVariable := strings.CutPrefix(strings.TrimSuffix(reference, "}"), "${env.")
	if !isVariable {
		return reference
	}
	variable, _, _ := strings.Cut(inside, ":-")
	return d.secret(variable, "", "the value of "+name)
}
