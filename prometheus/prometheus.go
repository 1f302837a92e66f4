// Package prometheus asks a Prometheus server, or one with the same API, what a
// query gave between two moments.
//
// In come a way to send requests, which knows the server's address and shows who
// asks; a query in PromQL; and what must not be repeated of the answers. Out come
// the values of the query's one series. The package knows nothing of stages and
// objectives. What a server says is believed as far as it has a number at a moment
// that was asked for.
//
// It is plain JSON over HTTP
// (https://prometheus.io/docs/prometheus/latest/querying/api/): the server's own
// client library would bring more code than all that is done here.
package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/slogate/slogate/secret"
)

// MaxAnswer is how many bytes of an answer are read: far more than the values
// of one series at a few hundred moments take, and a query of too many series
// ends there.
const MaxAnswer = 4 << 20

// Fetch sends a GET request for a path of the server's API and returns the body
// of its answer.
type Fetch func(ctx context.Context, path string, parameters url.Values) ([]byte, error)

// Server is what is asked.
type Server struct {
	Fetch Fetch
	Mask  *secret.Mask // of what its explanations must not hold; nil: nothing
}

// Point is the value of a series at a moment, which may be no finite number.
type Point struct {
	At    time.Time
	Value float64
}

// QueryError says that asking again would not help: the query is at fault.
type QueryError struct{ Text string }

func (e *QueryError) Error() string { return e.Text }

// Range asks for the values of a query from one moment to another, every so
// often, both ends included, to the millisecond. A query that gives nothing has
// no points. The error is a [*QueryError] where the query is at fault; it holds
// nothing of the server's answer but its explanation, masked, cut and made
// harmless.
func (s Server) Range(ctx context.Context, query string, from, until time.Time, every time.Duration) ([]Point, error) {
	body, err := s.Fetch(ctx, "/api/v1/query_range", url.Values{
		"query": {query}, "start": {seconds(from)}, "end": {seconds(until)}, "step": {strconv.FormatFloat(every.Seconds(), 'f', 3, 64)},
	})
	if err != nil {
		return nil, err
	}
	points, err := s.parse(body)
	if err != nil {
		return nil, err
	}
	const rounding = time.Millisecond
	for i, p := range points {
		if p.At.Before(from.Add(-rounding)) || p.At.After(until.Add(rounding)) || i > 0 && !p.At.After(points[i-1].At) {
			return nil, errors.New("the server answered for moments that it was not asked for")
		}
	}
	return points, nil
}

// seconds since 1970, to the millisecond.
func seconds(t time.Time) string {
	return fmt.Sprintf("%d.%03d", t.UnixMilli()/1000, t.UnixMilli()%1000)
}

// answer is what the API says.
type answer struct {
	Status    string `json:"status"`
	ErrorType string `json:"errorType"`
	Error     string `json:"error"`
	Data      struct {
		Type   string   `json:"resultType"`
		Result []series `json:"result"`
	} `json:"data"`
}

type series struct {
	Values     []point           `json:"values"`
	Histograms []json.RawMessage `json:"histograms"`
}

// point is [seconds, "value"].
type point Point

// UnmarshalJSON reads one.
func (p *point) UnmarshalJSON(text []byte) error {
	var at float64
	var value string
	pair := []any{&at, &value}
	if err := json.Unmarshal(text, &pair); err != nil || len(pair) != 2 {
		return errors.New("a value is no pair of a time and a text")
	}
	const most = 1 << 40 // seconds: the milliseconds of it are far from overflow
	if !(math.Abs(at) < most) {
		return errors.New("a time is out of range")
	}
	v, err := strconv.ParseFloat(value, 64) // NaN, +Inf and -Inf included
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return errors.New("a value is no number")
	}
	p.At, p.Value = time.UnixMilli(int64(math.Round(1000*at))), v
	return nil
}

// parse reads an answer of the API.
func (s Server) parse(body []byte) ([]Point, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil || a.Status != "success" && a.Status != "error" {
		return nil, errors.New("the answer is not of Prometheus' API")
	}
	switch {
	case a.Status == "error":
		return nil, refusal(a.ErrorType, s.Mask.Cut(a.Error, maxText))
	case a.Data.Type != "matrix":
		return nil, errors.New("the answer is not the course of a query")
	case len(a.Data.Result) == 0:
		return nil, nil
	case len(a.Data.Result) > 1:
		return nil, &QueryError{fmt.Sprintf("the query gives %d series: put sum(…), avg(…) or max(…) around it", len(a.Data.Result))}
	}
	one := a.Data.Result[0]
	if len(one.Histograms) > 0 {
		return nil, &QueryError{"the query gives histograms: put histogram_quantile(0.95, …) or histogram_avg(…) around it"}
	}
	points := make([]Point, len(one.Values))
	for i, p := range one.Values {
		points[i] = Point(p)
	}
	return points, nil
}

// refusal is an error that the API explains.
func refusal(kind, text string) error {
	text = "the server says: " + harmless(text)
	switch kind {
	case "bad_data", "execution": // not timeout, canceled, internal, unavailable
		return &QueryError{text}
	}
	return errors.New(text)
}

// maxText is how many characters of an explanation are kept.
const maxText = 200

// harmless makes a text from outside one line without controls.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}
