package slo

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// valueNames are what ${…} may hold, for messages.
const valueNames = "the values are ${env.NAME} ${env.NAME:-default} ${secret.NAME} ${row.COLUMN} ${CAPTURE} ${uuid} ${now} ${worker} ${iteration} ${random.int(1,10)} ${random.string(8)} ${random.of(a,b)}; $${ is a plain ${"

// valueWords are searched for the nearest.
var valueWords = []string{"env", "secret", "uuid", "now", "worker", "iteration", "random.int", "random.string", "random.of"}

// segment is a literal part of a text, or the inside of one ${…}.
type segment struct {
	text   string
	value  bool
	offset int // in characters, from the beginning of the text
}

// splitValues parts a text at its ${…}.
func splitValues(text string) ([]segment, error) {
	var all []segment
	offset := 0
	literal := func(s string, at int) {
		if s != "" {
			all = append(all, segment{text: s, offset: at})
		}
	}
	for text != "" {
		start := strings.Index(text, "${")
		if start < 0 {
			literal(text, offset)
			break
		}
		if start > 0 && text[start-1] == '$' {
			literal(text[:start-1]+"${", offset)
			offset, text = offset+width(text[:start+2]), text[start+2:]
			continue
		}
		literal(text[:start], offset)
		offset += width(text[:start])
		end := valueEnd(text[start:])
		if end < 0 {
			return nil, &fault{code: CodeTemplate, msg: "${ is not closed", hint: "a value ends in }, and so does every { in it; $${ is a plain ${", offset: offset, width: 2}
		}
		inside := text[start+2 : start+end]
		all = append(all, segment{text: inside, value: true, offset: offset})
		offset, text = offset+width(inside)+3, text[start+end+1:]
	}
	return all, nil
}

// valueEnd is where the value ends with which a text begins, -1 where it does
// not: at the } of its own {, for a default may be JSON.
func valueEnd(text string) int {
	open := 0
	for at := range len(text) {
		switch text[at] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return at
			}
		}
	}
	return -1
}

// holdsValue is the fault of a text that is taken as it is written, so that a
// value would be looked for by its name.
func holdsValue(text, what, hint string) *fault {
	before, _, found := strings.Cut(text, "${")
	if !found {
		return nil
	}
	return &fault{code: CodePlace, msg: "values in ${…} cannot stand in " + what, offset: width(before), width: 2, hint: hint}
}

// isOneValue reports whether a text is one value alone.
func isOneValue(text string) bool {
	segments, err := splitValues(strings.TrimSpace(text))
	return err == nil && len(segments) == 1 && segments[0].value
}

// slot says what may stand in a text and how it is written there.
type slot struct {
	name    string              // where it is, for messages
	dynamic bool                // values that change with each request may stand here
	secret  bool                // so may secrets, because it is sent
	sent    bool                // it is sent though no secret may stand here, or looked up as a name
	unread  bool                // variables of the environment are not read, only their names are checked
	literal func(string) string // writes literal text
	static  func(string) string // writes the value of a variable
	escape  Escape
}

func asIs(s string) string { return s }

// plainText is for headers and bodies of text.
var plainText = slot{dynamic: true, secret: true, literal: asIs, static: asIs}

// fixed is for a text that is the same in the whole run and may be printed.
func fixed(name string) slot { return slot{name: name, literal: asIs, static: asIs} }

// template reads the values in a text of the node.
func (p *parser) template(n *node, text string, c slot) (Template, bool) {
	var b builder
	ok := p.write(&b, n, text, c)
	return b.template(), ok
}

// write adds a text of the node to a template, and reports whether all of its
// values are known.
func (p *parser) write(b *builder, n *node, text string, c slot) bool {
	segments, err := splitValues(text)
	if err != nil {
		p.failText(n, err)
		return false
	}
	return p.fill(b, n, segments, c)
}

