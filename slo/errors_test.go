package slo

import (
	"bytes"
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
)

func globAll(tb testing.TB, pattern string) []string {
	tb.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		tb.Fatalf("glob %s: %d files, %v", pattern, len(paths), err)
	}
	return paths
}

// checkHarmless refuses a text that could steer a terminal or a CI runner.
func checkHarmless(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			t.Fatalf("a line is a workflow command: %q", line)
		}
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("a line has a control character: %q", line)
		}
	}
}

func TestHostileTextIsHarmless(t *testing.T) {
	evil := "\x1b[31m\r\n::error::x\n##[group]\u202e\u2028\x00" + strings.Repeat("A", 900)
	src := fmt.Sprintf("version: 1\ntarget: %q\n%q: 1\nscenarios:\n- {request: %[1]q, headers: {%[1]q: %[1]q}, checks: [%[1]q], body_file: %[1]q}\nstages:\n- {name: %[1]q, rate: %[1]q, objectives: [%[1]q, {show: %[1]q}]}\n", evil, evil)
	opts := testOptions("e\x1bvil\n::error::.yaml")
	_, err := Parse([]byte(src), opts)
	list, ok := err.(ErrorList)
	if !ok || len(list) < 8 {
		t.Fatalf("error is %v", err)
	}
	checkHarmless(t, list.Pretty())
	checkHarmless(t, list.Error())
	if text := list.Pretty(); len(text) > 20_000 {
		t.Errorf("the errors have %d bytes", len(text))
	}
}

