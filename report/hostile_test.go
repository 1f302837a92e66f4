package report

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/slogate/slogate/result"
)

// hostile are texts that mean something in some form.
var hostile = []string{
	"<script>alert(1)</script><img src=x onerror=alert(1)>",
	"</script></title></style></pre></summary></details>",
	"]]>--><!--&lt;b&gt;&#60;",
	"| a | b |\n| - | - |\n",
	`\| \\| \`,
	"```\n```mermaid\n~~~\n",
	"`` ` ```",
	"**b** _i_ ~s~ [l](http://x.example) ![i](//x) <http://x.example> www.example.com me@example.com",
	"# head\n- item\n1. item\n> quote\n---\n===\n",
	"\"] bar [1, 2]\n%%{init: {}}%%\n",
	"' onload=alert(1) x=\" y=",
	`","=cmd|'/C calc'!A0`,
	"=1+1\r\n@SUM(1)\t+2",
	"Tag=a,1,2,3,HISTFAAA\n#[x]\nx y,z",
	"a=\"b\"} 1\n# EOF\nslogate_passed 0",
	"::error file=x::y\n##[error]z\n::add-mask::e",
	"\x1b]0;title\x07\x1b[31m\u202e\u2066\x00\xff\xfe\u2028",
	"{{.}} ${x} $(x) `x` %s %!d",
	strings.Repeat("very long ", 2000),
}

// filled is a judged comparison with s in every text that comes from outside.
// The words that reading a result file checks are left.
func filled(s string) *result.Run {
	r := whole()
	fill(reflect.ValueOf(r).Elem(), "", func(_ string, v reflect.Value) {
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString(s)
		}
	}, checked...)
	tellApart(r.Stages)
	tellApart(r.Base.Stages)
	return r
}

// tellApart gives each stage a name of its own, before what is cut off: a file
// with two of one name is not read.
func tellApart(stages []result.Stage) {
	for i := range stages[1:] {
		stages[1+i].Name = fmt.Sprint(1+i) + stages[1+i].Name
	}
}

// whole is a run that has something of everything that a result can hold.
func whole() *result.Run {
	r := sampleRun(result.Fail)
	r.Judgement.Notices = []string{"x"}
	r.Gaps = []string{"x"}
	r.Judgement.Earlier = sampleEarlier(3)
	r.Timeline.Samples = r.Timeline.Samples[:20]
	r.Coverage = &result.Coverage{Document: "x", Operations: 3, Loaded: 1, Missing: []string{"x", "x"}}
	r.Gaps = []string{"x"}
	for i := range r.Stages {
		s := &r.Stages[i]
		s.Slices = s.Slices[:3] // a few of each kind are enough, and quick
		s.Slowest = s.Failures
		s.Measures = sampleMeasures()
		s.Metrics = []result.Metric{{Name: "x", Asked: 1, Points: []result.MetricPoint{{Value: 1}}, Missing: "x"}}
		s.Profile = &result.Profile{Samples: 9, Functions: []result.Function{{Name: "x", Flat: 0.5, Cum: 0.5}}, Missing: "x"}
		s.Steps = []result.Step{{Scenario: "x", Name: "x", Requests: result.Requests{Measures: sampleMeasures()}}}
		s.Iterations = []result.Iterations{{Scenario: "x"}}
		s.Search = &result.Search{Steps: []result.SearchStep{{Rate: 50, Reason: "x"}}, Unclear: "x"}
	}
	r.Stages[2].Beside = []result.Workload{{Model: "open", Arrivals: "uniform"}}
	compared := sampleCompared()
	base := r.Stages[2]
	base.Slices = slices.Clone(base.Slices)
	r.Base = &result.Base{Target: "x", Route: "x", Stages: []result.Stage{base}}
	for _, o := range compared.Judgement.Objectives[:2] {
		o.Comparison.Mismatch = "x"
		r.Judgement.Objectives = append(r.Judgement.Objectives, o)
	}
	return r
}

func sampleMeasures() map[string]result.Histogram { return map[string]result.Histogram{"x": {}} }

// checked are the fields that hold one word of a closed list.
var checked = []string{"Severity", "Margin", "Cmp", "Unit", "Model", "Arrivals"}

// fill calls set for every field that is a string, with its path, but for the
// named ones.
func fill(v reflect.Value, path string, set func(string, reflect.Value), but ...string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem(), path, set, but...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), path+"[]", set, but...)
		}
	case reflect.Struct:
		for f, value := range v.Fields() {
			if f.IsExported() && !slices.Contains(but, f.Name) {
				fill(value, path+"."+f.Name, set, but...)
			}
		}
	case reflect.Map:
		fillKey(v, path, set)
	case reflect.String:
		set(path, v)
	}
}

// fillKey calls set for the key of a map that has one, a string.
func fillKey(v reflect.Value, path string, set func(string, reflect.Value)) {
	if v.Type().Key().Kind() != reflect.String || v.Len() != 1 {
		return
	}
	old := v.MapKeys()[0]
	key := reflect.New(v.Type().Key()).Elem()
	key.Set(old)
	set(path, key)
	changed := reflect.MakeMap(v.Type())
	changed.SetMapIndex(key, v.MapIndex(old))
	v.Set(changed)
}

// texts are the paths of all strings that a type can hold.
func texts(t reflect.Type, path string) []string {
	var out []string
	switch t.Kind() {
	case reflect.Pointer:
		return texts(t.Elem(), path)
	case reflect.Slice:
		return texts(t.Elem(), path+"[]")
	case reflect.Struct:
		for f := range t.Fields() {
			if f.IsExported() {
				out = append(out, texts(f.Type, path+"."+f.Name)...)
			}
		}
	case reflect.Map:
		for _, kind := range []reflect.Kind{t.Key().Kind(), t.Elem().Kind()} {
			if kind == reflect.String {
				out = append(out, path)
			}
		}
	case reflect.String:
		out = append(out, path)
	}
	return out
}

// What is fuzzed is every string that a result can hold: a new field of a
// result has to be in the sample too.
func TestWholeRunHasEveryString(t *testing.T) {
	found := map[string]bool{}
	fill(reflect.ValueOf(whole()).Elem(), "", func(path string, _ reflect.Value) { found[path] = true })
	for _, path := range texts(reflect.TypeFor[result.Run](), "") {
		if !found[path] {
			t.Errorf("no sample has %s", path)
		}
	}
}

// A word of a closed list that is none of them is in no form: a file that was
// not read by this program's own reader can hold anything there.
func TestUnknownWordsAreNotWritten(t *testing.T) {
	const word = "zzz<b>|zzz"
	r := whole()
	fill(reflect.ValueOf(r).Elem(), "", func(path string, v reflect.Value) {
		name := path[strings.LastIndexByte(path, '.')+1:]
		if v.Type() != reflect.TypeFor[string]() || slices.Contains(checked, name) {
			v.SetString(word)
		}
	})
	for _, form := range structured {
		if text := written(t, r, form.write); strings.Contains(text, "zzz") {
			t.Errorf("%s holds a word from outside as if it were one of its own", form.name)
		}
	}
}

// written forms, each with what reads its structure.
var structured = []struct {
	name      string
	write     func(io.Writer, *result.Run) error
	structure func(string) ([]string, error)
}{
	{"markdown", Markdown, markdownStructure},
	{"comment", writeComment, markdownStructure},
	{"html", HTML, htmlStructure},
	{"junit", JUnit, xmlStructure},
	{"openmetrics", OpenMetrics, metricsStructure},
	{"hlog", HLog, hlogStructure},
	{"csv", CSV, csvStructure},
}

// command is what a CI's runner or a terminal would obey.
var command = regexp.MustCompile(`(?m)^\s*::|##\[|\x1b`)

// FuzzForms writes a run whose every text is the same, and compares the
// structure of each form with that of a run of harmless texts: nothing from
// outside may add an element, a cell, a line or a label.
func FuzzForms(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	harmless := map[string][]string{}
	for _, form := range structured {
		want, err := form.structure(written(f, filled("x"), form.write))
		if err != nil {
			f.Fatal(err)
		}
		harmless[form.name] = want
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.TrimSpace(s) == "" {
			t.Skip("nothing to write")
		}
		r := filled(s)
		for _, form := range structured {
			text := written(t, r, form.write)
			got, err := form.structure(text)
			if err != nil {
				t.Errorf("%s of %q: %v", form.name, s, err)
				continue
			}
			if diff := cmp.Diff(harmless[form.name], got); diff != "" {
				t.Errorf("%s of %q has another structure (-harmless +this):\n%s", form.name, s, diff)
			}
			if found := command.FindString(text); found != "" && form.name != "html" {
				t.Errorf("%s of %q holds a command: %q", form.name, s, found)
			}
		}
	})
}

