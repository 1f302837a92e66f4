package action

import (
	"regexp"
	"slices"
	"strings"

	"github.com/slogate/slogate/result"
)

// Source returns the revision that the job tests. In a pull request that is
// its head, not the merge commit that GITHUB_SHA names.
func (a *Action) Source() result.Source {
	if !a.active {
		return result.Source{}
	}
	return result.Source{Commit: a.commit(), Branch: cut(cleanLine(a.branch()), 255), RunURL: a.runURL()}
}

// ofAnother are events about a change for which GITHUB_SHA and GITHUB_REF name
// the default branch, or the base's.
var ofAnother = []string{"check_run", "check_suite", "issue_comment", "pull_request_target", "status", "workflow_run"}

func (a *Action) branch() string {
	if head := a.getenv("GITHUB_HEAD_REF"); head != "" {
		return head
	}
	if e := a.Event(); slices.Contains(ofAnother, e.Name) {
		return e.Head.Ref
	}
	return a.getenv("GITHUB_REF_NAME")
}

// digest is a commit's name in a repository of either format.
var digest = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// commit is empty where the event does not name it and the workflow has not
// checked it out.
func (a *Action) commit() string {
	e, sha := a.Event(), a.sha()
	switch named := strings.HasPrefix(e.Name, "pull_request") || e.Name == "workflow_run"; {
	case named && e.Head.SHA != "":
		return e.Head.SHA
	case !slices.Contains(ofAnother, e.Name):
		return sha
	case a.checkedOut() == sha:
		return ""
	}
	return a.checkedOut()
}

// sha is the commit that the runner says the job is for.
func (a *Action) sha() string {
	if sha := a.getenv("GITHUB_SHA"); digest.MatchString(sha) {
		return sha
	}
	return ""
}

func (a *Action) runURL() string {
	run := a.getenv("GITHUB_RUN_ID")
	if run == "" {
		return ""
	}
	return a.RunURL(run)
}

// RunURL is the address of a run of the repository's workflows.
func (a *Action) RunURL(id string) string {
	server, repository := a.getenv("GITHUB_SERVER_URL"), a.getenv("GITHUB_REPOSITORY")
	if server == "" || repository == "" {
		return ""
	}
	return strings.TrimSuffix(server, "/") + "/" + repository + "/actions/runs/" + id
}
