package report

import (
	"fmt"
	"regexp"
	"strconv"
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

// frames makes the output of a live display readable: each drawing begins with
// ⏎ and how many rows up it is drawn over the one before, each row with ↓.
func frames(output string) string {
	output = cursorUp.ReplaceAllString(output, "↑$1 ")
	return strings.NewReplacer(toStart, "\n⏎ ", clearRest, "", "\n", "\n↓ ", "\x1b[", "{").Replace(output)
}

var cursorUp = regexp.MustCompile(`\x1b\[(\d+)A`)

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

// lastScreen is what remains on a terminal.
func lastScreen(output string) []string {
	rows, at, column := []string{""}, 0, 0
	for _, token := range regexp.MustCompile(`\r|\n|\x1b\[\d*[A-Z]|[^\r\n\x1b]+`).FindAllString(output, -1) {
		switch {
		case token == "\r":
			column = 0
		case token == "\n":
			at, column = at+1, 0
			if at == len(rows) {
				rows = append(rows, "")
			}
		case token == clearRest:
			rows = rows[:at+1]
			rows[at] = rows[at][:column]
		case cursorUp.MatchString(token):
			n, _ := strconv.Atoi(cursorUp.FindStringSubmatch(token)[1])
			at -= n
		default:
			rows[at] = rows[at][:column] + token
			column = len(rows[at])
		}
	}
	return rows
}

// What remains on a terminal is one block for each note and stage, whatever
// its width: nothing of what was drawn before it.
func TestProgressLeavesOneBlockPerStage(t *testing.T) {
	for _, width := range []int{30, 40, 80, 140} {
		var b strings.Builder
		show(NewProgress(&b, ProgressOptions{Live: true, Width: columns(width)}))
		var got []string
		for _, row := range lastScreen(b.String()) {
			if row != "" && row[0] != ' ' {
				got = append(got, strings.Fields(row)[0])
			}
		}
		want := []string{"waiting", "ready", "normal", "high", "extreme", "spike", "after"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("at %d columns: first words of the blocks (-want +got):\n%s", width, diff)
		}
	}
}

// A note goes above the running stage's block, which stays.
func TestProgressNotesAboveTheBlock(t *testing.T) {
	var b strings.Builder
	p := NewProgress(&b, ProgressOptions{Live: true, Width: columns(60), Every: time.Second})
	s := sampleRun(result.Warn).Stages[2]
	p.StageStart(s.Name, s.Workload, 0)
	for after := time.Second; after < 4*time.Second; after += time.Second {
		p.Update(s.Start.Add(after), partial(s, after))
	}
	before := lastScreen(b.String())
	p.Note("30 s more")
	if diff := cmp.Diff(append([]string{"30 s more"}, before...), lastScreen(b.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(before) != 2 {
		t.Errorf("at 60 columns the block has %d rows, want 2: %q", len(before), before)
	}
}

// However narrow the terminal, the block says everything, and no row of it
// reaches the terminal's last column.
func TestProgressLiveSaysEverything(t *testing.T) {
	s := sampleRun(result.Warn).Stages[2]
	s.Counters.Timeout = 12
	for width := 1; width <= 180; width += 1 + width/30 {
		var b strings.Builder
		p := NewProgress(&b, ProgressOptions{Live: true, Every: time.Second, Width: columns(width)})
		p.StageStart("a stage with a long name, 負荷試験", result.Workload{Model: "open", RateFrom: 100, RateTo: 100, Duration: time.Minute}, 0)
		for after := time.Second; after < s.Duration; after += 8 * time.Second {
			live := partial(s, after)
			live.Counters.Timeout = 12
			p.Update(s.Start.Add(after), live)
		}
		screen := lastScreen(b.String())
		for _, row := range screen {
			if got := cells.StringWidth(row); got >= max(width, 2) {
				t.Errorf("on a terminal of %d columns a row of %d was drawn: %q", width, got, row)
			}
		}
		for _, want := range []string{"░", " %", "25 s", "73/s of 100/s", "p50 2", "p95 4", "p99 ≥ 10 s", "bad status", "12 timeout"} {
			if width >= 24 && !strings.Contains(strings.Join(screen, "\n"), want) {
				t.Errorf("at %d columns the block lacks %q: %q", width, want, screen)
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
	if want := toStart + clearRest + "normal    100 requests by 5 workers\n"; b.String() != want {
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

// Workloads that run at the same time have a line each.
func TestProgressOfSeveralStages(t *testing.T) {
	var out strings.Builder
	p := NewProgress(&out, ProgressOptions{Every: time.Second})
	open := result.Workload{Model: "open", RateFrom: 100, RateTo: 100, Duration: 10 * time.Second}
	closed := result.Workload{Model: "closed", WorkersFrom: 5, WorkersTo: 5, Requests: 100}
	reads, writes := &result.Stage{Name: "mixed/reads", State: result.Completed, Duration: time.Second}, &result.Stage{Name: "mixed/writes", State: result.Completed, Duration: time.Second}
	reads.Counters.Success, writes.Counters.Success = 90, 25
	p.StageStart(reads.Name, open, 0)
	p.StageStart(writes.Name, closed, 0)
	now := time.Unix(0, 0)
	for range 2 {
		p.Update(now, reads)
		p.Update(now, writes)
		now = now.Add(time.Second)
	}
	p.StageEnd(writes)
	p.Update(now, reads)
	p.StageEnd(reads)
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line)[:3], " "))
	}
	want := []string{
		"mixed/reads 100/s for", "mixed/writes 100 requests",
		"mixed/reads 10 %", "mixed/writes 25 %", "mixed/writes 25 requests",
		"mixed/reads 10 %", "mixed/reads 90 requests",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s(-want +got):\n%s", &out, diff)
	}
}

// What the pods do stands beside the stage, as it was seen last.
func TestProgressShowsReplicas(t *testing.T) {
	var out strings.Builder
	p := NewProgress(&out, ProgressOptions{Every: time.Second, Width: columns(140)})
	s := &result.Stage{Name: "steady", Duration: time.Second}
	p.StageStart(s.Name, result.Workload{Model: "open", RateFrom: 100, RateTo: 100, Duration: 10 * time.Second}, 0)
	now := time.Unix(0, 0)
	p.Update(now, s)
	for _, seen := range []result.ClusterSample{{Ready: 1, Replicas: 1}, {Ready: 2, Replicas: 3, CPU: 0.72, AtCeiling: true}} {
		now = now.Add(time.Second)
		p.Replicas(seen)
		p.Update(now, s)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{"1/1 pod ready", "2/3 pods ready, CPU 72 %, at the ceiling"}
	if len(lines) != 3 || !strings.HasSuffix(lines[1], want[0]) || !strings.HasSuffix(lines[2], want[1]) {
		t.Errorf("got\n%s\nwant ends %q", out.String(), want)
	}
}
