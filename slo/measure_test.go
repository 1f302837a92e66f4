package slo

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMeasureFinds(t *testing.T) {
	var exact any
	d := json.NewDecoder(strings.NewReader(`{"price": 12.50, "text": " 7 ", "word": "größe", "items": [1, 2, 3], "map": {"length": 9}, "none": null, "yes": true, "debt": -1, "large": 1e300, "most": 3600000}`))
	d.UseNumber()
	if err := d.Decode(&exact); err != nil {
		t.Fatal(err)
	}
	answer := &Answer{Exact: exact, Header: map[string]string{"age": "60"}, Body: "n=42 m=x"}
	for text, want := range map[string]any{
		"$.price":         12.5,
		"$.text":          7.0,
		"$.items":         3.0,
		"$.items.length":  3.0,
		"$.word.length":   5.0,
		"$.map":           1.0,
		"$.map.length":    1.0,
		"$.map['length']": 9.0,
		"$.items[1]":      2.0,
		"$.most":          3_600_000.0,
		"header Age":      60.0,
		`body ~ n=(\d+)`:  42.0,
		`body ~ m=(\w+)`:  "found no number",
		"$.word":          "found no number",
		"$.yes":           "found no number",
		"$.price.length":  "found neither a list nor a map nor a text",
		"$.none":          "found null",
		"$.nothing":       "found nothing",
		"header x-none":   "found nothing",
		"$.debt":          "found -1, which is not between 0 and 3600000",
		"$.large":         "which is not between 0 and 3600000",
	} {
		m, err := parseMeasure(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := m.Find(answer)
		if message, isMessage := want.(string); isMessage {
			if err == nil || !strings.Contains(err.Error(), message) || len(err.Error()) > 500 {
				t.Errorf("%s: found %v, error %v, want %q", text, got, err, message)
			}
		} else if err != nil || got != want {
			t.Errorf("%s: found %v, %v, want %v", text, got, err, want)
		}
	}
}

func FuzzMeasure(f *testing.F) {
	f.Add("$.items.length", `{"items": [1]}`)
	f.Add(`body ~ (\d+)`, "12")
	f.Fuzz(func(t *testing.T, text, body string) {
		m, err := parseMeasure(text)
		if err != nil {
			return
		}
		var exact any
		_ = json.Unmarshal([]byte(body), &exact)
		if v, err := m.Find(&Answer{Exact: exact, Body: body}); err == nil && !(v >= 0 && v <= MaxMeasured) {
			t.Errorf("%q finds %v in %q", text, v, body)
		}
	})
}
