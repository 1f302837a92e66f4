package prometheus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slogate/slogate/secret"
)

func says(body string) Server {
	return Server{Fetch: func(context.Context, string, url.Values) ([]byte, error) { return []byte(body), nil }}
}

func matrix(series ...string) string {
	return `{"status":"success","data":{"resultType":"matrix","result":[` + strings.Join(series, ",") + `]}}`
}

func TestRange(t *testing.T) {
	from, until := time.UnixMilli(1_700_000_000_250), time.UnixMilli(1_700_000_002_250)
	var asked url.Values
	fetch := func(_ context.Context, path string, parameters url.Values) ([]byte, error) {
		asked = parameters
		return []byte(matrix(`{"metric":{"job":"a"},"values":[[1700000000.25,"1.5"],[1700000001.25,"NaN"],[1700000002.25,"+Inf"]]}`)), nil
	}
	got, err := Server{Fetch: fetch}.Range(t.Context(), `up{job="a"}`, from, until, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	want := []Point{{from, 1.5}, {from.Add(time.Second), math.NaN()}, {until, math.Inf(1)}}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	sent := url.Values{"query": {`up{job="a"}`}, "start": {"1700000000.250"}, "end": {"1700000002.250"}, "step": {"1.000"}}
	if diff := cmp.Diff(sent, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestRangeRefuses(t *testing.T) {
	moment := time.UnixMilli(1_700_000_000_000)
	for _, c := range []struct {
		name, body, err string
		query           bool // the query is at fault
	}{
		{"nothing", ``, "the answer is not of Prometheus' API", false},
		{"a page", `<html>`, "the answer is not of Prometheus' API", false},
		{"another API", `{"status":"ok"}`, "the answer is not of Prometheus' API", false},
		{"a vector", `{"status":"success","data":{"resultType":"vector","result":[]}}`, "the answer is not the course of a query", false},
		{"two series", matrix(`{"metric":{"a":"::error::"}}`, `{}`), "the query gives 2 series: put sum(…), avg(…) or max(…) around it", true},
		{"histograms", matrix(`{"histograms":[[1,{}]]}`), "the query gives histograms: put histogram_quantile(0.95, …) or histogram_avg(…) around it", true},
		{"a bad query", `{"status":"error","errorType":"bad_data","error":"1:4: parse\n::error::"}`, "the server says: 1:4: parse ::error::", true},
		{"a timeout", `{"status":"error","errorType":"timeout","error":"slow"}`, "the server says: slow", false},
		{"no pair", matrix(`{"values":[[1700000000]]}`), "the answer is not of Prometheus' API", false},
		{"no number", matrix(`{"values":[[1700000000,"x"]]}`), "the answer is not of Prometheus' API", false},
		{"a value that is no text", matrix(`{"values":[[1700000000,1]]}`), "the answer is not of Prometheus' API", false},
		{"endless time", matrix(`{"values":[[1e300,"1"]]}`), "the answer is not of Prometheus' API", false},
		{"another time", matrix(`{"values":[[1600000000,"1"]]}`), "the server answered for moments that it was not asked for", false},
		{"the same time twice", matrix(`{"values":[[1700000000,"1"],[1700000000,"1"]]}`), "the server answered for moments that it was not asked for", false},
		{"a long explanation", `{"status":"error","errorType":"execution","error":"` + strings.Repeat("x", 9999) + `"}`, "the server says: " + strings.Repeat("x", 199) + "…", true},
	} {
		got, err := says(c.body).Range(t.Context(), "x", moment, moment, time.Second)
		_, query := errors.AsType[*QueryError](err)
		if err == nil || err.Error() != c.err || query != c.query || got != nil {
			t.Errorf("%s: %v, %v (of the query: %v), want %q (%v)", c.name, got, err, query, c.err, c.query)
		}
	}
	if got, err := says(matrix()).Range(t.Context(), "x", moment, moment, time.Second); got != nil || err != nil {
		t.Errorf("no series: %v, %v", got, err)
	}
}

// Nothing of a secret stays where an explanation is cut, or made one line.
func TestRangeMasks(t *testing.T) {
	const key = "correct-horse\nbattery-staple"
	for at := 150; at < 250; at++ {
		s := says(fmt.Sprintf(`{"status":"error","errorType":"bad_data","error":%q}`, strings.Repeat("x", at)+key))
		s.Mask = secret.NewMask([]string{key})
		_, err := s.Range(t.Context(), "x", time.UnixMilli(1), time.UnixMilli(2), time.Second)
		if err == nil || strings.ContainsAny(strings.TrimPrefix(err.Error(), "the server says: "), "cb") {
			t.Fatalf("at %d: %v", at, err)
		}
	}
}

// Whatever a server answers, there are values in order at moments that were
// asked for, or an error in one short line.
func FuzzParse(f *testing.F) {
	f.Add([]byte(matrix(`{"metric":{"job":"a"},"values":[[1700000000.25,"1.5"],[1700000001.25,"NaN"]]}`)))
	f.Add([]byte(matrix(`{"values":[[1700000001,"1"],[1700000000,"0x1p-2"],[1e400,"1e999"]]}`)))
	f.Add([]byte(`{"status":"error","errorType":"bad_data","error":"x\u001b[31m\n::error::"}`))
	from, until := time.UnixMilli(1_700_000_000_000), time.UnixMilli(1_700_000_060_000)
	f.Fuzz(func(t *testing.T, body []byte) {
		points, err := says(string(body)).Range(t.Context(), "up", from, until, time.Second)
		if err != nil {
			if text := err.Error(); points != nil || len(text) > 5*maxText || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q: %v, %q", body, points, text)
			}
			return
		}
		var again strings.Builder
		for i, p := range points {
			if p.At.Before(from.Add(-time.Millisecond)) || p.At.After(until.Add(time.Millisecond)) || i > 0 && !p.At.After(points[i-1].At) {
				t.Errorf("%q has a value at %v", body, p.At)
			}
			fmt.Fprintf(&again, `,[%s,"%v"]`, seconds(p.At), p.Value)
		}
		same, err := Server{}.parse([]byte(matrix(`{"values":[` + strings.TrimPrefix(again.String(), ",") + `]}`)))
		if diff := cmp.Diff(points, same, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%q written again: %v\n%s", body, err, diff)
		}
	})
}
