package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slogate/slogate/cost"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

const (
	// costEvery is how often the cost of a service is read during a stage.
	costEvery = time.Second
	// costTimeout is what one reading may take: a busy machine answers late too.
	costTimeout = 3 * time.Second
	// costAfterCancel is what one reading may take of a run that is cancelled: its
	// report is due five seconds after that, and requests in flight have three.
	costAfterCancel = 500 * time.Millisecond
	// costGrace is how long a source has to notice that its time is up.
	costGrace = 100 * time.Millisecond
	// costMisses is after how many readings in a row that failed no more are
	// tried: a service that does not answer shall not hold up a comparison.
	costMisses = 3
)

// meter reads the cost of one service and looks at its replicas.
type meter struct {
	Cost
	pods   *watcher
	misses int   // in a row
	failed error // the last one
}

// read reads once; nil where that was not possible.
func (m *meter) read(ctx context.Context) *cost.Reading {
	if m.Source == nil || m.misses >= costMisses {
		return nil
	}
	ctx, stop := hurried(ctx, costTimeout)
	defer stop()
	type reading struct {
		cost.Reading
		err error
	}
	// The one goroutine that nobody may wait for: a source that does not look at
	// its context is asked no more, and what it says at last is read by nobody.
	done := make(chan reading, 1)
	go func() {
		r, err := m.Source.Read(ctx)
		done <- reading{r, err}
	}()
	select {
	case r := <-done:
		return m.note(r.Reading, r.err)
	case <-ctx.Done():
	}
	late := time.NewTimer(costGrace)
	defer late.Stop()
	select {
	case r := <-done:
		return m.note(r.Reading, r.err)
	case <-late.C:
		m.misses, m.failed = costMisses, errors.New("a reading did not end")
		return nil
	}
}

// hurried is a context for one reading, which may take so long: it outlives ctx,
// because the last reading of a stage that is cancelled says what the stage has
// cost, but not for long.
func hurried(ctx context.Context, most time.Duration) (context.Context, func()) {
	reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	hurry := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		left := time.NewTimer(costAfterCancel)
		defer left.Stop()
		select {
		case <-left.C:
			cancel()
		case <-hurry:
		}
	})
	return reading, func() {
		stop()
		close(hurry)
		cancel()
	}
}

func (m *meter) note(r cost.Reading, err error) *cost.Reading {
	if err != nil {
		m.misses++
		m.failed = err
		return nil
	}
	m.misses = 0
	return &r
}

// during reads at once, each second, and when the returned function is called,
// which charges what was read to the stage that ran meanwhile. Nothing is read
// of several: what they use at the same time belongs to none.
func (m *meter) during(ctx context.Context, stages []slo.Stage) (charge func(*result.Stage)) {
	if m.Source == nil || len(stages) > 1 {
		return func(*result.Stage) {}
	}
	all := []*cost.Reading{m.read(ctx)}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		every := time.NewTicker(costEvery)
		defer every.Stop()
		for {
			select {
			case <-done:
				return
			case <-every.C:
			}
			select {
			case <-done: // a reading that took long has let a tick pass
				return
			default:
				all = append(all, m.read(ctx))
			}
		}
	})
	return func(s *result.Stage) {
		close(done)
		wg.Wait()
		m.chargeStage(s, append(all, m.read(ctx)))
	}
}

// chargeStage writes the cost into a stage and into those of its slices that
// are long enough for readings of their own. A stage whose begin or end is not
// known has none.
func (m *meter) chargeStage(s *result.Stage, all []*cost.Reading) {
	first, last := all[0], all[len(all)-1]
	if first == nil || last == nil || s.State == result.NotRun {
		return
	}
	readings := known(all)
	s.Cost = m.whole(readings)
	for i := range s.Slices {
		slice := &s.Slices[i]
		if slice.Width < costEvery {
			continue
		}
		from := s.Start.Add(slice.Offset)
		if c, ok := readings.Between(from, from.Add(slice.Width)); ok {
			slice.Cost = &c
		}
	}
}

