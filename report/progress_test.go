package report

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

// partial is what a stage had measured after a time: the sum of its slices.
func partial(s result.Stage, after time.Duration) *result.Stage {
	out := result.Stage{Name: s.Name, Workload: s.Workload, Judged: s.Judged, Duration: after}
	for _, slice := range s.Slices {
		if slice.Offset < after {
			out.Counters.Add(slice.Counters)
			out.Response = out.Response.Merge(slice.Response)
		}
	}
	out.OK = s.OK
	return &out
}

// show plays a whole run to a display, with a tick each second.
func show(p *Progress) {
	stages := sampleRun(result.Warn).Stages
	p.Note("waiting for http://localhost:8000/health")
	p.Note("ready after 1.2 s")
	for i, s := range stages {
		idle := time.Duration(0)
		if i == 1 {
			idle = 3 * time.Second
		}
		p.StageStart(s.Name, s.Workload, idle)
		at := s.Start.Add(-idle)
		for ; at.Before(s.Start); at = at.Add(time.Second) {
			p.Update(at, nil)
		}
		for after := time.Second; after < s.Duration; after += time.Second {
			p.Update(s.Start.Add(after), partial(s, after))
		}
		p.StageEnd(&s)
	}
	spike := result.Stage{
		Name: "spike", Workload: result.Workload{Model: "open", RateFrom: 50, RateTo: 500, Duration: 30 * time.Second, Arrivals: "poisson"},
		State: result.Aborted, Reason: "success_rate >= 50%: cannot be met any more", Duration: 12 * time.Second,
	}
	spike.Counters = result.Counters{Success: 300, Timeout: 1210, Refused: 412, Unsent: 9}
	p.StageStart(spike.Name, spike.Workload, 0)
	for after := time.Second; after <= spike.Duration; after += time.Second {
		live := spike
		live.Duration = after
		live.Counters.Success = 25 * int64(after.Seconds())
		p.Update(started.Add(after), &live)
	}
	p.StageEnd(&spike)
	p.StageEnd(&result.Stage{Name: "after", State: result.NotRun, Reason: "the run was stopped"})
	p.Close()
}

func columns(n int) func() int { return func() int { return n } }

// frames makes the output of a live display readable: each drawing is a line
// of its own, marked where it is drawn over the one before.
func frames(output string) string {
	return strings.NewReplacer(toStart, "\n⏎ ", clearRest, "", "\n", "\n↓", "\x1b[", "{").Replace(output)
}

func TestProgressGolden(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts ProgressOptions
	}{
		{"plain", ProgressOptions{}},
		{"plain-40", ProgressOptions{Width: columns(40)}},
		{"live-40", ProgressOptions{Live: true, Every: 4 * time.Second, Width: columns(40)}},
		{"live-80", ProgressOptions{Live: true, Every: 4 * time.Second}},
		{"live-140", ProgressOptions{Live: true, Every: 4 * time.Second, Width: columns(140)}},
		{"live-color", ProgressOptions{Live: true, Every: 10 * time.Second, Width: columns(100), Color: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			show(NewProgress(&b, tt.opts))
			got := b.String()
			if tt.opts.Live {
				got = frames(got) + "\n"
			}
			golden(t, "progress/"+tt.name+".txt", got)
		})
	}
}

// lastScreen is what remains on a terminal: what was drawn over is gone.
func lastScreen(output string) string {
	var b strings.Builder
	for row := range strings.Lines(output) {
		row = row[strings.LastIndex(row, toStart)+1:]
		b.WriteString(strings.ReplaceAll(row, clearRest, ""))
	}
	return b.String()
}

// What remains on a terminal is one line for each note and stage.
func TestProgressLeavesOneLinePerStage(t *testing.T) {
	var b strings.Builder
	show(NewProgress(&b, ProgressOptions{Live: true, Width: columns(120)}))
	var got []string
	for line := range strings.Lines(lastScreen(b.String())) {
		got = append(got, strings.Fields(line)[0])
	}
	want := []string{"waiting", "ready", "normal", "high", "extreme", "spike", "after"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("first words of the lines (-want +got):\n%s", diff)
	}
}

// A line that is drawn over must never reach the end of the row.
func TestProgressLiveStaysOnOneRow(t *testing.T) {
	for width := 1; width <= 200; width++ {
		var b strings.Builder
		p := NewProgress(&b, ProgressOptions{Live: true, Every: time.Second, Width: columns(width)})
		p.StageStart("a stage with a long name, 負荷試験", result.Workload{Model: "open", RateTo: 1000, Duration: time.Hour}, time.Minute)
		s := sampleRun(result.Warn).Stages[2]
		for after := time.Second; after < s.Duration; after += 4 * time.Second {
			p.Update(s.Start.Add(after), partial(s, after))
		}
		p.StageEnd(&s)
		for line := range strings.SplitSeq(b.String(), toStart) {
			line = strings.TrimSuffix(strings.ReplaceAll(line, clearRest, ""), "\n")
			if got := cells.StringWidth(line); got >= max(width, 2) {
				t.Errorf("on a terminal of %d columns a line of %d was drawn: %q", width, got, line)
			}
		}
	}
}

