package loader

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// trial is one stage under a server: how long it may go on before it is
// cancelled, and how many requests it owes when it is not.
type trial struct {
	name   string
	stage  slo.Stage
	cancel time.Duration // 0: not
	due    int64         // 0: not known before
}

// trials are a stage of each kind, to its end and with a cancel at a random
// moment.
func trials(random *rand.Rand) []trial {
	list := []trial{
		{name: "counted", stage: counted(12, 3), due: 12},
		{name: "timed", stage: timed(80*ms, 2, 4)},
		{name: "open", stage: rated(150, 100*ms)},
	}
	endless := []slo.Stage{counted(1_000_000, 3), timed(time.Minute, 0, 40), rated(150, time.Minute)}
	for i, stage := range endless {
		after := 1 + time.Duration(random.Int64N(int64(120*ms)))
		list = append(list, trial{name: list[i].name + " cancelled", stage: stage, cancel: after})
	}
	return list
}

// Whatever a server does and whenever a run is cancelled: each request that was
// due is in one class, and the server saw no more of them than were sent.
func TestEveryRequestIsCounted(t *testing.T) {
	list := servers(t)
	left := leftovers(t)
	const seed = 4
	random := rand.New(rand.NewPCG(seed, 0))
	t.Run("all", func(t *testing.T) {
		for _, s := range list {
			for _, engine := range Engines() {
				all := trials(random)
				t.Run(s.name+"/"+engine, func(t *testing.T) {
					t.Parallel()
					var wg sync.WaitGroup
					for _, tr := range all {
						run := s.ready(t, engine)
						wg.Go(func() { run(tr) })
					}
					wg.Wait()
				})
			}
		}
	})
	left()
}

// ready starts the server and returns what runs a trial under it: a scenario of
// two requests with a pause, over few connections.
func (s *server) ready(t *testing.T, engine string) func(trial) {
	url, saw := s.start(t)
	light := *s
	light.body = min(s.body, mib/2) // many of them are sent
	step := light.step(60 * ms)
	file := fileOf(url, step, slo.Step{Pause: slo.Pause{Max: 5 * ms}}, step)
	l := newLoader(t, file, Options{Engine: engine, MaxConnections: 2, Grace: 20 * ms, Seed: 1})
	return func(tr trial) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if tr.cancel > 0 {
			time.AfterFunc(tr.cancel, cancel)
		}
		out := l.Run(ctx, tr.stage)
		coherent(t, out)
		tr.adds(t, out)
		s.agrees(t, tr.name, out.Counters, saw)
	}
}

// adds checks what a trial says of its stage.
func (tr trial) adds(t *testing.T, out *result.Stage) {
	c := out.Counters
	if tr.cancel > 0 {
		if out.State != result.Cancelled || c.Unsent != 0 {
			t.Errorf("%s after %v: state %v, %+v", tr.name, tr.cancel, out.State, c)
		}
		return
	}
	if out.State != result.Completed || c.Cancelled != 0 {
		t.Errorf("%s: state %v, %+v", tr.name, out.State, c)
	}
	if tr.due > 0 && (c.Due() != tr.due || c.Unsent != 0) {
		t.Errorf("%s: %+v, want %d due", tr.name, c, tr.due)
	}
	if w := tr.stage.Workload; w.Model == slo.Open {
		if least := int64(w.RateFrom * w.Duration.Seconds()); out.Steps[0].Counters.Due() != least {
			t.Errorf("%s: %+v, want %d arrivals", tr.name, out.Steps[0].Counters, least)
		}
	}
}

// agrees compares a stage's counters with what the server read.
func (s *server) agrees(t *testing.T, name string, c result.Counters, saw *seen) {
	if s.url != "" {
		return
	}
	heads := saw.heads.Load()
	if sent := c.Due() - c.Unsent; heads > sent {
		t.Errorf("%s: the server read %d requests, %d were sent", name, heads, sent)
	}
	if answered := c.Success + c.BadStatus + c.FailedCheck; heads < answered {
		t.Errorf("%s: the server read %d requests, %d were answered", name, heads, answered)
	}
}
