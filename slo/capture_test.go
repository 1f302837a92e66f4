package slo

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// captureOf reads a capture as Parse does.
func captureOf(t *testing.T, name, text string) Capture {
	t.Helper()
	c := Capture{Name: name, Text: text}
	if err := c.parse(); err != nil {
		t.Fatalf("capture %q: %v", text, err)
	}
	return c
}

// exact decodes JSON as an engine does for captures.
func exact(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCaptureFinds(t *testing.T) {
	const body = `{"id": 12345678901234567890, "name": "a\"b", "ok": true, "none": null, "list": [1, {"x": 2.50}], "items": [{"id": 1, "price": 20}, {"id": 2, "price": 5}], "big": "` + "%" + `"}`
	answer := &Answer{
		Header:    map[string]string{"etag": `"abc"`},
		Body:      "<input name=csrf value=x1y2> n=7",
		Exact:     exact(t, strings.Replace(body, "%", strings.Repeat("x", maxCaptured+1), 1)),
		SetCookie: []string{"csrf=old; Path=/", "other=1", "csrf=new; HttpOnly", "broken", `json={"a": 1}; Path=/`, `quoted="x"`, "bad=\x00"},
	}
	text := func(s string) Content { return Content{Text: s} }
	typed := func(s string) Content { return Content{Text: s, Typed: true} }
	for form, want := range map[string]Content{
		"$.id":                      typed("12345678901234567890"),
		"$.name":                    text(`a"b`),
		"$.ok":                      typed("true"),
		"$.list":                    typed(`[1,{"x":2.50}]`),
		"$.list[-1].x":              typed("2.50"),
		"$..price":                  typed("20"),
		"$.items[?@.price < 10].id": typed("2"),
		"$.none":                    {},
		"$.big":                     {},
		"$.missing":                 {},
		"header ETag":               text(`"abc"`),
		"header missing":            {},
		"cookie csrf":               text("new"),
		"cookie broken":             {},
		"cookie json":               text(`{"a": 1}`),
		"cookie quoted":             text("x"),
		"cookie bad":                {},
		`body ~ n=(\d+)`:            text("7"),
		`body ~ value=\w+`:          text("value=x1y2"),
		`body ~ (a)?<input`:         {},
		"body ~ nothing":            {},
	} {
		got, err := captureOf(t, "c", form).Find(answer)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != Content{}) {
			t.Errorf("%s (-want +got), error %v:\n%s", form, err, diff)
		}
	}
	if _, err := captureOf(t, "c", "$.id").Find(&Answer{}); err == nil || err.Error() != "found no JSON in the body" {
		t.Errorf("without JSON: %v", err)
	}
	answer.Header["long"] = strings.Repeat("x", MaxSecretCaptured+1)
	if _, err := captureOf(t, "secret_c", "header long").Find(answer); err == nil {
		t.Error("a secret may be as long as any value")
	}
	if _, err := captureOf(t, "c", "header long").Find(answer); err != nil {
		t.Error(err)
	}
}

// Members have an order though a map has none: that of their names. Lists keep
// theirs, and a value comes before what lies in it.
func TestCaptureTakesTheSameMember(t *testing.T) {
	body := exact(t, `{"user": {"id": 1, "x": {"id": 2}}, "order": {"lines": [{"n": 3}, {"n": 4}], "id": 5}, "all": {"z": {"ok": true, "v": 6}, "y": {"ok": true, "v": 7}, "x": {"ok": false, "v": 8}}}`)
	for form, want := range map[string]string{
		"$..id":                            "5",
		"$.user..id":                       "1",
		"$.all.*.v":                        "8",
		"$.all[?@.ok == true].v":           "7",
		"$..[?@.ok == true].v":             "7",
		"$..v":                             "8",
		"$..lines[*].n":                    "3",
		"$.order.lines[::-1].n":            "4",
		"$.order.lines[?@.n > 3].n":        "4",
		"$..*":                             `{"x":{"ok":false,"v":8},"y":{"ok":true,"v":7},"z":{"ok":true,"v":6}}`,
		"$.all":                            `{"x":{"ok":false,"v":8},"y":{"ok":true,"v":7},"z":{"ok":true,"v":6}}`,
		"$.order.lines[-1]['n']":           "4",
		"$.order.lines[?@.missing == 1].n": "",
	} {
		for range 20 {
			got, err := captureOf(t, "c", form).Find(&Answer{Exact: body})
			if got.Text != want || (err == nil) != (want != "") {
				t.Errorf("%s takes %q, %v, want %q", form, got.Text, err, want)
				break
			}
		}
	}
}

func TestContentValue(t *testing.T) {
	for content, want := range map[Content]any{
		{Text: "12"}: "12", {Text: "12", Typed: true}: 12.0, {Text: "true", Typed: true}: true, {Text: "{", Typed: true}: "{",
	} {
		if got := content.Value(); got != want {
			t.Errorf("%+v is %v, want %v", content, got, want)
		}
	}
}

// Checks see captured values by their names, with their types.
func TestChecksSeeCaptures(t *testing.T) {
	file := parseText(t, head+oneStage+`
scenarios:
  - steps:
      - {request: GET /, capture: {id: $.id, name: $.name, extra: $.extra}}
      - request: GET /
        checks: [json.id == id, name startsWith "a", 'any(json.items, .id == id)', id > 5 and name != "b", extra == nil, size > id]
`)
	checks := file.Scenarios[0].Steps[1].Request.Checks
	answer := &Answer{
		JSON: map[string]any{"id": 7.0, "items": []any{map[string]any{"id": 6.0}, map[string]any{"id": 7.0}}}, Size: 10,
		Captures: []any{7.0, "anna", nil},
	}
	for _, c := range checks {
		if ok, err := c.Holds(answer); !ok || err != nil {
			t.Errorf("%s: %v, %v", c.Text, ok, err)
		}
	}
	if diff := cmp.Diff([]int{0, 1}, checks[3].Captures); diff != "" {
		t.Errorf("captures of %s (-want +got):\n%s", checks[3].Text, diff)
	}
	if diff := cmp.Diff([]string{"id", "name", "extra"}, file.Captures); diff != "" {
		t.Errorf("captures of the file (-want +got):\n%s", diff)
	}
}

