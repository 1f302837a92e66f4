package main

import (
	"os"
	"strings"
	"testing"
)

// The most likely mistakes of a workflow are told with what to do, in the log,
// at the annotation and in the summary.
func TestActionAdvises(t *testing.T) {
	withSecret := func(t *testing.T, j *job) {
		j.write(t, "slo.yaml", strings.Replace(sloFile("iris", j.target, "p95 <= 30s"), "[{request: GET /}]", `[{request: GET /, headers: {x: "${secret.API_TOKEN}"}}]`, 1))
	}
	for name, tt := range map[string]struct {
		change func(t *testing.T, j *job)
		env    map[string]string
		exit   int
		want   string
	}{
		"no checkout": {func(t *testing.T, j *job) {
			j.dir = t.TempDir()
			j.env["GITHUB_WORKSPACE"], j.env["INPUT_CONFIG"] = j.dir, j.dir+"/slo.yaml"
		}, nil, exitUsage, "uses: actions/checkout@v4"},
		"another path":        {func(*testing.T, *job) {}, map[string]string{"INPUT_CONFIG": "none.yaml"}, exitUsage, "from the top of the workspace"},
		"a secret not listed": {withSecret, map[string]string{"API_TOKEN": "x-y-z"}, exitUsage, "once the workflow lists it: with: {env: API_TOKEN}"},
		"a secret not given":  {withSecret, map[string]string{"INPUT_ENV": "API_TOKEN"}, exitUsage, "gives it no value"},
		"a key mistyped": {func(t *testing.T, j *job) {
			j.write(t, "slo.yaml", strings.Replace(sloFile("iris", j.target, "p95 <= 30s"), "workers: 2", "vus: 2", 1))
		}, nil, exitUsage, "accepted here: name requests"},
		"no service": {func(t *testing.T, j *job) {
			j.target = "http://127.0.0.1:9"
			j.config(t, "iris", "p95 <= 30s")
		}, nil, exitInconclusive, "start the service before slogate"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			tt.change(t, j)
			code, log := j.run(t, tt.env)
			summary, err := os.ReadFile(j.env["GITHUB_STEP_SUMMARY"])
			if err != nil {
				t.Fatal(err)
			}
			var annotation strings.Builder
			for line := range strings.Lines(log) {
				if strings.HasPrefix(line, "::error ") {
					annotation.WriteString(line)
				}
			}
			if code != tt.exit || !strings.Contains(log, "hint: ") || !strings.Contains(annotation.String(), tt.want) || !strings.Contains(string(summary), tt.want) {
				t.Errorf("exit %d, want %d and %q\n%s\n%s", code, tt.exit, tt.want, log, summary)
			}
		})
	}
}
