package action

import (
	"regexp"
	"strings"

	"github.com/slogate/slogate/result"
)

// Source returns the revision that the job tests. In a pull request that is
// its head, not the merge commit that GITHUB_SHA names.
func (a *Action) Source() result.Source {
	if !a.active {
		return result.Source{}
	}
	branch := a.getenv("GITHUB_HEAD_REF")
	if branch == "" {
		branch = a.getenv("GITHUB_REF_NAME")
	}
	return result.Source{Commit: a.commit(), Branch: cut(cleanLine(branch), 255), RunURL: a.runURL()}
}

// digest is a commit's name in a repository of either format.
var digest = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

func (a *Action) commit() string {
	if e := a.Event(); strings.HasPrefix(e.Name, "pull_request") && e.Head.SHA != "" {
		return e.Head.SHA
	}
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
