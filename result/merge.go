package result

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// keptSamples is how many failing requests are kept of each step, and how many
// of the slowest of a stage.
const keptSamples = 5

// Merge returns the result of two generators that loaded the same plan at the
// same time, as if one had done it. It is exact and order-independent:
// histograms and counters add, slices add by their offset; what differs and
// cannot add (an address, a machine's name) is left empty.
//
// The generators share a start time, so a merged stage lasts as long as the
// longest. Judgement and findings are dropped: they are of the parts.
func Merge(a, b *Run) (*Run, error) {
	if err := samePlan(a, b); err != nil {
		return nil, fmt.Errorf("merge results: %w", err)
	}
	m := &Run{
		Version: a.Version,
		Slogate: a.Slogate,
		Name:    min(a.Name, b.Name),
		SLO:     SLO{Path: min(a.SLO.Path, b.SLO.Path), Digest: a.SLO.Digest, Profile: a.SLO.Profile},
		Target:  a.Target,
		Route:   common(a.Route, b.Route),
		Start:   earlier(a.Start, b.Start),
		End:     later(a.End, b.End),
		Seed:    common(a.Seed, b.Seed),
		Shard:   Shard{Index: common(a.Shard.Index, b.Shard.Index), Count: a.Shard.Count},
		Gaps:    union(a.Gaps, b.Gaps),
		Own:     a.Own || b.Own,

		Cancelled: a.Cancelled || b.Cancelled,
		Source:    mergeSources(a.Source, b.Source),
		Machine: Machine{
			OS:    common(a.Machine.OS, b.Machine.OS),
			Arch:  common(a.Machine.Arch, b.Machine.Arch),
			CPU:   common(a.Machine.CPU, b.Machine.CPU),
			Cores: a.Machine.Cores + b.Machine.Cores,
		},
		Timeline: mergeTimelines(a.Timeline, b.Timeline),
		Cost:     mergeCostSources(a.Cost, b.Cost),
		Warnings: union(a.Warnings, b.Warnings),
		Coverage: cmp.Or(a.Coverage, b.Coverage), // of the same plan
	}
	for i := range a.Stages {
		m.Stages = append(m.Stages, mergeStages(&a.Stages[i], &b.Stages[i]))
	}
	if m.Base = mergeBases(a.Base, b.Base); m.Base != nil && len(m.Base.Stages) == 0 {
		return nil, errors.New("merge results: only one of them is a comparison, or of other stages")
	}
	if err := check(m); err != nil {
		return nil, fmt.Errorf("merge results: %w", err)
	}
	return m, nil
}

func mergeSources(a, b Source) Source {
	return Source{
		Commit: common(a.Commit, b.Commit),
		Ref:    common(a.Ref, b.Ref),
		Branch: common(a.Branch, b.Branch),
		RunURL: common(a.RunURL, b.RunURL),
	}
}

// samePlan says why two results cannot be parts of one run.
func samePlan(a, b *Run) error {
	for _, f := range []struct{ what, a, b string }{
		{"file version", fmt.Sprint(a.Version), fmt.Sprint(b.Version)},
		{"slogate version", a.Slogate, b.Slogate},
		{"SLO file", a.SLO.Digest, b.SLO.Digest},
		{"profile", a.SLO.Profile, b.SLO.Profile},
		{"target", a.Target, b.Target},
		{"commit", a.Source.Commit, b.Source.Commit},
		{"number of shards", fmt.Sprint(a.Shard.Count), fmt.Sprint(b.Shard.Count)},
		{"number of stages", fmt.Sprint(len(a.Stages)), fmt.Sprint(len(b.Stages))},
	} {
		if f.a != f.b {
			return fmt.Errorf("%s differs: %.80q and %.80q", f.what, f.a, f.b)
		}
	}
	for i := range a.Stages {
		if err := sameStage(&a.Stages[i], &b.Stages[i]); err != nil {
			return fmt.Errorf("stage %.80q: %w", a.Stages[i].Name, err)
		}
	}
	return nil
}

// sameStage compares what every shard of a stage has in common.
func sameStage(a, b *Stage) error {
	if a.Name != b.Name {
		return fmt.Errorf("the other result has %.80q in its place", b.Name)
	}
	if a.Workload.Search || b.Workload.Search {
		return errors.New("a search cannot be merged: each generator looked for a rate of its own")
	}
	if a.Workload != b.Workload || !slices.Equal(a.Beside, b.Beside) || a.Judged != b.Judged {
		return errors.New("the workloads differ")
	}
	if len(a.Steps) == 0 || len(b.Steps) == 0 {
		return nil // it was not run
	}
	if !slices.EqualFunc(a.Steps, b.Steps, sameStep) {
		return errors.New("the steps differ")
	}
	if !slices.EqualFunc(a.Iterations, b.Iterations, func(a, b Iterations) bool { return a.Scenario == b.Scenario }) {
		return errors.New("the scenarios differ")
	}
	return nil
}

