package diagnose

import (
	"fmt"
	"math"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// plateau is the part of a series in which more load brings no more
// throughput.
type plateau struct {
	series      series
	below       int     // index of the knee: the first level at the plateau
	knee, last  level   // last has the heaviest load
	e           float64 // elasticity of the throughput from knee to last
	g           float64 // elasticity of the mean response time
	queueing    bool    // response time grows with the load: requests wait
	failing     bool    // the success rate falls by more than a point
	backlogging bool    // requests in flight grow without limit
}

// plateau finds the knee: the first level with at least 0.9 of the highest
// throughput although a later one has 1.5 times its load. From it on the
// throughput must stay within 1.1 of the knee's, with e < 0.25.
func (s series) plateau() (plateau, bool) {
	if len(s) < 2 {
		return plateau{}, false
	}
	highest := 0.0
	for _, l := range s {
		highest = max(highest, l.throughput)
	}
	last := s[len(s)-1]
	for i, knee := range s {
		if knee.throughput < 0.9*highest || knee.throughput == 0 {
			continue
		}
		if last.load < 1.5*knee.load {
			return plateau{}, false
		}
		if highest > 1.1*knee.throughput && s.returns(knee, 1.1*knee.throughput) {
			continue
		}
		p := plateau{series: s, below: i, knee: knee, last: last}
		p.e = elasticity(knee.throughput, last.throughput, knee.load, last.load)
		p.g = elasticity(knee.mean.Seconds(), last.mean.Seconds(), knee.load, last.load)
		p.queueing = p.g >= 0.75
		p.failing = !last.open() && knee.ok-last.ok > 0.01
		p.backlogging = backlog(last).grows
		return p, p.e < 0.25 && !math.IsNaN(p.e)
	}
	return plateau{}, false
}

// computes is from how many cores on a service has enough to compute for that to
// be its limit: one core, less what a busy machine takes.
const computes = 0.5

// saturates reports whether a level lies beyond the knee of its series.
func (v *view) saturates(l level) bool {
	for _, s := range v.series {
		p, ok := s.plateau()
		if ok && p.signs() > 1 && p.last.open() == l.open() && !ramp(l.Workload) && l.load > p.knee.load {
			return true
		}
	}
	return false
}

// signs counts what speaks for the plateau. The throughput alone is one.
func (p plateau) signs() int {
	n := 1
	for _, sign := range []bool{p.queueing, p.failing, p.backlogging} {
		if sign {
			n++
		}
	}
	return n
}

// saturation reports the plateau of throughput: the knee alone is a note, with
// a second sign it is a finding of the heaviest stage.
func saturation(v *view) []result.Finding {
	var found []result.Finding
	for _, s := range v.series {
		p, ok := s.plateau()
		if !ok {
			continue
		}
		f := p.finding()
		// Where the replica ceiling is the cause, its finding says what relieves.
		if len(v.wanting(p.last)) < ceilingSamples || len(f.Suggestion) == 0 {
			f.Suggestion = append(f.Suggestion, relief(p.knee.throughput, p.needed())...)
		}
		found = append(found, doubt(f, p.last))
	}
	return found
}

func (p plateau) finding() result.Finding {
	f := result.Finding{
		Rule:       "saturated",
		Stage:      p.last.Name,
		Title:      fmt.Sprintf("the service is saturated: capacity is about %s, %s", quantity.Rate(p.knee.throughput), p.between()),
		Evidence:   p.evidence(),
		Suggestion: p.suggestion(),
		Disproof: fmt.Sprintf("a run with twice the replicas or CPU that also stays at about %s: then something else is the limit, such as a lock, a database or the generator",
			quantity.Rate(p.knee.throughput)),
	}
	if p.signs() < 2 {
		f.Rule, f.Stage = "knee", p.knee.Name
		f.Title = fmt.Sprintf("throughput stops growing at about %s, %s", quantity.Rate(p.knee.throughput), p.between())
	}
	return sure(f, p.signs())
}

func (p plateau) between() string {
	return "reached between " + between(p.knee, p.next())
}

// next is the first level that is heavier than the knee.
func (p plateau) next() level {
	for _, l := range p.series[p.below:] {
		if l.load > p.knee.load {
			return l
		}
	}
	return p.last
}

func (p plateau) evidence() []string {
	var e []string
	if first := p.series[0]; first.load < p.knee.load {
		follows := elasticity(first.throughput, p.knee.throughput, first.load, p.knee.load)
		how := "follows"
		if follows < 0.75 {
			how = "only partly follows"
		}
		e = append(e, fmt.Sprintf("up to %s throughput %s the load: %s at %s, %s at %s (elasticity %s, 1 is in proportion)",
			p.knee.offered(), how, quantity.Rate(first.throughput), first.offered(), quantity.Rate(p.knee.throughput), p.knee.offered(), quantity.Number(hundredths(follows))))
	}
	e = append(e, fmt.Sprintf("beyond it does not: %s at %s, %s at %s (elasticity %s)",
		quantity.Rate(p.knee.throughput), p.knee.offered(), quantity.Rate(p.last.throughput), p.last.offered(), quantity.Number(hundredths(p.e))))
	if p.queueing {
		e = append(e, fmt.Sprintf("requests wait in a queue: the mean of successful requests grows with the load, %s to %s (%s, elasticity %s)",
			quantity.Duration(p.knee.mean), quantity.Duration(p.last.mean), change(p.knee.mean.Seconds(), p.last.mean.Seconds()), quantity.Number(hundredths(p.g))))
	}
	if p.failing {
		e = append(e, fmt.Sprintf("the success rate falls by %s, %s to %s", quantity.Points(p.knee.ok-p.last.ok), quantity.Share(p.knee.ok), quantity.Share(p.last.ok)))
	}
	if p.backlogging {
		e = append(e, backlog(p.last).text())
	}
	if u, ok := p.series.usl(); ok {
		e = append(e, u.text(len(p.series)))
	}
	if text := p.last.busy(p.knee); text != "" {
		e = append(e, text)
	}
	if first := p.series[0]; !p.last.open() && first.mean > 0 {
		e = append(e, fmt.Sprintf("about %s keep it at this throughput: %s × %s = %s",
			plural(max(math.Round(p.enough()), 1), "worker"), quantity.Rate(p.knee.throughput), quantity.Duration(first.mean+pause(first)), quantity.Number(p.enough())))
	}
	return e
}

// enough is how many workers keep the service at its capacity: X·(R+Z) of the
// lightest stage, which waits least.
func (p plateau) enough() float64 {
	first := p.series[0]
	return p.knee.throughput * (first.mean + pause(first)).Seconds()
}

// needed is the throughput that would serve the heaviest load as fast as the
// lightest: all arrivals, or what its workers would ask for. 0: not known.
func (p plateau) needed() float64 {
	if p.last.open() {
		return perSecond(p.last.Counters.Due(), p.last.Duration)
	}
	first := p.series[0]
	if first.mean == 0 {
		return 0 // nothing succeeded in it
	}
	return p.last.load / (first.mean + pause(first)).Seconds()
}

// cores is how much processor time the service used a second, 0 where that is
// not known.
func (l level) cores() float64 {
	if l.Cost == nil || l.Cost.Span <= 0 {
		return 0
	}
	return l.Cost.CPU.Seconds() / l.Cost.Span.Seconds()
}

// busy says how much processor time the service used, and whether that is what
// it ran out of: a service that waits for something else uses little, also in the
// lighter stage before.
func (l level) busy(before level) string {
	cores := l.cores()
	if cores == 0 {
		return ""
	}
	text := fmt.Sprintf("it used %s of processor time a second at %s", seconds(cores), l.offered())
	const waits = "it waits for something else than CPU, such as a lock, a pool or another service"
	t := l.Cost.Throttling
	switch {
	case max(cores, before.cores()) >= computes || l.hasLimit || t != nil && t.Throttled > 0:
		return text
	case t == nil:
		return text + ": unless it has a CPU limit, " + waits
	}
	return text + ": " + waits
}

func (p plateau) suggestion() []string {
	capacity, need := p.knee.throughput, p.needed()
	if need <= capacity {
		return nil
	}
	return []string{fmt.Sprintf("more capacity (replicas, CPU limit): %s would need about %s, %s what there is",
		p.last.offered(), quantity.Rate(need), factor(need/capacity))}
}

// relief lists what helps without more capacity, in order of effort.
func relief(capacity, need float64) []string {
	var list []string
	if need > capacity {
		list = append(list, fmt.Sprintf("cache answers: %s of the requests would have to be answered without the service's work (1 − %s / %s)",
			quantity.Share(1-capacity/need), quantity.Rate(capacity), quantity.Rate(need)))
	}
	return append(list,
		fmt.Sprintf("limit the rate: answer 429 with Retry-After above %s, so that accepted requests stay fast", quantity.Rate(capacity)),
		fmt.Sprintf("put work that may wait into a queue that is worked off at %s", quantity.Rate(capacity)),
		"batch: several items in one request cost less than as many requests",
		"optimise: profile the service at this load, and begin with what most of its time goes into",
	)
}

// hundredths rounds an elasticity to what can be read off a few stages.
func hundredths(e float64) float64 { return math.Round(100*e) / 100 }
