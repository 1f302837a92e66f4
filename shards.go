package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// shardFlags make a run one of several generators'.
type shardFlags struct {
	Shard   string `group:"Several generators:" help:"Do this part of the load, such as 3/8, and leave the verdict to slogate merge. All have the same --seed." placeholder:"I/N"`
	StartAt string `group:"Several generators:" help:"Begin the first stage then, as the others do: 2026-03-01T12:00:00Z, 1772366400 (Unix seconds) or +30s." placeholder:"TIME"`
}

// latestStart is how far ahead a start may be: longer than a CI's job may last
// is a mistake.
const latestStart = 6 * time.Hour

// together is what shardFlags say.
type together struct {
	shard   loader.Shard
	startAt time.Time // zero: at once
}

// read reads the flags at a time.
func (f shardFlags) read(seed uint64, now time.Time) (together, error) {
	shard, err := parseShard(f.Shard)
	if err != nil {
		return together{}, hinted{err, "3/8 is the third of eight"}
	}
	start, err := parseStart(f.StartAt, now)
	if err != nil {
		return together{}, err
	}
	if shard.Count > 0 && seed == 0 {
		return together{}, hinted{errors.New("a shard needs a seed: the shards of a run have the same random numbers"), "the same in all of them and another one for each run, such as the number of the CI's run"}
	}
	return together{shard, start}, nil
}

// parseShard reads I/N, from 1.
func parseShard(text string) (loader.Shard, error) {
	if text == "" {
		return loader.Shard{}, nil
	}
	before, after, ok := strings.Cut(text, "/")
	index, err := strconv.Atoi(before)
	count, err2 := strconv.Atoi(after)
	switch {
	case !ok || err != nil || err2 != nil:
		return loader.Shard{}, fmt.Errorf("shard %.40q: want I/N, two whole numbers", text)
	case count < 1 || count > result.MaxShards:
		return loader.Shard{}, fmt.Errorf("shard %.40q: a run has 1 to %d shards", text, result.MaxShards)
	case index < 1 || index > count:
		return loader.Shard{}, fmt.Errorf("shard %.40q: the shards of %d are 1 to %[2]d", text, count)
	}
	return loader.Shard{Index: index - 1, Count: count}, nil
}

const startHint = "a time is written as 2026-03-01T12:00:00Z, as Unix seconds or, from now on, as +30s"

// parseStart reads when to begin.
func parseStart(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := startOf(text, now)
	ahead := at.Sub(now)
	switch {
	case err != nil:
		return time.Time{}, hinted{fmt.Errorf("start-at %.40q is not a time", text), startHint}
	case ahead < 0:
		return time.Time{}, hinted{fmt.Errorf("start-at %.40q was %s ago", text, quantity.Duration((-ahead).Round(time.Second))), "choose a time by which every generator has a machine and the target is ready"}
	case ahead > latestStart:
		return time.Time{}, hinted{fmt.Errorf("start-at %.40q is %s ahead, at most %s is waited for", text, quantity.Duration(ahead.Round(time.Second)), quantity.Duration(latestStart)), startHint}
	}
	return at, nil
}

func startOf(text string, now time.Time) (time.Time, error) {
	if after, relative := strings.CutPrefix(text, "+"); relative {
		d, err := time.ParseDuration(after)
		return now.Add(d), err
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0), nil
	}
	return time.Parse(time.RFC3339, text)
}

// await waits for the start. It says how late it is where that has passed,
// because what comes before the load took longer.
func (t together) await(ctx context.Context, note func(string)) (late string, err error) {
	if t.startAt.IsZero() {
		return "", nil
	}
	left := time.Until(t.startAt)
	if left < 0 {
		return fmt.Sprintf("the load began %s after start-at: the target was not ready before", quantity.Duration(-left)), nil
	}
	note(fmt.Sprintf("the load begins at %s, in %s", t.startAt.Format(time.RFC3339), quantity.Duration(left.Round(time.Second))))
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return "", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// inResult is the shard as a result has it.
func (t together) inResult() result.Shard {
	if t.shard.Count == 0 {
		return result.Shard{}
	}
	return result.Shard{Index: t.shard.Index + 1, Count: t.shard.Count}
}

// alone refuses what a shard cannot do by itself.
func (c *runCommand) alone(files int) error {
	if c.Shard == "" {
		return nil
	}
	judged := len(c.Baseline) > 0 || c.Accept || c.Against != "" || c.ObjectivesFrom != "head"
	switch {
	case files > 1:
		return hinted{errors.New("--shard is for one SLO file: the generators would not be at the same one at the same time"), "call slogate once for each"}
	case c.AllowCommands:
		return hinted{errors.New("--shard and --allow-commands exclude each other: each generator would load a service of its own"), "start the service before, where all of them reach it"}
	case c.Once:
		return errors.New("--shard and --once exclude each other")
	case judged:
		return hinted{errors.New("--shard is not judged by itself: --baseline, --accept, --against and --objectives-from belong to slogate merge"), ""}
	}
	return nil
}
