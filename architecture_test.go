package main

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// allowed is what each station may import of the others: of those that stand
// below it in CONTRIBUTING.md.
var allowed = map[string][]string{
	"":                          {"action", "action/docker", "action/route", "baseline", "cost", "demo", "diagnose", "draft", "gate", "github", "kube", "kube/ceiling", "kube/spread", "loader", "pprof", "prometheus", "quantity", "report", "result", "revision", "run", "secret", "service", "slo"},
	"action":                    {"github", "quantity", "result"},
	"action/docker":             {},
	"action/route":              {"quantity"},
	"report":                    {"quantity", "result"},
	"run":                       {"cost", "gate", "loader", "prometheus", "quantity", "result", "slo"},
	"gate":                      {"gate/stats", "quantity", "result", "slo"},
	"gate/stats":                {},
	"diagnose":                  {"gate/stats", "quantity", "result"},
	"cost":                      {"result"},
	"baseline":                  {"github", "result", "secret"},
	"baseline/artifacttest":     {"github/githubtest"},
	"bench":                     {"result"},
	"bench/cost":                {"bench/loopback", "cost", "gate", "gate/stats", "loader", "result", "run", "slo"},
	"bench/findings":            {"bench/loopback", "cost", "demo", "diagnose", "loader", "result", "run", "slo"},
	"bench/loopback":            {},
	"bench/soak":                {"bench/loopback", "gate", "gate/stats", "loader", "result", "run", "slo"},
	"bench/verdicts":            {"bench/loopback", "gate", "gate/stats", "loader", "result", "run", "slo"},
	"loader":                    {"loader/epoll", "loader/grpc", "loader/http1", "loader/schedule", "quantity", "result", "secret", "slo"},
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
	"kube/spread":               {"kube", "quantity"},
	"result":                    {"quantity"},
	"quantity":                  {},
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

// The list of CONTRIBUTING.md is in the order of the imports.
func TestImportsRunDownward(t *testing.T) {
	row := rowsOfStations(t)
	for from, to := range allowed {
		for _, to := range to {
			above, below := rowOf(row, from), rowOf(row, to)
			if above < 0 || below < 0 {
				t.Errorf("CONTRIBUTING.md has no row for %q or %q", from, to)
			}
			if inOneFolder := path.Dir(from) == to || path.Dir(to) == from || path.Dir(from) == path.Dir(to); above > below || above == below && !inOneFolder {
				t.Errorf("%q imports %q, which does not stand below it in CONTRIBUTING.md", from, to)
			}
		}
	}
}

// rowsOfStations numbers the folders of CONTRIBUTING.md's table; the root, which
// has the name "", is its first row.
func rowsOfStations(t *testing.T) map[string]int {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| folder | station |\n| --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	folder := regexp.MustCompile("`([a-z0-9/]+)/`")
	rows := map[string]int{}
	for n, line := range strings.Split(table, "\n") {
		if n == 0 {
			rows[""] = n
			continue
		}
		for _, name := range folder.FindAllStringSubmatch(strings.Split(line, "|")[1], -1) {
			rows[name[1]] = n
		}
	}
	return rows
}

// rowOf is the row of a folder or of the one that it lies in, -1 for none.
func rowOf(rows map[string]int, folder string) int {
	for ; ; folder = path.Dir(folder) {
		if n, ok := rows[folder]; ok {
			return n
		}
		if folder == "." || folder == "" {
			return -1
		}
	}
}
