package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// commentTimeout bounds what a comment may cost a job: above the longest pause
// of one call, a minute, that GitHub asks for at a rate limit.
const commentTimeout = 2 * time.Minute

// pullRequest is the place for the comment of a job.
type pullRequest struct {
	action  *action.Action
	inputs  action.Inputs
	event   github.Event
	noEvent error // why the event's payload could not be read; nil: it was
	trust   trust
	number  int // 0: to be found

	lostFiles []string // notices of the SLO files that the change took away

	together together // with other jobs that are generators, too
	sections int      // of the job summary that are not written yet; 0: this one
}

func newPullRequest(a *action.Action, in action.Inputs) *pullRequest {
	e, err := a.ReadEvent()
	return &pullRequest{action: a, inputs: in, event: e, noEvent: err, trust: newTrust(e, in), number: e.Number}
}

// warnOfTarget warns of the event that hands a fork's change a token that can
// write. What the workflow has done with the change by now cannot be seen.
func (pr *pullRequest) warnOfTarget() error {
	if pr.event.Name != "pull_request_target" || !pr.event.Fork {
		return nil
	}
	return pr.action.Warn("this job has a token that can write, and is about a fork's change: with pull_request_target, neither start the fork's code nor use its SLO file. docs/action.md has two workflows for forks.")
}

// read reads the SLO file of this job.
func (pr *pullRequest) read(p *program) (*slo.File, error) {
	options, err := pr.options(p)
	if err != nil {
		return nil, err
	}
	src, err := pr.source(p)
	if err != nil {
		return nil, err
	}
	return slo.Parse(src, options)
}

// source reads the text of the SLO file of this job. Where the workflow names one
// of the workspace it stays there: a change can make it a link to anywhere.
func (pr *pullRequest) source(p *program) ([]byte, error) {
	workspace, path := p.getenv("GITHUB_WORKSPACE"), pr.inputs.Config
	inside, ours := action.Within(workspace, path)
	if !ours || workspace == "" {
		src, err := readSLOFile(path)
		return src, unreadSLO(err)
	}
	root, err := os.OpenRoot(workspace)
	if err != nil {
		return nil, fmt.Errorf("open the workspace: %w", err)
	}
	defer root.Close()
	src, err := readSLOFileIn(root, inside)
	if errors.Is(err, fs.ErrNotExist) {
		hint := "the input config names it, from the top of the workspace; slogate init writes a first one"
		if isBare(workspace) {
			hint = "the workspace is empty: check the repository out in a step before this one, uses: actions/checkout@v4"
		}
		return nil, hinted{fmt.Errorf("read SLO file: open %s: %w", path, fs.ErrNotExist), hint}
	}
	return src, unreadSLO(err)
}

// isBare reports a workspace without files.
func isBare(workspace string) bool {
	entries, err := os.ReadDir(workspace)
	return err == nil && len(entries) == 0
}

// options are those of the SLO file of this job. A deployment is the target
// where the workflow names none.
func (pr *pullRequest) options(p *program) (slo.Options, error) {
	in := pr.inputs
	target := in.Target
	if target == "" {
		target = origin(pr.event.EnvironmentURL)
	}
	// A variable that is not there: the workflow lists it and gives its value.
	denied := func(name string) string {
		if !slices.Contains(in.Env, name) {
			return fmt.Sprintf("the SLO file may read it once the workflow lists it: with: {env: %s}, and env: {%[1]s: …} of the same step for its value", name)
		}
		return fmt.Sprintf("the workflow lists it, and gives it no value: env: {%s: …} of the same step, such as a secret", name)
	}
	limits, err := slo.ParseLimits(in.MaxRate, in.MaxDuration, in.AllowedHosts)
	return slo.Options{
		Path: in.Config, Shards: pr.together.shard.Count, Target: target, BaseTarget: in.BaseTarget, Profile: in.Profile, Limits: limits,
		Env: pr.action.EnvLookup(in.Env, p.lookupEnv), Trusted: pr.trust.names, Stranger: pr.trust.stranger,
		Plan: in.Mode == "check", EnvDenied: denied,
	}, err
}

