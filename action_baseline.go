package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/baseline"
	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Words that stand in the place of files in --baseline and the input baseline.
const (
	noBaseline       = "none"
	artifactBaseline = "artifact"
)

// history is where a job finds the results of earlier runs of its workflow,
// and keeps its own.
type history struct {
	job      action.Job
	api      func() (*github.Client, error)
	rules    slo.Baseline
	artifact string // the name of this job's artifacts for this SLO file
	file     string // name of the SLO file
	wanted   bool   // the user asked for it
	compares bool   // an objective does
	off      bool
	other    bool   // there is another baseline than earlier runs
	advice   string // what to change in the workflow, once it is known; empty: nothing
}

func newHistory(a *action.Action, in action.Inputs, file *slo.File) *history {
	h := &history{job: a.Job(), rules: file.Baseline, file: file.Name, compares: comparesAny(file)}
	h.api = func() (*github.Client, error) { return a.API(in.Token, userAgent()) }
	h.artifact = baseline.Origin{
		First: file.Baseline.Artifact, File: file.Name, Profile: file.Profile, Job: h.job.Name, Matrix: in.Matrix,
	}.Artifact()
	asked := asksForArtifacts(in)
	h.wanted = asked || len(in.Baseline) == 0 && (file.Baseline.Artifact != "" || file.Baseline.Branch != "")
	h.off = slices.Equal(in.Baseline, []string{noBaseline}) || file.Baseline.Off
	h.other = len(filesOf(in.Baseline)) > 0 || len(file.Baseline.Files) > 0 || file.Baseline.BaseTarget != ""
	return h
}

func asksForArtifacts(in action.Inputs) bool {
	return slices.Equal(in.Baseline, []string{artifactBaseline})
}

// onlyArtifacts takes out of a file what it would be compared with besides the
// results of earlier runs: a change must not bring its own baseline. How the
// comparison is done stays.
func onlyArtifacts(file *slo.File, in action.Inputs) {
	b := &file.Baseline
	b.Off, b.Files, b.Ref = false, nil, ""
	if in.BaseTarget == "" {
		b.BaseTarget = ""
	}
}

// branch is the one whose runs count.
func (h *history) branch() string {
	if h.rules.Branch != "" {
		return h.rules.Branch
	}
	return h.job.Base
}

// isBase reports whether the job runs for that branch itself, or for the
// default one.
func (h *history) isBase() bool {
	return h.job.OnBase() || h.job.Branch != "" && h.job.Branch == h.rules.Branch
}

// looks reports whether earlier runs are looked for: where the user wants
// that, and else where a comparison would have no other baseline.
func (h *history) looks() bool {
	if h.off || h.wanted {
		return !h.off
	}
	return h.compares && !h.other && (h.job.Change || h.isBase())
}

// find returns the results of earlier runs. It never fails: what keeps it from
// finding some is told in notices.
func (h *history) find(ctx context.Context) ([]*result.Run, []string) {
	j, branch := h.job, h.branch()
	switch {
	case j.Gitea:
		h.advice = "there is no baseline: Gitea and Forgejo keep no artifacts that slogate could find one in. Load the base branch's build in the same run with base-target, or name result files under baseline in the SLO file"
		return nil, []string{h.advice}
	case j.Repository == "" || j.Number == 0 || j.Workflow == "" || branch == "":
		return nil, []string{"earlier results were not looked for: the runner does not say which repository, workflow and branch this is"}
	case branch == j.Own:
		return nil, []string{fmt.Sprintf("earlier results were not looked for: a pull request is not compared with runs of its own branch %s", branch)}
	}
	c, err := h.api()
	if err != nil {
		return nil, []string{fmt.Sprintf("earlier results were not looked for: %v", err)}
	}
	found, err := baseline.Find(ctx, c, baseline.Query{
		Artifact: h.artifact, File: h.file, Workflow: j.Workflow, Branch: branch, Repository: j.Number,
		Run: j.Run, Tested: j.Commit, Last: h.rules.Last, MaxAge: h.rules.MaxAge, Now: time.Now(),
	})
	if notice := h.explain(err, found, branch); notice != "" {
		found.Notices = append(found.Notices, notice)
	}
	return found.Results, found.Notices
}

