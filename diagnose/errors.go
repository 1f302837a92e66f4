package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// errorClasses are the failures that [errorsBegin] looks at. Timeouts have a
// rule of their own, the generator's limits are no fault of the service.
var errorClasses = [...]result.Class{
	result.BadStatus, result.FailedCheck, result.Refused, result.Reset, result.DNS, result.TLS, result.Protocol,
}

// classText says what a class of failures is.
var classText = map[result.Class]string{
	result.BadStatus:   "answers with a status that is not accepted",
	result.FailedCheck: "answers that fail a check",
	result.Refused:     "refused connections",
	result.Reset:       "connections that the service closed or reset",
	result.DNS:         "names that could not be resolved",
	result.TLS:         "failed TLS handshakes",
	result.Protocol:    "answers that are no HTTP",
}

// errorsBegin finds the classes of failures of at least 1 % of a stage, and 5,
// and says from when on, of each class in the stage that has most of them. That
// there are some is one sign; others are that the lightest stage has at most a
// quarter of the share, and that they begin or end within the stage.
func errorsBegin(v *view) []result.Finding {
	var found []result.Finding
	limited := slices.ContainsFunc(v.stages, func(l level) bool { return connectionLimited(v, l) })
	for _, class := range errorClasses {
		if limited && (class == result.Refused || class == result.Reset) {
			continue // told there
		}
		var worst failures
		for _, l := range v.stages {
			if len(outages(l)) > 0 {
				continue // told there
			}
			if e := newErrors(l, class); e.matter() && (worst.Stage == nil || e.share() > worst.share()) {
				worst = e
			}
		}
		if worst.Stage != nil {
			found = append(found, doubt(worst.finding(v), worst.level))
		}
	}
	return found
}

// failures are those of one class in one stage.
type failures struct {
	level
	class result.Class
	count int64
	codes map[int]int64 // of answers whose status is not accepted, as far as these are known
	spell
}

// spell is the part of a stage in which something happened: slices from first
// to last.
type spell struct {
	first, last int
	begins      bool // clearly after the stage began
	ends        bool // clearly before it ended
}

func newErrors(l level, class result.Class) failures {
	e := failures{level: l, class: class, count: *l.Counters.Of(class), spell: l.spell(class)}
	if class == result.BadStatus {
		e.codes = badCodes(l.Stage)
	}
	return e
}

// badCodes counts the answers of each status that is not accepted. A step may
// accept what another one does not.
func badCodes(s *result.Stage) map[int]int64 {
	all := map[int]int64{}
	for _, step := range s.Steps {
		for _, code := range badOf(s, step) {
			all[code] += step.Status[code]
		}
	}
	return all
}

// badOf gives the codes that a step does not accept: those of its failed answers,
// and where there are more than were kept all from 400 on, if these add up to what
// failed.
func badOf(s *result.Stage, step result.Step) []int {
	seen := map[int]bool{}
	for _, f := range s.Failures {
		if f.Class == result.BadStatus && f.Scenario == step.Scenario && f.Step == step.Name {
			seen[f.Status] = true
		}
	}
	var usual []int
	sum := int64(0)
	for code, n := range step.Status {
		if code >= 400 || seen[code] {
			usual = append(usual, code)
			sum += n
		}
	}
	if sum == step.Counters.BadStatus {
		return usual
	}
	return slices.Collect(maps.Keys(seen))
}

func (e failures) share() float64 { return float64(e.count) / float64(max(e.Counters.Judged(), 1)) }

func (e failures) matter() bool { return e.count >= 5 && e.share() >= 0.01 }

// spell finds when failures of a class began and ended. Before and after must
// lie requests among which, at the share in between, five would have failed.
func (l level) spell(class result.Class) spell {
	s := spell{first: -1}
	for i, slice := range l.Slices {
		if *slice.Counters.Of(class) == 0 {
			continue
		}
		if s.first < 0 {
			s.first = i
		}
		s.last = i
	}
	if s.first < 0 {
		return spell{}
	}
	before, _ := sum(l.Slices[:s.first])
	within, _ := sum(l.Slices[s.first : s.last+1])
	later, _ := sum(l.Slices[s.last+1:])
	share := float64(*within.Of(class)) / float64(max(within.Judged(), 1))
	s.begins = l.even() && share*float64(before.Judged()) >= 5
	s.ends = l.even() && share*float64(later.Judged()) >= 5
	return s
}

