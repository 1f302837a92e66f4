package slo

import (
	"encoding/json"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema gives the JSON Schema (draft 2020-12) of the SLO file, for editors.
// It helps while writing; [Parse] has the last word, and refuses more.
func Schema() []byte {
	text, err := json.MarshalIndent(documentSchema(), "", "  ")
	if err != nil {
		panic("slo: the schema must encode: " + err.Error())
	}
	return append(text, '\n')
}

func documentSchema() *jsonschema.Schema {
	s := schemaOf[document](scalarSchemas())
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "slogate SLO file"
	s.PatternProperties = map[string]*jsonschema.Schema{"^" + noteKey: {}}
	s.Description = "What to load, in which stages, and which objectives the measurements must meet."
	return s
}

// schemaOf makes a schema of a type of the document.
func schemaOf[T any](known map[reflect.Type]*jsonschema.Schema) *jsonschema.Schema {
	s, err := jsonschema.For[T](&jsonschema.ForOptions{TypeSchemas: known})
	if err != nil {
		panic("slo: the types of the document must have a schema: " + err.Error())
	}
	noNull(s)
	return s
}

// noNull takes "null" out of the lists, which Go's slices may be.
func noNull(s *jsonschema.Schema) {
	if len(s.Types) == 2 && s.Types[0] == "null" {
		s.Type, s.Types = s.Types[1], nil
	}
	if s.Items != nil {
		noNull(s.Items)
	}
	for _, property := range s.Properties {
		noNull(property)
	}
}

// withValue lets a text hold a value of the environment wherever a pattern
// would forbid it.
const withValue = `|.*\$\{.*`

// Patterns of the texts.
const (
	numberPattern    = `[0-9]+(\.[0-9]+)?`
	durationPattern  = `(` + numberPattern + ` *(us|µs|ms|s|m|h|d))+`
	ratePattern      = numberPattern + ` */ *[smh]`
	indicatorPattern = `((ok|service|connect|tls|ttfb|first_event|event_gap|round_trip|iteration)\.)?(p[0-9]{1,2}(\.[0-9]+)?|min|mean|max|stddev)|(iteration\.)?(success_rate|error_rate|throughput|goodput)|requests|errors|timeouts|unsent|status\( *[1-5](xx|[0-9]{2})(\.\.[1-5][0-9]{2})? *\)|apdex\(.+\)|bytes_in|bytes_out|events|events_per_second|(iteration\.)?(p[0-9]{1,2}(\.[0-9]+)?|mean)\.slope|cpu_per_request|cpu|memory\.max|throttled|capacity|redirects|replicas\.max|scale_up_time|cpu\.max|restarts|metric\.[A-Za-z_][A-Za-z0-9_]*(\.(min|max|last))?|measure\.[A-Za-z_][A-Za-z0-9_]*\.(p[0-9]{1,2}(\.[0-9]+)?|min|mean|max|stddev)`
	objectivePattern = `(` + indicatorPattern + `) *(<=|>=|<|>|==) *.+`
)

func pattern(p string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: `^ *(` + p + `) *$`}
}

func either(schemas ...*jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: schemas}
}

func listOf(s *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "array", Items: s, MinItems: new(1)}
}

func wholeNumber(least float64) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "integer", Minimum: &least}
}

// anyScalar is a text; YAML may take it for a number or a bool.
func anyScalar() *jsonschema.Schema {
	return &jsonschema.Schema{Types: []string{"string", "number", "boolean"}}
}