// explain says why nothing was found, and advises what to change.
func (h *history) explain(err error, found baseline.Found, branch string) string {
	refused, _ := errors.AsType[*github.Error](err)
	denied := refused != nil && refused.Needs != ""
	switch {
	case err != nil && !denied:
		return fmt.Sprintf("earlier results were not looked for: %v", err)
	case denied && refused.Status != http.StatusNotFound:
		h.advice = fmt.Sprintf("earlier results could not be read: the token needs the permission %s (permissions: {contents: read, actions: read})", refused.Needs)
	case len(found.Results) > 0 || len(found.Notices) > 0:
		return ""
	case branch == h.job.Branch:
		return fmt.Sprintf("no earlier run of %s has kept a result yet: this one is the first", branch)
	default:
		h.advice = fmt.Sprintf("there is no baseline yet: %s, and permissions: {contents: read, actions: read}. "+
			"Or load the base branch's build in the same run with base-target", h.remedy(branch))
	}
	return h.advice
}

// remedy says why runs on a branch have kept no result, and what makes them.
func (h *history) remedy(branch string) string {
	if h.rules.Branch == "" && h.job.Default != "" && branch != h.job.Default {
		return fmt.Sprintf("runs of this workflow on %[1]s keep no results, because it is not the default branch. "+
			"For that, set baseline: {branch: %[1]s} in the SLO file, and add to the workflow on: {push: {branches: [%[1]s]}}", branch)
	}
	return fmt.Sprintf("successful runs of this workflow on %[1]s keep their results, and none has. "+
		"For that, add to the workflow on: {push: {branches: [%[1]s]}}", branch)
}

// keep keeps the result of a good run on the base branch for those that come
// after it. It returns a notice where that did not work and somebody may miss
// it.
func (h *history) keep(ctx context.Context, r *result.Run, path string) (kept bool, notice string) {
	if h.off || !h.isBase() || !gate.Usable(r) {
		return false, ""
	}
	if h.job.Gitea || !h.job.TakesArtifacts() && !h.compares && !h.wanted {
		return false, ""
	}
	instead := fmt.Sprintf("To compare later runs with it, let a step after this one upload %s: uses: actions/upload-artifact, with: {name: %s, path: %s}", path, h.artifact, path)
	if !h.job.TakesArtifacts() {
		return false, "the result was not kept as an artifact, which this runner does not offer to a container. " + instead
	}
	// What was measured, not what lies at the path by now: another run may have
	// written there.
	var text bytes.Buffer
	if err := result.Encode(&text, r); err != nil {
		return false, fmt.Sprintf("the result was not kept: %v", err)
	}
	s, err := baseline.NewService(h.job.ResultsURL, h.job.RuntimeToken, userAgent())
	if err == nil {
		err = s.Keep(ctx, h.artifact, text.Bytes(), h.job.Attempt > 1)
	}
	switch {
	case errors.Is(err, baseline.ErrTaken):
		return false, fmt.Sprintf("the result was not kept: this run has an artifact %s already. Give the SLO files, or baseline.artifact in them, different names", h.artifact)
	case err != nil:
		return false, fmt.Sprintf("the result was not kept: %v. %s", err, instead)
	}
	return true, ""
}

// earlierResults adds the results of earlier runs to what a run is compared
// with.
func (h *history) earlierResults(ctx context.Context, opts *gate.Options) {
	if !h.looks() {
		return
	}
	var runs []*result.Run
	runs, opts.Notices = h.find(ctx)
	opts.Baseline = append(opts.Baseline, runs...)
}

// keepResult keeps the result of a run and says so in the log. What to change
// in the workflow it says in a notice.
func (h *history) keepResult(ctx context.Context, p *program, a *action.Action, r *result.Run, out string) error {
	kept, notice := h.keep(ctx, r, filepath.Join(out, resultFile))
	if kept {
		fmt.Fprintf(p.stderr, "kept for later runs: artifact %s\n", h.artifact)
	}
	var errs []error
	for _, text := range []string{h.advice, notice} {
		if text != "" {
			fmt.Fprintf(p.stderr, "notice: %s\n", text)
			errs = append(errs, a.Notice(text))
		}
	}
	return errors.Join(errs...)
}
