package report

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// View is a judged run as texts: what every form places on its page. It holds
// no number but those that charts are drawn from.
type View struct {
	Name     Text
	Verdict  Verdict
	Sentence Text // what a reviewer can act on
	// Comparison says what head was compared with in this run; empty: nothing.
	Comparison Text

	Objectives []Objective
	Loosened   []Loosening // what the change under test itself asks less of
	Baseline   *Baseline   // nil: there are no earlier results
	Stages     []Stage
	Capacities []Capacity
	HeadRoom   *HeadRoom // nil: the cost of no stage is known
	Changes    []Change  // from stage to stage, where the load grew
	Findings   []Finding
	Timeline   *Timeline // nil: nothing was seen of the cluster
	Metrics    []Metric
	Profiles   []Profile
	Coverage   *Coverage // nil: the SLO file names no OpenAPI document
	Failures   []Failure
	Precision  []Precision
	Facts      []Fact // what was tested, where and when
	Warnings   []Text // the run's and the judgement's
	Reproduce  Text   // the command line that makes this run again

	// Charts are drawn from numbers; these tables say the same without a
	// picture, and so does Stages.
	Charts      Charts
	Moments     []Moment
	Percentiles []Percentiles
}

// Verdict is how an objective or a run ended.
type Verdict struct {
	Word   string // pass, warn, fail, inconclusive, skipped, shown, cancelled, not judged
	Symbol string // one emoji, for forms that can show it
}

// Objective is one judged objective of one stage.
type Objective struct {
	Text     Text // as written
	Stage    Text
	Severity string // fail, warn, show
	Measured string // "450 ms", "≥ 10 s"
	Interval string // "430 ms to 470 ms"; empty: none
	Bound    string // "≤ 450 ms"; empty for show
	Baseline string // "420 ms (7 runs)", of base in the same run "420 ms"; empty: not compared
	Change   string // "+12 %"; empty: not compared
	Between  string // "+8.0 to +16.1 %", the change's 95 % interval; empty: none
	Sees     string // "+25 %", the change that the baseline can prove; empty: not compared
	Margin   string // clear or near; empty: no interval
	Verdict  Verdict
	Reason   Text   // empty: the numbers say it all
	Samples  string // how many requests it was measured on
	Place    Text   // "slo.yaml:14:9"; empty: not written in the file
}

// Loosening is something that a change's SLO file asks less of.
type Loosening struct {
	Stages        Text // "steady, crowd"; empty: all
	Before, After Text
}

// Stage is one part of the run, or one side of it.
type Stage struct {
	Name               Text
	Side               string // base or head; empty: the run is no comparison
	Workload           string // "1 000 requests by 10 workers"
	Requests           string // due
	Throughput         string
	Mean               string
	P50, P95, P99, Max string
	Success            string
	Errors             string // "12 timeout, 3 status"; empty: none
	State              string // completed, cancelled, …
	Reason             Text   // why it did not complete
	Judged             bool
	Trend              string // p95 over the stage as a sparkline
	Cost               Cost
	LatencyBar         string // p95 beside the other stages'
	ThroughputBar      string
}

// Moment is a part of the run, a second or a few.
type Moment struct {
	At            string // its start, since the run's
	Stage         Text
	P50, P95, P99 string
	Bar           string // p95 beside the other moments'
	Rate          string
	BaseP95       string // empty: the run is no comparison
	BaseBar       string
	BaseRate      string
	Cores         string // CPU that the service used
}

// Percentiles is a stage's distribution of response times.
type Percentiles struct {
	Stage                               Text
	Side                                string // as of the stage
	P50, P75, P90, P95, P99, P999, Most string
}

// Change is what a step up in load changed.
type Change struct {
	From, To   Text
	Load       string // "5 → 10 workers"
	Throughput string // "+12 %"
	Mean       string // of successful requests
	P99        string
	Success    string // "−1.2 points"
}