func sameStep(a, b Step) bool { return a.Scenario == b.Scenario && a.Name == b.Name }

func mergeStages(a, b *Stage) Stage {
	state, reason := worst(a, b)
	sliced := mergeSlices(a.Slices, b.Slices)
	return Stage{
		Name:     a.Name,
		Workload: a.Workload,
		Beside:   a.Beside,
		InTurns:  a.InTurns || b.InTurns,
		Judged:   a.Judged,
		State:    state,
		Reason:   reason,
		Start:    earlier(a.Start, b.Start),
		Duration: max(a.Duration, b.Duration),

		Requests:  mergeRequests(&a.Requests, &b.Requests),
		Slices:    sliced,
		Steps:     mergeSteps(a.Steps, b.Steps),
		Generator: mergeGenerators(&a.Generator, &b.Generator),
		Cost:      mergeCosts(a.Cost, b.Cost),
		Cluster:   mergeUses(a.Cluster, b.Cluster),
		Loaded:    mergeLoaded(a.Loaded, b.Loaded),
		Metrics:   mergeMetrics(a.Metrics, b.Metrics),
		Profile:   mergeProfiles(a.Profile, b.Profile),
		Failures:  firstOfEachStep(slices.Concat(a.Failures, b.Failures)),
		Slowest:   slowest(slices.Concat(a.Slowest, b.Slowest)),
		InFlight:  addInFlight(a, b, sliced),

		Iterations: mergeIterations(a.Iterations, b.Iterations, mergeSlices),
	}
}

// mergeBases adds base's side of two shards. It has no stages where the two
// were not loaded with the same ones.
func mergeBases(a, b *Base) *Base {
	if a == nil && b == nil {
		return nil
	}
	m := &Base{}
	if a == nil || b == nil || len(a.Stages) != len(b.Stages) {
		return m
	}
	m.Target, m.Route = common(a.Target, b.Target), common(a.Route, b.Route)
	m.Source, m.Starts = mergeSources(a.Source, b.Source), common(a.Starts, b.Starts)
	m.Cost = mergeCostSources(a.Cost, b.Cost)
	for i := range a.Stages {
		if sameStage(&a.Stages[i], &b.Stages[i]) != nil {
			return &Base{}
		}
		m.Stages = append(m.Stages, mergeStages(&a.Stages[i], &b.Stages[i]))
	}
	return m
}

// Append returns a stage that one generator loaded in two parts, a and then b,
// as one that lasts as long as both: counters and histograms add, b's slices
// follow a's. The name, the workload and the state are b's.
func Append(a, b *Stage) Stage {
	m := *b
	m.Start, m.Duration = a.Start, a.Duration+b.Duration
	m.Requests = mergeRequests(&a.Requests, &b.Requests)
	m.Steps = appendSteps(a.Steps, b.Steps, a.Duration)
	m.Iterations = mergeIterations(a.Iterations, b.Iterations, func(x, y []Slice) []Slice { return appendSlices(x, y, a.Duration) })
	m.Generator = mergeGenerators(&a.Generator, &b.Generator)
	m.Generator.HeldTo = max(a.Generator.HeldTo, b.Generator.HeldTo)
	if total := m.Duration.Seconds(); total > 0 {
		// Rounding must not lead out of the two: a share has to stay one.
		mean := func(x, y float64) float64 {
			return min((x*a.Duration.Seconds()+y*b.Duration.Seconds())/total, max(x, y))
		}
		m.Generator.CPU = mean(a.Generator.CPU, b.Generator.CPU)
		m.Generator.Throttled = mean(a.Generator.Throttled, b.Generator.Throttled)
	}
	m.Cost = a.Cost.Add(b.Cost)
	m.Cluster = a.Cluster.add(b.Cluster)
	m.Loaded = slices.Concat(a.Loaded, b.Loaded)
	m.Profile = mergeProfiles(a.Profile, b.Profile)
	m.Slices = appendSlices(a.Slices, b.Slices, a.Duration)
	m.Failures = firstOfEachStep(slices.Concat(a.Failures, delayed(b.Failures, a.Duration)))
	m.Slowest = slowest(slices.Concat(a.Slowest, delayed(b.Slowest, a.Duration)))
	m.InFlight = slices.Concat(a.InFlight, b.InFlight)
	return m
}

