package action

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/slogate/slogate/github"
)

// Key tells the comment of this job about an SLO file from all others of a
// pull request.
func (a *Action) Key(in Inputs, name string) github.Key {
	// The path of the workflow's file two workflows never share; a name they can.
	workflow := cmp.Or(a.workflow(), a.getenv("GITHUB_WORKFLOW"))
	return github.Key{Workflow: workflow, Job: a.getenv("GITHUB_JOB"), Matrix: github.Cell(in.Matrix), Name: name}
}

// API returns the job's client of the server that it belongs to.
func (a *Action) API(token, userAgent string) (*github.Client, error) {
	if a.api.client != nil {
		return a.api.client, nil
	}
	client, err := github.New(github.Config{
		APIURL: a.getenv("GITHUB_API_URL"), GraphQLURL: a.getenv("GITHUB_GRAPHQL_URL"),
		Token: token, Repository: a.getenv("GITHUB_REPOSITORY"), UserAgent: userAgent,
	})
	if err == nil {
		a.api.client = client
	}
	return client, err
}

// Gitea reports whether the server is Gitea or Forgejo, whose runners behave
// like GitHub's in most things.
func (a *Action) Gitea() bool {
	return a.getenv("GITEA_ACTIONS") == "true" || a.getenv("FORGEJO_ACTIONS") == "true" ||
		strings.HasSuffix(strings.TrimRight(a.getenv("GITHUB_API_URL"), "/"), "/api/v1")
}

// Dependabot reports whether Dependabot has started the job: its token can
// only read, as a fork's.
func (a *Action) Dependabot() bool { return a.getenv("GITHUB_ACTOR") == "dependabot[bot]" }

var wholeNumber = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)

// SummaryURL is the address of the job's summary; without a check run, or on
// a server other than GitHub's, that of the run. Empty outside of a run.
func (a *Action) SummaryURL(checkRun string) string {
	run := a.runURL()
	if run == "" || a.Gitea() || !wholeNumber.MatchString(checkRun) {
		return run
	}
	if attempt := a.getenv("GITHUB_RUN_ATTEMPT"); wholeNumber.MatchString(attempt) && attempt != "1" {
		run += "/attempts/" + attempt
	}
	return run + "#summary-" + checkRun
}
