package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed is the drawing of CONTRIBUTING.md: what each station may import of
// the others.
var allowed = map[string][]string{
	"":                          {"action", "action/docker", "action/route", "baseline", "cost", "demo", "diagnose", "draft", "gate", "github", "kube", "kube/ceiling", "kube/spread", "loader", "pprof", "prometheus", "report", "result", "revision", "run", "secret", "service", "slo"},
	"action":                    {"github", "result"},
	"action/docker":             {},
	"action/route":              {},
	"report":                    {"result"},
	"run":                       {"cost", "gate", "loader", "prometheus", "result", "slo"},
	"gate":                      {"gate/stats", "result", "slo"},
	"gate/stats":                {},
	"diagnose":                  {"gate/stats", "result"},
	"cost":                      {"result"},
	"baseline":                  {"github", "result", "secret"},
	"baseline/artifacttest":     {"github/githubtest"},
	"bench":                     {"result"},
	"bench/cost":                {"bench/loopback", "cost", "gate", "gate/stats", "loader", "result", "run", "slo"},
	"bench/findings":            {"bench/loopback", "cost", "demo", "diagnose", "loader", "result", "run", "slo"},
	"bench/loopback":            {},
	"bench/soak":                {"bench/loopback", "gate", "gate/stats", "loader", "result", "run", "slo"},
	"bench/verdicts":            {"bench/loopback", "gate", "gate/stats", "loader", "result", "run", "slo"},
	"loader":                    {"loader/epoll", "loader/grpc", "loader/http1", "loader/schedule", "result", "secret", "slo"},
	"loader/epoll":              {},
	"loader/grpc":               {},
	"loader/http1":              {},
	"loader/schedule":           {"slo"},
	"demo":                      {"result"},
	"e2e/secrets":               {},
	"draft":                     {"slo"},
	"e2e/faults":                {},
	"github":                    {"secret"},
	"pprof":                     {"result"},
	"prometheus":                {"secret"},
	"prometheus/prometheustest": {},
	"github/githubtest":         {},
	"kube":                      {"result", "secret"},
	"kube/ceiling":              {"kube"},
	"kube/spread":               {"kube"},
	"result":                    {},
	"release":                   {},
	"revision":                  {},
	"secret":                    {},
	"service":                   {"secret"},
	"slo":                       {"secret"},
}

func TestImportsFollowTheDrawing(t *testing.T) {
	const module = "github.com/slogate/slogate"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := strings.TrimPrefix(strings.TrimPrefix(fields[0], module), "/")
		may, known := allowed[from]
		if !known {
			t.Errorf("package %q is not in the drawing", from)
			continue
		}
		for _, path := range fields[1:] {
			to, ours := strings.CutPrefix(path, module+"/")
			if ours && !slices.Contains(may, to) {
				t.Errorf("%q imports %q, which the drawing does not allow", from, to)
			}
		}
	}
}
