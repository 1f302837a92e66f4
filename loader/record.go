package loader

import (
	"runtime"
	"sync"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// outcome is one request that ended, or that was due and never began. Times
// without a zone are offsets from the stage's start.
type outcome struct {
	step     *step
	class    result.Class
	status   int
	due      time.Duration
	response time.Duration // from due to the end
	service  time.Duration
	own      time.Duration // the part of response that the generator lost
	ttfb     time.Duration // 0: no byte came
	connect  time.Duration
	secured  time.Duration // the TLS handshake; 0: none
	resumed  bool          // it took a session up again
	streams  int           // requests on the HTTP/2 connection, with this one; 0: another protocol
	opened   bool
	reused   bool
	in, out  int64
	events   *events // of a stream
	unsent   bool    // the generator did not come to it

	redirects int // that were followed
	user      *user

	detail string
	body   []byte
}

// tally accumulates the requests of one step.
type tally struct {
	counters                                     result.Counters
	status                                       map[int]int64
	in, out, redirects                           int64
	response, ok, service, onTime, connect, ttfb result.Recorder
	measured                                     []result.Recorder // of its measures
	more                                         *moreTimes        // nil: nothing in it has been measured
}

// moreTimes are those that only some protocols have.
type moreTimes struct {
	tls, firstEvent, eventGap, roundTrip result.Recorder
	events                               int64
}

func (t *moreTimes) add(e *events) {
	t.events += int64(e.count)
	if e.count > 0 {
		t.firstEvent.Record(e.first.Sub(e.from))
	}
	for _, gap := range e.gaps {
		t.eventGap.Record(gap)
	}
	for _, trip := range e.trips {
		t.roundTrip.Record(trip)
	}
}

// other makes room for them when the first one comes.
func (t *tally) other() *moreTimes {
	if t.more == nil {
		t.more = &moreTimes{}
	}
	return t.more
}

func (t *tally) add(o *outcome) {
	*t.counters.Of(o.class)++
	t.in += o.in
	t.out += o.out
	t.redirects += int64(o.redirects)
	if o.status != 0 {
		if t.status == nil {
			t.status = make(map[int]int64)
		}
		t.status[o.status]++
	}
	t.connected(o)
	if o.events != nil {
		t.other().add(o.events)
	}
	if o.ttfb > 0 {
		t.ttfb.Record(o.ttfb)
	}
	if o.class == result.CancelledBy {
		return // its time says when the run was cancelled, nothing of the service
	}
	t.response.Record(o.judged(o.response))
	t.service.Record(o.judged(o.service))
	t.onTime.Record(o.judged(o.response - o.own))
	if o.class == result.Success {
		t.ok.Record(o.response)
		t.measure(o)
	}
}

// connected records the times of a connection that a request opened.
func (t *tally) connected(o *outcome) {
	if o.opened {
		t.connect.Record(o.connect)
	}
	if o.secured > 0 {
		t.other().tls.Record(o.secured)
	}
}

// measure records what a step measured.
func (t *tally) measure(o *outcome) {
	if len(o.step.request.Measures) == 0 {
		return
	}
	if t.measured == nil {
		t.measured = make([]result.Recorder, len(o.step.request.Measures))
	}
	for i, v := range o.user.measured {
		t.measured[i].RecordNumber(v)
	}
}

// numbers are the distributions of a step's measures.
func (t *tally) numbers(measures []slo.Measure) map[string]result.Histogram {
	if t.measured == nil {
		return nil
	}
	all := make(map[string]result.Histogram, len(measures))
	for i, m := range measures {
		all[m.Name] = t.measured[i].Histogram()
	}
	return all
}

// judged is the time that an outcome counts with: an unsuccessful one with at
// least its timeout.
func (o *outcome) judged(d time.Duration) time.Duration {
	if o.class == result.Success {
		return d
	}
	return max(d, o.step.timeout())
}

func (t *tally) requests(of *slo.Request) result.Requests {
	r := result.Requests{
		Counters: t.counters, BytesIn: t.in, BytesOut: t.out, Redirects: t.redirects,
		Response: t.response.Histogram(), OK: t.ok.Histogram(), Service: t.service.Histogram(),
		OnTime: t.onTime.Histogram(), Connect: t.connect.Histogram(), TTFB: t.ttfb.Histogram(),
	}
	r.Status, r.Measures = addStatus(nil, t.status), t.numbers(of.Measures)
	if m := t.more; m != nil {
		r.TLS, r.FirstEvent, r.EventGap, r.Events = m.tls.Histogram(), m.firstEvent.Histogram(), m.eventGap.Histogram(), m.events
		r.RoundTrip = m.roundTrip.Histogram()
	}
	return r
}

// addRequests returns the exact sum of two sets of requests.
func addRequests(a, b result.Requests) result.Requests {
	a.Counters.Add(b.Counters)
	a.Status = addStatus(a.Status, b.Status)
	a.BytesIn += b.BytesIn
	a.BytesOut += b.BytesOut
	a.Redirects += b.Redirects
	a.Response = a.Response.Merge(b.Response)
	a.OK = a.OK.Merge(b.OK)
	a.Service = a.Service.Merge(b.Service)
	a.OnTime = a.OnTime.Merge(b.OnTime)
	a.Connect = a.Connect.Merge(b.Connect)
	a.TTFB = a.TTFB.Merge(b.TTFB)
	a.Measures = result.MergeMeasures(a.Measures, b.Measures)
	a.TLS = a.TLS.Merge(b.TLS)
	a.Events += b.Events
	a.FirstEvent = a.FirstEvent.Merge(b.FirstEvent)
	a.EventGap = a.EventGap.Merge(b.EventGap)
	a.RoundTrip = a.RoundTrip.Merge(b.RoundTrip)
	return a
}

func addStatus(to, from map[int]int64) map[int]int64 {
	if to == nil && len(from) > 0 {
		to = make(map[int]int64, len(from))
	}
	for code, n := range from {
		to[code] += n
	}
	return to
}

// shard is the recorder of some of the users. There are about as many as cores
// and not as users: a recorder costs tens of kilobytes for each step, and its
// lock is held for about a microsecond of a request.
type shard struct {
	mu       sync.Mutex
	steps    []tally
	slices   slicePart
	apart    apart
	parts    []slicePart // of the steps that are kept apart
	passes   []passes    // by the number of the scenario; nil: iterations are not counted
	samples  samples
	lateness result.Recorder
	opened   int64
	reused   int64
	resumed  int64 // TLS sessions
	streams  int   // the most on one connection
	hungUp   int64 // by the other side
	unsent   int64 // the generator's own
	pauses   time.Duration
	wait     time.Duration // for a connection
	_        [64]byte      // keeps neighbours off this shard's cache line
}

func newShards(steps int, width time.Duration, s *sampler) []*shard {
	shards := make([]*shard, min(runtime.GOMAXPROCS(0), 16))
	for i := range shards {
		shards[i] = &shard{
			steps:   make([]tally, steps),
			slices:  slicePart{width: width},
			samples: newSamples(s, steps),
		}
	}
	return shards
}

// keep makes a shard keep the slices of single steps.
func (sh *shard) keep(a apart, sets []*sliceSet) {
	sh.apart = a
	for _, set := range sets {
		sh.parts = append(sh.parts, slicePart{width: set.width})
	}
}

// widen turns fine slices into slices of a second. The caller holds the lock.
func (sh *shard) widen() {
	sh.slices.width = sliceWidth
	for i := range sh.parts {
		sh.parts[i].width = sliceWidth
	}
	for i := range sh.passes {
		sh.passes[i].slices.width = sliceWidth
	}
}

func (sh *shard) record(o *outcome) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.steps[o.step.number].add(o)
	sh.slices.add(o)
	if n := sh.apart.of(o.step); n >= 0 {
		sh.parts[n].add(o)
	}
	sh.samples.add(o)
	sh.connected(o)
	if o.unsent {
		sh.unsent++
	}
}