// appendSlices lets b follow a, which lasted so long.
func appendSlices(a, b []Slice, lasted time.Duration) []Slice {
	all := slices.Clone(a)
	for _, s := range b {
		s.Offset += lasted
		all = append(all, s)
	}
	return all
}

// appendSteps adds steps pairwise; b's slices follow a's.
func appendSteps(a, b []Step, lasted time.Duration) []Step {
	steps := mergeSteps(a, b)
	if len(a) != len(b) {
		return steps
	}
	for i := range steps {
		steps[i].Slices = appendSlices(a[i].Slices, b[i].Slices, lasted)
	}
	return steps
}

// delayed moves samples to a later part of a stage.
func delayed(samples []Sample, by time.Duration) []Sample {
	later := slices.Clone(samples)
	for i := range later {
		later[i].Offset += by
	}
	return later
}

// worst returns the state of the part that says most about the service, with
// its reason.
func worst(a, b *Stage) (State, string) {
	order := []State{Completed, NotRun, Cancelled, Limited, Aborted, Dead}
	first := cmp.Or(
		-cmp.Compare(slices.Index(order, a.State), slices.Index(order, b.State)),
		cmp.Compare(a.Reason, b.Reason),
	)
	if first <= 0 {
		return a.State, a.Reason
	}
	return b.State, b.Reason
}

func mergeRequests(a, b *Requests) Requests {
	m := Requests{
		Counters: a.Counters,
		Status:   addStatus(a.Status, b.Status),
		BytesIn:  a.BytesIn + b.BytesIn,
		BytesOut: a.BytesOut + b.BytesOut,
		Response: a.Response.Merge(b.Response),
		OK:       a.OK.Merge(b.OK),
		Service:  a.Service.Merge(b.Service),
		OnTime:   a.OnTime.Merge(b.OnTime),
		Connect:  a.Connect.Merge(b.Connect),
		TLS:      a.TLS.Merge(b.TLS),

		Events:     a.Events + b.Events,
		FirstEvent: a.FirstEvent.Merge(b.FirstEvent),
		EventGap:   a.EventGap.Merge(b.EventGap),
		RoundTrip:  a.RoundTrip.Merge(b.RoundTrip),
		TTFB:       a.TTFB.Merge(b.TTFB),
		Redirects:  a.Redirects + b.Redirects,
		Measures:   MergeMeasures(a.Measures, b.Measures),
	}
	m.Counters.Add(b.Counters)
	return m
}

// MergeMeasures returns the exact sum of the distributions of each name.
func MergeMeasures(a, b map[string]Histogram) map[string]Histogram {
	if len(a)+len(b) == 0 {
		return nil
	}
	sum := make(map[string]Histogram, len(a))
	maps.Copy(sum, a)
	for name, h := range b {
		sum[name] = sum[name].Merge(h)
	}
	return sum
}

func addStatus(a, b map[int]int64) map[int]int64 {
	if len(a)+len(b) == 0 {
		return nil
	}
	sum := make(map[int]int64, len(a))
	maps.Copy(sum, a)
	for status, n := range b {
		sum[status] += n
	}
	return sum
}

// mergeSlices adds slices that overlap: those of the same offset, and where
// stages of a count of requests ended at different times and are cut
// differently, those between two borders that both have. What is left follows
// one another, so that the widths of neighbours add up to the time they cover.
func mergeSlices(a, b []Slice) []Slice {
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(a, b Slice) int { return cmp.Compare(a.Offset, b.Offset) })
	merged := all[:0]
	for _, s := range all {
		last := len(merged) - 1
		if last < 0 || s.Offset != merged[last].Offset && s.Offset >= merged[last].end() {
			merged = append(merged, s)
			continue
		}
		merged[last].Width = max(merged[last].end(), s.end()) - merged[last].Offset
		merged[last].Counters.Add(s.Counters)
		merged[last].Response = merged[last].Response.Merge(s.Response)
		merged[last].Cost = mergeCosts(merged[last].Cost, s.Cost)
	}
	return merged
}

// end is when the slice is over, from the stage's start.
func (s Slice) end() time.Duration { return s.Offset + s.Width }

// JoinInto joins neighbouring slices into n of nearly equal length. With them
// goes what was in flight at the end of each, where that is known.
func JoinInto(list []Slice, inFlight []int, n int) ([]Slice, []int) {
	if len(list) <= n {
		return list, inFlight
	}
	var ends []int
	joined := make([]Slice, n)
	for i := range n {
		from, to := i*len(list)/n, (i+1)*len(list)/n
		joined[i] = Joined(list[from:to])
		if to <= len(inFlight) {
			ends = append(ends, inFlight[to-1])
		}
	}
	return joined, ends
}