// whole is the cost from the first reading to the last.
func (m *meter) whole(readings cost.Readings) *result.Cost {
	c, ok := readings.Between(readings[0].At, readings[len(readings)-1].At)
	if !ok {
		return nil
	}
	c.Resolution = m.Source.Resolution()
	return &c
}

func known(all []*cost.Reading) cost.Readings {
	var out cost.Readings
	for _, r := range all {
		if r != nil {
			out = append(out, *r)
		}
	}
	return out
}

// describe says where the cost was read, and why elsewhere or at times it was
// not.
func (m *meter) describe() result.CostSource {
	out := result.CostSource{Missing: m.Missing}
	if m.Source != nil {
		out.Source = m.Source.String()
	}
	if m.failed != nil {
		out.Missing = m.failed.Error()
	}
	return out
}

// warn tells of a source that answered at first.
func (m *meter) warn(r *result.Run, side string) {
	if m.failed != nil {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%scost: %v", side, m.failed))
	}
}

// windows adds up what one side of a comparison used in each window.
type windows struct {
	meter *meter
	from  *cost.Reading // the last one that is known; nil: none since the services were started
	gap   bool          // a reading is missing since then
	each  []*result.Cost
	whole *result.Cost
	lost  bool // whole lacks something
}

// border reads between two windows, or before the first one after a start.
func (w *windows) border(ctx context.Context, begins bool) {
	r := w.meter.read(ctx)
	if begins {
		w.lost = w.lost || w.gap || r == nil
		w.from, w.gap = r, false
		return
	}
	if r == nil || w.from == nil {
		w.each, w.gap = append(w.each, nil), r == nil
		w.from = cmp.Or(w.from, r)
		return
	}
	c := cost.Between(*w.from, *r)
	sum := c
	if w.whole != nil {
		sum = *w.whole.Add(&c)
	}
	sum.Resolution = w.meter.Source.Resolution()
	w.whole = &sum
	if w.gap {
		w.each = append(w.each, nil)
	} else {
		w.each = append(w.each, &c)
	}
	w.from, w.gap = r, false
}

// charge writes what was read so far into a stage and its slices, which are the
// windows. In turns each side is loaded in a part of the time between two
// readings: what it uses counts for that part.
func (w *windows) charge(s *result.Stage, inTurns bool) {
	within := func(c *result.Cost, own time.Duration) *result.Cost {
		if c == nil || !inTurns {
			return c
		}
		part := *c
		part.Span = own
		return &part
	}
	for i := range s.Slices {
		if i < len(w.each) {
			s.Slices[i].Cost = within(w.each[i], s.Slices[i].Width)
		}
	}
	if !w.lost && !w.gap {
		s.Cost = within(w.whole, s.Duration)
	}
}

// bothSides reads the cost of base and head at the borders of the windows of
// one stage.
type bothSides struct {
	base, head windows
	inTurns    bool      // not both at the same time
	began      time.Time // when the warm-up was over; zero: it is not
}

// border reads both sides at the same time.
func (b *bothSides) border(ctx context.Context, begins bool) {
	if b.began.IsZero() {
		b.began = time.Now()
	}
	if b.base.meter.Source == nil && b.head.meter.Source == nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { b.base.border(ctx, begins) })
	b.head.border(ctx, begins)
	wg.Wait()
}

// charge writes what was read so far into stages of their own.
func (b *bothSides) charge(base, head *result.Stage) {
	b.base.charge(base, b.inTurns)
	b.head.charge(head, b.inTurns)
}

// charged returns copies of stages that are still running with what was read
// so far.
func (b *bothSides) charged(base, head *result.Stage) (*result.Stage, *result.Stage) {
	if base == nil || head == nil {
		return base, head
	}
	base, head = withOwnSlices(base), withOwnSlices(head)
	b.charge(base, head)
	return base, head
}

func withOwnSlices(s *result.Stage) *result.Stage {
	own := *s
	own.Slices = slices.Clone(s.Slices)
	return &own
}
