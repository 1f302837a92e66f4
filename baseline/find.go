package baseline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/result"
)

// Query says which earlier results are looked for.
type Query struct {
	Artifact   string        // whole name, see [Name]
	File       string        // name of the SLO file in the results; another is foreign
	Workflow   string        // path of the workflow's file in the repository
	Branch     string        // whose runs count
	Repository int64         // its number: runs of forks do not count
	Run        int64         // the run that asks, which is not its own baseline
	Tested     string        // the commit under test; empty: the order of the runs alone counts
	Last       int           // how many of the newest results
	MaxAge     time.Duration // of the runs; 0: any
	Now        time.Time
}

// Found is what was found.
type Found struct {
	Results []*result.Run // newest first; their source is what GitHub says
	Notices []string      // what was left out, and why
}

const (
	// patience is for everything together: a job waits for it. Twenty results
	// take a few seconds.
	patience = time.Minute
	// mostRuns and mostArtifacts bound the lists: three and five pages.
	mostRuns      = 300
	mostArtifacts = 500
	// atOnce is how many downloads run together, each of which holds an archive
	// and a result in memory.
	atOnce = 4
	// spare is how many broken artifacts are tried besides the wanted ones.
	spare = 8
	// mostComparisons of a run's commit with the tested one.
	mostComparisons = 30
	// clockSkew is how far a machine's clock may be ahead.
	clockSkew = time.Hour
)

// Find returns the newest results that successful runs of the workflow on the
// branch have kept. Runs of commits in the history of the tested one are
// preferred: what came to the branch later is not in it. The error is one of
// the API, mostly a *[github.Error]; what was found before it is not lost.
func Find(ctx context.Context, c *github.Client, q Query) (Found, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	kept, err := q.kept(ctx, c)
	if err != nil || len(kept) == 0 {
		return Found{}, err
	}
	var found Found
	kept, notice := q.preferAncestors(ctx, c, kept)
	if notice != "" {
		found.Notices = append(found.Notices, notice)
	}
	q.download(ctx, c, kept, &found)
	return found, nil
}

// kept is a run with the artifact that it kept.
type kept struct {
	run      github.WorkflowRun
	artifact github.Artifact
}

// kept lists the runs that count, newest first.
func (q Query) kept(ctx context.Context, c *github.Client) ([]kept, error) {
	var since time.Time
	if q.MaxAge > 0 {
		since = q.Now.Add(-q.MaxAge)
	}
	runs, err := c.SuccessfulRuns(ctx, path.Base(q.Workflow), q.Branch, since, mostRuns)
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	artifacts, err := c.Artifacts(ctx, q.Artifact, mostArtifacts)
	if err != nil {
		return nil, err
	}
	byRun := map[int64]github.Artifact{}
	for _, a := range artifacts {
		// A run that was repeated may have kept one in each attempt.
		if q.keepsWhatCounts(a) && a.ID > byRun[a.Run.ID].ID {
			byRun[a.Run.ID] = a
		}
	}
	var all []kept
	for _, r := range runs {
		if a, ok := byRun[r.ID]; ok && q.counts(r, since) && a.Run.HeadSHA == r.HeadSHA {
			all = append(all, kept{r, a})
			delete(byRun, r.ID) // a list that grew while it was read has an entry twice
		}
	}
	slices.SortStableFunc(all, func(a, b kept) int { return b.run.CreatedAt.Compare(a.run.CreatedAt) })
	return all, nil
}

// events are those of a branch itself. A pull request's run has the name of
// its own branch, which may be that of the base branch in a fork.
var events = []string{"push", "schedule", "workflow_dispatch", "merge_group"}

// counts reports a run whose result may be a baseline. The list was asked for
// most of this; a server that ignores a filter must not change a verdict.
func (q Query) counts(r github.WorkflowRun, since time.Time) bool {
	file, _, _ := strings.Cut(r.Path, "@")
	return r.ID != q.Run && file == q.Workflow && r.HeadBranch == q.Branch && r.HeadRepository.ID == q.Repository &&
		slices.Contains(events, r.Event) && r.Conclusion == "success" && !r.CreatedAt.Before(since)
}

// keepsWhatCounts reports an artifact that a run on the branch has kept.
func (q Query) keepsWhatCounts(a github.Artifact) bool {
	return a.Name == q.Artifact && !a.Expired && a.Run.HeadBranch == q.Branch &&
		a.Run.RepositoryID == q.Repository && a.Run.HeadRepositoryID == q.Repository
}

