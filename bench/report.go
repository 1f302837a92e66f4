//go:build linux

package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// figure is a promise: a median, or a ratio of two medians, that must not
// exceed a limit.
type figure struct {
	what    string
	cell    string
	tool    string
	metric  string
	against string // the tool to divide by; empty: the value itself
	must    float64
	aim     float64 // 0: none
	unit    string  // of the value itself
}

var figures = []figure{
	{"closed, 64 connections: CPU for a request", "closed64", "slogate", "cpu", "wrk", 1.00, 0.88, ""},
	{"closed, 64 connections: user time", "closed64", "slogate", "user", "", 1.5, 0, "µs"},
	{"20,000/s: CPU for a request", "rate20k", "slogate", "cpu", "fortio", 0.95, 0.80, ""},
	{"5,000/s: CPU for a request", "rate5k", "slogate", "cpu", "fortio", 0.95, 0.85, ""},
	{"log in, browse, order at 2,000/s: CPU for a request", "journey", "slogate", "cpu", "slogate, plain", 3, 2, ""},
	{"log in, browse, order at 2,000/s: CPU for a request", "journey", "slogate", "cpu", "k6", 0.25, 0, ""},
	{"stalls at 500/s: worst error of p50, p95, p99, p99.9", "stall", "slogate", "worst", "", 3, 2, "%"},
	{"stalls at 500/s: due requests that were lost", "stall", "slogate", "lost", "", 0, 0, "requests"},
	{"lognormal at 500/s: worst error of p95, p99, p99.9", "lognormal", "slogate", "worst", "", 3, 2, "%"},
	{"lateness p99, precise, 500/s", "lateness", "500/s", "p99", "", 300, 100, "µs"},
	{"lateness p99, precise, 1,000/s", "lateness", "1000/s", "p99", "", 300, 100, "µs"},
	{"lateness p99, precise, 2,000/s", "lateness", "2000/s", "p99", "", 300, 100, "µs"},
	{"the same with normal priority, 500/s", "lateness", "500/s, normal priority", "p99", "", 300, 0, "µs"},
	{"the same with normal priority, 1,000/s", "lateness", "1000/s, normal priority", "p99", "", 300, 0, "µs"},
	{"the same with normal priority, 2,000/s", "lateness", "2000/s, normal priority", "p99", "", 300, 0, "µs"},
	{"lateness p99, ticks, 5,000/s", "lateness", "5000/s", "p99", "", 1200, 0, "µs"},
	{"lateness p99, ticks, 20,000/s", "lateness", "20000/s", "p99", "", 1200, 0, "µs"},
	{"memory with 2,000 connections at 5,000/s", "memory", "slogate", "peak", "", 20, 12, "MB"},
	{"start of the program to the first request", "start", "slogate", "start", "", 15, 8, "ms"},
	{"allocations for a request in the loop", "allocations", "slogate", "allocations", "", 0, 0, "each"},
	{"service's own p99 beside slogate", "beside", "slogate", "p99", "hey", 1, 0, ""},
	{"service's own p99 beside slogate", "beside", "slogate", "p99", "vegeta", 1, 0, ""},
	{"service's own p99 beside slogate", "beside", "slogate", "p99", "fortio", 1, 0, ""},
	{"service's own p99 beside slogate", "beside", "slogate", "p99", "k6", 1, 0, ""},
	{"TLS 1.3, 64 connections: CPU for a request", "tls", "slogate", "cpu", "wrk", 1.5, 0, ""},
	{"TLS 1.3, 64 connections: CPU for a request", "tls", "slogate", "cpu", "hey", 1, 0, ""},
	{"TLS 1.3, 64 connections: CPU for a request", "tls", "slogate", "cpu", "vegeta", 1, 0, ""},
	{"TLS 1.3, 64 connections: CPU for a request", "tls", "slogate", "cpu", "k6", 1, 0, ""},
	{"work that is done beside 5,000/s: normal priority ÷ raised", "priority", "normal", "work", "raised", 1.02, 0, ""},
}

