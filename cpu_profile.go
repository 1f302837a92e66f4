package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/pprof"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

// profiler takes CPU profiles of the service behind a loader, and keeps each as
// a file; nil where the file asks for none. Own is the service where slogate has
// started it.
func profiler(of *loader.Loader, own *ownSide, file *slo.File, folder opens, side string) run.Profiler {
	plan := file.Metrics.CPUProfile
	if of == nil || plan == nil {
		return nil
	}
	take := askedProfile(of, plan)
	if plan.Command != "" {
		take = ownProfile(own, plan)
	}
	names := stageNames(file.Stages)
	return func(ctx context.Context, stage slo.Stage) (*result.Profile, error) {
		seconds := plan.Seconds(stage)
		if seconds == 0 {
			return nil, nil
		}
		text, err := take(ctx, seconds)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", plan.Name(), err)
		}
		p, err := pprof.Read(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", plan.Name(), err)
		}
		return p, keepProfile(folder, fmt.Sprintf("profile-%s-%s.pb.gz", side, names[stage.Name]), text)
	}
}

// opens opens the folder of a run's files.
type opens func() (*os.Root, error)

// takesProfile gives the file of a profile of so many seconds.
type takesProfile func(ctx context.Context, seconds int) ([]byte, error)

// askedProfile asks the target's pprof endpoint.
func askedProfile(of *loader.Loader, plan *slo.CPUProfile) takesProfile {
	return func(ctx context.Context, seconds int) ([]byte, error) {
		fetch, err := of.Fetcher(plan.Asks(seconds), pprof.MaxFile, time.Duration(seconds)*time.Second+profileLate)
		if err != nil {
			return nil, err
		}
		return fetch(ctx)
	}
}

// ownProfile runs the file's command, which only a service that slogate has
// started allows.
func ownProfile(own *ownSide, plan *slo.CPUProfile) takesProfile {
	return func(ctx context.Context, seconds int) ([]byte, error) {
		if own == nil {
			return nil, errors.New("slogate has not started the service: compare BASE..HEAD and run --allow-commands do")
		}
		text, err := own.profile(ctx, plan.Command, seconds)
		if err != nil {
			return nil, errors.New(brief(err))
		}
		return text, nil
	}
}

// profileLate is how much longer than asked for a profile may take.
const profileLate = 10 * time.Second

// stageNames are the names of stages as parts of file names, no two the same.
func stageNames(stages []slo.Stage) map[string]string {
	names, taken := map[string]string{}, map[string]bool{}
	for _, s := range stages {
		plain := safeName(s.Name, "stage")
		name := plain
		for i := 2; taken[name]; i++ {
			name = fmt.Sprintf("%s-%d", plain, i)
		}
		names[s.Name], taken[name] = name, true
	}
	return names
}

// keepProfile writes a profile beside the reports.
func keepProfile(opened opens, name string, text []byte) error {
	folder, err := opened()
	if err != nil {
		return fmt.Errorf("keep the profile: %w", err)
	}
	defer folder.Close()
	err = result.ReplaceIn(folder, name, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the profile: %w", withoutPath(err))
	}
	return nil
}
