package slo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Data is a file of rows, of which each iteration of a scenario takes one. Its
// methods may be called from any goroutine.
type Data struct {
	File  string // as written
	Order Order
	AtEnd AtEnd
	Pos   Pos
	table *table
}

// Order says which row an iteration takes.
type Order string

// The orders of rows.
const (
	Sequential Order = "sequential" // as in the file
	Random     Order = "random"     // any, each time anew
	Unique     Order = "unique"     // in random order, each before any is taken again
)

// AtEnd says what follows the last row.
type AtEnd string

// What follows the last row.
const (
	Repeat AtEnd = "repeat" // the first one
	Stop   AtEnd = "stop"   // nothing: the rows must suffice
)

// Columns are the names of the columns.
func (d *Data) Columns() []string { return d.table.columns }

// Len is the number of rows, at least 1.
func (d *Data) Len() int64 { return d.table.rows }

// Row returns a row by its place in the file, from 0. The error says that the
// file could not be read any more.
func (d *Data) Row(number int64) ([]Content, error) { return d.table.row(number) }

const dataExample = "data: {file: users.csv, order: sequential, at_end: repeat}"

// data reads the files of a scenario, one or several.
func (p *parser) data(n *node) []*Data {
	if n == nil {
		return nil
	}
	items := []*node{n}
	if n.kind == listNode {
		items = p.list(n, "data", maxDataFiles)
	}
	var all []*Data
	for _, item := range items {
		if d := p.dataFile(item); d != nil {
			all = append(all, d)
			p.addColumns(item, d)
		}
	}
	return all
}

// addColumns makes the columns of a file known. The rows of several files are
// one.
func (p *parser) addColumns(n *node, d *Data) {
	for _, name := range d.Columns() {
		if p.scope.noColumn(name) == nil {
			p.failNode(n.child("file"), CodeData, "another data file of the scenario has a column "+quote(name)+", too", "rename it in one of them: the rows of all files are one")
			return
		}
	}
	p.scope.columns = append(p.scope.columns, d.Columns()...)
}

func (p *parser) dataFile(n *node) *Data {
	o := objectOf[dataDoc](p, n, "data")
	if n.kind != mapNode {
		return nil
	}
	d := &Data{Order: choice(p, o.get("order"), "order", Sequential, Random, Unique), Pos: n.pos}
	byDefault, other := Repeat, Stop
	if d.Order == Unique {
		byDefault, other = Stop, Repeat
	}
	d.AtEnd = choice(p, o.get("at_end"), "at_end", byDefault, other)
	if d.Order == Random && d.AtEnd == Stop {
		p.failNode(o.get("at_end"), CodeCombination, "rows in random order have no end", "order: unique takes each row once")
	}
	file := o.need(p, "file", dataExample)
	name, ok := p.fixed(file, "a data file")
	if !ok {
		return nil
	}
	d.File = name
	var err error
	if d.table, err = p.tableOf(name); err != nil {
		p.failNode(file, codeOfData(err), "data file "+quote(name)+": "+err.Error(), "a data file is a CSV with a line of names, or JSON lines with an object in each; it is relative to the SLO file and lies within the workspace")
		return nil
	}
	return d
}

// codeOfData parts what is wrong with a file from what is wrong in it.
func codeOfData(err error) Code {
	if _, inside := errors.AsType[*rowError](err); inside {
		return CodeRows
	}
	return CodeData
}

// tableOf reads a data file, each once.
func (p *parser) tableOf(name string) (*table, error) {
	if t := p.tables[name]; t != nil {
		return t, nil
	}
	if len(p.tables) >= maxDataFiles {
		return nil, fmt.Errorf("more than %d data files", maxDataFiles)
	}
	extension := strings.ToLower(filepath.Ext(name))
	if extension != ".csv" && extension != ".jsonl" && extension != ".ndjson" {
		return nil, errors.New("its name does not end in .csv, .jsonl or .ndjson")
	}
	content, size, err := p.openWithin(name)
	if err != nil {
		return nil, err
	}
	t, err := newTable(content, size, extension == ".csv")
	if e, inside := errors.AsType[*rowError](err); inside && e.line > 0 {
		return nil, &rowError{msg: fmt.Sprintf("line %d: %s", e.line, e.msg)}
	}
	if err != nil {
		return nil, err
	}
	p.tables[name] = t
	return t, nil
}

// openWithin opens a regular file of the workspace. A small one is read at
// once; a larger one stays open for as long as its rows are used.
func (p *parser) openWithin(name string) (io.ReaderAt, int64, error) {
	relative, err := p.toRead(name)
	if err != nil {
		return nil, 0, errors.New("it is not a relative path, or lies outside of the workspace")
	}
	if err := p.sheltered(relative); err != nil {
		return nil, 0, err
	}
	root, err := os.OpenRoot(p.workspace())
	if err != nil {
		return nil, 0, fmt.Errorf("open the workspace: %w", err)
	}
	defer root.Close()
	stat, err := root.Stat(relative)
	switch {
	case err != nil:
		return nil, 0, errors.New(reason(err))
	case !stat.Mode().IsRegular():
		return nil, 0, errors.New("it is not a regular file")
	case stat.Size() > maxDataFile:
		return nil, 0, fmt.Errorf("it has %d bytes, a data file has at most %d", stat.Size(), int64(maxDataFile))
	}
	f, err := root.Open(relative)
	if err != nil {
		return nil, 0, errors.New(reason(err))
	}
	if stat.Size() > smallData {
		return f, stat.Size(), nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, smallData))
	return bytes.NewReader(text), int64(len(text)), err
}

// checkRows refuses data that ends before the load does.
func (p *parser) checkRows() {
	for _, s := range p.file.Scenarios {
		for _, d := range s.Data {
			if d.AtEnd == Stop {
				p.checkEnd(s, d)
			}
		}
	}
}

func (p *parser) checkEnd(s Scenario, d *Data) {
	if p.file.Baseline.BaseTarget != "" {
		p.fail(d.Pos, 0, CodeCombination, "rows that are taken once cannot be compared", "base and head take the same rows: at_end: repeat")
		return
	}
	// A stage that is loaded once more would need rows of its own.
	p.file.Confirm = false
	var needed int64
	for _, stage := range p.file.Stages {
		if !stage.Loads(s.Name) {
			continue
		}
		n, known := stage.MostIterations()
		if !known {
			p.fail(d.Pos, 0, CodeFewRows, "whether the rows of "+quote(d.File)+" suffice cannot be told: stage "+quote(stage.Name)+" sends as many requests as it can", "give the stage a rate or a number of requests, or the data at_end: repeat")
			return
		}
		needed += n
	}
	if have := d.Len(); have < needed {
		p.fail(d.Pos, 0, CodeFewRows, fmt.Sprintf("the data file %s has %d rows, the stages can begin %d iterations", quote(d.File), have, needed), "add rows, make the load smaller, or let the rows begin again: at_end: repeat")
	}
}
