package diagnose

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// law is a series of closed stages that follows the Universal Scalability Law.
func law(u usl, workers ...int) []result.Stage {
	var stages []result.Stage
	for _, n := range workers {
		x := u.at(float64(n))
		stages = append(stages, at(n, x, time.Duration(float64(n)/x*1e9), 1))
	}
	return stages
}

func TestUSLFindsItsParameters(t *testing.T) {
	want := usl{lambda: 1000, sigma: 0.05, kappa: 0.002}
	v := newView(run(law(want, 1, 2, 4, 8, 16, 32)...))
	got, ok := v.series[0].usl()
	if !ok {
		t.Fatal("no fit")
	}
	near := func(a, b float64) bool { return math.Abs(a/b-1) < 0.02 }
	if !near(got.lambda, want.lambda) || !near(got.sigma, want.sigma) || !near(got.kappa, want.kappa) || got.residual > 0.001 {
		t.Errorf("fit %+v, want %+v", got, want)
	}
	if text := got.text(6); !strings.Contains(text, "most throughput is about") || !strings.Contains(text, "at 22 workers") {
		t.Errorf("text %q", text)
	}
}

func TestUSLNeedsStages(t *testing.T) {
	u := usl{lambda: 1000, sigma: 0.05, kappa: 0.002}
	for _, tt := range []struct {
		name   string
		stages []result.Stage
	}{
		{"four stages", law(u, 1, 2, 4, 8)},
		{"five over less than 8 times the load", law(u, 2, 4, 6, 8, 12)},
		{"another law", []result.Stage{at(1, 100, 10*ms, 1), at(2, 20, 100*ms, 1), at(4, 300, 13*ms, 1), at(8, 30, 266*ms, 1), at(16, 500, 32*ms, 1)}},
		{"open stages", []result.Stage{open("a", 1, ms, ms, 1), open("b", 2, ms, ms, 1), open("c", 4, ms, ms, 1), open("d", 8, ms, ms, 1), open("e", 16, ms, ms, 1)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, s := range newView(run(tt.stages...)).series {
				if u, ok := s.usl(); ok {
					t.Errorf("a fit: %+v", u)
				}
			}
		})
	}
}

// Little processor time means waiting only where no limit holds it back.
func TestBusySaysWhatTheServiceWaitsFor(t *testing.T) {
	little := func(limit bool, th *result.Throttling) level {
		s := at(10, 100, 100*ms, 1)
		s.Cost = &result.Cost{CPU: 6 * time.Second, Span: time.Minute, Throttling: th}
		l := newLevel(&s)
		l.hasLimit = limit
		return l
	}
	for _, tt := range []struct {
		name string
		level
		want string
	}{
		{"no limit", little(false, &result.Throttling{}), "it used 100 ms of processor time a second at 10 workers: it waits for"},
		{"limit not known", little(false, nil), "it used 100 ms of processor time a second at 10 workers: unless it has a CPU limit, it waits for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.busy(tt.level); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q …", got, tt.want)
			}
		})
	}
	for _, l := range []level{little(true, nil), little(false, &result.Throttling{Periods: 10, Throttled: 5})} {
		if got := l.busy(l); strings.Contains(got, "waits") {
			t.Errorf("with a limit: %q", got)
		}
	}
}

// A service that another program took the processor from is not slow by itself.
func TestRetrogradeOfAStarvedService(t *testing.T) {
	cost := func(s result.Stage, cpu time.Duration) result.Stage {
		s.Cost = &result.Cost{CPU: cpu, Span: time.Minute}
		return s
	}
	for _, tt := range []struct {
		name string
		cpu  time.Duration
		note bool
	}{{"the same processor time", 48 * time.Second, false}, {"half of the processor time", 24 * time.Second, true}} {
		t.Run(tt.name, func(t *testing.T) {
			found := Find(run(cost(at(8, 180, 44*ms, 1), 48*time.Second), cost(at(16, 100, 160*ms, 1), tt.cpu)))
			for _, f := range found {
				if f.Rule == "retrograde" && f.Note == tt.note {
					return
				}
			}
			t.Errorf("no retrograde with note %t:\n%s", tt.note, written(found))
		})
	}
}
