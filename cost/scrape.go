package cost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// The series that Prometheus' client libraries export of the process:
// https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics.
const (
	cpuSeries    = "process_cpu_seconds_total"
	memorySeries = "process_resident_memory_bytes"
	startSeries  = "process_start_time_seconds"
)

// ticks is the unit of the client libraries: they read /proc/self/stat.
const ticks = 10 * time.Millisecond

// scrape reads the service's own Prometheus endpoint.
type scrape struct {
	fetch func(context.Context) ([]byte, error)
	asks  string // "GET /metrics"

	last   process
	before time.Duration // what was used by processes before the last one
}

// process is what an endpoint says of its process.
type process struct {
	cpu    time.Duration
	memory int64   // bytes; 0: not told
	start  float64 // seconds since 1970; 0: not told
}

func (s *scrape) String() string {
	return fmt.Sprintf("%s and %s, from %s", cpuSeries, memorySeries, s.asks)
}

func (s *scrape) Resolution() time.Duration { return ticks }

// Read asks once. The moment is the middle of the request.
func (s *scrape) Read(ctx context.Context) (Reading, error) {
	start := time.Now()
	text, err := s.fetch(ctx)
	if err != nil {
		return Reading{}, fmt.Errorf("%s: %w", s.asks, err)
	}
	now, err := parseProcess(text)
	if err == nil {
		err = s.follow(now)
	}
	if err != nil {
		return Reading{}, fmt.Errorf("%s: %w", s.asks, err)
	}
	return Reading{At: start.Add(time.Since(start) / 2), CPU: s.before + now.cpu, Memory: now.memory}, nil
}

// follow takes what the endpoint says now. A process that was started anew
// counts from 0. One that is older than the last is another replica's: the
// counters of several that take turns cannot be told apart.
func (s *scrape) follow(now process) error {
	switch {
	case now.start < s.last.start:
		return errors.New("several processes answer in turn, each with counters of its own")
	case now.cpu < s.last.cpu || now.start > s.last.start:
		s.before += s.last.cpu
	}
	s.last = now
	return nil
}

// Limits of what is believed: a century of a core, and more memory than there
// is.
const (
	mostSeconds = 3.2e9
	mostBytes   = 1 << 60
)

// parseProcess reads the series of the process from Prometheus' text format or
// from OpenMetrics. Where one has several sets of labels, such as one for each
// process of the service, they add up.
func parseProcess(text []byte) (process, error) {
	sums := map[string]float64{cpuSeries: -1, memorySeries: 0, startSeries: 0}
	for line := range bytes.Lines(text) {
		name, rest := splitName(bytes.TrimLeft(line, " \t"))
		sum, wanted := sums[name]
		if !wanted {
			continue
		}
		value, ok := sampleValue(rest)
		if !ok {
			return process{}, fmt.Errorf("%s has a line that is no sample", name)
		}
		sums[name] = max(sum, 0) + value
	}
	cpu, memory := sums[cpuSeries], sums[memorySeries]
	switch {
	case cpu < 0:
		return process{}, errors.New("there is no " + cpuSeries)
	case !(cpu <= mostSeconds) || !(memory <= mostBytes):
		return process{}, errors.New("a value of the process is out of range")
	}
	return process{time.Duration(math.Round(cpu * float64(time.Second))), int64(memory), sums[startSeries]}, nil
}

// splitName splits a line after the name of its series.
func splitName(line []byte) (name string, rest []byte) {
	end := bytes.IndexAny(line, "{ \t\r\n")
	if end < 0 {
		end = len(line)
	}
	return string(line[:end]), line[end:]
}

// sampleValue reads what follows a name: labels, which are passed over, the
// value, and perhaps a time and an exemplar.
func sampleValue(rest []byte) (float64, bool) {
	rest = bytes.TrimLeft(rest, " \t")
	if bytes.HasPrefix(rest, []byte("{")) {
		var ok bool
		if rest, ok = afterLabels(rest[1:]); !ok {
			return 0, false
		}
	}
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(fields[0]), 64)
	return v, err == nil && v >= 0 && !math.IsInf(v, 0)
}

// afterLabels is what follows the bracket that closes a set of labels. Their
// values are quoted and may hold brackets.
func afterLabels(rest []byte) ([]byte, bool) {
	quoted := false
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && c == '}':
			return rest[i+1:], true
		}
	}
	return nil, false
}
