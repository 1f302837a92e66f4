package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/revision"
	"github.com/slogate/slogate/service"
	"github.com/slogate/slogate/slo"
)

// revisions builds and starts two revisions of the service, each in a worktree
// of its own, and loads them in turn. Whatever happens, the services are
// stopped and the worktrees removed.
func (c *compareCommand) revisions(ctx context.Context, p *program, names revision.Range) (code int, err error) {
	defer untilStopped()()
	if err := makeWritable(c.Out); err != nil {
		return exitUsage, err
	}
	repository, err := revision.Open(ctx, ".", os.Environ())
	if err != nil {
		return p.unbuilt(ctx, hinted{fmt.Errorf("compare %s: %w", c.A, err), "revisions are compared in the repository of the service; " + compareHint})
	}
	base, head, err := resolve(ctx, repository, names)
	if err != nil {
		return p.unbuilt(ctx, err)
	}
	ports, err := service.FreePorts(2)
	if err != nil {
		return exitUsage, err
	}
	file, notes, err := c.revised(p, ports)
	if err != nil {
		return exitUsage, err
	}
	s := c.settings()
	if s.Baseline, err = baselineOptions(file, nil); err != nil {
		return exitUsage, err
	}
	if s.Coverage, err = coverageOf(file); err != nil {
		return exitUsage, err
	}
	s.Baseline.Accepted = c.accepted()
	s.Source, s.BaseSource = sourceOf(head), sourceOf(base)
	folder, err := folderIn(repository.Root, file.Path)
	if err != nil {
		return exitUsage, err
	}
	s.Notes = append(notes, unmeasured(ctx, repository, head, filepath.Join(folder, filepath.Base(file.Path)))...)
	for _, note := range s.Notes {
		fmt.Fprintln(p.stderr, "note: "+note)
	}
	fmt.Fprintf(p.stderr, "base is %s, head is %s\n", base, head)

	trees, err := c.checkOut(ctx, repository, head, base)
	defer func() { err = errors.Join(err, trees.remove(p)) }()
	if err != nil {
		return p.unbuilt(ctx, err)
	}
	dirs, err := trees.folders(folder, head, base)
	if err != nil {
		return exitUsage, err
	}
	if s.Own, err = newOwnServices(file, c.Out, place{"head", dirs[0], ports[0]}, place{"base", dirs[1], ports[1]}); err != nil {
		return exitUsage, err
	}
	defer s.Own.stop()
	if err := p.build(ctx, s.Own); err != nil {
		return p.unbuilt(ctx, err)
	}
	_, code, err = p.gateRun(ctx, file, s)
	return code, err
}

// resolve finds both commits, which have to differ.
func resolve(ctx context.Context, repository *revision.Repository, names revision.Range) (base, head revision.Revision, err error) {
	base, head, err = repository.Resolve(ctx, names)
	if unknown, ok := errors.AsType[*revision.UnknownError](err); ok {
		hint := "git fetch origin; in a workflow, actions/checkout needs fetch-depth: 0"
		if unknown.Remote {
			hint = "origin has it: slogate compare origin/" + unknown.Ref + "..HEAD"
		}
		return base, head, hinted{err, hint}
	}
	if apart, ok := errors.AsType[*revision.ApartError](err); ok {
		return base, head, hinted{apart, "a clone that is cut off lacks it: in a workflow, actions/checkout needs fetch-depth: 0"}
	}
	if err == nil && base.Commit == head.Commit {
		err = hinted{
			fmt.Errorf("%s and %s are the same commit %s: there is nothing to compare", base.Ref, head.Ref, head.Short()),
			"slogate calibrate compares a service with itself",
		}
	}
	return base, head, err
}

// revised reads the SLO file for two services at some ports.
func (c *compareCommand) revised(p *program, ports []int) (*slo.File, []string, error) {
	path := c.SLO
	if path == "" {
		path = "slo.yaml"
	}
	file, err := readSLO(path, slo.Options{Target: loopback(ports[0]), BaseTarget: loopback(ports[1]), Profile: c.Profile, Env: p.lookupEnv, Service: true})
	if err != nil {
		return nil, nil, err
	}
	if err := needService(file); err != nil {
		return nil, nil, err
	}
	if comparesAny(file) {
		return file, nil, nil
	}
	showChanges(file)
	return file, []string{file.Path + " has no objective that compares with a baseline: changes are shown, not judged"}, nil
}

