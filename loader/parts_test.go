package loader

import (
	"io"
	"log"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/secret"
	"github.com/slogate/slogate/slo"
)

var quiet = log.New(io.Discard, "", 0)

// No secret may stay because the text was cut within it.
func TestMaskAtTheCut(t *testing.T) {
	const phrase = "correct horse battery staple"
	m := secret.NewMask([]string{phrase, "x"})
	for at := range 3 * len(phrase) {
		text := strings.Repeat(".", at) + phrase + strings.Repeat(".", 50)
		if got := clean(m, []byte(text), 40); strings.Contains(got, "cor") || len(got) > 40 {
			t.Fatalf("at %d: %q", at, got)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("a\x1b[2J\xff\r\n::error::\u202e s3cret"), 10)
	f.Fuzz(func(t *testing.T, raw []byte, limit int) {
		limit = 8 + (limit&0x7fffffff)%4096
		m := secret.NewMask([]string{"s3cret"})
		got := clean(m, raw, limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.Contains(got, "s3cret") {
			t.Errorf("%q becomes %q", raw, got)
		}
		for _, r := range got {
			if r < ' ' || 0x7f <= r && r < 0xa0 {
				t.Errorf("%q keeps control character %U", got, r)
			}
		}
	})
}

func TestValues(t *testing.T) {
	u := newUser(7, 1, nil)
	u.now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.FixedZone("", 3600)) }
	p := &plan{scenarios: make([]scenario, 1), weights: []int{1}}
	tests := []struct {
		part slo.Part
		want string // regexp
	}{
		{slo.Part{Literal: "${x}"}, `\$\{x\}`},
		{slo.Part{Value: slo.UUID}, `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`},
		{slo.Part{Value: slo.Now}, `2026-01-02T02:04:05\.006Z`},
		{slo.Part{Value: slo.Now, Escape: slo.EscapeForm}, `2026-01-02T02%3A04%3A05\.006Z`},
		{slo.Part{Value: slo.Worker}, `7`},
		{slo.Part{Value: slo.Iteration}, `[0-9]+`},
		{slo.Part{Value: slo.RandomInt, Args: []string{"-3", "3"}}, `-?[0-3]`},
		{slo.Part{Value: slo.RandomInt, Args: []string{"-9223372036854775808", "9223372036854775807"}}, `-?[0-9]+`},
		{slo.Part{Value: slo.RandomString, Args: []string{"12"}}, `[a-zA-Z0-9]{12}`},
		{slo.Part{Value: slo.RandomOf, Args: []string{`a"b`, `a"b`}, Escape: slo.EscapeJSON}, `a\\"b`},
		{slo.Part{Value: slo.RandomOf, Args: []string{"a/b c"}, Escape: slo.EscapePath}, `a%2Fb%20c`},
	}
	for _, test := range tests {
		seen := map[string]bool{}
		for i := range int64(200) {
			u.begin(p, i)
			got := u.text(slo.Template{test.part})
			seen[got] = true
			if !regexp.MustCompile("^(?:" + test.want + ")$").MatchString(got) {
				t.Errorf("%+v becomes %q, want %s", test.part, got, test.want)
			}
		}
		if test.part.Value == slo.RandomInt && test.part.Args[0] == "-3" && len(seen) != 7 {
			t.Errorf("%d of 7 numbers in 200 draws", len(seen))
		}
		if test.part.Value == slo.UUID && len(seen) != 200 {
			t.Errorf("%d different of 200", len(seen))
		}
	}
}

func TestPauseIsWithinItsLimits(t *testing.T) {
	u := newUser(0, 3, nil)
	for _, p := range []slo.Pause{{}, {Min: ms, Max: ms}, {Min: ms, Max: 2 * ms}} {
		for range 1000 {
			if d := u.pause(p); d < p.Min || d > p.Max {
				t.Fatalf("%+v drew %v", p, d)
			}
		}
	}
}

func TestSlowestAreTheSlowest(t *testing.T) {
	st := &step{request: &slo.Request{Name: "r"}}
	parts := []*samples{}
	for range 3 {
		p := newSamples(&sampler{mask: secret.NewMask(nil)}, 1)
		parts = append(parts, &p)
	}
	for i := range 100 {
		parts[i%3].add(&outcome{step: st, class: result.Success, response: time.Duration(i * 37 % 100)})
	}
	_, slowest := mergeSamples(parts)
	var got []time.Duration
	for _, s := range slowest {
		got = append(got, s.Response)
	}
	if diff := cmp.Diff([]time.Duration{99, 98, 97, 96, 95}, got); diff != "" {
		t.Errorf("slowest (-want +got):\n%s", diff)
	}
}

