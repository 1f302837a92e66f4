package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/slo"
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
	return nil
}

// loadPart is the job of a shard: it hands over what it has measured, without a
// verdict and without a comment.
func (pr *pullRequest) loadPart(ctx context.Context, p *program, n *network, file *slo.File) (int, error) {
	pr.inputs.Comment = "never"
	s := pr.settings()
	s.Docker = n.socket
	if code, done, err := n.findAll(ctx, p, file, pr.inputs, &s); err != nil {
		code, err = s.unready(ctx, err)
		return code, pr.refuse(ctx, p, file, err)
	} else if done {
		return code, nil
	}
	r, code, err := p.gateRun(ctx, file, s)
	if r == nil {
		return code, pr.refuse(ctx, p, file, n.explain(err))
	}
	var page bytes.Buffer
	err = errors.Join(err, report.Part(&page, r))
	return code, errors.Join(err, pr.action.WriteSummary(page.Bytes()), pr.handOver(r))
}

// mergeAction is the mode merge of the action: it judges what the jobs of the
// shards have measured as one run.
func mergeAction(ctx context.Context, p *program, a *action.Action, pr *pullRequest, paths []string) (int, error) {
	if len(paths) != 1 {
		err := fmt.Errorf("input config: mode merge is for the SLO file that the shards followed, these are %d", len(paths))
		return exitUsage, errors.Join(err, refused(a, err))
	}
	pr.inputs.Config = paths[0]
	file, change, err := pr.file(ctx, p)
	if err != nil {
		return pr.unread(err), errors.Join(err, refused(a, err))
	}
	a.Mask(file.Secrets...)
	r, err := mergeShards(pr.inputs.Shards)
	if err == nil {
		err = sameFile(file, r)
	}
	if err == nil {
		err = makeWritable(pr.inputs.Out)
	}
	if err != nil {
		return exitUsage, pr.refuse(ctx, p, file, err)
	}
	kept, s, err := pr.judges(file, change)
	if err != nil {
		return exitUsage, errors.Join(err, refused(a, err))
	}
	kept.compareWith(ctx, p, pr, &s)
	code, err := p.judge(file, r, s)
	pr.judged = r
	return code, errors.Join(err, pr.conclude(ctx, p, kept, change, code))
}
