package slo

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// The names of Answer's fields that hold values from outside. No expression
// can spell them.
const (
	captureValues = "captured values"
	rowValues     = "values of the row"
)

// checkNames is a visitor of the syntax tree of a check. It puts the place of
// a capture, or of a column of the row, where its name stands.
type checkNames struct {
	checkLimits
	scope    *scope
	captured map[string][]Pos
	captures []int
	columns  []int
	events   bool // there are some
}

// Visit looks at a node after its children.
func (c *checkNames) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		c.capture(node, n)
	case *ast.MemberNode:
		row, isName := n.Node.(*ast.IdentifierNode)
		column, isText := n.Property.(*ast.StringNode)
		if isName && isText && row.Value == "row" {
			c.column(node, column)
		}
	}
}

func (c *checkNames) capture(node *ast.Node, n *ast.IdentifierNode) {
	if !c.events && slices.Contains(eventNames, n.Value) && c.fault == nil {
		c.fault, c.place = noEvents("the check"), n.Location()
	}
	if number, ok := c.scope.made[n.Value]; ok {
		c.captures = with(c.captures, number)
		ast.Patch(node, element(captureValues, number))
		return
	}
	if at := c.captured[n.Value]; len(at) > 0 && !isReserved(n.Value) && c.fault == nil {
		c.fault, c.place = unmade(n.Value, at), n.Location()
	}
}

func (c *checkNames) column(node *ast.Node, n *ast.StringNode) {
	if f := c.scope.noColumn(n.Value); f != nil {
		if c.fault == nil {
			c.fault, c.place = f, n.Location()
		}
		return
	}
	number := slices.Index(c.scope.columns, n.Value)
	c.columns = with(c.columns, number)
	ast.Patch(node, element(rowValues, number))
}

// element is an expression for one of the values.
func element(of string, number int) ast.Node {
	return &ast.MemberNode{Node: &ast.IdentifierNode{Value: of}, Property: &ast.IntegerNode{Value: number}}
}

func with(list []int, number int) []int {
	if slices.Contains(list, number) {
		return list
	}
	return append(list, number)
}

// fromOutside finds a capture or a column in a part of an expression.
type fromOutside struct{ found bool }

// Visit looks at a node.
func (f *fromOutside) Visit(node *ast.Node) {
	name, isName := (*node).(*ast.IdentifierNode)
	f.found = f.found || isName && (name.Value == captureValues || name.Value == rowValues)
}

// onlyCompares refuses in {…} whatever could look at the whole of a captured
// text or list for each element of another.
func (l insidePredicate) onlyCompares(of ast.Node, parts ...ast.Node) {
	var f fromOutside
	for _, part := range parts {
		ast.Walk(&part, &f)
	}
	if f.found {
		l.refuse(of, "inside of a function over a list, captures and columns can only be compared", "any(json.items, .id == id)")
	}
}