func TestProgressPlainLinesEveryTenSeconds(t *testing.T) {
	var b strings.Builder
	p := NewProgress(&b, ProgressOptions{})
	s := sampleRun(result.Warn).Stages[2]
	p.StageStart(s.Name, s.Workload, 0)
	before := strings.Count(b.String(), "\n")
	for tick := range 25 * 4 { // 25 s
		p.Update(started.Add(time.Duration(tick)*250*time.Millisecond), partial(s, time.Duration(tick)*250*time.Millisecond))
	}
	if got := strings.Count(b.String(), "\n") - before; got != 2 {
		t.Errorf("%d lines in 25 s, want 2:\n%s", got, b.String())
	}
	if bad := harmful(b.String()); bad != "" {
		t.Error(bad)
	}
}

// The rate that is shown is the recent one: the mean since the start would
// follow a ramp too late.
func TestRunningRate(t *testing.T) {
	var r running
	finished := int64(0)
	for second := range 20 {
		perSecond := int64(10)
		if second >= 10 {
			perSecond = 100
		}
		finished += perSecond
		s := &result.Stage{Duration: time.Duration(second+1) * time.Second}
		s.Counters.Success = finished
		r.see(s)
	}
	if got, ok := r.rate(); !ok || got != 100 {
		t.Errorf("rate after ten seconds of 10/s and ten of 100/s is %v, %v; want 100", got, ok)
	}
	if len(r.window) > 4 {
		t.Errorf("%d readings are kept for a window of %v with one a second", len(r.window), rateWindow)
	}
}

func TestRunningAsked(t *testing.T) {
	ramp := result.Workload{Model: "open", RateFrom: 50, RateTo: 150, Duration: 10 * time.Second}
	workers := result.Workload{Model: "closed", WorkersFrom: 0, WorkersTo: 50, Duration: 10 * time.Second}
	for _, tt := range []struct {
		name  string
		w     result.Workload
		after time.Duration
		want  string
	}{
		{"ramp at its start", ramp, 0, "of 50/s"},
		{"ramp in the middle", ramp, 5 * time.Second, "of 100/s"},
		{"ramp while the last answers come", ramp, 12 * time.Second, "of 150/s"},
		{"workers in the middle", workers, 5 * time.Second, "by 25 workers"},
		{"workers for a number of requests", result.Workload{Model: "closed", Requests: 10, WorkersFrom: 1, WorkersTo: 1}, time.Second, "by 1 worker"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := running{workload: tt.w, stage: &result.Stage{Duration: tt.after}}
			if got := r.asked(); got != tt.want {
				t.Errorf("asked() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRunningDone(t *testing.T) {
	for _, tt := range []struct {
		name string
		w    result.Workload
		s    *result.Stage
		want float64
	}{
		{"not started", result.Workload{Requests: 10}, nil, 0},
		{"by requests", result.Workload{Requests: 10, Duration: time.Second}, &result.Stage{Requests: result.Requests{Counters: result.Counters{Success: 2, Timeout: 3}}}, 0.5},
		{"by time", result.Workload{Duration: 8 * time.Second}, &result.Stage{Duration: 2 * time.Second}, 0.25},
		{"more than all", result.Workload{Duration: 8 * time.Second}, &result.Stage{Duration: 9 * time.Second}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (running{workload: tt.w, stage: tt.s}).done(); got != tt.want {
				t.Errorf("done() = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestProgressCloseEndsAnInterruptedLine(t *testing.T) {
	var b strings.Builder
	p := NewProgress(&b, ProgressOptions{Live: true})
	p.StageStart("normal", result.Workload{Model: "closed", Requests: 100, WorkersFrom: 5, WorkersTo: 5}, 0)
	p.Close()
	p.Close()
	if want := toStart + "normal    100 requests by 5 workers" + clearRest + "\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestProgressGivesUpABrokenPipe(t *testing.T) {
	for _, live := range []bool{true, false} {
		t.Run(fmt.Sprintf("live=%v", live), func(t *testing.T) {
			w := &brokenPipe{}
			show(NewProgress(w, ProgressOptions{Live: live}))
			if w.writes != 1 {
				t.Errorf("%d writes to a broken pipe, want 1", w.writes)
			}
		})
	}
}

func TestProgressIsSafeForConcurrentUse(t *testing.T) {
	var b strings.Builder
	p := NewProgress(&b, ProgressOptions{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				p.Note("still waiting")
			}
		})
	}
	wg.Go(func() { show(p) })
	wg.Wait()
	if got := strings.Count(b.String(), "still waiting\n"); got != 200 {
		t.Errorf("%d of 200 notes are whole", got)
	}
}