// origin is the scheme and host of an address: what a target may be.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// report puts a judged run below its pull request. Nothing that goes wrong
// there changes how the step ends: a notice says it.
func (pr *pullRequest) report(ctx context.Context, p *program, r *result.Run) error {
	if pr.inputs.Comment == "never" || wasCancelled(r) {
		return nil // the run that replaces a cancelled one will comment
	}
	text, err := report.Comment(r, pr.link())
	if err != nil {
		return err
	}
	return pr.explain(p, pr.put(ctx, p, commentName(r.Name, r.SLO.Profile), text, pr.begins(!r.Judgement.Verdict.Passes())))
}

// begins reports whether there is a first comment, where none is there to be
// updated.
func (pr *pullRequest) begins(failed bool) bool { return failed || pr.inputs.Comment != "on-failure" }

// refuse says wherever a reader looks why nothing of a file was loaded, without
// its secrets. Code is the exit code for it. The folder for the results may be
// there by now.
func (pr *pullRequest) refuse(ctx context.Context, p *program, file *slo.File, code int, why error) error {
	pr.action.HandOver(pr.inputs.Out)
	why = veiled(why, file)
	name := commentName(file.Name, file.Profile)
	return errors.Join(why, refused(pr.action, why), pr.refuseOf(ctx, p, name, code, why, true))
}

// refuseAll does the same for SLO files none of which could be loaded, because
// one is wrong or what they need is. It begins no comment: the name, by which
// that would be updated, can change when a file is repaired.
func (pr *pullRequest) refuseAll(ctx context.Context, p *program, paths []string, code int, why error) error {
	err := joinedWith(why, refused(pr.action, why))
	for _, path := range paths {
		pr.inputs.Config = path
		src, _ := pr.source(p) // why it cannot be read is told already
		name := commentName(slo.NameIn(src, path), pr.inputs.Profile)
		err = joinedWith(err, pr.refuseOf(ctx, p, name, code, why, false))
	}
	return err
}

// refuseOf writes the check run and the comment of one file: what earlier ones
// say would go on being read.
func (pr *pullRequest) refuseOf(ctx context.Context, p *program, name string, code int, why error, begin bool) error {
	text := report.RefusalComment(explained(why), pr.link())
	err := pr.refusedCheckRun(ctx, p, name, code, why, text)
	if pr.inputs.Comment == "never" || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, pr.explain(p, pr.put(ctx, p, name, text, begin)))
}

func (pr *pullRequest) link() report.CommentOptions {
	return report.CommentOptions{SummaryURL: pr.action.SummaryURL(pr.inputs.CheckRun)}
}

// commentName tells the comments of a job's SLO files and profiles apart.
func commentName(file, profile string) string {
	if profile == "" {
		return file
	}
	return file + ", " + profile
}

// put writes the comment; unless it may begin one, it only refreshes one that is
// there.
func (pr *pullRequest) put(ctx context.Context, p *program, name, text string, begin bool) error {
	ctx, cancel := context.WithTimeout(ctx, commentTimeout)
	defer cancel()
	client, err := pr.client()
	if err != nil {
		return err
	}
	if err := pr.find(ctx, client); err != nil {
		return err
	}
	if pr.number == 0 && pr.noEvent != nil {
		return pr.noEvent
	}
	if pr.number == 0 {
		fmt.Fprintln(p.stderr, "no comment: this run belongs to no open pull request")
		return nil
	}
	written, found, key := github.Comment{}, true, pr.action.Key(pr.inputs, name)
	said := github.Report{Text: text, Run: pr.run(p)}
	if begin {
		written, err = client.PutComment(ctx, pr.number, key, said)
	} else {
		written, found, err = client.RefreshComment(ctx, pr.number, key, said)
	}
	switch {
	case err != nil || !found:
	case written.Newer:
		fmt.Fprintf(p.stderr, "comment: a later run has written it already: %s\n", report.OneLine(written.URL))
	default:
		fmt.Fprintf(p.stderr, "comment: %s\n", report.OneLine(written.URL))
	}
	return err
}

// find looks for the number of the pull request, where it is not known.
func (pr *pullRequest) find(ctx context.Context, client *github.Client) (err error) {
	if pr.number != 0 {
		return nil
	}
	if pr.number, err = client.PullRequest(ctx, pr.event); err != nil {
		return fmt.Errorf("look for the pull request: %w", err)
	}
	return nil
}