// scalarSchemas says what the texts of the document look like.
func scalarSchemas() map[reflect.Type]*jsonschema.Schema {
	duration, count := pattern(durationPattern+withValue), either(wholeNumber(1), pattern("[0-9]+"+withValue))
	rate, workers := pattern(ratePattern+withValue), either(wholeNumber(1), pattern(`[0-9]+`+withValue))
	ramp := func(unit string) *jsonschema.Schema { return pattern(unit + `(\.\.` + unit + `)?` + withValue) }
	known := map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[versionText]():      {Const: jsonschema.Ptr[any](Version)},
		reflect.TypeFor[templateText]():     anyScalar(),
		reflect.TypeFor[fixedText]():        anyScalar(),
		reflect.TypeFor[durationText]():     duration,
		reflect.TypeFor[distributionText](): {Enum: []any{string(Exponential), string(Normal), string(LogNormal)}},
		reflect.TypeFor[rateText]():         rate,
		reflect.TypeFor[rateValue]():        either(ramp(ratePattern), listOf(rate)),
		reflect.TypeFor[workersValue]():     either(wholeNumber(1), ramp(`[0-9]+`), listOf(workers)),
		reflect.TypeFor[countValue]():       count,
		reflect.TypeFor[switchValue]():      {Enum: []any{true, false, "on", "off", "true", "false"}},
		reflect.TypeFor[requestText]():      pattern(`[A-Za-z]+ +/.*`),
		reflect.TypeFor[statusValue]():      either(&jsonschema.Schema{Type: "integer", Minimum: new(100.0), Maximum: new(599.0)}, pattern(`[1-5](xx|[0-9]{2})|[1-5][0-9]{2}\.\.[1-5][0-9]{2}`+withValue)),
		reflect.TypeFor[checkText]():        anyScalar(),
		reflect.TypeFor[arrivalsText]():     {Enum: []any{string(Uniform), string(Poisson)}},
		reflect.TypeFor[searchText]():       ramp(ratePattern),
		reflect.TypeFor[pacingText]():       {Enum: []any{string(AutoPacing), string(PrecisePacing), string(TickPacing)}},
		reflect.TypeFor[scheduleText]():     {Enum: []any{string(Alternate), string(Mixed)}},
		reflect.TypeFor[eachText]():         {Enum: []any{eachStep}},
		reflect.TypeFor[artifactText]():     pattern(`[A-Za-z0-9][A-Za-z0-9._-]{0,59}` + withValue),
		reflect.TypeFor[branchText]():       anyScalar(),
		reflect.TypeFor[decideText]():       {Enum: []any{string(Measured), string(Sure), string(Lenient)}},
		reflect.TypeFor[objectiveText]():    pattern(objectivePattern),
		reflect.TypeFor[indicatorText]():    pattern(indicatorPattern),
		reflect.TypeFor[filesValue]():       either(anyScalar(), listOf(anyScalar())),
		reflect.TypeFor[anyJSON]():          {},
		reflect.TypeFor[headerMap]():        {Type: "object", AdditionalProperties: anyScalar()},
		reflect.TypeFor[commandText]():      {Type: "string", MinLength: new(1)},
		reflect.TypeFor[variableMap]():      {Type: "object", PropertyNames: &jsonschema.Schema{Pattern: `^[A-Za-z_][A-Za-z0-9_]*$`}, AdditionalProperties: anyScalar()},
		reflect.TypeFor[orderText]():        {Enum: []any{string(Sequential), string(Random), string(Unique)}},
		reflect.TypeFor[atEndText]():        {Enum: []any{string(Repeat), string(Stop)}},
		reflect.TypeFor[onFailText]():       {Enum: []any{"stop", "continue"}},
		reflect.TypeFor[sessionText]():      {Enum: []any{string(IterationSession), string(WorkerSession)}},
		reflect.TypeFor[captureMap]():       {Type: "object", AdditionalProperties: pattern(`\$.*|header +.+|cookie +.+|body *~.+|event.*`)},
		reflect.TypeFor[formMap]():          {Type: "object", AdditionalProperties: either(anyScalar(), listOf(anyScalar()))},
		reflect.TypeFor[protocolText]():     {Enum: []any{string(AutoProtocol), string(HTTP1), string(HTTP2), string(H2C)}},
		reflect.TypeFor[dnsTypeText]():      {Enum: []any{string(TypeA), string(TypeAAAA), string(TypeCNAME), string(TypeMX), string(TypeNS), string(TypeSRV), string(TypeTXT)}},
		reflect.TypeFor[streamText]():       {Enum: []any{string(SSE), string(Lines), string(Chunks), string(Messages)}},
		reflect.TypeFor[tlsVersionText]():   {Enum: []any{"1.2", "1.3", 1.2, 1.3}},
	}
	known[reflect.TypeFor[connectionsText]()] = either(&jsonschema.Schema{Enum: []any{keepConnections, newConnections}}, duration)
	known[reflect.TypeFor[resolveMap]()] = &jsonschema.Schema{Type: "object", AdditionalProperties: anyScalar()}
	known[reflect.TypeFor[algorithmText]()] = &jsonschema.Schema{Enum: []any{"sha256", "sha512", "sha384", "sha1"}}
	known[reflect.TypeFor[encodingText]()] = &jsonschema.Schema{Enum: []any{"hex", "base64"}}
	known[reflect.TypeFor[queryMap]()] = &jsonschema.Schema{Type: "object", MinProperties: new(1), PropertyNames: &jsonschema.Schema{Pattern: variableName.String()}, AdditionalProperties: &jsonschema.Schema{Type: "string"}}
	known[reflect.TypeFor[signedText]()] = pattern(`method|path|host|body|header +.+` + withValue)
	known[reflect.TypeFor[authItem]()] = either(&jsonschema.Schema{Const: jsonschema.Ptr[any](noAuth)}, authSchema(known))
	field := either(anyScalar(), schemaOf[multipartDoc](known))
	known[reflect.TypeFor[multipartMap]()] = &jsonschema.Schema{Type: "object", AdditionalProperties: either(field, listOf(field.CloneSchemas()))}
	known[reflect.TypeFor[objectiveItem]()] = either(pattern(objectivePattern), objectiveSchema(known))
	known[reflect.TypeFor[pauseValue]()] = either(ramp(durationPattern), schemaOf[pauseDoc](known))
	known[reflect.TypeFor[baselineItem]()] = either(&jsonschema.Schema{Const: jsonschema.Ptr[any](noBaseline)}, schemaOf[baselineDoc](known))
	known[reflect.TypeFor[profileMap]()] = &jsonschema.Schema{Type: "object", PropertyNames: &jsonschema.Schema{Pattern: profileName.String()}, AdditionalProperties: schemaOf[profileDoc](known)}
	return withStructs(known)
}

