package loader

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/slogate/slogate/loader/schedule"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Pair loads two services with the same stage, so that whatever else happens
// on the machine meets both: base and head take turns in short blocks, or
// share the time. A window is one block of each.
type Pair struct {
	sides [2]*Loader // base and head
	seed  uint64

	mu   sync.Mutex
	head *side // of the running stage
}

// The two sides of a comparison, as indices.
const (
	base = 0
	head = 1
)

// Turns say how the sides of a pair share a stage.
type Turns struct {
	Block   time.Duration // load of one side at a time
	Windows int           // as planned
	WarmUp  int           // windows before them that are not recorded
	Mixed   bool          // both at the same time, with half of the rate each; open stages only

	Restarts Restarts // of the two services

	// Border is called while neither side is sent anything: after each window
	// that is recorded and, with begins set, before the first one and before the
	// first one after a restart. Nil is nothing.
	Border func(begins bool)

	// More is asked when the windows are over: how many are to follow. A side of
	// which the first block is still under way has measured nothing yet: it is
	// nil. A nil More is none.
	More func(base, head *result.Stage) int
}

// Restarts say when both services are started anew in the middle of a stage, so
// that a comparison is not one of two single starts. The zero value is never.
type Restarts struct {
	Every  int // recorded windows from one start to the next
	Since  int // recorded windows since the latest start, before the stage
	WarmUp int // windows after a start that are not recorded

	// Do starts both anew. Nothing is under way meanwhile and no connection is
	// open. Its error ends the stage: as cancelled, or as the [*StopError] in it
	// says.
	Do func(context.Context) error
}

// due reports whether the services are to be started anew before the next
// window.
func (r Restarts) due() bool { return r.Every > 0 && r.Since >= r.Every }

const (
	// awaited is how long a block waits for answers that are still under way
	// after its end. What takes longer runs on beside the other side's block.
	awaited = 250 * time.Millisecond
	// lead is the time from a block's preparation to its first arrival.
	lead = 2 * time.Millisecond
	// vacates is how long after its end a block that waits for answers keeps its
	// idle connections: a little shorter than awaited, because the next block of
	// the side opens its own.
	vacates = awaited * 4 / 5
)

// NewPair couples two loaders of the same file and the same seed that differ in
// their target. The pair does not close them.
func NewPair(baseSide, headSide *Loader) *Pair {
	return &Pair{sides: [2]*Loader{baseSide, headSide}, seed: headSide.opts.Seed}
}

// Run loads both sides with a stage of constant load and returns what base and
// head have measured. The slices of both are their blocks: those of the same
// index are a window. A counted stage ends when both sides have sent their
// requests. Cancelling ctx does what it does in [Loader.Run].
func (p *Pair) Run(ctx context.Context, plan slo.Stage, turns Turns) (baseSide, headSide *result.Stage) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	c := &comparison{plan: plan, turns: turns, stop: stop, seed: stageSeed(p.seed, plan.Name)}
	for i, l := range p.sides {
		c.sides[i] = &side{loader: l, apart: plan.Apart, limit: l.limiter(plan), left: plan.Workload.Requests, watch: deadWatch{rule: l.dead}}
	}
	p.follow(c.sides[head])
	defer p.follow(nil)
	c.run(ctx)
	return c.finish(ctx, c.sides[base]), c.finish(ctx, c.sides[head])
}

// follow makes a side the one that Snapshot shows.
func (p *Pair) follow(s *side) {
	p.mu.Lock()
	p.head = s
	p.mu.Unlock()
}

// Snapshot returns what head has measured so far in the running stage, nil
// between stages.
func (p *Pair) Snapshot() *result.Stage {
	p.mu.Lock()
	s := p.head
	p.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.snapshot()
}

// comparison is one stage of a pair.
type comparison struct {
	plan  slo.Stage
	turns Turns
	seed  uint64
	sides [2]*side
	stop  context.CancelCauseFunc
	wg    sync.WaitGroup
	order *rand.Rand // of base and head in a window
	index int        // of the next window, those of warm-ups included
}

// run loads window after window.
func (c *comparison) run(ctx context.Context) {
	defer c.wg.Wait()
	c.order = rand.New(rand.NewPCG(c.seed, 1))
	if !c.turns.Restarts.due() {
		c.warmUp(ctx, c.turns.WarmUp)
		c.border(true)
	}
	for windows := c.turns.Windows; windows > 0 && ctx.Err() == nil; windows = c.more() {
		for range windows {
			if c.turns.Restarts.due() && !c.spent() {
				c.restart(ctx)
				c.border(true)
			}
			if ctx.Err() != nil || c.spent() {
				return
			}
			c.window(ctx, part{phase: time.Duration(c.index) * c.turns.Block})
			c.turns.Restarts.Since++
			c.border(false)
		}
	}
}