// fill adds segments to a template.
func (p *parser) fill(b *builder, n *node, segments []segment, c slot) bool {
	ok := true
	for _, s := range segments {
		if !s.value {
			b.literal(c.literal(s.text))
			continue
		}
		part, err := p.value(s.text, c)
		if err != nil && len(p.errs) >= maxErrors {
			p.dropped++
			return false // the rest of the text would not be shown either
		}
		if err != nil {
			f := *asFault(err)
			f.offset, f.width = s.offset, width(s.text)+3
			p.failText(n, &f)
			ok = false
			continue
		}
		if part.Value == NoValue {
			if (c.secret || c.sent) && !c.unread {
				p.noteSent(n, s)
			}
			b.literal(c.static(part.Literal))
			continue
		}
		part.Escape = c.escape
		b.value(part)
	}
	return ok
}

// builder makes a template in which no two literals follow each other.
type builder struct {
	parts Template
	text  strings.Builder
}

func (b *builder) literal(s string) { b.text.WriteString(s) }

func (b *builder) value(p Part) {
	b.flush()
	b.parts = append(b.parts, p)
}

func (b *builder) part(p Part) {
	if p.Value == NoValue {
		b.literal(p.Literal)
		return
	}
	b.value(p)
}

func (b *builder) flush() {
	if b.text.Len() > 0 {
		b.parts = append(b.parts, Part{Literal: b.text.String()})
		b.text.Reset()
	}
}