func authSchema(known map[reflect.Type]*jsonschema.Schema) *jsonschema.Schema {
	s := schemaOf[authDoc](known)
	for _, kind := range keysOf[authDoc]() {
		s.OneOf = append(s.OneOf, needs(kind))
	}
	return s
}

func objectiveSchema(known map[reflect.Type]*jsonschema.Schema) *jsonschema.Schema {
	s := schemaOf[objectiveDoc](known)
	s.OneOf = []*jsonschema.Schema{needs("fail"), needs("warn"), needs("show")}
	return s
}

// withStructs adds the maps whose keys depend on each other.
func withStructs(known map[reflect.Type]*jsonschema.Schema) map[reflect.Type]*jsonschema.Schema {
	known[reflect.TypeFor[streamValue]()] = either(known[reflect.TypeFor[streamText]()], schemaOf[streamDoc](known))
	data := schemaOf[dataDoc](known)
	known[reflect.TypeFor[dataValue]()] = either(data, listOf(data.CloneSchemas()))
	wait := schemaOf[waitForDoc](known)
	wait.OneOf = []*jsonschema.Schema{needs("request"), needs("tcp"), needs("dns")}
	known[reflect.TypeFor[waitForDoc]()] = wait
	step := schemaOf[stepDoc](known)
	step.OneOf = append(needsKind(), needs("pause"))
	known[reflect.TypeFor[stepDoc]()] = step
	setup := schemaOf[setupDoc](known)
	setup.OneOf = step.OneOf
	known[reflect.TypeFor[setupDoc]()] = setup
	scenarioStep := schemaOf[scenarioStepDoc](known)
	scenarioStep.OneOf = append(needsKind(), needs("pause"), needs("repeat"))
	known[reflect.TypeFor[scenarioStepDoc]()] = scenarioStep
	scenario := schemaOf[scenarioDoc](known)
	scenario.OneOf = append(needsKind(), needs("steps"))
	known[reflect.TypeFor[scenarioDoc]()] = scenario
	load := []*jsonschema.Schema{needs("rate"), needs("workers")}
	workload := schemaOf[workloadDoc](known)
	workload.OneOf = load
	known[reflect.TypeFor[workloadDoc]()] = workload
	stage := schemaOf[stageDoc](known)
	stage.OneOf = append(load, needs("search"), needs("parallel"))
	known[reflect.TypeFor[stageDoc]()] = stage
	return known
}

// needsKind asks for one of the keys that say what a step sends.
func needsKind() []*jsonschema.Schema {
	var all []*jsonschema.Schema
	for _, kind := range kinds {
		all = append(all, needs(kind))
	}
	return all
}

func needs(key string) *jsonschema.Schema {
	return &jsonschema.Schema{Required: []string{key}}
}
