package loader

import (
	"context"
	"time"

	"github.com/slogate/slogate/result"
)

// settle is how long after the end of a stage an arrival may still be started
// that the generator is late with: more than the pacing's error, so that an idle
// machine leaves nothing unsent, and too short to change a stage's load.
const settle = 100 * time.Millisecond

// open starts each arrival of the schedule when it is due, whatever became of
// the ones before, and waits for all of them.
func (d *drive) open(ctx context.Context) {
	end := d.start.Add(d.load.Duration)
	steps, stop := context.WithDeadline(ctx, end)
	defer stop()
	d.slots.start = func(a arrival) {
		d.wg.Add(1)
		go d.serve(steps, a)
	}
	paced := make(chan struct{})
	go func() { // a goroutine of its own, because the pacer keeps its thread
		defer close(paced)
		d.release(ctx, end)
	}()
	<-paced
	<-steps.Done()
	d.arrivalsEnd.Store(int64(time.Since(d.start)))
	for _, a := range d.slots.end() {
		d.shards[0].waited(time.Since(a.queued))
		d.missed(a.iteration, d.offset(a.due), d.missedAs(), false)
	}
	d.wg.Wait()
}

// release hands every arrival over at its time, and counts those that it did
// not come to.
func (d *drive) release(ctx context.Context, end time.Time) {
	pace := newPacer(ctx, choosePacing(d.own()))
	d.setMode(pace.mode())
	times := d.times()
	for i := d.firstIteration(); ; i++ {
		offset, more := times.Next()
		if !more {
			return
		}
		if _, own := d.isOwn(i); !own {
			continue
		}
		due := d.start.Add(offset)
		running := pace.until(due)
		now := time.Now()
		if running && now.Before(end.Add(settle)) {
			d.slots.arrive(arrival{iteration: i, due: due})
			continue
		}
		if due.After(now) {
			return // cancelled before it was due
		}
		d.missed(i, offset, d.missedAs(), running)
	}
}

// serve lets a user do the iteration of an arrival. It holds a slot.
func (d *drive) serve(ctx context.Context, a arrival) {
	defer d.wg.Done()
	u := d.user()
	defer d.free(u)
	if a.wait > 0 {
		u.shard.waited(a.wait)
	}
	if d.cancelled.Err() != nil {
		d.slots.release()
		d.missed(a.iteration, d.offset(a.due), result.CancelledBy, false)
		return
	}
	u.shard.arrived(time.Since(a.due) - a.wait)
	d.iterate(ctx, u, a.iteration, turn{due: a.due, wait: a.wait, held: true})
}
