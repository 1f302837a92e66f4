package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// judgeFlags say what a run is judged by besides its SLO file.
type judgeFlags struct {
	Baseline []string `group:"Comparisons:" help:"Earlier result file, or folder of them, instead of the file's baseline; repeatable. none: compare with nothing." placeholder:"FILE" sep:"none" complete:".json"`
	against
	ObjectivesFrom string `group:"Comparisons:" enum:"head,base" default:"head" help:"base: FILE of --against judges (default: ${default})." placeholder:"head|base"`
	Accept         bool   `group:"Comparisons:" help:"Accept regressions: they only warn, and the report says so."`
}

// apply settles what judges a file's run, and writes into the settings what it is
// compared with. The file that it returns has the objectives.
func (f judgeFlags) apply(file *slo.File, options slo.Options, s *settings) (*slo.File, error) {
	if slices.Contains(f.Baseline, artifactBaseline) {
		return nil, hinted{errors.New("--baseline artifact: results of earlier workflow runs are found in a workflow alone"), "download one (gh run download) and name the file; a file of that name is ./artifact"}
	}
	file, loosened, err := f.judge(file, options)
	if err != nil {
		return nil, err
	}
	s.Change.loosened = loosened
	if s.Baseline, err = baselineOptions(file, f.Baseline); err != nil {
		return nil, err
	}
	if s.Coverage, err = coverageOf(file); err != nil {
		return nil, err
	}
	if f.Accept {
		s.Baseline.Accepted = "by the flag --accept"
	}
	return file, nil
}

// judge is the file that judges: the given one, or the base's.
func (f judgeFlags) judge(file *slo.File, options slo.Options) (*slo.File, []result.Loosening, error) {
	fromBase := f.ObjectivesFrom == "base"
	if f.Against == "" {
		if fromBase {
			return nil, nil, hinted{errors.New("--objectives-from base needs the file to judge by"), "name it with --against FILE"}
		}
		return file, nil, nil
	}
	base, loosened, err := f.compare(file, options)
	if fromBase {
		file = base
	}
	return file, loosened, err
}

// against names the SLO file that a change starts from.
type against struct {
	Against string `group:"Comparisons:" help:"SLO file of the base: what FILE asks less of is listed." placeholder:"FILE" complete:".yaml,.yml"`
}

// of refuses one base for several files.
func (a against) of(paths []string) error {
	if a.Against == "" || len(paths) < 2 {
		return nil
	}
	return hinted{fmt.Errorf("--against names the base of one SLO file, these are %d", len(paths)), "call slogate once for each"}
}

// compare reads the base's file, by the same options, and lists what the other
// one asks less of.
func (a against) compare(file *slo.File, options slo.Options) (*slo.File, []result.Loosening, error) {
	base, err := readSLO(a.Against, options)
	if errors.Is(err, fs.ErrNotExist) {
		err = hinted{err, "write it with git show main:slo.yaml > " + a.Against}
	}
	if err != nil {
		return nil, nil, err
	}
	return base, loosened(base, file), nil
}
