//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/bench/loopback"
	"github.com/slogate/slogate/result"
)

// TestMain lets the test be the processes that the command starts of itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if _, is := parts[os.Args[1]]; is {
			if err := start(os.Args[1:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// What is packed comes back as it was, bucket by bucket.
func TestPackedRunsComeBack(t *testing.T) {
	s := settings{data: t.TempDir(), packed: t.TempDir()}
	var r result.Recorder
	for _, us := range []int{3, 3, 1999, 2048, 2051, 70_001} {
		r.Record(time.Duration(us) * time.Microsecond)
	}
	slice := result.Slice{Width: time.Second, Counters: result.Counters{Success: 6}, Response: r.Histogram()}
	failing := slice
	failing.Offset, failing.Width, failing.Counters = time.Second, 300*time.Millisecond, result.Counters{Success: 5, BadStatus: 1}
	want := kept{
		machine: "a machine", start: time.Unix(1_800_000_000, 5).UTC(), seed: math.MaxUint64, overhead: 70 * time.Microsecond,
		base: []result.Slice{slice}, head: []result.Slice{slice, failing},
	}
	if err := writePacked(filepath.Join(s.data, "queue-30_000"+packedEnd), []kept{want}); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"the cache", "the repository", "both"} {
		m, err := load(s)
		if err != nil {
			t.Fatal(err)
		}
		equal := cmp.AllowUnexported(kept{}, result.Histogram{})
		if diff := cmp.Diff(measured{"queue-30": {want}}, m, equal); diff != "" {
			t.Errorf("from %s (-want +got):\n%s", from, diff)
		}
		if from == "the cache" {
			if err := pack(s, m); err != nil {
				t.Fatal(err)
			}
			s.data = t.TempDir()
		}
		if from == "the repository" {
			if err := writePacked(filepath.Join(s.data, "queue-30_007"+packedEnd), m["queue-30"]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The queue in virtual time has the response times of M/M/1, and stalls add to
// them.
func TestLineIsTheQueueOfTheory(t *testing.T) {
	for _, q := range queues {
		h := long(q, 1_000_000)
		for _, p := range []int64{50, 95} {
			got, _ := h.Quantile(p, 100)
			want := exact(q, float64(p)/100)
			if off := float64(got)/float64(want) - 1; q.stalls && off < 0 || !q.stalls && math.Abs(off) > 0.03 {
				t.Errorf("%s: p%d is %v, theory without stalls says %v", q.name(), p, got, want)
			}
		}
	}
}

// A stall of 50 ms begins every 2 s and interrupts what is being served.
func TestStallsInterruptWork(t *testing.T) {
	l := &line{random: loopback.Seeded(1), stalls: true}
	for at := time.Duration(0); at < time.Minute; at += 7 * time.Millisecond {
		if into := l.depart(at) % stallEvery; into > 0 && into < stallTime {
			t.Fatalf("an answer left %v into a stall", into)
		}
	}
}

// A service fails as often as it should.
func TestAnswersFailAtRandom(t *testing.T) {
	runs, err := answers(t.Context(), 0.3, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := runs[0].head[0].Counters
	// Six standard errors of 10,000 requests: 2.7 %.
	if share := float64(c.BadStatus) / float64(c.Judged()); c.Judged() != answersNeeded || math.Abs(share-0.3) > 0.027 {
		t.Errorf("counters are %+v", c)
	}
}

// A queue answers when it has planned to and not before.
func TestQueueAnswersInTime(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	target, err := loopback.Launch(ctx, "queue", "stalls", "1")
	if err != nil {
		t.Fatal(err)
	}
	const n = 10
	var waited [n]time.Duration
	var wg sync.WaitGroup
	for i := range waited {
		wg.Go(func() {
			start := time.Now()
			answer, err := http.Get(target)
			if err != nil {
				t.Error(err)
				return
			}
			answer.Body.Close()
			waited[i] = time.Since(start)
		})
	}
	wg.Wait()
	p, err := askPlanned(ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	var sum time.Duration
	for _, w := range waited {
		sum += w
	}
	if p.requests != n || p.response <= 0 || sum < p.response {
		t.Errorf("planned %+v, waited %v", p, sum)
	}
}

// The report is made of whatever there is, of nothing as well.
func TestReport(t *testing.T) {
	s := settings{out: filepath.Join(t.TempDir(), "report.md")}
	if err := writeReport(s, measured{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(s.out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## What is promised", "| – |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

// What is printed and what is found of a queue in virtual time, base and head
// alike, are about the same.
func TestSharpness(t *testing.T) {
	var runs [][]window
	q := queueKind{load: 50}
	for i := range uint64(12) {
		var windows []window
		base, head := virtual(q, 2*i), virtual(q, 2*i+1)
		for k := range queueTime / windowTime {
			windows = append(windows, window{base[k], head[k]})
		}
		runs = append(runs, windows)
	}
	var b strings.Builder
	if err := sharpness(&b, "idle", "virtual", runs); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(rows) != len(objectives) {
		t.Fatalf("rows are %q", rows)
	}
	for _, row := range rows[:2] { // p99 has too few pairs
		ratio, err := strconv.ParseFloat(strings.TrimSpace(strings.Split(row, "|")[6]), 64)
		if err != nil || ratio < 0.6 || ratio > 1.5 {
			t.Errorf("printed ÷ found of %s is %v (%v)", row, ratio, err)
		}
	}
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		k, n int
		want string
	}{
		{0, 0, "–"},
		{0, 60, "0.0 % (0 of 60; 0.0 to 6.0)"},
		{60, 60, "100.0 % (60 of 60; 94.0 to 100.0)"},
	} {
		if got := loopback.Share(c.k, c.n); got != c.want {
			t.Errorf("Share(%d, %d) = %q, want %q", c.k, c.n, got, c.want)
		}
	}
	for want, r := range map[string]row{
		"yes":           {must: atMost(0.01), happened: 0, runs: 60},
		"within chance": {must: atMost(0.01), happened: 1, runs: 60},
		"**no**":        {must: atLeast(0.95), happened: 40, runs: 60},
		"–":             {happened: 40, runs: 60},
	} {
		if got := r.kept(); got != want {
			t.Errorf("%+v is kept: %s, want %s", r, got, want)
		}
	}
}
