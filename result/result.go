// Package result holds the data of a run: what was measured, how it was
// judged, and the file that keeps both.
//
// The types are plain: they know no HTTP, no objective's grammar and no clock.
// The loader fills a [Stage] for each part of a run, gate and diagnose add
// their [Judgement] and [Finding]s, and every report is written from a [Run]
// alone. Two runs of the same plan merge exactly ([Merge]): histograms and
// counters add, slices add by time.
//
// The file format is stable within its version; the Go types are not.
package result

import (
	"slices"
	"time"
)

// Version is the version of the result file that this package writes.
const Version = 1

// Run is one whole run: the content of a result file.
type Run struct {
	Version   int        `json:"version"`         // of the file format: 1
	Slogate   string     `json:"slogate"`         // version of the program
	Name      string     `json:"name"`            // of the SLO file, else its base name without extension
	SLO       SLO        `json:"slo"`             // the file that the run followed
	Target    string     `json:"target"`          // without user, password and query
	Route     string     `json:"route,omitempty"` // the addresses that the target was reached at, or the way that the action took
	Own       bool       `json:"own,omitempty"`   // slogate has built and started the service itself
	Demo      *Demo      `json:"demo,omitempty"`  // what was loaded is slogate's own demo service
	Start     time.Time  `json:"start"`
	End       time.Time  `json:"end"`
	Seed      uint64     `json:"seed"`                // of random arrivals and values
	Shard     Shard      `json:"shard,omitzero"`      // which part of a run, where several generators made it
	Gaps      []string   `json:"gaps,omitempty"`      // what shards that were merged lack to be the whole run
	Cancelled bool       `json:"cancelled,omitempty"` // the run ended before its plan
	Source    Source     `json:"source"`              // what was tested
	Machine   Machine    `json:"machine"`             // that made the load
	Stages    []Stage    `json:"stages"`              // in the order in which they ran
	Base      *Base      `json:"base,omitempty"`      // nil: not a comparison
	Timeline  *Timeline  `json:"timeline,omitempty"`  // of the replicas; nil: not watched
	Cost      CostSource `json:"cost,omitzero"`       // where the cost of the target was read
	Coverage  *Coverage  `json:"coverage,omitempty"`  // nil: the file names no document of operations
	Warnings  []string   `json:"warnings,omitempty"`  // what a reader must know of the run

	Judgement *Judgement `json:"judgement,omitempty"` // nil: it was not judged
	Findings  []Finding  `json:"findings,omitempty"`  // likely causes, with their evidence
}

// Demo says how the demo service was started.
type Demo struct {
	Regress bool `json:"regress,omitempty"` // slower than it is otherwise
}

// Base is what was measured of the service that the target, then called head,
// was compared with in the same run. It has the stages that both were loaded
// with. Their slices and those of head's stage of the same name are the blocks
// in which the two took turns: slices of the same index are one window.
type Base struct {
	Target string     `json:"target"`           // without user, password and query
	Route  string     `json:"route,omitempty"`  // the addresses that it was reached at, or the way that the action took
	Source Source     `json:"source,omitzero"`  // its revision, where slogate built it
	Starts int        `json:"starts,omitempty"` // how often slogate started base and head; 0: somebody else did
	Cost   CostSource `json:"cost,omitzero"`    // where its cost was read
	Stages []Stage    `json:"stages"`
}

// Stage returns base's part of a stage, nil where head was loaded alone.
func (b *Base) Stage(name string) *Stage {
	if b == nil {
		return nil
	}
	for i := range b.Stages {
		if b.Stages[i].Name == name {
			return &b.Stages[i]
		}
	}
	return nil
}

// TookTurns reports whether another service was loaded in turn with a stage: it
// had rests, and its slices count the time of its own side alone.
func (r *Run) TookTurns(s *Stage) bool { return s.InTurns || r.Base.Stage(s.Name) != nil }

// DropBase takes base's side out of a result that is compared with another one.
// Its stages remember that they took turns.
func (r *Run) DropBase() {
	for i := range r.Stages {
		r.Stages[i].InTurns = r.TookTurns(&r.Stages[i])
	}
	r.Base = nil
}

// Coverage says which operations of an OpenAPI document the judged stages load.
type Coverage struct {
	Document   string   `json:"document"` // as the SLO file names it
	Operations int      `json:"operations"`
	Loaded     int      `json:"loaded"`
	Missing    []string `json:"missing,omitempty"` // the first of those that are not loaded, such as "GET /pets/{id}"
}

// MaxMissing is how many operations a result names: the largest documents have
// thousands.
const MaxMissing = 500

// SLO names the file that the run followed.
type SLO struct {
	Path    string `json:"path"`
	Digest  string `json:"digest"`            // SHA-256 of the file
	Profile string `json:"profile,omitempty"` // that was chosen of the file's
}