// preferAncestors leaves the runs of commits in the tested commit's history,
// where there are some. A branch grows at its end, so that all runs before the
// newest such one are as old or older.
func (q Query) preferAncestors(ctx context.Context, c *github.Client, all []kept) ([]kept, string) {
	if q.Tested == "" {
		return all, ""
	}
	base, err := c.MergeBase(ctx, q.Branch, q.Tested)
	if err != nil {
		return all, fmt.Sprintf("the newest results of %s are the baseline: where this change left it is not known (%v)", q.Branch, err)
	}
	known := map[string]bool{}
	for i, k := range all {
		sha := k.run.HeadSHA
		is, looked := known[sha]
		if !looked {
			if len(known) == mostComparisons {
				break
			}
			if is, err = c.IsAncestor(ctx, sha, base); err != nil && !isMissing(err) {
				return all, fmt.Sprintf("the newest results of %s are the baseline: where this change left it is not known (%v)", q.Branch, err)
			}
			known[sha] = is
		}
		if is {
			return all[i:], ""
		}
	}
	return all, fmt.Sprintf("the baseline is newer than the place where this change left %s: no run before that has kept a result", q.Branch)
}

// isMissing reports a commit that is gone, as after a push by force.
func isMissing(err error) bool {
	e, ok := errors.AsType[*github.Error](err)
	return ok && (e.Status == http.StatusNotFound || e.Status == http.StatusUnprocessableEntity)
}

// download reads the newest results, as many as are wanted.
func (q Query) download(ctx context.Context, c *github.Client, all []kept, found *Found) {
	all = all[:min(len(all), q.Last+spare)]
	var failed []string
	for len(all) > 0 && len(found.Results) < q.Last && ctx.Err() == nil {
		batch := all[:min(len(all), atOnce, q.Last-len(found.Results))]
		all = all[len(batch):]
		results, errs := make([]*result.Run, len(batch)), make([]error, len(batch))
		var group sync.WaitGroup
		for i, k := range batch {
			group.Go(func() { results[i], errs[i] = q.read(ctx, c, k) })
		}
		group.Wait()
		for i, r := range results {
			if errs[i] != nil {
				failed = append(failed, fmt.Sprintf("the earlier result of run %d was left out: %v", batch[i].run.ID, errs[i]))
				continue
			}
			found.Results = append(found.Results, r)
		}
	}
	if ctx.Err() != nil && len(all) > 0 {
		failed = append(failed, fmt.Sprintf("%d earlier results were not read in time", len(all)))
	}
	found.Notices = append(found.Notices, few(failed)...)
}

// few keeps the first notices of a kind.
func few(notices []string) []string {
	const most = 3
	if len(notices) <= most {
		return notices
	}
	return append(notices[:most:most], fmt.Sprintf("%d more earlier results were left out", len(notices)-most))
}

// read downloads one result.
func (q Query) read(ctx context.Context, c *github.Client, k kept) (*result.Run, error) {
	archive, err := c.Archive(ctx, k.artifact, largestArchive)
	if err != nil {
		return nil, err
	}
	r, err := readArchive(archive)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Name != q.File:
		return nil, fmt.Errorf("it is of the SLO file %.80q, not of %.80q", r.Name, q.File)
	case r.Start.After(q.Now.Add(clockSkew)):
		return nil, errors.New("it was measured in the future")
	}
	// What the archive says of its origin does not count.
	r.Source = result.Source{Commit: k.run.HeadSHA, Branch: q.Branch, RunURL: k.run.HTMLURL}
	forgetCourse(r)
	return r, nil
}

// forgetCourse drops what comparisons do not look at: twenty results with all
// their seconds would be in memory while the load is made. Of base's side its
// presence stays, which is part of the fingerprint.
func forgetCourse(r *result.Run) {
	r.Timeline, r.Findings = nil, nil
	if r.Base != nil {
		for i, s := range r.Base.Stages {
			r.Base.Stages[i] = result.Stage{Name: s.Name}
		}
	}
	for i := range r.Stages {
		s := &r.Stages[i]
		s.Slices, s.Failures, s.Slowest, s.InFlight = nil, nil, nil, nil
	}
}
