package gate

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

var update = flag.Bool("update", false, "rewrite the table of simulated error rates")

// figure is one row of the published table: how often something happened in a
// number of simulated runs, and how often it may or must.
type figure struct {
	what           string
	happened, runs int
	most           bool // it may happen in so many of the runs, not must
	bound          float64
}

// unpromised is the bound of a rate that is only shown.
const unpromised = -1.0

// proven reports whether the rate cannot be told from one that keeps the bound,
// within three binomial standard errors.
func (f figure) proven() bool {
	if f.bound == unpromised {
		return true
	}
	rate, slack := f.rate(), 3*math.Sqrt(f.bound*(1-f.bound)/float64(f.runs))
	if f.most {
		return rate <= f.bound+slack
	}
	return rate >= f.bound-slack
}

func (f figure) rate() float64 { return float64(f.happened) / float64(f.runs) }

func (f figure) row() string {
	sign := "≥"
	if f.most {
		sign = "≤"
	}
	lower, upper := clopperPearson(float64(f.happened), float64(f.runs))
	kept := "yes"
	if f.most && f.rate() > f.bound || !f.most && f.rate() < f.bound {
		kept = "within chance"
	}
	if !f.proven() {
		kept = "**no**"
	}
	promised := fmt.Sprintf("%s %s %%", sign, quantity.Number(100*f.bound))
	if f.bound == unpromised {
		promised, kept = "–", "–"
	}
	return fmt.Sprintf("| %s | %d | %.2f %% | %.2f to %.2f %% | %s | %s |\n",
		f.what, f.runs, 100*f.rate(), 100*lower, 100*upper, promised, kept)
}

// simulate counts in how many of the runs something happens. Every run has a
// random source of its own, so that the order of the runs does not matter.
func simulate(runs int, seed uint64, happens func(*rand.Rand) bool) int {
	found := make([]bool, runs)
	parallel(runs, func(i int) { found[i] = happens(rand.New(rand.NewPCG(seed, uint64(i)))) })
	n := 0
	for _, yes := range found {
		if yes {
			n++
		}
	}
	return n
}

// parallel calls do with 0 to n−1 on every core.
func parallel(n int, do func(int)) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				do(i)
			}
		})
	}
	wg.Wait()
}

// machines are the conditions that base and head are compared under.
var machines = []struct {
	name string
	simulated
}{
	{"quiet machine", simulated{rate: 150, load: 0.3}},
	{"drifting machine", simulated{rate: 150, load: 0.3, drift: 0.15}},
	{"neighbours", simulated{rate: 150, load: 0.3, drift: 0.15, neighbour: 1.6}},
}

func failed(j *result.Judgement) bool { return j.Verdict == result.Fail }

// pairedErrors is base against itself and against slower and faster heads.
func pairedErrors(t *testing.T) []figure {
	three := plan(relative(t, "p50 <= baseline + 10%"), relative(t, "p95 <= baseline + 10%"), relative(t, "p99 <= baseline + 10%"))
	exact := plan(relative(t, "p50 <= baseline + 0%"), relative(t, "p95 <= baseline + 0%"), relative(t, "mean <= baseline + 0%"))
	var out []figure
	for i, m := range machines {
		fails := func(f *slo.File, seconds int, slower float64, runs int) int {
			return simulate(runs, uint64(100+i), func(random *rand.Rand) bool {
				return failed(Judge(f, m.compared(random, seconds, slower), Options{}))
			})
		}
		out = append(out,
			figure{"base against itself fails, p50, p95 and p99 at +10 %, 60 s, " + m.name, fails(three, 60, 1, 1500), 1500, true, 0.01},
			figure{"the same at +0 %, p50, p95 and mean", fails(exact, 60, 1, 1500), 1500, true, 0.01},
			figure{"head 20 % faster fails", fails(three, 60, 0.8, 200), 200, true, 0},
		)
	}
	out = append(out, extendedErrors(t)...)
	return append(out, slowerHeads(t)...)
}

// extendedErrors is base against itself where the comparison goes on until it
// sees enough: stopping must not spend any of the error.
func extendedErrors(t *testing.T) []figure {
	f := plan(relative(t, "p50 <= baseline + 0%"), relative(t, "p95 <= baseline + 0%"), relative(t, "mean <= baseline + 0%"))
	var out []figure
	for i, m := range machines {
		const runs = 500
		n := simulate(runs, uint64(130+i), func(random *rand.Rand) bool {
			return failed(Judge(f, extended(f, m.compared(random, 180, 1)), Options{}))
		})
		out = append(out, figure{"base against itself fails, p50, p95 and mean at +0 %, extended from 60 to 180 s at most, " + m.name, n, runs, true, 0.01})
	}
	return out
}

