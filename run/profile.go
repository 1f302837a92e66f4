package run

import (
	"context"
	"fmt"
	"sync"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Profiler takes a CPU profile of a service while a stage loads it; nil where
// the file wants none of that stage.
type Profiler func(ctx context.Context, stage slo.Stage) (*result.Profile, error)

// profiling is a profile that is being taken.
type profiling struct {
	taken *result.Profile
	stop  context.CancelFunc
	wg    sync.WaitGroup
}

// beginProfile begins to take a profile; nil where nobody does.
func beginProfile(ctx context.Context, stage slo.Stage, take Profiler) *profiling {
	if take == nil {
		return nil
	}
	p := &profiling{}
	ctx, p.stop = context.WithCancel(ctx)
	p.wg.Go(func() {
		var err error
		if p.taken, err = take(ctx, stage); err != nil {
			p.taken = &result.Profile{Missing: err.Error()}
		}
	})
	return p
}

// end waits for the profile and gives it to the stage. One that was cut short
// did not last as long as the profile should.
func (p *profiling) end(s *result.Stage) {
	if p == nil {
		return
	}
	if s.State != result.Completed {
		p.stop()
	}
	p.wg.Wait()
	p.stop()
	if s.State != result.NotRun {
		s.Profile = p.taken
	}
}

// warnOfProfiles tells of each reason once why a side of a run has no profile.
func warnOfProfiles(r *result.Run, side string, stages []result.Stage) {
	said := map[string]bool{}
	for _, s := range stages {
		if p := s.Profile; p != nil && p.Missing != "" && !said[p.Missing] {
			said[p.Missing] = true
			r.Warnings = append(r.Warnings, fmt.Sprintf("%sCPU profile in stage %s: %s", side, s.Name, p.Missing))
		}
	}
}
