package action

import (
	"cmp"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Job says which job this is and how to ask about it. Empty fields are
// unknown.
type Job struct {
	APIURL     string
	Repository string // owner/name
	Number     int64  // of the repository
	Workflow   string // path of the workflow's file in the repository
	Name       string // the job's key in it
	Run        int64  // number of the workflow's run
	Attempt    int    // of that run, from 1
	Branch     string // that a push, a schedule or a person started the job for
	Commit     string // checked out by default: in a pull request, its merge with the base branch
	// Change says that the job tests one that is not on its base branch yet: a
	// pull request or a merge queue's group.
	Change bool
	// Base is the branch that a change is for; else the default one.
	Base string
	// Default is the repository's default branch.
	Default string
	// Own is the branch that a pull request of the same repository comes from.
	Own string

	// Gitea says that the server is Gitea or Forgejo.
	Gitea bool
	// The artifact service: its address and the token for it, which is a secret.
	ResultsURL, RuntimeToken string
}

// Job returns what the runner says of the job.
func (a *Action) Job() Job {
	if !a.active {
		return Job{}
	}
	e := a.Event()
	j := Job{
		APIURL:     a.getenv("GITHUB_API_URL"),
		Repository: a.getenv("GITHUB_REPOSITORY"),
		Number:     cmp.Or(e.RepositoryID, a.number("GITHUB_REPOSITORY_ID")),
		Workflow:   a.workflow(),
		Name:       a.getenv("GITHUB_JOB"),
		Run:        a.number("GITHUB_RUN_ID"),
		Attempt:    int(max(a.number("GITHUB_RUN_ATTEMPT"), 1)),
		Commit:     a.checkedOut(),
		Base:       e.DefaultBranch,
		Default:    e.DefaultBranch,
		Gitea:      a.Gitea(),
		ResultsURL: a.getenv("ACTIONS_RESULTS_URL"), RuntimeToken: a.getenv("ACTIONS_RUNTIME_TOKEN"),
	}
	switch {
	case e.Name == "merge_group":
		j.Change, j.Base = true, e.Base.Ref
	case e.ForChange():
		j.Change, j.Base = true, cmp.Or(e.Base.Ref, a.getenv("GITHUB_BASE_REF"))
		if !e.Fork {
			j.Own = e.Head.Ref
		}
	case e.Name == "push" || e.Name == "schedule" || e.Name == "workflow_dispatch":
		j.Branch = branchOf(a.getenv("GITHUB_REF"))
	}
	return j
}

// OnBase reports whether the job runs for what is on the base branch already,
// so that there is no change to hold back.
func (j Job) OnBase() bool { return j.Branch != "" && j.Branch == j.Base }

// number of an environment variable, 0 where it has none.
func (a *Action) number(name string) int64 {
	n, err := strconv.ParseInt(a.getenv(name), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// branchOf returns the branch of a full reference, nothing where it is that of
// a tag.
func branchOf(ref string) string {
	branch, ok := strings.CutPrefix(ref, "refs/heads/")
	if !ok {
		return ""
	}
	return branch
}

// workflow takes the path out of GITHUB_WORKFLOW_REF,
// "owner/name/.github/workflows/x.yml@refs/heads/main".
func (a *Action) workflow() string {
	path, ok := strings.CutPrefix(a.getenv("GITHUB_WORKFLOW_REF"), a.getenv("GITHUB_REPOSITORY")+"/")
	if !ok {
		return "" // a workflow of another repository
	}
	path, _, _ = strings.Cut(path, "@")
	return path
}

// checkedOut is the commit in the workspace, where that can be told, else the
// one that actions/checkout takes by default. A workflow may have checked out
// a pull request's head in its place.
func (a *Action) checkedOut() string {
	if workspace := a.getenv("GITHUB_WORKSPACE"); workspace != "" {
		if sha := HeadOf(workspace); sha != "" {
			return sha
		}
	}
	return a.sha()
}

// HeadOf is the commit that is checked out to a folder, empty where that cannot
// be told without Git.
func HeadOf(dir string) string {
	git, err := os.OpenRoot(filepath.Join(dir, ".git"))
	if err != nil {
		return ""
	}
	defer git.Close()
	head, err := git.ReadFile("HEAD")
	if ref, named := strings.CutPrefix(strings.TrimSpace(string(head)), "ref: "); named && err == nil {
		head, err = git.ReadFile(ref)
	}
	if sha := strings.TrimSpace(string(head)); err == nil && digest.MatchString(sha) {
		return sha
	}
	return ""
}

// TakesArtifacts reports whether the runner's artifact service is one that
// slogate speaks to: GitHub Enterprise Server has an older one.
func (j Job) TakesArtifacts() bool {
	enterpriseServer := strings.HasSuffix(strings.TrimRight(j.APIURL, "/"), "/api/v3")
	return !j.Gitea && !enterpriseServer && j.ResultsURL != "" && j.RuntimeToken != ""
}