// warmUp loads both sides for some windows that are not recorded.
func (c *comparison) warmUp(ctx context.Context, windows int) {
	for range windows {
		if ctx.Err() != nil {
			return
		}
		c.window(ctx, part{warmUp: true})
	}
}

// restart starts both services anew, when no request is under way any more:
// none may fail because of it.
func (c *comparison) restart(ctx context.Context) {
	c.wg.Wait()
	if ctx.Err() != nil {
		return
	}
	for _, s := range c.sides {
		s.loader.disconnect()
	}
	c.turns.Restarts.Since = 0
	if err := c.turns.Restarts.Do(ctx); err != nil {
		c.stop(err)
		return
	}
	c.warmUp(ctx, c.turns.Restarts.WarmUp)
}

func (c *comparison) border(begins bool) {
	if c.turns.Border != nil {
		c.turns.Border(begins)
	}
}

// more asks for further windows.
func (c *comparison) more() int {
	if c.turns.More == nil || c.plan.Workload.Requests > 0 {
		return 0
	}
	return c.turns.More(c.sides[base].snapshot(), c.sides[head].snapshot())
}

// spent reports whether both sides of a counted stage have sent all of their
// requests.
func (c *comparison) spent() bool {
	return c.plan.Workload.Requests > 0 && c.sides[base].remaining() == 0 && c.sides[head].remaining() == 0
}

// window loads each side for a block, in an order that is drawn.
func (c *comparison) window(ctx context.Context, p part) {
	first := c.order.IntN(2)
	p.index = c.index
	c.index++
	if c.turns.Mixed {
		ended := [2]<-chan struct{}{c.block(ctx, c.sides[base], p), c.block(ctx, c.sides[head], c.interleaved(p))}
		c.await(ended[base])
		c.await(ended[head])
		return
	}
	for _, s := range []*side{c.sides[first], c.sides[1-first]} {
		c.await(c.block(ctx, s, p))
	}
}

// interleaved moves a block's arrivals by half a gap, or to other random times,
// so that the two sides of a mixed window do not get their requests at once.
func (c *comparison) interleaved(p part) part {
	p.seed = 1
	p.phase -= time.Duration(float64(time.Second) / c.load().RateFrom / 2)
	return p
}

// load is the workload of a block.
func (c *comparison) load() slo.Workload {
	w := c.plan.Workload
	w.Duration = c.turns.Block
	if c.turns.Mixed {
		w.RateFrom, w.RateTo = w.RateFrom/2, w.RateTo/2
	}
	return w
}

// block begins to load a side and returns a channel that is closed at the
// block's end, when its requests have been answered.
func (c *comparison) block(ctx context.Context, s *side, p part) <-chan struct{} {
	if c.plan.Workload.Requests > 0 && s.latest != nil {
		<-s.latest // what is still under way is not counted yet
	}
	spec := c.plan
	spec.Workload, spec.StopOnDead = c.load(), false
	spec.Workload.Requests = s.remaining()
	done := make(chan struct{})
	if c.plan.Workload.Requests > 0 && spec.Workload.Requests == 0 {
		close(done)
		return done
	}
	s.latest = done
	p.seed, p.limit, p.busy = p.seed^c.seed, s.limit, s.busy()
	spec.Workload = withoutBusy(spec.Workload, p.busy)
	n := s.begin(p.warmUp)
	// Here, so that a block that comes late to its turn is late by its own clock,
	// and not under way when its turn is over.
	begun := s.loader.beginPart(ctx, spec, p)
	s.flying = append(s.flying, begun)
	c.wg.Go(func() {
		defer close(done)
		measured := s.loader.drive(ctx, begun)
		if p.warmUp {
			return
		}
		s.end(n, measured)
		if reason, dead := s.isDead(); dead && c.plan.StopOnDead {
			c.stop(c.deathOf(s, reason))
		}
	})
	return done
}

// withoutBusy is a workload without the workers that wait for an answer. Those
// that are left are no more than the file names: the two blocks have as many
// together.
func withoutBusy(w slo.Workload, busy int) slo.Workload {
	w.WorkersFrom, w.WorkersTo = max(w.WorkersFrom-busy, 0), max(w.WorkersTo-busy, 0)
	return w
}

// deathOf is why a stage ends of which one side is dead: a dead base takes the
// comparison away and says nothing of head.
func (c *comparison) deathOf(s *side, reason string) *StopError {
	if s == c.sides[base] {
		return &StopError{State: result.Aborted, Reason: "base had stopped answering: " + reason}
	}
	return &StopError{State: result.Dead, Reason: reason}
}

// await waits for the end of a block and for its answers, but for those not
// long.
func (c *comparison) await(done <-chan struct{}) {
	limit := time.NewTimer(lead + c.turns.Block + awaited)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
	}
}

