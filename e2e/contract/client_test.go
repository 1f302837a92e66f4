package contract

import (
	"errors"
	"strings"
	"testing"

	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/github/githubtest"
)

const (
	headSHA = "1111111111111111111111111111111111111111"
	baseSHA = "2222222222222222222222222222222222222222"
	forkID  = 2002
)

// repository is a server with a pull request of a branch and one of a fork.
func repository() *githubtest.Server {
	s := githubtest.New()
	base := githubtest.Side{SHA: baseSHA, Ref: "main", Owner: "acme", RepositoryID: githubtest.RepositoryID}
	s.Pulls = []githubtest.Pull{
		{Number: 6, State: "closed", Head: githubtest.Side{SHA: headSHA, Ref: "old", Owner: "acme", RepositoryID: githubtest.RepositoryID}, Base: base},
		{Number: 7, State: "open", Head: githubtest.Side{SHA: headSHA, Ref: "faster", Owner: "acme", RepositoryID: githubtest.RepositoryID}, Base: base},
		{Number: 8, State: "open", Head: githubtest.Side{SHA: headSHA, Ref: "fix", Owner: "ann", RepositoryID: forkID}, Base: base},
	}
	s.Labelled = []githubtest.Labelled{{Pull: 7, By: "ann", Name: "slogate-accept"}}
	s.Files = map[string]map[string]string{baseSHA: {"a b/slo.yaml": "version: 1\n" + strings.Repeat("# ", 200)}}
	s.MergeBases = map[string]string{baseSHA + "..." + headSHA: baseSHA}
	return s
}

// client returns a client of a validated server.
func client(t *testing.T, s *githubtest.Server) *github.Client {
	t.Helper()
	address := serve(t, s)
	c, err := github.New(github.Config{
		APIURL: address, GraphQLURL: address + "/graphql", Token: "ghs_x", Repository: githubtest.Repository, UserAgent: "slogate/test",
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestComments(t *testing.T) {
	s := repository()
	key := github.Key{Job: "gate", Name: "iris"}
	s.Comments = []githubtest.Comment{
		{ID: 11, Pull: 7, Login: "ann", Body: key.Marker() + "\npasted"},
		{ID: 12, Pull: 7, Login: "ann", Body: "thanks"},
		{ID: 13, Pull: 7, Login: githubtest.Bot, Body: key.Marker() + "\nhidden", Minimized: true},
		{ID: 14, Pull: 7, Login: "eve", Body: "more than a page"},
	}
	c := client(t, s)
	for i, text := range []string{"first", "second"} {
		got, err := c.PutComment(t.Context(), 7, key, github.Report{Text: text, Run: 42})
		if err != nil || got.ID != 15 {
			t.Fatalf("comment %d: %+v, %v, want id 15", i, got, err)
		}
	}
	if got := s.Comments[4].Body; len(s.Comments) != 5 || got != key.Marker()+"<!-- run:42 -->\nsecond" {
		t.Errorf("comments %+v", s.Comments)
	}
	_, err := c.PutComment(t.Context(), 7, key, github.Report{Text: strings.Repeat("x", 65536), Run: 42})
	if e, ok := errors.AsType[*github.Error](err); !ok || e.Status != 422 || !strings.Contains(e.Message, "too long") {
		t.Errorf("a long comment: %v", err)
	}
	s.ReadOnly = true
	_, err = c.PutComment(t.Context(), 7, key, github.Report{Text: "third", Run: 42})
	if e, ok := errors.AsType[*github.Error](err); !ok || e.Needs != "pull-requests: write" {
		t.Errorf("a token that only reads: %v", err)
	}
}

func TestLookUps(t *testing.T) {
	c := client(t, repository())
	for name, tt := range map[string]struct {
		head github.Side
		want int
	}{
		"branch":       {github.Side{SHA: headSHA, RepositoryID: githubtest.RepositoryID}, 7},
		"fork":         {github.Side{SHA: headSHA, RepositoryID: forkID, Owner: "ann", Ref: "fix"}, 8},
		"another fork": {github.Side{SHA: headSHA, RepositoryID: 3003, Owner: "ann", Ref: "fix"}, 0},
		"deployment":   {github.Side{SHA: headSHA}, 7},
	} {
		if got, err := c.PullRequest(t.Context(), github.Event{Name: "workflow_run", Head: tt.head}); err != nil || got != tt.want {
			t.Errorf("%s: %d, %v, want %d", name, got, err, tt.want)
		}
	}
	if got, err := c.Labels(t.Context(), 7); err != nil || len(got) != 1 || got[0] != "slogate-accept" {
		t.Errorf("labels %q, %v", got, err)
	}
	if got, ok, err := c.LabelledBy(t.Context(), 7, "slogate-accept"); err != nil || !ok || got.By != "ann" {
		t.Errorf("labelled by %+v, %v, %v", got, ok, err)
	}
	if got, err := c.MergeBase(t.Context(), baseSHA, headSHA); err != nil || got != baseSHA {
		t.Errorf("merge base %q, %v", got, err)
	}
}

func TestFiles(t *testing.T) {
	s := repository()
	c := client(t, s)
	got, found, err := c.File(t.Context(), "a b/slo.yaml", baseSHA)
	if err != nil || !found || string(got) != s.Files[baseSHA]["a b/slo.yaml"] {
		t.Errorf("file %q, %v, %v", got, found, err)
	}
	if _, found, err := c.File(t.Context(), "slo.yaml", baseSHA); found || err != nil {
		t.Errorf("a file that is not there: %v, %v", found, err)
	}
	if _, _, err := c.File(t.Context(), "slo.yaml", headSHA); err == nil {
		t.Error("a commit that is not there has files")
	}
	s.Branches = map[string]string{"release/1": baseSHA}
	if got, err := c.Tip(t.Context(), "release/1"); err != nil || got != baseSHA {
		t.Errorf("tip %q, %v", got, err)
	}
}

func TestCheckRuns(t *testing.T) {
	s := repository()
	c := client(t, s)
	run := github.CheckRun{
		Name: "slogate: iris", HeadSHA: headSHA, Status: "completed", Conclusion: "failure", DetailsURL: "https://github.com/acme/iris/actions/runs/42",
		Output: github.CheckRunOutput{
			Title: "fail", Summary: "## Fail",
			Annotations: []github.Annotation{{Path: "slo.yaml", From: 14, To: 14, Level: "failure", Title: "p95 failed", Message: "measured 612 ms"}},
		},
	}
	if address, err := c.CreateCheckRun(t.Context(), run); err != nil || address == "" || len(s.Checks) != 1 || s.Checks[0].Output.Annotations[0].From != 14 {
		t.Errorf("check run %q, %v: %+v", address, err, s.Checks)
	}
	s.ReadOnly = true
	_, err := c.CreateCheckRun(t.Context(), run)
	if e, ok := errors.AsType[*github.Error](err); !ok || e.Needs != "checks: write" {
		t.Errorf("a token that only reads: %v", err)
	}
}
