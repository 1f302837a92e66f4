package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A folder that a change makes a link of does not lead to another file of the
// base, whoever judges.
func TestAForkLeadsToAnotherBase(t *testing.T) {
	for name, tt := range map[string]struct {
		base map[string]string // objective by file
		from string
		exit int
		want string // in the summary
	}{
		"listed":                     {map[string]string{"perf/slo.yaml": "p95 <= 1us"}, "head", exitPass, "asks less of"},
		"judged by base":             {map[string]string{"perf/slo.yaml": "p95 <= 1us"}, "base", exitFail, "judged by the base's SLO file"},
		"judged by base, two of one": {map[string]string{"perf/slo.yaml": "p95 <= 1us", "slo.yaml": "p95 <= 30s"}, "base", exitFail, "judged by the base's SLO file"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			t.Chdir(j.dir)
			j.checkOut(t, headSHA, headSHA)
			if err := os.Symlink(".", filepath.Join(j.dir, "perf")); err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for path, objective := range tt.base {
				files[path] = sloFile("iris", j.target, objective)
			}
			j.github.Files = map[string]map[string]string{baseSHA: files}
			code, log := j.run(t, map[string]string{"INPUT_CONFIG": "perf/slo.yaml", "INPUT_OBJECTIVES-FROM": tt.from})
			if code != tt.exit || !strings.Contains(j.summary(t), tt.want) {
				t.Errorf("exit %d, want %d; want %q in\n%s\n%s", code, tt.exit, tt.want, j.summary(t), log)
			}
		})
	}
}