// connected counts what a request did to the connections. The caller holds the
// lock.
func (sh *shard) connected(o *outcome) {
	if o.opened {
		sh.opened++
	}
	if o.reused {
		sh.reused++
	}
	if o.resumed {
		sh.resumed++
	}
	sh.streams = max(sh.streams, o.streams)
}

// redirected counts what a request did to the connections whose answer led
// elsewhere. Everything else of it is a part of the request that follows; those
// of a start are not measured.
func (sh *shard) redirected(st *step, o *outcome) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.connected(o)
	if st.number < len(sh.steps) {
		sh.steps[st.number].connected(o)
	}
}

// prepared counts what a request of start did to the connections, and its time
// as one in which the user had nothing to send: Little's law would miss it.
// Nothing else of it is measured.
func (sh *shard) prepared(o *outcome) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.connected(o)
	sh.pauses += o.response
}

// arrived records how late the generator was for an arrival.
func (sh *shard) arrived(late time.Duration) {
	sh.mu.Lock()
	sh.lateness.Record(late)
	sh.mu.Unlock()
}

// closedByPeer counts a connection that the other side ended.
func (sh *shard) closedByPeer() {
	sh.mu.Lock()
	sh.hungUp++
	sh.mu.Unlock()
}

func (sh *shard) waited(d time.Duration) {
	sh.mu.Lock()
	sh.wait += d
	sh.mu.Unlock()
}

func (sh *shard) paused(d time.Duration) {
	sh.mu.Lock()
	sh.pauses += d
	sh.mu.Unlock()
}

// addTo adds what the shard knows about the generator itself. The caller holds
// the lock.
func (sh *shard) addTo(g *result.Generator) {
	g.Lateness = g.Lateness.Merge(sh.lateness.Histogram())
	g.UnsentOwn += sh.unsent
	g.Opened += sh.opened
	g.Reused += sh.reused
	g.Resumed += sh.resumed
	if sh.streams > 0 {
		g.Protocol, g.Streams = "HTTP/2", max(g.Streams, sh.streams)
	}
	g.ClosedByPeer += sh.hungUp
	g.Pauses += sh.pauses
	g.ConnectionWait += sh.wait
}
