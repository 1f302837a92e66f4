package loader

import (
	"fmt"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// deadRule says when a target counts as dead: of at least requests ones that
// ended within window, the share failed.
type deadRule struct {
	window   time.Duration
	requests int64
	share    float64
}

// defaultDeadRule is long enough for a restart of one replica out of many and
// short against the minutes that loading a dead target would waste.
var defaultDeadRule = deadRule{window: 10 * time.Second, requests: 10, share: 0.9}

// deadWatch applies the rule to counters that it is shown from time to time.
type deadWatch struct {
	rule deadRule
	seen []moment // from the stage's start, or from the latest that lies a whole window back
}

type moment struct {
	at       time.Duration
	counters result.Counters
}

// look reports whether the target is dead, and the reason for the stage.
func (w *deadWatch) look(now time.Duration, c result.Counters) (string, bool) {
	if w.seen == nil {
		w.seen = []moment{{}}
	}
	w.seen = append(w.seen, moment{now, c})
	for len(w.seen) > 1 && now-w.seen[1].at >= w.rule.window {
		w.seen = w.seen[1:]
	}
	before := w.seen[0]
	if now-before.at < w.rule.window {
		return "", false
	}
	finished := reached(c) - reached(before.counters)
	failed := service(c) - service(before.counters)
	if finished < w.rule.requests || float64(failed) < w.rule.share*float64(finished) {
		return "", false
	}
	history := "it had never succeeded"
	switch {
	case before.counters.Success > 0:
		history = fmt.Sprintf("it had answered %d requests well before", before.counters.Success)
	case c.Success > 0:
		history = fmt.Sprintf("it had answered %d requests well", c.Success)
	}
	return fmt.Sprintf("%d of %d requests failed within %s; %s", failed, finished, quantity.Duration(w.rule.window), history), true
}

// reached counts the requests that ended at the service, well or not.
func reached(c result.Counters) int64 { return c.Finished() - c.Local }

// service counts the errors that are not of the generator's own making.
func service(c result.Counters) int64 { return c.Errors() - c.Local }
