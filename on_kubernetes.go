package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/slogate/slogate/action/route"
	"github.com/slogate/slogate/kube/spread"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

// This file is about a run whose generators are pods of a cluster.

// spreadFlags spread the load of a run over a cluster.
type spreadFlags struct {
	On      string        `group:"Several generators:" enum:",kubernetes" default:"" help:"Make the load by an Indexed Job of --workers pods in a cluster; it is judged here." placeholder:"kubernetes"`
	Workers int           `group:"Several generators:" default:"1" help:"Pods that make the load with --on kubernetes (default: ${default})." placeholder:"N"`
	Image   string        `group:"Several generators:" help:"Image of slogate that the pods run, of this version." placeholder:"IMAGE"`
	StartIn time.Duration `group:"Several generators:" default:"30s" help:"When the pods begin, pulled and started, from when the Job is made (default: ${default})." placeholder:"TIME"`
	namespaceFlag
}

// readByRun is what an SLO file made slogate read.
type readByRun struct {
	files  []string          // relative to the working directory
	values map[string]string // of the environment
}

// watch lets the options note what is read.
func (r *readByRun) watch(o slo.Options) slo.Options {
	env := o.Env
	r.values = map[string]string{}
	o.Env = func(name string) (string, bool) {
		value, set := env(name)
		if set {
			r.values[name] = value
		}
		return value, set
	}
	o.Reads = func(path string) { r.files = append(r.files, path) }
	return o
}

// largestFile is above what all files together may have.
const largestFile = 2 << 20

// contents reads the SLO file and the others for the workers, and says where
// the SLO file is there.
func (r *readByRun) contents(path string) (files map[string][]byte, at string, err error) {
	at, err = relative(path)
	switch {
	case err != nil && len(r.files) > 0:
		return nil, "", hinted{err, "call slogate in a folder that holds the SLO file and all that it reads"}
	case err != nil:
		at = filepath.Base(path)
	}
	files = map[string][]byte{}
	for to, from := range r.sources(path, at) {
		info, err := os.Stat(from)
		if err == nil && info.Size() > largestFile {
			return nil, "", hinted{fmt.Errorf("%s has %d bytes, and all that the workers read must fit into a Secret of 1 MiB", from, info.Size()), "use fewer rows, or an image that holds the data"}
		}
		if err == nil {
			files[to], err = os.ReadFile(from)
		}
		if err != nil {
			return nil, "", fmt.Errorf("read for the workers: %w", err)
		}
	}
	return files, at, nil
}

func (r *readByRun) sources(path, at string) map[string]string {
	all := map[string]string{filepath.ToSlash(at): path}
	for _, name := range r.files {
		all[filepath.ToSlash(name)] = name
	}
	return all
}