// Finding is a diagnosed cause.
type Finding struct {
	Title      Text
	Stage      Text // empty: the whole run
	Evidence   []Text
	Suggestion []Text
	Disproof   Text
	Since      string // "from 12 s"; empty: in the whole stage
	Certainty  string // "note: low confidence", "high confidence"; empty: not told
}

// Timeline is what the cluster did: the moments at which something changed,
// with the first and the last.
type Timeline struct {
	Source, Name Text
	Limits       string // "1 to 3 replicas, target 50 % of 100m, limit 200m"
	Rows         []TimelineRow
	Events       []ClusterEvent
	Missing      []Text // what could not be seen, and why
}

// ClusterEvent is something that the cluster told.
type ClusterEvent struct {
	At      string // since the run's start
	Object  Text   // "Pod/web-1"
	Reason  Text
	Message Text
	Count   string // "3 times"; empty: once
}

// TimelineRow is the cluster's state at one moment.
type TimelineRow struct {
	At       string // since the run's start
	Ready    string
	Replicas string
	Desired  string
	Wanted   string
	CPU      string // mean usage as a share of the request
	Note     string // "at the ceiling"; empty: nothing to note
}

// Failure is one failing request, kept as an example.
type Failure struct {
	Stage, Step Text
	Side        string // as of the stage
	At          string // in the stage
	Class       string
	Status      string // "503"; empty: no answer
	Response    string
	Detail      Text
	Body        Text
}

// Precision says how far a stage's numbers can be trusted.
type Precision struct {
	Stage    Text
	Side     string // as of the stage
	Samples  string
	Lateness string // p99 of the generator's own delay
	CPU      string // the generator's share of the machine
	Unsent   string // for the generator's own reasons
	GCPause  string // longest
	Opened   string // connections
	Reused   string // how often one served a further request
	Closed   string // connections that the service ended
	Engine   Text   // with the mode of pacing
	Within   Text   // "p95 −3 % +4 %": a smaller change cannot be seen; empty: no interval
}

// Fact is a name and its value.
type Fact struct {
	Name  string
	Value Text
}

// NewView builds the view for forms that escape by themselves or need only
// what [Text] does everywhere: the terminal and the HTML page.
func NewView(r *result.Run) View { return newView(r, visible) }

// newView builds the view with texts that print themselves by write.
func newView(r *result.Run, write func(string) string) View {
	b := builder{run: r, write: write}
	return View{
		Name:        b.name(r.Name),
		Verdict:     runVerdict(r),
		Sentence:    b.sentence(sentence(r)),
		Comparison:  b.sentence(comparison(r)),
		Objectives:  b.objectives(),
		Loosened:    b.loosened(),
		Baseline:    b.baseline(),
		Stages:      b.stages(),
		Capacities:  b.capacities(),
		HeadRoom:    b.headRoom(),
		Changes:     b.changes(),
		Findings:    b.findings(),
		Timeline:    b.timeline(),
		Metrics:     b.metrics(),
		Profiles:    b.profiles(),
		Coverage:    b.coverage(),
		Failures:    b.failures(),
		Precision:   b.precision(),
		Facts:       b.facts(),
		Warnings:    b.warnings(),
		Reproduce:   b.text(reproduce(r), blockLimit),
		Charts:      newCharts(r),
		Moments:     b.moments(),
		Percentiles: b.percentiles(),
	}
}

// builder turns parts of a run into parts of its view.
type builder struct {
	run   *result.Run
	write func(string) string
}

func (b builder) text(s string, limit int) Text { return Text{raw: shorten(s, limit), write: b.write} }
func (b builder) name(s string) Text            { return b.text(s, nameLimit) }
func (b builder) sentence(s string) Text        { return b.text(s, sentenceLimit) }

func (b builder) sentences(list []string) []Text {
	out := make([]Text, len(list))
	for i, s := range list {
		out[i] = b.sentence(s)
	}
	return out
}

// Title is the word with a capital, for headings.
func (v Verdict) Title() string { return strings.ToUpper(v.Word[:1]) + v.Word[1:] }

// Class is the word as a name for style sheets.
func (v Verdict) Class() string { return strings.ReplaceAll(v.Word, " ", "-") }

