package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Event is what happened, as far as it matters here. Fields that an event does
// not have are empty.
type Event struct {
	Name   string // such as pull_request
	Number int    // of the pull request; 0: none, or not told
	Head   Side
	Base   Side
	// Fork says that the change comes from another repository, from one that is
	// gone, or that the payload does not tell: its author may be a stranger.
	Fork           bool
	RepositoryID   int64  // of the repository that the event happened in
	DefaultBranch  string // of it
	Labels         []string
	EnvironmentURL string // of a deployment; http or https
	RunID          int64  // of the workflow run that is over, in workflow_run
}

// Side is one side of a change.
type Side struct {
	SHA          string // 40 or 64 hexadecimal digits
	Ref          string // a branch's name
	Owner        string // of the repository, where it may be another
	RepositoryID int64
}

type repository struct {
	ID            int64  `json:"id"`
	DefaultBranch string `json:"default_branch"`
	Owner         struct {
		Login string `json:"login"`
	} `json:"owner"`
}

type side struct {
	SHA  string      `json:"sha"`
	Ref  string      `json:"ref"`
	Repo *repository `json:"repo"` // null: deleted
}

// payload is the part of every event's JSON that is read.
type payload struct {
	Repository  repository `json:"repository"`
	PullRequest *struct {
		Number int  `json:"number"`
		Head   side `json:"head"`
		Base   side `json:"base"`
		Labels []struct {
			Name string `json:"name"`
		} `json:"labels"`
	} `json:"pull_request"`
	MergeGroup *struct {
		HeadSHA string `json:"head_sha"`
		HeadRef string `json:"head_ref"`
		BaseSHA string `json:"base_sha"`
		BaseRef string `json:"base_ref"`
	} `json:"merge_group"`
	Issue *struct {
		Number      int       `json:"number"`
		PullRequest *struct{} `json:"pull_request"` // nil: it is an issue
	} `json:"issue"`
	WorkflowRun *struct {
		ID             int64       `json:"id"`
		HeadSHA        string      `json:"head_sha"`
		HeadBranch     string      `json:"head_branch"`
		HeadRepository *repository `json:"head_repository"`
	} `json:"workflow_run"`
	Deployment *struct {
		SHA string `json:"sha"`
		Ref string `json:"ref"`
	} `json:"deployment"`
	DeploymentStatus *struct {
		EnvironmentURL string `json:"environment_url"`
	} `json:"deployment_status"`
	Ref    string `json:"ref"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// ParseEvent reads an event's payload, the file at GITHUB_EVENT_PATH; name is
// GITHUB_EVENT_NAME. An event that it does not know has only its name.
func ParseEvent(name string, text []byte) (Event, error) {
	var p payload
	if err := json.Unmarshal(text, &p); err != nil {
		return Event{}, fmt.Errorf("event %s: %s", cleaned(name), cleaned(err.Error()))
	}
	home := p.Repository.ID
	e := Event{Name: name, RepositoryID: home, DefaultBranch: p.Repository.DefaultBranch, Fork: MayBeFork(name)}
	switch {
	case p.PullRequest != nil:
		e.Number = p.PullRequest.Number
		e.Head, e.Base = p.PullRequest.Head.side(), p.PullRequest.Base.side()
		e.Fork = home == 0 || e.Head.RepositoryID != home
		for _, l := range p.PullRequest.Labels {
			e.Labels = append(e.Labels, l.Name)
		}
	case p.MergeGroup != nil:
		g := p.MergeGroup
		e.Head = Side{SHA: g.HeadSHA, Ref: branch(g.HeadRef), RepositoryID: home}
		e.Base = Side{SHA: g.BaseSHA, Ref: branch(g.BaseRef), RepositoryID: home}
		e.Number = queued(g.HeadRef)
	case p.WorkflowRun != nil && name == "workflow_run": // a deployment_status has one too
		e.Head = side{SHA: p.WorkflowRun.HeadSHA, Ref: p.WorkflowRun.HeadBranch, Repo: p.WorkflowRun.HeadRepository}.side()
		e.Fork = home == 0 || e.Head.RepositoryID != home
		e.RunID = p.WorkflowRun.ID
	case p.Issue != nil && p.Issue.PullRequest != nil:
		// A comment: the payload does not say where the change comes from.
		e.Number, e.Fork = p.Issue.Number, true
	case p.Deployment != nil:
		// Without the repository: previews are deployed of a fork's commits too.
		e.Head = Side{SHA: p.Deployment.SHA, Ref: p.Deployment.Ref}
		if p.DeploymentStatus != nil {
			e.EnvironmentURL = webAddress(p.DeploymentStatus.EnvironmentURL)
		}
	case name == "push":
		e.Head = Side{SHA: p.After, Ref: branch(p.Ref), RepositoryID: home}
		e.Base = Side{SHA: p.Before, RepositoryID: home}
	}
	return e, e.check()
}

// ForChange reports whether the event is about a change that is not on its base
// branch yet: a pull request, or a merge queue's group.
func (e Event) ForChange() bool {
	return strings.HasPrefix(e.Name, "pull_request") || e.Name == "merge_group"
}

// Deployed reports whether the event is about a deployment: of which branch or
// fork, and by whom, it does not say.
func (e Event) Deployed() bool { return e.Name == "deployment" || e.Name == "deployment_status" }

// MayBeFork reports whether events of this name are about changes that may come
// from a fork, unless their payload tells otherwise.
func MayBeFork(name string) bool {
	return strings.HasPrefix(name, "pull_request") || name == "workflow_run"
}

func (s side) side() Side {
	out := Side{SHA: s.SHA, Ref: s.Ref}
	if s.Repo != nil {
		out.RepositoryID, out.Owner = s.Repo.ID, s.Repo.Owner.Login
	}
	return out
}

func branch(ref string) string { return strings.TrimPrefix(ref, "refs/heads/") }

// queueBranch is the branch that a merge queue tests:
// gh-readonly-queue/BASE/pr-NUMBER-SHA.
var queueBranch = regexp.MustCompile(`^(?:refs/heads/)?gh-readonly-queue/.+/pr-([1-9][0-9]{0,8})-[0-9a-f]{40,64}$`)

// queued returns the number of the pull request in it, 0 where it has none.
func queued(ref string) int {
	found := queueBranch.FindStringSubmatch(ref)
	if found == nil {
		return 0
	}
	number, _ := strconv.Atoi(found[1]) // at most nine digits
	return number
}

func webAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return address
}

var commitName = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})?$`)

// check refuses what would become another address in a call to the API.
func (e Event) check() error {
	if e.Number < 0 || e.RunID < 0 {
		return errors.New("event: a number of it is negative")
	}
	for _, sha := range []string{e.Head.SHA, e.Base.SHA} {
		if !commitName.MatchString(sha) {
			return fmt.Errorf("event: commit %q is not one", cleaned(sha))
		}
	}
	return nil
}
