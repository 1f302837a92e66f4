package report

import (
	"encoding/csv"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

func csvTable(t testing.TB, r *result.Run) string {
	t.Helper()
	var b strings.Builder
	if err := CSV(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCSVGolden(t *testing.T) {
	for name, r := range sampleRuns() {
		t.Run(name, func(t *testing.T) {
			text := csvTable(t, r)
			golden(t, filepath.Join("csv", name+".csv"), text)
			rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			want := 1
			for _, s := range sides(r) {
				want += len(s.Slices)
			}
			if len(rows) != want {
				t.Errorf("%d lines, want %d", len(rows), want)
			}
		})
	}
}

func TestCSVText(t *testing.T) {
	for in, want := range map[string]string{
		"normal":           "normal",
		"=1+1":             "'=1+1",
		"+1":               "'+1",
		"-1":               "'-1",
		"@SUM(A1)":         "'@SUM(A1)",
		" =1":              "' =1",
		"\u202f=1":         "'\u202f=1",
		"\t=1":             `\t=1`,
		"＝1":               "'＝1",
		"a\r\n=1":          `a\r\n=1`,
		"stage \"a\", one": "stage \"a\", one",
	} {
		if got := csvText(in); got != want {
			t.Errorf("csvText(%q) = %q, want %q", in, got, want)
		}
	}
}
