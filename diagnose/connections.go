package diagnose

import (
	"fmt"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// retransmit is when a client sends the first packet of a connection again that
// nobody answered (RFC 6298 §2): after a second.
const retransmit = time.Second

// connectionLimit finds stages whose connections are turned away or left
// waiting, while others are served. The signs are refused or reset connections,
// that they come with the load, that connecting takes as long as a packet that is
// sent again, and that the number of requests in work stays the same. Of several stages the one that
// turns most away is reported.
func connectionLimit(v *view) []result.Finding {
	var worst level
	for _, l := range v.stages {
		if connectionLimited(v, l) && (worst.Stage == nil || turnedAway(l.Counters) > turnedAway(worst.Counters)) {
			worst = l
		}
	}
	if worst.Stage == nil {
		return nil
	}
	return []result.Finding{doubt(connectionFinding(v, worst), worst)}
}

// connectionLimited wants turned-away connections and one more sign.
func connectionLimited(v *view, l level) bool {
	return len(outages(l)) == 0 && len(connectionSigns(v, l)) >= 2
}

func turnedAway(c result.Counters) float64 {
	return float64(c.Refused+c.Reset) / float64(max(c.Judged(), 1))
}

func connectionSigns(v *view, l level) []string {
	var signs []string
	c := l.Counters
	if c.Refused+c.Reset >= 5 && turnedAway(c) >= 0.01 {
		signs = append(signs, fmt.Sprintf("%s refused and %s closed or reset connections of %s requests (%s)",
			quantity.Count(c.Refused), quantity.Count(c.Reset), quantity.Count(c.Judged()), quantity.Share(turnedAway(c))))
	}
	if late := l.Connect.Above(retransmit - 50*time.Millisecond); late >= 5 && 100*late >= l.Connect.Total() {
		median, _ := l.Connect.Quantile(1, 2)
		signs = append(signs, fmt.Sprintf("%s of %s connections took a second or more, the others %s: their first packet was dropped and sent again, as by a full backlog",
			quantity.Count(late), quantity.Count(l.Connect.Total()), quantity.Duration(median)))
	}
	if len(signs) == 0 {
		return nil
	}
	before, ok := v.lighter(l)
	if !ok {
		return signs
	}
	if 4*turnedAway(before.Counters) <= turnedAway(c) && turnedAway(c) >= 0.01 {
		signs = append(signs, fmt.Sprintf("they come with the load: %s at %s, %s at %s", quantity.Share(turnedAway(before.Counters)), before.offered(), quantity.Share(turnedAway(c)), l.offered()))
	}
	if a, b := inWork(before), inWork(l); l.load >= 1.5*before.load && b <= 1.15*a {
		signs = append(signs, fmt.Sprintf("the service works on a constant number of requests: %s at %s, %s at %s (successes a second × their mean)",
			quantity.Number(a), before.offered(), quantity.Number(b), l.offered()))
	}
	return signs
}

// inWork is how many requests that succeeded were in flight on average: Little's
// law.
func inWork(l level) float64 {
	return perSecond(l.Counters.Success, l.Duration) * l.mean.Seconds()
}

func connectionFinding(v *view, l level) result.Finding {
	signs := connectionSigns(v, l)
	f := result.Finding{
		Rule:     "connection-limit",
		Stage:    l.Name,
		Since:    firstSlice(l.Stage, func(c result.Counters) int64 { return c.Refused + c.Reset }),
		Title:    fmt.Sprintf("connections are turned away at %s: the service, or what is before it, takes no more of them", l.offered()),
		Evidence: signs,
		Suggestion: []string{
			fmt.Sprintf("raise the limit of connections: backlog and net.core.somaxconn, file descriptors, worker or proxy connections; %s were in work on average", quantity.Number(inWork(l))),
			"keep connections alive, so that fewer are opened",
			"answer 429 with Retry-After above the limit in place of a closed connection: clients can tell it from a broken service",
		},
		Disproof: "no message of a full backlog, descriptor or connection limit in the logs of the service, its proxy and kernel",
	}
	return sure(f, len(signs))
}
