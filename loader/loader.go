// Package loader loads a service with one stage of an SLO file and records
// what happened.
//
// In come the scenarios of a file and the workload of a stage; out comes a
// [result.Stage]: counters, distributions and slices of every request that was
// due, a few of them as examples, and what the generator measured about itself.
// The package knows nothing of objectives, verdicts, files or the CI.
//
// What the numbers mean:
//
//   - Every due request ends in exactly one [result.Class]; the classes add up
//     to what was due. Nothing is retried. Redirects are followed where the file
//     says so, as parts of their request.
//   - The response time of an arrival counts from its intended start, that of
//     every other request from the end of the one before plus the pause. Waiting
//     in the generator or for a connection is part of it, so that a slow service
//     cannot hide behind requests that were not sent. The service time counts
//     from the write.
//   - An unsuccessful request counts with its timeout, or with its own time
//     where that is longer: failing fast never looks good.
//   - Bytes are those on the connections: headers, and TLS's own with https.
//   - A connection's time is the name lookup and the TCP connect, without TLS,
//     whose handshake has a time of its own.
//
// How a stage is driven is behind the engine interface. There are two:
//
//   - epollEngine (engine_linux.go) for clear-text HTTP/1.1 on Linux. Each of
//     its threads is a lane (lane_linux.go: when something happens) that leads
//     guests through their iterations (exchange_linux.go: one request after the
//     other) over the connections of a pool (pool_linux.go).
//   - portable (portable.go) for TLS and every other system: a goroutine for
//     each user, on the connections of a client (client.go).
//
// Both send what message.go writes and read answers with package http1; both
// pass the tests of conformance_test.go and its neighbours. HTTP/2 is spoken by
// the portable engine alone (http2.go), through the standard library.
package loader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/secret"
	"github.com/slogate/slogate/slo"
)

// Options are the settings of a loader that do not stand in the SLO file.
type Options struct {
	Seed           uint64        // of everything random: arrivals, scenarios, pauses, values
	Version        string        // of the program, for User-Agent
	MaxConnections int           // requests in flight at most, if the file's limits permit them; 0: 1000
	Grace          time.Duration // for requests in flight after a cancel; 0: 3 s
	Engine         string        // how requests are sent: "", the best that fits, or one of Engines
	NormalPriority bool          // do not raise the engine's scheduling priority where that is allowed
	Threads        int           // of the epoll engine; 0: by load and cores
	Address        string        // host:port to connect to in the place of the target's, see way; Host stays
	Guard          Guard         // of the addresses to connect to; nil: every one may be
	Shard          Shard         // which of several generators this one is
}

// PortableEngine names the engine that runs on every system.
const PortableEngine = "portable"

const (
	defaultConnections = 1000
	// defaultGrace leaves two of the five seconds in which a cancelled run must
	// have written its report.
	defaultGrace = 3 * time.Second
)

// Loader loads one target, one stage at a time. Its connections stay open
// between stages.
type Loader struct {
	file   *slo.File
	opts   Options
	target *url.URL
	manner *manner
	tokens *tokens // nil: none
	plan   *plan
	mask   *secret.Mask
	client *client
	engine engine
	dead   deadRule

	sessions  *sessions      // nil: users carry nothing along
	rowsTaken []atomic.Int64 // of data files, by the stages before, for each scenario

	mu      sync.Mutex
	running []*stage           // at the same time
	others  map[string]*client // of the services that redirects led to
}

// engine drives the users of a stage: it starts their requests when they are
// due and gives every outcome to the stage. load returns when nothing is in
// flight any more. Cancelling ctx stops new requests at once; the engine gives
// those in flight up when s.requests ends.
type engine interface {
	name() string
	prepare(ctx context.Context) // waits for what a stage needs, before its clock runs
	load(ctx context.Context, s *stage)
	disconnect() // closes the connections that no stage uses
	close()
}

// StopError is the cause to cancel a stage with when it did not end by the
// user's wish: State and Reason become the stage's.
type StopError struct {
	State  result.State
	Reason string

	// Lost is the text of the objective that stopped the stage of a name, where one
	// did. Those that run at the same time end for its sake.
	Stage, Lost string
}

// of is how the stage of a name ended by it.
func (e *StopError) of(name string) ending {
	if e.Lost == "" || e.Stage == name {
		return ending{e.State, e.Reason, e.Lost}
	}
	return ending{e.State, fmt.Sprintf("in %s: %s", e.Stage, e.Reason), ""}
}

func (e *StopError) Error() string { return fmt.Sprintf("%s: %s", e.State, e.Reason) }