// Joined adds neighbouring slices.
func Joined(list []Slice) Slice {
	sum := list[0]
	for _, s := range list[1:] {
		sum.Width += s.Width
		sum.Counters.Add(s.Counters)
		sum.Response = sum.Response.Merge(s.Response)
	}
	return sum
}

// mergeSteps adds steps pairwise; a stage that was not run has none.
func mergeSteps(a, b []Step) []Step {
	if len(a) == 0 || len(b) == 0 {
		return slices.Concat(a, b)
	}
	merged := slices.Clone(a)
	for i := range merged {
		merged[i].Requests = mergeRequests(&a[i].Requests, &b[i].Requests)
		merged[i].Slices = mergeSlices(a[i].Slices, b[i].Slices)
	}
	return merged
}

// mergeIterations adds the passes of each scenario; a stage that was not run
// has none.
func mergeIterations(a, b []Iterations, join func(a, b []Slice) []Slice) []Iterations {
	if len(a) == 0 || len(b) == 0 {
		return slices.Concat(a, b)
	}
	merged := slices.Clone(a)
	for i := range merged {
		m, n := &merged[i], b[i]
		m.Counters.Add(n.Counters)
		m.Duration, m.OK, m.OnTime = m.Duration.Merge(n.Duration), m.OK.Merge(n.OK), m.OnTime.Merge(n.OnTime)
		m.Slices = join(m.Slices, n.Slices)
	}
	return merged
}

// Passes returns the iterations of some scenarios as a stage whose requests
// they are: response times are their durations.
func (s *Stage) Passes(covers func(scenario string) bool) *Stage {
	passes := *s
	passes.Requests, passes.Slices, passes.Steps = Requests{}, nil, nil
	for _, it := range s.Iterations {
		if !covers(it.Scenario) {
			continue
		}
		passes.Counters.Add(it.Counters)
		passes.Response, passes.OK = passes.Response.Merge(it.Duration), passes.OK.Merge(it.OK)
		passes.OnTime = passes.OnTime.Merge(it.OnTime)
		passes.Slices = mergeSlices(passes.Slices, it.Slices)
	}
	return &passes
}

// Part returns what the stage measured of some of its steps, as a stage of its
// own: their requests and their slices, where all of them have some. What is
// not counted by step, such as the generator's own figures, stays the whole
// stage's. A part that covers every step is the stage itself.
func (s *Stage) Part(covers func(scenario, step string) bool) *Stage {
	part := *s
	part.Requests, part.Slices, part.Steps = Requests{}, nil, nil
	sliced := true
	for i := range s.Steps {
		step := &s.Steps[i]
		if !covers(step.Scenario, step.Name) {
			continue
		}
		part.Steps = append(part.Steps, *step)
		sliced = sliced && len(step.Slices) > 0
		if len(part.Steps) == 1 {
			part.Requests, part.Slices = step.Requests, step.Slices
			continue
		}
		part.Requests = mergeRequests(&part.Requests, &step.Requests)
		part.Slices = mergeSlices(part.Slices, step.Slices)
	}
	if len(part.Steps) == len(s.Steps) && len(s.Steps) > 0 {
		return s
	}
	if !sliced {
		part.Slices = nil
	}
	return &part
}

// mergeGenerators keeps the busier machine's CPU share and the longest pause:
// the generator that was nearest to its limit.
func mergeGenerators(a, b *Generator) Generator {
	return Generator{
		Engine:    common(a.Engine, b.Engine),
		Mode:      common(a.Mode, b.Mode),
		Lateness:  a.Lateness.Merge(b.Lateness),
		UnsentOwn: a.UnsentOwn + b.UnsentOwn,
		CPU:       max(a.CPU, b.CPU),
		Throttled: max(a.Throttled, b.Throttled),
		GCPause:   max(a.GCPause, b.GCPause),
		Opened:    a.Opened + b.Opened,
		Reused:    a.Reused + b.Reused,
		Pauses:    a.Pauses + b.Pauses,
		Protocol:  common(a.Protocol, b.Protocol),
		Resumed:   a.Resumed + b.Resumed,
		Streams:   max(a.Streams, b.Streams),

		ClosedByPeer: a.ClosedByPeer + b.ClosedByPeer,
		HeldTo:       a.HeldTo + b.HeldTo, // each its part of the limit

		ConnectionAge: max(a.ConnectionAge, b.ConnectionAge),

		ConnectionWait: a.ConnectionWait + b.ConnectionWait,
	}
}

