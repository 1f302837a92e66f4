package action

import "slices"

// acceptLabel on a pull request accepts a regression. Only who may write to
// the repository's pull requests can set it.
const acceptLabel = "slogate-accept"

// Accepted says what accepts a regression against the baseline in this run,
// empty where nothing does. The label is that of the event: one that was set
// later counts from the next event on.
func (a *Action) Accepted(in Inputs) string {
	if in.Accept {
		return "by the input accept"
	}
	if slices.Contains(a.Event().Labels, acceptLabel) {
		return "by the label " + acceptLabel
	}
	return ""
}

// OnBaseBranch reports whether the job runs for a commit that is on the
// repository's default branch already, so that there is no change to hold back.
func (a *Action) OnBaseBranch() bool {
	switch e := a.Event(); e.Name {
	case "push", "schedule", "workflow_dispatch":
		return e.DefaultBranch != "" && a.getenv("GITHUB_REF") == "refs/heads/"+e.DefaultBranch
	}
	return false
}
