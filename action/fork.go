package action

import "strings"

// Fork reports whether the job may run what a fork's pull request brought: by
// the numbers of the repositories, which cannot be chosen. A pull request
// whose payload does not tell counts as one, also one that was commented on;
// so does one whose repository is gone.
func (a *Action) Fork() bool {
	name := a.getenv("GITHUB_EVENT_NAME")
	e := readEvent(a.getenv("GITHUB_EVENT_PATH"))
	switch {
	case strings.HasPrefix(name, "pull_request"):
		return e.Repository.ID == 0 || e.PullRequest.Head.Repo.ID != e.Repository.ID
	case name == "workflow_run":
		return e.Repository.ID == 0 || e.WorkflowRun.HeadRepository.ID != e.Repository.ID
	case name == "issue_comment":
		return e.Issue.PullRequest != nil
	}
	return false
}
