package demo

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// latencyBounds are the upper bounds of the latency histogram's buckets in
// seconds: fine where the example's objectives lie.
var latencyBounds = []float64{.005, .01, .025, .05, .1, .15, .2, .25, .3, .4, .5, .75, 1, 2.5}

// metrics counts the answers of the paths that predict.
type metrics struct {
	mu      sync.Mutex
	codes   map[int]int64 // answers by status code
	buckets []int64       // answers by latency; the last is beyond all bounds
	seconds float64       // summed latency
}

func newMetrics() *metrics {
	return &metrics{codes: make(map[int]int64), buckets: make([]int64, len(latencyBounds)+1)}
}

// observe counts one answer.
func (m *metrics) observe(code int, latency time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.codes[code]++
	n, _ := slices.BinarySearch(latencyBounds, latency.Seconds())
	m.buckets[n]++
	m.seconds += latency.Seconds()
}

// write writes the counters in Prometheus' text format.
func (m *metrics) write(w io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	header(w, "http_requests_total", "counter", "Requests to predict, by status code.")
	for _, code := range slices.Sorted(maps.Keys(m.codes)) {
		fmt.Fprintf(w, "http_requests_total{code=\"%d\"} %d\n", code, m.codes[code])
	}
	const name = "http_request_duration_seconds"
	header(w, name, "histogram", "Time to answer requests to predict.")
	total := int64(0)
	for i, count := range m.buckets {
		total += count
		bound := "+Inf"
		if i < len(latencyBounds) {
			bound = number(latencyBounds[i])
		}
		fmt.Fprintf(w, "%s_bucket{le=\"%s\"} %d\n", name, bound, total)
	}
	fmt.Fprintf(w, "%s_sum %s\n%s_count %d\n", name, number(m.seconds), name, total)
}

// counted counts and times what h answers.
func (s *Service) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		seen := &statusWriter{ResponseWriter: w, code: http.StatusOK}
		h.ServeHTTP(seen, r)
		s.metrics.observe(seen.code, time.Since(start))
	})
}

// statusWriter remembers the status code.
type statusWriter struct {
	http.ResponseWriter
	code int
}

func (w *statusWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController and MaxBytesReader reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serveMetrics answers with everything in Prometheus' text format.
func (s *Service) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var text bytes.Buffer
	s.metrics.write(&text)
	if s.pod != nil {
		s.pod.write(&text)
	} else {
		s.cluster.write(&text, time.Now())
	}
	writeProcess(&text)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text.Bytes())
}

// write writes the state of the pods.
func (c *cluster) write(w io.Writer, now time.Time) {
	s := c.sample(now)
	c.mu.Lock()
	spent := c.spent
	c.mu.Unlock()
	gauge := func(name, help string, value float64) {
		header(w, name, "gauge", help)
		fmt.Fprintf(w, "%s %s\n", name, number(value))
	}
	gauge("demo_replicas", "Pods that exist.", float64(s.Replicas))
	gauge("demo_replicas_ready", "Pods that answer.", float64(s.Ready))
	gauge("demo_replicas_desired", "Pods that the autoscaler asked for.", float64(s.Desired))
	gauge("demo_replicas_wanted", "Pods that it would ask for without its maximum.", float64(s.Wanted))
	gauge("demo_cpu_usage_cores", "CPU usage of all simulated pods.", s.UsageMilli/1000)
	header(w, "demo_refused_total", "counter", "Requests turned away because of overload.")
	fmt.Fprintf(w, "demo_refused_total %d\n", s.RefusedTotal)
	header(w, "demo_cpu_seconds_total", "counter", "CPU time accounted to the simulated pods.")
	fmt.Fprintf(w, "demo_cpu_seconds_total %s\n", number(spent.Seconds()))
}

// writeProcess writes what the system tells about the real process. Where there
// is no /proc these metrics are absent, which Prometheus reads as unknown.
func writeProcess(w io.Writer) {
	if cpu, ok := processCPU(); ok {
		header(w, "process_cpu_seconds_total", "counter", "CPU time of the process, user and system.")
		fmt.Fprintf(w, "process_cpu_seconds_total %s\n", number(cpu))
	}
	if memory, ok := processMemory(); ok {
		header(w, "process_resident_memory_bytes", "gauge", "Resident memory of the process.")
		fmt.Fprintf(w, "process_resident_memory_bytes %d\n", memory)
	}
}

// ticksPerSecond is USER_HZ, 100 on every architecture that Go runs on: see
// proc_pid_stat(5).
const ticksPerSecond = 100

// processCPU reads utime and stime, the 14th and the 15th field of
// proc_pid_stat(5), in seconds.
func processCPU() (float64, bool) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, false
	}
	// The second field, the program's name, may hold blanks and brackets.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0, false
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	return (user + system) / ticksPerSecond, err1 == nil && err2 == nil
}

// processMemory reads the resident pages, the second field of /proc/self/statm,
// in bytes.
func processMemory() (int64, bool) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}

func header(w io.Writer, name, kind, help string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
