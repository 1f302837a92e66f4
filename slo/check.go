package slo

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Check is a condition on one answer, compiled when the file was read.
type Check struct {
	Text     string // as written
	Pos      Pos
	Captures []int // the numbers of the captures that it looks at
	Columns  []int // of the row
	program  *vm.Program
}

// Holds reports whether the answer meets the check. An error says why the
// expression could not be computed for this answer, which counts as not met.
func (c Check) Holds(a *Answer) (bool, error) {
	out, err := vm.Run(c.program, a)
	if err != nil {
		return false, oneLine(err)
	}
	ok, isBool := out.(bool)
	if !isBool {
		return false, fmt.Errorf("the check gives %T, not true or false", out)
	}
	return ok, nil
}

// oneLine leaves out the excerpt that expr adds to its errors.
func oneLine(err error) error {
	if e, ok := errors.AsType[*file.Error](err); ok {
		return errors.New(e.Message)
	}
	return err
}

// Limits of a check, which runs once for each answer. Within them its time
// and memory grow no faster than the answer.
const (
	maxCheckText  = 1000
	maxCheckNodes = 200
)

// checkFunctions are the functions of expr that a check may use. Left out are
// those that make a large value of a small one, and those whose result depends
// on the time.
var checkFunctions = []string{
	"all", "any", "none", "one", "filter", "map", "count", "sum", "find", "findIndex", "findLast",
	"len", "first", "last", "keys", "values", "min", "max", "mean", "median",
	"trim", "upper", "lower", "split", "hasPrefix", "hasSuffix", "indexOf",
	"int", "float", "string", "abs", "ceil", "floor", "round", "type", "duration",
}

const checkHint = "a check is an expression over status, header, body, json, size, latency, tls, row and captures, such as status == 200 or latency < 2s"

// check reads and compiles a check.
func (p *parser) check(n *node) (Check, bool) {
	if problem := p.misread(n); problem != nil {
		p.failNode(n, problem.code, problem.msg, problem.hint)
		return Check{}, false
	}
	text, ok := p.raw(n, "a check")
	if !ok {
		return Check{}, false
	}
	names := &checkNames{scope: p.scope, captured: p.captured, events: p.events}
	program, err := compile(text, names)
	if err != nil {
		p.failText(n, err)
		return Check{}, false
	}
	return Check{Text: text, Pos: n.pos, Captures: names.captures, Columns: names.columns, program: program}, true
}

// misread recognises an expression that YAML took for something else: a map
// at ": ", or a text that a comment ends. Both are told by a quote that is not
// closed.
func (p *parser) misread(n *node) *fault {
	if n.kind == mapNode && len(n.entries) > 0 && isOpen(n.entries[0].key) {
		return &fault{code: CodeMisread, msg: "YAML reads the colon in this check as the end of a key", hint: singleQuotes(p.restOfLine(n.entries[0].pos))}
	}
	if n.kind != scalarNode || !isOpen(n.text) {
		return nil
	}
	if rest := p.restOfLine(n.pos); strings.HasPrefix(rest, n.text) && strings.HasPrefix(strings.TrimLeft(rest[len(n.text):], " \t"), "#") {
		return &fault{code: CodeMisread, msg: "YAML reads what follows # in this check as a comment", hint: singleQuotes(rest)}
	}
	return nil
}

func (p *parser) restOfLine(pos Pos) string {
	if pos.Line < 1 || pos.Line > len(p.lines) {
		return ""
	}
	line := []rune(p.lines[pos.Line-1])
	return strings.TrimSpace(string(line[min(pos.Column-1, len(line)):]))
}

// isOpen reports a text that ends inside of a string.
func isOpen(text string) bool {
	var quote rune
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != 0 && quote != '`':
			escaped = true
		case quote == 0 && (r == '"' || r == '\'' || r == '`'):
			quote = r
		case r == quote:
			quote = 0
		}
	}
	return quote != 0
}