func TestPrettyMarksWideCharacters(t *testing.T) {
	e := &Error{Code: CodeUnknownKey, File: "slo.yaml", Line: 3, Column: 8, Width: 2, Msg: "x", Source: "\tname: 日本"}
	want := "slo.yaml:3:8: SLO012: x\n 3 |  name: 日本\n   |        ^~~~\n"
	if got := e.Pretty(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNearest(t *testing.T) {
	known := keysOf[stageDoc]()
	for word, want := range map[string]string{"durration": "duration", "Rate": "rate", "wokers": "workers", "idle": "", "stop-on-dead": "stop_on_dead", "xyzzy": "", "jugde": "judge", "": ""} {
		if got := nearest(word, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// Secrets are in no message, wherever they stand.
func TestErrorsHoldNoSecret(t *testing.T) {
	for _, text := range []string{
		"target: ${secret.API_TOKEN}\n", "target: http://x:${secret.API_TOKEN}\n", "target: http://x/${secret.API_TOKEN}\n", "target: http://u:${secret.API_TOKEN}@x\n",
		"target: http://u:s3cr3t@x\n",
	} {
		_, err := Parse([]byte("version: 1\n"+text+oneGet+oneStage), testOptions("slo.yaml"))
		if err == nil || strings.Contains(err.(ErrorList).Pretty(), "s3cr3t") {
			t.Errorf("%s gives\n%v", text, err)
		}
	}
}

// Nor is the beginning of one that is longer than what a message repeats, in
// whatever spelling.
func TestErrorsHoldNoBeginningOfASecret(t *testing.T) {
	opts := testOptions("slo.yaml")
	for name, c := range map[string]struct{ text, secret string }{
		"another protocol": {"target: http://${secret.LONG}\nhttp: {protocol: http2}\n", "s3cr3t" + strings.Repeat("0123456789", 8)},
		"and the other":    {"target: https://x${secret.LONG}:81\nhttp: {protocol: h2c}\n", "s3cr3t" + strings.Repeat("0123456789", 8)},
		"the same, public": {"target: x${env.LONG}\nhttp: {headers: {x: '${secret.LONG}'}}\n", "s3cr3t" + strings.Repeat("/0123456789", 8)},
		"escaped":          {"target: x${env.LONG}\nhttp: {headers: {x: '${secret.LONG}'}}\n", "s3cr3t" + strings.Repeat("\"\\ä\n", 20)},
	} {
		opts.Env = func(string) (string, bool) { return c.secret, true }
		_, err := Parse([]byte("version: 1\n"+c.text+oneGet+oneStage), opts)
		if err == nil || strings.Contains(err.(ErrorList).Pretty(), "s3cr3t") || !strings.Contains(err.Error(), "***") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A message shows the beginning of a long text, and all of what follows it.
func TestErrorsCutTexts(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat("ä", 60):          `"` + strings.Repeat("ä", 60) + `" is not "x"`,
		strings.Repeat("ä", 61):          `"` + strings.Repeat("ä", 59) + `…" is not "x"`,
		strings.Repeat(`"`, 61):          `"` + strings.Repeat(`\"`, 59) + `…" is not "x"`,
		"\n" + strings.Repeat("a\\", 40): `"\n` + strings.Repeat(`a\\`, 29) + `…" is not "x"`,
	} {
		e := &Error{Code: CodeName, Msg: quote(text) + ` is not "x"`, Hint: "not " + quote(text)}
		if got := e.Error(); got != "SLO016: "+want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := e.Advice(), "not "+strings.TrimSuffix(want, ` is not "x"`); got != want {
			t.Errorf("the hint is %s, want %s", got, want)
		}
	}
}

// Of a secret that begins with another one nothing is left.
func TestSecretsThatBeginAlike(t *testing.T) {
	list := ErrorList{{Msg: `"s3cr3t-of-long" is not a host`, Hint: "s3cr3t"}}.without([]string{"s3cr3t", "s3cr3t-of-long"})
	if list[0].Msg != `"***" is not a host` || list[0].Hint != "***" {
		t.Errorf("got %q and %q", list[0].Msg, list[0].Hint)
	}
}

// Time and memory for a hostile file are bounded.
func TestLimits(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a: &a [x,x,x,x,x,x,x,x,x]\n")
	for c := 'b'; c < 'k'; c++ {
		bomb.WriteString(fmt.Sprintf("%c: &%[1]c [*%c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c]\n", c, c-1))
	}
	long := strings.Repeat("A", 200_000)
	for name, c := range map[string]struct {
		src  string
		want Code
	}{
		"ten megabytes":      {strings.Repeat("a: b\n", 2<<20), CodeTooLarge},
		"aliases":            {bomb.String(), CodeTooDeep},
		"one long text":      {"a: &a " + long + "\nb: [" + strings.Repeat("*a,", 10_000) + "]\n", CodeTooDeep},
		"deep":               {"a: " + strings.Repeat("[", 9000), CodeSyntax},
		"deep and closed":    {"a: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000), CodeTooDeep},
		"deep blocks":        {strings.Repeat("- ", 9000) + "a", CodeTooDeep},
		"many keys":          {manyLines("k%d: 1\n", 50_000), CodeUnknownKey},
		"one key many times": {strings.Repeat("a: 1\n", 100_000), CodeDuplicate},
		"many documents":     {strings.Repeat("---\na: 1\n", 50_000), CodeDocuments},
		"comments":           {strings.Repeat("# x\n", 200_000), CodeEmpty},
		"wide list":          {head + "scenarios: [" + strings.Repeat("1,", 60_000) + "]\n" + oneStage, CodeTooMany},
		"dollars":            {head + oneStage + "scenarios: [{request: POST /, body: '" + strings.Repeat("$${", 200_000) + "${uid}'}]\n", CodeValue},
		"values":             {head + oneStage + "scenarios: [{request: POST /, json: '" + strings.Repeat("${x}", 200_000) + "'}]\n", CodeValue},
		"question marks":     {head + oneStage + "scenarios: [{request: 'GET /" + strings.Repeat("?", 500_000) + "'}]\n", CodeRequest},
		"brackets in checks": {head + oneStage + "scenarios: [{request: GET /, checks: [" + strings.Repeat("'"+strings.Repeat("(", 990)+"', ", 90) + "]}]\n", CodeCheck},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan error, 1)
			go func() { _, err := Parse([]byte(c.src), testOptions("slo.yaml")); done <- err }()
			select {
			case err := <-done:
				list, ok := err.(ErrorList)
				if !ok || !hasCode(list, c.want) {
					t.Errorf("error is %.500v, want %s", err, c.want)
				}
			case <-time.After(10 * time.Minute): // hours without the limits
				t.Fatal("Parse takes too long")
			}
		})
	}
}

func manyLines(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func hasCode(list ErrorList, code Code) bool {
	for _, e := range list {
		if e.Code == code {
			return true
		}
	}
	return false
}

// codes reads the table of errors.go: code and comment.
func codes(t *testing.T) map[Code]string {
	t.Helper()
	file, err := goparser.ParseFile(token.NewFileSet(), "errors.go", nil, goparser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	all := map[Code]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil || all[Code(code)] != "" {
			t.Errorf("%s: code %q, %v", spec.Names[0].Name, code, err)
		}
		all[Code(code)] = strings.TrimSpace(spec.Comment.Text())
		return true
	})
	return all
}

// Each code has a comment and a golden file that shows it.
func TestEveryCodeIsShown(t *testing.T) {
	var shown bytes.Buffer
	for _, path := range globAll(t, "testdata/err/*.out") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(text)
	}
	for code, comment := range codes(t) {
		if comment == "" {
			t.Errorf("%s has no comment", code)
		}
		if code != CodeTooLarge && code != CodeProfile && code != CodeShards && !bytes.Contains(shown.Bytes(), []byte(": "+code+": ")) {
			t.Errorf("no file in testdata/err shows %s (%s)", code, comment)
		}
	}
}

// Each file of testdata/err has its .out, and the other way round.
func TestGoldenFilesAreComplete(t *testing.T) {
	for _, path := range globAll(t, "testdata/err/*.out") {
		if _, err := os.Stat(strings.TrimSuffix(path, ".out") + ".yaml"); err != nil {
			t.Error(err)
		}
	}
}