// needService fails where a file does not say how to start its service, and
// makes ready what says when it is.
func needService(file *slo.File) error {
	if file.Service == nil {
		return hinted{
			fmt.Errorf("%s does not say how to start the service", file.Path),
			`add it: service: {build: make, start: "./bin/server -port $PORT", ready: GET /health}`,
		}
	}
	if file.Service.Ready != nil {
		file.WaitFor = file.Service.Ready
	}
	return nil
}

func sourceOf(r revision.Revision) result.Source {
	return result.Source{Commit: r.Commit, Ref: r.Ref, Branch: r.Branch}
}

// folderIn gives the folder of a file relative to a repository, which is the
// repository's own where the file lies elsewhere.
func folderIn(root, file string) (string, error) {
	whole, err := filepath.Abs(file)
	if err == nil {
		whole, err = filepath.EvalSymlinks(filepath.Dir(whole))
	}
	if err != nil {
		return "", fmt.Errorf("find the folder of %s: %w", file, err)
	}
	folder, err := filepath.Rel(root, whole)
	if err != nil || !filepath.IsLocal(folder) {
		return ".", nil
	}
	return folder, nil
}

// unmeasured says that the user's worktree holds changes that are in none of
// the revisions, where head is what is checked out. The SLO file itself is
// read as it stands.
func unmeasured(ctx context.Context, repository *revision.Repository, head revision.Revision, sloFile string) []string {
	n := 0
	_, current, err := repository.Resolve(ctx, revision.Range{Base: head.Commit, Head: "HEAD"})
	if err == nil && current.Commit == head.Commit {
		n, err = repository.Changed(ctx, sloFile)
	}
	switch {
	case err != nil && ctx.Err() == nil:
		return []string{"whether there are changes that are not committed could not be told: " + err.Error()}
	case n == 1:
		return []string{"1 file has changes that are not committed, which are not measured"}
	case n > 1:
		return []string{fmt.Sprintf("%d files have changes that are not committed, which are not measured", n)}
	}
	return nil
}

// worktrees are those of a comparison: head's and base's.
type worktrees struct {
	dir  string // that holds them
	keep bool
	all  []*revision.Worktree
}

// checkOut checks the revisions out. What was made before an error is returned
// with it.
func (c *compareCommand) checkOut(ctx context.Context, repository *revision.Repository, head, base revision.Revision) (*worktrees, error) {
	t := &worktrees{keep: c.Keep}
	dir, err := os.MkdirTemp("", "slogate-compare-")
	if err != nil {
		return t, err
	}
	t.dir = dir
	for _, side := range []struct {
		name string
		revision.Revision
	}{{"head", head}, {"base", base}} {
		w, err := repository.Checkout(ctx, side.Commit, filepath.Join(dir, side.name))
		if err != nil {
			return t, fmt.Errorf("check %s out: %w", side.Revision, err)
		}
		t.all = append(t.all, w)
	}
	return t, nil
}

// folders are where the commands run: the folder of the SLO file in each
// worktree.
func (t *worktrees) folders(folder string, revisions ...revision.Revision) ([]string, error) {
	var dirs []string
	for i, w := range t.all {
		dir := filepath.Join(w.Dir, folder)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("%s has no folder %s, in which the SLO file lies", revisions[i], folder)
		}
		dirs = append(dirs, dir)
	}
	return dirs, nil
}

// remove removes the worktrees, or says where they are kept.
func (t *worktrees) remove(p *program) error {
	var errs []error
	for _, w := range t.all {
		if t.keep {
			fmt.Fprintf(p.stderr, "kept: %s (git worktree remove --force %[1]s)\n", w.Dir)
			continue
		}
		errs = append(errs, w.Remove())
	}
	if t.dir != "" && !(t.keep && len(t.all) > 0) {
		errs = append(errs, os.RemoveAll(t.dir))
	}
	return errors.Join(errs...)
}