// The same name in two scenarios is two values; made twice in one it is one.
func TestCaptureNumbers(t *testing.T) {
	file := parseText(t, head+oneStage+`
scenarios:
  - steps:
      - {request: GET /a, capture: {id: $.id}}
      - {request: "GET /${id}", capture: {id: $.id, n: header n}, json: {a: "${id}", b: "-${id}"}}
  - steps:
      - {request: GET /a, capture: {id: $.id}}
      - {request: "GET /${id}"}
`)
	numbers := func(r *Request) (all []int) {
		for _, c := range r.Captures {
			all = append(all, c.Number)
		}
		return all
	}
	first, second := file.Scenarios[0].Steps, file.Scenarios[1].Steps
	want := [][]int{{0}, {0, 1}, {2}}
	if diff := cmp.Diff(want, [][]int{numbers(first[0].Request), numbers(first[1].Request), numbers(second[0].Request)}); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	body := Template{
		{Literal: `{"a":`},
		{Value: Captured, Name: "id", Escape: EscapeValue},
		{Literal: `,"b":"-`},
		{Value: Captured, Name: "id", Escape: EscapeJSON},
		{Literal: `"}`},
	}
	if diff := cmp.Diff(body, first[1].Request.Body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	path := Template{{Literal: "/"}, {Value: Captured, Name: "id", Number: 2, Escape: EscapePath}}
	if diff := cmp.Diff(path, second[1].Request.Path); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
}

func FuzzCapture(f *testing.F) {
	for _, form := range []string{"$.id", "$..a", "$[?@.a > 1]", "$[0:2]", "header etag", "cookie a", "body ~ (a|b)+", "$['", "body ~ ("} {
		f.Add(form, `{"id": 1, "a": [1, "x", null, {"a": 2}]}`)
	}
	f.Fuzz(func(t *testing.T, form, body string) {
		c := Capture{Name: "c", Text: strings.TrimSpace(form)}
		if err := c.parse(); err != nil {
			asFault(err)
			return
		}
		a := &Answer{Body: body, Header: map[string]string{"etag": body}, SetCookie: []string{body}}
		d := json.NewDecoder(strings.NewReader(body))
		d.UseNumber()
		_ = d.Decode(&a.Exact)
		found, err := c.Find(a)
		if err == nil && len(found.Text) > maxCaptured {
			t.Errorf("%q finds %d bytes", form, len(found.Text))
		}
		if err == nil && found.Typed && !json.Valid([]byte(found.Text)) {
			t.Errorf("%q finds %q, which is no JSON", form, found.Text)
		}
	})
}

// After a descent each element is looked at once for all that are around it, so
// that a comparison of two of its parts would take the square of the answer.
func TestPathsTakeNoLongerThanTheAnswer(t *testing.T) {
	for path, costs := range map[string]bool{
		"$..[?@ == @]":                       true,
		"$..[?@.a==@.b]":                     true,
		`$..[?@.a == 1 && @.b >= @['c']]`:    true,
		`$..[?!(@.a < @.b)]`:                 true,
		`$..a[?@.x == "@" || 'a' == @.b]`:    false,
		`$..[?@.a == 1 && @.b != null]`:      false,
		`$..[?@.a && @.b]`:                   false,
		`$..[?@.a[?@.b == 1]]`:               false,
		"$.items[?@.a == @.b]":               false,
		`$.items[?@.price < 10 || @.a=="="]`: false,
	} {
		if err := (&Capture{Text: path}).parse(); (err != nil) != costs {
			t.Errorf("%s: %v, refused: %t is wanted", path, err, costs)
		}
	}
}

func TestSecretsOfACapture(t *testing.T) {
	answer := &Answer{
		Body:  "key=abc",
		Exact: exact(t, `{"t": "abc", "n": 12, "map": {"k": "x\"y", "l": [1.50, true, null, "z"]}, "big": "`+strings.Repeat("x", MaxSecretCaptured+1)+`"}`),
	}
	for form, want := range map[string]struct {
		all   []string
		known bool
	}{
		"$.t":          {[]string{"abc"}, true},
		"$.n":          {[]string{"12", "12"}, true},
		"$.map":        {[]string{`{"k":"x\"y","l":[1.50,true,null,"z"]}`, `x"y`, "1.50", "z"}, true},
		"$.big":        {nil, false},
		"$.missing":    {nil, true},
		"body ~ =(.*)": {[]string{"abc"}, true},
	} {
		got, known := captureOf(t, "secret_x", form).Secrets(answer)
		sortScalars := cmpopts.SortSlices(func(a, b string) bool { return a < b })
		if diff := cmp.Diff(want.all, got, sortScalars); diff != "" || known != want.known {
			t.Errorf("%s: known %t, want %t; (-want +got):\n%s", form, known, want.known, diff)
		}
	}
	if _, known := captureOf(t, "secret_x", "$.t").Secrets(&Answer{Body: `{"t": "ab`}); known {
		t.Error("what a text that is no JSON holds is known")
	}
}