// write makes the results' page.
func write(data results, machine string, s settings, cells []cell) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Results of the benchmarks\n\n%s\n", machine)
	fmt.Fprintf(&b, "%d rounds; in each one every tool was measured once, in turn. Ratios are of medians,\n", s.rounds)
	b.WriteString("with the 95 % interval of a bootstrap over the rounds. README.md says how it is done.\n\n## Promises\n\n")
	b.WriteString("| what | compared with | must | aim | measured | 95 % interval | met |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, f := range figures {
		b.WriteString(f.row(data))
	}
	for _, c := range cells {
		b.WriteString(c.section(data))
	}
	return b.String()
}

func (f figure) row(data results) string {
	var against map[int]float64
	if f.against != "" {
		if against = data.values(f.cell, f.against, f.metric); len(against) == 0 {
			return ""
		}
	}
	e, ok := compare(data.values(f.cell, f.tool, f.metric), against)
	if !ok {
		return ""
	}
	met := "**missed**"
	if e.value <= f.must {
		met = "yes"
		if f.aim > 0 && e.value <= f.aim {
			met = "yes, and the aim"
		}
	}
	name, aim := "–", "–"
	if f.against != "" {
		name = f.against
	}
	if f.aim > 0 {
		aim = "≤ " + f.value(f.aim)
	}
	return fmt.Sprintf("| %s | %s | ≤ %s | %s | %s | %s to %s | %s |\n", f.what, name, f.value(f.must), aim, f.value(e.value), short(e.low), short(e.high), met)
}

// value writes a ratio, or a number with its unit.
func (f figure) value(v float64) string {
	if f.unit == "" {
		return short(v) + " ×"
	}
	return short(v) + " " + f.unit
}

// short writes three significant digits.
func short(v float64) string {
	if v != 0 && math.Abs(v) < 1000 {
		digits := max(2-int(math.Floor(math.Log10(math.Abs(v)))), 0)
		return strconv.FormatFloat(v, 'f', min(digits, 3), 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// section shows what every tool measured in a cell: median and range.
func (c cell) section(data results) string {
	if len(data[c.name]) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n| |", c.name, strings.ToUpper(c.about[:1])+c.about[1:])
	for _, m := range c.metrics {
		name, unit, _ := strings.Cut(m, " ")
		fmt.Fprintf(&b, " %s, %s |", name, unit)
	}
	b.WriteString(" rounds |\n| --- |" + strings.Repeat(" --- |", len(c.metrics)+1) + "\n")
	for _, tool := range c.tools {
		if len(data[c.name][tool]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "| %s |", tool)
		for _, m := range c.metrics {
			name, _, _ := strings.Cut(m, " ")
			values := slices.Sorted(maps.Values(data.values(c.name, tool, name)))
			if len(values) == 0 {
				b.WriteString(" – |")
				continue
			}
			fmt.Fprintf(&b, " %s (%s to %s) |", short(median(values)), short(values[0]), short(values[len(values)-1]))
		}
		fmt.Fprintf(&b, " %d |\n", len(data[c.name][tool]))
	}
	return b.String()
}

// describe names the machine, the day, the command and the versions.
func describe(ctx context.Context, b *bench) string {
	var name unix.Utsname
	_ = unix.Uname(&name)
	lines := []string{
		fmt.Sprintf("- Machine: %s, %d cores, Linux %s, %s", processor(), runtime.NumCPU(), kernel(unix.ByteSliceToString(name.Release[:])), runtime.Version()),
		"- Day: " + time.Now().UTC().Format(time.DateOnly),
		"- Command: `" + strings.Join(append([]string{"go run ./bench"}, os.Args[1:]...), " ") + "`",
		"- Peers: " + strings.Join(slices.Sorted(maps.Values(peers)), ", ") + ", wrk " + b.version(ctx, "wrk", "-v"),
	}
	return strings.Join(lines, "\n") + "\n"
}

// kernel is the version alone: what a builder appends is about the machine.
func kernel(release string) string {
	version, _, _ := strings.Cut(release, "-")
	return version
}

// version is the first number in what a program says about itself.
func (b *bench) version(ctx context.Context, tool string, args ...string) string {
	out, _ := command(ctx, "", nil, b.program(tool), args...).CombinedOutput()
	for word := range strings.FieldsSeq(string(out)) {
		if strings.ContainsAny(word, "0123456789") {
			return strings.Trim(word, ",;")
		}
	}
	return "of an unknown version"
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
