package result

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
)

func TestSchema(t *testing.T) {
	var s jsonschema.Schema
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	schema, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	good := encoded(t, small())
	valid := func(text string) error {
		var instance any
		if err := json.Unmarshal([]byte(text), &instance); err != nil {
			t.Fatal(err)
		}
		return schema.Validate(instance)
	}
	if err := valid(good); err != nil {
		t.Errorf("a written result does not follow the schema: %v", err)
	}
	for seed := range seeds(20) {
		if err := valid(encoded(t, randomRun(seed))); err != nil {
			t.Errorf("seed %d: a written result does not follow the schema: %v", seed, err)
		}
	}
	for _, tt := range []struct{ from, to string }{
		{`"version": 1`, `"version": 2`},
		{`"verdict": "fail"`, `"verdict": "splendid"`},
		{`"state": "not-run"`, `"state": "running"`},
		{`"class": "timeout"`, `"class": "luck"`},
		{`"200": 3`, `"2": 3`},
		{wirePrefix, "H4sIAAAA"},
		{`"duration_ns": 1000000000`, `"duration_ns": -1`},
		{`"name": "iris"`, `"title": "iris"`},
	} {
		if err := valid(strings.Replace(good, tt.from, tt.to, 1)); err == nil {
			t.Errorf("%s in place of %s follows the schema", tt.to, tt.from)
		}
	}
}