// Source says which revision was tested, as far as the environment tells.
type Source struct {
	Commit string `json:"commit,omitempty"`
	Ref    string `json:"ref,omitempty"` // as the user named the revision, where slogate built it
	Branch string `json:"branch,omitempty"`
	RunURL string `json:"run_url,omitempty"`
}

// Machine describes where the generator ran.
type Machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	CPU   string `json:"cpu,omitempty"` // model name
	Cores int    `json:"cores"`
}

// State says how a stage ended.
type State string

// The ways in which a stage ends.
const (
	Completed State = "completed"
	NotRun    State = "not-run"
	Cancelled State = "cancelled" // by the user or the CI
	Aborted   State = "aborted"   // an objective with abort was lost, base was dead, or a data file had no row left
	Dead      State = "dead"      // the target had stopped answering
	Limited   State = "limited"   // the limits permitted no more
)

// Workload says how a stage was loaded; see the SLO file's words. Ramps have
// two different ends. It is the whole stage's, also in the result of a shard.
type Workload struct {
	Model       string        `json:"model"` // closed or open
	Requests    int64         `json:"requests,omitempty"`
	Duration    time.Duration `json:"duration_ns,omitempty"` // planned
	WorkersFrom int           `json:"workers_from,omitempty"`
	WorkersTo   int           `json:"workers_to,omitempty"`
	RateFrom    float64       `json:"rate_from,omitempty"` // arrivals a second
	RateTo      float64       `json:"rate_to,omitempty"`
	Arrivals    string        `json:"arrivals,omitempty"` // uniform or poisson
	Search      bool          `json:"search,omitempty"`   // the rates are the ends of a search, each is held for Duration
}

// Stage holds what one stage measured.
type Stage struct {
	Name     string        `json:"name"`
	Workload Workload      `json:"workload"`
	Beside   []Workload    `json:"beside,omitempty"`   // the workloads that ran at the same time
	InTurns  bool          `json:"in_turns,omitempty"` // with a base that was taken out of the result
	Judged   bool          `json:"judged"`
	Runs     int           `json:"runs,omitempty"` // how often it was loaded, where more than once; all are in the numbers
	State    State         `json:"state"`
	Reason   string        `json:"reason,omitempty"` // why it did not complete
	Lost     string        `json:"lost,omitempty"`   // the objective with abort that ended it, as it is written
	Start    time.Time     `json:"start"`
	Duration time.Duration `json:"duration_ns"` // from the start to the last arrival or, when closed, the last answer or the planned end, whichever came later

	Requests
	Slices []Slice `json:"slices,omitempty"`
	Steps  []Step  `json:"steps,omitempty"`
	// Iterations has one entry for each scenario, where an objective looks at them.
	Iterations []Iterations `json:"iterations,omitempty"`
	Search     *Search      `json:"search,omitempty"` // what a search found; the stage then holds the measurements of the rate that it found
	Generator  Generator    `json:"generator"`
	Cost       *Cost        `json:"cost,omitempty"`    // of the service; nil: not known
	Cluster    *ClusterUse  `json:"cluster,omitempty"` // what its replicas did; nil: not watched
	Loaded     []Loaded     `json:"loaded,omitempty"`  // when it was loaded, where metrics were asked for
	Metrics    []Metric     `json:"metrics,omitempty"` // by a Prometheus server
	Profile    *Profile     `json:"cpu_profile,omitempty"`
	Failures   []Sample     `json:"failures,omitempty"`  // the first five of each step
	Slowest    []Sample     `json:"slowest,omitempty"`   // five of the stage
	InFlight   []int        `json:"in_flight,omitempty"` // at the end of each slice
}

// Requests holds counters and distributions of a set of requests.
type Requests struct {
	Counters Counters      `json:"counters"`
	Status   map[int]int64 `json:"status,omitempty"` // answers by status code
	BytesIn  int64         `json:"bytes_in"`         // of the answers, headers included where they are known
	BytesOut int64         `json:"bytes_out"`

	Redirects int64 `json:"redirects,omitempty"` // that were followed; each is a part of its request
	// Measures holds the numbers that successful answers held, by their names. A
	// number is kept as so many milliseconds: told apart to a thousandth, up to
	// 3,600,000.
	Measures map[string]Histogram `json:"measures,omitempty"`

	// Response is judged: from the intended start to the last byte; an
	// unsuccessful request counts with its timeout, or with its own time where
	// that is longer. OK holds the successful ones alone. Service counts from the
	// actual write, OnTime is Response without the generator's own lateness;
	// both treat unsuccessful requests as Response does.
	Response   Histogram `json:"response"`
	OK         Histogram `json:"ok"`
	Service    Histogram `json:"service"`
	OnTime     Histogram `json:"on_time"`
	Connect    Histogram `json:"connect"`              // one value for each new connection, without TLS
	TLS        Histogram `json:"tls,omitzero"`         // one value for each handshake
	Events     int64     `json:"events,omitempty"`     // of streams and WebSockets
	FirstEvent Histogram `json:"first_event,omitzero"` // from the write to the first event, of each answer with one
	EventGap   Histogram `json:"event_gap,omitzero"`   // from one event of an answer to the next
	RoundTrip  Histogram `json:"round_trip,omitzero"`  // over a WebSocket, from a message to the one that was waited for
	TTFB       Histogram `json:"ttfb"`                 // from the write to the first byte, of every answer
}