// compile makes a program of an expression. The fault that it gives has its
// place in the text as it is written.
func compile(text string, names *checkNames) (program *vm.Program, err error) {
	if len(text) > maxCheckText {
		return nil, &fault{code: CodeCheckCost, msg: fmt.Sprintf("the check has more than %d bytes", maxCheckText), hint: "write several checks"}
	}
	if f := holdsValue(text, "a check", checkHint); f != nil {
		return nil, f
	}
	defer func() {
		// expr has panicked on odd expressions in the past.
		if r := recover(); r != nil {
			program, err = nil, &fault{code: CodeCheck, msg: fmt.Sprint("the check cannot be compiled: ", r), hint: checkHint}
		}
	}()
	plain, origin := spellUnits(text)
	limits := &checkLimits{}
	options := []expr.Option{expr.Env(Answer{}), expr.MaxNodes(maxCheckNodes), expr.DisableAllBuiltins(), expr.Patch(names), expr.Patch(limits)}
	for _, name := range checkFunctions {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err = expr.Compile(plain, options...)
	if names.fault != nil {
		limits, err = &names.checkLimits, nil
	}
	if err == nil && limits.fault == nil {
		return program, mustBeBool(program)
	}
	f := origin.fault(err, limits)
	// Other tools call the response time so; here it is what 2s is spelled as.
	if strings.Contains(f.msg, "func(string) (time.Duration, error)") {
		f.msg, f.hint = "duration is no value of the answer", "the response time is latency: latency < 500ms"
	}
	if runes := []rune(text); f.offset < len(runes) && runes[f.offset] == '=' && f.width == 1 {
		f.hint = "equality is written =="
	}
	return nil, f
}

func mustBeBool(program *vm.Program) error {
	t := program.Node().Type()
	if t == nil || t.Kind() == reflect.Bool || t.Kind() == reflect.Interface {
		return nil // a part of the answer's JSON may be a bool; Holds will tell
	}
	return &fault{code: CodeCheckType, msg: "the check gives " + typeName(t) + ", not true or false", hint: "compare it with something: status == 200"}
}

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration"
	case t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Float64:
		return "a number"
	case t.Kind() == reflect.Map:
		return "a map"
	case t.Kind() == reflect.Slice:
		return "a list"
	}
	return t.String()
}

// checkLimits is a visitor of the syntax tree. It refuses what could take
// longer than the answer is large, and brings the tree into the form that is
// compiled: names of headers in lower case, durations as constants.
type checkLimits struct {
	fault *fault
	place file.Location
}

// Visit looks at a node after its children.
func (l *checkLimits) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		l.binary(n)
	case *ast.MemberNode:
		lowerHeader(n.Node, n.Property)
	case *ast.PredicateNode:
		ast.Walk(&n.Node, insidePredicate{l})
	case *ast.VariableDeclaratorNode:
		l.refuse(n, "let is not accepted in a check", "write the value where it is used")
	case *ast.IdentifierNode:
		if n.Value == "$env" {
			l.refuse(n, "$env is not accepted in a check", checkHint)
		}
	case *ast.BuiltinNode:
		l.constantDuration(node, n)
	}
}

func (l *checkLimits) binary(n *ast.BinaryNode) {
	switch n.Operator {
	case "in":
		lowerHeader(n.Right, n.Left)
	case "..":
		l.refuse(n, "ranges are not accepted in a check", "compare with >= and <=")
	case "matches":
		if _, literal := n.Right.(*ast.StringNode); !literal {
			l.refuse(n.Right, "the pattern of matches must be a text in quotes", "")
		}
	case "+":
		if !isNumber(n.Left.Type()) && !isNumber(n.Right.Type()) {
			l.refuse(n, "texts cannot be joined in a check", "for numbers of the answer: float(json.a) + float(json.b)")
		}
	}
}

func isNumber(t reflect.Type) bool {
	return t != nil && (t.Kind() == reflect.Int || t.Kind() == reflect.Int64 || t.Kind() == reflect.Float64)
}

// lowerHeader writes the name of a header as Answer.Header holds it.
func lowerHeader(of, name ast.Node) {
	header, isIdentifier := of.(*ast.IdentifierNode)
	text, isLiteral := name.(*ast.StringNode)
	if isIdentifier && isLiteral && header.Value == "header" {
		text.Value = strings.ToLower(text.Value)
	}
}

// constantDuration computes duration("2s") once.
func (l *checkLimits) constantDuration(node *ast.Node, n *ast.BuiltinNode) {
	if n.Name != "duration" || len(n.Arguments) != 1 {
		return
	}
	text, literal := n.Arguments[0].(*ast.StringNode)
	if !literal {
		return
	}
	d, err := time.ParseDuration(text.Value)
	if err != nil {
		l.refuse(n, quote(text.Value)+" is not a duration", "durations may stand bare: latency < 2s")
		l.fault.code = CodeCheck
		return
	}
	ast.Patch(node, &ast.ConstantNode{Value: d})
}

