package loader

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

func TestFetcher(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/metrics":
			_, _ = w.Write([]byte("for " + r.Header.Get("Authorization")))
		case "/large":
			_, _ = w.Write(make([]byte, 101))
		default:
			http.Error(w, "no", http.StatusNotFound)
		}
	})
	l := newLoader(t, fileOf(url, get("/")), Options{})
	for _, c := range []struct{ path, want, err string }{
		{"/metrics", "for me", ""},
		{"/else", "", "status 404"},
		{"/large", "", "the answer has more than 100 bytes"},
	} {
		r := *get(c.path).Request
		r.Headers = []slo.Header{{Name: "Authorization", Value: slo.Template{{Literal: "me"}}}}
		fetch, err := l.Fetcher(&r, 100, patience)
		if err != nil {
			t.Fatal(err)
		}
		// Twice: over a new connection and, where that stayed open, over the same.
		for range 2 {
			got, err := fetch(t.Context())
			said := ""
			if err != nil {
				said = err.Error()
			}
			if string(got) != c.want || said != c.err {
				t.Errorf("%s: %q, error %q, want %q, error %q", c.path, got, said, c.want, c.err)
			}
		}
	}
}

// Headers of the file may hold what before has captured.
func TestFetcherKnowsCaptures(t *testing.T) {
	k := &keeper{renewed: make(chan struct{})}
	file := parseWhole(t, fmt.Sprintf(withToken, serve(t, k.serve))+"metrics: {scrape: /metrics}\n")
	l := newLoader(t, file, Options{})
	fetch, err := l.Fetcher(file.Metrics.Scrape, 100, patience)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fetch(t.Context()); err == nil || err.Error() != "capture secret_token is used here and was not made" {
		t.Errorf("before the login: %v", err)
	}
	if err := l.Before(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := fetch(t.Context()); err != nil || string(got) != `{"id": 7}` {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFetcherMasksSecrets(t *testing.T) {
	file := fileOf("http://"+closedPort, get("/"))
	file.Secrets = []string{"hunter2"}
	l := newLoader(t, file, Options{})
	fetch, err := l.Fetcher(get("/metrics?key=hunter2").Request, 100, patience)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fetch(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
	bad := get("/metrics").Request
	bad.Path = slo.Template{{Literal: "/%zz?hunter2"}}
	if _, err := l.Fetcher(bad, 100, patience); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}

// What lies between two borders is one window of both sides, where its answers
// do not outlast it.
func TestPairShowsItsBorders(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		attempts(t, func(time.Duration) string {
			var v visited
			p := newPair(t, engine, v.server(t, "base", ok), v.server(t, "head", ok), get("/"))
			const windows = 12
			var seen []map[string]int64
			b, h := p.Run(t.Context(), rated(100, time.Hour), Turns{Block: 50 * ms, Windows: windows, WarmUp: 2, Border: func(bool) {
				seen = append(seen, map[string]int64{"base": int64(len(v.of("base"))), "head": int64(len(v.of("head")))})
			}})
			if len(seen) != windows+1 {
				t.Fatalf("%d borders, want %d", len(seen), windows+1)
			}
			answered := func(i int) bool { // in time, in both blocks of a window
				slowest, _ := b.Slices[i].Response.Merge(h.Slices[i].Response).Max()
				return slowest < awaited
			}
			compared := 0
			for i := 1; i < windows; i++ {
				if !answered(i-1) || !answered(i) {
					continue
				}
				compared++
				for side, s := range map[string]*result.Stage{"base": b, "head": h} {
					if got, want := seen[i+1][side]-seen[i][side], s.Slices[i].Counters.Success; got != want {
						// Once, it may be of a warm-up that a stalled machine left behind.
						return fmt.Sprintf("window %d: %s was asked %d times, its slice has %d", i, side, got, want)
					}
				}
			}
			if compared == 0 {
				return "no window had all of its answers in time"
			}
			return ""
		})
	})
}
