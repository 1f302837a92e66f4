package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
)

// checkRun reports a judged run as a check run of its own, where the workflow
// asks for one.
func (pr *pullRequest) checkRun(ctx context.Context, p *program, r *result.Run, code int, c gateChange) error {
	if !pr.inputs.OwnCheckRun {
		return nil
	}
	text, err := report.Comment(r, pr.link())
	if err != nil {
		return err
	}
	return pr.putCheckRun(ctx, p, commentName(r.Name, r.SLO.Profile), github.CheckRun{
		HeadSHA: r.Source.Commit, Conclusion: conclusion(code, r.Judgement.Verdict.Passes()),
		Output: github.CheckRunOutput{
			Title:       cutLine(string(r.Judgement.Verdict)+": "+r.Judgement.Reason, longestTitle),
			Summary:     text,
			Annotations: pr.annotations(p, r.Judgement, c),
		},
	})
}

// refusedCheckRun reports why nothing was loaded: where a run of the same commit
// has passed before, its check run would go on saying so. A shard has none.
func (pr *pullRequest) refusedCheckRun(ctx context.Context, p *program, name string, code int, why error, text string) error {
	if !pr.inputs.OwnCheckRun || pr.isPart() {
		return nil
	}
	return pr.putCheckRun(ctx, p, name, github.CheckRun{
		HeadSHA: pr.action.Source().Commit, Conclusion: conclusion(code, false),
		Output: github.CheckRunOutput{Title: cutLine("not run: "+why.Error(), longestTitle), Summary: text},
	})
}

// putCheckRun writes a check run. Nothing that goes wrong there changes how the
// step ends: a notice says it.
func (pr *pullRequest) putCheckRun(ctx context.Context, p *program, name string, run github.CheckRun) error {
	err := pr.createCheckRun(ctx, p, name, run)
	if err == nil {
		return nil
	}
	why := err.Error()
	if refused, ok := errors.AsType[*github.Error](err); ok && refused.Needs != "" {
		why = "the token lacks the permission " + refused.Needs
	}
	return pr.action.Notice("no check run: " + why)
}

func (pr *pullRequest) createCheckRun(ctx context.Context, p *program, name string, run github.CheckRun) error {
	client, err := pr.client()
	if err != nil {
		return err
	}
	if run.HeadSHA == "" {
		return errors.New("neither the event nor the checkout says which commit this is")
	}
	within := commentTimeout
	if ctx.Err() != nil { // the run was cancelled
		ctx, within = context.WithoutCancel(ctx), checkRunAfterCancel
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	run.Name, run.Status, run.DetailsURL = checkName(pr.action.Key(pr.inputs, name)), "completed", pr.link().SummaryURL
	address, err := client.CreateCheckRun(ctx, run)
	if err == nil {
		fmt.Fprintf(p.stderr, "check run: %s\n", report.OneLine(address))
	}
	return err
}

// checkRunAfterCancel bounds the check run of a cancelled run: what is
// measured has been written about four seconds after the cancel, and a runner
// kills ten seconds after it.
const checkRunAfterCancel = 2 * time.Second

// longestTitle in characters is what a list of checks has room for, and some
// more.
const longestTitle = 200

func cutLine(text string, limit int) string {
	line := []rune(report.OneLine(text))
	return string(line[:min(len(line), limit)])
}

// checkName tells the check runs of one commit apart: GitHub shows the newest
// of each name.
func checkName(k github.Key) string {
	workflow := k.Workflow // a file, or a name where the server tells none
	if ext := path.Ext(workflow); ext == ".yml" || ext == ".yaml" {
		workflow = strings.TrimSuffix(path.Base(workflow), ext)
	}
	text := fmt.Sprintf("slogate: %s (%s / %s)", k.Name, workflow, k.Job)
	if k.Matrix != "" {
		text += " " + k.Matrix
	}
	return cutLine(text, longestTitle)
}

// conclusion is the verdict in GitHub's words: a check run fails where the step
// does, and one that let something pass does not say success.
func conclusion(code int, passes bool) string {
	switch {
	case code == exitCancelled:
		return "cancelled"
	case code != exitPass:
		return "failure"
	case passes:
		return "success"
	}
	return "neutral"
}

// annotations are the missed objectives at their lines, where the file that
// judged is the one of the commit.
func (pr *pullRequest) annotations(p *program, j *result.Judgement, c gateChange) []github.Annotation {
	path, ours := action.RepositoryPath(p.getenv("GITHUB_WORKSPACE"), pr.inputs.Config)
	if c.elsewhere || !ours {
		return nil
	}
	levels := map[string]string{action.Failure: "failure", action.Warning: "warning"}
	var all []github.Annotation
	for _, n := range action.Missed(j, report.Against) {
		if len(all) == github.MostAnnotations {
			break
		}
		line := max(n.Line, 1)
		all = append(all, github.Annotation{
			Path: path, From: line, To: line, Level: levels[n.Level], Title: cutLine(n.Title, longestTitle), Message: report.OneLine(n.Text),
		})
	}
	return all
}