func (e failures) finding(v *view) result.Finding {
	var signs []string
	f := result.Finding{
		Rule:       "errors",
		Stage:      e.Name,
		Title:      fmt.Sprintf("%s of the requests fail: %s", quantity.Share(e.share()), e.what()),
		Evidence:   []string{fmt.Sprintf("%s of %s%s", quantity.Count(e.count), quantity.Count(e.Counters.Judged()), e.statuses())},
		Suggestion: e.suggestion(),
		Disproof:   "the same share under a small load and from the first second on: then single requests fail, whatever the load",
	}
	if e.begins || e.ends {
		f.Since = e.from()
		f.Title += e.when()
		signs = append(signs, e.course())
	}
	if text, ok := e.withLoad(v.of(e.level)); ok {
		signs = append(signs, text)
	}
	return signed(f, signs)
}

// withLoad tells the shares of all stages up to this one, where the lightest
// has at most a quarter of this one's.
func (e failures) withLoad(s series) (string, bool) {
	if len(s) == 0 || s[0].load >= e.load || newErrors(s[0], e.class).share() > e.share()/4 {
		return "", false
	}
	var shares []string
	for _, l := range s {
		if l.load <= e.load {
			shares = append(shares, fmt.Sprintf("%s at %s", quantity.Share(newErrors(l, e.class).share()), l.offered()))
		}
	}
	return "they begin with the load: " + list(shares, 8), true
}

// what says what the failures are: by their status, where nearly all have one.
func (e failures) what() string {
	if e.class != result.BadStatus {
		return classText[e.class]
	}
	for code, n := range e.codes {
		if 10*n > 9*e.count {
			return fmt.Sprintf("answers with status %d", code)
		}
	}
	return classText[e.class]
}

func (e failures) from() time.Duration { return e.Slices[e.first].Offset }

func (e failures) when() string {
	switch from, to := quantity.Duration(e.from()), quantity.Duration(end(e.Slices[e.last])); {
	case e.begins && e.ends:
		return fmt.Sprintf(", from %s to %s", from, to)
	case e.begins:
		return ", from " + from + " on"
	default:
		return ", until " + to
	}
}

// course tells of the requests before, within and after, as far as these say
// that the failures began or ended.
func (e failures) course() string {
	within, _ := sum(e.Slices[e.first : e.last+1])
	parts := []string{fmt.Sprintf("%s of %s from %s to %s",
		quantity.Share(float64(*within.Of(e.class))/float64(within.Judged())), quantity.Count(within.Judged()), quantity.Duration(e.from()), quantity.Duration(end(e.Slices[e.last])))}
	if before, _ := sum(e.Slices[:e.first]); e.begins {
		parts = slices.Insert(parts, 0, fmt.Sprintf("none of %s requests before", quantity.Count(before.Judged())))
	}
	if later, _ := sum(e.Slices[e.last+1:]); e.ends {
		parts = append(parts, fmt.Sprintf("none of %s later", quantity.Count(later.Judged())))
	}
	return "they have their time: " + strings.Join(parts, ", ")
}

// statuses lists the codes that are not accepted.
func (e failures) statuses() string {
	if len(e.codes) == 0 {
		return ""
	}
	var texts []string
	others := e.count
	for _, code := range slices.SortedFunc(maps.Keys(e.codes), func(a, b int) int { return cmp.Or(cmp.Compare(e.codes[b], e.codes[a]), cmp.Compare(a, b)) }) {
		texts = append(texts, fmt.Sprintf("%d: %s", code, quantity.Count(e.codes[code])))
		others -= e.codes[code]
	}
	if others > 0 {
		texts = append(texts, fmt.Sprintf("others: %s", quantity.Count(others)))
	}
	return ", by status " + list(texts, 5)
}

// limits reports whether most of the failures are answers by which a service
// keeps load away.
func (e failures) limits() bool {
	return e.class == result.BadStatus && 2*(e.codes[429]+e.codes[503]) > e.count
}

func (e failures) suggestion() []string {
	var all []string
	if e.begins || e.ends {
		all = append(all, fmt.Sprintf("read the service's log of %s: what began %s after this stage's start", e.Start.Add(e.from()).UTC().Format("15:04:05"), quantity.Duration(e.from())))
	} else {
		all = append(all, "read the service's log for these answers; examples are among the failed requests of this report")
	}
	if e.limits() {
		return append(all, fmt.Sprintf("where the service is meant to keep load away, accept these answers (accept: [200, 429, 503]) and judge the others; %s were served", quantity.Rate(perSecond(e.Counters.Success, e.Duration))))
	}
	return append(all, "repair the errors first: what fails fast makes the times of the others look better than they are")
}