// runVerdict is the verdict of the whole run. A cancelled run has none of its
// own, whatever its stages showed so far.
func runVerdict(r *result.Run) Verdict {
	switch {
	case r.Cancelled:
		return Verdict{"cancelled", "⏹️"}
	case r.Judgement == nil:
		return Verdict{"not judged", "▫️"}
	}
	return verdict(r.Judgement.Verdict)
}

func verdict(v result.Verdict) Verdict {
	switch v {
	case result.Pass:
		return Verdict{"pass", "✅"}
	case result.Warn:
		return Verdict{"warn", "⚠️"}
	case result.Fail:
		return Verdict{"fail", "❌"}
	case result.Inconclusive:
		return Verdict{"inconclusive", "❔"}
	case result.Skipped:
		return Verdict{"skipped", "⏭️"}
	case result.Shown:
		return Verdict{"shown", "ℹ️"}
	}
	return Verdict{"not judged", "▫️"}
}

func sentence(r *result.Run) string {
	switch {
	case r.Judgement != nil && r.Judgement.Reason != "":
		return r.Judgement.Reason
	case r.Cancelled:
		return "The run was cancelled. What was measured until then is below."
	case r.Shard.IsPart():
		return "This is " + r.Shard.String() + " of one run, which is judged after slogate merge."
	case r.Judgement == nil:
		return "The run was not judged."
	}
	return ""
}

func (b builder) objectives() []Objective {
	if b.run.Judgement == nil {
		return nil
	}
	var out []Objective
	for _, o := range b.run.Judgement.Objectives {
		out = append(out, b.objective(o))
	}
	slices.SortStableFunc(out, func(a, b Objective) int { return a.Verdict.rank() - b.Verdict.rank() })
	return out
}

func (b builder) objective(o result.JudgedObjective) Objective {
	return Objective{
		Text:     b.name(o.Text),
		Stage:    b.name(o.Stage),
		Severity: word(o.Severity, "fail", "warn", "show"),
		Measured: measured(o),
		Interval: interval(o),
		Bound:    bound(o),
		Baseline: baseline(o),
		Change:   compared(o, func(c result.Comparison) float64 { return c.Change }),
		Between:  between(o.Comparison),
		Sees:     sees(o),
		Margin:   margin(o),
		Verdict:  verdict(o.Verdict),
		Reason:   b.sentence(o.Reason),
		Samples:  quantity.Count(o.Samples),
		Place:    b.place(o),
	}
}

// rank orders verdicts by how much a reader must know of them.
func (v Verdict) rank() int {
	return slices.Index([]string{"fail", "inconclusive", "warn", "not judged", "pass", "skipped", "shown"}, v.Word)
}

// word returns s where it is one of the known ones: a result file is input
// too, and only what is known may go into a view unescaped.
func word(s string, known ...string) string {
	for _, k := range known {
		if s == k {
			return k
		}
	}
	return ""
}

// margin is empty where no verdict came of it.
func margin(o result.JudgedObjective) string {
	if o.Verdict == result.Skipped {
		return ""
	}
	return word(o.Margin, "clear", "near")
}

func measured(o result.JudgedObjective) string {
	if o.Measured == nil {
		return none
	}
	text := quantity.Of(o.Unit, *o.Measured)
	if o.AtLeast {
		text = "≥ " + text
	}
	if o.Until > 0 {
		text += " from " + since(o.From)
	}
	return text
}

func interval(o result.JudgedObjective) string {
	switch {
	case o.Lower == nil && o.Upper == nil:
		return ""
	case o.Upper == nil:
		return "from " + quantity.Of(o.Unit, *o.Lower)
	case o.Lower == nil:
		return "up to " + quantity.Of(o.Unit, *o.Upper)
	}
	return quantity.Of(o.Unit, *o.Lower) + " to " + quantity.Of(o.Unit, *o.Upper)
}