// firstOfEachStep keeps the earliest failures of each step.
func firstOfEachStep(samples []Sample) []Sample {
	slices.SortFunc(samples, compareSamples)
	type step struct{ scenario, name string }
	kept := make(map[step]int)
	return slices.DeleteFunc(samples, func(s Sample) bool {
		of := step{s.Scenario, s.Step}
		kept[of]++
		return kept[of] > keptSamples
	})
}

func slowest(samples []Sample) []Sample {
	slices.SortFunc(samples, func(a, b Sample) int {
		return cmp.Or(-cmp.Compare(a.Response, b.Response), compareSamples(a, b))
	})
	return samples[:min(len(samples), keptSamples)]
}

// compareSamples orders samples by time and then by everything else, so that
// the kept ones do not depend on the order of merging.
func compareSamples(a, b Sample) int {
	return cmp.Or(
		cmp.Compare(a.Offset, b.Offset),
		cmp.Compare(a.Scenario, b.Scenario),
		cmp.Compare(a.Step, b.Step),
		cmp.Compare(a.Class, b.Class),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(a.Response, b.Response),
		cmp.Compare(a.Detail, b.Detail),
		cmp.Compare(a.Body, b.Body),
	)
}

// addInFlight adds what two stages had in flight at the end of each slice that
// they are merged into.
func addInFlight(a, b *Stage, merged []Slice) []int {
	if len(a.InFlight)+len(b.InFlight) == 0 {
		return nil
	}
	sum := make([]int, len(merged))
	for i, slice := range merged {
		sum[i] = a.flyingAtEnd(slice) + b.flyingAtEnd(slice)
	}
	return sum
}

// flyingAtEnd is what the stage had in flight at the end of a slice that may
// hold several of its own; nothing where it was over before.
func (s *Stage) flyingAtEnd(whole Slice) int {
	next, _ := slices.BinarySearchFunc(s.Slices, whole.end(), func(own Slice, end time.Duration) int { return cmp.Compare(own.Offset, end) })
	last := next - 1
	if last < 0 || last >= len(s.InFlight) || s.Slices[last].end() <= whole.Offset {
		return 0
	}
	return s.InFlight[last]
}

// mergeTimelines puts what several generators saw of the same replicas in
// order of time.
func mergeTimelines(a, b *Timeline) *Timeline {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	l, k := a.Limits, b.Limits
	m := &Timeline{
		Source: common(a.Source, b.Source),
		Name:   common(a.Name, b.Name),
		Limits: ClusterLimits{
			MinReplicas:  common(l.MinReplicas, k.MinReplicas),
			MaxReplicas:  common(l.MaxReplicas, k.MaxReplicas),
			TargetCPU:    common(l.TargetCPU, k.TargetCPU),
			RequestMilli: common(l.RequestMilli, k.RequestMilli),
			LimitMilli:   common(l.LimitMilli, k.LimitMilli),
		},
		Samples: slices.Concat(a.Samples, b.Samples),
		Events:  mergeEvents(a.Events, b.Events),
		Missing: union(a.Missing, b.Missing),
	}
	slices.SortFunc(m.Samples, compareClusterSamples)
	return m
}

func compareClusterSamples(a, b ClusterSample) int {
	return cmp.Or(
		a.At.Compare(b.At),
		cmp.Compare(a.Ready, b.Ready),
		cmp.Compare(a.Replicas, b.Replicas),
		cmp.Compare(a.Desired, b.Desired),
		cmp.Compare(a.Wanted, b.Wanted),
		cmp.Compare(a.UsageMilli, b.UsageMilli),
		cmp.Compare(a.CPU, b.CPU),
		cmp.Compare(a.Throttled, b.Throttled),
		compareBools(a.AtCeiling, b.AtCeiling),
		cmp.Compare(a.RefusedTotal, b.RefusedTotal),
		cmp.Compare(a.MemoryBytes, b.MemoryBytes),
		cmp.Compare(a.Restarts, b.Restarts),
		cmp.Compare(a.OOMKills, b.OOMKills),
		cmp.Compare(a.Evictions, b.Evictions),
		slices.CompareFunc(a.Pods, b.Pods, comparePods),
	)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// common returns what both say, or the zero value: not known.
func common[T comparable](a, b T) T {
	if a == b {
		return a
	}
	var unknown T
	return unknown
}

// earlier treats the zero time of a stage that was not run as no time at all.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		a = b
	}
	return a.Round(0).UTC()
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		a = b
	}
	return a.Round(0).UTC()
}

// union returns every text once, sorted.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