// Step holds the requests of one step of one scenario. Slices are those of its
// own requests, kept where an objective looks at the step apart from others;
// in a long stage they are wider than the stage's.
type Step struct {
	Scenario string `json:"scenario"`
	Name     string `json:"name"`
	Requests
	Slices []Slice `json:"slices,omitempty"`
}

// Iterations holds the passes of one scenario. Counters has them by the class of
// the first request without success; those that the stage's end cut are
// cancelled. Duration is judged: from the intended start of the first request to
// the end of the last, pauses in between included; an unsuccessful iteration
// counts with the sum of the scenario's timeouts and pauses. OnTime is the same
// without the generator's own lateness, OK holds the successful ones alone.
type Iterations struct {
	Scenario string    `json:"scenario"`
	Counters Counters  `json:"counters"`
	Duration Histogram `json:"duration"`
	OK       Histogram `json:"ok"`
	OnTime   Histogram `json:"on_time"`
	Slices   []Slice   `json:"slices,omitempty"` // as a step's
}

// Slice is one second of a stage, or a sixteenth of a stage that is planned
// to be shorter than 16 s. In a short stage of a count of requests a shard has
// slices of a tenth of a second, which become sixteenths when shards are merged.
// A request belongs to the slice of its intended start.
type Slice struct {
	Offset   time.Duration `json:"offset_ns"` // from the stage's start
	Width    time.Duration `json:"width_ns"`
	Counters Counters      `json:"counters"`
	Response Histogram     `json:"response"`
	Cost     *Cost         `json:"cost,omitempty"` // of the service; nil: not known for the slice
}

// Scenarios are the names of those that the stage has loaded, sorted.
func (s *Stage) Scenarios() []string {
	var names []string
	for i := range s.Steps {
		if st := &s.Steps[i]; st.Counters.Due() > 0 {
			names = append(names, st.Scenario)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Generator is what slogate measured about itself during a stage.
type Generator struct {
	Engine    string        `json:"engine"`
	Mode      string        `json:"mode,omitempty"`      // how sends were paced
	Lateness  Histogram     `json:"lateness"`            // actual minus intended start, the generator's own part
	UnsentOwn int64         `json:"unsent_own"`          // of Counters.Unsent: because the generator did not come to it
	CPU       float64       `json:"cpu"`                 // share of the whole machine, 0 to 1; 0 where unknown
	Throttled float64       `json:"throttled,omitempty"` // share of the time in which its own CPU limit held slogate back, 0 to 1
	GCPause   time.Duration `json:"gc_pause_ns"`         // longest
	Opened    int64         `json:"connections_opened"`
	Reused    int64         `json:"connections_reused"`
	Protocol  string        `json:"protocol,omitempty"`    // of the latest connection; empty: HTTP/1.1
	Resumed   int64         `json:"tls_resumed,omitempty"` // of the handshakes: those that resumed a session
	Streams   int           `json:"streams,omitempty"`     // the most requests on one connection at the same time, with HTTP/2
	// ClosedByPeer counts the connections that the other side ended.
	ClosedByPeer int64         `json:"connections_closed_by_peer"`
	Pauses       time.Duration `json:"pauses_ns"` // planned pauses of all users, for Little's law
	// ConnectionAge is how long a connection carried requests at most; 0: it stayed
	// open.
	ConnectionAge time.Duration `json:"connection_age_ns,omitempty"`
	// HeldTo is the rate of requests that the limits held a closed stage back to;
	// 0: they did not.
	HeldTo float64 `json:"held_to,omitempty"`
	// ConnectionWait is the summed wait of arrivals for a free connection or user.
	ConnectionWait time.Duration `json:"connection_wait_ns"`
}

// Sample is one request kept as an example: redacted, bounded, from outside.
type Sample struct {
	Scenario string        `json:"scenario"`
	Step     string        `json:"step"`
	Offset   time.Duration `json:"offset_ns"` // of the intended start in the stage
	Class    Class         `json:"class"`
	Status   int           `json:"status,omitempty"`
	Response time.Duration `json:"response_ns"`
	Detail   string        `json:"detail,omitempty"` // the failed check or the error
	Body     string        `json:"body,omitempty"`   // the answer's beginning
}