// baseline writes what the objective was compared with.
func baseline(o result.JudgedObjective) string {
	c := o.Comparison
	switch {
	case c == nil:
		return ""
	case c.Runs == 0:
		return quantity.Of(o.Unit, c.Baseline)
	case c.Runs == 1:
		return quantity.Of(o.Unit, c.Baseline) + " (1 run)"
	}
	return fmt.Sprintf("%s (%d runs)", quantity.Of(o.Unit, c.Baseline), c.Runs)
}

// compared writes a change of a comparison, with its sign.
func compared(o result.JudgedObjective, what func(result.Comparison) float64) string {
	c := o.Comparison
	if c == nil {
		return ""
	}
	if c.Runs == 0 && c.Pairs == 0 {
		return none // base and head have no two values to compare
	}
	return quantity.Change(what(*c), c.Points)
}

// sees writes the change that the comparison could have seen.
func sees(o result.JudgedObjective) string {
	if c := o.Comparison; c != nil && c.Runs == 0 && c.Limit == 0 {
		return "nothing" // too few pairs
	}
	return compared(o, func(c result.Comparison) float64 { return c.Limit })
}

// between writes the interval of a change.
func between(c *result.Comparison) string {
	if c == nil || c.Lower == nil || c.Upper == nil {
		return ""
	}
	lower, _, _ := strings.Cut(quantity.Change(*c.Lower, c.Points), " ")
	return lower + " to " + quantity.Change(*c.Upper, c.Points)
}

// Compared reports whether any objective stands beside a baseline.
func (v View) Compared() bool {
	return slices.ContainsFunc(v.Objectives, func(o Objective) bool { return o.Baseline != "" })
}

// BaselineHead is what the objectives were compared with.
func (v View) BaselineHead() string {
	if v.TwoSided() {
		return "Base"
	}
	return "Baseline"
}

// TwoSided reports whether the run compared base and head.
func (v View) TwoSided() bool { return !v.Comparison.Empty() }

func bound(o result.JudgedObjective) string {
	sign, ok := map[string]string{"<=": "≤", ">=": "≥", "<": "<", ">": ">", "==": "="}[o.Cmp]
	if !ok || o.Relative && o.Comparison == nil || o.Severity == "show" {
		return ""
	}
	return sign + " " + quantity.Of(o.Unit, o.Bound)
}

func (b builder) loosened() []Loosening {
	if b.run.Judgement == nil {
		return nil
	}
	var out []Loosening
	for _, l := range b.run.Judgement.Loosened {
		out = append(out, Loosening{Stages: b.sentence(strings.Join(l.Stages, ", ")), Before: b.sentence(l.Before), After: b.sentence(l.After)})
	}
	return out
}

func (b builder) place(o result.JudgedObjective) Text {
	if o.Line == 0 {
		return Text{}
	}
	return b.sentence(fmt.Sprintf("%s:%d:%d", b.run.SLO.Path, o.Line, o.Column))
}

func (b builder) findings() []Finding {
	var out []Finding
	for _, f := range b.run.Findings {
		out = append(out, Finding{
			Title:      b.sentence(f.Title),
			Stage:      b.name(f.Stage),
			Evidence:   b.sentences(f.Evidence),
			Suggestion: b.sentences(f.Suggestion),
			Disproof:   b.sentence(f.Disproof),
			Since:      began(f.Since),
			Certainty:  certainty(f),
		})
	}
	return out
}

// began is where in its stage a finding is first seen.
func began(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return "from " + since(d)
}

// certainty says how sure a finding is; one sign alone is a note.
func certainty(f result.Finding) string {
	switch {
	case f.Note && f.Confidence == "":
		return "note"
	case f.Note:
		return "note: low confidence"
	case f.Confidence == result.Medium:
		return "medium confidence"
	case f.Confidence == result.High:
		return "high confidence"
	}
	return ""
}

func (b builder) failures() []Failure {
	var out []Failure
	for _, s := range sides(b.run) {
		for _, f := range s.Failures {
			out = append(out, b.failure(s, f))
		}
	}
	return out
}