// finish is what a side has measured in the whole stage.
func (c *comparison) finish(ctx context.Context, s *side) *result.Stage {
	out := s.snapshot()
	if out == nil { // cancelled before its first block ended
		out = &result.Stage{Start: time.Now()}
	}
	out.Name, out.Judged, out.Workload = c.plan.Name, c.plan.Judge, Describe(c.plan.Workload)
	endingOf(ctx, c.plan.Name).write(out)
	return out
}

// side is base or head in one stage.
type side struct {
	loader *Loader
	apart  []slo.Scope   // whose slices are kept
	limit  *limiter      // nil: none
	latest chan struct{} // closed at the end of the latest block; nil: there was none
	flying []*stage      // blocks that may have requests under way

	mu     sync.Mutex
	left   int64           // requests of a counted stage that are still to be sent
	blocks []*result.Stage // those after joined; nil: under way
	joined *result.Stage   // the blocks until the first one that is under way
	first  int             // index of blocks[0]
	watch  deadWatch
}

// begin makes room for a block and returns its number.
func (s *side) begin(warmUp bool) int {
	if warmUp {
		return -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks = append(s.blocks, nil)
	return s.first + len(s.blocks) - 1
}

// busy is how many requests of the blocks before are still under way: each has
// a connection, and a worker.
func (s *side) busy() (n int) {
	s.flying = slices.DeleteFunc(s.flying, func(b *stage) bool { return b.ended.Load() != nil })
	for _, b := range s.flying {
		n += int(b.inFlight.Load())
	}
	return n
}

// end takes what a block has measured.
func (s *side) end(n int, measured *result.Stage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = max(s.left-measured.Counters.Due(), 0)
	s.blocks[n-s.first] = oneSlice(measured, s.apart)
	for len(s.blocks) > 0 && s.blocks[0] != nil {
		s.joined = after(s.joined, s.blocks[0])
		s.blocks = s.blocks[1:]
		s.first++
	}
}

func (s *side) remaining() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left
}

// isDead applies the rule of a dead target to the side's own time.
func (s *side) isDead() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.joined == nil {
		return "", false
	}
	return s.watch.look(s.joined.Duration, s.joined.Counters)
}

// snapshot returns the blocks that have ended, nil before the first one has.
func (s *side) snapshot() *result.Stage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.joined == nil {
		return nil
	}
	out := *s.joined
	return &out
}

// after appends a block to those before it, which may be none.
func after(joined, block *result.Stage) *result.Stage {
	if joined == nil {
		return block
	}
	sum := result.Append(joined, block)
	return &sum
}

// oneSlice makes a block one slice, and one of each step that is kept apart.
func oneSlice(block *result.Stage, kept []slo.Scope) *result.Stage {
	flying := 0
	if n := len(block.InFlight); n > 0 {
		flying = block.InFlight[n-1]
	}
	block.InFlight = []int{flying}
	block.Duration = max(block.Duration, 1) // slices follow each other
	block.Slices = sliceOf(block, &block.Requests)
	for i := range block.Steps {
		if st := &block.Steps[i]; len(block.Steps) > 1 && coveredBy(kept, st.Scenario, st.Name) {
			st.Slices = sliceOf(block, &st.Requests)
		}
	}
	return block
}

func sliceOf(block *result.Stage, r *result.Requests) []result.Slice {
	return []result.Slice{{Width: block.Duration, Counters: r.Counters, Response: r.Response}}
}

// part says which part of a longer load a stage is.
type part struct {
	index  int           // 0 is the first
	phase  time.Duration // where in the longer load it begins
	seed   uint64        // of everything random; the same for both sides
	limit  *limiter      // of the longer load; nil: none
	busy   int           // requests of the parts before that are under way
	warmUp bool
}

// iterationsOfPart keeps the iterations of one part apart from those of the
// next: more than any part has.
const iterationsOfPart = 10_000_000

// beginPart begins one part of a longer stage, which drive loads then: a
// workload with a duration, which may end earlier when its requests are sent.
func (l *Loader) beginPart(ctx context.Context, spec slo.Stage, p part) *stage {
	if p.index == 0 {
		l.engine.prepare(ctx)
	}
	s := newStage(l, spec, &p)
	s.seed = p.seed
	s.iterations.Store(s.firstIteration())
	if spec.Workload.Model == slo.Open {
		s.start = s.start.Add(lead)
	}
	return s
}

// firstIteration is the number of a stage's first iteration.
func (s *stage) firstIteration() int64 {
	if s.part == nil {
		return 0
	}
	return int64(s.part.index) * iterationsOfPart
}

// times is when the arrivals of an open stage are due.
func (s *stage) times() *schedule.Schedule {
	if s.part == nil {
		return schedule.New(s.load, s.seed)
	}
	seed := s.seed ^ mix(uint64(s.part.index))
	return schedule.Part(s.load, seed, s.part.phase)
}

// timed reports whether the stage ends with its duration.
func (s *stage) timed() bool { return s.load.Requests == 0 || s.part != nil }
