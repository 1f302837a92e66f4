package demo

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

// serve runs a service on a free port until the test ends.
func serve(t *testing.T, cfg Config) (s *Service, url string) {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s, "http://" + l.Addr().String()
}

// send returns the answer with its body read.
func send(t *testing.T, method, url, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func TestAnswers(t *testing.T) {
	_, url := serve(t, Config{})
	setosa := `{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}`
	virginica := `{"sepal_length": 6.3, "sepal_width": 3.3, "petal_length": 6.0, "petal_width": 2.5}`
	for _, c := range []struct {
		name, method, path, body string
		code                     int
		want                     string // in the body
	}{
		{"setosa", "POST", "/predict", setosa, 200, `{"species":"setosa","probabilities":{"setosa":1,"versicolor":`},
		{"virginica", "POST", "/predict", virginica, 200, `{"species":"virginica",`},
		{"blanks around", "POST", "/predict", "\n " + setosa + " \n", 200, `"setosa"`},
		{"batch", "POST", "/predict/batch", `{"flowers": [` + setosa + "," + virginica + `]}`, 200, `{"predictions":[{"species":"setosa",`},
		{"health", "GET", "/health", "", 200, `{"status":"ok","ready":1,"replicas":1}`},
		{"no body", "POST", "/predict", "", 400, "read JSON: EOF"},
		{"not JSON", "POST", "/predict", "setosa?", 400, "read JSON: invalid character"},
		{"cut off", "POST", "/predict", setosa[:40], 400, "read JSON: unexpected EOF"},
		{"a list", "POST", "/predict", "[" + setosa + "]", 400, "cannot unmarshal array"},
		{"null", "POST", "/predict", "null", 400, "sepal_length is missing"},
		{"two values", "POST", "/predict", setosa + setosa, 400, "read JSON: more than one value"},
		{"unknown length", "POST", "/predict", `{"stem_length": 30}`, 400, `unknown field \"stem_length\"`},
		{"missing length", "POST", "/predict", `{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4}`, 400, "petal_width is missing"},
		{"a word", "POST", "/predict", `{"sepal_length": "5.1"}`, 400, "cannot unmarshal string"},
		{"negative", "POST", "/predict", strings.Replace(setosa, "5.1", "-5.1", 1), 400, "sepal_length must be above 0 and at most 100 cm"},
		{"zero", "POST", "/predict", strings.Replace(setosa, "0.2", "0", 1), 400, "petal_width must be above 0"},
		{"beyond float", "POST", "/predict", strings.Replace(setosa, "5.1", "1e999", 1), 400, "read JSON"},
		{"too long a petal", "POST", "/predict", strings.Replace(setosa, "1.4", "101", 1), 400, "petal_length must be"},
		{"too large", "POST", "/predict", `{"sepal_length": ` + strings.Repeat(" ", maxBody) + "1}", 413, "larger than 65536 bytes"},
		{"too large behind", "POST", "/predict", setosa + strings.Repeat(" ", maxBody), 413, "larger than 65536 bytes"},
		{"empty batch", "POST", "/predict/batch", `{"flowers": []}`, 400, "flowers must hold 1 to 100"},
		{"large batch", "POST", "/predict/batch", `{"flowers": [{}` + strings.Repeat(",{}", 100) + `]}`, 400, "flowers must hold 1 to 100"},
		{"bad flower in a batch", "POST", "/predict/batch", `{"flowers": [` + setosa + `, {}]}`, 400, "flowers[1]: sepal_length is missing"},
		{"markup in the body", "POST", "/predict", `<script>`, 400, `invalid character '\u003c'`},
		{"unknown path", "GET", "/predictions", "", 404, "nothing here"},
		{"wrong method", "GET", "/predict", "", 405, "use POST"},
		{"wrong method of health", "DELETE", "/health", "", 405, "use GET, HEAD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, body := send(t, c.method, url+c.path, c.body)
			if answer.StatusCode != c.code || !strings.Contains(body, c.want) {
				t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.path, answer.StatusCode, body, c.code, c.want)
			}
			if got := answer.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %q", got)
			}
			if isError := strings.HasPrefix(body, `{"error":`); isError != (c.code >= 400) {
				t.Errorf("%d with body %s", c.code, body)
			}
			if allowed := answer.Header.Get("Allow"); (allowed != "") != (c.code == 405) {
				t.Errorf("%d with Allow %q", c.code, allowed)
			}
		})
	}
}

func TestOverload(t *testing.T) {
	for name, change := range map[string]func(*shape){
		"full":            func(s *shape) { s.queue = 0 },
		"waited too long": func(s *shape) { s.wait = -time.Nanosecond },
	} {
		t.Run(name, func(t *testing.T) {
			s, url := serve(t, Config{})
			change(&s.cluster.shape)
			answer, body := send(t, "POST", url+"/predict", aFlower)
			if answer.StatusCode != 503 || answer.Header.Get("Retry-After") != "1" || !strings.Contains(body, name) {
				t.Errorf("got %d %v %s", answer.StatusCode, answer.Header, body)
			}
		})
	}
}

