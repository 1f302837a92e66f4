package main

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slogate/slogate/action"
)

// lost says which SLO files of the base the patterns of the input config matched
// and match no more: a change that deletes or renames one takes its gate away. So
// does one that adds a file of the pattern's own name, which is taken in its place.
func (pr *pullRequest) lost(ctx context.Context, p *program, paths []string) []string {
	patterns := pr.inRepository(p, slices.DeleteFunc(named(pr.inputs), func(name string) bool { return !isPattern(name) }))
	if len(patterns) == 0 || !pr.mayBeChange() {
		return nil
	}
	of, err := pr.baseFiles(ctx)
	if err != nil {
		return []string{"not looked for SLO files that this change takes away: " + err.Error()}
	}
	kept := pr.inRepository(p, paths)
	var notices []string
	for _, file := range of {
		if matchesAny(patterns, file) && !slices.Contains(kept, file) {
			notices = append(notices, fmt.Sprintf("not judged: the base's %s, which this change takes away", file))
		}
	}
	return notices
}

// baseFiles are the paths of all files of the base.
func (pr *pullRequest) baseFiles(ctx context.Context) ([]string, error) {
	if !pr.hasBase() {
		return nil, errNoBaseCommit
	}
	ctx, cancel := context.WithTimeout(ctx, baseTimeout)
	defer cancel()
	client, commit, err := pr.base(ctx)
	if err != nil {
		return nil, err
	}
	return client.Files(ctx, commit)
}

// inRepository gives the paths of the workspace as the repository has them.
func (pr *pullRequest) inRepository(p *program, paths []string) []string {
	var all []string
	for _, name := range paths {
		if inside, ours := action.RepositoryPath(p.getenv("GITHUB_WORKSPACE"), name); ours {
			all = append(all, inside)
		}
	}
	return all
}

func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		matched, err := path.Match(pattern, name)
		return matched && err == nil
	})
}
