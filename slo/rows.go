package slo

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

// Limits of data files. What is kept in memory of one does not grow with it:
// small ones as they are, of larger ones a place for each block and the blocks
// that were used last.
const (
	maxDataFile  = 4 << 30
	maxRow       = 1 << 20
	maxColumns   = 1000
	smallData    = 8 << 20
	blockBytes   = 8 << 10
	keptBytes    = 8 << 20
	maxDataFiles = 20
)

// table is a data file: an index of its rows and what was read of them last.
type table struct {
	columns []string
	typed   []bool // by column of a CSV: each of its values is a number, or each a bool
	rows    int64
	isCSV   bool
	content io.ReaderAt

	starts []int64 // of the blocks: offsets in the file; the last one is its end
	first  []int64 // of the blocks: the number of their first row

	mu     sync.Mutex
	blocks map[int][][]Content
	order  []int // of the kept blocks, the oldest first
	kept   int64 // their bytes in the file
}

// rowError is what is wrong in a data file.
type rowError struct {
	line int // 0: the file as a whole
	msg  string
}

func (e *rowError) Error() string { return e.msg }

// newTable looks at every row of a file once.
func newTable(content io.ReaderAt, size int64, isCSV bool) (*table, error) {
	t := &table{content: content, isCSV: isCSV, blocks: map[int][][]Content{}}
	r := io.NewSectionReader(content, 0, size)
	start, err := int64(0), error(nil)
	var bom [3]byte
	if n, _ := content.ReadAt(bom[:], 0); n == len(bom) && string(bom[:]) == "\uFEFF" {
		start, _ = r.Seek(int64(len(bom)), io.SeekStart)
	}
	if isCSV {
		err = t.indexCSV(r, start)
	} else {
		err = t.indexLines(r, start)
	}
	switch {
	case err != nil:
		return nil, err
	case t.rows == 0:
		return nil, &rowError{msg: "it has no rows"}
	}
	t.starts = append(t.starts, size)
	return t, nil
}

// note adds a row that begins at an offset to the index.
func (t *table) note(offset int64) {
	if last := len(t.starts) - 1; last < 0 || offset-t.starts[last] >= blockBytes {
		t.starts, t.first = append(t.starts, offset), append(t.first, t.rows)
	}
	t.rows++
}

func (t *table) indexCSV(r io.Reader, start int64) error {
	bounded := &boundedRow{r: r}
	c := csv.NewReader(bounded)
	c.ReuseRecord = true
	head, err := c.Read()
	if err == nil {
		t.columns = slices.Clone(head)
		err = checkColumns(t.columns, 1)
	}
	if err != nil {
		return csvProblem(err)
	}
	numbers, bools := make([]bool, len(head)), make([]bool, len(head))
	for i := range numbers {
		numbers[i], bools[i] = true, true
	}
	for {
		offset := start + c.InputOffset()
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return csvProblem(err)
		}
		for i, text := range row {
			if !utf8.ValidString(text) {
				line, _ := c.FieldPos(i)
				return &rowError{line, "column " + quote(t.columns[i]) + " is not UTF-8"}
			}
			numbers[i] = numbers[i] && isJSONNumber(text)
			bools[i] = bools[i] && (text == "true" || text == "false")
		}
		t.note(offset)
		bounded.size = 0
	}
	for i := range numbers {
		t.typed = append(t.typed, numbers[i] || bools[i])
	}
	return nil
}

func isJSONNumber(text string) bool {
	return text != "" && (text[0] == '-' || isDigit(text[0])) && json.Valid([]byte(text))
}

func csvProblem(err error) error {
	if errors.Is(err, io.EOF) {
		return &rowError{msg: "it is empty"}
	}
	p, ok := errors.AsType[*csv.ParseError](err)
	if !ok {
		return err
	}
	if errors.Is(p.Err, csv.ErrFieldCount) {
		return &rowError{p.Line, "the row has another number of columns than the first line"}
	}
	return &rowError{p.Line, p.Err.Error()}
}