// extended is the part of a run after which the comparison would have stopped.
func extended(f *slo.File, r *result.Run) *result.Run {
	for seconds := 60; ; seconds += 30 {
		base, head := begun(r.Base.Stages[0], seconds/2), begun(r.Stages[0], seconds/2)
		if seconds >= 180 || Settled(f.Stages[0], len(f.Stages[0].Objectives), &base, &head) {
			return &result.Run{Stages: []result.Stage{head}, Base: &result.Base{Stages: []result.Stage{base}}}
		}
	}
}

// begun is a stage until so many of its slices are there.
func begun(s result.Stage, slices int) result.Stage {
	s.Slices = s.Slices[:slices]
	s.Counters, s.Response, s.Duration = result.Counters{}, result.Histogram{}, 0
	for _, slice := range s.Slices {
		s.Counters.Add(slice.Counters)
		s.Response = s.Response.Merge(slice.Response)
		s.Duration += slice.Width
	}
	s.OK, s.OnTime, s.Service = s.Response, s.Response, s.Response
	return s
}

// slowerHeads is how often a head that is 20 % slower fails. It is promised
// for a machine that is otherwise idle; beside that stands what others see.
func slowerHeads(t *testing.T) []figure {
	var out []figure
	for i, m := range machines {
		for j, c := range []struct {
			indicator string
			seconds   int
			idle      float64 // promised
		}{{"p50", 60, 0.95}, {"p95", 120, 0.90}} {
			f := plan(relative(t, c.indicator+" <= baseline + 10%"))
			const runs = 300
			n := simulate(runs, uint64(110+10*i+j), func(random *rand.Rand) bool {
				return failed(Judge(f, m.compared(random, c.seconds, 1.2), Options{}))
			})
			promised := unpromised
			if i == 0 {
				promised = c.idle
			}
			out = append(out, figure{fmt.Sprintf("head 20 %% slower fails, %s at +10 %%, %d s, %s", c.indicator, c.seconds, m.name), n, runs, false, promised})
		}
	}
	return out
}

// detectable holds the printed smallest detectable change to the one that four
// of five runs really notice: three quarters of it must be noticed less often,
// five quarters more often.
func detectable(t *testing.T) []figure {
	var out []figure
	for i, m := range machines {
		for j, text := range []string{"p50 <= baseline + 10%", "p95 <= baseline + 10%", "p95 <= baseline + 0%"} {
			f, seed := plan(relative(t, text)), uint64(200+10*i+j)
			const runs = 300
			printed := make([]float64, runs)
			parallel(runs, func(k int) {
				j := Judge(f, m.compared(rand.New(rand.NewPCG(seed, uint64(k))), 60, 1), Options{})
				printed[k] = j.Objectives[0].Comparison.Detectable
			})
			slices.Sort(printed)
			change := printed[runs/2]
			noticed := func(part float64) int {
				return simulate(runs, seed, func(random *rand.Rand) bool {
					return failed(Judge(f, m.compared(random, 60, 1+part*change), Options{}))
				})
			}
			what := fmt.Sprintf("of the printed change (median %.1f %%) are noticed, %s, 60 s, %s", 100*change, text, m.name)
			out = append(out,
				figure{"75 % " + what, noticed(0.75), runs, true, 0.8},
				figure{"125 % " + what, noticed(1.25), runs, false, 0.8},
			)
		}
	}
	return out
}

// losing is a service of which a share of requests fails, more in one window
// than in another for both sides; head loses so much more.
type losing struct {
	each, windows int
	share, more   float64
	spread        float64 // of the share between windows, on the ln scale
}

func (l losing) compared(random *rand.Rand) *result.Run {
	base, head := side{slower: 1}, side{slower: 1}
	for range l.windows {
		share := l.share * math.Exp(l.spread*random.NormFloat64())
		base.add(random, l.each, share)
		head.add(random, l.each, share+l.more)
	}
	return &result.Run{Stages: []result.Stage{head.finished()}, Base: &result.Base{Stages: []result.Stage{base.finished()}}}
}

// add loads one block of a second, of whose requests a share fails.
func (s *side) add(random *rand.Rand, requests int, failing float64) {
	block := result.Slice{Offset: s.stage.Duration, Width: time.Second}
	for range requests {
		if random.Float64() < failing {
			block.Counters.BadStatus++
		} else {
			block.Counters.Success++
		}
	}
	s.stage.Slices = append(s.stage.Slices, block)
	s.stage.Counters.Add(block.Counters)
	s.stage.Duration += time.Second
}

