package draft

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// What is understood of a script: the plainest forms, one in a line.
var (
	postmanValue = regexp.MustCompile(`\{\{\s*([^{}]+?)\s*\}\}`)

	expectStatus  = regexp.MustCompile(`pm\.response\.to\.have\.status\(\s*(\d{3})\s*\)`)
	responseCode  = regexp.MustCompile(`responseCode\.code\s*===?\s*(\d{3})`)
	expectCode    = regexp.MustCompile(`pm\.expect\(\s*pm\.response\.code\s*\)\.to\.(?:be\.)?(?:equal|eql|equals|eq)\(\s*(\d{3})\s*\)`)
	expectOneOf   = regexp.MustCompile(`pm\.expect\(\s*pm\.response\.code\s*\)\.to\.be\.oneOf\(\s*\[([\d,\s]+)\]\s*\)`)
	expectTime    = regexp.MustCompile(`pm\.expect\(\s*pm\.response\.responseTime\s*\)\.to\.be\.(?:below|lessThan)\(\s*(\d{1,7})\s*\)`)
	expectJSON    = regexp.MustCompile(`pm\.expect\(\s*(?:pm\.response\.json\(\)|(\w+))((?:\.\w+)+)\s*\)\.to\.(?:be\.)?(?:equal|eql|equals|eq)\(\s*(\d{1,15}|"[^"\\]{0,200}"|'[^'"\\]{0,200}'|true|false)\s*\)`)
	setVariable   = regexp.MustCompile(`(?:pm\.(?:environment|collectionVariables|globals|variables)\.set|postman\.set(?:Environment|Global)Variable)\(\s*["']([\w.-]+)["']\s*,\s*(?:pm\.response\.json\(\)|(\w+))((?:\.\w+|\[\d+\])+)\s*\)`)
	partOfAnswer  = regexp.MustCompile(`^(?:(?:var|let|const)\s+)?(\w+)\s*=\s*(?:pm\.response\.json\(\)|JSON\.parse\(\s*responseBody\s*\)|(\w+))((?:\.\w+|\[\d+\])*)(?:\s*\|\|\s*\{\s*\})?$`)
	framingOfTest = regexp.MustCompile(`^(?:pm\.test\(.*(?:\{|=>)|\}\s*\)?\s*\)?|["'].*["'],.*(?:\{|=>))$`)
	oneLineTest   = regexp.MustCompile(`^pm\.test\(\s*(?:"[^"]*"|'[^']*'|` + "`[^`]*`" + `)\s*,\s*(?:function\s*\(\s*\)|\(\s*\)\s*=>)\s*\{?\s*(.*?)\s*;?\s*\}?\s*\)$`)
)

// lines gives the lines of a script that say something.
func (e event) lines() []string {
	var list []string
	if json.Unmarshal(e.Script.Lines, &list) != nil {
		list = strings.Split(e.Script.Lines.text(), "\n")
	}
	var all []string
	for _, text := range list {
		for line := range strings.Lines(text) {
			line = strings.TrimRight(strings.TrimSpace(line), "; \r\n")
			if m := oneLineTest.FindStringSubmatch(line); m != nil {
				line = strings.TrimSpace(m[1])
			}
			if line != "" && !strings.HasPrefix(line, "//") && !framingOfTest.MatchString(line) {
				all = append(all, line)
			}
		}
	}
	return all
}

// answerParts are the variables of a script that hold the answer's JSON or a
// part of it, with its path; "" is the answer itself.
func answerParts(lines []string) map[string]string {
	parts := map[string]string{"": ""}
	for _, line := range lines {
		if m := partOfAnswer.FindStringSubmatch(line); m != nil {
			if path, known := parts[m[2]]; known {
				parts[m[1]] = path + m[3]
			}
		}
	}
	return parts
}

// settersIn are the variables that a script sets from the answer, with their
// JSONPaths.
func settersIn(e event) []Field {
	if e.Listen != "test" {
		return nil
	}
	lines := e.lines()
	parts := answerParts(lines)
	var all []Field
	for _, line := range lines {
		if m := setVariable.FindStringSubmatch(line); m != nil {
			if path, known := parts[m[2]]; known {
				all = append(all, Field{m[1], "$" + path + m[3]})
			}
		}
	}
	return all
}

// scripts notes those that run before a request, or for a whole folder.
func (r *postmanReader) scripts(where string, events []event) {
	for _, e := range events {
		if n := len(e.lines()); n > 0 && e.Listen != "test" {
			r.draft.note(where, "its %s script is not translated (%s)", Visible(e.Listen), plural(n, "line"))
		}
	}
}

// tests translates what a test script expects and keeps.
func (r *postmanReader) tests(step *Step, name string, events []event) {
	for _, e := range events {
		if e.Listen != "test" {
			continue
		}
		lines := e.lines()
		parts := answerParts(lines)
		for _, s := range settersIn(e) {
			capture := captureName(s.Name)
			if isSensitive(s.Name) {
				capture = "secret_" + capture
			}
			step.Captures = append(step.Captures, Field{capture, s.Value})
			r.here = append(r.here, s.Name)
		}
		left := 0
		for _, line := range lines {
			if !expectation(step, parts, line) && !setVariable.MatchString(line) && !partOfAnswer.MatchString(line) {
				left++
			}
		}
		if left > 0 {
			r.draft.note(name, "of its test script is not translated: %s", plural(left, "line"))
		}
	}
	step.Captures = unique(step.Captures)
}

