package draft

import (
	"encoding/hex"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// plain writes a text so that nothing in it is a value of the SLO file.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "${", "$${")
}

// unplain gives a text back that plain has written.
func unplain(s string) string { return strings.ReplaceAll(s, "$${", "${") }

// values finds the ${…} in a text of the SLO file, the escaped ones too.
var values = regexp.MustCompile(`\$\$\{|\$\{[^}]*\}`)

// outside changes what is no value in a text of the SLO file.
func outside(text string, change func(string) string) string {
	var b strings.Builder
	at := 0
	for _, m := range values.FindAllStringIndex(text, -1) {
		b.WriteString(change(text[at:m[0]]) + text[m[0]:m[1]])
		at = m[1]
	}
	return b.String() + change(text[at:])
}

// jsonWebToken is a credential under whatever name it stands.
var jsonWebToken = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)

// isReference reports a text that is one value alone.
func isReference(text string) bool {
	m := values.FindStringIndex(text)
	return m != nil && m[0] == 0 && m[1] == len(text) && !strings.HasPrefix(text, "$${")
}

// Visible writes a text from outside on one line, for a comment or a terminal:
// nothing in it ends the line or is a command of the CI.
func Visible(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.ReplaceAll(s, "##[", "##(")
	const most = 300
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most-1]) + "…"
	}
	return s
}

// oneLine makes the value of a header of a text of the SLO file.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return ' '
		}
		return r
	}, s))
}

// plural writes a count.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// nameOf makes a name of an SLO file. Numbers may still be added to it.
func nameOf(s string) string {
	runes := []rune(Visible(s))
	name := strings.TrimSpace(string(runes[:min(len(runes), maxName-10)]))
	return plain(name)
}

// cleanPath makes a path that a request line can hold of a text of the SLO
// file. What is escaped already stays so.
func cleanPath(text string) string {
	text = splitOutside(text, '#', 2)[0]
	if !strings.HasPrefix(text, "/") {
		text = "/" + text
	}
	return outside(text, func(s string) string {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case c <= ' ' || c == 0x7f:
				b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
			case c == '%' && !isEscape(s[i:]):
				b.WriteString("%25")
			default:
				b.WriteByte(c)
			}
		}
		return b.String()
	})
}

func isEscape(s string) bool {
	if len(s) < 3 {
		return false
	}
	_, err := hex.DecodeString(s[1:3])
	return err == nil
}

// pathText gives the path and query of a URL as a text of the SLO file.
func pathText(u *url.URL) string {
	text := u.EscapedPath()
	if u.RawQuery != "" {
		text += "?" + u.RawQuery
	}
	return cleanPath(plain(text))
}

// isToken reports a name that a header may have (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	return tokens.MatchString(s)
}

var tokens = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// identifier makes a name of letters, digits and underscores, in lower case.
func identifier(s string) string {
	name := strings.Join(words(s), "_")
	if name == "" {
		return "value"
	}
	if name[0] >= '0' && name[0] <= '9' {
		name = "value_" + name
	}
	return name[:min(len(name), 60)]
}

// variableName makes the name of an environment variable.
func variableName(s string) string {
	name := strings.ToUpper(identifier(s))
	if slices.Contains(systemVariables, name) || strings.HasPrefix(name, "GITHUB_") || strings.HasPrefix(name, "RUNNER_") {
		name = "VALUE_" + name
	}
	return name
}

// systemVariables are set already, to something else; so are GITHUB_… and
// RUNNER_… in a workflow.
var systemVariables = []string{"CI", "EDITOR", "HOME", "HOST", "HOSTNAME", "LANG", "LOGNAME", "PATH", "PORT", "PWD", "SHELL", "TERM", "TMPDIR", "USER", "USERNAME"}

// captureName makes the name of a capture.
func captureName(s string) string {
	name := identifier(s)
	if slices.Contains(reservedNames, name) {
		name += "_value"
	}
	return name
}

// reservedNames mean something else in values and checks, or may come to.
var reservedNames = []string{
	"env", "secret", "uuid", "now", "worker", "iteration", "random", "row",
	"status", "header", "body", "json", "size", "latency", "in", "not", "and", "or", "matches", "contains", "let", "if", "else",
	"true", "false", "nil", "null", "all", "any", "one", "none", "map", "filter", "find", "count", "sum", "len", "type", "date",
	"first", "last", "min", "max", "mean", "median", "keys", "values", "now", "duration", "string", "int", "float", "abs", "ceil",
	"floor", "round", "lower", "upper", "trim", "split", "join", "replace", "repeat", "sort", "reverse", "uniq", "concat", "flatten", "take", "get", "group",
}

var (
	camel    = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	notWords = regexp.MustCompile(`[^a-z0-9]+`)
)

// words parts a name like apiKey or api-key, in lower case.
func words(s string) []string {
	s = strings.ToLower(camel.ReplaceAllString(s, "$1 $2"))
	return strings.Fields(notWords.ReplaceAllString(s, " "))
}

var (
	sensitiveWords   = []string{"pass", "pwd", "jwt", "credential", "credentials", "csrf", "xsrf", "sid", "sessionid", "signature", "sig", "otp", "pin", "authorization", "auth", "cookie"}
	sensitiveEndings = []string{"password", "passwd", "passphrase", "secret", "token", "apikey", "session"}
	sensitivePairs   = []string{"api key", "access key", "private key", "secret key", "subscription key", "functions key", "session id"}
)

// isSensitive reports a name under which credentials are sent.
func isSensitive(name string) bool {
	list := words(name)
	joined := " " + strings.Join(list, " ") + " "
	return joined == " key " ||
		slices.ContainsFunc(list, isSensitiveWord) ||
		slices.ContainsFunc(sensitivePairs, func(pair string) bool { return strings.Contains(joined, " "+pair+" ") })
}

func isSensitiveWord(word string) bool {
	return slices.Contains(sensitiveWords, word) ||
		slices.ContainsFunc(sensitiveEndings, func(ending string) bool { return strings.HasSuffix(word, ending) })
}

// hideQuery puts secrets in the place of credentials in the query of a path.
func (d *Draft) hideQuery(text string) string {
	halves := splitOutside(text, '?', 2)
	if len(halves) < 2 {
		return text
	}
	parts := splitOutside(halves[1], '&', -1)
	for i, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		plainName, err := url.QueryUnescape(name)
		if err == nil && value != "" {
			parts[i] = name + "=" + d.hide(plainName, value)
		}
	}
	return halves[0] + "?" + strings.Join(parts, "&")
}

// splitOutside parts a text of the SLO file at a byte that stands outside of
// its values, into at most so many parts; -1: all.
func splitOutside(text string, at byte, most int) []string {
	inside := values.FindAllStringIndex(text, -1)
	var parts []string
	start := 0
	for i := 0; i < len(text) && (most < 0 || len(parts) < most-1); i++ {
		for len(inside) > 0 && i >= inside[0][1] {
			inside = inside[1:]
		}
		if text[i] == at && (len(inside) == 0 || i < inside[0][0]) {
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

// isStatic reports a path that serves files to browsers.
func isStatic(urlPath string) bool {
	return slices.Contains(staticEndings, strings.ToLower(path.Ext(urlPath)))
}

var staticEndings = []string{".css", ".js", ".mjs", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".avif", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp4", ".webm", ".mp3", ".wasm"}
