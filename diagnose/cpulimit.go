package diagnose

import (
	"fmt"
	"time"

	"github.com/slogate/slogate/gate/stats"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

const (
	// atLimit is the part of its CPU limit from which a pod is at it, and
	// limitTime for how long.
	atLimit   = 0.95
	limitTime = 5 * time.Second
	// throttledShare is the part of the scheduler's periods in which a container
	// may use up its limit without being slowed down noticeably.
	throttledShare = 0.1
)

// cpuLimit finds stages whose pods are at their CPU limit while no more of them
// may come, or whose container was throttled. Second signs are that the
// scheduler made them wait, that throttled slices are slower, and that the stage
// suffered. Of several stages the one with the most signs is reported.
func cpuLimit(v *view) []result.Finding {
	var worst []result.Finding
	most := 0
	for _, l := range v.stages {
		own, at := v.limitSigns(l)
		if len(own) == 0 {
			continue
		}
		signs := append(own[1:], l.harm(v)...)
		if worst != nil && len(signs) <= most {
			continue
		}
		most = len(signs)
		f := signed(cpuFinding(v, l, own[0]), signs)
		f.Since = at
		worst = []result.Finding{doubt(f, l)}
	}
	return worst
}

// limitSigns say that a limit was reached and how it made the service wait.
func (v *view) limitSigns(l level) (signs []string, at time.Duration) {
	if text, from, ok := v.podsAtLimit(l); ok {
		signs, at = append(signs, text), from
	}
	if t := throttling(l); t.Periods > 0 && float64(t.Throttled) > throttledShare*float64(t.Periods) {
		signs = append(signs, fmt.Sprintf("the container used up its CPU limit in %s of the scheduler's periods and waited %s in all (%s a second of the stage)",
			quantity.Share(float64(t.Throttled)/float64(t.Periods)), quantity.Duration(t.Waited), quantity.Duration(time.Duration(float64(t.Waited)/l.Duration.Seconds()))))
		if text, ok := l.slowerThrottled(); ok {
			signs = append(signs, text)
		}
	}
	if share := v.throttled(l); len(signs) > 0 && share >= 0.05 {
		signs = append(signs, fmt.Sprintf("pods waited for their CPU limit %s of the time", quantity.Share(share)))
	}
	return signs, at
}

func throttling(l level) result.Throttling {
	if l.Cost == nil || l.Cost.Throttling == nil {
		return result.Throttling{}
	}
	return *l.Cost.Throttling
}

// throttled is the mean share of time in which pods waited for their limit.
func (v *view) throttled(l level) float64 {
	samples := v.during(l)
	share := 0.0
	for _, s := range samples {
		share += s.Throttled / float64(len(samples))
	}
	return share
}

// podsAtLimit finds the first spell of limitTime in which the pods used their
// limit and as many were ready as may be.
func (v *view) podsAtLimit(l level) (text string, at time.Duration, ok bool) {
	if v.timeline == nil || v.timeline.Limits.LimitMilli == 0 {
		return "", 0, false
	}
	var begin, last *result.ClusterSample
	for _, s := range v.during(l) {
		limit := float64(s.Ready * v.timeline.Limits.LimitMilli)
		if s.Ready == 0 || s.UsageMilli < atLimit*limit || s.Ready < v.timeline.Limits.MaxReplicas {
			if begin != nil && last.At.Sub(begin.At) >= limitTime {
				break
			}
			begin, last = nil, nil
			continue
		}
		if begin == nil {
			begin = &s
		}
		last = &s
	}
	if begin == nil || last.At.Sub(begin.At) < limitTime {
		return "", 0, false
	}
	return fmt.Sprintf("pods are at their CPU limit for %s: %s of %d × %s, and no more than %d may come",
		quantity.Duration(last.At.Sub(begin.At).Round(time.Second)), milli(begin.UsageMilli), begin.Ready, milli(float64(v.timeline.Limits.LimitMilli)), begin.Ready), since(l, begin.At), true
}

// slowerThrottled compares the medians of slices that were throttled in most of
// their periods with the others.
func (l level) slowerThrottled() (string, bool) {
	var with, without []float64
	for _, s := range l.Slices {
		median, ok := s.Response.Quantile(1, 2)
		if !ok || s.Cost == nil || s.Cost.Throttling == nil || s.Cost.Throttling.Periods == 0 {
			continue
		}
		if t := s.Cost.Throttling; float64(t.Throttled) > throttledShare*float64(t.Periods) {
			with = append(with, median.Seconds())
		} else {
			without = append(without, median.Seconds())
		}
	}
	if len(with) < 3 || len(without) < 3 {
		return "", false
	}
	a, b := stats.Median(without), stats.Median(with)
	return fmt.Sprintf("seconds in which it was throttled are slower: a median of %s against %s", seconds(b), seconds(a)), b > 1.25*a
}

// harm lists how a stage suffered from too little capacity.
func (l level) harm(v *view) []string {
	var signs []string
	if v.saturates(l) {
		signs = append(signs, fmt.Sprintf("throughput has stopped growing: %s at %s", quantity.Rate(l.throughput), l.offered()))
	}
	if l.ok < 0.99 {
		signs = append(signs, fmt.Sprintf("the success rate is %s", quantity.Share(l.ok)))
	}
	if q := backlog(l); q.grows {
		signs = append(signs, q.text())
	}
	return signs
}

func cpuFinding(v *view, l level, first string) result.Finding {
	return result.Finding{
		Rule:       "cpu-limit",
		Stage:      l.Name,
		Title:      fmt.Sprintf("the CPU limit holds the service back at %s", l.offered()),
		Evidence:   []string{first},
		Suggestion: cpuSuggestion(v, l),
		Disproof:   "a run with twice the limit that is not faster: then it waits for something else",
	}
}

func cpuSuggestion(v *view, l level) []string {
	var all []string
	if v.timeline != nil && v.timeline.Limits.LimitMilli > 0 {
		limit := v.timeline.Limits.LimitMilli
		all = append(all, fmt.Sprintf("raise the limit of each container from %s, or remove it: resources: {limits: {cpu: %s}} is twice as much", milli(float64(limit)), milli(float64(2*limit))))
	} else {
		all = append(all, "raise the CPU limit of the container, or remove it")
	}
	// Workers ask for no more than they are given: what they had is no measure.
	if each, cores := perRequest(l.Stage), l.cores(); l.open() && each > 0 && cores > 0 {
		due := perSecond(l.Counters.Due(), l.Duration)
		all = append(all, fmt.Sprintf("it takes about %s cores: %s × %s of processor time a request; it had %s",
			quantity.Number(due*each), quantity.Rate(due), seconds(each), quantity.Number(cores)))
	}
	return append(all,
		"cache answers, or limit the rate with 429, where there is no more CPU",
		"profile the service under this load: what a request costs less is capacity too",
	)
}
