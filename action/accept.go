package action

import "slices"

// AcceptLabel on a pull request accepts a regression. Only who may triage the
// repository's pull requests can set it, which the author of a fork may not.
const AcceptLabel = "slogate-accept"

// Labelled reports whether the event says that the pull request has the label.
// One that was set or taken away since is not in it.
func (a *Action) Labelled() bool { return slices.Contains(a.Event().Labels, AcceptLabel) }
