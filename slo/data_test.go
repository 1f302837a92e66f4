package slo

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRowsOfAFile(t *testing.T) {
	file, err := parseFile(t, "testdata/ok/data.yaml")
	if err != nil {
		t.Fatal(pretty(t, err))
	}
	text := func(s string) Content { return Content{Text: s} }
	typed := func(s string) Content { return Content{Text: s, Typed: true} }
	want := map[string][][]Content{
		"users.csv": {
			{text("anna"), text("a, b"), typed("31"), typed("true")},
			{text("berta"), text("c"), typed("4.5"), typed("false")},
			{text("clara"), text("d\n\"e\""), typed("-1e3"), typed("true")},
		},
		"items.jsonl": {
			{text(`a "b"`), typed("12345678901234567890"), typed(`[1,"x"]`)},
			{text("ü"), typed("2.50"), typed("[]")},
		},
	}
	for _, d := range file.Scenarios[1].Data {
		var got [][]Content
		for n := range d.Len() {
			row, err := d.Row(n)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, row)
		}
		if diff := cmp.Diff(want[d.File], got); diff != "" {
			t.Errorf("rows of %s (-want +got):\n%s", d.File, diff)
		}
	}
	if d := file.Scenarios[1].Data; d[0].Order != Random || d[1].Order != Unique || d[1].AtEnd != Repeat || d[0].table != file.Scenarios[0].Data[0].table {
		t.Errorf("data %+v %+v", d[0], d[1])
	}
	row := func(number int, name string, escape Escape) Part {
		return Part{Value: Row, Name: name, Number: number, Escape: escape}
	}
	body := Template{
		{Literal: `{"item":`},
		row(4, "item", EscapeValue),
		{Literal: `,"n":`},
		row(5, "n", EscapeValue),
		{Literal: `,"tags":`},
		row(6, "tags", EscapeValue),
		{Literal: "}"},
	}
	if diff := cmp.Diff(body, file.Scenarios[1].Steps[0].Request.Body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// A column is a number only where all of its values are: a type does not change
// from row to row.
func TestTypesOfColumns(t *testing.T) {
	table := tableFrom(t, "a,b,c,d,e,f\n1,1,true,01,,NaN\n2,x,false,2,3,1\n", true)
	if diff := cmp.Diff([]bool{true, false, true, false, false, false}, table.typed); diff != "" {
		t.Errorf("typed (-want +got):\n%s", diff)
	}
}

func tableFrom(t testing.TB, text string, isCSV bool) *table {
	t.Helper()
	table, err := newTable(strings.NewReader(text), int64(len(text)), isCSV)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// A file that is larger than what is kept of it is read in any order, and takes
// no more memory than that.
func TestLargeFilesAreNotKept(t *testing.T) {
	const rows = 200_000
	for _, isCSV := range []bool{true, false} {
		var b bytes.Buffer
		b.WriteString("\uFEFF")
		if isCSV {
			b.WriteString("n,text\n")
		}
		for n := range rows {
			if isCSV {
				fmt.Fprintf(&b, "%d,\"%s\n%d\"\r\n", n, strings.Repeat("x", 50), n)
			} else {
				fmt.Fprintf(&b, `{"n": %d, "text": "%s\n%d"}`+"\n", n, strings.Repeat("x", 50), n)
			}
		}
		path := filepath.Join(t.TempDir(), "large")
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		table, err := newTable(f, int64(b.Len()), isCSV)
		if err != nil {
			t.Fatal(err)
		}
		if table.rows != rows || b.Len() < keptBytes {
			t.Fatalf("%d rows in %d bytes", table.rows, b.Len())
		}
		for n := int64(0); n < 7*rows; n += 997 {
			number := n * 7919 % rows
			if n < rows {
				number = n
			}
			row, err := table.row(number)
			if err != nil {
				t.Fatal(err)
			}
			want := []Content{{Text: fmt.Sprint(number), Typed: true}, {Text: fmt.Sprintf("%s\n%d", strings.Repeat("x", 50), number)}}
			if diff := cmp.Diff(want, row); diff != "" {
				t.Fatalf("row %d (-want +got):\n%s", number, diff)
			}
			if table.kept > keptBytes+blockBytes || len(table.blocks) != len(table.order) {
				t.Fatalf("%d bytes in %d blocks are kept", table.kept, len(table.blocks))
			}
		}
		if n := len(table.starts); n > b.Len()/blockBytes+2 {
			t.Errorf("%d blocks of %d bytes", n, b.Len())
		}
		if err := os.Truncate(path, 100); err != nil {
			t.Fatal(err)
		}
		table.blocks = nil
		if _, err := table.row(rows - 1); !errors.Is(err, errChanged) {
			t.Errorf("a truncated file: %v", err)
		}
	}
}

func TestRowsAreBounded(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		isCSV bool
		want  string
	}{
		"open quote": {"a,b\n1,\"2\n" + strings.Repeat("3,4\n", maxRow/2), true, "a row has more than 1048576 bytes"},
		"long line":  {`{"a": "` + strings.Repeat("x", maxRow) + `"}`, false, "the line has more than 1048576 bytes"},
		"columns":    {strings.Repeat("a,", maxColumns) + "\n1", true, "more than 1000 columns"},
	} {
		_, err := newTable(strings.NewReader(c.text), int64(len(c.text)), c.isCSV)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
	}
}

func FuzzTable(f *testing.F) {
	f.Add("a,b\n1,2\n\n3,\"4\n5\"\n", true)
	f.Add("\uFEFFa\r\n\"\"\r\n", true)
	f.Add(`{"a": 1}`+"\n"+`{"a": [1, "x"], "b": null}`, false)
	f.Fuzz(func(t *testing.T, text string, isCSV bool) {
		table, err := newTable(strings.NewReader(text), int64(len(text)), isCSV)
		if err != nil {
			return
		}
		for n := range table.rows {
			row, err := table.row(n)
			if err != nil || len(row) != len(table.columns) {
				t.Fatalf("row %d of %d: %d columns of %d, %v", n, table.rows, len(row), len(table.columns), err)
			}
		}
	})
}