// unique keeps the last field of each name.
func unique(all []Field) []Field {
	var kept []Field
	for i, f := range all {
		if !slices.ContainsFunc(all[i+1:], func(later Field) bool { return later.Name == f.Name }) {
			kept = append(kept, f)
		}
	}
	return kept
}

// expectation translates one line, and reports whether it could.
func expectation(step *Step, parts map[string]string, line string) bool {
	for _, form := range []*regexp.Regexp{expectStatus, expectCode, responseCode} {
		if m := form.FindStringSubmatch(line); m != nil {
			return expectStatuses(step, m[1])
		}
	}
	if m := expectOneOf.FindStringSubmatch(line); m != nil {
		return expectStatuses(step, strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	if m := expectTime.FindStringSubmatch(line); m != nil {
		step.Checks = append(step.Checks, "latency < "+m[1]+"ms")
		return true
	}
	m := expectJSON.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	if path, known := parts[m[1]]; known {
		value := m[3]
		if strings.HasPrefix(value, "'") {
			value = `"` + strings.Trim(value, "'") + `"`
		}
		step.Checks = append(step.Checks, fmt.Sprintf("json%s == %s", path+m[2], value))
		return true
	}
	return false
}

// expectStatuses accepts the status codes that a script names.
func expectStatuses(step *Step, codes ...string) bool {
	for _, code := range codes {
		if len(code) != 3 || code[0] < '1' || code[0] > '5' {
			return false
		}
	}
	for _, code := range codes {
		if !slices.Contains(step.Accept, code) {
			step.Accept = append(step.Accept, code)
		}
	}
	return len(codes) > 0
}

// constant puts the collection's variables into the host and what stands
// before it, as far as they are known: an SLO file names its target.
func (r *postmanReader) constant(text string) string {
	for range 5 { // a variable may hold another one
		host, rest := splitHost(text)
		changed := postmanValue.ReplaceAllStringFunc(host, func(m string) string {
			name := postmanValue.FindStringSubmatch(m)[1]
			if value, known := r.variables[name]; known && value != "" && !r.set[name] && isAddress(value) {
				return value
			}
			return m
		})
		if changed == host || len(changed)+len(rest) > maxPath {
			break
		}
		text = changed + rest
	}
	return text
}

// splitHost parts a URL behind its host. The slashes of a scheme do not end it.
func splitHost(text string) (host, rest string) {
	from := 0
	if at := strings.Index(text, "://"); at >= 0 {
		from = at + 3
	}
	if end := strings.IndexAny(text[from:], "/?#"); end >= 0 {
		return text[:from+end], text[from+end:]
	}
	return text, ""
}

var addressLike = regexp.MustCompile(`^(?:https?://)?[A-Za-z0-9_.{}\[\]:-]*(?::\d+)?(?:/[^\s]*)?$`)

// isAddress reports a value that may be a part of a URL's scheme, host or base
// path.
func isAddress(value string) bool { return addressLike.MatchString(value) }

// text writes a text with {{variables}} as one of the SLO file.
func (r *postmanReader) text(where, s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	var b strings.Builder
	at := 0
	for _, m := range postmanValue.FindAllStringSubmatchIndex(s, -1) {
		before := plain(s[at:m[0]])
		b.WriteString(before)
		value := r.value(where, s[m[2]:m[3]])
		if strings.HasSuffix(b.String(), "$") && strings.HasPrefix(value, "${") {
			r.draft.note(where, "a $ in front of a value is left out")
			short := strings.TrimRight(b.String(), "$")
			b.Reset()
			b.WriteString(short)
		}
		b.WriteString(value)
		at = m[1]
	}
	rest := plain(s[at:])
	if strings.HasSuffix(b.String(), "$") && strings.HasPrefix(rest, "{") {
		rest = " " + rest
	}
	return b.String() + rest
}

// generated are Postman's own variables that slogate has, too.
var generated = map[string]string{
	"$guid": "${uuid}", "$randomUUID": "${uuid}", "$isoTimestamp": "${now}",
	"$randomInt": "${random.int(0,1000)}", "$randomBoolean": "${random.of(true,false)}",
	"$randomAlphaNumeric": "${random.string(1)}", "$randomPassword": "${random.string(15)}",
}

// value gives what stands for a variable: a capture, a secret, or a variable
// of the environment with the collection's value as its default.
func (r *postmanReader) value(where, name string) string {
	if own, known := generated[name]; known {
		return own
	}
	if strings.HasPrefix(name, "$") {
		r.draft.note(where, "the variable %s has no counterpart", Visible(name))
		return variableName(name)
	}
	if slices.Contains(r.here, name) {
		capture := captureName(name)
		if isSensitive(name) {
			capture = "secret_" + capture
		}
		return "${" + capture + "}"
	}
	value := r.variables[name]
	if isSensitive(name) {
		return r.draft.secret(name, "", "the variable "+name)
	}
	switch {
	case value == "":
		r.draft.note("", "the variable %s has no value in the collection: set %s", Visible(name), variableName(name))
	case strings.ContainsAny(value, "{}") || strings.ContainsFunc(value, unicode.IsControl) || len(value) > 1000:
		r.draft.note("", "the value of the variable %s cannot be a default: set %s", Visible(name), variableName(name))
		value = ""
	}
	return "${env." + variableName(name) + ":-" + strings.ToValidUTF8(value, "") + "}"
}
