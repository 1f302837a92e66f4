package contract

import (
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/slogate/slogate/baseline/artifacttest"
	"github.com/slogate/slogate/github"
)

// The artifacts of earlier runs are found by calls that GitHub knows, and the
// server of the tests answers as GitHub does.
func TestArtifacts(t *testing.T) {
	f := artifacttest.New(t)
	inner, err := url.Parse(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := github.New(github.Config{
		APIURL: serve(t, httputil.NewSingleHostReverseProxy(inner)), Token: artifacttest.Token, Repository: "o/r", UserAgent: "slogate/test",
	})
	if err != nil {
		t.Fatal(err)
	}
	const name, archive = "slogate-result_iris_gate", "PK"
	run := f.Push(5, time.Now().Add(-time.Hour))
	f.Keep(run, name, []byte(archive))
	runs, err := c.SuccessfulRuns(t.Context(), "gate.yml", "main", time.Now().Add(-48*time.Hour), 10)
	if err != nil || len(runs) != 1 || runs[0].ID != run.ID || runs[0].HeadRepository.ID != artifacttest.Repository {
		t.Errorf("runs %+v, %v", runs, err)
	}
	kept, err := c.Artifacts(t.Context(), name, 10)
	if err != nil || len(kept) != 1 || kept[0].Run.ID != run.ID || kept[0].Digest == "" {
		t.Fatalf("artifacts %+v, %v", kept, err)
	}
	if got, err := c.Archive(t.Context(), kept[0], 100); err != nil || string(got) != archive {
		t.Errorf("archive %q, %v", got, err)
	}
	if got, err := c.Artifacts(t.Context(), "another", 10); err != nil || len(got) > 0 {
		t.Errorf("artifacts of another name: %+v, %v", got, err)
	}
}
