package cost

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseProcess(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       process
		err        string
	}{
		{
			name: "client library",
			text: "# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 12.34\nprocess_resident_memory_bytes 4.7755264e+07\nprocess_start_time_seconds 1.7e+09\n",
			want: process{12340 * time.Millisecond, 47755264, 1.7e9},
		},
		{
			name: "OpenMetrics with time, exemplar and no last line break",
			text: "process_cpu_seconds_total 1.5 1700000000.123 # {trace_id=\"a\"} 1\nprocess_resident_memory_bytes 10\n# EOF",
			want: process{1500 * time.Millisecond, 10, 0},
		},
		{
			name: "labels that hold brackets, quotes and line breaks",
			text: "process_cpu_seconds_total{app=\"a } b\",x=\"\\\"}\"} 1\r\n  process_cpu_seconds_total{app=\"c\"}\t2\r\n",
			want: process{3 * time.Second, 0, 0},
		},
		{name: "nothing was used yet", text: "process_cpu_seconds_total 0\n"},
		{name: "other series", text: "process_cpu_seconds_total_max 4\nhttp_requests_total 1\n", err: "there is no process_cpu_seconds_total"},
		{name: "a page", text: "<html>process_cpu_seconds_total 4</html>", err: "there is no process_cpu_seconds_total"},
		{name: "nothing", err: "there is no process_cpu_seconds_total"},
		{name: "no value", text: "process_cpu_seconds_total\n", err: "process_cpu_seconds_total has a line that is no sample"},
		{name: "open labels", text: "process_cpu_seconds_total{a=\"} 4\n", err: "process_cpu_seconds_total has a line that is no sample"},
		{name: "negative", text: "process_cpu_seconds_total -1\n", err: "process_cpu_seconds_total has a line that is no sample"},
		{name: "not a number", text: "process_cpu_seconds_total NaN\n", err: "process_cpu_seconds_total has a line that is no sample"},
		{name: "without end", text: "process_cpu_seconds_total +Inf\n", err: "process_cpu_seconds_total has a line that is no sample"},
		{name: "too much", text: "process_cpu_seconds_total 1e300\n", err: "a value of the process is out of range"},
	} {
		got, err := parseProcess([]byte(c.text))
		said := ""
		if err != nil {
			said = err.Error()
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(process{})); diff != "" || said != c.err {
			t.Errorf("%s: error %q, want %q (-want +got):\n%s", c.name, said, c.err, diff)
		}
	}
}

// answers is an endpoint that gives one text after the other.
func answers(texts ...string) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) {
		if len(texts) == 0 {
			return nil, errors.New("refused")
		}
		text := texts[0]
		texts = texts[1:]
		return []byte(text), nil
	}
}

// Its processor time goes on where a service is started anew.
func TestScrapeFollowsARestart(t *testing.T) {
	s := &scrape{asks: "GET /metrics", fetch: answers(
		"process_cpu_seconds_total 5\nprocess_start_time_seconds 100\n",
		"process_cpu_seconds_total 7\nprocess_start_time_seconds 100\n",
		"process_cpu_seconds_total 1\nprocess_start_time_seconds 200\n", // fewer seconds
		"process_cpu_seconds_total 2\nprocess_start_time_seconds 200\n",
		"process_cpu_seconds_total 9\nprocess_start_time_seconds 300\n", // more seconds
	)}
	var got []time.Duration
	for range 5 {
		r, err := s.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.CPU/time.Second)
	}
	if diff := cmp.Diff([]time.Duration{5, 7, 8, 9, 18}, got); diff != "" {
		t.Errorf("seconds (-want +got):\n%s", diff)
	}
	if _, err := s.Read(t.Context()); err == nil || err.Error() != "GET /metrics: refused" {
		t.Errorf("error %v", err)
	}
}

// The counters of replicas that answer in turn are not one counter.
func TestScrapeRefusesReplicasInTurn(t *testing.T) {
	s := &scrape{asks: "GET /metrics", fetch: answers(
		"process_cpu_seconds_total 5\nprocess_start_time_seconds 100\n",
		"process_cpu_seconds_total 1\nprocess_start_time_seconds 200\n",
		"process_cpu_seconds_total 5\nprocess_start_time_seconds 100\n",
	)}
	for range 2 {
		if _, err := s.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "several processes answer") {
		t.Errorf("error %v", err)
	}
}

func FuzzParseProcess(f *testing.F) {
	f.Add([]byte("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total{a=\"}\\\\\"} 1.5 17\nprocess_resident_memory_bytes 7\n"))
	f.Add([]byte("process_cpu_seconds_total{"))
	f.Add([]byte("process_cpu_seconds_total 0x1p-2\nprocess_start_time_seconds 1e9"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parseProcess(text)
		if p.cpu < 0 || p.memory < 0 || p.start < 0 || err != nil && p != (process{}) {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
	})
}