// New prepares a file's scenarios. It opens no connection.
func New(file *slo.File, opts Options) (*Loader, error) {
	target, socket, err := targetOf(file)
	if err != nil {
		return nil, err
	}
	if opts.Engine != "" && !slices.Contains(Engines(), opts.Engine) {
		return nil, fmt.Errorf("engine %q: want one of %s", opts.Engine, strings.Join(Engines(), ", "))
	}
	if opts.MaxConnections <= 0 {
		opts.MaxConnections = defaultConnections
	}
	if most := opts.Shard.of(file.Limits.Connections); file.Limits.Connections > 0 {
		opts.MaxConnections = min(opts.MaxConnections, most)
	}
	if opts.Grace <= 0 {
		opts.Grace = defaultGrace
	}
	mask := secret.NewMask(file.Secrets)
	m := &manner{target: target, socket: socket, version: opts.Version, http: file.HTTP, guard: opts.Guard, way: way{addressOf(target), opts.Address}}
	m.tokens = newTokens(file, m)
	plan, err := compile(file, m)
	if err != nil {
		return nil, errors.New(mask.Text(err.Error())) // it may quote a path with a secret
	}
	kept := newSessions(file, target, opts)
	var turn sync.Mutex
	for _, st := range plan.all {
		st.turn = &turn
		st.kept = st.keep(mask) + kept.longest() + m.tokens.longest()
	}
	c, err := newClient(m)
	if err != nil {
		return nil, err
	}
	if plan.calls() {
		c.grpc = c.newHTTP2(file.HTTP, []string{"h2"})
	}
	e, err := newEngine(opts.Engine, c, plan.special(), opts)
	if err != nil {
		return nil, err
	}
	return &Loader{
		file: file, opts: opts, target: target, manner: m, tokens: m.tokens, plan: plan, mask: mask,
		client: c, engine: e, dead: defaultDeadRule, sessions: kept, rowsTaken: make([]atomic.Int64, len(plan.scenarios)),
	}, nil
}

// Run loads one stage and returns when it has ended and nothing is in flight
// any more. When ctx is cancelled, nothing new is started, requests in flight
// get the grace period, and what was measured is returned: as cancelled, or as
// the [*StopError] says that is ctx's cause.
func (l *Loader) Run(ctx context.Context, plan slo.Stage) *result.Stage {
	l.engine.prepare(ctx)
	return l.drive(ctx, newStage(l, plan, nil))
}

// drive runs a stage as the only one that Snapshots shows.
func (l *Loader) drive(ctx context.Context, s *stage) *result.Stage {
	defer l.show(s)()
	return s.run(ctx)
}

// show makes stages those that Snapshots shows, until the returned function is
// called. The parts of a comparison may overlap: the latest one is shown.
func (l *Loader) show(stages ...*stage) (hide func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = stages
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if slices.Equal(l.running, stages) {
			l.running = nil
		}
	}
}

// EngineNote says which keys of the file keep its requests from the best engine
// of the system, nothing where none does.
func (l *Loader) EngineNote() string {
	needs := l.manner.needsPortable()
	if needs == "" || l.target.Scheme != "http" || len(Engines()) == 1 {
		return ""
	}
	return needs + " need the portable engine"
}

// Route returns the addresses that the target was reached at so far, empty
// before the first connection.
func (l *Loader) Route() string { return strings.Join(l.Addresses(), ", ") }

// Addresses returns the same one by one.
func (l *Loader) Addresses() []string { return l.client.route() }

// Snapshots returns copies of what the running stages have measured so far,
// none between stages. It may be called at any time from any goroutine.
func (l *Loader) Snapshots() []*result.Stage {
	l.mu.Lock()
	running := l.running
	l.mu.Unlock()
	var all []*result.Stage
	for _, s := range running {
		if ended := s.ended.Load(); ended != nil { // others may go on: it ages no more
			all = append(all, ended)
			continue
		}
		all = append(all, s.snapshot(time.Now()))
	}
	return all
}

// Secrets returns what must be written nowhere: the secrets of the SLO file, and
// the tokens that it has fetched and holds now.
func (l *Loader) Secrets() []string {
	return slices.Concat(l.file.Secrets, l.manner.tokens.secrets())
}

// disconnect closes the idle connections; the next requests open new ones.
func (l *Loader) disconnect() {
	l.engine.disconnect()
	l.client.disconnect()
	l.eachOther((*client).disconnect)
}

// Close closes the idle connections. The loader must not be used afterwards.
func (l *Loader) Close() {
	l.endSetup()
	l.engine.close()
	l.client.close()
	l.eachOther((*client).close)
}

// eachOther does something with the clients of other services than the target.
func (l *Loader) eachOther(do func(*client)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.others {
		do(c)
	}
}

// Once runs before, each scenario one time and after, and writes its requests and answers in
// full, and for each check whether it held. Secrets are masked, control
// characters made visible and long bodies cut. The error says that the output
// could not be written, ctx ended or before failed, not that another request failed.
func (l *Loader) Once(ctx context.Context, w io.Writer) error {
	if err := l.authorize(ctx); err != nil {
		return err
	}
	o := &once{loader: l, out: w}
	if err := o.before(ctx); err != nil {
		return err
	}
	for i := range l.plan.scenarios {
		if err := o.scenario(ctx, i); err != nil {
			return err
		}
	}
	if err := o.after(ctx); err != nil {
		return err
	}
	return o.err
}

// Describe turns a planned workload into the result's form.
func Describe(w slo.Workload) result.Workload {
	return result.Workload{
		Model:       string(w.Model),
		Requests:    w.Requests,
		Duration:    w.Duration,
		WorkersFrom: w.WorkersFrom,
		WorkersTo:   w.WorkersTo,
		RateFrom:    w.RateFrom,
		RateTo:      w.RateTo,
		Arrivals:    string(w.Arrivals),
		Search:      w.Search,
	}
}
