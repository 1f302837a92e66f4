package baseline

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/baseline/artifacttest"
	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/result"
)

const (
	fork     = 2002 // the number of a fork
	ours     = artifacttest.Repository
	apiToken = artifacttest.Token
	workflow = artifacttest.Workflow
	tested   = artifacttest.Tested
	artifact = "slogate-result_iris_gate"
)

// now is the moment of the queries.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func sha(n int) string { return artifacttest.SHA(n) }

// forge is the server with what the tests of this package add.
type forge struct {
	*artifacttest.Server
	t *testing.T
}

func newForge(t *testing.T) forge { return forge{artifacttest.New(t), t} }

func (f forge) client() *github.Client {
	f.t.Helper()
	c, err := github.New(github.Config{APIURL: f.URL, Token: apiToken, Repository: "o/r", UserAgent: "slogate/test"})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// ran adds a successful push to main at the nth commit, some days before the
// query.
func (f forge) ran(commit, daysAgo int) *artifacttest.Run {
	return f.Push(commit, now.Add(-time.Duration(daysAgo)*24*time.Hour-time.Minute))
}

// kept adds the artifact of a run with a result of one stage.
func (f forge) kept(r *artifacttest.Run, p95 time.Duration) *artifacttest.Artifact {
	return f.keptArchive(r, pack(f.t, map[string][]byte{ResultFile: resultText(f.t, r.Created, p95)}))
}

func (f forge) keptArchive(r *artifacttest.Run, archive []byte) *artifacttest.Artifact {
	return f.Keep(r, artifact, archive)
}

// sample is a run that took so long, as slogate measures one.
func sample(start time.Time, took time.Duration) *result.Run {
	var times result.Recorder
	for range 100 {
		times.Record(took)
	}
	h := times.Histogram()
	return &result.Run{
		Version: result.Version, Slogate: "v1.0.0", Name: "iris", Target: "http://localhost:8000", Start: start, Seed: uint64(start.Unix()),
		Source: result.Source{Commit: strings.Repeat("e", 40), Branch: "claimed", RunURL: "https://evil.example"},
		Stages: []result.Stage{{
			Name: "steady", Workload: result.Workload{Model: "open", RateFrom: 10, RateTo: 10, Duration: 10 * time.Second}, Judged: true,
			State: result.Completed, Start: start, Duration: 10 * time.Second,
			Requests: result.Requests{Counters: result.Counters{Success: 100}, Response: h, OK: h, Service: h, OnTime: h},
			Slices:   []result.Slice{{Width: 10 * time.Second, Counters: result.Counters{Success: 100}, Response: h}},
		}},
	}
}

func resultText(t testing.TB, start time.Time, took time.Duration) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := result.Encode(&b, sample(start, took)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pack(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
