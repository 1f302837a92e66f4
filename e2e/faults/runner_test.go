//go:build linux

package faults

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// withRunner runs the job of a pull request on a runner of which something is
// broken.
func withRunner(breaks func(t *testing.T, j *job)) func(t *testing.T, b *bed) ending {
	return func(t *testing.T, b *bed) ending {
		j := newJob(t, b)
		breaks(t, j)
		return j.commented(t)
	}
}

func runnerFaults() []fault {
	return []fault{
		{
			group: "forge", name: "the job summary is a folder",
			inject: withRunner(func(t *testing.T, j *job) {
				if err := os.Mkdir(j.path("summary"), 0o755); err != nil {
					t.Fatal(err)
				}
			}),
			want: judged, says: []string{"job summary: GITHUB_STEP_SUMMARY", "is a directory"},
		},
		{
			group: "forge", name: "the runner names no job summary",
			inject: withRunner(func(_ *testing.T, j *job) { j.env["GITHUB_STEP_SUMMARY"] = "" }),
			want:   judged, says: []string{"job summary: the runner did not set GITHUB_STEP_SUMMARY"},
		},
		{
			group: "forge", name: "the disk of the job summary is full",
			inject: withRunner(func(_ *testing.T, j *job) { j.env["GITHUB_STEP_SUMMARY"] = "/dev/full" }),
			want:   judged, says: []string{"job summary: GITHUB_STEP_SUMMARY", "no space left on device"},
		},
		{
			group: "forge", name: "the runner names no file for outputs",
			inject: withRunner(func(_ *testing.T, j *job) { j.env["GITHUB_OUTPUT"] = "" }),
			want:   judged, says: []string{"outputs: the runner did not set GITHUB_OUTPUT"},
		},
		{
			group: "forge", name: "three reports of a megabyte in one job summary",
			inject: longSummary,
			want:   outcome{1, "fail", allFiles}, says: []string{"Fail: a", "Fail: b", "Fail: c"},
		},
	}
}

// longSummary gates three SLO files whose reports quote many long answers: more
// than a runner takes, which drops a longer summary as a whole.
func longSummary(t *testing.T, b *bed) ending {
	t.Helper()
	j := newJob(t, b)
	page := strings.Repeat("what went wrong, in many words; ", 200)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, page, http.StatusInternalServerError)
	}))
	t.Cleanup(service.Close)
	var steps strings.Builder
	for i := range 60 {
		fmt.Fprintf(&steps, "    - {name: step-%d, request: GET /%[1]d, on_fail: continue}\n", i)
	}
	for _, name := range []string{"a", "b", "c"} {
		j.write(t, name+".yaml", fmt.Sprintf("version: 1\nname: %s\ntarget: %s\nconfirm: off\nscenarios:\n- name: all\n  steps:\n%sstages: [{name: steady, requests: 600, workers: 2}]\nobjectives: [success_rate >= 99%%]\n", name, service.URL, steps.String()))
	}
	j.out = "out/b" // each has a folder of its own
	j.env["INPUT_CONFIG"] = "a.yaml\nb.yaml\nc.yaml"
	e := j.act(t)
	info, err := os.Stat(j.path("summary"))
	if err != nil || info.Size() > 1<<20 || info.Size() < 1<<18 {
		t.Errorf("the summary: %v, %d bytes", err, info.Size())
	}
	return e
}
