package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/pprof"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

// profiler takes CPU profiles of the service behind a loader, and keeps each as
// a file; nil where the file asks for none.
func profiler(of *loader.Loader, file *slo.File, out, side string) run.Profiler {
	plan := file.Metrics.CPUProfile
	if of == nil || plan == nil {
		return nil
	}
	return func(ctx context.Context, stage slo.Stage) (*result.Profile, error) {
		seconds := plan.Seconds(stage)
		if seconds == 0 {
			return nil, nil
		}
		lasts := time.Duration(seconds) * time.Second
		fetch, err := of.Fetcher(plan.Asks(seconds), pprof.MaxFile, lasts+profileLate)
		if err != nil {
			return nil, err
		}
		text, err := fetch(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", plan.Request.Name, err)
		}
		p, err := pprof.Read(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", plan.Request.Name, err)
		}
		return p, keepProfile(out, side, stage.Name, text)
	}
}

// profileLate is how much longer than asked for a profile may take.
const profileLate = 10 * time.Second

// keepProfile writes a profile beside the reports.
func keepProfile(out, side, stage string, text []byte) error {
	name := cmp.Or(strings.Trim(unsafe.ReplaceAllString(stage, "-"), "-."), "stage")
	err := os.WriteFile(filepath.Join(out, fmt.Sprintf("profile-%s-%s.pb.gz", side, name)), text, 0o644)
	if path, ok := errors.AsType[*os.PathError](err); ok {
		err = path.Err
	}
	if err != nil {
		return fmt.Errorf("keep the profile: %w", err)
	}
	return nil
}