func (l *checkLimits) refuse(n ast.Node, msg, hint string) {
	if l.fault == nil {
		l.fault, l.place = &fault{code: CodeCheckCost, msg: msg, hint: hint}, n.Location()
	}
}

// insidePredicate refuses in {…} what would look at the whole answer for each
// element of a list.
type insidePredicate struct{ *checkLimits }

// Visit looks at a node of a predicate.
func (l insidePredicate) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.PredicateNode:
		l.refuse(n, "a function over a list cannot stand inside of another", "")
	case *ast.BinaryNode:
		if !slices.Contains([]string{"==", "!=", "<", "<=", ">", ">=", "and", "or", "&&", "||"}, n.Operator) {
			l.onlyCompares(n, n.Left, n.Right)
		}
	case *ast.BuiltinNode:
		l.onlyCompares(n, n.Arguments...)
	case *ast.IdentifierNode:
		if !slices.Contains([]string{"status", "size", "latency", "events", captureValues, rowValues}, n.Value) {
			l.refuse(n, quote(n.Value)+" cannot stand inside of a function over a list", "# is the element, .name a part of it")
		}
	}
}

// origin gives for each character of a rewritten expression its place in the
// expression as it is written.
type origin []int

func (o origin) at(i int) int { return o[min(max(i, 0), len(o)-1)] }

// fault gives the error of the compiler or of the limits its place.
func (o origin) fault(err error, limits *checkLimits) *fault {
	f := &fault{code: CodeCheck, hint: checkHint}
	var place file.Location
	if e, ok := errors.AsType[*file.Error](err); ok {
		place, f.msg = e.Location, e.Message
	} else if err != nil {
		f.msg = err.Error()
	} else {
		place, *f = limits.place, *limits.fault
	}
	f.offset = o.at(place.From)
	f.width = max(o.at(place.To)-f.offset, 1)
	return f
}

// spellUnits rewrites durations and sizes that stand bare in an expression:
// 2s becomes duration("2000000000ns"), 10KB becomes 10000.
func spellUnits(text string) (string, origin) {
	var b strings.Builder
	var o origin
	at := 0
	write := func(s string, moves bool) {
		for _, r := range s {
			b.WriteRune(r)
			o = append(o, at)
			if moves {
				at++
			}
		}
	}
	for text != "" {
		token := nextToken(text)
		text = text[len(token):]
		if spelled, ok := spellUnit(token); ok {
			write(spelled, false)
			at += width(token)
			continue
		}
		write(token, true)
	}
	return b.String(), append(o, at)
}

// nextToken gives the string, comment, word or character that a text begins
// with. It parts no finer than spellUnits needs.
func nextToken(text string) string {
	switch c := text[0]; {
	case c == '"' || c == '\'' || c == '`':
		return text[:stringEnd(text)]
	case strings.HasPrefix(text, "//"):
		return upTo(text, "\n")
	case strings.HasPrefix(text, "/*"):
		return upTo(text, "*/")
	}
	for i, r := range text {
		isDot := r == '.' && isDigit(text[0]) && i+1 < len(text) && isDigit(text[i+1])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '$' && !isDot {
			if i == 0 {
				_, size := utf8.DecodeRuneInString(text)
				return text[:size]
			}
			return text[:i]
		}
	}
	return text
}

func upTo(text, end string) string {
	if i := strings.Index(text, end); i >= 0 {
		return text[:i+len(end)]
	}
	return text
}

func stringEnd(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && text[0] != '`':
			i++
		case text[i] == text[0]:
			return i + 1
		}
	}
	return len(text)
}

func spellUnit(token string) (string, bool) {
	if !isDigit(token[0]) || isDigit(token[len(token)-1]) {
		return "", false
	}
	if n, unit, ok := number(token); ok && sizeUnits[unit] > 0 {
		return fmt.Sprintf("%d", int64(n*sizeUnits[unit])), true
	}
	if d, err := parseDuration(token); err == nil {
		return fmt.Sprintf("duration(\"%dns\")", d.Nanoseconds()), true
	}
	return "", false
}
