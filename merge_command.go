package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// mergeCommand judges the shards of one run as the run.
type mergeCommand struct {
	Shards []string `arg:"" name:"shard" help:"Result files of shards, or folders that hold them at any depth." placeholder:"SHARD" complete:".json"`
	SLO    string   `name:"slo" help:"The SLO file that the shards followed, where it has moved." placeholder:"FILE" complete:".yaml,.yml"`
	reportFlags
	judgeFlags
}

// Run reads, merges and judges.
func (c *mergeCommand) Run(_ context.Context, p *program) (int, error) {
	if err := makeWritable(c.Out); err != nil {
		return exitUsage, err
	}
	r, err := mergeShards(c.Shards)
	if err != nil {
		return exitUsage, err
	}
	options := slo.Options{Target: targetOf(r), Profile: r.SLO.Profile, Env: p.lookupEnv}
	path, err := c.path(r)
	if err != nil {
		return exitUsage, err
	}
	file, err := readSLO(path, options)
	if err != nil {
		return exitUsage, err
	}
	settings := c.reportFlags.settings()
	file, err = c.judgeFlags.apply(file, options, &settings)
	if err != nil {
		return exitUsage, err
	}
	if c.ObjectivesFrom != "base" {
		if err := sameFile(file, r); err != nil {
			return exitUsage, err
		}
	}
	settings.Source = r.Source
	return p.judge(file, r, settings)
}

// path is where the SLO file is.
func (c *mergeCommand) path(r *result.Run) (string, error) {
	if c.SLO != "" {
		return c.SLO, nil
	}
	if !isOurs(r.SLO.Path) {
		return "", hinted{fmt.Errorf("the SLO file %.80q lies elsewhere", r.SLO.Path), "name it with --slo FILE"}
	}
	return r.SLO.Path, nil
}

// sameFile refuses an SLO file, or a profile of it, that the shards did not
// follow.
func sameFile(file *slo.File, r *result.Run) error {
	switch {
	case file.Digest == r.SLO.Digest && file.Profile == r.SLO.Profile:
		return nil
	case file.Digest == r.SLO.Digest:
		return hinted{fmt.Errorf("the shards loaded the profile %.80q, not %.80q", r.SLO.Profile, file.Profile), "the input profile of the job with mode merge is that of the shards"}
	}
	return hinted{fmt.Errorf("%s is not the SLO file that the shards followed", file.Path), "check the same revision out, or name the file with --slo FILE"}
}

// mergeShards reads the results that the user names and merges them.
func mergeShards(named []string) (*result.Run, error) {
	paths, err := shardFiles(named)
	if err != nil {
		return nil, err
	}
	var shards []*result.Run
	for _, path := range paths {
		r, err := result.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if !r.Shard.IsPart() {
			return nil, hinted{fmt.Errorf("%s is not the result of a shard", path), "slogate run --shard I/N writes one"}
		}
		shards = append(shards, r)
	}
	r, err := result.MergeShards(shards)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(named, " "), err)
	}
	return r, nil
}

// shardFiles are the result files that are named, and those of folders that
// are, as the artifacts of a workflow's jobs come: each in a folder of its own.
func shardFiles(named []string) ([]string, error) {
	var all []string
	for _, name := range named {
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, hinted{fmt.Errorf("%s: no such file or folder", name), "name the " + resultFile + " of each shard, or folders that hold them"}
		case err != nil:
			return nil, fmt.Errorf("read shards: %w", err)
		case !info.IsDir():
			all = append(all, name)
			continue
		}
		found, err := shardsBelow(os.DirFS(name), name)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if slices.Sort(all); len(all) > 2*result.MaxShards {
		return nil, fmt.Errorf("%d results, a run has at most %d shards", len(all), result.MaxShards)
	}
	return slices.Compact(all), nil
}

// shardsBelow are the results of runs in a folder with that name. A shard that is
// not found is missing from the merged result, which says so.
func shardsBelow(folder fs.FS, named string) ([]string, error) {
	found, err := filesBelow(folder, isOfRun)
	if err != nil {
		return nil, fmt.Errorf("look for shards in %s: %w", named, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no %s", named, resultFile)
	}
	for i, name := range found {
		found[i] = filepath.Join(named, filepath.FromSlash(name))
	}
	return found, nil
}