func written(t testing.TB, r *result.Run, write func(io.Writer, *result.Run) error) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// writeComment writes a comment without a limit: long texts cost a limited one
// whole sections.
func writeComment(w io.Writer, r *result.Run) error {
	form := commentForm
	form.limit = math.MaxInt
	text, err := form.write(markdownPage{View: newView(r, markdown)})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

var (
	anyTag      = regexp.MustCompile(`<[^>]*>`)
	mermaidCode = regexp.MustCompile(`(?s)<code class="language-mermaid">(.*?)</code>`)
	mermaidText = regexp.MustCompile(`^%%\{init: [{}a-zA-Z": #0-9a-f,]+\}%%\n` +
		`xychart-beta\n    x-axis (\[("[\pL\pN _./+-]+"(, )?)+\]|"seconds" 0 --> \d+)\n` +
		`    y-axis "[a-z ]+" 0 --> [\d.]+\n(    (bar|line) \[[\d., ]+\]\n)+$`)
)

// markdownStructure renders GitHub's Markdown with raw HTML let through, and
// returns its tags. Charts hold nothing but what this package means them to.
func markdownStructure(text string) ([]string, error) {
	var page strings.Builder
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := md.Convert([]byte(text), &page); err != nil {
		return nil, err
	}
	for _, m := range mermaidCode.FindAllStringSubmatch(page.String(), -1) {
		chart := strings.NewReplacer("&quot;", `"`, "&gt;", ">").Replace(m[1])
		if !mermaidText.MatchString(chart) {
			return nil, fmt.Errorf("a chart that is none:\n%s", chart)
		}
	}
	return anyTag.FindAllString(page.String(), -1), nil
}

// htmlStructure returns the page's tags, up to the script; the numbers of the
// charts are JSON without a sign that could end them.
func htmlStructure(text string) ([]string, error) {
	head, numbers, found := strings.Cut(text, `<script type="application/json" id="charts">`)
	if !found {
		return nil, errors.New("no numbers")
	}
	numbers, rest, _ := strings.Cut(numbers, "</script>")
	if !json.Valid([]byte(numbers)) || strings.ContainsAny(numbers, "<>&") {
		return nil, fmt.Errorf("the numbers are not JSON: %.200q", numbers)
	}
	if rest != "\n<script>"+shell().script+"</script>\n</body>\n</html>\n" {
		return nil, errors.New("another script")
	}
	return anyTag.FindAllString(strings.Replace(head, shell().style, "", 1), -1), nil
}

// xmlStructure returns the elements with the names of their attributes.
func xmlStructure(text string) ([]string, error) {
	var out []string
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			var name strings.Builder
			name.WriteString(e.Name.Local)
			for _, a := range e.Attr {
				name.WriteString(" " + a.Name.Local)
			}
			out = append(out, name.String())
		case xml.EndElement:
			out = append(out, "/"+e.Name.Local)
		case xml.Comment, xml.Directive:
			return nil, fmt.Errorf("a comment or a directive: %v", e)
		}
	}
}