func (b builder) failure(s sided, f result.Sample) Failure {
	status := ""
	if f.Status != 0 {
		status = fmt.Sprint(f.Status)
	}
	return Failure{
		Stage:    b.name(s.Name),
		Side:     s.side,
		Step:     b.name(f.Step),
		At:       since(f.Offset),
		Class:    className(f.Class),
		Status:   status,
		Response: quantity.Duration(f.Response),
		Detail:   b.sentence(f.Detail),
		Body:     b.text(f.Body, blockLimit),
	}
}

func (b builder) precision() []Precision {
	var out []Precision
	within := b.within()
	for _, s := range sides(b.run) {
		if s.State == result.NotRun {
			continue
		}
		g := s.Generator
		engine := g.Engine
		if g.Mode != "" {
			engine += ", " + g.Mode
		}
		engine += spoken(g)
		p := Precision{
			Stage:    b.name(s.Name),
			Side:     s.side,
			Samples:  quantity.Count(s.Counters.Judged()),
			Lateness: quantile(g.Lateness, 99, 100),
			CPU:      knownShare(g.CPU),
			Unsent:   quantity.Count(g.UnsentOwn),
			GCPause:  quantity.Duration(g.GCPause),
			Opened:   quantity.Count(g.Opened),
			Reused:   quantity.Count(g.Reused),
			Closed:   quantity.Count(g.ClosedByPeer),
			Engine:   b.name(engine),
		}
		if s.side != baseSide {
			p.Within = within[s.Name]
		}
		out = append(out, p)
	}
	return out
}

// spoken says what is worth knowing about the connections beside their number.
func spoken(g result.Generator) string {
	text := ""
	if g.Throttled >= 0.01 {
		text += ", held back by a CPU limit for " + knownShare(g.Throttled) + " of the time"
	}
	if g.Protocol != "" {
		text += ", " + g.Protocol
	}
	if g.Streams > 0 {
		text += fmt.Sprintf(", up to %s on a connection", quantity.Count(int64(g.Streams)))
	}
	if g.Resumed > 0 {
		text += fmt.Sprintf(", %s TLS sessions resumed", quantity.Count(g.Resumed))
	}
	return text
}

// within says how far the first latency objective of each stage may lie from what
// was measured, by its interval. It looks at each objective once: there are many
// where there are many stages.
func (b builder) within() map[string]Text {
	all := map[string]Text{}
	if b.run.Judgement == nil {
		return all
	}
	for i := range b.run.Judgement.Objectives {
		o := &b.run.Judgement.Objectives[i]
		_, known := all[o.Stage]
		if whole := o.Step == "" && o.Scenario == ""; !known && whole && o.Unit == "duration" && o.Measured != nil && *o.Measured > 0 && o.Lower != nil && o.Upper != nil {
			all[o.Stage] = b.name(fmt.Sprintf("%s %s %s", o.Indicator, change(*o.Measured, *o.Lower), change(*o.Measured, *o.Upper)))
		}
	}
	return all
}

// knownShare writes a share that is zero where nobody measured it.
func knownShare(v float64) string {
	if v == 0 {
		return none
	}
	return quantity.Share(v)
}

func (b builder) facts() []Fact {
	r := b.run
	all := []struct{ name, value string }{
		{"Target", r.Target},
		{"Route", r.Route},
		{"CPU and memory", costSource(r.Cost)},
		{"CPU and memory of base", baseCostSource(r.Base)},
		{"SLO file", r.SLO.Path},
		{"Digest", r.SLO.Digest},
		{"Profile", r.SLO.Profile},
		{"Commit", r.Source.Commit},
		{"Revision", r.Source.Ref},
		{"Branch", r.Source.Branch},
		{"Run", r.Source.RunURL},
		{"Started", moment(r.Start)},
		{"Took", took(r.Start, r.End)},
		{"Seed", fmt.Sprint(r.Seed)},
		{"Generator", machine(r.Machine)},
		{"Connections", renewed(r.Stages)},
		{"slogate", r.Slogate},
	}
	if base := r.Base; base != nil {
		all = slices.Insert(all, 2, []struct{ name, value string }{
			{"Base", base.Target},
			{"Base's route", base.Route},
			{"Base's commit", base.Source.Commit},
			{"Base's revision", base.Source.Ref},
			{"Base's branch", base.Source.Branch},
			{"Starts", starts(base.Starts)},
		}...)
	}
	var out []Fact
	for _, f := range all {
		if f.value != "" && f.value != none {
			out = append(out, Fact{f.name, b.sentence(f.value)})
		}
	}
	return out
}

