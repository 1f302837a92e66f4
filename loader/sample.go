package loader

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

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
type sampler struct {
	mask    *secret.Mask
	longest int // spelling of a value that is captured as a secret
}

// rough is an example as it came. Nothing of it may be written before it is
// made, and that waits until somebody reads it: it takes a tenth of a
// millisecond, more with a long token, and of a service that gets slower and
// slower nearly every request is an example for a moment.
type rough struct {
	sample result.Sample // without texts
	detail string
	body   []byte
	own    []string       // secrets of its user
	values []*secretValue // what may be one of any user's
}

// fill takes an outcome, of its texts as much as masking looks at: one byte more
// says that there is more.
func (s *sampler) fill(r *rough, o *outcome) {
	r.own, r.values = o.user.own(r.own[:0]), o.user.values()
	most := s.mask.Longest() + s.longest + 1
	for _, text := range r.own {
		most += secret.LongestSpelling * len(text)
	}
	r.sample = result.Sample{
		Scenario: o.step.scenario,
		Step:     o.step.request.Name,
		Offset:   o.due,
		Class:    o.class,
		Status:   o.status,
		Response: o.response,
	}
	if r.detail = o.detail; len(r.detail) > detailBytes+most {
		r.detail = strings.Clone(r.detail[:detailBytes+most])
	}
	r.body = append(r.body[:0], o.body[:min(len(o.body), sampleBytes+most)]...)
}

// make masks what is in a rough one.
func (s *sampler) make(r *rough) result.Sample {
	detail := []byte(r.detail)
	mask := s.mask.With(slices.Concat(r.own, standing(r.values, detail, r.body)))
	out := r.sample
	out.Detail, out.Body = clean(mask, detail, detailBytes), clean(mask, r.body, sampleBytes)
	return out
}

// clone copies what fill writes over.
func (r *rough) clone() rough {
	c := *r
	c.body, c.own = bytes.Clone(r.body), slices.Clone(r.own)
	return c
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
	slowest  []rough           // descending
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
			var r rough
			s.fill(&r, o)
			*list = append(*list, s.make(&r))
		}
	}
	switch {
	case len(s.slowest) < slowestKept:
		s.slowest = append(s.slowest, rough{})
	case o.response <= s.slowest[slowestKept-1].sample.Response:
		return
	}
	s.fill(&s.slowest[len(s.slowest)-1], o)
	slices.SortStableFunc(s.slowest, slower)
}

// clone copies the lists; samples themselves do not change.
func (s *samples) clone() *samples {
	c := &samples{sampler: s.sampler}
	for i := range s.slowest {
		c.slowest = append(c.slowest, s.slowest[i].clone())
	}
	for _, f := range s.failures {
		c.failures = append(c.failures, slices.Clone(f))
	}
	return c
}

func slower(a, b rough) int { return cmp.Compare(b.sample.Response, a.sample.Response) }

func earlier(a, b result.Sample) int { return cmp.Compare(a.Offset, b.Offset) }

// firstOf sorts a list and cuts it to n.
func firstOf[T any](list []T, n int, by func(a, b T) int) []T {
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
	var last []rough
	for _, p := range parts {
		last = append(last, p.slowest...)
	}
	for _, r := range firstOf(last, slowestKept, slower) {
		slowest = append(slowest, parts[0].make(&r))
	}
	return failures, slowest
}
