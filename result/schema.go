package result

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema returns the JSON Schema (draft 2020-12) of the result file, made from
// the Go types.
func Schema() []byte {
	s, err := jsonschema.For[Run](&jsonschema.ForOptions{TypeSchemas: typeSchemas()})
	if err != nil {
		panic(fmt.Sprintf("result: schema: %v", err)) // a field of a type that no schema describes
	}
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "slogate result"
	s.Properties["version"].Const = jsonschema.Ptr[any](Version)
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("result: schema: %v", err))
	}
	return append(text, '\n')
}

// typeSchemas describes the types whose JSON says less, or other things, than
// their Go type.
func typeSchemas() map[reflect.Type]*jsonschema.Schema {
	count := &jsonschema.Schema{Type: "integer", Minimum: new(0.0)}
	return map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Histogram](): {
			Type:            "string",
			Pattern:         "^(" + wirePrefix + ".*)?$",
			ContentEncoding: "base64",
			Description:     "HdrHistogram V2 compressed, 1 µs to 1 h in microseconds, 3 significant digits; empty for no values",
		},
		reflect.TypeFor[time.Duration](): {Type: "integer", Minimum: new(0.0), Description: "nanoseconds"},
		reflect.TypeFor[time.Time]():     {Type: "string", Format: "date-time"},
		reflect.TypeFor[map[int]int64](): {
			Type:                 "object",
			PropertyNames:        &jsonschema.Schema{Pattern: "^[1-9][0-9]{2}$"},
			AdditionalProperties: count,
		},
		reflect.TypeFor[State]():      enum(Completed, NotRun, Cancelled, Aborted, Dead, Limited),
		reflect.TypeFor[Verdict]():    enum(Pass, Warn, Fail, Inconclusive, Skipped, Shown),
		reflect.TypeFor[Confidence](): enum(Low, Medium, High),
		reflect.TypeFor[Class](): enum(Success, FailedCheck, BadStatus, Timeout, Refused, Reset,
			DNS, TLS, Protocol, Local, CancelledBy, UnsentDue),
	}
}

func enum[T ~string](words ...T) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, w := range words {
		s.Enum = append(s.Enum, string(w))
	}
	return s
}