var labelValue = regexp.MustCompile(`"[^"]*"`)

// metricsStructure returns the lines without the values of labels.
func metricsStructure(text string) ([]string, error) {
	if err := checkOpenMetrics(text); err != nil {
		return nil, err
	}
	return strings.Split(labelValue.ReplaceAllString(text, `""`), "\n"), nil
}

var (
	hlogTagValue = regexp.MustCompile(`(?m)^Tag=[\pL\pN./_+-]+,`)
	hlogPayload  = regexp.MustCompile(`^,?(\d+\.\d{3},){3}HISTFAAA[A-Za-z0-9+/=]+$`)
)

// hlogStructure returns the lines without their tags.
func hlogStructure(text string) ([]string, error) {
	lines := strings.Split(hlogTagValue.ReplaceAllString(text, ","), "\n")
	for _, line := range lines {
		if line != "" && !strings.HasPrefix(line, "#[") && !strings.HasPrefix(line, `"StartTimestamp"`) && !hlogPayload.MatchString(line) {
			return nil, fmt.Errorf("not a line of a log: %.200q", line)
		}
	}
	return lines, nil
}

// csvStructure returns the lines without their first cell, which no
// spreadsheet computes.
func csvStructure(text string) ([]string, error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, row := range rows {
		if strings.ContainsAny(row[0][:min(len(row[0]), 1)], "=+-@\t\r") {
			return nil, fmt.Errorf("a formula: %q", row[0])
		}
		out = append(out, strings.Join(row[1:], ","))
	}
	return out, nil
}
