//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/slogate/slogate/result"
)

// load is what a generator is asked for.
type load struct {
	url         string
	rate        int // requests a second; 0: as many as the connections carry
	connections int
	seconds     int
	core        string
	flags       []string // more of slogate's own
	script      *script  // nil: GET of the URL
}

// outcome is what a generator did.
type outcome struct {
	usage
	requests float64       // that it reports as done
	stage    *result.Stage // slogate's own result
}

// generate runs a generator.
func (b *bench) generate(ctx context.Context, tool string, l load) (outcome, error) {
	switch tool {
	case "slogate":
		return b.slogate(ctx, l)
	case "wrk":
		return b.wrk(ctx, l)
	case "fortio":
		return b.fortio(ctx, l)
	case "vegeta":
		return b.vegeta(ctx, l)
	case "hey":
		return b.hey(ctx, l)
	case "k6":
		return b.k6(ctx, l)
	}
	return outcome{}, fmt.Errorf("there is no tool %q", tool)
}

// iterations are how often a second the script begins.
func (l load) iterations() int {
	if l.script == nil {
		return l.rate
	}
	return l.rate / l.script.requests
}

// sloFile is the SLO file of a load.
func sloFile(l load) string {
	stage := fmt.Sprintf("workers: %d", l.connections)
	if l.rate > 0 {
		stage = fmt.Sprintf("rate: %d/s", l.iterations())
	}
	scenarios := " [{name: bench, request: GET /}]\n"
	if l.script != nil {
		scenarios = l.script.scenarios
	}
	return fmt.Sprintf(`version: 1
target: %s
scenarios:%sstages:
  - {name: bench, %s, duration: %ds, stop_on_dead: off}
objectives: [p50 <= 1m]
`, l.url, scenarios, stage, l.seconds)
}

// writeRows puts the script's rows into a folder.
func (l load) writeRows(dir string) error {
	if l.script == nil {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, "rows.csv"), []byte(l.script.rows), 0o644)
}

func (b *bench) slogate(ctx context.Context, l load) (outcome, error) {
	dir, err := os.MkdirTemp(b.scratch, "run")
	if err != nil {
		return outcome{}, err
	}
	path := filepath.Join(dir, "slo.yaml")
	if err := errors.Join(os.WriteFile(path, []byte(sloFile(l)), 0o644), l.writeRows(dir)); err != nil {
		return outcome{}, err
	}
	name, args := b.program("slogate"), append([]string{"run", path, "--out", dir, "--format", "json", "--gate", "report"}, l.flags...)
	if l.script != nil { // its rows have to lie below the working directory
		name, args = "env", append([]string{"-C", dir, name}, args...)
	}
	u, err := finish(ctx, l.core, b.trust(), name, args...)
	if err != nil {
		return outcome{}, err
	}
	r, err := result.ReadFile(filepath.Join(dir, "slogate-result.json"))
	if err != nil {
		return outcome{}, err
	}
	stage := &r.Stages[0]
	if n := stage.Counters.Errors() + stage.Counters.Unsent; n > 0 {
		return outcome{}, fmt.Errorf("%d of %d requests were not successful", n, stage.Counters.Due())
	}
	return outcome{u, float64(stage.Counters.Success), stage}, nil
}

func (b *bench) wrk(ctx context.Context, l load) (outcome, error) {
	u, err := finish(ctx, l.core, nil, b.program("wrk"), "-t1", "-c"+strconv.Itoa(l.connections), fmt.Sprintf("-d%ds", l.seconds), l.url)
	if err != nil {
		return outcome{}, err
	}
	n, err := parseWrk(u.output)
	return outcome{usage: u, requests: n}, err
}

var wrkRequests = regexp.MustCompile(`(?m)^\s*([0-9]+) requests in `)

func parseWrk(text string) (float64, error) { return number(wrkRequests, text) }

func (b *bench) fortio(ctx context.Context, l load) (outcome, error) {
	u, err := finish(ctx, l.core, nil, b.program("fortio"), "load", "-loglevel", "Error", "-quiet", "-json", "-",
		"-c", strconv.Itoa(l.connections), "-qps", strconv.Itoa(l.rate), "-t", fmt.Sprintf("%ds", l.seconds), l.url)
	if err != nil {
		return outcome{}, err
	}
	n, err := parseFortio(u.output)
	return outcome{usage: u, requests: n}, err
}

func parseFortio(text string) (float64, error) {
	var report struct{ RetCodes map[string]float64 }
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		return 0, fmt.Errorf("read fortio's report: %w", err)
	}
	return positive(report.RetCodes["200"])
}

