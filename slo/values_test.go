package slo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// requestOf reads the only request of a file, given its keys.
func requestOf(t *testing.T, keys string) *Request {
	t.Helper()
	file := parseText(t, head+"scenarios:\n  - {"+keys+"}\n"+oneStage)
	return file.Scenarios[0].Steps[0].Request
}

func TestBodies(t *testing.T) {
	lit := func(s string) Part { return Part{Literal: s} }
	value := func(v Value, e Escape, args ...string) Part { return Part{Value: v, Escape: e, Args: args} }
	for name, c := range map[string]struct {
		keys        string
		want        Template
		contentType string
	}{
		"none": {keys: "name: x"},
		"json tree": {
			`json: {z: 1.10, a: [true, null, ~, "1", 12345678901234567890123, 1e5], "k\"": 'q"\ <&>'}`,
			Template{lit(`{"z":1.10,"a":[true,null,null,"1",12345678901234567890123,1e5],"k\"":"q\"\\ <&>"}`)},
			"application/json",
		},
		"json null":          {"json: null", Template{lit("null")}, "application/json"},
		"json empty":         {"json: {}", Template{lit("{}")}, "application/json"},
		"json date":          {"json: 2024-01-01", Template{lit(`"2024-01-01"`)}, "application/json"},
		"json bool":          {"json: [True, FALSE, on]", Template{lit(`[true,false,"on"]`)}, "application/json"},
		"json number alone":  {`json: {n: "${random.int(1, 10)}"}`, Template{lit(`{"n":`), value(RandomInt, EscapeNone, "1", "10"), lit("}")}, "application/json"},
		"json worker":        {`json: ["${worker}", "${iteration}"]`, Template{lit("["), value(Worker, EscapeNone), lit(","), value(Iteration, EscapeNone), lit("]")}, "application/json"},
		"json numbers of":    {`json: "${random.of(1,2.5)}"`, Template{value(RandomOf, EscapeNone, "1", "2.5")}, "application/json"},
		"json words of":      {`json: "${random.of(a,1)}"`, Template{lit(`"`), value(RandomOf, EscapeJSON, "a", "1"), lit(`"`)}, "application/json"},
		"json inside":        {`json: "n-${worker}"`, Template{lit(`"n-`), value(Worker, EscapeJSON), lit(`"`)}, "application/json"},
		"json env is text":   {`json: "${env.N:-5}"`, Template{lit(`"5"`)}, "application/json"},
		"json env escaped":   {`json: "${env.USER_NAME}"`, Template{lit(`"anna \"quoted\" & more"`)}, "application/json"},
		"json key":           {`json: {"${uuid}": 1}`, Template{lit(`{"`), value(UUID, EscapeJSON), lit(`":1}`)}, "application/json"},
		"json literal":       {`json: "$${uuid} $$ $"`, Template{lit(`"${uuid} $$ $"`)}, "application/json"},
		"form":               {`form: {a b: "c&d", n: [1, "${env.USER_NAME}"], u: "${uuid}"}`, Template{lit("a+b=c%26d&n=1&n=anna+%22quoted%22+%26+more&u="), value(UUID, EscapeForm)}, "application/x-www-form-urlencoded"},
		"form empty field":   {`form: {a: "", b: 1}`, Template{lit("a=&b=1")}, "application/x-www-form-urlencoded"},
		"text":               {`body: "a ${now} $${b}"`, Template{lit("a "), value(Now, EscapeNone), lit(" ${b}")}, "text/plain; charset=utf-8"},
		"text number":        {`body: 5`, Template{lit("5")}, "text/plain; charset=utf-8"},
		"secret":             {`body: "${secret.API_TOKEN}"`, Template{lit("s3cr3t")}, "text/plain; charset=utf-8"},
		"file":               {"body_file: testdata/ok/body.json", Template{lit("{\"static\": \"${uuid}\"}\n")}, "application/json"},
		"own content type":   {`body: x, headers: {content-type: text/csv}`, Template{lit("x")}, "text/csv"},
		"default and env":    {`body: "${env.UNSET:-a:-b}${env.EMPTY:-c}${env.EMPTY}"`, Template{lit("a:-bc")}, "text/plain; charset=utf-8"},
		"default in braces":  {`body: '${env.UNSET:-{"a":{"b":1}}}${env.USER_NAME:-{"a":{}}}}'`, Template{lit(`{"a":{"b":1}}anna "quoted" & more}`)}, "text/plain; charset=utf-8"},
		"random string":      {`body: "${random.string(8)}"`, Template{value(RandomString, EscapeNone, "8")}, "text/plain; charset=utf-8"},
		"dollar at the end":  {`body: "a$"`, Template{lit("a$")}, "text/plain; charset=utf-8"},
		"literal then value": {`body: "$${a}${uuid}"`, Template{lit("${a}"), value(UUID, EscapeNone)}, "text/plain; charset=utf-8"},
	} {
		t.Run(name, func(t *testing.T) {
			r := requestOf(t, "request: POST /, "+c.keys)
			if diff := cmp.Diff(c.want, r.Body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			contentType := ""
			for _, h := range r.Headers {
				if h.Name == "Content-Type" {
					contentType, _ = h.Value.Static()
				}
			}
			if contentType != c.contentType {
				t.Errorf("content type is %q, want %q", contentType, c.contentType)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	lit := func(s string) Part { return Part{Literal: s} }
	for path, want := range map[string]Template{
		"/":                                {lit("/")},
		"/straße/%41?q=ü":                  {lit("/stra%C3%9Fe/%41?q=%C3%BC")},
		"/a/${env.WITH_MARKS}":             {lit("/a/a%20b&c=%C3%BC%2F%3F")},
		"/a?b=${env.WITH_MARKS}":           {lit("/a?b=a+b%26c%3D%C3%BC%2F%3F")},
		"/a/${uuid}?b=${uuid}&c=${worker}": {lit("/a/"), {Value: UUID, Escape: EscapePath}, lit("?b="), {Value: UUID, Escape: EscapeForm}, lit("&c="), {Value: Worker, Escape: EscapeForm}},
		"/a?b=${random.of(x?,y)}":          {lit("/a?b="), {Value: RandomOf, Args: []string{"x?", "y"}, Escape: EscapeForm}},
		"//double/{x}":                     {lit("//double/%7Bx%7D")},
	} {
		t.Run(path, func(t *testing.T) {
			r := requestOf(t, "request: 'GET "+path+"'")
			if diff := cmp.Diff(want, r.Path); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
		})
	}
}

// A name is printed and kept: no secret may reach it through a path.
func TestNamesKeepSecretsOut(t *testing.T) {
	r := requestOf(t, "request: 'GET /a/${secret.API_TOKEN}?t=${secret.API_TOKEN}'")
	if want := "GET /a/${secret.API_TOKEN}"; r.Name != want {
		t.Errorf("name is %q, want %q", r.Name, want)
	}
	if path, _ := r.Path.Static(); path != "/a/s3cr3t?t=s3cr3t" {
		t.Errorf("path is %q", path)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"", "a", "${uuid}", "$${", "${env.USER_NAME:-x}", "${random.of(a,b)}ü${", "${random.int(1,2)}?${now}", "$$${uuid}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := &parser{opts: Options{Env: testEnv}, file: &File{}, scope: &scope{}}
		n := &node{kind: scalarNode, typ: stringScalar, text: text}
		for _, c := range []slot{plainText, inJSON, inForm, fixed("a test")} {
			template, ok := p.template(n, text, c)
			if ok != (len(p.errs) == 0) {
				t.Fatalf("ok is %v with errors %v", ok, p.errs)
			}
			for i, part := range template {
				if part.Value == NoValue && (part.Literal == "" || i > 0 && template[i-1].Value == NoValue) {
					t.Fatalf("literals are not joined: %+v", template)
				}
			}
			p.errs = nil
		}
		p.path(n, text, text)
	})
}