func (b *builder) template() Template {
	b.flush()
	return b.parts
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// value reads the inside of one ${…}: a literal for variables, otherwise what
// is made for each request.
func (p *parser) value(inside string, c slot) (Part, error) {
	if c.unread && (strings.HasPrefix(inside, "env.") || strings.HasPrefix(inside, "secret.")) {
		return Part{}, checkReference(inside)
	}
	if name, ok := strings.CutPrefix(inside, "env."); ok {
		if err := p.hideVariable(inside, c); err != nil {
			return Part{}, err
		}
		text, err := p.variable(name)
		return Part{Literal: text}, err
	}
	if name, ok := strings.CutPrefix(inside, "secret."); ok {
		if !c.secret {
			return Part{}, &fault{code: CodePlace, msg: "a secret cannot stand in " + c.name, hint: "secrets may stand in the target, in requests, headers and bodies"}
		}
		text, err := p.secret(name)
		return Part{Literal: text}, err
	}
	part, err := p.changing(inside)
	if err == nil && !c.dynamic {
		err = &fault{code: CodePlace, msg: quote("${"+inside+"}") + " changes with each request and cannot stand in " + c.name}
	}
	return part, err
}

// checkReference checks the name in env.NAME or secret.NAME.
func checkReference(inside string) error {
	if inside, ok := strings.CutPrefix(inside, "env."); ok {
		_, _, err := cutDefault(inside)
		return err
	}
	return checkSecretName(strings.TrimPrefix(inside, "secret."))
}

// cutDefault parts NAME:-default. The default is nil where there is none.
func cutDefault(inside string) (name string, fallback *string, err error) {
	name, rest, found := strings.Cut(inside, ":-")
	if !variableName.MatchString(name) {
		return "", nil, &fault{code: CodeTemplate, msg: quote(name) + " is not the name of an environment variable", hint: "${env.NAME} or ${env.NAME:-default}"}
	}
	if strings.Contains(rest, "${") {
		return "", nil, &fault{code: CodeTemplate, msg: "a default is a plain text, no value is put into it", hint: "${env.NAME} or ${env.NAME:-default}"}
	}
	if found {
		fallback = &rest
	}
	return name, fallback, nil
}

func checkSecretName(name string) error {
	if !variableName.MatchString(name) {
		return &fault{code: CodeTemplate, msg: quote(name) + " is not the name of a secret", hint: "${secret.NAME} reads the environment variable NAME; it has no default"}
	}
	return nil
}

func (p *parser) variable(inside string) (string, error) {
	name, fallback, err := cutDefault(inside)
	if err != nil {
		return "", err
	}
	text, ok := p.lookup(name)
	if !p.spend(len(text)) {
		return "", &fault{code: CodeTooDeep, msg: "the values of environment variables make the file too large"}
	}
	switch {
	case ok && (text != "" || fallback == nil):
		return text, checkVariable(name, text)
	case fallback != nil:
		return *fallback, nil
	}
	return "", p.unset(name, "set it, or give a default: ${env."+name+":-default}")
}

func (p *parser) secret(name string) (string, error) {
	if err := checkSecretName(name); err != nil {
		return "", err
	}
	text, ok := p.lookup(name)
	switch {
	case !ok:
		return "", p.unset(name, "set it in the environment of slogate")
	case text == "":
		return "", &fault{code: CodeEnv, msg: "the secret " + name + " is empty", hint: "in a pull request of a fork the secrets of a repository are empty"}
	}
	if !p.spend(len(text)) {
		return "", &fault{code: CodeTooDeep, msg: "the values of environment variables make the file too large"}
	}
	p.keepSecret(text)
	return text, checkVariable(name, text)
}

func (p *parser) lookup(name string) (string, bool) {
	if p.opts.Env == nil {
		return "", false
	}
	return p.opts.Env(name)
}

func (p *parser) unset(name, hint string) error {
	if p.opts.EnvDenied != nil {
		if denied := p.opts.EnvDenied(name); denied != "" {
			hint = denied
		}
	}
	return &fault{code: CodeEnv, msg: "the environment variable " + name + " is not set", hint: hint}
}

// checkVariable refuses bytes that no place could hold.
func checkVariable(name, text string) error {
	if !utf8.ValidString(text) {
		return &fault{code: CodeEnv, msg: "the environment variable " + name + " is not UTF-8"}
	}
	return nil
}

// Limits of random values: far above what a request needs, small enough that
// a file cannot fill the memory.
const (
	maxRandomString = 10_000
	maxChoices      = 1000
)

// dynamicValue reads a value that is made for each request.
func dynamicValue(inside string) (Part, error) {
	word, rest, called := strings.Cut(inside, "(")
	var args []string
	if called {
		list, closed := strings.CutSuffix(rest, ")")
		if !closed {
			return Part{}, wrongValue(inside, "the bracket is not closed")
		}
		for arg := range strings.SplitSeq(list, ",") {
			args = append(args, strings.TrimSpace(arg))
		}
	}
	switch v := Value(word); v {
	case UUID, Now, Worker, Iteration:
		if called {
			return Part{}, wrongValue(inside, string(v)+" takes no arguments")
		}
		return Part{Value: v}, nil
	case RandomInt, RandomString, RandomOf:
		if problem := wrongArguments(v, args); problem != "" {
			return Part{}, wrongValue(inside, problem)
		}
		return Part{Value: v, Args: args}, nil
	}
	head, _, _ := strings.Cut(word, ".")
	guess := didYouMean(word, valueWords)
	switch {
	case guess != "":
	case environmentLike.MatchString(inside):
		guess = ", did you mean " + quote("${env."+inside+"}") + "?"
	default:
		guess = didYouMean(head, valueWords)
	}
	return Part{}, &fault{code: CodeValue, msg: "unknown value " + quote("${"+inside+"}") + guess, hint: valueNames}
}

// environmentLike is how variables of the environment are written.
var environmentLike = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

func wrongValue(inside, why string) error {
	return &fault{code: CodeTemplate, msg: quote("${"+inside+"}") + ": " + why, hint: valueNames}
}

// wrongArguments says what is wrong with the arguments of a random value, or
// gives "".
func wrongArguments(v Value, args []string) string {
	switch v {
	case RandomInt:
		if len(args) != 2 {
			return "random.int takes two whole numbers, the lowest and the highest"
		}
		low, errLow := parseCount(args[0])
		high, errHigh := parseCount(args[1])
		if errLow != nil || errHigh != nil || low > high {
			return "random.int takes two whole numbers, the lowest and the highest"
		}
	case RandomString:
		if len(args) != 1 {
			return "random.string takes its length"
		}
		if n, err := parseCount(args[0]); err != nil || n < 1 || n > maxRandomString {
			return fmt.Sprintf("random.string takes its length, from 1 to %d", maxRandomString)
		}
	case RandomOf:
		if len(args) == 0 || len(args) > maxChoices {
			return "random.of takes up to " + strconv.Itoa(maxChoices) + " choices, parted by commas"
		}
		if slices.Contains(args, "") {
			return "a choice of random.of is empty"
		}
	}
	return ""
}