// relative is a path within the working directory.
func relative(path string) (string, error) {
	here, err := filepath.Abs(".")
	if err != nil {
		return "", err
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	within, err := filepath.Rel(here, whole)
	if err != nil || !filepath.IsLocal(within) {
		return "", fmt.Errorf("%s lies outside of the working directory", path)
	}
	return within, nil
}

// check refuses what a spread run cannot do.
func (f spreadFlags) check(c *runCommand, files int) error {
	if f.On == "" {
		return nil
	}
	switch {
	case f.Image == "":
		return hinted{errors.New("--on kubernetes needs --image"), "--image ghcr.io/slogate/slogate:v1, or one from where the cluster pulls, of this version of slogate"}
	case f.StartIn < time.Second || f.StartIn > time.Hour:
		return fmt.Errorf("--start-in is %s, want 1s to 1h", f.StartIn)
	case files > 1:
		return hinted{errors.New("--on kubernetes is for one SLO file"), "call slogate once for each"}
	case c.AllowCommands, c.Once, c.Shard != "", c.StartAt != "":
		return errors.New("--on kubernetes excludes --allow-commands, --once, --shard and --start-at")
	}
	return nil
}

// checkTargets checks those that are not empty.
func checkTargets(all ...string) error {
	for _, target := range all {
		if err := checkTarget(target); target != "" && err != nil {
			return err
		}
	}
	return nil
}

// checkTarget refuses a target that is something else in every pod.
func checkTarget(target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	if u.Scheme == "unix" || route.Loopback(u.Hostname()) {
		return hinted{fmt.Errorf("the target %s is each worker's own pod", u.Redacted()), "name the service as the cluster does, with --target http://NAME"}
	}
	return nil
}

// spreadRun is the way of a run whose load is made in a cluster: the shards are
// merged and judged as one.
func (c *runCommand) spreadRun(ctx context.Context, p *program, plan planned) (*result.Run, int, error) {
	s := plan.settings
	if err := s.makeWritable(); err != nil {
		return nil, exitUsage, err
	}
	job, err := c.job(plan)
	if err != nil {
		return nil, exitUsage, err
	}
	client, err := connect(ctx, s.Kube, cmp.Or(c.Namespace, namespaceOf(plan.file)), plan.file)
	if err != nil {
		return nil, exitUsage, err
	}
	pods, notes, err := s.watched(ctx, p, plan.file)
	if err != nil {
		code, err := s.unready(ctx, err)
		return nil, code, err
	}
	if pods != nil {
		pods = inItsTime{pods, client.Ahead(ctx)}
	}
	job.Namespace = client.Namespace
	progress := p.progress()
	note := func(text string) { progress.Note(veil(text, plan.file)) }
	for _, text := range notes {
		note(text)
	}
	seen := run.Watch(ctx, pods)
	answers, err := spread.Run(ctx, client, job, note)
	progress.Close()
	if err != nil {
		seen(nil)
		if ctx.Err() == nil {
			return nil, exitUsage, helpful(fmt.Errorf("spread the load: %w", err))
		}
		code, err := s.unready(ctx, err)
		return nil, code, err
	}
	r, err := merged(answers, plan.file)
	seen(r)
	if err != nil {
		code, err := s.unready(ctx, err)
		return nil, code, err
	}
	r.Source, r.SLO.Path = s.Source, plan.file.Path
	r.Warnings = append(r.Warnings, s.Notes...)
	r.Cancelled = r.Cancelled || ctx.Err() != nil
	code, err := p.judge(plan.file, r, s)
	if ctx.Err() != nil {
		code = exitCancelled
	}
	return r, code, err
}

// inItsTime tells the state of a cluster by the cluster's clock, which is ahead:
// the stages of a spread run have their times by it.
type inItsTime struct {
	run.Cluster
	ahead time.Duration
}

func (c inItsTime) Sample(ctx context.Context) (result.ClusterSample, error) {
	s, err := c.Cluster.Sample(ctx)
	s.At = s.At.Add(c.ahead)
	return s, err
}

func (c inItsTime) Timeline() result.Timeline {
	t := c.Cluster.Timeline()
	for i := range t.Events {
		t.Events[i].At = t.Events[i].At.Add(c.ahead)
	}
	return t
}

// namespaceOf is the one that the file names, empty where it names none.
func namespaceOf(file *slo.File) string {
	if file.Kubernetes == nil {
		return ""
	}
	return file.Kubernetes.Namespace
}

// job is what the cluster shall do.
func (c *runCommand) job(plan planned) (spread.Job, error) {
	if err := checkTargets(plan.file.Target, plan.file.Baseline.BaseTarget); err != nil {
		return spread.Job{}, err
	}
	files, at, err := plan.read.contents(plan.file.Path)
	if err != nil {
		return spread.Job{}, err
	}
	job := spread.Job{
		Image: c.Image, Workers: c.Workers, Files: files, Values: plan.read.values, StartIn: c.StartIn,
		Args: c.workerArgs(filepath.ToSlash(at)),
	}
	if most := plan.file.Limits.Duration; most > 0 {
		job.Most = c.StartIn + most + afterLoad
	}
	if err := job.Check(); err != nil {
		return job, err
	}
	return job, nil
}

// afterLoad is what the steps after the load, and the last answers, may take.
const afterLoad = 5 * time.Minute

// workerArgs are the flags that make the load, for every worker.
func (c *runCommand) workerArgs(path string) []string {
	seed := c.Seed
	for seed == 0 {
		seed = randomSeed()
	}
	args := []string{"--no-watch", "--seed", fmt.Sprint(seed), "--engine", c.Engine, "--threads", fmt.Sprint(c.Threads), "--connections", fmt.Sprint(c.Connections), "--priority", c.Priority}
	for _, f := range []struct{ name, value string }{
		{"--target", c.Target}, {"--base-target", c.BaseTarget}, {"--profile", c.Profile}, {"--max-rate", c.MaxRate}, {"--max-duration", c.MaxDuration}, {"--allowed-hosts", c.AllowedHosts},
	} {
		if f.value != "" {
			args = append(args, f.name, f.value)
		}
	}
	return append(args, "--", path)
}

// merged is the result of all workers. What is missing stands in its warnings,
// beside the gaps that the merge itself finds.
func merged(answers []spread.Answer, file *slo.File) (*result.Run, error) {
	var shards []*result.Run
	var lost []string
	for _, a := range answers {
		r, why := shardOf(a)
		if r != nil {
			shards = append(shards, r)
			continue
		}
		lost = append(lost, veil(fmt.Sprintf("worker %d of %d has no result: %s", a.Index+1, len(answers), why), file))
	}
	if len(shards) == 0 {
		return nil, errors.New(report.OneLine(lost[0]))
	}
	r, err := result.MergeShards(shards)
	if err != nil {
		return nil, fmt.Errorf("merge the workers' results: %w", err)
	}
	r.Warnings = append(r.Warnings, lost...)
	return r, nil
}

func shardOf(a spread.Answer) (r *result.Run, why string) {
	if a.Payload == nil {
		return nil, a.Why
	}
	r, err := result.Decode(bytes.NewReader(a.Payload))
	if err != nil {
		return nil, err.Error()
	}
	return r, ""
}
