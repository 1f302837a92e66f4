package action

import (
	"encoding/json"
	"io"
	"os"
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
	for _, sha := range []string{readEvent(a.getenv("GITHUB_EVENT_PATH")).PullRequest.Head.SHA, a.getenv("GITHUB_SHA")} {
		if digest.MatchString(sha) {
			return sha
		}
	}
	return ""
}

// event is the part of the event that is used here.
type event struct {
	PullRequest struct {
		Head struct {
			SHA  string     `json:"sha"`
			Ref  string     `json:"ref"`
			Repo repository `json:"repo"`
		} `json:"head"`
		Base struct {
			Ref string `json:"ref"`
		} `json:"base"`
		Labels []struct {
			Name string `json:"name"`
		} `json:"labels"`
	} `json:"pull_request"`
	MergeGroup struct {
		BaseRef string `json:"base_ref"`
	} `json:"merge_group"`
	WorkflowRun struct {
		HeadRepository repository `json:"head_repository"`
	} `json:"workflow_run"`
	Issue struct {
		PullRequest *struct{} `json:"pull_request"` // nil: it is an issue
	} `json:"issue"`
	Repository repository `json:"repository"`
}

type repository struct {
	ID            int64  `json:"id"`
	DefaultBranch string `json:"default_branch"`
}

// largestEvent in bytes: GitHub sends no larger payload.
const largestEvent = 25 << 20

// readEvent returns the zero event where the file does not hold one: nothing
// but a label depends on it.
func readEvent(path string) event {
	f, err := os.Open(path)
	if err != nil {
		return event{}
	}
	defer f.Close()
	var e event
	if json.NewDecoder(io.LimitReader(f, largestEvent)).Decode(&e) != nil {
		return event{}
	}
	return e
}

func (a *Action) runURL() string {
	server, repository, run := a.getenv("GITHUB_SERVER_URL"), a.getenv("GITHUB_REPOSITORY"), a.getenv("GITHUB_RUN_ID")
	if server == "" || repository == "" || run == "" {
		return ""
	}
	return strings.TrimSuffix(server, "/") + "/" + repository + "/actions/runs/" + run
}
