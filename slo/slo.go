// Package slo reads the SLO file: what to load, in which stages, and which
// objectives the measurements must meet.
//
// In comes YAML text from anywhere, also from a stranger's pull request. Out
// comes a [File] of plain values in which every reference is resolved, every
// expression compiled and every number carries its unit, or a list of
// [Error]s that name file, line and column. The package sends nothing, opens
// no file but those that the SLO file names, inside the workspace, and knows
// nothing of measurements.
//
// The SLO file itself is stable within its version; the Go types are not.
package slo

import "time"

// Version is the version of the SLO file's format that this package reads.
const Version = 1

// Pos is a place in the SLO file, both numbers counted from 1. The zero value
// means that the value does not stand in the file, such as an implicit
// objective.
type Pos struct {
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// File is a whole SLO file, validated and expanded.
type File struct {
	Path   string // as the user named it
	Digest string // "sha256:" and the hex digest of the file's bytes

	Profile string // that was chosen; empty: none, all stages are loaded

	Name   string // for titles and artifacts; the file's base name by default
	Target string // base URL of the service under test: http or https, no path query or fragment
	HTTP   HTTP

	WaitFor    *WaitFor // nil: a TCP connect within 30 s
	Before     []Setup  // steps that run once before the first stage
	Scenarios  []Scenario
	After      []Step   // steps that run once after the last stage
	Captures   []string // the names of all captures, by their numbers
	Tokens     []TokenSource
	Measures   []string // the names of all measures
	Stages     []Stage
	Baseline   Baseline
	Service    *ServiceCommands // nil: slogate cannot start it itself
	Limits     Limits           // the file's and the options', the lower one of each
	Metrics    Metrics
	Kubernetes *Kubernetes // what is watched beside the load; nil: nothing
	OpenAPI    *Document   // of the service's operations; nil: none

	// Confirm says that a stage with a near fail is run once more, and that
	// both together decide. On by default.
	Confirm bool

	// Stranger says that anybody may have written the file: redirects lead to no
	// other host than the target's.
	Stranger bool

	// Secrets holds the values of every ${secret.NAME} that the file uses.
	// Nothing that slogate writes may hold one.
	Secrets []string
}

// AtBase returns the file with the base target in the place of the target.
func (f *File) AtBase() *File {
	base := *f
	base.Target = f.Baseline.BaseTarget
	return &base
}

// Baseline says which earlier results relative objectives compare with, and
// how strictly.
type Baseline struct {
	// Off says that nothing is compared with earlier results: baseline: none.
	Off bool

	Files         []string      // result files and folders of them, relative to the working directory and within it
	Artifact      string        // first part of the name under which workflow runs keep results; empty: the default one
	Branch        string        // the branch whose workflow runs count; empty: a pull request's base, else the default branch
	Ref           string        // one pinned result file besides; can only warn
	Last          int           // how many of the newest results, 20 by default
	MaxAge        time.Duration // results older than this do not count; 90 days by default
	Strict        bool          // a change beyond the tolerance fails, whatever the spread between runs
	AllowMismatch bool          // results of another fingerprint are compared too
	Required      bool          // without a baseline relative objectives are inconclusive, not skipped

	// BaseTarget is the service to compare with, which is loaded in the same
	// run; empty: none, the earlier results are the baseline.
	BaseTarget string
	Schedule   Schedule      // how base and head take turns; Alternate by default
	Max        time.Duration // how long a compared stage may be extended to last; 180 s by default
}

// Schedule says how the two sides of a comparison are loaded.
type Schedule string

// The schedules of a comparison.
const (
	Alternate Schedule = "alternate" // in turn, in blocks of a second or a few
	Mixed     Schedule = "mixed"     // at the same time, each with half of the load; understates changes on shared cores
)

// Header is one request header. Its name is canonical.
type Header struct {
	Name  string
	Value Template
	Pos   Pos
}

// WaitFor is the request that must succeed before the first stage starts.
type WaitFor struct {
	Request Request
	Timeout time.Duration // 60 s by default
}

// Scenario is what one user does: its steps in order.
type Scenario struct {
	Name   string
	Weight int // ≥ 1; how often it is chosen, in proportion to the others
	Steps  []Step
	Pos    Pos

	Data    []*Data // whose rows its iterations take, each of them one
	Start   []Step  // once for each user, before its first iteration; not judged
	Session Session
}

// Step is a request, or a pause where Request is nil. A block that is repeated
// has been unfolded: its steps share their requests.
type Step struct {
	Request *Request
	Pause   Pause
	Again   bool // it repeats a step before
	Pos     Pos
}

// Request is one HTTP request, or what stands in its place, with what must hold
// for its answer.
type Request struct {
	Name    string   // of the step; "METHOD /path" by default, unique in its scenario
	Written string   // "METHOD /path" as the file has it, without the query, in which a secret may stand
	Method  string   // upper case
	Path    Template // path and query, begins with "/"; added to the target
	Headers []Header // the file's defaults first, then the step's own; a later one of the same name wins
	Body    Template // empty: no body
	Gzip    bool     // the body is sent compressed, as the headers say

	Signature *Signature // nil: none
	Timeout   time.Duration
	Accept    []StatusRange // 2xx and 3xx by default
	Checks    []Check
	Pos       Pos

	Stream *Stream // nil: the answer is one whole

	// What is sent instead of an HTTP request: one of them at most.
	WebSocket *WebSocket // opened at Path
	TCP       string     // host and port that a connection is opened to and closed
	DNS       *DNS
	GRPC      *GRPC // posted to Path; Body is the message as JSON

	Captures []Capture // taken from the answer after the checks
	Measures []Measure // likewise
	GoesOn   bool      // the iteration goes on where the request is not successful
}

// StatusRange is an inclusive range of HTTP status codes.
type StatusRange struct{ From, To int }

// Contains reports whether the range holds the status code.
func (r StatusRange) Contains(status int) bool { return r.From <= status && status <= r.To }

// Model says whether a workload waits for answers.
type Model string

// The two models of a workload.
const (
	Closed Model = "closed" // workers, each waits for its answer
	Open   Model = "open"   // an arrival rate that does not wait
)

// Arrivals is the pattern of an open workload.
type Arrivals string

// The two patterns of arrivals.
const (
	Uniform Arrivals = "uniform"
	Poisson Arrivals = "poisson"
)

// Pacing says how the arrivals of an open workload are timed.
type Pacing string

// The ways to time arrivals.
const (
	AutoPacing    Pacing = "auto"    // by the rate
	PrecisePacing Pacing = "precise" // each at its own moment
	TickPacing    Pacing = "tick"    // together, once a millisecond
)

// Workload is the load of one stage. A closed one has Workers and either
// Requests or Duration; an open one has Rate, Duration and Arrivals. From and
// To differ in a ramp, which is linear in time.
type Workload struct {
	Model       Model
	Requests    int64 // exact number of requests; 0: bounded by Duration
	Duration    time.Duration
	WorkersFrom int
	WorkersTo   int
	RateFrom    float64 // arrivals a second
	RateTo      float64
	Arrivals    Arrivals
	Pacing      Pacing

	// Search says that the stage looks for the highest rate between RateFrom and
	// RateTo at which it meets its objectives; each rate is held for Duration.
	Search bool
}

// Stage is one part of the run. A staircase has been expanded into one stage
// for each level, named "stairs/50", and a parallel one into a stage for each
// workload, named "mixed/reads".
type Stage struct {
	Name       string
	Parallel   string // the stage of which it is one of several workloads at the same time; empty: it runs alone
	Workload   Workload
	Scenarios  []string      // the names of those that are loaded; none: all of the file
	IdleBefore time.Duration // nothing is sent for this long before the stage
	Judge      bool
	StopOnDead bool        // stop when 90 % of the requests failed over 10 s
	Objectives []Objective // all that apply to this stage, the file's and the implicit ones included
	Apart      []Scope     // the parts of the scenarios that objectives look at, not the whole
	Iterations bool        // an objective looks at whole iterations
	Longest    int         // requests of the iteration with the most, when every step succeeds
	Pos        Pos
}