// run is the workflow's run that has measured, 0 where it is not known.
func (pr *pullRequest) run(p *program) int64 {
	if pr.event.RunID != 0 {
		return pr.event.RunID
	}
	run, err := strconv.ParseInt(p.getenv("GITHUB_RUN_ID"), 10, 64)
	if err != nil {
		return 0
	}
	return run
}

var errNoToken = errors.New("there is no token")

func (pr *pullRequest) client() (*github.Client, error) {
	if pr.inputs.Token == "" {
		return nil, errNoToken
	}
	return pr.action.API(pr.inputs.Token, userAgent())
}

// explain tells the user why there is no comment. Where no pull request was
// promised, as after a push, that is no news.
func (pr *pullRequest) explain(p *program, why error) error {
	if why == nil {
		return nil
	}
	text := "no comment on the pull request: " + pr.reason(why) + ". The job summary holds the report."
	promised := pr.event.Number != 0 || strings.HasPrefix(pr.event.Name, "pull_request") || pr.inputs.Mode == "comment"
	if !promised {
		fmt.Fprintln(p.stderr, text)
		return nil
	}
	if pr.inputs.CommentRequired {
		return missingComment{errors.New(text)}
	}
	return pr.action.Notice(text)
}

// missingComment is a comment that could not be written, where the workflow
// requires it.
type missingComment struct{ error }

func (pr *pullRequest) reason(why error) string {
	refused, ok := errors.AsType[*github.Error](why)
	switch {
	case !ok:
		return why.Error()
	case refused.Locked:
		return "its conversation is locked"
	case refused.Needs != "" && (pr.event.Fork || pr.action.Dependabot()):
		return "the token of a fork's pull request, or of Dependabot's, can only read, and this needs " + refused.Needs +
			"; docs/action.md has a second workflow that may comment"
	case refused.Needs != "":
		return fmt.Sprintf("the token lacks the permission %s (status %d)", refused.Needs, refused.Status)
	case refused.RateLimited:
		return "the token has made too many calls"
	}
	return why.Error()
}

// largestForeign is how large a result file of another workflow may be, in
// bytes: a run of an hour stays below 10 MB.
const largestForeign = 32 << 20

// readForeign reads a result file that another workflow has left. What was
// measured and judged is shown as it says; where it comes from is what the
// event says, and it links to nothing.
func (pr *pullRequest) readForeign(path string) (*result.Run, error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read result: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read result %s: not a regular file", path)
	case info.Size() > largestForeign:
		return nil, fmt.Errorf("read result %s: larger than %d MiB", path, largestForeign>>20)
	}
	r, err := result.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if r.Judgement == nil {
		return nil, fmt.Errorf("read result %s: the run was not judged", path)
	}
	r.Source = result.Source{Commit: pr.event.Head.SHA, Branch: pr.event.Head.Ref, RunURL: pr.measuredBy()}
	for i := range r.Judgement.Earlier {
		r.Judgement.Earlier[i].RunURL = ""
	}
	if r.Base != nil {
		r.Base.Source.RunURL = ""
	}
	return r, nil
}

// measuredBy is the run that has left the result file; empty where the event is
// not its end.
func (pr *pullRequest) measuredBy() string {
	if pr.event.RunID == 0 {
		return ""
	}
	return pr.action.RunURL(strconv.FormatInt(pr.event.RunID, 10))
}

// forward comments with a result file that another workflow has left.
func (pr *pullRequest) forward(ctx context.Context, p *program, r *result.Run) error {
	text, err := report.Comment(r, report.CommentOptions{SummaryURL: pr.measuredBy(), Foreign: true, OriginURL: pr.measuredBy()})
	if err != nil {
		return err
	}
	failed := r.Cancelled || !r.Judgement.Verdict.Passes()
	return pr.put(ctx, p, commentName(r.Name, r.SLO.Profile), text, pr.begins(failed))
}

// comment is the mode comment of the action. A wrong file is an error; that the
// API refuses is none.
func (pr *pullRequest) comment(ctx context.Context, p *program) (int, error) {
	path := pr.inputs.Result
	if path == "" {
		path = filepath.Join(pr.inputs.Out, resultFile)
	}
	r, err := pr.readForeign(path)
	if err != nil {
		return exitUsage, err
	}
	return exitPass, pr.explain(p, pr.forward(ctx, p, r))
}
