package loader

import (
	"cmp"
	"slices"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/secret"
)

const (
	failuresKept = 5 // of each step
	slowestKept  = 5 // of each stage
	sampleBytes  = 2 << 10
	detailBytes  = 512
)

// sampler turns outcomes into samples that are safe to write anywhere.
type sampler struct{ mask *secret.Mask }

func (s *sampler) make(o *outcome) result.Sample {
	detail := []byte(o.detail)
	mask := s.mask.With(o.user.secrets(detail, o.body))
	return result.Sample{
		Scenario: o.step.scenario,
		Step:     o.step.request.Name,
		Offset:   o.due,
		Class:    o.class,
		Status:   o.status,
		Response: o.response,
		Detail:   clean(mask, detail, detailBytes),
		Body:     clean(mask, o.body, sampleBytes),
	}
}

// hideLate masks what became a secret after samples of it were made: the answer
// that it was captured from may come later than another one that holds it.
func (l *Loader) hideLate(list []result.Sample) {
	if l.sessions == nil {
		return
	}
	for i := range list {
		s := &list[i]
		m := l.mask.With(l.sessions.values.in([]byte(s.Detail), []byte(s.Body)))
		s.Detail, s.Body = m.Text(s.Detail), m.Text(s.Body)
	}
}

// samples are the examples that one shard keeps.
type samples struct {
	*sampler
	failures [][]result.Sample // by step
	slowest  []result.Sample   // descending
}

func newSamples(s *sampler, steps int) samples {
	return samples{sampler: s, failures: make([][]result.Sample, steps)}
}

func (s *samples) add(o *outcome) {
	switch o.class {
	case result.CancelledBy, result.UnsentDue:
		return
	case result.Success:
	default:
		if list := &s.failures[o.step.number]; len(*list) < failuresKept {
			*list = append(*list, s.make(o))
		}
	}
	if len(s.slowest) < slowestKept || o.response > s.slowest[slowestKept-1].Response {
		s.slowest = firstOf(append(s.slowest, s.make(o)), slowestKept, slower)
	}
}

// clone copies the lists; samples themselves do not change.
func (s *samples) clone() *samples {
	c := &samples{sampler: s.sampler, slowest: slices.Clone(s.slowest)}
	for _, f := range s.failures {
		c.failures = append(c.failures, slices.Clone(f))
	}
	return c
}

func slower(a, b result.Sample) int { return cmp.Compare(b.Response, a.Response) }

func earlier(a, b result.Sample) int { return cmp.Compare(a.Offset, b.Offset) }

// firstOf sorts a list and cuts it to n.
func firstOf(list []result.Sample, n int, by func(a, b result.Sample) int) []result.Sample {
	slices.SortStableFunc(list, by)
	return list[:min(n, len(list))]
}

// mergeSamples puts the shards' samples together.
func mergeSamples(parts []*samples) (failures, slowest []result.Sample) {
	if len(parts) == 0 {
		return nil, nil
	}
	for step := range parts[0].failures {
		var of []result.Sample
		for _, p := range parts {
			of = append(of, p.failures[step]...)
		}
		failures = append(failures, firstOf(of, failuresKept, earlier)...)
	}
	for _, p := range parts {
		slowest = append(slowest, p.slowest...)
	}
	return failures, firstOf(slowest, slowestKept, slower)
}
