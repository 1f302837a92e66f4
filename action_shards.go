package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
)

// readTogether reads the inputs of a job that is one of several generators.
func (pr *pullRequest) readTogether(files int) (err error) {
	in := pr.inputs
	pr.together, err = shardFlags{Shard: in.Shard, StartAt: in.StartAt}.read(in.Seed, time.Now())
	switch {
	case err != nil || in.Shard == "":
		return err
	case files > 1:
		return errors.New("input shard: it is for one SLO file, config names several")
	case len(in.Baseline) > 0 || in.Accept:
		return errors.New("input shard: a shard is not judged by itself, the inputs baseline and accept belong to the job with mode merge")
	}
	pr.inputs.Comment = "never"
	return nil
}

// isPart reports whether the job is one of several generators.
func (pr *pullRequest) isPart() bool { return pr.together.shard.Count > 0 }

// handOverPart hands over what a shard has measured, without a verdict and
// without a comment.
func (pr *pullRequest) handOverPart(r *result.Run) error {
	var page bytes.Buffer
	err := report.Part(&page, r)
	return errors.Join(err, pr.action.WriteSummary(page.Bytes()), pr.handOver(r))
}

// mergeAction is the mode merge of the action: it judges what the jobs of the
// shards have measured as one run.
func mergeAction(ctx context.Context, p *program, a *action.Action, pr *pullRequest, paths []string) (int, error) {
	if len(paths) != 1 {
		err := fmt.Errorf("input config: mode merge is for the SLO file that the shards followed, these are %d", len(paths))
		return exitUsage, errors.Join(err, refused(a, err))
	}
	pr.inputs.Config = paths[0]
	g, err := prepareGate(ctx, p, pr)
	if err != nil {
		return pr.unread(err), pr.refuseAll(ctx, p, paths, pr.unread(err), err)
	}
	r, err := mergeShards(pr.inputs.Shards)
	if err == nil {
		err = sameFile(g.file, r)
	}
	if err == nil {
		err = g.settings.makeWritable()
	}
	if err != nil {
		return exitUsage, pr.refuse(ctx, p, g.file, exitUsage, err)
	}
	kept := g.history(ctx, p)
	code, err := p.judge(g.file, r, g.settings)
	return code, errors.Join(err, g.conclude(ctx, p, kept, r, code))
}