// Slices of a stage of unknown length: 16 when it was short, seconds when it
// was long, and never a request lost in between.
func TestSlicesOfUnknownLength(t *testing.T) {
	st := &step{request: &slo.Request{}}
	tests := map[string]struct {
		length time.Duration
		want   int
	}{
		"below 1.6 s": {1250 * ms, 13}, "16 tenths": {1600 * ms, 16}, "a little more": {1700 * ms, 16},
		"just below 16 s": {15990 * ms, 16}, "17.5 s": {17500 * ms, 18}, "a minute": {time.Minute, 60},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			set, part := newSliceSet(0), &slicePart{width: fineWidth}
			var sent int64
			for at := time.Duration(0); at < test.length; at += 10 * ms {
				part.add(&outcome{step: st, class: result.Success, due: at, response: ms})
				sent++
				set.mark(at, int(at/time.Second))
				if at%(50*ms) == 0 {
					set.collect(part)
				}
				if at >= sliceCount*sliceWidth && set.width == fineWidth {
					set.collect(part)
					part.width = sliceWidth
					set.widen()
				}
			}
			set.collect(part)
			list, flying := set.result(test.length)
			if len(list) != test.want || len(flying) != len(list) {
				t.Fatalf("%d slices, %d in flight, want %d", len(list), len(flying), test.want)
			}
			var end time.Duration
			var got int64
			for _, s := range list {
				if s.Offset != end {
					t.Errorf("a slice begins at %v, the one before ends at %v", s.Offset, end)
				}
				end = s.Offset + s.Width
				got += s.Counters.Success
				if perSecond := float64(s.Counters.Success) / s.Width.Seconds(); perSecond < 99 || perSecond > 101 {
					t.Errorf("slice at %v of %v holds %d", s.Offset, s.Width, s.Counters.Success)
				}
			}
			if end != test.length || got != sent {
				t.Errorf("slices end at %v with %d requests, want %v and %d", end, got, test.length, sent)
			}
		})
	}
}

func TestSlicesOfKnownLength(t *testing.T) {
	for planned, want := range map[time.Duration]int{100 * ms: 16, 5 * time.Second: 16, 16 * time.Second: 16, 16500 * ms: 17, time.Minute: 60} {
		list, _ := newSliceSet(planned).result(planned + time.Second)
		var sum time.Duration
		for _, s := range list {
			sum += s.Width
		}
		if len(list) != want || sum != planned {
			t.Errorf("%v: %d slices of together %v, want %d", planned, len(list), sum, want)
		}
	}
}

func TestDeadWatch(t *testing.T) {
	count := func(success, failed int64) result.Counters { return result.Counters{Success: success, Refused: failed} }
	tests := map[string]struct {
		looks []result.Counters // one a second, from 1 s
		want  int               // the look that finds it dead, 0: none
		text  string
	}{
		"never lived":  {grow(0, 0, 0, 5, 15), 10, "50 of 50 requests failed within 10 s; it had never succeeded"},
		"died at 5 s":  {append(grow(0, 0, 50, 0, 5), grow(250, 0, 0, 50, 15)...), 14, "450 of 500 requests failed within 10 s; it had answered 200 requests well before"},
		"died early":   {append(grow(0, 0, 50, 0, 1), grow(50, 0, 0, 50, 15)...), 10, "450 of 500 requests failed within 10 s; it had answered 50 requests well"},
		"no files":     {[]result.Counters{9: {Local: 500}, 10: {Local: 600}}, 0, ""},
		"few files":    {[]result.Counters{9: {Local: 300, Refused: 200}}, 10, "200 of 200 requests failed within 10 s; it had never succeeded"},
		"healthy":      {grow(0, 0, 5, 0, 40), 0, ""},
		"80 % fail":    {grow(0, 0, 1, 4, 40), 0, ""},
		"too few":      {[]result.Counters{count(0, 9), count(0, 9), count(0, 9), 9: count(0, 9), 10: count(0, 9)}, 0, ""},
		"shorter than": {grow(0, 0, 0, 100, 9), 0, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := deadWatch{rule: defaultDeadRule}
			for i, c := range test.looks {
				text, dead := w.look(time.Duration(i+1)*time.Second, c)
				if dead != (test.want == i+1) || text != "" && text != test.text {
					t.Fatalf("look %d: %v %q, want look %d %q", i+1, dead, text, test.want, test.text)
				}
				if dead {
					return
				}
			}
		})
	}
}

// grow counts on from success and failed by so many a second, n times.
func grow(success, failed, moreSuccess, moreFailed int64, n int) []result.Counters {
	var list []result.Counters
	for range n {
		success, failed = success+moreSuccess, failed+moreFailed
		list = append(list, result.Counters{Success: success, Refused: failed})
	}
	return list
}

func TestSelfWatch(t *testing.T) {
	w := watchSelf()
	for start := processTime(); processTime()-start < 5*ms && processTime() > 0; {
	}
	var g result.Generator
	w.look(&g)
	if processTime() > 0 && g.CPU <= 0 || g.CPU > 1 || g.Throttled < 0 || g.Throttled > 1 {
		t.Errorf("CPU share %v, throttled %v", g.CPU, g.Throttled)
	}
	before := w.throttled
	for held, want := range map[time.Duration]float64{0: 0, time.Hour: 1} {
		w.held = func() time.Duration { return before + held }
		if w.look(&g); g.Throttled != want {
			t.Errorf("held back for %v: share %v, want %v", held, g.Throttled, want)
		}
	}
}