// vegeta writes its results to a file; reading them is not part of its cost.
func (b *bench) vegeta(ctx context.Context, l load) (outcome, error) {
	targets, results := filepath.Join(b.scratch, "targets"), filepath.Join(b.scratch, "results")
	if err := os.WriteFile(targets, []byte("GET "+l.url+"\n"), 0o644); err != nil {
		return outcome{}, err
	}
	defer os.Remove(results)
	args := []string{"attack", "-targets", targets, "-output", results, "-rate", strconv.Itoa(l.rate), "-duration", fmt.Sprintf("%ds", l.seconds), "-insecure"}
	if n := strconv.Itoa(l.connections); l.rate == 0 {
		args = append(args, "-max-workers", n, "-workers", n, "-connections", n)
	}
	u, err := finish(ctx, l.core, nil, b.program("vegeta"), args...)
	if err != nil {
		return outcome{}, err
	}
	report, err := finish(ctx, "", nil, b.program("vegeta"), "report", "-type", "json", results)
	if err != nil {
		return outcome{}, err
	}
	n, err := parseVegeta(report.output)
	return outcome{usage: u, requests: n}, err
}

func parseVegeta(text string) (float64, error) {
	var report struct {
		Codes map[string]float64 `json:"status_codes"`
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		return 0, fmt.Errorf("read vegeta's report: %w", err)
	}
	return positive(report.Codes["200"])
}

func (b *bench) hey(ctx context.Context, l load) (outcome, error) {
	args := []string{"-z", fmt.Sprintf("%ds", l.seconds), "-c", strconv.Itoa(l.connections)}
	if l.rate > 0 {
		args = append(args, "-q", strconv.Itoa(max(l.rate/l.connections, 1)))
	}
	u, err := finish(ctx, l.core, nil, b.program("hey"), append(args, l.url)...)
	if err != nil {
		return outcome{}, err
	}
	n, err := parseHey(u.output)
	return outcome{usage: u, requests: n}, err
}

var heyRequests = regexp.MustCompile(`(?m)^\s*\[200\]\s+([0-9]+) responses`)

func parseHey(text string) (float64, error) { return number(heyRequests, text) }

// k6Script is a test of k6.
func k6Script(l load) string {
	scenario := fmt.Sprintf(`{executor: "constant-vus", vus: %d, duration: "%ds"}`, l.connections, l.seconds)
	if l.rate > 0 {
		scenario = fmt.Sprintf(`{executor: "constant-arrival-rate", rate: %d, timeUnit: "1s", duration: "%ds", preAllocatedVUs: %d}`, l.iterations(), l.seconds, l.connections)
	}
	head, body := "", " http.get(target); "
	if l.script != nil {
		head = `import { check } from "k6";
import { SharedArray } from "k6/data";
const rows = new SharedArray("rows", () => open("rows.csv").trim().split("\n").slice(1));
`
		body = l.script.k6
	}
	return fmt.Sprintf(`import http from "k6/http";
%sconst target = %q;
export const options = {scenarios: {bench: %s}, insecureSkipTLSVerify: true};
export default function () {%s}
`, head, l.url, scenario, body)
}

func (b *bench) k6(ctx context.Context, l load) (outcome, error) {
	script, summary := filepath.Join(b.scratch, "k6.js"), filepath.Join(b.scratch, "k6.json")
	if err := errors.Join(os.WriteFile(script, []byte(k6Script(l)), 0o644), l.writeRows(b.scratch)); err != nil {
		return outcome{}, err
	}
	u, err := finish(ctx, l.core, []string{"K6_NO_USAGE_REPORT=true"}, b.program("k6"), "run", "--quiet", "--summary-export", summary, script)
	if err != nil {
		return outcome{}, err
	}
	text, err := os.ReadFile(summary)
	if err != nil {
		return outcome{}, err
	}
	n, err := parseK6(text)
	return outcome{usage: u, requests: n}, err
}

func parseK6(text []byte) (float64, error) {
	var report struct {
		Metrics map[string]struct{ Count, Fails float64 }
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return 0, fmt.Errorf("read k6's summary: %w", err)
	}
	if n := report.Metrics["checks"].Fails; n > 0 {
		return 0, fmt.Errorf("%v of k6's checks failed", n)
	}
	return positive(report.Metrics["http_reqs"].Count)
}

// number finds a count in a text.
func number(r *regexp.Regexp, text string) (float64, error) {
	m := r.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("no %s in %q", r, strings.TrimSpace(text))
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, err
	}
	return positive(n)
}

func positive(n float64) (float64, error) {
	if n <= 0 || math.IsNaN(n) {
		return 0, fmt.Errorf("no successful request was reported")
	}
	return n, nil
}

// milliseconds is a quantile of a histogram.
func milliseconds(h result.Histogram, perMille int64) float64 {
	d, _ := h.Quantile(perMille, 1000)
	return float64(d) / float64(time.Millisecond)
}
