package slo

import (
	"strings"
	"testing"
	"time"
)

// noNames is a place without captures and rows.
func noNames() *checkNames { return &checkNames{scope: &scope{}} }

// checkOf compiles a check as Parse does.
func checkOf(t *testing.T, text string) Check {
	t.Helper()
	program, err := compile(text, noNames())
	if err != nil {
		t.Fatalf("compile(%q): %v", text, err)
	}
	return Check{Text: text, program: program}
}

func TestCheckHolds(t *testing.T) {
	answer := &Answer{
		Status: 200, Header: map[string]string{"content-type": "application/json"}, Body: `{"species": "setosa 2s"}`, Size: 2048, Latency: 150 * time.Millisecond,
		JSON: map[string]any{"species": "setosa", "n": 3.0, "ok": true, "items": []any{map[string]any{"id": 1.0, "ok": true}, map[string]any{"id": 2.0, "ok": true}}},
	}
	notJSON := &Answer{Status: 500, Body: "oops"}
	for text, want := range map[string]struct{ ok, notJSON bool }{
		"status == 200":        {true, false},
		"status in [200, 500]": {true, true},
		"latency < 2s":         {true, true},
		"latency<1m30s":        {true, true},
		"latency > 0.2s":       {false, false},
		"latency >= 150ms and latency <= 150000us": {true, false},
		"size < 10KB && size >= 2KiB":              {true, false},
		"size == 2.048KB":                          {true, false},
		`body contains "2s"`:                       {true, false},
		"body contains `2s`":                       {true, false},
		`body matches "^oops$"`:                    {false, true},
		`header["Content-Type"] contains "json"`:   {true, false},
		`header["content-type"] == ""`:             {false, true},
		`"Content-Type" in header`:                 {true, false},
		`json.species in ["setosa", "versicolor"]`: {true, false},
		"json.ok":                         {true, false},
		"json.n + 1 == 4":                 {true, false},
		"json.missing == nil":             {true, false},
		"json?.species == nil":            {false, true},
		"json == nil":                     {false, true},
		"not (json.species == 'setosa')":  {false, false},
		"!(json.species == 'setosa')":     {false, false},
		"all(json.items, .ok && .id > 0)": {true, false},
		"len(json.items) == 2":            {true, false},
		"len(json.items[5].id) == 2":      {false, false},
		"json.species":                    {false, false},
		`json.n contains "x"`:             {false, false},
		"status == 200 // latency < 2s":   {true, false},
		"latency < duration('1s')":        {true, true},
	} {
		c := checkOf(t, text)
		if ok, err := c.Holds(answer); ok != want.ok {
			t.Errorf("%s holds %v (%v), want %v", text, ok, err, want.ok)
		}
		ok, err := c.Holds(notJSON)
		if ok != want.notJSON {
			t.Errorf("%s holds %v (%v) without JSON, want %v", text, ok, err, want.notJSON)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n") {
			t.Errorf("%s: the error has several lines: %q", text, err)
		}
	}
}

func TestTheWordDurationIsExplained(t *testing.T) {
	for _, text := range []string{"duration < 500", "duration < 500ms", "500ms > duration", "status == 200 && duration < 1s"} {
		_, err := compile(text, noNames())
		if err == nil || !strings.Contains(err.Error(), "duration is no value of the answer") || !strings.Contains(asFault(err).hint, "latency") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := compile(`latency < duration("2s")`, noNames()); err != nil {
		t.Error(err)
	}
}

func TestSpellUnits(t *testing.T) {
	for text, want := range map[string]string{
		"latency < 2s":          `latency < duration("2000000000ns")`,
		"2s2 > x2s":             "2s2 > x2s",
		`"2s" == '2s' + "\"2s"`: `"2s" == '2s' + "\"2s"`,
		"1e6 + 0x1F":            "1e6 + 0x1F",
		"size<10KB":             "size<10000",
		"/* 2s */ 1m":           `/* 2s */ duration("60000000000ns")`,
		"json[1].a":             "json[1].a",
	} {
		got, origin := spellUnits(text)
		if got != want {
			t.Errorf("spellUnits(%q) = %q, want %q", text, got, want)
		}
		if len(origin) != len([]rune(got))+1 || origin[len(origin)-1] != len([]rune(text)) {
			t.Errorf("spellUnits(%q): %d places, the last %d", text, len(origin), origin[len(origin)-1])
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"status == 200", `json.a in ["b"]`, "latency < 2s && size < 10KB", "all(json.items, .ok)", `header["A"] matches "x+"`, "(((", "1..2", "let a = 1; a", "json[0]?.x ?? 1", "`", "2s",
	} {
		f.Add(seed)
	}
	answer := &Answer{Status: 200, Body: "body", JSON: map[string]any{"a": "b", "items": []any{1.0, "x", nil}}, Header: map[string]string{"a": "xx"}}
	f.Fuzz(func(t *testing.T, text string) {
		program, err := compile(text, noNames())
		if err != nil {
			if at := asFault(err).offset; at < 0 || at > width(text) {
				t.Errorf("%q: the error lies at %d", text, at)
			}
			return
		}
		c := Check{Text: text, program: program}
		before := *answer
		first, _ := c.Holds(answer)
		if again, _ := c.Holds(answer); again != first || before.Body != answer.Body {
			t.Errorf("%q gives %v, then %v", text, first, again)
		}
		_, _ = c.Holds(&Answer{})
	})
}

func BenchmarkCheck(b *testing.B) {
	program, err := compile(`status == 200 && latency < 2s && body contains "species"`, noNames())
	if err != nil {
		b.Fatal(err)
	}
	c := Check{program: program}
	answer := &Answer{Status: 200, Latency: time.Millisecond, Body: strings.Repeat("x", 500) + "species"}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := c.Holds(answer); !ok {
			b.Fatal(err)
		}
	}
}