// pairedShares is base against itself and against heads that lose more
// requests, also so few that most windows have no failure at all.
func pairedShares(t *testing.T) []figure {
	exact, half := plan(relative(t, "success_rate >= baseline")), plan(relative(t, "success_rate >= baseline - 0.5%"))
	fails := func(f *slo.File, seed uint64, l losing, runs int) int {
		return simulate(runs, seed, func(random *rand.Rand) bool { return failed(Judge(f, l.compared(random), Options{})) })
	}
	var out []figure
	for i, l := range []losing{
		{each: 20, windows: 30, share: 0.005},
		{each: 20, windows: 90, share: 0.01},
		{each: 100, windows: 30, share: 0.02},
		{each: 100, windows: 30, share: 0.01, spread: 1.5},
		{each: 100, windows: 90, share: 0.002, spread: 1.5},
	} {
		at := fmt.Sprintf("%d windows, %d/s, %.1f %% lost in the middle, spread %.1f", l.windows, l.each, 100*l.share, l.spread)
		out = append(out, figure{"base against itself fails, success_rate at 0 points, " + at, fails(exact, uint64(600+i), l, 3000), 3000, true, 0.01})
	}
	for i, l := range []losing{
		{each: 20, windows: 30, more: 0.02},
		{each: 20, windows: 90, more: 0.01},
		{each: 100, windows: 30, more: 0.01},
		{each: 100, windows: 30, more: 0.02, share: 0.005},
		{each: 200, windows: 30, more: 0.01, share: 0.001, spread: 1},
	} {
		at := fmt.Sprintf("%d windows, %d/s, base loses %.1f %%, head %.1f points more", l.windows, l.each, 100*l.share, 100*l.more)
		out = append(out, figure{"head fails, success_rate at −0.5 points, " + at, fails(half, uint64(620+i), l, 500), 500, false, 0.8})
	}
	for i, l := range []losing{
		{each: 20, windows: 30},
		{each: 20, windows: 90},
		{each: 100, windows: 90},
		{each: 100, windows: 30, share: 0.005},
		{each: 20, windows: 90, share: 0.01},
		{each: 100, windows: 30, share: 0.01, spread: 1.5},
	} {
		out = append(out, noticedLoss(half, uint64(640+i), l)...)
	}
	return out
}

// noticedLoss holds the printed smallest detectable loss to the one that is
// noticed, as [detectable] does for times.
func noticedLoss(f *slo.File, seed uint64, l losing) []figure {
	const runs = 500
	printed := make([]float64, runs)
	parallel(runs, func(k int) {
		j := Judge(f, l.compared(rand.New(rand.NewPCG(seed, uint64(k)))), Options{})
		printed[k] = -j.Objectives[0].Comparison.Detectable
	})
	slices.Sort(printed)
	change := printed[runs/2]
	noticed := func(part float64) int {
		head := l
		head.more = part * change
		return simulate(runs, seed, func(random *rand.Rand) bool { return failed(Judge(f, head.compared(random), Options{})) })
	}
	what := fmt.Sprintf("of the printed loss (median %.2f points) are noticed, success_rate at −0.5 points, %d windows, %d/s, base loses %.1f %%, spread %.1f", 100*change, l.windows, l.each, 100*l.share, l.spread)
	return []figure{
		{"75 % " + what, noticed(0.75), runs, true, 0.8},
		{"125 % " + what, noticed(1.25), runs, false, 0.8},
	}
}

// historyErrors simulates runs whose p95 differs by a spread from run to run.
func historyErrors(t *testing.T) []figure {
	f := plan(relative(t, "p95 <= baseline + 10%"))
	run := func(random *rand.Rand, spread float64, n int) *result.Run {
		took := time.Duration(100 * math.Exp(spread*random.NormFloat64()) * float64(ms))
		s := side{slower: 1}
		for range 100 {
			s.all.Record(took)
		}
		s.stage.Counters.Success = 100
		return &result.Run{Start: day(n), Seed: uint64(n + 1), Stages: []result.Stage{s.finished()}}
	}
	var out []figure
	for _, spread := range []float64{0.05, 0.10} {
		for _, k := range []int{1, 2, 3, 5, 7, 8, 12, 20} {
			const runs = 6000
			n := simulate(runs, uint64(300+k), func(random *rand.Rand) bool {
				var earlier []*result.Run
				for i := range k {
					earlier = append(earlier, run(random, spread, i))
				}
				return failed(Judge(f, run(random, spread, k), Options{Baseline: earlier}))
			})
			out = append(out, figure{fmt.Sprintf("unchanged build fails at +10 %%, %d earlier results with a spread of %.0f %%", k, 100*spread), n, runs, true, 0.012})
		}
	}
	return out
}