func checkColumns(columns []string, line int) error {
	if len(columns) > maxColumns {
		return &rowError{line, fmt.Sprintf("more than %d columns", maxColumns)}
	}
	for i, name := range columns {
		switch {
		case !utf8.ValidString(name):
			return &rowError{line, fmt.Sprintf("the name of column %d is not UTF-8", i+1)}
		case strings.TrimSpace(name) == "" || len(name) > maxName || strings.ContainsAny(name, "}\r\n"):
			return &rowError{line, fmt.Sprintf("column %d has no usable name: %s", i+1, quote(name))}
		case slices.Contains(columns[:i], name):
			return &rowError{line, "the column " + quote(name) + " stands twice"}
		}
	}
	return nil
}

// boundedRow refuses a row that goes on and on: a quote that is not closed
// takes in all that follows.
type boundedRow struct {
	r    io.Reader
	size int // bytes read since the row before
}

func (b *boundedRow) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.size += n; b.size > maxRow {
		return 0, &rowError{msg: fmt.Sprintf("a row has more than %d bytes", maxRow)}
	}
	return n, err
}

func (t *table) indexLines(r io.Reader, start int64) error {
	lines := bufio.NewReaderSize(r, maxRow)
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return &rowError{number, fmt.Sprintf("the line has more than %d bytes", maxRow)}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if wrong := t.indexLine(line, number); wrong != nil {
				return wrong
			}
			t.note(start)
		}
		start += int64(len(line))
		if err != nil {
			return nil
		}
	}
}

func (t *table) indexLine(line []byte, number int) error {
	if !utf8.Valid(line) {
		return &rowError{number, "the line is not UTF-8"}
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(line, &fields); err != nil || fields == nil {
		return &rowError{number, "the line is not a JSON object"}
	}
	if t.columns == nil {
		for name := range fields {
			t.columns = append(t.columns, name)
		}
		slices.Sort(t.columns)
		return checkColumns(t.columns, number)
	}
	for _, name := range t.columns {
		if _, ok := fields[name]; !ok {
			return &rowError{number, "the row has no " + quote(name) + ", which the first one has"}
		}
	}
	return nil
}

// row returns a row of the file.
func (t *table) row(number int64) ([]Content, error) {
	at := sort.Search(len(t.first), func(i int) bool { return t.first[i] > number }) - 1
	t.mu.Lock()
	defer t.mu.Unlock()
	rows, kept := t.blocks[at]
	if !kept {
		var err error
		if rows, err = t.read(at); err != nil {
			return nil, err
		}
		t.keep(at, rows)
	}
	if i := number - t.first[at]; i < int64(len(rows)) {
		return rows[i], nil
	}
	return nil, errChanged
}

var errChanged = errors.New("the file has changed since the run began")

func (t *table) keep(at int, rows [][]Content) {
	size := func(block int) int64 { return t.starts[block+1] - t.starts[block] }
	for t.kept += size(at); t.kept > keptBytes && len(t.order) > 0; t.order = t.order[1:] {
		delete(t.blocks, t.order[0])
		t.kept -= size(t.order[0])
	}
	t.blocks[at] = rows
	t.order = append(t.order, at)
}

// read reads the rows of a block.
func (t *table) read(at int) ([][]Content, error) {
	text := make([]byte, t.starts[at+1]-t.starts[at])
	if _, err := t.content.ReadAt(text, t.starts[at]); err != nil {
		return nil, errChanged
	}
	if t.isCSV {
		return t.readCSV(text)
	}
	var rows [][]Content
	for line := range bytes.Lines(text) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		fields := map[string]json.RawMessage{}
		if json.Unmarshal(line, &fields) != nil {
			return nil, errChanged
		}
		row := make([]Content, len(t.columns))
		for i, name := range t.columns {
			row[i] = contentOf(fields[name])
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (t *table) readCSV(text []byte) ([][]Content, error) {
	c := csv.NewReader(bytes.NewReader(text))
	c.FieldsPerRecord = len(t.columns)
	records, err := c.ReadAll()
	if err != nil {
		return nil, errChanged
	}
	rows := make([][]Content, len(records))
	for i, record := range records {
		rows[i] = make([]Content, len(record))
		for k, field := range record {
			rows[i][k] = Content{Text: field, Typed: t.typed[k]}
		}
	}
	return rows, nil
}

// contentOf reads a JSON value.
func contentOf(raw json.RawMessage) Content {
	var text string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		return Content{Text: text}
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return Content{Text: "null", Typed: true}
	}
	return Content{Text: compact.String(), Typed: true}
}
