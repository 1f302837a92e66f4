package report

import (
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slogate/slogate/result"
)

// encodedRun is a result file, of one stage for the fuzzer's sake.
func encodedRun(f *testing.F, r *result.Run) string {
	f.Helper()
	r.Stages = r.Stages[len(r.Stages)-1:]
	if r.Timeline != nil {
		r.Timeline.Samples = r.Timeline.Samples[:min(len(r.Timeline.Samples), 2)]
	}
	for i := range r.Stages {
		s := &r.Stages[i]
		s.Slices, s.InFlight = s.Slices[:min(len(s.Slices), 2)], s.InFlight[:min(len(s.InFlight), 2)]
	}
	var text strings.Builder
	if err := result.Encode(&text, r); err != nil {
		f.Fatal(err)
	}
	return text.String()
}

// FuzzDecoded writes whatever a result file may hold in every form: a fork's is
// shown on a pull request, whatever numbers and words are in it.
func FuzzDecoded(f *testing.F) {
	f.Add(encodedRun(f, whole()))
	f.Add(encodedRun(f, sampleRun(result.Pass)))
	f.Add(encodedRun(f, sampleCompared()))
	f.Add(`{"version":1,"judgement":{"verdict":"fail","objectives":[{"verdict":"fail","severity":"fail","text":"p95 <= 1ms","unit":"duration","measured":-1e308,"value":1e308,"samples":9}]},"stages":[{"state":"completed","duration":4611686018427387903,"workload":{"model":"open","rate_to":1e308}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := result.Decode(strings.NewReader(text)); err == nil {
			checkForms(t, text, r)
		}
	})
}

// FuzzNumbers is FuzzDecoded with one number of a result in the place of
// another, as far as reading the file lets it be: each number's range is what
// the forms have to cope with.
func FuzzNumbers(f *testing.F) {
	for _, n := range []int64{0, -1, 1, 1 << 53, 1<<62 - 1, -1 << 63} {
		f.Add(uint16(n&0xff), n, float64(n)*1e290)
	}
	base := encodedRun(f, whole())
	f.Fuzz(func(t *testing.T, which uint16, n int64, v float64) {
		r, err := result.Decode(strings.NewReader(base))
		if err != nil {
			t.Fatal(err)
		}
		all := numbers(reflect.ValueOf(r).Elem())
		switch one := all[int(which)%len(all)]; {
		case one.CanInt():
			one.SetInt(n)
		case one.CanUint():
			one.SetUint(uint64(n))
		default:
			one.SetFloat(v)
		}
		var text strings.Builder
		if err := result.Encode(&text, r); err != nil {
			return // no JSON
		}
		if r, err := result.Decode(strings.NewReader(text.String())); err == nil {
			checkForms(t, "", r)
		}
	})
}

// numbers are all numbers of a value that can be set.
func numbers(v reflect.Value) []reflect.Value {
	var all []reflect.Value
	switch {
	case v.CanInt() || v.CanUint() || v.CanFloat():
		return []reflect.Value{v}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return numbers(v.Elem())
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			all = append(all, numbers(v.Index(i))...)
		}
	case v.Kind() == reflect.Struct:
		for f, value := range v.Fields() {
			if f.IsExported() {
				all = append(all, numbers(value)...)
			}
		}
	}
	return all
}

// checkForms says what holds for every form of a result that was read.
func checkForms(t *testing.T, text string, r *result.Run) {
	t.Helper()
	for _, form := range structured {
		if strings.HasPrefix(form.name, "h") && r.Judgement == nil {
			continue
		}
		out := written(t, r, form.write)
		if _, err := form.structure(out); err != nil {
			t.Errorf("%s: %v", form.name, err)
		}
		if found := command.FindString(out); found != "" && form.name != "html" {
			t.Errorf("%s holds a command: %q", form.name, found)
		}
	}
	checkNumbers(t, text, written(t, r, Markdown), summaryForm.limit)
	plain := func(w io.Writer, r *result.Run) error { return Summary(w, r, plainForm.limit, false) }
	checkNumbers(t, text, written(t, r, plain), plainForm.limit)
	comment, err := Comment(r, CommentOptions{SummaryURL: "https://ci.example/1", Foreign: true})
	if err != nil {
		t.Fatal(err)
	}
	checkNumbers(t, text, comment, commentForm.limit)
	for _, width := range []int{0, 44, 200} {
		out := terminalText(t, r, TermOptions{Width: width})
		if bad := harmful(out); bad != "" {
			t.Errorf("terminal of %d columns: %s", width, bad)
		}
		checkNumbers(t, text, out, 1<<22)
	}
	out := written(t, r, JSON)
	again, err := result.Decode(strings.NewReader(out))
	if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("JSON is another result: %v\n%s", err, diff)
	}
	if strings.ContainsFunc(out, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
		t.Error("JSON holds a control character")
	}
}

// checkNumbers looks for what is no number, and for a text that is too long.
func checkNumbers(t *testing.T, in, out string, limit int) {
	t.Helper()
	if len(out) > limit {
		t.Errorf("%d bytes, at most %d are wanted", len(out), limit)
	}
	for _, none := range []string{"NaN", "Inf", "%!", "<nil>"} {
		if at := strings.Index(out, none); at >= 0 && !strings.Contains(in, none) && !strings.Contains(in, `\u`) {
			t.Errorf("%s in %q", none, out[max(at-80, 0):min(at+80, len(out))])
		}
	}
}