// successErrors tells a success rate of 99.9 % from one of 99 % in 10,000
// requests.
func successErrors(*testing.T) []figure {
	f := plan(objective(slo.Indicator{Kind: slo.SuccessRate}, slo.GE, 0.995))
	const runs = 1000
	right := func(seed uint64, failing float64, want result.Verdict) int {
		return simulate(runs, seed, func(random *rand.Rand) bool {
			var load population
			for i := range 10_000 {
				class := result.Success
				if random.Float64() < failing {
					class = result.BadStatus
				}
				load.add(time.Duration(i)*10*ms, 5*ms, class)
			}
			return Judge(f, &result.Run{Stages: []result.Stage{load.stage("high", 100*time.Second)}}, Options{}).Verdict == want
		})
	}
	return []figure{
		{"success rate 99.9 %, objective ≥ 99.5 %, 10,000 requests: passes", right(400, 0.001, result.Pass), runs, false, 0.95},
		{"success rate 99 %, objective ≥ 99.5 %, 10,000 requests: fails", right(401, 0.01, result.Fail), runs, false, 0.95},
	}
}

// coverage counts the 95 % intervals of p50 and p95 that hold the value of all
// runs together.
func coverage(*testing.T) []figure {
	var out []figure
	for i, load := range []float64{0.3, 0.5, 0.7} {
		for j, stall := range []float64{0, 0.05} {
			out = append(out, coverageOf(simulated{rate: 200, load: load, stall: stall}, uint64(500+10*i+j))...)
		}
	}
	return out
}

func coverageOf(s simulated, seed uint64) []figure {
	const runs = 400
	file := plan(objective(percentile(50), slo.LE, 1), objective(percentile(95), slo.LE, 1))
	judged := make([]*result.Judgement, runs)
	measured := make([]result.Histogram, runs)
	parallel(runs, func(i int) {
		r := s.alone(rand.New(rand.NewPCG(seed, uint64(i))), 60)
		judged[i], measured[i] = Judge(file, r, Options{}), r.Stages[0].Response
	})
	var all result.Histogram
	for _, h := range measured {
		all = all.Merge(h)
	}
	stalls := "without stalls"
	if s.stall > 0 {
		stalls = "with stalls"
	}
	var out []figure
	for k, q := range []int64{50, 95} {
		truth, _ := all.Quantile(q, 100)
		held := 0
		for _, j := range judged {
			if o := j.Objectives[k]; *o.Lower <= micros(truth) && (o.Upper == nil || micros(truth) <= *o.Upper) {
				held++
			}
		}
		out = append(out, figure{fmt.Sprintf("95 %% interval of p%d holds the true value, queue at %.0f %% load %s, 60 s", q, 100*s.load, stalls), held, runs, false, 0.93})
	}
	return out
}

// The error rates that the verdicts promise, on simulated services and through
// [Judge] as a run would be. -update writes them to bench/SIMULATED.md.
func TestSimulatedErrorRates(t *testing.T) {
	if testing.Short() {
		t.Skip("takes most of a minute")
	}
	// Small runs make much garbage: collecting it as usual takes two fifths of
	// the time.
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	var table strings.Builder
	table.WriteString(simulatedHead)
	for _, part := range []struct {
		name    string
		figures func(*testing.T) []figure
	}{
		{"Base and head in one run", pairedErrors},
		{"Smallest detectable change", detectable},
		{"Shares of base and head", pairedShares},
		{"Earlier results", historyErrors},
		{"Success rate", successErrors},
		{"Intervals", coverage},
	} {
		began := time.Now()
		fmt.Fprintf(&table, "\n## %s\n\n| what | runs | rate | 95 %% interval | promised | kept |\n| --- | --- | --- | --- | --- | --- |\n", part.name)
		for _, f := range part.figures(t) {
			table.WriteString(f.row())
			if !f.proven() {
				t.Errorf("%s: %d of %d, promised %v", f.what, f.happened, f.runs, f.bound)
			}
		}
		t.Logf("%s: %v", part.name, time.Since(began).Round(time.Millisecond))
	}
	if *update {
		if err := os.WriteFile("../bench/SIMULATED.md", []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const simulatedHead = `# Simulated error rates

How often verdicts are wrong, on simulated services: a queue with Poisson arrivals and exponential work, its times scaled where head is slower or faster; base and head alternate in blocks of 1 s on one machine. A drifting machine's speed has a standard deviation of 15 % and a memory of 2 s; a neighbour makes it 1.6 times slower in spells of 5 to 20 s; a stall of 50 ms comes every 2 s. Of shares, each request of a window fails with the same probability on both sides, but for what head loses more; a spread is that of its ln between windows. Seeds are fixed: the same program gives the same table. "Within chance" is a rate that misses what is promised by no more than three binomial standard errors.

Written by ` + "`go test ./gate -run SimulatedErrorRates -update`" + `, which also fails where a promise is broken.
`
