package loader

import (
	"context"
	"time"

	"github.com/slogate/slogate/slo"
)

// closed runs the stage's workers until no request is left or time is up, and
// waits for all of them.
//
// In a ramp from a to b workers over D, worker k (from 0) is at work while
//
//	a + (b−a)·t/D ≥ k + ½
//
// so that the number of workers follows the line with an error of at most one
// half.
func (d *drive) closed(ctx context.Context) {
	if d.timed() {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, d.start.Add(d.load.Duration))
		defer stop()
	}
	shard := d.loader.opts.Shard
	for j := range shard.of(workersOf(d.load)) {
		from, to := shiftOf(d.load, shard.at(j))
		d.wg.Go(func() { d.work(ctx, from, to) })
	}
	d.wg.Wait()
}

// shiftOf is the part of a stage in which worker k is at work; to is 0 where
// it stays until the end.
func shiftOf(load slo.Workload, k int) (from, to time.Duration) {
	a, b := float64(load.WorkersFrom), float64(load.WorkersTo)
	if a == b || load.Requests > 0 {
		return 0, 0
	}
	share := (float64(k) + 0.5 - a) / (b - a)
	at := time.Duration(share * float64(load.Duration))
	if b > a {
		return max(at, 0), 0
	}
	if at >= load.Duration {
		return 0, 0
	}
	return 0, at
}

// work is one worker from the beginning of its shift to the end: iteration
// after iteration, each due when the one before has ended.
func (d *drive) work(ctx context.Context, from, to time.Duration) {
	if to > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, d.start.Add(to))
		defer stop()
	}
	due := d.start.Add(from)
	if from > 0 {
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
	u := d.user()
	defer d.free(u)
	for ctx.Err() == nil {
		var more bool
		if due, more = d.iterate(ctx, u, d.iteration(d.iterations.Add(1)-1), turn{due: due}); !more {
			return
		}
	}
}