// A client that breaks off frees its place.
func TestClientGone(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.work(ctx, maxFlowers); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want cancelled", err)
	}
	if s.cluster.flying != 0 || s.cluster.pods[0].inFlight != 0 {
		t.Errorf("%d requests in flight, want none", s.cluster.flying)
	}
}

func TestBurn(t *testing.T) {
	_, url := serve(t, Config{Burn: true})
	if answer, body := send(t, "POST", url+"/predict", aFlower); answer.StatusCode != 200 {
		t.Errorf("got %d %s", answer.StatusCode, body)
	}
}

// sampleLine is a line of Prometheus' text format that carries a value.
var sampleLine = regexp.MustCompile(`^([a-z_]+)(\{[a-z]+="[^"]+"\})? ([0-9.e+-]+)$`)

func TestMetrics(t *testing.T) {
	_, url := serve(t, Config{})
	send(t, "POST", url+"/predict", aFlower)
	send(t, "POST", url+"/predict", aFlower)
	send(t, "POST", url+"/predict", "{}")
	answer, text := send(t, "GET", url+"/metrics", "")
	if got := answer.Header.Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	values := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "# ") {
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("not a sample: %q", line)
			continue
		}
		if !strings.Contains(text, "\n# TYPE "+strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(m[1], "_bucket"), "_sum"), "_count")+" ") {
			t.Errorf("%s has no type", m[1])
		}
		values[m[1]+m[2]] = m[3]
	}
	for name, want := range map[string]string{
		`http_requests_total{code="200"}`:                 "2",
		`http_requests_total{code="400"}`:                 "1",
		`http_request_duration_seconds_bucket{le="+Inf"}`: "3",
		`http_request_duration_seconds_count`:             "3",
		`demo_replicas`:                                   "1",
		`demo_replicas_ready`:                             "1",
		`demo_replicas_desired`:                           "1",
		`demo_refused_total`:                              "0",
	} {
		if values[name] != want {
			t.Errorf("%s = %q, want %s", name, values[name], want)
		}
	}
	if values["demo_cpu_seconds_total"] == "0" || values["demo_cpu_seconds_total"] == "" {
		t.Errorf("two predictions cost %q", values["demo_cpu_seconds_total"])
	}
}

// The two process metrics are there where /proc is.
func TestProcess(t *testing.T) {
	cpu, okCPU := processCPU()
	memory, okMemory := processMemory()
	if okCPU != okMemory {
		t.Fatalf("CPU known: %v, memory known: %v", okCPU, okMemory)
	}
	if okCPU && (cpu < 0 || memory < 1<<20) {
		t.Errorf("process: %v s of CPU, %d bytes", cpu, memory)
	}
}

func TestClusterInterface(t *testing.T) {
	s, err := New(Config{Speed: 10})
	if err != nil {
		t.Fatal(err)
	}
	want := result.ClusterLimits{MinReplicas: 1, MaxReplicas: 3, TargetCPU: 0.5, RequestMilli: 100, LimitMilli: 200}
	if diff := cmp.Diff(want, s.Timeline().Limits); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	if got := s.Timeline(); got.Source != "demo" || got.Name == "" {
		t.Errorf("source %q, name %q", got.Source, got.Name)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Sample(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Sample after the end: error %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, speed := range []float64{-1, 0.001, 1e6, math.NaN(), math.Inf(1)} {
		if _, err := New(Config{Speed: speed}); err == nil {
			t.Errorf("speed %v was accepted", speed)
		}
	}
}

// A listener that is closed behind the service's back ends it with an error.
func TestServeError(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := s.Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v, want closed", err)
	}
}

// No body makes the service panic or answer what it does not mean: a flower
// that it believes, or an error in JSON.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{aFlower, `{"flowers":[` + aFlower + `]}`, `{"sepal_length":1e400}`, "null", "[]", `{"flowers":null}`, "\xff", `{"sepal_length":-0}`} {
		f.Add(seed)
	}
	s, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for name, decode := range map[string]func(io.Reader) ([]measures, error){"one": decodeFlower, "batch": decodeBatch} {
			list, err := decode(strings.NewReader(body))
			if err != nil {
				w := httptest.NewRecorder()
				refuse(w, http.StatusBadRequest, err.Error())
				if !json.Valid(w.Body.Bytes()) {
					t.Errorf("%s %q: answered %q", name, body, w.Body)
				}
				continue
			}
			if len(list) == 0 || len(list) > maxFlowers {
				t.Errorf("%s %q: %d flowers", name, body, len(list))
			}
			for _, x := range list {
				for _, v := range x {
					if !(v > 0 && v <= maxLength) {
						t.Errorf("%s %q: believed a length of %v", name, body, v)
					}
				}
				if _, err := json.Marshal(s.predict(x)); err != nil {
					t.Errorf("%s %q: %v", name, body, err)
				}
			}
		}
	})
}