// renewed says that connections are opened anew now and then, and why.
func renewed(stages []result.Stage) string {
	for _, s := range stages {
		if age := s.Generator.ConnectionAge; age > 0 {
			return "each carries requests for " + quantity.Duration(age) + " at most, so that servers that are added get their share (http.connections)"
		}
	}
	return none
}

// starts says how often slogate started base and head.
func starts(n int) string {
	if n == 0 {
		return none
	}
	return fmt.Sprintf("%d of each", n)
}

func took(start, end time.Time) string {
	if start.IsZero() || !end.After(start) {
		return none
	}
	return quantity.Duration(end.Sub(start))
}

func machine(m result.Machine) string {
	if m.OS == "" && m.Cores == 0 {
		return none
	}
	text := fmt.Sprintf("%s/%s, %d cores", m.OS, m.Arch, m.Cores)
	if m.CPU != "" {
		text += ", " + m.CPU
	}
	return text
}

func (b builder) warnings() []Text {
	out := b.sentences(b.run.Warnings)
	if b.run.Judgement != nil {
		out = append(out, b.sentences(b.run.Judgement.Notices)...)
	}
	return out
}

// reproduce is what makes this run again, line by line.
func reproduce(r *result.Run) string {
	if r.Demo != nil {
		words := []string{"slogate demo"}
		if r.Demo.Regress {
			words = append(words, "--regress")
		}
		return strings.Join(append(words, "--seed", fmt.Sprint(r.Seed)), " ")
	}
	if b := r.Base; b != nil && b.Source.Ref != "" {
		return strings.Join(append(append([]string{"slogate compare --seed", fmt.Sprint(r.Seed)}, profileWords(r)...),
			"--slo", shellWord(r.SLO.Path), shellWord(b.Source.Commit+".."+r.Source.Commit)), " ")
	}
	var lines []string
	if commitHash.MatchString(r.Source.Commit) {
		lines = append(lines, "git checkout "+r.Source.Commit)
	}
	words := []string{"slogate run"}
	switch {
	case r.Own:
		words = append(words, "--allow-commands")
	case r.Target != "":
		words = append(words, "--target", shellWord(r.Target))
	}
	if r.Base != nil {
		words = append(words, "--base-target", shellWord(r.Base.Target))
	}
	words = append(append(words, profileWords(r)...), "--seed", fmt.Sprint(r.Seed), shellWord(r.SLO.Path))
	return strings.Join(append(lines, strings.Join(words, " ")), "\n")
}

// profileWords name the profile on a command line, where there is one.
func profileWords(r *result.Run) []string {
	if r.SLO.Profile == "" {
		return nil
	}
	return []string{"--profile", shellWord(r.SLO.Profile)}
}

// commitHash matches what git checks out and nothing else does.
var commitHash = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// shellWord quotes s for a POSIX shell where that is needed.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-/+:@%=,", r))
	}
	if s != "" && !strings.ContainsFunc(s, plain) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// quantile writes a quantile of a histogram.
func quantile(h result.Histogram, num, den int64) string {
	d, ok := h.Quantile(num, den)
	if !ok {
		return none
	}
	return quantity.Duration(d)
}

// seconds is d as a number for a chart.
func seconds(d time.Duration) float64 { return d.Seconds() }

// millis is a quantile in milliseconds, NaN where there is none.
func millis(h result.Histogram, num, den int64) float64 {
	d, ok := h.Quantile(num, den)
	if !ok {
		return math.NaN()
	}
	return float64(d) / float64(time.Millisecond)
}
