package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// mostResults is how many result files one folder may bring.
const mostResults = 1000

// baselineOptions reads the earlier results of a run: those that the user
// names, else those of the file's baseline block. Only the latter stay within
// the working directory: the file may come from a stranger.
func baselineOptions(file *slo.File, named []string) (gate.Options, error) {
	var opts gate.Options
	if slices.Equal(named, []string{noBaseline}) {
		return opts, nil
	}
	workspace, err := os.OpenRoot(".")
	if err != nil {
		return opts, fmt.Errorf("open the working directory: %w", err)
	}
	defer workspace.Close()
	for _, name := range named {
		if name == noBaseline || name == artifactBaseline {
			return opts, hinted{fmt.Errorf("baseline: %s stands alone, not beside files", name), "a file of that name is ./" + name}
		}
		found, err := readResults(name)
		if err != nil {
			return opts, fmt.Errorf("baseline: %w", err)
		}
		opts.Baseline = append(opts.Baseline, runsOf(found)...)
	}
	if len(named) == 0 {
		if opts.Baseline, err = resultsOf(workspace.FS(), file.Baseline.Files); err != nil {
			return opts, err
		}
	}
	if file.Baseline.Ref == "" {
		return opts, nil
	}
	pinned, err := resultsOf(workspace.FS(), []string{file.Baseline.Ref})
	if err == nil && len(pinned) > 0 {
		opts.Ref = newest(pinned)
	}
	return opts, err
}

// filesOf leaves out the word that stands for no files.
func filesOf(named []string) []string {
	if slices.Equal(named, []string{artifactBaseline}) {
		return nil
	}
	return named
}

// resultsOf reads files and folders, which need not be there: the first run
// has no baseline yet.
func resultsOf(root fs.FS, names []string) ([]*result.Run, error) {
	var all []*result.Run
	for _, name := range names {
		found, err := resultsAt(root, filepath.ToSlash(name), name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		all = append(all, runsOf(found)...)
	}
	return all, nil
}

// namedResult is a result with the name that its user knows it by.
type namedResult struct {
	*result.Run
	name string
}

// runsOf leaves the names out.
func runsOf(all []namedResult) []*result.Run {
	var runs []*result.Run
	for _, r := range all {
		runs = append(runs, r.Run)
	}
	return runs
}

// readResults reads a result file, or the results of a folder, wherever the user
// says that it is.
func readResults(path string) ([]namedResult, error) {
	whole, err := filepath.Abs(path) // so that "results/" and ".." have a folder and a name
	if err != nil {
		return nil, fmt.Errorf("read result %s: %w", path, err)
	}
	found, err := resultsAt(os.DirFS(filepath.Dir(whole)), filepath.Base(whole), path)
	if err == nil && len(found) == 0 {
		err = hinted{fmt.Errorf("read result %s: the folder holds no result", path), "results are the .json files of the folder itself, and each " + resultFile + " in folders below it"}
	}
	return found, err
}

// resultsAt does the same within a folder, where there may be none. Shown is the
// name for errors.
func resultsAt(root fs.FS, name, shown string) ([]namedResult, error) {
	info, err := fs.Stat(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hinted{fmt.Errorf("read result %s: %w", shown, err), "name a " + resultFile + " that slogate run has written, or a folder of such files"}
	}
	if err != nil {
		return nil, fmt.Errorf("read result %s: %w", shown, err)
	}
	if !info.IsDir() {
		r, err := resultIn(root, name, shown)
		return []namedResult{{r, shown}}, err
	}
	files, err := resultFiles(root, name)
	if err != nil {
		return nil, fmt.Errorf("read result %s: %w", shown, err)
	}
	var all []namedResult
	for _, file := range files {
		within := filepath.Join(shown, filepath.FromSlash(file))
		r, err := resultIn(root, path.Join(name, file), within)
		if err != nil {
			return nil, err
		}
		all = append(all, namedResult{r, within})
	}
	return all, nil
}

// resultFiles are the results of a folder: its .json files, and those below it
// that runs have named, as artifacts of several jobs come.
func resultFiles(root fs.FS, folder string) ([]string, error) {
	within, err := fs.Sub(root, folder)
	if err != nil {
		return nil, err
	}
	all, err := filesBelow(within, isResult)
	if len(all) > mostResults {
		return nil, fmt.Errorf("more than %d files", mostResults)
	}
	return all, err
}

// filesBelow are the files of a folder, at any depth, that are wanted for their
// path from there. It goes by what is hidden, and by what only others may read.
func filesBelow(folder fs.FS, wanted func(name string) bool) ([]string, error) {
	var all []string
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		hidden := name != "." && strings.HasPrefix(d.Name(), ".")
		switch {
		case errors.Is(err, fs.ErrPermission) && name != ".":
			return fs.SkipDir // of others, such as a container's volume
		case err != nil:
			return err
		case d.IsDir() && hidden:
			return fs.SkipDir
		case d.Type().IsRegular() && !hidden && wanted(name):
			all = append(all, name)
		}
		return nil
	})
	return all, err
}

// isResult reports whether a file of a folder is one of its results, by its path
// from there.
func isResult(name string) bool {
	return isOfRun(name) || path.Dir(name) == "." && strings.EqualFold(path.Ext(name), ".json")
}

// isOfRun reports whether a file has the name that runs give to their results.
func isOfRun(name string) bool { return path.Base(name) == resultFile }

// resultIn reads one result file.
func resultIn(root fs.FS, name, shown string) (*result.Run, error) {
	info, err := fs.Stat(root, name)
	if err == nil {
		err = result.CheckFile(info)
	}
	if err != nil {
		return nil, fmt.Errorf("read result %s: %w", shown, err)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read result %s: %w", shown, err)
	}
	defer f.Close()
	r, err := result.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("read result %s: %w", shown, err)
	}
	return r, nil
}

func newest(runs []*result.Run) *result.Run {
	return slices.MaxFunc(runs, func(a, b *result.Run) int { return cmp.Compare(a.Start.UnixNano(), b.Start.UnixNano()) })
}
